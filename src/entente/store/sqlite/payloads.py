"""Payloads and salts in SQLite: one row beside each entry; bytes of items are those of the item row."""

from __future__ import annotations

from heapq import merge
from typing import TYPE_CHECKING, Final

import orjson

from entente.core.errors import StoreError
from entente.store.ports import CHUNK, PayloadRow

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from entente.store.ports import NewPayload
    from entente.store.sqlite.items import SqliteItems
    from entente.store.sqlite.work import Work

READ: Final = (
    "SELECT p.log, p.idx, p.kind, p.time, p.salt, p.head, b.data, p.item FROM payload p JOIN blob b ON b.id = p.blob "
)
OF_LOG: Final = READ + "WHERE p.log = ? AND p.idx >= ? AND p.idx < ? ORDER BY p.idx"
# The index is named: left to itself SQLite walks whole logs in order, so as not to sort the few rows that it wants.
OF_ITEM: Final = (
    "SELECT p.log, p.idx, p.kind, p.time, p.salt, p.head, b.data, p.item FROM payload p INDEXED BY payload_item "
    "JOIN blob b ON b.id = p.blob WHERE p.log IN (SELECT id FROM log) AND p.item = ? ORDER BY p.log, p.idx"
)
HELD: Final = "SELECT idx, ifnull(item, 0) FROM payload WHERE log = ? AND idx BETWEEN ? AND ?"
HELD_OF: Final = "SELECT idx, ifnull(item, 0) FROM payload WHERE log = ? AND idx IN (SELECT value FROM json_each(?))"
ACTS_OF: Final = (
    "SELECT p.log, p.idx, p.kind, p.time, p.salt, p.head, b.data, NULL FROM act a "
    "JOIN payload p ON p.log = a.log AND p.idx = a.idx JOIN blob b ON b.id = p.blob "
    "WHERE a.kind IN (SELECT value FROM json_each(?)) AND a.log = ? AND a.idx >= ? ORDER BY a.idx"
)
NUMBERS: Final = "SELECT id FROM kind WHERE value IN (SELECT value FROM json_each(?)) ORDER BY id"
MOVED: Final = "INSERT OR REPLACE INTO record VALUES ('moved', ?, randomblob(8))"
PUT_ACT: Final = "INSERT INTO payload VALUES (?, ?, ?, ?, ?, ?, ?, NULL)"
PUT_ITEM: Final = "INSERT INTO payload VALUES (?, ?, ?, ?, ?, ?, ?, ?)"


class SqlitePayloads:
    """The port `Payloads` on SQLite."""

    def __init__(self, work: Work, items: SqliteItems) -> None:
        """Work inside the transaction `work`; `items` is asked to drop item rows that lost their last entry."""
        self._work = work
        self._items = items

    def put(self, log: int, rows: Sequence[NewPayload]) -> None:
        """Store payloads; an index that has one already is left as it is, but for an item that `clear` took away.

        NotFoundError if `item` names no item row.
        """
        indexes = [row.index for row in rows]
        held = self._held(log, indexes)
        if held or len(set(indexes)) < len(indexes):
            rows = self._fresh(log, rows, held)
        self._put_acts(log, [row for row in rows if not row.item])
        self._put_items(log, [row for row in rows if row.item])
        self.settle(log, indexes)

    def get(self, log: int, start: int, stop: int) -> list[PayloadRow]:
        """Return the payloads held of entries `start` to `stop`, by index; those not held are left out."""
        return self._read(OF_LOG, (log, start, stop))

    def acts(self, kinds: Sequence[str]) -> Iterator[PayloadRow]:
        """Return all acts of these kinds, by log and index."""
        return merge(*map(self._acts, self._numbers(kinds)), key=lambda row: (row.log, row.index))

    def acts_of(self, log: int, kinds: Sequence[str], start: int) -> list[PayloadRow]:
        """Return the acts of these kinds in one log from index `start` on."""
        chosen = orjson.dumps(self._numbers(kinds)).decode()
        return self._read(ACTS_OF, (chosen, log, start))

    def moved(self, kinds: Sequence[str]) -> object:
        """Return a mark that changes when acts of these kinds go, a log is cut, or they come below the size of a log.

        Acts that come at the end of a log, before its new size is saved, do not change it.
        """
        sql = "SELECT key, value FROM record WHERE space = 'moved'"
        return frozenset(row for row in self._work.db.execute(sql) if not row[0] or row[0] in kinds)

    def _numbers(self, kinds: Sequence[str]) -> list[int]:
        return [number for (number,) in self._work.db.execute(NUMBERS, (orjson.dumps(list(kinds)).decode(),))]

    def of_item(self, item: int) -> list[PayloadRow]:
        """Return every entry that carries this item row."""
        return self._read(OF_ITEM, (item,)) if item > 0 else []

    def drop(self, log: int, index: int) -> None:
        """Delete payload and salt of one entry; bytes that no other row needs are overwritten.

        The item row of a received object goes with its last entry; one of our own stays.
        """
        db = self._work.db
        sql = "DELETE FROM payload WHERE log = ? AND idx = ? RETURNING kind, head, blob, item"
        row = db.execute(sql, (log, index)).fetchone()
        if row is None:
            return
        kind, head, blob, item = row
        self._work.erased = True
        self._work.loose_heads.add(head)
        if item is None:
            db.execute("DELETE FROM act WHERE kind = ? AND log = ? AND idx = ?", (kind, log, index))
            db.execute(MOVED, (self._work.kinds.values[kind],))
            self._work.drop_blob(blob)
        elif not self._carried(item):
            self._items.forget(item)

    def truncate(self, log: int, size: int) -> None:
        """Drop every payload from index `size` on, and await none of them."""
        db = self._work.db
        for (index,) in db.execute("SELECT idx FROM payload WHERE log = ? AND idx >= ?", (log, size)).fetchall():
            self.drop(log, index)
        db.execute("DELETE FROM awaited WHERE log = ? AND idx >= ?", (log, size))
        db.execute(MOVED, ("",))

    def await_(self, log: int, indexes: Sequence[int]) -> None:
        """Remember that these entries have no payload here yet."""
        sql = "INSERT INTO awaited VALUES (?, ?) ON CONFLICT DO NOTHING"
        self._work.db.executemany(sql, [(log, index) for index in indexes])

    def awaited(self, log: int, limit: int = 1000) -> list[int]:
        """Return entries whose payload is still to come, smallest first; `put` and `settle` take them off."""
        sql = "SELECT idx FROM awaited WHERE log = ? ORDER BY idx LIMIT ?"
        return [index for (index,) in self._work.db.execute(sql, (log, max(limit, 0)))]

    def settle(self, log: int, indexes: Sequence[int]) -> None:
        """Await these entries no longer (their payload was refused)."""
        if indexes and self.awaited(log, 1):
            sql = "DELETE FROM awaited WHERE log = ? AND idx = ?"
            self._work.db.executemany(sql, [(log, index) for index in indexes])

    def _held(self, log: int, indexes: Sequence[int]) -> dict[int, int]:
        """Return which of these entries have a payload, and the item each one carries: 0 none, negative if cleared."""
        if not indexes:
            return {}
        first, last = min(indexes), max(indexes)
        if last - first < CHUNK + 2 * len(indexes):
            return dict(self._work.db.execute(HELD, (log, first, last)))
        chosen = orjson.dumps(list(indexes)).decode()
        return dict(self._work.db.execute(HELD_OF, (log, chosen)))

    def _fresh(self, log: int, rows: Sequence[NewPayload], held: dict[int, int]) -> list[NewPayload]:
        """Return the payloads to add beside those `held`; give back the items that `clear` took away."""
        fresh: list[NewPayload] = []
        for row in rows:
            item = held.get(row.index)
            if item is None:
                fresh.append(row)
                held[row.index] = 0
            elif item < 0 and row.item:
                self._link(log, row, -item)
                held[row.index] = row.item
        return fresh

    def _put_acts(self, log: int, rows: Sequence[NewPayload]) -> None:
        if not rows:
            return
        kinds, heads = self._work.kinds.numbers, self._work.heads.numbers
        blob = self._work.add_blobs((bytearray(row.data) for row in rows), len(rows))
        given = [
            (log, row.index, kinds[row.kind], row.time, row.salt, heads[row.head], number)
            for number, row in enumerate(rows, blob)
        ]
        self._work.db.executemany(PUT_ACT, given)
        self._work.db.executemany("INSERT INTO act VALUES (?, ?, ?)", [(row[2], log, row[1]) for row in given])
        (size,) = self._work.db.execute("SELECT size FROM log WHERE id = ?", (log,)).fetchone()
        self._work.db.executemany(MOVED, [(kind,) for kind in {row.kind for row in rows if row.index < size}])

    def _put_items(self, log: int, rows: Sequence[NewPayload]) -> None:
        if not rows:
            return
        kinds, heads = self._work.kinds.numbers, self._work.heads.numbers
        blobs = self._items.blobs([row.item for row in rows])
        self._work.db.executemany(
            PUT_ITEM,
            [
                (
                    log,
                    row.index,
                    kinds[row.kind],
                    row.time,
                    bytearray(row.salt),
                    heads[row.head],
                    blobs[row.item],
                    row.item,
                )
                for row in rows
            ],
        )

    def _link(self, log: int, row: NewPayload, cleared: int) -> None:
        """Give a payload whose item row was cleared the row that took its place."""
        db = self._work.db
        sql = (
            "UPDATE payload SET item = ?1 WHERE log = ?2 AND idx = ?3 AND blob = (SELECT blob FROM item WHERE seq = ?1)"
        )
        if not db.execute(sql, (row.item, log, row.index)).rowcount:
            raise StoreError(f"entry {row.index} of log {log} does not hold the bytes of item {row.item}")
        if not self._carried(-cleared):
            self._items.forget(-cleared)

    def _carried(self, item: int) -> bool:
        sql = "SELECT 1 FROM payload WHERE log IN (SELECT id FROM log) AND item = ? LIMIT 1"
        return self._work.db.execute(sql, (item,)).fetchone() is not None

    def _acts(self, kind: int) -> Iterator[PayloadRow]:
        sql = (
            "SELECT p.log, p.idx, p.kind, p.time, p.salt, p.head, b.data, NULL FROM act a "
            "JOIN payload p ON p.log = a.log AND p.idx = a.idx JOIN blob b ON b.id = p.blob "
            "WHERE a.kind = ? AND (a.log, a.idx) > (?, ?) ORDER BY a.log, a.idx LIMIT 1000"
        )
        place = (-1, -1)
        while rows := self._read(sql, (kind, *place)):
            yield from rows
            place = (rows[-1].log, rows[-1].index)

    def _read(self, sql: str, given: tuple[int | str, ...]) -> list[PayloadRow]:
        kinds, heads = self._work.kinds.values, self._work.heads.values
        return [
            PayloadRow(log, index, kinds[kind], time, salt, heads[head], data, item if item and item > 0 else 0)
            for log, index, kind, time, salt, head, data, item in self._work.db.execute(sql, given)
        ]
