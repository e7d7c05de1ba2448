"""Whole copies of a SQLite home: taken while others write, checked before they are trusted, kept before an upgrade."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Final

from entente.core.errors import ConflictError, NotFoundError, StoreError, VerificationError
from entente.store.sqlite import schema
from entente.store.sqlite import words as sqlite_words
from entente.store.sqlite.errors import told

if TYPE_CHECKING:
    from pathlib import Path

BUSY_SECONDS: Final = 60.0
"""How long a copy waits for others."""

UNDONE: Final = "undone"
"""How the database is called that an undone upgrade left."""


def copy(source: Path, target: Path) -> None:
    """Copy the database as it is at one moment, while others may go on writing; it is on disk when this returns.

    ConflictError if `target` exists, StoreError if the database cannot be read or the disk is full.
    """
    with told(source), closing(_connect(source)) as db:
        _copy(db, target)


def check(path: Path) -> None:
    """Look through a copied database: VerificationError unless it is sound and laid out as one of our versions.

    A damaged search index is no reason to refuse it: opening begins that anew.
    Nothing but our own tables may be in it, so a copy that somebody prepared brings no triggers or views along.
    """
    try:
        with closing(_connect(path)) as db:
            for pragma in ("trusted_schema = OFF", "cell_size_check = ON", "foreign_keys = ON"):
                db.execute(f"PRAGMA {pragma}")
            schema.check_layout(db)
            found = sqlite_words.pages(db, thorough=True)
    except sqlite3.Error as error:
        raise VerificationError(f"The database in this copy is damaged: {error}.", code="backup") from error
    except StoreError as error:
        raise VerificationError(f"The database in this copy is not usable: {error.message}.", code="backup") from error
    if found:
        raise VerificationError(f"The database in this copy is damaged: {found[0]}.", code="backup")


def keep_before_upgrade(db: sqlite3.Connection, path: Path, newest: int) -> None:
    """Copy an older database beside itself, durably, before it is brought to layout `newest`."""
    if schema.layout_number(db) in {0, newest} or not schema.is_ours(db) or schema.layout_number(db) > newest:
        return
    kept = path.with_name(f"{path.name}.before-{newest}")
    building = path.with_name(f"{path.name}.before-{newest}.{os.getpid()}")
    try:
        _copy(db, building)
        with closing(_connect(building)) as made:
            older = schema.layout_number(made) < newest
        if older:  # else another process was faster, and this copy is already the upgraded one
            building.replace(kept)
            _sync(path.parent)
    finally:
        for name in (building, *_beside(building)):
            name.unlink(missing_ok=True)


def kept_copies(path: Path) -> list[Path]:
    """Return the copies that upgrades and their undoing left beside a database, the oldest layout first."""
    found = [each for each in path.parent.glob(f"{path.name}.before-*") if each.suffix[8:].isdecimal()]
    undone = path.with_name(f"{path.name}.{UNDONE}")
    return sorted(found, key=lambda each: int(each.suffix[8:])) + ([undone] if undone.exists() else [])


def forget_copies(path: Path) -> None:
    """Remove these copies: what is erased in the database must not live on in them."""
    for each in kept_copies(path):
        each.unlink(missing_ok=True)


def put_back(path: Path) -> Path:
    """Undo the newest upgrade: put the copy from before it back in one transaction; return what it was called.

    What was in use stays beside it as `….undone`. NotFoundError if there is no such copy.
    """
    found = [each for each in kept_copies(path) if each.suffix != f".{UNDONE}"]
    if not found:
        raise NotFoundError("There is no copy from before an upgrade here.", hint="Restore a backup instead.")
    kept = found[-1]
    check(kept)
    undone = path.with_name(f"{path.name}.{UNDONE}")
    undone.unlink(missing_ok=True)
    with told(path), closing(_connect(kept)) as source, closing(_connect(path)) as db:
        _copy(db, undone)
        source.backup(db)
        with suppress(sqlite3.Error):
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    kept.unlink()
    _sync(path.parent)
    return kept


def _copy(db: sqlite3.Connection, target: Path) -> None:
    try:
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError as error:
        raise ConflictError(f"{target} exists already", hint="choose another name") from error
    except OSError as error:
        raise StoreError(
            f"{target} cannot be made: {error.strerror}", hint="check the folder and its rights"
        ) from error
    try:
        with closing(_connect(target)) as made:
            db.backup(made)
        with target.open("rb+") as file:
            os.fsync(file.fileno())
        _sync(target.parent)
    except BaseException:
        for name in (target, *_beside(target)):
            name.unlink(missing_ok=True)
        raise


def _beside(path: Path) -> list[Path]:
    return [path.with_name(path.name + end) for end in ("-journal", "-wal", "-shm")]


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path.resolve().as_uri() + "?mode=rw", uri=True, timeout=BUSY_SECONDS, isolation_level=None)
    db.execute("PRAGMA synchronous = FULL")
    return db
