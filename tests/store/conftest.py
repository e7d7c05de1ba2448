"""A store of each kind, empty."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pysqlite3
import pytest

from entente.store.memory.store import MemoryStore
from entente.store.sqlite import errors as sqlite_errors
from entente.store.sqlite import schema, snapshots
from entente.store.sqlite import store as sqlite
from entente.store.sqlite import words as sqlite_words
from entente.store.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import ModuleType

    from entente.store.ports import Store


USERS = (snapshots, schema, sqlite, sqlite_errors, sqlite_words)
"""The modules that hold SQLite; a test of theirs must use the same one, as two in one process break their locks."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test on the SQLite of this Python, then on the newest; those of a state machine on the first only."""
    metafunc.parametrize("library", [sqlite3, pysqlite3], ids=lambda each: each.__name__, indirect=True, scope="module")


@pytest.fixture(scope="module", autouse=True)
def library(request: pytest.FixtureRequest) -> Iterator[ModuleType]:
    """Give the stores of a module of tests their SQLite."""
    chosen = getattr(request, "param", sqlite3)
    with pytest.MonkeyPatch.context() as patch:
        for each in (*USERS, request.module):
            if hasattr(each, "sqlite3"):
                patch.setattr(each, "sqlite3", chosen)
        yield chosen


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give the place of a database."""
    return tmp_path / "home.db"


@pytest.fixture(name="sqlite")
def sqlite_store(path: Path) -> Iterator[SqliteStore]:
    """Give an empty SQLite store."""
    store = SqliteStore(path, create=True, nonce=b"nonce")
    yield store
    store.close()


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest) -> Store:
    """Give an empty store, once of each kind."""
    return MemoryStore() if request.param == "memory" else request.getfixturevalue("sqlite")
