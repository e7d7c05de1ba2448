"""Which heads of others' logs count here (docs/protocol/2-ledger.md, "Key history")."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entente.core import note
from entente.core.ids import Member, keys_origin

if TYPE_CHECKING:
    from entente.node.home.base import Base
    from entente.node.rooms.room import Room
    from entente.store.ports import LogRow, Transaction


def signer_of(base: Base, tx: Transaction, room: Room, row: LogRow, head: bytes) -> note.Verifier:
    """Return the log key under which a head counts; our own log may be taken back under any key that we had.

    RefusedError "retired-key" where no other member of the room vouches for what a retired key signed;
    VerificationError for a head that carries no line of its member.
    """
    history = base.history(tx, Member(row.member))
    if row.member == base.me:
        return history.signer(note.Note.parse(head))
    others = [member for member in room.members if member != row.member]
    vouchers = (base.history(tx, each).current.cosigners(each)[0] for each in others if _known(tx, each))
    return history.counted(head, row.note, vouchers)


def _known(tx: Transaction, member: Member) -> bool:
    row = tx.logs.get(keys_origin(member))
    return row is not None and row.size > 0
