"""An old copy of a home signs nothing until a partner shows our own head, or a person vouches for it."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING

import msgspec
import pytest

from entente.ledger.guard import Marker, fits
from entente.node import Node
from entente.node.home.base import Base
from entente.node.home.files import Home
from entente.store.ports import LogRow
from entente.store.sqlite.store import SqliteStore
from network import START, Network, Wire

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HERE = Marker("aa", 7, "host", {})
SAID = Marker("aa", 7, "host", {"one": 3, "two": 5})


def row(origin: str, signed: int) -> LogRow:
    return LogRow(id=1, origin=origin, member=b"", circle=b"", epoch=1, size=signed, signed=signed)


LOGS = [row("one", 3), row("two", 5)]


def test_marker_that_fits_says_nothing() -> None:
    assert fits(SAID, HERE, LOGS) == ""
    assert fits(SAID, HERE, [row("one", 4), row("two", 5), row("three", 1)]) == ""


@pytest.mark.parametrize(
    ("marker", "logs", "sentence"),
    [
        (None, LOGS, "no marker"),
        (msgspec.structs.replace(SAID, nonce="bb"), LOGS, "another database"),
        (msgspec.structs.replace(SAID, inode=8), LOGS, "copied or moved"),
        (msgspec.structs.replace(SAID, host="other"), LOGS, "copied or moved"),
        (SAID, [row("one", 3), row("two", 4)], "older than the last signature: two was signed up to 5"),
        (SAID, [row("one", 3)], "older than the last signature: two"),
    ],
)
def test_each_difference_has_its_sentence(marker: Marker | None, logs: list[LogRow], sentence: str) -> None:
    assert sentence in fits(marker, HERE, logs)


def test_marker_comes_back_from_its_bytes_and_nothing_else_is_one() -> None:
    assert Marker.from_bytes(SAID.to_bytes()) == SAID
    for data in (b"", b"{}", b"[]", b"\xff", SAID.to_bytes()[:-1], SAID.to_bytes().replace(b"7", b'"7"')):
        assert Marker.from_bytes(data) is None


class Homes:
    """Members with homes on disk, which call each other without sockets."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.network = Network(1)
        self.network.now = START
        self._stores: list[SqliteStore] = []

    def found(self, name: str) -> Node:
        path = self.folder / name
        Node.init(path, name=name, url=f"http://localhost:{9100 + len(self._stores)}")
        return self.open(path)

    def open(self, path: Path) -> Node:
        """Open a home as a node does, with a wire instead of sockets; it replaces the node that stood for it."""
        files = Home(path)
        secrets = files.secrets()
        store = SqliteStore(files.database)
        me = secrets.owner
        base = Base(files, store, secrets, clock=self.network.clock, random=os.urandom, nonce=store.nonce, me=me)
        base.guard.check()
        wire = Wire(self.network, base)
        node = Node(base, wire)
        self.network.nodes[me], self.network.wires[me] = node, wire
        self._stores.append(store)
        return node

    def copy(self, node: Node, name: str) -> Path:
        """Copy a home as a backup does: everything but the marker."""
        with node.base.store.write():
            shutil.copytree(node.home, self.folder / name)
        (self.folder / name / "guard.json").unlink()
        return self.folder / name

    def close(self) -> None:
        for store in self._stores:
            store.close()


@pytest.fixture
def homes(tmp_path: Path) -> Iterator[Homes]:
    """Give a place for homes."""
    made = Homes(tmp_path)
    yield made
    made.close()


def share(node: Node, number: int, circle: str = "Agreement") -> int:
    made = {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--00000000-0000-4000-8000-{number:012d}",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "pattern": "[file:size = 1]",
        "pattern_type": "stix",
        "valid_from": "2026-01-01T00:00:00Z",
    }
    files = [("made", json.dumps(made).encode())]
    return node.items.import_files(files, tlp="TLP:GREEN", circle=circle).shared


def heads(node: Node) -> dict[str, int]:
    """Return how far this member has signed its own logs."""
    with node.base.store.read() as tx:
        return {row.origin: row.signed for row in tx.logs.all() if row.member == node.base.me}


def doubt(node: Node) -> str:
    with node.base.store.read() as tx:
        return node.base.guard.doubted(tx)


def two(homes: Homes) -> tuple[Node, Node]:
    anna, bora = homes.found("Anna"), homes.found("Bora")
    homes.network.agree(anna, bora)
    return anna, bora


def test_home_that_stayed_where_it_was_signs_on(homes: Homes) -> None:
    anna, _ = two(homes)
    share(anna, 1)
    again = homes.open(anna.home)
    assert doubt(again) == ""
    before = heads(again)
    assert share(again, 2) == 1
    assert sum(heads(again).values()) == sum(before.values()) + 1


def test_restored_copy_keeps_entries_and_signs_none_of_them(homes: Homes) -> None:
    anna, _ = two(homes)
    copy = homes.open(homes.copy(anna, "copy"))
    assert "no marker" in doubt(copy)
    before = heads(copy)
    assert share(copy, 1) == 1
    assert heads(copy) == before
    assert not (copy.home / "guard.json").exists()


def test_doubt_outlasts_the_process(homes: Homes) -> None:
    anna, _ = two(homes)
    path = homes.copy(anna, "copy")
    homes.open(path)
    assert "no marker" in doubt(homes.open(path))


def test_copy_signs_again_when_a_partner_shows_what_we_signed(homes: Homes) -> None:
    anna, bora = two(homes)
    copy = homes.open(homes.copy(anna, "copy"))
    share(copy, 1)
    homes.network.settle()
    assert doubt(copy) == ""
    assert len(bora.items.list().items) == 1
    assert doubt(homes.open(copy.home)) == ""


def test_older_copy_takes_back_what_it_signed_before_it_signs_anything(homes: Homes) -> None:
    anna, bora = two(homes)
    old = homes.copy(anna, "old")
    share(anna, 1)
    homes.network.settle()
    signed = heads(anna)
    restored = homes.open(old)
    share(restored, 2)
    homes.network.settle()
    assert doubt(restored) == ""
    assert all(heads(restored)[origin] >= size for origin, size in signed.items())
    assert {each.id[-1] for each in bora.items.list().items} == {"1", "2"}
    for node in (restored, bora):
        assert node.ledger.verify().ok
        assert not node.ledger.evidence()


def test_person_may_vouch_and_what_was_kept_is_signed(homes: Homes) -> None:
    anna, bora = two(homes)
    copy = homes.open(homes.copy(anna, "copy"))
    before = heads(copy)
    share(copy, 1)
    concerned = copy.ledger.confirm().confirmed
    assert set(concerned) == set(before)
    assert doubt(copy) == ""
    assert sum(heads(copy).values()) == sum(before.values()) + 1
    assert copy.ledger.confirm().confirmed == []
    homes.network.settle()
    assert len(bora.items.list().items) == 1


def test_home_that_met_nobody_needs_nobody_to_vouch(homes: Homes) -> None:
    anna = homes.found("Anna")
    assert doubt(homes.open(homes.copy(anna, "copy"))) == ""


def test_copy_beside_its_living_original_never_signs_a_second_history(homes: Homes) -> None:
    """Both write, each meets the partner: the one that does not stand where we signed last signs nothing new there."""
    anna, bora = two(homes)
    copied = homes.copy(anna, "copy")
    for number in range(3):
        share(anna, number)
    anna.exchange.sync()
    copy = homes.open(copied)
    share(copy, 7)
    for _ in range(3):
        copy.exchange.sync()
    assert not bora.ledger.evidence()
    assert bora.ledger.verify().ok
    assert {each.id[-1] for each in bora.items.list().items} == {"0", "1", "2", "7"}
