"""Retention: what has been held for as long as its room allows is erased here, whatever its author does.

docs/protocol/10-recall.md, "Retention". A local act by the local clock; nothing that is folded reads it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from entente.core import entry
from entente.core.ids import Member, b32, origin_hash
from entente.core.merkle import leaf_hash
from entente.core.times import DAY
from entente.kinds import CONTENT
from entente.node.items import erasing
from entente.node.items.erasing import Erasure, ErasureAsked
from entente.node.recall import passed_on
from entente.node.rooms import offers
from entente.store import shelf
from entente.store.ports import CHUNK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entente.node.home.base import Base
    from entente.node.rooms.room import Room
    from entente.store.ports import LogRow, Transaction

REASON: Final = "retention"
DUE_DAYS: Final = 7
"""How long holders have after the date that the agreement names, before they are shown as late."""

MOST: Final = 4096
"""Entries of one log that are looked at in one transaction."""

NOBODY: Final = b32(bytes(16))


class Cursor(Struct, frozen=True, array_like=True):
    """How far a log was looked through: the next entry, and the latest claimed time up to it (0: not read yet)."""

    at: int = 0
    time: int = 0


CURSORS: Final = shelf.json("retention", Cursor)
"""By log: how far its entries were retired."""


def sweep(base: Base) -> int:
    """Erase what is due now and sign it; return how many entries. Cheap when nothing is due."""
    total = 0
    while True:
        with base.store.read() as tx:
            due = any(True for _ in _due(tx, base.clock()))
        if not due:
            break
        with base.commit() as tx:
            now = base.clock()
            total += sum(_retire(tx, base, room, row, now) for room, row in list(_due(tx, now)))
    return total


def _due(tx: Transaction, now: int) -> Iterator[tuple[Room, LogRow]]:
    """Go through the logs that must be looked at: entries beyond the cursor, and the first of them may be due."""
    for room in offers.load(tx):
        keep = room.terms.retention_days * DAY
        for member in room.members if keep else ():
            row = tx.logs.get(room.origin(member))
            if row is None:
                continue
            cursor = _read(tx, row)
            if cursor.at < row.size and cursor.time + keep <= now:
                yield room, row


def _read(tx: Transaction, row: LogRow) -> Cursor:
    return CURSORS.get(tx, b32(origin_hash(row.origin))) or Cursor()


def _retire(tx: Transaction, base: Base, room: Room, row: LogRow, now: int) -> int:
    """Erase the due entries of one log from its cursor on, at most `MOST`, and move the cursor."""
    cursor = _read(tx, row)
    keep = room.terms.retention_days * DAY
    entries: list[tuple[int, bytes]] = []
    stop = min(row.size, cursor.at + MOST)
    while cursor.at < stop:
        leaves = tx.logs.leaves(row.id, cursor.at, min(stop, cursor.at + CHUNK))
        for leaf in leaves:
            said = entry.parse(leaf)
            cursor = Cursor(cursor.at, max(cursor.time, said.time))
            if cursor.time + keep > now:
                stop = cursor.at
                break
            if said.kind in CONTENT:
                entries.append((cursor.at, leaf_hash(leaf)))
            cursor = Cursor(cursor.at + 1, cursor.time)
    CURSORS.put(tx, b32(origin_hash(row.origin)), cursor)
    return _erase(tx, base, room, row, entries, now)


def _erase(tx: Transaction, base: Base, room: Room, row: LogRow, entries: list[tuple[int, bytes]], now: int) -> int:
    """Erase these entries where that was not done before; say so in our own log."""
    log = origin_hash(row.origin)
    known = erasing.marks(tx, log, entries[0][0], entries[-1][0]) if entries else {}
    fresh = [(index, leaf) for index, leaf in entries if index not in known or known[index].leaf != b32(leaf)]
    if not fresh:
        return 0
    if Member(row.member) == base.me:
        erasing.ask(tx, base, room, row, [i for i, _ in fresh], ErasureAsked(REASON, now + DUE_DAYS * DAY, NOBODY))
    else:
        erasing.apply(tx, base, Erasure(log, fresh, REASON, now, base.me))
        erasing.answer(tx, base, room, log, fresh)
        passed_on.follow(tx, base, base.in_force(tx), log)
    return len(fresh)
