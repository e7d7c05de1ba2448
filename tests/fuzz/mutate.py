"""Change bytes, JSON documents and messages at random: what the fuzz runs feed to parsers, all of it from a seed."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import msgspec

from doors.fuzz import BYTES, NUMBERS, TEXTS, odd, places

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

DEEP = 40
"""Below that a document is changed as bytes only."""

TOKENS = (
    b"\0",
    b"\n",
    b"\n\n",
    b"\r",
    b" ",
    b"\xe2\x80\x94 ",
    b"\xe2\x80\xae",
    b"\xed\xa0\x80",
    b"\xff",
    b"=",
    b"==",
    b"-1",
    b"0",
    b"00",
    b"1e309",
    b"NaN",
    b"null",
    b"true",
    b"[]",
    b"{}",
    b'""',
    b'"\\ud800"',
    b"\\u0000",
    b"9223372036854775807",
    b"18446744073709551616",
    b"9" * 400,
    b"[" * 2000,
    b'{"a":' * 2000,
    b"(" * 500,
    b"A" * 4096,
)


def mutated(data: bytes, others: list[bytes], chance: random.Random, cap: int) -> bytes:
    """Return `data` changed in one to eight places, as bytes or, where it is a document, as one."""
    kind = chance.random()
    if kind < 0.35 and data[:1] in {b"{", b"["}:
        changed = _document(data, chance)
    elif kind < 0.45 and data[:1] >= b"\x80":
        changed = _packed(data, chance)
    else:
        changed = data
        for _ in range(chance.choice((1, 1, 2, 3, 8))):
            changed = _bytes(changed, others, chance)
    return changed[:cap]


def _bytes(data: bytes, others: list[bytes], chance: random.Random) -> bytes:
    """Flip a bit, drop or repeat a stretch, or put something else in its place or before it."""
    at = chance.randrange(len(data) + 1)
    end = min(len(data), at + chance.choice((1, 2, 4, 16, 64, 1024)))
    other = chance.choice(others)
    put, upto = chance.choice(
        (
            lambda: (bytes([data[at] ^ 1 << chance.randrange(8)]) if at < len(data) else b"", at + 1),
            lambda: (b"", end),
            lambda: (chance.randbytes(chance.choice((1, 2, 8, 33))), at),
            lambda: (data[at:end] * chance.choice((2, 3, 50)), end),
            lambda: (other[chance.randrange(len(other) + 1) :], len(data)),
            lambda: (chance.choice(BYTES)[:4096], at),
            lambda: (str(chance.choice(NUMBERS)).encode(), end),
            lambda: (chance.choice(TEXTS).encode(errors="surrogatepass")[:4096], at),
            lambda: (chance.choice(TOKENS), at),
        )
    )()
    return data[:at] + put + data[upto:]


def _packed(data: bytes, chance: random.Random) -> bytes:
    """Replace one to three parts of a MessagePack array; return the bytes as they are if they are none."""
    try:
        message: Any = msgspec.msgpack.decode(data)  # Any: it is taken apart piece by piece
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return data
    try:
        for _ in range(chance.choice((1, 1, 2, 3))):
            found = list(places(message))
            if found:
                _replace(message, chance.choice(found), chance)
        return msgspec.msgpack.encode(message)
    except (RecursionError, OverflowError, TypeError):
        return data


def _document(data: bytes, chance: random.Random) -> bytes:
    """Replace, drop, double or add parts of a JSON document; often spell it canonically again."""
    try:
        document: Any = json.loads(data)  # Any: it is taken apart piece by piece
    except (ValueError, RecursionError):
        return data
    for _ in range(chance.choice((1, 1, 2, 3))):
        found = list(_steps(document))
        if found:
            _replace(document, chance.choice(found), chance)
    try:
        if chance.random() < 0.8:
            return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        return json.dumps(document).encode()
    except (TypeError, ValueError, RecursionError):
        return data


def _steps(value: object, path: tuple[object, ...] = ()) -> Iterator[tuple[object, ...]]:
    if path:
        yield path
    if len(path) >= DEEP:
        return
    inside: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in inside:
        yield from _steps(inner, (*path, step))


def _replace(holder: Any, path: tuple[Any, ...], chance: random.Random) -> None:
    for step in path[:-1]:
        holder = holder[step]
    at, value = path[-1], holder[path[-1]]
    if isinstance(holder, dict) and chance.random() < 0.2:
        del holder[at]
        holder[chance.choice((str(at) + "x", "v", "", "\u2028"))] = value
        return
    made = deepcopy(odd(value, chance))  # some of what it gives is used again and again
    holder[at] = made.decode("latin-1") if isinstance(made, bytes) and isinstance(holder, dict) else made
