"""Leaves of a log in rows: each with its length in two bytes before it."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Final

from entente.core.errors import LimitError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_LEAF: Final = 0xFFFF

_LENGTH: Final = Struct(">H")


def check(leaves: Sequence[bytes], hashes: Sequence[bytes]) -> None:
    """Raise LimitError unless each leaf has one hash and at most 65,535 bytes."""
    if len(leaves) != len(hashes) or any(len(leaf) > MAX_LEAF for leaf in leaves):
        raise LimitError(f"each leaf has one hash and at most {MAX_LEAF} bytes")


def joined(leaves: Sequence[bytes]) -> bytes:
    """Return leaves as a row holds them."""
    pack = _LENGTH.pack
    return b"".join([pack(len(leaf)) + leaf for leaf in leaves])


def split(row: bytes) -> Iterator[bytes]:
    """Return the leaves of a row."""
    place = 0
    while place < len(row):
        if place + _LENGTH.size > len(row):
            raise StoreError("A row of leaves in this home is damaged.", hint="Restore a backup.")
        (length,) = _LENGTH.unpack_from(row, place)
        place += _LENGTH.size + length
        yield row[place - length : place]
