"""The doctor finds what is wrong, by the clock that it is given, and says what to do about each finding."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from entente.node import Node
from entente.node.exchange.rounds import CONTACT
from entente.node.home import vault
from entente.node.home.base import Base
from entente.node.home.files import Home
from entente.node.partners.caller import HttpCaller
from entente.store.sqlite.store import SqliteStore
from network import Network
from stories.story import bundle, indicator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from entente.node.home.values import Check

DAY = 86_400_000


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = time.time_ns() // 1_000_000  # noqa: TID251 - `init` has looked at the real one

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def node(tmp_path: Path, clock: Clock) -> Iterator[Node]:
    """Give a member with a home and a certificate, whose clock can be set."""
    path = tmp_path / "home"
    Node.init(path, name="Anna", url="https://localhost:9443")
    files, held = Home(path), vault.load(Home(path))
    store = SqliteStore(files.database)
    base = Base(files, store, held.secrets, clock=clock, random=os.urandom, nonce=store.nonce, me=held.member)
    yield Node(base, HttpCaller(base))
    store.close()


def fill(node: Node, statement: str) -> None:
    """Store an item, index it, and do something to the database behind the program's back."""
    node.items.import_files([("s", bundle(indicator(1)))])
    node.items.index()
    assert node.base.home is not None
    with closing(sqlite3.connect(node.base.home.database, isolation_level=None)) as db:
        db.execute(statement)


@pytest.mark.parametrize("statement", ["DELETE FROM word_config", "UPDATE word_data SET block = x'00' WHERE id = 10"])
def test_a_damaged_search_index_is_named_once_and_begun_anew(node: Node, statement: str) -> None:
    assert checks(node)["database"].ok
    fill(node, statement)
    found = checks(node)["database"]
    assert not found.ok
    assert "search index was damaged" in found.text
    assert "entente up" in found.fix
    assert checks(node)["database"].ok
    assert len(node.items.search("indicator").items) == 1


def test_verify_reads_the_whole_index_and_names_its_damage_once(node: Node) -> None:
    fill(node, "UPDATE word_data SET block = randomblob(length(block)) WHERE id > 10")
    report = node.ledger.verify()
    assert not report.ok
    assert "search index was damaged" in report.problems[0]
    assert node.ledger.verify().ok
    assert len(node.items.search("indicator").items) == 1


def checks(node: Node) -> dict[str, Check]:
    found = node.doctor()
    assert found.ok == all(check.ok for check in found.checks)
    assert all(check.fix for check in found.checks if not check.ok)
    return {check.name: check for check in found.checks}


def test_new_home_is_well_and_is_told_what_is_still_to_do(node: Node) -> None:
    found = checks(node)
    assert all(check.ok for check in found.values())
    assert "key protect" in found["sealed"].fix
    assert "entente backup" in found["backup"].fix


def test_backup_that_is_too_old_is_wrong(node: Node, clock: Clock, tmp_path: Path) -> None:
    clock.now += 29 * DAY
    assert checks(node)["backup"].ok
    clock.now += 2 * DAY
    assert not checks(node)["backup"].ok
    node.backup(tmp_path / "file")
    assert checks(node)["backup"].ok
    clock.now += 31 * DAY
    assert "31 days" in checks(node)["backup"].text


def test_certificate_that_ends_soon_is_wrong(node: Node, clock: Clock) -> None:
    clock.now += (3649 - 61) * DAY
    assert checks(node)["certificate"].ok
    clock.now += 3 * DAY
    assert not checks(node)["certificate"].ok


def test_files_that_others_can_read_are_wrong(node: Node) -> None:
    node.home.joinpath("entente.db").chmod(0o640)
    found = checks(node)["rights"]
    assert (found.ok, found.fix) == (False, f"chmod 600 {node.home / 'entente.db'}")


def test_certificate_that_partners_do_not_know_is_wrong(node: Node) -> None:
    secrets = node.base.keys.secrets
    other = node.home.with_name("other")
    Node.init(other, name="Bora", url="https://localhost:9444")
    foreign = vault.load(Home(other)).secrets
    assert foreign is not None
    vault.save(Home(node.home), type(secrets)(**{**_fields(secrets), "tls_cert": foreign.tls_cert}), None, os.urandom)
    assert not checks(node)["keys"].ok
    node.home.joinpath("secrets.json").write_bytes(b"{}")
    assert not checks(node)["keys"].ok


def _fields(secrets: object) -> dict[str, str]:
    return {name: getattr(secrets, name) for name in type(secrets).__struct_fields__}  # type: ignore[attr-defined]


def share(node: Node) -> None:
    thing = b"""{"type":"tool","spec_version":"2.1","id":"tool--00000000-0000-4000-8000-000000000001","name":"x",
        "created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z"}"""
    assert node.items.import_files([("file", thing)], tlp="TLP:GREEN", circle="Agreement").shared == 1


def test_clock_behind_that_of_a_partner_is_wrong() -> None:
    network = Network(1)
    anna, bora = network.add("Anna"), network.add("Bora")
    network.agree(anna, bora)
    assert checks(anna)["clock"].ok
    network.now -= 100 * 1000
    assert checks(anna)["clock"].ok
    network.now -= 60 * 1000
    found = checks(anna)["clock"]
    assert not found.ok
    assert "behind that of Bora" in found.text


def test_clock_ahead_of_that_of_a_partner_is_wrong() -> None:
    network = Network(1)
    anna, bora = network.add("Anna"), network.add("Bora")
    network.agree(anna, bora)
    anna.base.clock = lambda: network.clock() + 240 * 1000
    share(anna)
    network.settle()
    found = checks(anna)["clock"]
    assert not found.ok
    assert "ahead of that of Bora" in found.text


def test_partner_that_was_not_heard_of_for_a_week_is_named() -> None:
    network = Network(1)
    anna, bora = network.add("Anna"), network.add("Bora")
    network.agree(anna, bora)
    network.now += 6 * DAY
    assert "contact" not in checks(anna)
    network.now += DAY
    for node, other in ((anna, "Bora"), (bora, "Anna")):
        found = checks(node)["contact"]
        assert (found.ok, other in found.text, "7 days" in found.text) == (False, True, True)
    network.settle()
    for node in (anna, bora):
        assert "contact" not in checks(node)


def test_contact_is_written_once_a_day() -> None:
    network = Network(1)
    anna, bora = network.add("Anna"), network.add("Bora")
    network.agree(anna, bora)

    def heard() -> list[tuple[str, bytes]]:
        found = []
        for node in (anna, bora):
            with node.base.store.read() as tx:
                found += CONTACT.all(tx)
        return found

    before = heard()
    assert [key for key, _ in before] == [bora.member, anna.member]
    network.settle()
    assert heard() == before
    network.now += DAY
    network.settle()
    assert [key for key, _ in heard()] == [bora.member, anna.member]
    assert not set(heard()) & set(before)


def test_entries_that_wait_for_a_signature_are_counted() -> None:
    network = Network(1)
    anna, bora = network.add("Anna"), network.add("Bora")
    network.agree(anna, bora)
    with anna.base.store.write() as tx:
        anna.base.guard.doubt(tx, "A copy.")
    share(anna)
    found = checks(anna)
    assert (found["unsigned"].ok, found["unsigned"].text[:2]) == (False, "1 ")
    assert "Sync" in found["unsigned"].fix
    network.settle()
    assert "unsigned" not in checks(anna)
