"""Logs in SQLite: leaves in rows of 256, hashes in tiles (C2SP tlog-tiles) of the levels 0, 8, 16 and so on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from entente.core import merkle
from entente.core.errors import ConflictError, NotFoundError, StoreError
from entente.store import leaves as rows
from entente.store.ports import CHUNK, LogRow

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from entente.store.sqlite.payloads import SqlitePayloads
    from entente.store.sqlite.work import Work

COLUMNS: Final = "id, origin, member, circle, epoch, size, peaks, signed, note, stopped"
HEIGHT: Final = 8
"""Levels of the tree that one tile spans."""


class SqliteLogs:
    """The port `Logs` on SQLite."""

    def __init__(self, work: Work, payloads: SqlitePayloads) -> None:
        """Work inside the transaction `work`; `payloads` is asked to drop those of leaves that go."""
        self._work = work
        self._payloads = payloads
        self._tiles: dict[tuple[int, int, int], bytes] = {}

    def add(self, row: LogRow) -> LogRow:
        """Create an empty log (its `id` is chosen here); ConflictError if the origin exists."""
        if self.get(row.origin) is not None:
            raise ConflictError(f"there is a log with the origin {row.origin}")
        sql = "INSERT INTO log VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id"
        number = int(self._work.db.execute(sql, (row.origin, *_values(row))).fetchone()[0])
        return _log((number, row.origin, *_values(row)))

    def get(self, origin: str) -> LogRow | None:
        """Return the log of this origin."""
        row = self._work.db.execute(f"SELECT {COLUMNS} FROM log WHERE origin = ?", (origin,)).fetchone()  # noqa: S608
        return None if row is None else _log(row)

    def all(self) -> list[LogRow]:
        """Return every log, oldest first."""
        return [_log(row) for row in self._work.db.execute(f"SELECT {COLUMNS} FROM log ORDER BY id")]  # noqa: S608

    def save(self, row: LogRow) -> None:
        """Store all columns of a log but its id and origin; NotFoundError if there is no such log."""
        sql = (
            "UPDATE log SET member = ?, circle = ?, epoch = ?, size = ?, peaks = ?, signed = ?, note = ?, stopped = ? "
            "WHERE id = ?"
        )
        if not self._work.db.execute(sql, (*_values(row), row.id)).rowcount:
            raise NotFoundError(f"there is no log number {row.id}")

    def append(self, log: int, start: int, leaves: Sequence[bytes], hashes: Sequence[bytes]) -> None:
        """Store leaves and leaf hashes from index `start`, which must be the number held (StoreError otherwise)."""
        held = self._held(log)
        if start != held:
            raise StoreError(f"log {log} holds {held} leaves, so none can be stored from {start} on")
        rows.check(leaves, hashes)
        for n, first, stop in _rows(start, len(leaves)):
            self._extend_leaves(log, n, rows.joined(leaves[first:stop]))
        self._extend_tiles(log, 0, start, hashes)

    def leaves(self, log: int, start: int, stop: int) -> list[bytes]:
        """Return the leaves `start` to `stop`, end exclusive; fewer where the log ends."""
        if start >= stop:
            return []
        found: list[bytes] = []
        sql = "SELECT data FROM leaf WHERE log = ? AND n BETWEEN ? AND ? ORDER BY n"
        for (data,) in self._work.db.execute(sql, (log, start // CHUNK, (stop - 1) // CHUNK)):
            found.extend(rows.split(data))
        begin = start // CHUNK * CHUNK
        return found[start - begin : stop - begin]

    def node(self, log: int, level: int, index: int) -> bytes:
        """Return the hash of the complete subtree of 2**level leaves number `index` (RFC 6962 section 2.1).

        NotFoundError if the log does not hold all of these leaves.
        """
        below = level % HEIGHT
        first = index << below
        place = first % CHUNK * merkle.HASH_SIZE
        tile = self._tile(log, level - below, first // CHUNK)
        hashes = _hashes(tile[place : place + (merkle.HASH_SIZE << below)])
        if len(hashes) < 1 << below:
            raise NotFoundError(f"log {log} does not hold the subtree {index} of level {level}")
        return merkle.root(hashes)

    def truncate(self, log: int, size: int) -> None:
        """Forget leaves, hashes and payloads from index `size` on; for unsigned leaves of our own only."""
        db = self._work.db
        self._payloads.truncate(log, size)
        keep = self.leaves(log, size // CHUNK * CHUNK, size)
        db.execute("DELETE FROM leaf WHERE log = ? AND n >= ?", (log, size // CHUNK))
        if keep:
            db.execute("INSERT INTO leaf VALUES (?, ?, ?)", (log, size // CHUNK, rows.joined(keep)))
        self._cut_tiles(log, size)
        self._work.erased = True

    def _cut_tiles(self, log: int, size: int) -> None:
        db = self._work.db
        self._tiles.clear()
        (top,) = db.execute("SELECT coalesce(max(level), 0) FROM tile WHERE log = ?", (log,)).fetchone()
        for level in range(0, top + 1, HEIGHT):
            count = size >> level
            keep = self._tile(log, level, count // CHUNK)[: count % CHUNK * merkle.HASH_SIZE]
            db.execute("DELETE FROM tile WHERE log = ? AND level = ? AND n >= ?", (log, level, count // CHUNK))
            if keep:
                db.execute("INSERT INTO tile VALUES (?, ?, ?, ?)", (log, level, count // CHUNK, keep))
        self._tiles.clear()

    def _held(self, log: int) -> int:
        sql = "SELECT n, length(hashes) FROM tile WHERE log = ? AND level = 0 ORDER BY n DESC LIMIT 1"
        row = self._work.db.execute(sql, (log,)).fetchone()
        return 0 if row is None else int(row[0]) * CHUNK + int(row[1]) // merkle.HASH_SIZE

    def _extend_leaves(self, log: int, n: int, data: bytes) -> None:
        sql = "INSERT INTO leaf VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET data = CAST(data || excluded.data AS BLOB)"
        self._work.db.execute(sql, (log, n, data))

    def _extend_tiles(self, log: int, level: int, start: int, hashes: Sequence[bytes]) -> None:
        """Add hashes of one level, and to the level above the root of each tile that became full."""
        full: list[bytes] = []
        for n, first, stop in _rows(start, len(hashes)):
            tile = b"".join(hashes[first:stop])
            if (start + first) % CHUNK:
                tile = self._tile(log, level, n) + tile
            self._tiles[log, level, n] = tile
            self._work.db.execute("INSERT OR REPLACE INTO tile VALUES (?, ?, ?, ?)", (log, level, n, tile))
            if len(tile) == CHUNK * merkle.HASH_SIZE:
                full.append(merkle.root(_hashes(tile)))
        if full:
            self._extend_tiles(log, level + HEIGHT, start // CHUNK, full)

    def _tile(self, log: int, level: int, n: int) -> bytes:
        """Return the hashes of one tile, joined; none if there is no such tile."""
        tile = self._tiles.get((log, level, n))
        if tile is None:
            sql = "SELECT hashes FROM tile WHERE log = ? AND level = ? AND n = ?"
            row = self._work.db.execute(sql, (log, level, n)).fetchone()
            if len(self._tiles) >= CHUNK:
                self._tiles.clear()
            tile = self._tiles[log, level, n] = b"" if row is None else row[0]
        return tile


def _log(columns: tuple[int, str, bytes, bytes, int, int, bytes, int, bytes, str]) -> LogRow:
    number, origin, member, circle, epoch, size, peaks, signed, note, stopped = columns
    return LogRow(
        id=number,
        origin=origin,
        member=member,
        circle=circle,
        epoch=epoch,
        size=size,
        peaks=peaks,
        signed=signed,
        note=note,
        stopped=stopped,
    )


def _values(row: LogRow) -> tuple[bytes, bytes, int, int, bytes, int, bytes, str]:
    return row.member, row.circle, row.epoch, row.size, row.peaks, row.signed, row.note, row.stopped


def _rows(start: int, count: int) -> Iterator[tuple[int, int, int]]:
    """Say for each row of 256 what part of `count` new entries from index `start` on goes there."""
    first = 0
    while first < count:
        stop = min(count, first + CHUNK - (start + first) % CHUNK)
        yield (start + first) // CHUNK, first, stop
        first = stop


def _hashes(tile: bytes) -> list[bytes]:
    return [tile[place : place + merkle.HASH_SIZE] for place in range(0, len(tile), merkle.HASH_SIZE)]
