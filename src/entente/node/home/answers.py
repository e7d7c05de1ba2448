"""The one final answer of this member to what an act asks: to an agreement, a circle, an amendment, a plan, an ask.

docs/protocol/7-changes.md, "Coming into force".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from entente.core import canon
from entente.core.errors import ConflictError
from entente.core.ids import b32
from entente.kinds.approval import KIND as APPROVAL
from entente.ledger.log import Draft
from entente.policy.approval import APPROVE, REFUSE

if TYPE_CHECKING:
    from entente.core.kind import Place
    from entente.kinds.approval import Answer
    from entente.node.home.base import Base
    from entente.node.rooms.in_force import InForce
    from entente.node.rooms.room import Room
    from entente.store.ports import Transaction


def given(in_force: InForce, thing: bytes, *, refuse: bool) -> Answer | None:
    """Return our answer to a thing, None if we gave none; ConflictError ("answered") if it was the other one."""
    found = in_force.answers(thing).get(in_force.me)
    if found is not None and found.answer != (REFUSE if refuse else APPROVE):
        raise ConflictError("You have answered already; a first answer is final.", code="answered")
    return found


def append(base: Base, tx: Transaction, room: Room, thing: bytes, after: str, *, refuse: bool, person: str) -> Place:
    """Append our answer in a room and return where it stands.

    `thing` is the leaf hash or id that the answer is about, `after` the reference of the act that asks ("": none here).
    """
    body: dict[str, object] = {
        "of": b32(thing),
        "revision": b32(room.revision),
        "answer": REFUSE if refuse else APPROVE,
        "person": person,
        "after": [after] if after else [],
    }
    _, places = base.append(tx, room, [Draft(APPROVAL.name, base.clock(), b"", canon.encode(body))])
    return places[0]
