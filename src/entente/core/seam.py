"""A tree of which the first leaves are held and the rest is known by a consistency proof (RFC 6962, section 2.1.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entente.core.errors import VerificationError
from entente.core.merkle import node_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Reader = Callable[[int, int], bytes]


class Seam:
    """A tree of `size` leaves; `read(level, node)` gives complete subtrees among the first `held` leaves."""

    def __init__(self, held: int, size: int, proof: Sequence[bytes], read: Reader) -> None:
        """Take the verified consistency proof from `held` to `size` leaves; VerificationError if its length differs."""
        self.size = size
        self._held = held
        self._read = read
        ranges = _ranges(held, 0, size, whole=True) if 0 < held < size else []
        if len(ranges) != len(proof):
            raise VerificationError(f"The consistency proof from {held} to {size} leaves has the wrong length.")
        self._known = dict(zip(ranges, proof, strict=True))

    def inclusion(self, index: int) -> list[bytes]:
        """Return the proof that leaf `index` is in the tree; VerificationError unless it is one of those held."""
        if not 0 <= index < self._held:
            raise VerificationError(f"Leaf {index} is not held.")
        low, high, proof = 0, self.size, list[bytes]()
        while high - low > 1:
            middle = low + _split(high - low)
            proof.append(self._root(middle, high) if index < middle else self._root(low, middle))
            low, high = (low, middle) if index < middle else (middle, high)
        return proof[::-1]

    def consistency(self, size: int) -> list[bytes]:
        """Return the proof that the tree of `size` leaves begins this one; VerificationError if fewer are held."""
        if not 0 <= size <= self._held:
            raise VerificationError(f"{size} leaves are not held, or not all of them.")
        if size in {0, self.size}:
            return []
        return [self._root(low, high) for low, high in _ranges(size, 0, self.size, whole=True)]

    def _root(self, low: int, high: int) -> bytes:
        """Return the root over the leaves from `low` to `high`."""
        if (low, high) in self._known:
            return self._known[low, high]
        width = high - low
        if high <= self._held and width & (width - 1) == 0 and low % width == 0:
            level = width.bit_length() - 1
            return self._read(level, low >> level)
        if low >= self._held:
            raise VerificationError(f"Leaves {low} to {high} are not known one by one.")
        middle = low + _split(width)
        return node_hash(self._root(low, middle), self._root(middle, high))


def _ranges(size: int, low: int, high: int, *, whole: bool) -> list[tuple[int, int]]:
    """Return over which leaves the lines of the proof from `size` leaves stand, in their order (SUBPROOF)."""
    if size == high:
        return [] if whole else [(low, high)]
    middle = low + _split(high - low)
    if size <= middle:
        return [*_ranges(size, low, middle, whole=whole), (middle, high)]
    return [*_ranges(size, middle, high, whole=False), (low, middle)]


def _split(width: int) -> int:
    """Return the largest power of two below `width`."""
    return 1 << (width - 1).bit_length() - 1
