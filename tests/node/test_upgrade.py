"""An upgrade keeps the database as it was beside it, and can be undone without losing what came after it."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from entente.core.errors import ConflictError, NotFoundError
from entente.node import Node, backups
from entente.store.sqlite import schema, snapshots
from entente.store.sqlite.store import SqliteStore
from stories.story import bundle, indicator
from timing import CEILING

VERSION_1 = Path(__file__).parent.parent / "store" / "version_1.sql"


def found(path: Path) -> Path:
    Node.init(path, name="Anna", url="http://localhost:9443")
    with Node.open(path) as node:
        node.items.import_files([("file", bundle(indicator(1), indicator(2)))], tlp="TLP:GREEN")
    return path


def held(home: Path) -> list[str]:
    with Node.open(home) as node:
        return [item.id for item in node.items.list().items]


NEXT = (*schema.STEPS, ("CREATE TABLE more (a INTEGER) STRICT",))
AFTER = f"entente.db.before-{len(NEXT)}"


def version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as db:
        return int(db.execute("PRAGMA user_version").fetchone()[0])


def upgrade(home: Path) -> None:
    SqliteStore(home / "entente.db", steps=NEXT).close()


def test_upgrade_keeps_the_database_as_it_was(tmp_path: Path) -> None:
    home = found(tmp_path / "home")
    upgrade(home)
    assert version(home / "entente.db") == len(NEXT)
    assert version(home / AFTER) == len(schema.STEPS)
    assert sorted(path.name for path in home.iterdir()) == ["entente.db", AFTER, "guard.json", "secrets.json"]
    snapshots.check(home / AFTER)


def test_upgrade_can_be_undone_and_the_home_signs_on(tmp_path: Path) -> None:
    home = found(tmp_path / "home")
    before = held(home)
    upgrade(home)
    assert backups.undo_upgrade(home).previous == AFTER
    assert version(home / "entente.db") == len(schema.STEPS)
    assert version(home / "entente.db.undone") == len(NEXT)
    assert held(home) == before
    with Node.open(home) as node:
        assert {check.name: check.ok for check in node.doctor().checks}["guard"]
        assert node.ledger.verify().ok
        assert "undone" in {check.name: check.text for check in node.doctor().checks}["upgrade"]
    with pytest.raises(NotFoundError):
        backups.undo_upgrade(home)


def test_upgrade_is_not_undone_while_the_node_runs(tmp_path: Path) -> None:
    home = found(tmp_path / "home")
    upgrade(home)
    stop, started = threading.Event(), threading.Event()
    SqliteStore(home / "entente.db", steps=NEXT).close()
    snapshots.put_back(home / "entente.db")
    with Node.open(home) as node:
        thread = threading.Thread(target=node.run, args=(stop, started.set))
        thread.start()
        try:
            assert started.wait(CEILING)
            with pytest.raises(ConflictError, match="serves"):
                backups.undo_upgrade(home)
        finally:
            stop.set()
            thread.join()


def test_erasure_does_not_spare_the_copy(tmp_path: Path) -> None:
    home = found(tmp_path / "home")
    upgrade(home)
    assert (home / AFTER).exists()
    with closing(SqliteStore(home / "entente.db", steps=NEXT)) as store, store.write() as tx:
        row = tx.logs.all()[0]
        tx.payloads.drop(row.id, 0)
    assert not (home / AFTER).exists()


def test_old_layout_opens_and_can_be_undone(tmp_path: Path) -> None:
    path = tmp_path / "entente.db"
    with closing(sqlite3.connect(path)) as db:
        db.executescript(VERSION_1.read_text("utf-8"))
    SqliteStore(path, steps=NEXT).close()
    assert [each.name for each in snapshots.kept_copies(path)] == [AFTER]
    assert version(path) == len(NEXT)
    snapshots.put_back(path)
    assert version(path) == 1
    store = SqliteStore(path, steps=schema.STEPS)
    with store.read() as tx:
        assert tx.records.scan("partner") == [("a", b"1")]
    store.close()
