"""A home's bytes in one SQLite file: write-ahead log, one writer over all processes, durable when a block ends."""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Final

from entente.core.errors import ConflictError, StoreError
from entente.store.ports import INDEX
from entente.store.sqlite import schema, snapshots
from entente.store.sqlite import structure as sqlite_structure
from entente.store.sqlite import words as sqlite_words
from entente.store.sqlite.errors import told
from entente.store.sqlite.items import SqliteItems
from entente.store.sqlite.logs import SqliteLogs
from entente.store.sqlite.payloads import SqlitePayloads
from entente.store.sqlite.records import SqliteRecords
from entente.store.sqlite.work import Work

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    from entente.store.ports import ItemCopies, Logs, Payloads, Records, Snapshot, Transaction

BUSY_SECONDS: Final = 60.0
"""How long a writer waits for another one, in this process or elsewhere."""

WRITER_CACHE: Final = 16_000
READER_CACHE: Final = 4_000
"""KiB of pages that a connection keeps."""

CHECKPOINT_PAGES: Final = 16_000
"""Pages in the write-ahead log after which a commit copies them into the file."""

IDLE_READERS: Final = 4
"""Connections for reading that are kept open while nobody reads."""


class SqliteTransaction:
    """The four ports inside one transaction."""

    __slots__ = ("_work", "items", "logs", "payloads", "records")

    logs: Logs
    payloads: Payloads
    items: ItemCopies
    records: Records

    def __init__(self, work: Work) -> None:
        """Open the ports on one piece of work."""
        items = SqliteItems(work)
        payloads = SqlitePayloads(work, items)
        self.items = items
        self.payloads = payloads
        self.logs = SqliteLogs(work, payloads)
        self.records = SqliteRecords(work)
        self._work = work

    def seen(self) -> Snapshot:
        """Return what tells the bytes that are seen now from all others."""
        return self._work.seen()


class SqliteStore:
    """The port `Store` on one SQLite file that several threads and processes may share.

    Nothing read in one transaction is kept for the next, as any process may have written in between.
    """

    def __init__(
        self,
        path: Path,
        *,
        create: bool = False,
        nonce: bytes = b"",
        busy: float = BUSY_SECONDS,
        steps: Sequence[Sequence[str]] = schema.STEPS,
    ) -> None:
        """Open the database at `path`, or make it with `nonce` as its mark.

        One of an earlier layout is copied beside itself, then brought forward along `steps`. ConflictError if it is
        to be made and exists; StoreError if it cannot be used; `busy` seconds are waited for other writers.
        """
        schema.check_library()
        self._path = path
        self._busy = busy
        self._lock = threading.Lock()
        self._writing: int | None = None
        self._closed = False
        self._unswept = False
        self._undone = 0
        self._lost: bool = False
        self._idle: list[sqlite3.Connection] = []
        self._watching = threading.Lock()
        if create:
            _create(path, nonce, busy)
        with told(path):
            self._writer = _connect(path, busy, WRITER_CACHE)
            try:
                snapshots.keep_before_upgrade(self._writer, path, len(steps))
                schema.migrate(self._writer, steps)
                self._nonce: bytes = self._writer.execute("SELECT nonce FROM meta").fetchone()[0]
                self._watch = _connect(path, busy, 0)
            except BaseException:
                self._writer.close()
                raise
            unfinished = self._due() is not None
            self._lost = not sqlite_words.opens(self._watch)
        with suppress(StoreError):  # somebody else is at work; a later call finishes it
            self._mend()
            if unfinished:
                self.purge()

    @property
    def nonce(self) -> bytes:
        """Return the mark that this database was made with."""
        return self._nonce

    @contextmanager
    def write(self) -> Generator[Transaction]:
        """Open the one write transaction; durable when the block ends.

        StoreError if another writer does not end in time, or if this thread is inside a write transaction already.
        """
        with self._alone(), told(self._path):
            db = self._writer
            db.execute("BEGIN IMMEDIATE")
            work = Work(db)
            work.words.lost = self._lost
            try:
                work.forget_lost()
                yield SqliteTransaction(work)
                work.finish()
                db.execute("COMMIT")
                self._lost = work.words.lost
            finally:
                self._lost = self._lost or work.words.lost
                work.end()
                if db.in_transaction:
                    self._undone += 1
                    db.execute("ROLLBACK")
            self._unswept = self._unswept or work.erased
            if work.erased:
                snapshots.forget_copies(self._path)
            if self._unswept:
                self._sweep()
            if work.erased:
                self._lower()

    @contextmanager
    def read(self) -> Generator[Transaction]:
        """Open a read transaction on one unchanging state."""
        with told(self._path):
            db = self._reader()
            work = Work(db)
            try:
                db.execute("BEGIN")
                work.meta()
                yield SqliteTransaction(work)
            finally:
                work.end()
                self._put_back(db)
                if work.words.lost:
                    self._lost = True
                    with suppress(StoreError):  # the next one that writes does it
                        self._mend()

    def version(self) -> int:
        """Return a number that changes whenever anybody, in any process, has committed."""
        self._refuse_closed()
        with self._watching, told(self._path):
            return int(self._watch.execute("PRAGMA data_version").fetchone()[0])

    def undone(self) -> int:
        """Return how many write transactions of this process ended without a commit."""
        return self._undone

    def purge(self) -> bool:
        """Take what was erased out of the search index and the write-ahead log; say whether nothing of it is left.

        False while somebody reads an older state: call it again. That it is due is remembered, over a crash too.
        """
        if self._lost:
            self._mend()
        while self._words_left():
            with self.write() as tx:
                tx.items.index(0)
        with self._alone(), told(self._path):
            if self._unswept or self._due() is not None:
                self._sweep()
            return not self._unswept

    def damage(self, *, thorough: bool = False) -> list[str]:
        """Return what is damaged in the file, in sentences; `thorough` reads everything, indexes too.

        A damaged search index is told once: it is begun anew.
        """
        self._refuse_closed()
        with told(self._path), closing(_connect(self._path, self._busy, READER_CACHE)) as db:
            self._lost = not sqlite_words.sound(db, thorough=thorough) or self._lost
        found: list[str] = []
        if self._lost:
            found.append(f"{INDEX} was damaged; it is begun anew, and nothing else is concerned.")
            with suppress(StoreError):  # the next one that writes does it
                self._mend()
        with told(self._path), closing(_connect(self._path, self._busy, READER_CACHE)) as db:
            lines = sqlite_words.pages(db, thorough=thorough)
        return found + [f"The database is damaged: {line}." for line in lines]

    def close(self) -> None:
        """Copy the write-ahead log into the file and release files and connections; a second call does nothing."""
        if self._closed:
            return
        with self._alone():
            self._closed = True
            idle, self._idle = self._idle, []
            with self._watching:
                self._watch.close()
            for db in idle:
                db.close()
            with suppress(sqlite3.Error):
                self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._writer.close()

    @contextmanager
    def _alone(self) -> Generator[None]:
        """Be the only writer of this process."""
        me = threading.get_ident()
        if self._writing == me:
            raise StoreError("a write transaction is open in this thread already", hint="end it first")
        if not self._lock.acquire(timeout=self._busy):
            raise StoreError(f"another writer held the store for {self._busy:g} seconds", hint="try again later")
        try:
            self._refuse_closed()
            self._writing = me
            yield
        finally:
            self._writing = None
            self._lock.release()

    def _refuse_closed(self) -> None:
        if self._closed:
            raise StoreError("the store is closed", hint="open it again")

    def _reader(self) -> sqlite3.Connection:
        self._refuse_closed()
        try:
            return self._idle.pop()
        except IndexError:
            db = _connect(self._path, self._busy, READER_CACHE)
            db.execute("PRAGMA query_only = ON")
            return db

    def _put_back(self, db: sqlite3.Connection) -> None:
        try:
            if db.in_transaction:
                db.execute("ROLLBACK")
        except sqlite3.Error:
            db.close()
            raise
        if self._closed or len(self._idle) >= IDLE_READERS:
            db.close()
        else:
            self._idle.append(db)

    def _sweep(self) -> None:
        """Take what was erased out of the write-ahead log; a reader may hold it back until the next write."""
        db = self._writer
        db.execute("PRAGMA busy_timeout = 1000")
        try:
            due = self._due()
            busy = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            if not busy and due is not None:  # what another process erased meanwhile stays due
                db.execute("DELETE FROM record WHERE space = 'purge' AND value = ?", (due,))
        except sqlite3.OperationalError:
            busy = 1
        finally:
            db.execute(f"PRAGMA busy_timeout = {int(self._busy * 1000)}")
        self._unswept = busy != 0

    def _mend(self) -> None:
        """Begin a damaged search index anew, and take too many levels out of one."""
        if self._lost:
            with self.write():
                pass
        with self._alone(), told(self._path):
            self._lower()

    def _lower(self) -> None:
        """Take empty levels out of the search index before they are too many; by a connection that uses nothing else.

        What cannot be done now is done after the next erasure.
        """
        with suppress(sqlite3.DatabaseError):
            if sqlite_structure.too_high(self._writer):
                with closing(_connect(self._path, 1.0, 0)) as db:
                    sqlite_structure.lower(db)

    def _due(self) -> bytes | None:
        """Return the mark of the last erasure that may still be in the write-ahead log, None if there is none."""
        row = self._writer.execute("SELECT value FROM record WHERE space = 'purge'").fetchone()
        return None if row is None else bytes(row[0])

    def _words_left(self) -> bool:
        """Say whether words of what was erased are still in the index's files."""
        with self._alone(), told(self._path):
            return bool(self._writer.execute("SELECT purge FROM meta").fetchone()[0])


def _create(path: Path, nonce: bytes, busy: float) -> None:
    """Make the file, readable by its owner only, and lay out the tables; leave nothing behind when that fails."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError as error:
        raise ConflictError(f"{path} exists already", hint="choose another folder") from error
    except OSError as error:
        raise StoreError(f"{path} cannot be made: {error.strerror}", hint="check the folder and its rights") from error
    try:
        with told(path):
            db = _connect(path, busy, WRITER_CACHE)
            try:
                db.execute("PRAGMA journal_mode = WAL")
                schema.create(db, nonce)
            finally:
                db.close()
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _connect(path: Path, busy: float, cache: int) -> sqlite3.Connection:
    """Open an existing database with the settings that durability and erasure need."""
    db = sqlite3.connect(
        path.resolve().as_uri() + "?mode=rw",
        uri=True,
        timeout=busy,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
    )
    try:
        for pragma in (
            "synchronous = FULL",
            "secure_delete = ON",
            "foreign_keys = ON",
            "trusted_schema = OFF",
            f"cache_size = {-cache}",
            f"wal_autocheckpoint = {CHECKPOINT_PAGES}",
            "journal_size_limit = 67108864",
            "temp_store = MEMORY",
        ):
            db.execute(f"PRAGMA {pragma}")
    except BaseException:
        db.close()
        raise
    return db
