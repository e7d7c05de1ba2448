"""Proof files of single entries, as they leave this node (docs/protocol/2-ledger.md, "Proof file")."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entente.core import merkle
from entente.core.errors import NotFoundError
from entente.core.ids import Member
from entente.ledger import witness
from entente.ledger.proof import write_proof

if TYPE_CHECKING:
    from entente.node.base import Base
    from entente.node.rooms import Charters
    from entente.store.ports import LogRow, PayloadRow, Transaction


def proof_of(
    base: Base, tx: Transaction, charters: Charters, row: LogRow, payload: PayloadRow, *, most: int = 64
) -> bytes:
    """Return the proof file of an entry that a signed head covers, with the cosignatures of at most `most` members.

    NotFoundError for an entry that no signed head covers yet.
    """
    if not payload.index < row.signed <= row.size:
        raise NotFoundError("No signed head covers this entry yet.", hint="Exchange with a partner, then try again.")
    lines = witness.lines_for(tx, row, row.signed)
    others = sorted({Member(each.member) for each in lines} & charters.members(row.circle) - {Member(row.member)})
    members = [Member(row.member), *others[:most]]
    hashes = merkle.inclusion_proof(payload.index, row.signed, lambda level, index: tx.logs.node(row.id, level, index))
    return write_proof(
        index=payload.index,
        part=(payload.kind, payload.time, payload.salt, payload.head + payload.data),
        hashes=hashes,
        checkpoint=row.note,
        author=base.history(tx, Member(row.member)),
        cosigners=[base.history(tx, member) for member in members],
        cosignatures=[each.line for each in lines],
    )
