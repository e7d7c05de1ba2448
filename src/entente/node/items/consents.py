"""Consents to onward release: which items of others may go where, and the proof that goes with them.

docs/protocol/10-recall.md, "Onward release".
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from entente.core import canon
from entente.core.errors import NotFoundError
from entente.core.ids import Member, b32, origin_hash, origin_of, unb32
from entente.core.shape import check_entries
from entente.core.times import stamp
from entente.kinds import check, onward
from entente.kinds.released import KIND as RELEASED
from entente.kinds.released import consent_in
from entente.ledger.log import Draft
from entente.node.items.values import ConsentInfo
from entente.node.logs.proofs import proof_at
from entente.policy.approval import State
from entente.store import shelf

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from entente.core.kind import Place
    from entente.kinds.onward import Ask
    from entente.node.home.base import Base
    from entente.node.rooms.in_force import InForce
    from entente.node.rooms.room import Room
    from entente.store.ports import ItemRow, LogRow, PayloadRow, Transaction

SHOWN: Final = shelf.json("consented", ConsentInfo)
"""By entry: who let it be sent on."""


class SentOn(Struct, frozen=True):
    """What was sent on under one ask: our entries (index, leaf in b32) in one log, and the room of that log."""

    log: str
    room: str
    entries: list[tuple[int, str]]


SENT: Final = shelf.json("released", SentOn)
"""What we sent on, by the ask that it rests on."""


class Consents:
    """Which items of others this member may send to one room, as of one transaction."""

    def __init__(self, tx: Transaction, in_force: InForce, room: Room) -> None:
        """Look up what was asked and approved for everybody in this room."""
        others = set(room.members) - {in_force.me}
        self._tx = tx
        self._in_force = in_force
        self._by_entry: dict[tuple[bytes, int], list[Ask]] = defaultdict(list)
        for ask in asks(in_force).values():
            if ask.author == in_force.me and others <= ask.to and in_force.standing(ask.thing) is State.IN_FORCE:
                for index, _ in ask.entries:
                    self._by_entry[ask.log, index].append(ask)

    def of(self, row: ItemRow) -> Ask | None:
        """Return the approved ask that covers this copy, None if there is none."""
        if not self._by_entry:
            return None
        for log, each in carriers(self._tx, row):
            hashed = origin_hash(log.origin)
            leaf = self._tx.logs.node(log.id, 0, each.index)
            for ask in self._by_entry.get((hashed, each.index), []):
                if log.member == ask.originator == row.author and (each.index, leaf) in ask.entries:
                    return ask
        return None

    def text(self, ask: Ask) -> str:
        """Say who consented, and when."""
        answer = self._in_force.answers(ask.thing)[ask.originator]
        return (
            f"Its originator {b32(ask.originator)[:8]} consented on {stamp(answer.time)} (person {answer.person[:8]})."
        )

    def may_ask(self, row: ItemRow) -> bool:
        """Say whether the terms under which this copy came let its originator be asked."""
        rooms = self._in_force.rooms
        found = [rooms.get(log.circle) for log, _ in carriers(self._tx, row) if log.member == row.author]
        return any(room is not None and room.terms.onward == "consent" for room in found)


def asks(in_force: InForce) -> Mapping[bytes, Ask]:
    """Return everything that was asked, by thing."""
    found: dict[bytes, Ask] = in_force.view.states[onward.NAME]
    return found


def carriers(tx: Transaction, row: ItemRow) -> Sequence[tuple[LogRow, PayloadRow]]:
    """Return the entries that carry this copy, each with its log."""
    logs = {each.id: each for each in tx.logs.all()}
    return [(logs[each.log], each) for each in tx.payloads.of_item(row.seq)]


def entry_at(tx: Transaction, ref: str) -> tuple[LogRow, PayloadRow]:
    """Return the entry with this reference; NotFoundError if it is not held."""
    log, index, leaf = ref.split("/")
    row, at = tx.logs.get(origin_of(unb32(log, 32))), int(index)
    held = tx.payloads.get(row.id, at, at + 1) if row is not None else []
    if row is None or not held or b32(tx.logs.node(row.id, 0, at)) != leaf:
        raise NotFoundError(f"The entry {ref[:20]} is not held here.")
    return row, held[0]


def show_consent(
    tx: Transaction, base: Base, in_force: InForce, room: Room, sent: Iterable[tuple[ItemRow, Place]]
) -> None:
    """Append behind items of others, which were just sent, the consents that they rest on.

    NotFoundError if a consent cannot be proven yet; then nothing may leave.
    """
    consents = Consents(tx, in_force, room)
    for row, place in sent:
        ask = consents.of(row)
        if ask is None:
            continue
        answer = in_force.answers(ask.thing)[ask.originator]
        files = [proof_at(base, tx, in_force.rooms, ref, most=0) for ref in (ask.ref, answer.ref)]
        body = RELEASED.make([(place.index, place.leaf)], ask=files[0], consent=files[1])
        now = base.clock()
        _, places = base.append(tx, room, [Draft(RELEASED.name, now, b"", body)])
        file_consent(tx, base.me, in_force.rooms.current(room), places[0], base.me, canon.decode(body, len(body)))


def file_consent(
    tx: Transaction, me: Member, room: Room, place: Place, author: Member, body: Mapping[str, object]
) -> None:
    """Keep the consent by each entry; if the release was ours, also what it rests on."""
    given = consent_in(author, body, check)
    entries, thing = check_entries(body), b32(given.thing)
    info = ConsentInfo(b32(given.originator), b32(author), stamp(given.time), given.person, thing, place.ref)
    for index, _ in entries:
        SHOWN.put(tx, f"{b32(place.log)}/{index:012d}", info)
    if author == me:
        sent = SentOn(b32(place.log), b32(room.key), [(index, b32(leaf)) for index, leaf in entries])
        SENT.put(tx, f"{thing}/{place.ref}", sent)


def consent_of(tx: Transaction, log: LogRow, index: int) -> ConsentInfo | None:
    """Return who let this entry be sent on, None if it did not need that."""
    return SHOWN.get(tx, f"{b32(origin_hash(log.origin))}/{index:012d}")


def sent_under(tx: Transaction, thing: bytes) -> list[SentOn]:
    """Return what we sent on under one ask."""
    return SENT.values(tx, b32(thing) + "/")
