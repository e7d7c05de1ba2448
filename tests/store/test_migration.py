"""A home of an earlier version is brought forward in one transaction; one of a later version is left alone."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from entente.core.errors import StoreError
from entente.store.ports import PayloadRow
from entente.store.sqlite import schema
from entente.store.sqlite.store import SqliteStore

VERSION_1 = (Path(__file__).parent / "version_1.sql").read_text("utf-8")
NEXT = (*schema.STEPS, ("ALTER TABLE record ADD COLUMN more INTEGER NOT NULL DEFAULT 7",))


@pytest.fixture
def old(path: Path) -> Path:
    """Give a database as version 1 laid it out, with a row of each kind."""
    db = sqlite3.connect(path)
    db.executescript(VERSION_1)
    db.close()
    return path


def layout(path: Path) -> list[tuple[str, str]]:
    db = sqlite3.connect(path)
    try:
        rows = db.execute(
            "SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' AND name NOT LIKE 'word_%'"
        )
        return sorted((name, " ".join((sql or "").split())) for name, sql in rows)
    finally:
        db.close()


def number(path: Path, pragma: str) -> int:
    db = sqlite3.connect(path)
    try:
        return int(db.execute(f"PRAGMA {pragma}").fetchone()[0])
    finally:
        db.close()


def test_a_home_of_version_1_opens_with_all_that_it_holds(old: Path) -> None:
    store = SqliteStore(old)
    assert store.nonce == b"first"
    with store.write() as tx:
        (row,) = tx.logs.all()
        assert (row.origin, row.size, row.stopped) == ("o1", 2, "")
        assert tx.logs.leaves(row.id, 0, 9) == [b"leaf", b""]
        assert tx.logs.node(row.id, 0, 1) == b"2" * 32
        act = PayloadRow(row.id, 0, "approval/1", 5, b"salt", b"", b"act")
        shared = PayloadRow(row.id, 1, "item/1", 6, b"salt", b"head\n", b'{"name":"words"}', 1)
        assert tx.payloads.get(row.id, 0, 9) == [act, shared]
        assert list(tx.payloads.acts(["approval/1"])) == [act]
        assert tx.payloads.awaited(row.id) == [4]
        ((copy, data),) = tx.items.get([1])
        assert (copy.stix_id, copy.author, data) == ("tool--00000000-0000-4000-8000-000000000001", b"m1", shared.data)
        assert tx.items.find([copy.stix_id]) == {copy.stix_id: [copy]}
        assert tx.items.search("words") == tx.items.by_creator("identity--1") == [copy]
        assert tx.records.scan("partner") == [("a", b"1")]
    store.close()
    assert number(old, "user_version") == len(schema.STEPS)


def test_version_1_is_frozen(old: Path, tmp_path: Path) -> None:
    fresh = tmp_path / "fresh.db"
    db = sqlite3.connect(fresh, isolation_level=None)
    for statement in schema.VERSION_1:
        db.execute(statement)
    db.close()
    assert layout(fresh) == layout(old)


def test_every_step_is_taken_once(old: Path) -> None:
    db = sqlite3.connect(old, isolation_level=None)
    for _ in range(2):
        schema.migrate(db, NEXT)
        assert db.execute("SELECT key, more FROM record").fetchall() == [("a", 7)]
        assert db.execute("PRAGMA user_version").fetchone() == (2,)
    db.close()


def test_a_step_that_fails_leaves_the_old_version(old: Path) -> None:
    before = layout(old)
    db = sqlite3.connect(old, isolation_level=None)
    with pytest.raises(sqlite3.OperationalError):
        schema.migrate(db, (*NEXT, ("CREATE TABLE more (a)", "CREATE TABLE record (a)")))
    assert not db.in_transaction
    db.close()
    assert layout(old) == before
    assert number(old, "user_version") == 1


def test_a_later_version_is_refused_and_left_alone(old: Path) -> None:
    db = sqlite3.connect(old, isolation_level=None)
    schema.migrate(db, NEXT)
    db.close()
    before = old.read_bytes()
    with pytest.raises(StoreError, match="later version") as caught:
        SqliteStore(old)
    assert "newer" in caught.value.hint
    assert old.read_bytes() == before
