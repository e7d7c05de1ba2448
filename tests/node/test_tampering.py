"""Whoever changes one bit of a home behind the program's back is found out by `ledger verify`, which says where.

Every column that carries proof is tried in both members' databases, at several places each: the bit is flipped with
SQL, the ledger is verified, and the bit is put back, after which everything holds again.
"""

from __future__ import annotations

import json
import random
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from entente.interfaces.cli import main
from stories.homes import agree, houses, pair, settle
from stories.story import bundle, id_of, indicator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from entente.node.logs.values import LedgerReport

SIDES = ("Harbour", "Northwind")
PLACES = range(3)
ITEMS = 600


class Home:
    """One member's files after everything has come to rest."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.database = path / "entente.db"
        self._untouched = path.with_suffix(".db")
        with closing(sqlite3.connect(self.database)) as db, closing(sqlite3.connect(self._untouched)) as copy:
            db.backup(copy)

    @contextmanager
    def tampered(self) -> Iterator[sqlite3.Connection]:
        """Give the database to be changed, and bring it back in place afterwards."""
        with closing(sqlite3.connect(self.database)) as db, closing(sqlite3.connect(self._untouched)) as copy:
            try:
                yield db
            finally:
                copy.backup(db)

    def verify(self, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, object]]:
        """Return the exit code and the document of `ledger verify`."""
        capsys.readouterr()
        code = main.run(["--json", "--home", str(self.path), "ledger", "verify"])
        out = capsys.readouterr()
        assert "Traceback" not in out.err
        return code, json.loads(out.out)


@dataclass
class Spot:
    """One value in a database, and what a verification must say once it is changed."""

    table: str
    column: str
    where: tuple[str, tuple[object, ...]]
    log: int
    names: str

    def read(self, db: sqlite3.Connection) -> object:
        sql, values = self.where
        return db.execute(f"SELECT {self.column} FROM {self.table} WHERE {sql}", values).fetchone()[0]  # noqa: S608

    def write(self, db: sqlite3.Connection, value: object) -> None:
        sql, values = self.where
        changed = db.execute(f"UPDATE {self.table} SET {self.column} = ? WHERE {sql}", (value, *values))  # noqa: S608
        assert changed.rowcount == 1
        db.commit()


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Home]:
    """Give two homes: one shared 600 items, the other read some, refused one and answered."""
    folder = tmp_path_factory.mktemp("tampering")
    with houses(folder, *SIDES) as (one, other):
        pair(one.node, other.node)
        circle = agree(one.node, other.node)
        things = [indicator(number) for number in range(ITEMS)]
        one.node.items.import_files([("file", bundle(*things))], tlp="TLP:GREEN", circle=circle)
        settle(one.node, other.node)
        other.node.items.import_files([("file", bundle(*things[:40]))], tlp="TLP:GREEN", circle=circle)
        other.node.items.acknowledge([id_of(thing) for thing in things[:20]])
        settle(one.node, other.node)
        for house in (one, other):
            house.close()
    return {name: Home(folder / name.lower()) for name in SIDES}


def rows(db: sqlite3.Connection, sql: str) -> list[tuple[object, ...]]:
    """Return what a question finds, at least one row."""
    found = db.execute(sql).fetchall()
    assert found, sql
    return found


def payload_spot(column: str) -> Callable[[sqlite3.Connection, random.Random], Spot]:
    """Choose an entry and a column beside its leaf."""

    def choose(db: sqlite3.Connection, chance: random.Random) -> Spot:
        log, index = chance.choice(rows(db, "SELECT log, idx FROM payload"))
        return Spot("payload", column, ("log = ? AND idx = ?", (log, index)), int(str(log)), f"entry {index}")

    return choose


def content_spot(table: str, column: str, key: str) -> Callable[[sqlite3.Connection, random.Random], Spot]:
    """Choose an entry and the bytes that it commits to; a header line serves many entries."""

    def choose(db: sqlite3.Connection, chance: random.Random) -> Spot:
        sql = (
            f"SELECT p.log, p.idx, p.{key} FROM payload p JOIN {table} c ON c.id = p.{key} WHERE length(c.{column}) > 0"  # noqa: S608
        )
        log, index, row = chance.choice(rows(db, sql))
        return Spot(table, column, ("id = ?", (row,)), int(str(log)), f"entry {index}")

    return choose


def leaf_spot(db: sqlite3.Connection, chance: random.Random) -> Spot:
    """Choose a row of leaves; the entry is not told, for the bit may stand in any of its 256 leaves."""
    log, n = chance.choice(rows(db, "SELECT log, n FROM leaf"))
    return Spot("leaf", "data", ("log = ? AND n = ?", (log, n)), int(str(log)), "entr")


def tile_spot(level: int) -> Callable[[sqlite3.Connection, random.Random], Spot]:
    """Choose a row of hashes of one level of the tree."""

    def choose(db: sqlite3.Connection, chance: random.Random) -> Spot:
        log, n = chance.choice(rows(db, f"SELECT log, n FROM tile WHERE level = {level}"))  # noqa: S608
        where = ("log = ? AND level = ? AND n = ?", (log, level, n))
        return Spot("tile", "hashes", where, int(str(log)), "entr")

    return choose


def log_spot(column: str, names: str) -> Callable[[sqlite3.Connection, random.Random], Spot]:
    """Choose a log that has entries and one of its columns."""

    def choose(db: sqlite3.Connection, chance: random.Random) -> Spot:
        (log,) = chance.choice(rows(db, "SELECT id FROM log WHERE size > 0 AND length(circle) > 0"))
        return Spot("log", column, ("id = ?", (log,)), int(str(log)), names)

    return choose


def cosignature_spot(db: sqlite3.Connection, chance: random.Random) -> Spot:
    """Choose a cosignature; the log is the one whose origin hash it is filed under."""
    (key,) = chance.choice(rows(db, "SELECT key FROM record WHERE space = 'cosignature'"))
    return Spot("record", "value", ("space = 'cosignature' AND key = ?", (key,)), 0, "cosignature")


TARGETS: dict[str, Callable[[sqlite3.Connection, random.Random], Spot]] = {
    "payload data": content_spot("blob", "data", "blob"),
    "header line": content_spot("head", "value", "head"),
    "salt": payload_spot("salt"),
    "time": payload_spot("time"),
    "kind": payload_spot("kind"),
    "leaf": leaf_spot,
    "leaf hashes": tile_spot(0),
    "subtree hashes": tile_spot(8),
    "peaks": log_spot("peaks", "compact range"),
    "size": log_spot("size", "entries"),
    "signed size": log_spot("signed", "checkpoint"),
    "checkpoint": log_spot("note", "checkpoint"),
    "member": log_spot("member", "filed under"),
    "circle": log_spot("circle", "filed under"),
    "cosignature": cosignature_spot,
}


def changed(value: object, chance: random.Random, target: str, db: sqlite3.Connection) -> object:
    """Return the value with one bit flipped; a kind becomes another one."""
    if target == "kind":
        return chance.choice([id_ for (id_,) in rows(db, "SELECT id FROM kind") if id_ != value])
    if isinstance(value, int):
        return value ^ 1 << chance.randrange(8)
    assert isinstance(value, bytes)
    at = chance.randrange(len(value))
    return value[:at] + bytes([value[at] ^ 1 << chance.randrange(8)]) + value[at + 1 :]


def problems(document: dict[str, object], origin: str) -> list[str]:
    """Return what a verification says of one log, or of all when none is named."""
    logs = document["logs"]
    assert isinstance(logs, list)
    return [str(each) for log in logs if origin in ("", log["origin"]) for each in log["problems"]]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("target", list(TARGETS))
@pytest.mark.parametrize("side", SIDES)
def test_one_flipped_bit_is_found_and_named(
    homes: dict[str, Home], side: str, target: str, place: int, capsys: pytest.CaptureFixture[str]
) -> None:
    home, chance = homes[side], random.Random(f"{target} {place}")
    with home.tampered() as db:
        spot = TARGETS[target](db, chance)
        found = db.execute("SELECT origin FROM log WHERE id = ?", (spot.log,)).fetchone()
        spot.write(db, changed(spot.read(db), chance, target, db))
        code, document = home.verify(capsys)
    assert code == 5, document
    if "error" in document:
        assert document["error"]["message"]  # type: ignore[index]  # the home does not even open
    else:
        said = problems(document, found[0] if found else "")
        assert any(spot.names in each for each in said), (spot, document)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("DELETE FROM payload WHERE idx = 7 AND log = {log}", "entry 7: its payload is gone"),
        (
            "DELETE FROM leaf WHERE log = {log} AND n = (SELECT max(n) FROM leaf WHERE log = {log})",
            "entries were stored",
        ),
        ("UPDATE log SET note = x'' WHERE id = {log}", "head is gone"),
        ("DELETE FROM payload WHERE log = {log} AND idx > 500", "its payload is gone"),
    ],
    ids=["a payload", "the last leaves", "the signed head", "many payloads"],
)
def test_what_was_taken_out_is_missed(
    homes: dict[str, Home], side: str, sql: str, names: str, capsys: pytest.CaptureFixture[str]
) -> None:
    home = homes[side]
    with home.tampered() as db:
        log, origin = db.execute("SELECT id, origin FROM log ORDER BY size DESC").fetchone()
        db.execute(sql.format(log=log))
        db.commit()
        code, document = home.verify(capsys)
    assert code == 5
    assert any(names in each for each in problems(document, origin)), document


@pytest.mark.parametrize("side", SIDES)
def test_two_payloads_that_change_places_are_both_named(
    homes: dict[str, Home], side: str, capsys: pytest.CaptureFixture[str]
) -> None:
    home = homes[side]
    with home.tampered() as db:
        log, origin = db.execute("SELECT id, origin FROM log ORDER BY size DESC").fetchone()
        where = "FROM payload WHERE log = ? AND idx IN (100, 101) ORDER BY idx"
        blobs = [row[0] for row in db.execute(f"SELECT blob {where}", (log,))]
        db.execute("UPDATE payload SET blob = CASE blob WHEN ?1 THEN ?2 ELSE ?1 END WHERE blob IN (?1, ?2)", blobs)
        db.commit()
        code, document = home.verify(capsys)
    assert code == 5
    said = problems(document, origin)
    assert [any(f"entry {index} " in each for each in said) for index in (100, 101)] == [True, True]


def test_untouched_homes_verify_and_name_who_witnessed(
    homes: dict[str, Home], capsys: pytest.CaptureFixture[str]
) -> None:
    for home in homes.values():
        code, document = home.verify(capsys)
        assert code == 0
        assert document["ok"] is True
        logs = document["logs"]
        assert isinstance(logs, list)
        assert max(log["size"] for log in logs) > ITEMS
        assert all(log["witnessed_by"] for log in logs if log["circle"])


def test_the_python_api_says_the_same(homes: dict[str, Home]) -> None:
    from entente.node import Node

    with Node.open(homes["Harbour"].path) as node:
        report: LedgerReport = node.ledger.verify()
    assert report.ok
    assert not report.problems
