"""A store of each kind, empty."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entente.store.memory import MemoryStore
from entente.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from entente.store.ports import Store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give the place of a database."""
    return tmp_path / "home.db"


@pytest.fixture
def sqlite(path: Path) -> Iterator[SqliteStore]:
    """Give an empty SQLite store."""
    store = SqliteStore(path, create=True, nonce=b"nonce")
    yield store
    store.close()


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest) -> Store:
    """Give an empty store, once of each kind."""
    return MemoryStore() if request.param == "memory" else request.getfixturevalue("sqlite")
