"""Seams tie the entries that we hold of a log to a signed head that covers more: a proof need not wait for the rest.

docs/protocol/2-ledger.md, "Accepting entries": a head comes with the first entries that it covers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from entente.core import merkle
from entente.core.errors import StoreError
from entente.core.seam import Seam
from entente.store import shelf

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entente.store.ports import LogRow, Transaction

SEAMS: Final = shelf.raw("seam")


def keep(tx: Transaction, before: LogRow, row: LogRow, start: int, hashes: list[bytes], proof: Sequence[bytes]) -> None:
    """Keep what ties the entries held to a head that covers more; `hashes` from `start` and `proof` came with it."""
    if row.size == row.signed:
        if before.size < before.signed:
            SEAMS.drop(tx, row.origin)
        return

    def read(level: int, index: int) -> bytes:
        if (index + 1) << level <= row.size:
            return tx.logs.node(row.id, level, index)
        if level == 0:
            return hashes[index - start]
        return merkle.node_hash(read(level - 1, 2 * index), read(level - 1, 2 * index + 1))

    seam = Seam(start + len(hashes), row.signed, proof, read)
    SEAMS.put(tx, row.origin, b"".join(seam.consistency(row.size)))


def ties(tx: Transaction, row: LogRow) -> bool:
    """Say whether what is held of a log is tied to its head."""
    return row.size >= row.signed or SEAMS.holds(tx, row.origin)


def seam_of(tx: Transaction, row: LogRow) -> Seam:
    """Return the tree that the signed head of a log covers, which may be larger than what is held of it.

    StoreError for a log whose entries are gone: what was held once cannot be less than its head without a seam.
    """
    proof: list[bytes] = []
    if row.size < row.signed:
        kept = SEAMS.get(tx, row.origin)
        if kept is None:
            raise StoreError("A log that this rests on is cut short.", hint="Run `entente doctor`.")
        proof = [kept[at : at + merkle.HASH_SIZE] for at in range(0, len(kept), merkle.HASH_SIZE)]
    return Seam(min(row.size, row.signed), row.signed, proof, lambda level, index: tx.logs.node(row.id, level, index))
