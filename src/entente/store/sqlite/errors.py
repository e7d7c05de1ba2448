"""What SQLite's errors mean to the person who keeps the home."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from entente.core.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

MEANINGS: Final = {
    "SQLITE_BUSY": ("another process held the database for too long", "end that process, or try again later"),
    "SQLITE_LOCKED": ("another process held the database for too long", "end that process, or try again later"),
    "SQLITE_FULL": ("there is no room left for the database", "free space on this disk; nothing was changed"),
    "SQLITE_IOERR": (
        "the disk failed to read or write the database",
        "check the disk; restore a backup if it is damaged",
    ),
    "SQLITE_READONLY": ("the database cannot be written here", "check the rights of the file and its folder"),
    "SQLITE_PERM": ("the database may not be opened", "check the rights of the file and its folder"),
    "SQLITE_CANTOPEN": ("the database cannot be opened", "check that it exists, and the rights of file and folder"),
    "SQLITE_NOTADB": ("this file is not a database", "name the folder that `entente init` made, or restore a backup"),
    "SQLITE_CORRUPT": ("the database is damaged", "restore a backup; do not go on with this file"),
}
"""For each primary result code of SQLite what happened and what to do."""

MACHINE: Final = (*(MEANINGS.keys() - {"SQLITE_CORRUPT"}), "SQLITE_NOMEM", "SQLITE_INTERRUPT", "SQLITE_PROTOCOL")
"""How the names of those errors begin that say nothing about what is in the database."""


@contextmanager
def told(path: Path) -> Generator[None]:
    """Turn an error of SQLite that leaves this block into a StoreError about the file `path`."""
    try:
        yield
    except sqlite3.Error as error:
        raise store_error(error, path) from error


def store_error(error: sqlite3.Error, path: Path) -> StoreError:
    """Say what an error of SQLite means."""
    name: str = getattr(error, "sqlite_errorname", "")
    for primary, (text, hint) in MEANINGS.items():
        if name == primary or name.startswith(primary + "_"):
            return StoreError(f"{path}: {text}", hint=hint)
    return StoreError(f"{path}: {error}", hint="report this with the command that you ran")
