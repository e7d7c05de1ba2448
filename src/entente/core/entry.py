"""Entries: the small leaf that a log commits to, and its salted commitment to a payload that lies beside the log.

Normative text: `docs/protocol/2-ledger.md`, section Entry. A leaf is written once and from then on opaque bytes.
"""

from __future__ import annotations

import re
from binascii import a2b_base64, b2a_base64
from hashlib import sha256
from typing import TYPE_CHECKING, Final

import msgspec

from entente.core.errors import InvalidError

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_LEAF: Final = 512
MAX_PAYLOAD: Final = 2**31 - 1
MAX_TIME: Final = 2**53 - 1
SALT_SIZE: Final = 16
COMMITMENT_SIZE: Final = 32

_PREFIX: Final = b"entente/commit/v1\0"
_TO_URL: Final = bytes.maketrans(b"+/", b"-_")
_FROM_URL: Final = bytes.maketrans(b"-_", b"+/")
_KIND: Final = re.compile(r"[a-z][a-z-]{0,30}/[1-9][0-9]{0,2}")
_LEAF: Final = re.compile(  # the last character of a commitment has two bits to spare, which must be clear
    rb'\{"c":"([A-Za-z0-9_-]{42}[AEIMQUYcgkosw048])","k":"([a-z][a-z-]{0,30}/[1-9][0-9]{0,2})",'
    rb'"s":(0|[1-9][0-9]{0,9}),"t":(0|[1-9][0-9]{0,15}),"v":1\}'
)


class Entry(msgspec.Struct, frozen=True):
    """What a leaf says: kind, claimed time in milliseconds, payload size in bytes, commitment."""

    kind: str
    time: int
    size: int
    commitment: bytes

    def __post_init__(self) -> None:
        """Refuse anything that no leaf could say with an InvalidError."""
        _check_columns((self.kind,), (self.time,), (self.size,), (self.commitment,))

    def leaf(self) -> bytes:
        """Return the one spelling of this entry, the bytes that a log hashes."""
        return _compose((self.kind,), (self.time,), (self.size,), (self.commitment,))[0]


def parse(leaf: bytes) -> Entry:
    """Read a leaf; raise InvalidError unless it is spelt exactly as `Entry.leaf` spells it."""
    match = _LEAF.fullmatch(leaf) if len(leaf) <= MAX_LEAF else None
    if match is None:
        raise InvalidError("The leaf is not a well-formed entry of version 1.")
    text, kind, size, time = match.groups()
    return Entry(kind.decode(), int(time), int(size), a2b_base64(text.translate(_FROM_URL) + b"="))


def commitment(salt: bytes, payload: bytes) -> bytes:
    """Return the commitment (32 bytes) to `payload`; raise InvalidError unless the salt has 16 bytes."""
    return commitments((salt,), (payload,))[0]


def commitments(salts: Sequence[bytes], payloads: Sequence[bytes]) -> list[bytes]:
    """Return the commitment of each payload with its salt; raise InvalidError unless every salt has 16 bytes."""
    if len(salts) != len(payloads) or any(len(salt) != SALT_SIZE for salt in salts):
        raise InvalidError("Every payload needs a salt of 16 bytes.")
    sha, prefix = sha256, _PREFIX
    return [sha(prefix + salt + payload).digest() for salt, payload in zip(salts, payloads, strict=True)]


def leaves(
    kinds: Sequence[str], times: Sequence[int], salts: Sequence[bytes], payloads: Sequence[bytes]
) -> list[bytes]:
    """Return the leaf of each entry, given in columns of equal length; raise InvalidError as `Entry` would."""
    return leaves_of(kinds, times, [len(payload) for payload in payloads], commitments(salts, payloads))


def leaves_of(
    kinds: Sequence[str], times: Sequence[int], sizes: Sequence[int], committed: Sequence[bytes]
) -> list[bytes]:
    """Return the leaf of each entry whose commitment is known already; raise InvalidError as `Entry` would."""
    _check_columns(kinds, times, sizes, committed)
    return _compose(kinds, times, sizes, committed)


def _check_columns(
    kinds: Sequence[str], times: Sequence[int], sizes: Sequence[int], committed: Sequence[bytes]
) -> None:
    if not len(kinds) == len(times) == len(sizes) == len(committed):
        raise InvalidError("The columns of a batch of entries have different lengths.")
    if not kinds:
        return
    for kind in set(kinds):
        if _KIND.fullmatch(kind) is None:
            raise InvalidError(f"{kind!r} is not the name of a kind of entry, such as item/1.")
    if min(times) < 0 or max(times) > MAX_TIME:
        raise InvalidError("The claimed time of an entry is outside 0..2^53-1 milliseconds.")
    if min(sizes) < 0 or max(sizes) > MAX_PAYLOAD:
        raise InvalidError("The payload size of an entry is outside 0..2^31-1 bytes.")
    if any(len(each) != COMMITMENT_SIZE for each in committed):
        raise InvalidError("A commitment has 32 bytes.")


def _compose(
    kinds: Sequence[str], times: Sequence[int], sizes: Sequence[int], committed: Sequence[bytes]
) -> list[bytes]:
    """Write the leaves; base64 is made of all commitments at once: with a zero byte each is 33 bytes, 44 characters."""
    text = b2a_base64(b"\0".join((*committed, b"")), newline=False).translate(_TO_URL).decode()
    starts = range(0, len(text), 44)
    return [
        f'{{"c":"{text[start : start + 43]}","k":"{kind}","s":{size},"t":{time},"v":1}}'.encode()
        for start, kind, size, time in zip(starts, kinds, sizes, times, strict=True)
    ]
