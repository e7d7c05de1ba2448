"""One transaction on SQLite: its connection, what it has interned, and what it must do before it commits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, TypeVar

from entente.core.errors import StoreError
from entente.store.names import Names
from entente.store.ports import Snapshot
from entente.store.sqlite.structure import fits
from entente.store.sqlite.words import WordTable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from sqlite3 import Connection

Value = TypeVar("Value", str, bytes)

PURGE_PAGES: Final = 500
"""Pages of the full-text index that are rewritten at once to remove words for good."""


class Numbers(dict[Value, int]):
    """The numbers of values that many rows share; asking for a value without a number gives it one."""

    def __init__(self, work: Work, table: str, known: dict[Value, int]) -> None:
        """Read and write the table `table` (id, value); those in `known` need no row."""
        super().__init__()
        self.update(known)
        self._work = work
        self._find = f"SELECT id FROM {table} WHERE value = ?"  # noqa: S608 - a name of ours
        self._add = f"INSERT INTO {table} (value) VALUES (?) RETURNING id"  # noqa: S608 - a name of ours

    def find(self, value: Value) -> int | None:
        """Return the number of a value, None if it has none."""
        row = self._work.db.execute(self._find, (value,)).fetchone()
        return None if row is None else int(row[0])

    def __missing__(self, value: Value) -> int:
        number = self.find(value)
        if number is None:
            number = int(self._work.db.execute(self._add, (value,)).fetchone()[0])
        self[value] = number
        return number


class Values(dict[int, Value]):
    """The values of numbers that were given before."""

    def __init__(self, work: Work, table: str, known: dict[int, Value]) -> None:
        """Read the table `table` (id, value); those in `known` need no row."""
        super().__init__()
        self.update(known)
        self._work = work
        self._read = f"SELECT value FROM {table} WHERE id = ?"  # noqa: S608 - a name of ours

    def __missing__(self, number: int) -> Value:
        value: Value = self._work.db.execute(self._read, (number,)).fetchone()[0]
        self[number] = value
        return value


class Interned(Generic[Value]):
    """Values that many rows share, by small numbers; valid in one transaction only, as others may add some."""

    def __init__(self, work: Work, table: str, *known: tuple[int, Value]) -> None:
        """Read and write the table `table` (id, value); `known` pairs need no row."""
        self.numbers: Numbers[Value] = Numbers(work, table, {value: number for number, value in known})
        self.values: Values[Value] = Values(work, table, dict(known))


class Work:
    """What the four ports of one transaction share."""

    def __init__(self, db: Connection) -> None:
        """Work on a connection that is inside a transaction."""
        self._db: Connection | None = db
        self.kinds: Interned[str] = Interned(self, "kind")
        self.authors: Interned[bytes] = Interned(self, "author")
        self.heads: Interned[bytes] = Interned(self, "head", (0, b""))
        self.creators: Interned[str] = Interned(self, "creator", (0, ""))
        self.names = Names()
        self.words = WordTable(db)
        self.loose_heads: set[int] = set()
        self.loose_creators: set[int] = set()
        self.erased = False
        self._blob = 0
        self._meta: tuple[int, int, int] | None = None
        self._start = db.total_changes
        self._version = -1

    @property
    def db(self) -> Connection:
        """Return the connection; StoreError when the transaction is over."""
        if self._db is None:
            raise StoreError("the transaction is over", hint="read what you need inside its block")
        return self._db

    def end(self) -> None:
        """Refuse all further use."""
        self._db = None

    def seen(self) -> Snapshot:
        """Return what tells the bytes that are seen now from all others.

        SQLite counts what others committed for each connection, and the connection its own changes.
        """
        if self._version < 0:
            self._version = int(self.db.execute("PRAGMA data_version").fetchone()[0])
        changes = self.db.total_changes
        return Snapshot((self.db, self._version, changes), changes == self._start)

    def add_blobs(self, blobs: Iterable[bytes | bytearray], count: int) -> int:
        """Store `count` blobs and return the number of the first; the others follow it."""
        first = self.next_blob()
        self.db.executemany("INSERT INTO blob VALUES (?, ?)", zip(range(first, first + count), blobs, strict=True))
        self._blob += count
        return first

    def next_blob(self) -> int:
        """Return the number that the next blob will have."""
        if not self._blob:
            self._blob = int(self.db.execute("SELECT coalesce(max(id), 0) + 1 FROM blob").fetchone()[0])
        return self._blob

    def drop_blob(self, blob: int) -> None:
        """Overwrite a blob that no row needs any more."""
        self.db.execute("DELETE FROM blob WHERE id = ?", (blob,))
        self._blob = 0
        self.erased = True

    def meta(self) -> tuple[int, int, int]:
        """Return the newest item number, how far the index goes, and whether words of it are to be removed."""
        if self._meta is None:
            row: tuple[int, int, int] = self.db.execute("SELECT seq, indexed, purge FROM meta").fetchone()
            self._meta = row
        return self._meta

    def set_meta(self, *, seq: int | None = None, indexed: int | None = None, purge: int | None = None) -> None:
        """Change what `meta` returns."""
        old = self.meta()
        given = (seq, indexed, purge)
        new = tuple(before if now is None else now for before, now in zip(old, given, strict=True))
        self.db.execute("UPDATE meta SET seq = ?, indexed = ?, purge = ?", new)
        self._meta = None

    def purge(self) -> bool:
        """Take removed words out of the index's files, some pages at a time; say whether any were left to do.

        A full-text table keeps the words of a deleted row until the segments that hold them are merged. The first,
        negative step puts all segments on one level, the others go on merging it until nothing changes. An index that
        cannot be merged, or keeps pages that no segment has, is begun anew.
        """
        stage = self.meta()[2]
        if not stage:
            return False
        done = False
        with self.words.changing():
            done = self._merge(-PURGE_PAGES if stage == 1 else PURGE_PAGES) and stage != 1
            self.words.lost = done and not fits(self.db)
        self.set_meta(purge=0 if done else 2)
        self.erased = True
        self.forget_lost()
        return True

    def _merge(self, pages: int) -> bool:
        """Rewrite some pages of the index and say whether there was nothing to do."""
        before = self.db.total_changes
        self.db.execute("INSERT INTO word (word, rank) VALUES ('merge', ?)", (pages,))
        return self.db.total_changes - before < 2  # noqa: PLR2004 - the command itself is one change

    def forget_lost(self) -> None:
        """Count nothing as indexed if the index is lost; `renew` begins it anew before the transaction ends."""
        if self.words.lost:
            self.set_meta(indexed=0, purge=0)

    def renew(self) -> None:
        """Begin the index anew if it is lost; it may stay lost, on a damaged file, while nothing is erased."""
        self.forget_lost()
        if self.words.lost:
            self.words.renew(needed=self.erased)
            self.erased = self.erased or not self.words.lost

    def finish(self) -> None:
        """Do what is left to do before the commit."""
        sql = "DELETE FROM head WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM payload WHERE head = ?1)"
        self.db.executemany(sql, [(head,) for head in self.loose_heads - {0}])
        sql = (
            "DELETE FROM creator WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM item WHERE creator = ?1 AND creator <> 0)"
        )
        self.db.executemany(sql, [(creator,) for creator in self.loose_creators - {0}])
        if self.meta()[2] == 1:
            self.purge()
            self.purge()
        self.renew()
        if self.erased:
            self.db.execute("INSERT OR REPLACE INTO record VALUES ('purge', 'pages', randomblob(8))")
