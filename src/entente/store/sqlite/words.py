"""The full-text table of a SQLite home: it holds nothing that the items do not, so a damaged one is begun anew."""

from __future__ import annotations

import re
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from entente.store.sqlite import schema
from entente.store.sqlite import structure as sqlite_structure
from entente.store.sqlite.errors import MACHINE

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from sqlite3 import Connection

EMPTY: Final = (
    "CREATE TABLE IF NOT EXISTS word_data (id INTEGER PRIMARY KEY, block BLOB)",
    "CREATE TABLE IF NOT EXISTS word_idx (segid, term, pgno, PRIMARY KEY (segid, term)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS word_docsize (id INTEGER PRIMARY KEY, sz BLOB)",
    "CREATE TABLE IF NOT EXISTS word_config (k PRIMARY KEY, v) WITHOUT ROWID",
    "DELETE FROM word_data",
    "DELETE FROM word_idx",
    "DELETE FROM word_docsize",
    "DELETE FROM word_config",
    "INSERT INTO word_config VALUES ('version', 4)",
    "INSERT INTO word_data VALUES (1, x''), (10, zeroblob(7))",
)
"""What makes of any remains of the table's own tables those of an empty one, so that FTS5 opens it and drops it."""

PROBE: Final = "SELECT rowid FROM word WHERE word MATCH 'a' LIMIT 1"
OF_WORDS: Final = re.compile(r"fts5|\bword\b", re.IGNORECASE)
"""What SQLite from 3.44 on says of the full-text table while it looks through a database names one of these."""

SHOWN: Final = 3
"""Findings that are told."""


class WordTable:
    """The full-text table in one transaction: whether it was used, and whether it is to be begun anew."""

    def __init__(self, db: Connection) -> None:
        """Work on a connection that is inside a transaction."""
        self._db = db
        self.lost = False

    @contextmanager
    def reading(self) -> Generator[None]:
        """Read the table; that it is damaged is no error, but makes it `lost`."""
        try:
            yield
        except sqlite3.Error as error:
            if not of_index(error):
                raise
            self.lost = True

    @contextmanager
    def changing(self) -> Generator[None]:
        """Change the table; that it is damaged is no error, but undoes the change and makes it `lost`.

        FTS5 holds changes back until the next savepoint, which other statements make too: they would fail in its place.
        """
        self._db.execute("SAVEPOINT words")
        with self.reading():
            yield
            self._db.execute("SAVEPOINT written")
        if self.lost:
            self._db.execute("ROLLBACK TO words")
        self._db.execute("RELEASE words")

    def renew(self, *, needed: bool) -> None:
        """Begin the table anew; where the file itself is damaged that fails, which is an error only if it is needed."""
        self._db.execute("SAVEPOINT renewal")
        try:
            renew(self._db)
            self.lost = False
        except sqlite3.Error as error:
            if needed or not of_index(error):
                raise
            self._db.execute("ROLLBACK TO renewal")
        self._db.execute("RELEASE renewal")


def of_index(error: sqlite3.Error) -> bool:
    """Say whether an error on the full-text table is the table's, not the machine's or ours."""
    name: str = getattr(error, "sqlite_errorname", "")
    return bool(name) and not name.startswith(MACHINE)


def renew(db: Connection) -> None:
    """Put an empty full-text table in the place of the one that is there, whatever its state, in this transaction."""
    try:
        db.execute("DROP TABLE IF EXISTS word")
    except sqlite3.Error as error:
        if not of_index(error):
            raise
        for statement in EMPTY:
            db.execute(statement)
        db.execute("DROP TABLE word")
    db.execute(schema.WORD)


def opens(db: Connection) -> bool:
    """Say whether the table can be used and has only pages that it knows of; costs a few pages."""
    try:
        db.execute(PROBE).fetchall()
        return sqlite_structure.fits(db)
    except sqlite3.Error as error:
        if not of_index(error):
            raise
        return False


def sound(db: Connection, *, thorough: bool) -> bool:
    """Say whether the table is as it should be; `thorough` reads all of it, and lets nobody write meanwhile."""
    if not opens(db):
        return False
    try:
        if thorough:
            db.execute("BEGIN")
            db.execute("INSERT INTO word (word) VALUES ('integrity-check')")
        return sqlite_structure.whole(db)
    except sqlite3.Error as error:
        if not of_index(error):
            raise
        return False
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


def pages(db: Connection, *, thorough: bool) -> Sequence[str]:
    """Return what SQLite finds damaged in the database, the full-text table apart."""
    pragma = "PRAGMA integrity_check" if thorough else "PRAGMA quick_check"
    try:
        found = _lines(db, pragma)
        loose = db.execute("PRAGMA foreign_key_check").fetchone() if thorough else None
    except sqlite3.DatabaseError as error:
        if not of_index(error):
            raise
        return [str(error)]
    return [*found[:SHOWN], *([f"a row of {loose[0]} points to none of {loose[2]}"] if loose else [])]


def _lines(db: Connection, pragma: str) -> list[str]:
    """Return the findings of a check, table by table where the full-text table ends the one of them all."""
    try:
        found = db.execute(f"{pragma}(20)").fetchall()
    except sqlite3.DatabaseError as error:
        if not OF_WORDS.search(str(error)):
            raise
        tables = db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'word'").fetchall()
        found = [line for (name,) in tables for line in db.execute(f"{pragma}({name})").fetchall()]
    return [line for (line,) in found if line != "ok" and not OF_WORDS.search(line)]
