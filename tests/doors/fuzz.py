"""Odd messages: a real one taken apart, with one part of it replaced by what nobody would send."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import zstandard

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

NUMBERS = (0, 1, -1, 255, 256, 1 << 31, (1 << 53) - 1, 1 << 53, 1 << 62, (1 << 63) - 1, -(1 << 63), (1 << 64) - 1)
BYTES = (
    b"",
    b"\0",
    bytes(31),
    bytes(32),
    bytes(33),
    b"\xff" * 32,
    b"\xff\xfe",
    b"{}",
    b"\n\n\n",
    b"[" * 3000,
    bytes(70_000),
)
TEXTS = (
    "",
    "\0",
    "item/1",
    "key/1",
    "agreement/1",
    "nosuch/1",
    "x" * 70_000,
    "\ud7ff",
    "witnessed",
    "stored",
    "read",
    "\u2028",
)
OTHERS: tuple[Any, ...] = (None, True, False, 1.5, float("inf"), {}, {"a": 1}, [], [[]], [None] * 3, [[[[[[]]]]]])
"""What stands where something else should: Any, because it is of every kind."""


def pack(value: object) -> bytes:
    """Return a message body of any value."""
    return zstandard.ZstdCompressor(level=1).compress(msgspec.msgpack.encode(value))


def unpack(body: bytes) -> Any:
    """Return the value in a message body; Any, because it is taken apart piece by piece."""
    with zstandard.ZstdDecompressor().stream_reader(body) as reader:
        return msgspec.msgpack.decode(reader.read())


def places(value: object, path: tuple[int, ...] = ()) -> Iterator[tuple[int, ...]]:
    """Yield the place of every part of a message."""
    if path:
        yield path
    if isinstance(value, list):
        for at, inner in enumerate(value):
            yield from places(inner, (*path, at))


def odd(value: object, chance: random.Random) -> object:
    """Return something else: often of the same kind but out of bounds, sometimes of another kind."""
    if chance.random() < 0.25:
        return chance.choice(OTHERS)
    options: tuple[object, ...] = (None,)
    if isinstance(value, bool):
        options = (not value,)
    elif isinstance(value, int):
        options = (*NUMBERS, value + 1, value - 1, -value)
    elif isinstance(value, bytes):
        options = (*BYTES, _bent(value, chance), value[:-1], value + b"\0", value * 2)
    elif isinstance(value, str):
        options = (*TEXTS, value[:-1], value + "x", value.upper())
    elif isinstance(value, list):
        options = ([], value[:-1], value * 2, value[::-1], [*value, None], value[1:])
    return chance.choice(options)


def mutate(body: bytes, chance: random.Random) -> bytes:
    """Return the message with one to three of its parts replaced."""
    message = unpack(body)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        path = chance.choice(list(places(message)))
        holder = message
        for step in path[:-1]:
            holder = holder[step]
        holder[path[-1]] = odd(holder[path[-1]], chance)
    return pack(message)


def _bent(value: bytes, chance: random.Random) -> bytes:
    if not value:
        return b"\1"
    at = chance.randrange(len(value))
    return value[:at] + bytes([value[at] ^ 1 << chance.randrange(8)]) + value[at + 1 :]
