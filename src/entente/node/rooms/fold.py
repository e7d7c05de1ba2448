"""The cached fold: what is in force as of a transaction, extended by what came since it was asked last."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING

from msgspec import Struct

from entente.core import canon
from entente.core.ids import Member, origin_hash
from entente.core.kind import Act, Place
from entente.kinds import FOLDED
from entente.ledger.view import fold
from entente.node.rooms import forked_logs, gaps, offers
from entente.node.rooms.in_force import InForce
from entente.node.rooms.room import Rooms

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from entente.ledger.view import View
    from entente.store.ports import LogRow, PayloadRow, Store, Transaction

GOVERNANCE = [kind.name for kind in FOLDED]
MAX_MARKS = 64
"""How many moments a fold is known to fit, at most."""


class Folded(Struct, frozen=True):
    """A fold, what it was made of, and at which moments (`store.ports.Seen`) it is known to be right.

    `sizes` says up to which index each log was read, `forked` which acts are held of logs that evidence has stopped.
    """

    rooms: Rooms
    sizes: dict[int, int]
    moved: object
    forked: dict[bytes, bytes]
    in_force: InForce
    marks: set[Hashable]

    def leads_to(self, rooms: Rooms, moved: object, forked: dict[bytes, bytes], sizes: dict[int, int]) -> bool:
        """Say whether nothing but acts at the ends of logs can have come between this fold and a later moment."""
        same = self.rooms is rooms and (self.moved, self.forked) == (moved, forked)
        return same and all(size <= sizes.get(number, -1) for number, size in self.sizes.items())


class Fold:
    """The newest folds of one home in this process; what is new is folded onto what is known."""

    def __init__(self, store: Store, me: Member) -> None:
        """Fold the acts of this store."""
        self._store = store
        self._me = me
        self._newest: tuple[Folded, int] | None = None
        self._settled: Folded | None = None

    def in_force(self, tx: Transaction) -> InForce:
        """Return the rooms and the fold of their acts; what is new is folded onto what is known."""
        undone, seen = self._store.undone(), tx.seen()
        newest = self._newest
        known = [newest[0]] if newest is not None and newest[1] == undone else []
        known += [self._settled] if self._settled is not None else []
        found = next((each for each in known if seen.mark in each.marks), None) or self._fold(tx, known)
        if len(found.marks) >= MAX_MARKS:
            found.marks.clear()
        found.marks.add(seen.mark)
        self._newest = found, undone
        if seen.settled:
            self._settled = found
        return found.in_force

    def _fold(self, tx: Transaction, known: list[Folded]) -> Folded:
        """Return the fold of what is seen now, begun with one of those known if nothing but new acts came since."""
        rooms, moved = offers.load(tx), tx.payloads.moved(GOVERNANCE)
        logs = {row.id: row for row in tx.logs.all() if row.circle}
        stopped = [row for row in logs.values() if row.stopped]
        forked = {origin_hash(row.origin): forked_logs.digest(tx, row) for row in stopped}
        ends = {number: gaps.first(tx, row) for number, row in logs.items()}
        sizes = {number: min(row.size, ends[number]) for number, row in logs.items()}
        held = next((each for each in known if each.leads_to(rooms, moved, forked, sizes)), None)
        view: View | None = None
        rows: list[PayloadRow] = []
        if held is not None:
            before = held.sizes
            grown = [(number, before.get(number, 0)) for number, size in sizes.items() if size > before.get(number, 0)]
            fresh = (row for number, start in grown for row in tx.payloads.acts_of(number, GOVERNANCE, start))
            rows = [row for row in fresh if row.index < ends[row.log]]
            view = held.in_force.view.extended(_acts(tx, logs, rows)) if rows else held.in_force.view
        if view is None or view.outdated:
            rows = [row for row in tx.payloads.acts(GOVERNANCE) if row.index < ends[row.log]]
            acts = [*_acts(tx, logs, rows), *(act for row in stopped for act in forked_logs.acts(tx, row))]
            view = fold(FOLDED, {act.place: act for act in acts}.values(), rooms, frozenset(forked))
        for each in rows:
            sizes[each.log] = max(sizes[each.log], each.index + 1)
        return Folded(rooms, sizes, moved, forked, InForce(rooms, gaps.settled(tx, view, self._me), self._me), set())


def _acts(tx: Transaction, logs: Mapping[int, LogRow], rows: Iterable[PayloadRow]) -> list[Act]:
    """Return governance acts as a fold reads them."""
    hashed = {number: origin_hash(row.origin) for number, row in logs.items()}
    return [
        Act(
            Place(hashed[each.log], each.index, tx.logs.node(each.log, 0, each.index)),
            Member(logs[each.log].member),
            logs[each.log].circle,
            each.kind,
            each.time,
            canon.load(each.data),
        )
        for each in rows
    ]
