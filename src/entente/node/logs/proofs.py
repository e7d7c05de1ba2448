"""Proof files of single entries, as they leave this node (docs/protocol/2-ledger.md, "Proof file")."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entente.core.errors import NotFoundError
from entente.core.ids import Member, b32, origin_of, unb32
from entente.ledger import witness
from entente.ledger.proof import write_proof
from entente.ledger.seams import seam_of
from entente.node.rooms import forked_logs

if TYPE_CHECKING:
    from entente.node.home.base import Base
    from entente.node.rooms.room import Rooms
    from entente.store.ports import LogRow, PayloadRow, Transaction


def proof_of(base: Base, tx: Transaction, rooms: Rooms, row: LogRow, payload: PayloadRow, *, most: int = 64) -> bytes:
    """Return the proof file of an entry that a signed head covers, with the cosignatures of at most `most` members.

    NotFoundError for an entry that no signed head covers yet, StoreError where the log is cut short here.
    """
    if not payload.index < row.signed:
        raise NotFoundError("No signed head covers this entry yet.", hint="Exchange with a partner, then try again.")
    lines = witness.lines_for(tx, row, row.signed)
    others = sorted({Member(each.member) for each in lines} & rooms.members(row.circle) - {Member(row.member)})
    members = [Member(row.member), *others[:most]]
    hashes = seam_of(tx, row).inclusion(payload.index)
    return write_proof(
        index=payload.index,
        part=(payload.kind, payload.time, payload.salt, payload.head + payload.data),
        hashes=hashes,
        checkpoint=row.note,
        author=base.history(tx, Member(row.member)),
        cosigners=[base.history(tx, member) for member in members],
        cosignatures=[each.line for each in lines],
    )


def proof_at(base: Base, tx: Transaction, rooms: Rooms, ref: str, *, most: int) -> bytes:
    """Return the proof file of the entry with this reference, in whichever history; NotFoundError if it is not held."""
    log, index, leaf = ref.split("/")
    row, place = tx.logs.get(origin_of(unb32(log, 32))), int(index)
    if row is not None and place < row.size and b32(tx.logs.node(row.id, 0, place)) == leaf:
        for held in tx.payloads.get(row.id, place, place + 1):
            return proof_of(base, tx, rooms, row, held, most=most)
    if (stray := forked_logs.get(tx, ref)) is not None:
        return stray.proof
    raise NotFoundError(f"The entry {ref[:20]} is not held here.")
