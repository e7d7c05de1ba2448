"""Merkle tree of a log: roots and proofs of RFC 6962 section 2.1, checked as in RFC 9162 sections 2.1.3 and 2.1.4."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final, TypeAlias

from entente.core.errors import InvalidError, VerificationError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Reader: TypeAlias = "Callable[[int, int], bytes]"
"""Gives the hash of the complete subtree number `index` with 2**`level` leaves, called as `read(level, index)`."""

HASH_SIZE: Final = 32
MAX_SIZE: Final = 2**63 - 1
MAX_PROOF: Final = 63
EMPTY_ROOT: Final = sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of one leaf."""
    return sha256(b"\x00" + data).digest()


def leaf_hashes(leaves: Sequence[bytes]) -> list[bytes]:
    """Return the hash of each of `leaves`, in their order."""
    sha = sha256
    return [sha(b"\x00" + data).digest() for data in leaves]


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node."""
    return sha256(b"\x01" + left + right).digest()


def root(hashes: Sequence[bytes]) -> bytes:
    """Return the root over these leaf hashes, `EMPTY_ROOT` over none."""
    if not hashes:
        return EMPTY_ROOT
    level = list(hashes)
    while len(level) > 1:
        above = _pairs(level)
        if len(level) % 2:
            above.append(level[-1])
        level = above
    return level[0]


def reader(hashes: Sequence[bytes]) -> Reader:
    """Return a `Reader` that holds the whole tree over these leaf hashes in memory."""
    levels = [list(hashes)]
    while len(levels[-1]) > 1:
        levels.append(_pairs(levels[-1]))

    def read(level: int, index: int) -> bytes:
        return levels[level][index]

    return read


class Frontier:
    """Compact range of a whole tree: its size and the roots of its largest complete subtrees, enough to grow it."""

    __slots__ = ("_peaks", "size")

    size: int
    _peaks: list[bytes]

    def __init__(self, size: int, peaks: list[bytes]) -> None:
        """Hold `peaks` by level, an empty entry where the bit of `size` is clear; use `empty` or `from_bytes`."""
        self.size = size
        self._peaks = peaks

    @classmethod
    def empty(cls) -> Frontier:
        """Return the frontier of the tree without leaves."""
        return cls(0, [])

    @classmethod
    def from_bytes(cls, size: int, data: bytes) -> Frontier:
        """Read what `to_bytes` wrote for a tree of `size` leaves; raise InvalidError if they do not fit."""
        if not 0 <= size <= MAX_SIZE:
            raise InvalidError(f"A tree of {size} leaves is outside 0..2^63-1.")
        if len(data) != size.bit_count() * HASH_SIZE:
            raise InvalidError(f"A tree of {size} leaves has {size.bit_count()} peaks; {len(data)} bytes are not that.")
        peaks = [b""] * size.bit_length()
        position = 0
        for level in reversed(range(len(peaks))):
            if size >> level & 1:
                peaks[level] = data[position : position + HASH_SIZE]
                position += HASH_SIZE
        return cls(size, peaks)

    def to_bytes(self) -> bytes:
        """Return the peaks, the largest first, 32 bytes each."""
        return b"".join(reversed(self._peaks))

    def copy(self) -> Frontier:
        """Return a frontier that grows on its own."""
        return Frontier(self.size, self._peaks.copy())

    def extend(self, hashes: Sequence[bytes]) -> None:
        """Append these leaf hashes in place; the work is one node hash per leaf."""
        peaks, added = self._peaks, list(hashes)
        self.size += len(added)
        level = 0
        while added:
            if level == len(peaks):
                peaks.append(b"")
            if peaks[level]:
                added.insert(0, peaks[level])
            peaks[level] = added[-1] if len(added) % 2 else b""
            added = _pairs(added)
            level += 1

    def root(self) -> bytes:
        """Return the root of the tree as it stands."""
        peaks = [peak for peak in self._peaks if peak]
        return _fold(peaks) if peaks else EMPTY_ROOT


def inclusion_proof(index: int, size: int, read: Reader) -> list[bytes]:
    """Return the proof that leaf `index` is in the tree of `size` leaves; raise InvalidError if it cannot be."""
    if not 0 <= index < size <= MAX_SIZE:
        raise InvalidError(f"There is no leaf {index} in a tree of {size} leaves.")
    return _path(0, index, size, read)


def consistency_proof(size1: int, size2: int, read: Reader) -> list[bytes]:
    """Return the proof that the tree of `size1` leaves begins that of `size2`; raise InvalidError if it cannot."""
    if not 0 <= size1 <= size2 <= MAX_SIZE:
        raise InvalidError(f"A tree of {size2} leaves does not continue one of {size1} leaves.")
    if size1 in {0, size2}:
        return []
    level = (size1 & -size1).bit_length() - 1
    node = (size1 >> level) - 1
    start = [read(level, node)] if node else []
    return start + _path(level, node, size2, read)


def root_from_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """Return the root that `proof` leads to from a leaf hash; raise VerificationError if its length is wrong."""
    if not 0 <= index < size <= MAX_SIZE:
        raise VerificationError(f"There is no leaf {index} in a tree of {size} leaves.")
    _check_lines((leaf, *proof), len(proof))
    node, last, result = index, size - 1, leaf
    for line in proof:
        if not last:
            raise VerificationError("The inclusion proof is longer than the tree is high.")
        if node & 1 or node == last:
            result = node_hash(line, result)
            shift = _zeros(node)
            node, last = node >> shift, last >> shift
        else:
            result = node_hash(result, line)
        node, last = node >> 1, last >> 1
    if last:
        raise VerificationError("The inclusion proof is shorter than the tree is high.")
    return result


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Accept if the leaf hash `leaf` is number `index` under `root`; raise VerificationError otherwise."""
    if root_from_inclusion(leaf, index, size, proof) != root:
        raise VerificationError(f"The inclusion proof of leaf {index} does not lead to the root of {size} leaves.")


def verify_consistency(size1: int, root1: bytes, size2: int, root2: bytes, proof: Sequence[bytes]) -> None:
    """Accept if the tree (size2, root2) continues the tree (size1, root1); raise VerificationError otherwise."""
    if not 0 <= size1 <= size2 <= MAX_SIZE:
        raise VerificationError(f"A tree of {size2} leaves does not continue one of {size1} leaves.")
    if size1 != size2:  # at equal sizes the published vectors compare roots of any length
        _check_lines((root1, root2, *proof), len(proof))
    if size1 in {0, size2}:
        _check_trivial(size1, root1, size2, root2, proof)
        return
    power_of_two = size1 & (size1 - 1) == 0
    lines = [root1, *proof] if power_of_two else list(proof)
    if not lines or (old_new := _climb(size1, size2, lines)) is None:
        raise VerificationError(f"The consistency proof from {size1} to {size2} leaves has the wrong length.")
    if old_new != (root1, root2):
        raise VerificationError(f"The consistency proof from {size1} to {size2} leaves does not lead to both roots.")


def _pairs(level: Sequence[bytes]) -> list[bytes]:
    """Hash neighbours; an odd last one is left out."""
    sha, each = sha256, iter(level)
    return [sha(b"\x01" + left + right).digest() for left, right in zip(each, each, strict=False)]


def _fold(peaks: Sequence[bytes]) -> bytes:
    """Join the roots of complete subtrees, the smallest (rightmost) first."""
    result = peaks[0]
    for peak in peaks[1:]:
        result = node_hash(peak, result)
    return result


def _path(level: int, node: int, size: int, read: Reader) -> list[bytes]:
    """Return the siblings on the way from a complete subtree up to the root."""
    proof: list[bytes] = []
    last = (size - 1) >> level
    while last:
        sibling = node ^ 1
        if (sibling + 1) << level <= size:
            proof.append(read(level, sibling))
        elif sibling <= last:
            proof.append(_ragged(sibling << level, size, read))
        node, last, level = node >> 1, last >> 1, level + 1
    return proof


def _ragged(start: int, size: int, read: Reader) -> bytes:
    """Return the root of the leaves from `start` to the end, which are no complete subtree."""
    peaks: list[bytes] = []
    end = size
    while end > start:
        level = (end & -end).bit_length() - 1
        peaks.append(read(level, (end >> level) - 1))
        end &= end - 1
    return _fold(peaks)


def _climb(size1: int, size2: int, lines: Sequence[bytes]) -> tuple[bytes, bytes] | None:
    """Follow a consistency proof; return the old and the new root, or None if its length does not fit."""
    node, last = size1 - 1, size2 - 1
    shift = _zeros(~node)
    node, last = node >> shift, last >> shift
    old = new = lines[0]
    for line in lines[1:]:
        if not last:
            return None
        if node & 1 or node == last:
            old, new = node_hash(line, old), node_hash(line, new)
            shift = _zeros(node)
            node, last = node >> shift, last >> shift
        else:
            new = node_hash(new, line)
        node, last = node >> 1, last >> 1
    return None if last else (old, new)


def _zeros(number: int) -> int:
    """Count the clear bits below the lowest set bit; none if there is no set bit."""
    return max((number & -number).bit_length() - 1, 0)


def _check_trivial(size1: int, root1: bytes, size2: int, root2: bytes, proof: Sequence[bytes]) -> None:
    if proof:
        raise VerificationError(
            f"From {size1} to {size2} leaves there is nothing to prove, yet the proof is not empty."
        )
    if size1 == 0 and root1 != EMPTY_ROOT:
        raise VerificationError("The root of the empty tree is not the hash of nothing.")
    if size1 == size2 and root1 != root2:
        raise VerificationError(f"There are two different roots for {size1} leaves.")


def _check_lines(hashes: Sequence[bytes], lines: int) -> None:
    if lines > MAX_PROOF:
        raise VerificationError(f"A proof has at most {MAX_PROOF} lines; this one has {lines}.")
    if any(len(line) != HASH_SIZE for line in hashes):
        raise VerificationError("A hash in the proof is not 32 bytes long.")
