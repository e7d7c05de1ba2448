"""Recalls of items that were sent on by consent: they are recalled there too, and the originator sees who erased.

docs/protocol/10-recall.md, "Onward release"; everything happens in the transaction that brought the recall.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from entente.core import canon
from entente.core.errors import EntenteError
from entente.core.ids import Member, b32, origin_of, unb32
from entente.core.shape import check_entries
from entente.kinds.erased import KIND as ERASED
from entente.kinds.passed import KIND as PASSED
from entente.ledger.log import Draft
from entente.node.items import erasing
from entente.node.items.consents import asks, sent_under
from entente.node.items.erasing import ErasureAsked
from entente.node.logs.proofs import proof_of
from entente.policy.approval import State
from entente.store import shelf

if TYPE_CHECKING:
    from entente.kinds.onward import Ask
    from entente.node.home.base import Base
    from entente.node.items.consents import SentOn
    from entente.node.rooms.in_force import InForce
    from entente.store.ports import PayloadRow, Transaction

FOLLOWED: Final = shelf.raw("followed")
"""Asks of ours whose items were recalled and called back where we had sent them."""

DUE: Final = 7 * 86_400_000
NOBODY: Final = b32(bytes(16))


def follow(tx: Transaction, base: Base, in_force: InForce, log: bytes) -> None:
    """Call back what we sent on of this log, where all that was asked about is erased here now."""
    mine = [each for each in asks(in_force).values() if each.author == base.me and each.log == log]
    for ask in mine:
        done = FOLLOWED.holds(tx, b32(ask.thing))
        if (
            done
            or in_force.standing(ask.thing) is not State.IN_FORCE
            or not erasing.all_erased(tx, ask.log, ask.entries)
        ):
            continue
        FOLLOWED.put(tx, b32(ask.thing), b"1")
        reached: set[Member] = set()
        for sent in sent_under(tx, ask.thing):
            row = tx.logs.get(origin_of(unb32(sent.log, 32)))
            room = in_force.rooms.get(unb32(sent.room, 32))
            if row is None or room is None:
                continue
            asked = ErasureAsked("withdrawn", base.clock() + DUE, NOBODY)
            erasing.ask(tx, base, room, row, [index for index, _ in sent.entries], asked)
            reached |= set(room.members)
            for member in sorted(set(room.members) & ask.to):
                _show(tx, base, in_force, ask, sent, member)
        for member in sorted(ask.to - reached):
            _append(tx, base, in_force, ask, member, b"")


def show(tx: Transaction, base: Base, in_force: InForce, member: Member, log: bytes) -> None:
    """Show originators that a member has erased what we had sent on in this log of ours, where it was recalled."""
    for thing in FOLLOWED.keys(tx):
        ask = asks(in_force).get(unb32(thing, 32))
        for sent in sent_under(tx, unb32(thing, 32)) if ask is not None and member in ask.to else []:
            if ask is not None and sent.log == b32(log):
                _show(tx, base, in_force, ask, sent, member)


def _show(tx: Transaction, base: Base, in_force: InForce, ask: Ask, sent: SentOn, member: Member) -> None:
    """Pass on the act by which a member erased what we had sent it, once and if there is one."""
    if any(member in erasing.passed(tx, ask.log, index) for index, _ in ask.entries):
        return
    logs = {row.id: row for row in tx.logs.all() if row.member == member}
    for each in tx.payloads.acts([ERASED.name]):
        if each.log in logs and _names(each, sent):
            try:
                proof = proof_of(base, tx, in_force.rooms, logs[each.log], each, most=0)
            except EntenteError:
                continue  # not provable: another act may be
            _append(tx, base, in_force, ask, member, proof)
            return


def _names(act: PayloadRow, sent: SentOn) -> bool:
    body = canon.decode(act.data)
    named = {(index, b32(leaf)) for index, leaf in check_entries(body)}
    return body["log"] == sent.log and named >= set(sent.entries)


def _append(tx: Transaction, base: Base, in_force: InForce, ask: Ask, member: Member, proof: bytes) -> None:
    room = in_force.rooms.get(ask.circle)
    if room is None or in_force.rooms.ended(room):
        return
    body = PASSED.make(ask.log, ask.entries, member=member, proof=proof)
    now = base.clock()
    base.append(tx, room, [Draft(PASSED.name, now, b"", body)])
    erasing.file_passed(tx, now, canon.decode(body, len(body)))
