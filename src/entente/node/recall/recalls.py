"""Recalls: withdraw an object or narrow it to one circle, and see who has erased it (docs/protocol/10-recall.md)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from entente.core import canon
from entente.core.errors import ConflictError, InvalidError, RefusedError
from entente.core.ids import Member, b32, origin_hash, origin_of, unb32
from entente.core.shape import check_entries
from entente.core.times import DAY, stamp
from entente.kinds import erase
from entente.node.home import remarks
from entente.node.home.checked import checked
from entente.node.home.find import SHORTEST
from entente.node.home.people import operator
from entente.node.home.written import PathLike, write_files
from entente.node.items import erasing
from entente.node.items.consents import asks
from entente.node.items.erasing import ErasureAsked
from entente.node.items.sharing import resolve
from entente.node.items.values import ProofsWritten
from entente.node.recall import proofs as recall_proofs
from entente.node.recall.values import Narrowed, Reach, RecallInfo, RecallMember, Withdrawn
from entente.node.rooms import offers
from entente.policy.approval import State
from entente.store import shelf

if TYPE_CHECKING:
    from entente.node.home.base import Base
    from entente.node.items.erasing import Mark
    from entente.node.items.sharing import Sharing
    from entente.node.rooms.room import Room, Rooms
    from entente.store.ports import ItemRow, LogRow, PayloadRow, Transaction

    Placed = dict[int, tuple[Room, list[int]]]
    """Entries by log, each with the room that the log is of."""

RECALLED: Final = shelf.text("recall")
"""Which item an `erase/1` of ours was about, by its reference; the ids stay with who brought it."""

DUE_DAYS: Final = 7
MAX_DUE_DAYS: Final = 36_500


@checked
class Recalls:
    """What this member asks others to erase, and what became of it."""

    def __init__(self, base: Base, sharing: Sharing) -> None:
        """Work on this base; share by the same rules as everybody."""
        self._base = base
        self._sharing = sharing

    def withdraw(self, id_: str, reason: str = "withdrawn", due_days: int = DUE_DAYS, *, person: str = "") -> Withdrawn:
        """Recall all versions of an object from all circles and delete our own copy; every holder is asked to erase.

        A reason that is none of `erase.WHOLE` stays at home. RefusedError if another member brought it, ConflictError
        if it was shared with nobody, InvalidError for a reason or date that a recall cannot have.
        """
        word, remark = remarks.coded(reason, erase.WHOLE, "withdrawn")
        base = self._base
        with base.store.write() as tx:
            who = operator(tx, person)
            stix_id = resolve(tx, id_)
            mine = self._mine(tx, stix_id)
            placed = self._placed(tx, mine)
            if not placed:
                raise ConflictError("This item was shared with nobody; there is nothing to recall.")
            asked = ErasureAsked(word, base.clock() + _days(due_days) * DAY, who)
            remarks.keep(tx, stix_id, remark)
            reach = self._recall(tx, stix_id, placed, asked)
            tx.items.remove([row.seq for row in mine])
        finished = self._finish()
        return Withdrawn(stix_id, "withdrawn", word, stamp(asked.due), reach, finished)

    def narrow(self, id_: str, circle: str, due_days: int = DUE_DAYS, *, person: str = "") -> Narrowed:
        """Share an object with this circle unless it is there, then recall it from all others.

        If a rule keeps it from the circle nothing is done, and `preview` says why. RefusedError if another member
        brought it.
        """
        base = self._base
        with base.store.read() as tx:
            operator(tx, person)
            stix_id = resolve(tx, id_)
            mine = self._mine(tx, stix_id)
            room = base.find_circle(base.in_force(tx), circle)
            newest = [row for row in mine if row.latest] or mine
            there = any(each.circle == room.circle for each, _ in self._placed(tx, newest).values())
        sent = None if there else self._sharing.send([stix_id], circle, person=person)
        if sent is not None and sent.preview is not None:
            return Narrowed(stix_id, b32(room.circle), 0, "", [], preview=sent.preview)
        with base.store.write() as tx:
            placed = self._placed(tx, self._mine(tx, stix_id))
            elsewhere = {key: found for key, found in placed.items() if found[0].circle != room.circle}
            asked = ErasureAsked("narrowed", base.clock() + _days(due_days) * DAY, operator(tx, person))
            reach = self._recall(tx, stix_id, elsewhere, asked)
        finished = self._finish()
        shared = 0 if sent is None else sent.shared
        return Narrowed(stix_id, b32(room.circle), shared, stamp(asked.due), reach, finished)

    def list(self) -> Sequence[RecallInfo]:
        """Return what this member has recalled, oldest first, with who was asked, has erased, or is late."""
        base = self._base
        found: dict[tuple[str, bytes, int], list[_Act]] = defaultdict(list)
        with base.store.read() as tx:
            rooms = offers.load(tx)
            logs = {row.id: row for row in tx.logs.all()}
            for each in tx.payloads.acts([erase.NAME]):
                if logs[each.log].member == base.me:
                    act = self._act(tx, logs[each.log], each)
                    room = self._room(tx, rooms, act)
                    if room is not None:
                        found[act.item or act.ref, room.circle, act.time].append(act)
            told = [self._info(tx, rooms, acts) for acts in found.values()]
        return sorted(told, key=lambda info: (info.time, info.item, info.circle))

    def proofs(self, id_: str) -> Sequence[tuple[str, bytes]]:
        """Return (file name, proof file) of our recall of this item and of every erasure that answers it.

        Each verifies alone. NotFoundError if we recalled no such item.
        """
        with self._base.store.read() as tx:
            known = set(RECALLED.values(tx))
            fits = [each for each in sorted(known) if each.startswith(id_)] if len(id_) >= SHORTEST else []
            return recall_proofs.of_recall(self._base, tx, RECALLED, fits[0] if len(fits) == 1 else id_)

    def write_proofs(self, id_: str, folder: PathLike) -> ProofsWritten:
        """Write what `proofs` gives into a folder, which is made if it is missing; raises what `proofs` does.

        InvalidError or NotFoundError if they cannot be written there.
        """
        return ProofsWritten(write_files(folder, self.proofs(id_)))

    def _mine(self, tx: Transaction, stix_id: str) -> Sequence[ItemRow]:
        """Return the copies that this member brought; RefusedError names who did if it was somebody else."""
        rows = tx.items.find([stix_id])[stix_id]
        mine = [row for row in rows if row.author == self._base.me]
        if not mine:
            names = ", ".join(sorted({self._base.name_of(tx, Member(row.author)) for row in rows}))
            raise RefusedError(
                f"Only the member that brought an item can recall it; this one is of {names}.",
                code="owner",
                hint=f"Ask {names} to withdraw it.",
            )
        return mine

    def _placed(self, tx: Transaction, rows: Sequence[ItemRow]) -> Placed:
        """Return in which logs of ours these copies stand: by log the room and the entries."""
        rooms = offers.load(tx)
        logs = {row.id: row for row in tx.logs.all() if row.member == self._base.me and row.circle}
        found: Placed = {}
        for row in rows:
            for each in tx.payloads.of_item(row.seq):
                if each.log in logs:
                    room = rooms.require(logs[each.log].circle)
                    found.setdefault(each.log, (room, []))[1].append(each.index)
        return found

    def _recall(self, tx: Transaction, stix_id: str, placed: Placed, asked: ErasureAsked) -> Sequence[Reach]:
        """Append the acts and erase here; return whom they reach, by circle."""
        logs = {row.id: row for row in tx.logs.all()}
        reach: dict[bytes, set[Member]] = defaultdict(set)
        names: dict[bytes, str] = {}
        for log, (room, indexes) in sorted(placed.items()):
            for ref in erasing.ask(tx, self._base, room, logs[log], indexes, asked):
                RECALLED.put(tx, ref, stix_id)
            reach[room.circle] |= set(room.members) - {self._base.me}
            names[room.circle] = room.text.name
        return [Reach(b32(circle), names[circle], sorted(map(b32, members))) for circle, members in reach.items()]

    def _finish(self) -> bool:
        """Let the acts leave, and take the erased bytes out of every file; say whether that is done."""
        self._base.announce()
        return self._base.store.purge()

    def _act(self, tx: Transaction, row: LogRow, each: PayloadRow) -> _Act:
        body = canon.decode(each.data)
        leaf = tx.logs.node(row.id, 0, each.index)
        ref = f"{b32(origin_hash(row.origin))}/{each.index}/{b32(leaf)}"
        due = body["due"]
        return _Act(
            ref=ref,
            item=RECALLED.get(tx, ref) or "",
            log=unb32(str(body["log"]), 32),
            entries=check_entries(body),
            reason=str(body["reason"]),
            due=due if isinstance(due, int) else 0,
            time=each.time,
        )

    def _room(self, tx: Transaction, rooms: Rooms, act: _Act) -> Room | None:
        row = tx.logs.get(origin_of(act.log))
        return rooms.get(row.circle) if row is not None else None

    def _info(self, tx: Transaction, rooms: Rooms, acts: Sequence[_Act]) -> RecallInfo:
        """Put together what the members concerned have signed about all entries of one recall."""
        first = acts[0]
        placed = [room for act in acts if (room := self._room(tx, rooms, act)) is not None]
        answers: dict[Member, list[Mark | None]] = defaultdict(list)
        for act, room in zip(acts, placed, strict=True):
            said = erasing.signed(tx, act.log, act.entries)
            for member in set(room.members) - {self._base.me}:
                for index, leaf in act.entries:
                    mark = said[member].get(index) if member in said else None
                    answers[member].append(mark if mark is not None and mark.leaf == b32(leaf) else None)
        members = [self._member(tx, member, answers[member], first) for member in sorted(answers)]
        for act in acts:
            members += self._further(tx, act)
        entries = sum(len(act.entries) for act in acts)
        due, since = stamp(first.due), stamp(first.time)
        return RecallInfo(
            first.item, b32(placed[0].circle), first.reason, due, since, entries, members, remarks.of(tx, first.item)
        )

    def _further(self, tx: Transaction, act: _Act) -> Sequence[RecallMember]:
        """Return those that others may have sent these entries to with our consent; who never got them is left out."""
        in_force, named = self._base.in_force(tx), set(act.entries)
        found: dict[tuple[Member, Member], list[Mark | None]] = {}
        for ask in asks(in_force).values():
            if ask.log == act.log and named & set(ask.entries) and in_force.standing(ask.thing) is State.IN_FORCE:
                shown = erasing.passed(tx, act.log, ask.entries[0][0])
                for member in ask.to:
                    mark = shown.get(member)
                    if mark is None or mark.reason != "unsent":
                        found[member, ask.author] = [mark]
        return [self._member(tx, member, marks, act, by) for (member, by), marks in sorted(found.items())]

    def _member(
        self, tx: Transaction, member: Member, marks: Sequence[Mark | None], act: _Act, through: Member | None = None
    ) -> RecallMember:
        times = [mark.time for mark in marks if mark is not None]
        if len(times) == len(marks):
            state, time = "erased", max(times)
        else:
            state, time = ("late", act.due) if self._base.clock() > act.due else ("asked", act.time)
        name = self._base.name_of(tx, member)
        return RecallMember(b32(member), name, state, stamp(time), b32(through) if through else "")


class _Act(Struct, frozen=True, kw_only=True):
    """One `erase/1` of ours."""

    ref: str
    item: str
    log: bytes
    entries: Sequence[tuple[int, bytes]]
    reason: str
    due: int
    time: int


def _days(number: int) -> int:
    if not 0 <= number <= MAX_DUE_DAYS:
        raise InvalidError(f"A recall is due within 0 to {MAX_DUE_DAYS:,} days.")
    return number
