"""The tables of the SQLite store and the way from each earlier version to this one.

`STEPS[n]` leads from version n to version n + 1. A step that was released is never changed; a new one is added.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Final

from entente.core.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from sqlite3 import Connection

APPLICATION: Final = 0x656E7465
"""Marks the file as ours (`PRAGMA application_id`)."""

OLDEST: Final = (3, 40, 0)
"""The oldest SQLite that the tests run on."""

WORD: Final = "CREATE VIRTUAL TABLE word USING fts5 (text, content = '', tokenize = 'unicode61 remove_diacritics 2')"
"""The full-text table, which may be dropped and made again."""

VERSION_1: Final = (
    # seq: the newest number given to an item; indexed: how far the full-text index goes; purge: words to be removed.
    """CREATE TABLE meta (
        one INTEGER PRIMARY KEY CHECK (one = 1), nonce BLOB NOT NULL, seq INTEGER NOT NULL, indexed INTEGER NOT NULL,
        purge INTEGER NOT NULL
    ) STRICT""",
    """CREATE TABLE log (
        id INTEGER PRIMARY KEY, origin TEXT NOT NULL UNIQUE, member BLOB NOT NULL, circle BLOB NOT NULL,
        epoch INTEGER NOT NULL, size INTEGER NOT NULL, peaks BLOB NOT NULL, signed INTEGER NOT NULL,
        note BLOB NOT NULL, stopped TEXT NOT NULL
    ) STRICT""",
    # Row n holds the leaves from 256 * n on: for each its length in two bytes, then its bytes.
    """CREATE TABLE leaf (
        log INTEGER NOT NULL REFERENCES log, n INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY (log, n)
    ) STRICT, WITHOUT ROWID""",
    # Row n of level 8 * k holds the hashes from 256 * n on of the complete subtrees of 256 ** k leaves.
    """CREATE TABLE tile (
        log INTEGER NOT NULL REFERENCES log, level INTEGER NOT NULL, n INTEGER NOT NULL, hashes BLOB NOT NULL,
        PRIMARY KEY (log, level, n)
    ) STRICT, WITHOUT ROWID""",
    "CREATE TABLE kind (id INTEGER PRIMARY KEY, value TEXT NOT NULL UNIQUE) STRICT",
    "CREATE TABLE author (id INTEGER PRIMARY KEY, value BLOB NOT NULL UNIQUE) STRICT",
    "CREATE TABLE creator (id INTEGER PRIMARY KEY, value TEXT NOT NULL UNIQUE) STRICT",
    "CREATE TABLE head (id INTEGER PRIMARY KEY, value BLOB NOT NULL UNIQUE) STRICT",
    "CREATE TABLE blob (id INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT",
    # A blob belongs to one payload without item, or to the item rows of one STIX id and the payloads of those.
    # `item` is negative while the item row that this payload had is cleared. No foreign keys on head, creator and
    # blob: taking one out would search the whole table.
    """CREATE TABLE payload (
        log INTEGER NOT NULL REFERENCES log, idx INTEGER NOT NULL, kind INTEGER NOT NULL REFERENCES kind,
        time INTEGER NOT NULL, salt BLOB NOT NULL, head INTEGER NOT NULL, blob INTEGER NOT NULL, item INTEGER,
        PRIMARY KEY (log, idx)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX payload_item ON payload (log, item) WHERE item IS NOT NULL",
    """CREATE TABLE act (
        kind INTEGER NOT NULL, log INTEGER NOT NULL, idx INTEGER NOT NULL, PRIMARY KEY (kind, log, idx)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE awaited (
        log INTEGER NOT NULL REFERENCES log, idx INTEGER NOT NULL, PRIMARY KEY (log, idx)
    ) STRICT, WITHOUT ROWID""",
    # The STIX id is lead + tail, where a missing lead stands for type + "--". `key` is the first half of the UUID, so
    # that the index stays small; it is missing where the tail is none. A cleared row keeps the bytes of its payloads
    # under the negative of its number.
    """CREATE TABLE item (
        seq INTEGER PRIMARY KEY, blob INTEGER NOT NULL, key INTEGER, tail TEXT NOT NULL, lead TEXT, type TEXT NOT NULL,
        author INTEGER NOT NULL REFERENCES author, created INTEGER NOT NULL, modified INTEGER NOT NULL,
        creator INTEGER NOT NULL, revoked INTEGER NOT NULL, name TEXT NOT NULL, tlp INTEGER NOT NULL,
        time INTEGER NOT NULL, person TEXT NOT NULL, own INTEGER NOT NULL, state TEXT NOT NULL,
        latest INTEGER NOT NULL, top INTEGER NOT NULL
    ) STRICT""",
    "CREATE INDEX item_key ON item (key) WHERE key IS NOT NULL",
    "CREATE INDEX item_tail ON item (tail) WHERE key IS NULL",
    "CREATE INDEX item_creator ON item (creator) WHERE creator <> 0",
    """CREATE TABLE record (
        space TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (space, key)
    ) STRICT, WITHOUT ROWID""",
    WORD,
)

STEPS: Final = (VERSION_1,)


def check_library() -> None:
    """Raise StoreError if the SQLite of this Python is older than any that this program was tested on."""
    if sqlite3.sqlite_version_info < OLDEST:
        raise StoreError(
            f"the SQLite {sqlite3.sqlite_version} of this Python is too old: {'.'.join(map(str, OLDEST))} is needed",
            hint="run `entente` with a Python that brings a newer SQLite, or have this machine's updated",
        )


def create(db: Connection, nonce: bytes) -> None:
    """Lay out an empty database of the newest version, known by `nonce`, in one transaction."""
    db.execute("BEGIN IMMEDIATE")
    _climb(db, 0, STEPS)
    db.execute("INSERT INTO meta VALUES (1, ?, 0, 0, 0)", (nonce,))
    db.execute(f"PRAGMA application_id = {APPLICATION}")
    db.execute("COMMIT")


def migrate(db: Connection, steps: Sequence[Sequence[str]] = STEPS) -> None:
    """Bring a database forward to the newest version, in one transaction.

    StoreError if it is not one of ours or comes from a later version of this program.
    """
    if not is_ours(db):
        raise StoreError("this file is not the database of a home", hint="name the folder that `entente init` made")
    if layout_number(db) == len(steps):
        return
    db.execute("BEGIN IMMEDIATE")
    try:
        version = layout_number(db)
        if version > len(steps):
            raise StoreError(
                f"this home was written by a later version (layout {version}, this program knows {len(steps)})",
                hint="install the version that wrote it, or a newer one",
            )
        _climb(db, version, steps)
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


def is_ours(db: Connection) -> bool:
    """Say whether this is the database of a home."""
    return _number(db, "PRAGMA application_id") == APPLICATION


def layout_number(db: Connection) -> int:
    """Return the version of the tables in this database."""
    return _number(db, "PRAGMA user_version")


def check_layout(db: Connection, steps: Sequence[Sequence[str]] = STEPS) -> None:
    """Raise StoreError unless the database holds exactly the tables of its version, and nothing else."""
    version = layout_number(db)
    if not is_ours(db) or not 0 < version <= len(steps):
        raise StoreError("it is not the database of a home that this program knows")
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as fresh:
        _climb(fresh, 0, steps[:version])
        if _objects(fresh) != _objects(db):
            raise StoreError(f"its tables are not those of layout {version}")


def _objects(db: Connection) -> list[tuple[str, ...]]:
    rows = db.execute("SELECT type, name, tbl_name, ifnull(sql, '') FROM sqlite_schema")
    return sorted(tuple(map(str, row)) for row in rows)


def _climb(db: Connection, version: int, steps: Sequence[Sequence[str]]) -> None:
    for step in steps[version:]:
        for statement in step:
            db.execute(statement)
    db.execute(f"PRAGMA user_version = {len(steps)}")


def _number(db: Connection, sql: str) -> int:
    return int(db.execute(sql).fetchone()[0])
