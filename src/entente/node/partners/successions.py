"""Successions of others: keep the new keys of a member that lost its old ones until the quorum has approved them.

docs/protocol/2-ledger.md, "Whose word counts"; docs/protocol/3-kinds.md, "Succession".
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec

from entente.core.errors import ConflictError, NotFoundError
from entente.core.ids import Member, b32, unb32
from entente.kinds.succession import KIND as SUCCESSION
from entente.kinds.succession import Succession
from entente.ledger import keys as key_logs
from entente.ledger.history import KeyHistory, read_history, words_of
from entente.ledger.log import Accepted, Draft
from entente.node.home import answers
from entente.node.home.checked import checked
from entente.node.home.people import operator
from entente.node.partners.values import SuccessionAnswer, SuccessionInfo
from entente.policy.approval import APPROVE, REFUSE, State
from entente.store import shelf

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entente.ledger.package import Package
    from entente.node.home.base import Base
    from entente.node.rooms.in_force import InForce
    from entente.node.rooms.room import Room
    from entente.store.ports import LogRow, Transaction

PENDING = shelf.raw("succession")
"""Key histories (JSON) by member that nothing but an approval lets in."""

ANSWERED = shelf.text("succession-answer")
"""By member: our answer to its pending succession."""
"""Whose pending keys a person here has answered: from then on no other keys take their place."""


def take(tx: Transaction, row: LogRow, head: bytes, packages: list[Package]) -> Accepted:
    """Accept entries of a key history; one with a succession is kept as pending and fails with "succession"."""
    accepted = key_logs.take(tx, row, head, packages)
    if accepted.failure is not None and accepted.failure.code == "succession":
        keep(tx, key_logs.given(tx, row, head, packages))
    return accepted


def keep(tx: Transaction, history: KeyHistory) -> None:
    """Keep a history that nothing but an approval lets in, in place of the one kept before unless that was answered."""
    held = _pending(tx, history.member)
    grows = held is None or held.entries == history.entries[: held.size]
    if grows or not ANSWERED.holds(tx, b32(history.member)):
        PENDING.put(tx, b32(history.member), msgspec.json.encode(history.document()))


def _pending(tx: Transaction, member: Member) -> KeyHistory | None:
    data = PENDING.get(tx, b32(member))
    return None if data is None else read_history(msgspec.json.decode(data))


def _record(history: KeyHistory) -> tuple[int, bytes]:
    """Return what an approval names: the size up to the last succession, and the hash of that entry's payload."""
    at = history.successions[-1]
    return at + 1, sha256(history.entries[at][3]).digest()


def apply_due(base: Base, tx: Transaction) -> bool:
    """Take every pending succession that is approved; return whether there was one."""
    taken = False
    for key in PENDING.keys(tx):
        history, in_force = _pending(tx, Member(unb32(key, 32))), base.in_force(tx)
        asked = [] if history is None else _asked(in_force, history)
        if history is not None and State.IN_FORCE in {in_force.standing(each.act.place.leaf) for each in asked}:
            _apply(tx, history)
            taken = True
    return taken


def _apply(tx: Transaction, history: KeyHistory) -> None:
    key_logs.take_document(tx, history, approved=True)
    PENDING.drop(tx, b32(history.member))
    ANSWERED.drop(tx, b32(history.member))


def _asked(in_force: InForce, history: KeyHistory) -> list[Succession]:
    """Return the proposals of exactly this succession, in rooms that the member concerned is in."""
    wanted = (history.member, *_record(history))
    held: dict[bytes, Succession] = in_force.view.states[SUCCESSION.name]
    return [each for each in held.values() if (each.member, each.keys, each.record) == wanted]


@checked
class Successions:
    """What the other members do for one that lost its keys."""

    def __init__(self, base: Base) -> None:
        """Work on this base."""
        self._base = base

    def list(self) -> Sequence[SuccessionInfo]:
        """Return the pending successions, with who has approved them."""
        with self._base.store.read() as tx:
            in_force = self._base.in_force(tx)
            found = [_pending(tx, Member(unb32(key, 32))) for key in PENDING.keys(tx)]
            return [self._info(tx, in_force, history) for history in found if history is not None]

    def _info(self, tx: Transaction, in_force: InForce, history: KeyHistory) -> SuccessionInfo:
        base, asked = self._base, _asked(in_force, history)
        given = {
            member: answer.answer for each in asked for member, answer in in_force.answers(each.act.place.leaf).items()
        }
        needed = max((in_force.view.things[each.act.place.leaf].needed for each in asked), default=0)
        return SuccessionInfo(
            b32(history.member),
            base.name_of(tx, history.member),
            history.size,
            b32(_record(history)[1]),
            words_of(history),
            history.current.url,
            "proposed" if asked else "pending",
            needed,
            [SuccessionAnswer(b32(member), answer) for member, answer in sorted(given.items())],
        )

    def answer(self, member: str, *, refuse: bool = False, person: str = "") -> SuccessionInfo:
        """Approve or refuse a member's new keys, in every agreement shared with it; ask for them where nobody has.

        Compare the six words of the new card with the member itself first. NotFoundError if nothing is pending,
        ConflictError if other new keys of the same member were approved here before.
        """
        base = self._base
        with base.commit() as tx:
            concerned = base.find_member(tx, member)
            history = _pending(tx, concerned)
            if history is None:
                raise NotFoundError(
                    f"{base.name_of(tx, concerned)} has no new keys that wait for an approval.",
                    hint="Read its new card first: `entente partner add FILE`.",
                )
            in_force = base.in_force(tx)
            rooms = _rooms(in_force, base.me, concerned)
            self._check_rivals(tx, in_force, history, refuse=refuse)
            who = operator(tx, person)
            answer = REFUSE if refuse else APPROVE
            for room in rooms:
                self._answer(tx, room, history, answer, who)
            ANSWERED.put(tx, b32(concerned), answer)
            info = self._info(tx, base.in_force(tx), history)
            if not rooms and not refuse:  # no agreement, so nobody else to ask
                _apply(tx, history)
            applied = apply_due(base, tx) or (not rooms and not refuse)
            if not rooms and refuse:
                PENDING.drop(tx, b32(concerned))
        state = "in-force" if applied else "refused" if refuse else "waiting"
        return msgspec.structs.replace(info, state=state)

    def _check_rivals(self, tx: Transaction, in_force: InForce, history: KeyHistory, *, refuse: bool) -> None:
        """Refuse to approve two records for one place in a history: at most one can be the member's."""
        keys, record = _record(history)
        held: dict[bytes, Succession] = in_force.view.states[SUCCESSION.name]
        for thing, each in held.items():
            given = in_force.answers(thing).get(self._base.me)
            rival = (each.member, each.keys) == (history.member, keys) and each.record != record
            if rival and not refuse and given is not None and given.answer == APPROVE:
                raise ConflictError(
                    f"You have approved other new keys of {self._base.name_of(tx, history.member)}.",
                    code="stale",
                    hint="Somebody holds its recovery file. Exclude the member: `entente agreement exclude`.",
                )

    def _answer(self, tx: Transaction, room: Room, history: KeyHistory, answer: str, person: str) -> None:
        """Ask in this room if nobody has, and answer everything that was asked of these keys there."""
        base = self._base
        asked = [each for each in _asked(base.in_force(tx), history) if each.act.circle == room.key]
        if not asked:
            keys, record = _record(history)
            body = SUCCESSION.make(history.member, keys, record, person=person)
            base.append(tx, room, [Draft(SUCCESSION.name, base.clock(), b"", body)])
        in_force = base.in_force(tx)
        for each in _asked(in_force, history):
            thing = each.act.place.leaf
            if each.act.circle != room.key or base.me in in_force.answers(thing):
                continue
            answers.append(base, tx, room, thing, each.act.place.ref, refuse=answer == REFUSE, person=person)


def _rooms(in_force: InForce, me: Member, concerned: Member) -> list[Room]:
    """Return the founding rooms, in force, of the agreements that both members are in."""
    rooms = [each for each in in_force.rooms.newest() if each.founding and {me, concerned} <= {*each.members}]
    return [each for each in rooms if in_force.usable(each)]
