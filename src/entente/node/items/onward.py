"""Onward release by consent: ask the originator of an item whether others may get it, and answer.

docs/protocol/10-recall.md, "Onward release".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from entente.core import canon
from entente.core.errors import ConflictError, RefusedError
from entente.core.ids import Member, b32, origin_hash, origin_of
from entente.core.times import stamp
from entente.kinds import onward
from entente.ledger.document import from_b64
from entente.ledger.log import Draft
from entente.node.home import answers
from entente.node.home.checked import checked
from entente.node.home.find import find
from entente.node.home.people import operator
from entente.node.home.written import PathLike, write_files
from entente.node.items.consents import asks, carriers, consent_of, entry_at
from entente.node.items.sharing import resolve
from entente.node.items.values import AskedFor, AskInfo, ProofsWritten

if TYPE_CHECKING:
    from entente.kinds.onward import Ask
    from entente.node.home.base import Base
    from entente.node.rooms.in_force import InForce
    from entente.node.rooms.room import Room
    from entente.store.ports import ItemRow, LogRow, Transaction

Entries = Sequence[tuple[int, bytes]]


@checked
class Onward:
    """Asking others whether their items may go further, and answering them."""

    def __init__(self, base: Base) -> None:
        """Work on this base."""
        self._base = base

    def ask(self, id_: str, circle: str, *, person: str = "") -> AskInfo:
        """Ask the originator of an item whether the other members of a circle may get it; asked once only.

        RefusedError if it is our own, if its terms allow no asking, or if the originator is in that circle itself.
        """
        base = self._base
        with base.commit() as tx:
            who = operator(tx, person)
            in_force = base.in_force(tx)
            stix_id = resolve(tx, id_)
            rows = tx.items.find([stix_id])[stix_id]
            row = next((each for each in rows if each.top), rows[-1])
            room, log, entries = self._source(tx, in_force, row)
            target = base.find_circle(in_force, circle)
            to = frozenset(target.members) - {base.me}
            if row.author in to:
                name = base.name_of(tx, Member(row.author))
                raise RefusedError(f"{name} is in that circle and can share it there itself.", code="owner")
            hashed = origin_hash(log.origin)
            known = [
                each for each in asks(in_force).values() if (each.author, each.log, each.to) == (base.me, hashed, to)
            ]
            ask = next((each for each in known if each.entries == tuple(entries)), None)
            if ask is None:
                body = onward.KIND.make(hashed, Member(row.author), entries=entries, to=to, person=who)
                _, places = base.append(tx, room, [Draft(onward.NAME, base.clock(), b"", body)])
                in_force = base.in_force(tx)
                ask = asks(in_force)[places[0].leaf]
            return self._info(tx, in_force, ask)

    def _source(self, tx: Transaction, in_force: InForce, row: ItemRow) -> tuple[Room, LogRow, Entries]:
        """Return the room in which its originator may be asked about this copy, its log, and the entries there."""
        if row.author == self._base.me:
            raise RefusedError("You brought this item yourself; you need no consent.", code="onward")
        found: dict[int, tuple[Room, LogRow, list[tuple[int, bytes]]]] = {}
        for log, each in carriers(tx, row):
            room = in_force.rooms.get(log.circle)
            if log.member == row.author and room is not None and room.terms.onward == "consent":
                held = found.setdefault(log.id, (room, log, []))
                held[2].append((each.index, tx.logs.node(log.id, 0, each.index)))
        if not found:
            raise RefusedError(
                "The agreement under which it came allows no onward dissemination.",
                code="onward",
                hint="Its originator can share it with others itself; or the members amend `onward` to consent.",
            )
        room, log, entries = next(iter(found.values()))
        return room, log, entries[-onward.MAX_NAMED :]

    def asked(self) -> list[AskInfo]:
        """Return what was asked of us and by us, oldest first."""
        with self._base.store.read() as tx:
            in_force = self._base.in_force(tx)
            me = self._base.me
            mine = [each for each in asks(in_force).values() if me in (each.author, each.originator)]
            return [self._info(tx, in_force, each) for each in sorted(mine, key=lambda each: (each.time, each.ref))]

    def proofs(self, id_: str) -> Sequence[tuple[str, bytes]]:
        """Return (file name, proof file) of each ask and consent under which an item was sent on.

        NotFoundError for an unknown item.
        """
        with self._base.store.read() as tx:
            return of_consents(tx, id_)

    def write_proofs(self, id_: str, folder: PathLike) -> ProofsWritten:
        """Write what `proofs` gives into a folder, which is made if it is missing.

        NotFoundError for an unknown item; InvalidError or NotFoundError if they cannot be written there.
        """
        return ProofsWritten(write_files(folder, self.proofs(id_)))

    def answer(self, id_: str, *, refuse: bool = False, person: str = "") -> AskInfo:
        """Give our one final answer to an ask; ConflictError if it was given or the item is gone."""
        base = self._base
        with base.commit() as tx:
            who = operator(tx, person)
            in_force = base.in_force(tx)
            options = [
                (each.thing, b32(each.thing), "") for each in asks(in_force).values() if each.originator == base.me
            ]
            ask = asks(in_force)[find(id_, options, "ask")]
            room = in_force.rooms.require(ask.circle)
            if answers.given(in_force, ask.thing, refuse=refuse) is None:
                self._check(tx, in_force, ask, room)
                answers.append(base, tx, room, ask.thing, ask.ref, refuse=refuse, person=who)
            return self._info(tx, base.in_force(tx), ask)

    def _check(self, tx: Transaction, in_force: InForce, ask: Ask, room: Room) -> None:
        """Raise ConflictError or RefusedError unless this ask can be answered."""
        row = tx.logs.get(origin_of(ask.log))
        if row is None or row.member != self._base.me:
            raise RefusedError("The question is about entries of another member.", code="wrong-log")
        if not in_force.rooms.is_current(room):
            raise ConflictError(
                "It was asked before the agreement changed.", hint="The member that asked must ask again."
            )
        if not self._items(tx, ask):
            raise ConflictError("The item was erased.")

    def _items(self, tx: Transaction, ask: Ask) -> list[str]:
        row = tx.logs.get(origin_of(ask.log))
        held = [each for index, _ in ask.entries if row for each in tx.payloads.get(row.id, index, index + 1)]
        return sorted({item.stix_id for item, _ in tx.items.get([each.item for each in held])})

    def _info(self, tx: Transaction, in_force: InForce, ask: Ask) -> AskInfo:
        name, room = self._base.name_of, in_force.rooms.get(ask.circle)
        return AskInfo(
            b32(ask.thing),
            ", ".join(self._items(tx, ask)),
            b32(room.circle) if room else "",
            b32(ask.author),
            name(tx, ask.author),
            b32(ask.originator),
            [AskedFor(b32(member), name(tx, member)) for member in sorted(ask.to)],
            in_force.standing(ask.thing).value,
            stamp(ask.time),
            ask.person,
        )


def of_consents(tx: Transaction, id_: str) -> Sequence[tuple[str, bytes]]:
    """Return (file name, proof file) of each ask and consent under which an item was sent on, as far as held here."""
    stix_id = resolve(tx, id_)
    found: dict[str, bytes] = {}
    for copy in tx.items.find([stix_id])[stix_id]:
        for log, each in carriers(tx, copy):
            info = consent_of(tx, log, each.index)
            if info is not None:
                body = canon.decode((shown := entry_at(tx, info.ref)[1].data), len(shown))
                found |= {
                    f"{name}-{info.ask[:8]}.tlog-proof": from_b64(body[name], name) for name in ("ask", "consent")
                }
    return list(found.items())
