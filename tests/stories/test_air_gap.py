"""Two members that no network connects: from `init` to items both ways and receipts, by files and the command line."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from entente.interfaces.cli import main
from entente.node import Node
from stories.homes import UNREACHABLE, House
from stories.story import bundle, give, holds, id_of, indicator

if TYPE_CHECKING:
    from pathlib import Path

OURS, THEIRS = indicator(1, name="Brought by Harbour"), indicator(2, name="Brought by Rail")


class Member:
    """One member at its own machine; files that it hands over lie in a folder that somebody carries."""

    def __init__(self, folder: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
        self.home = folder / name.lower()
        self.carried = folder / "carried"
        self.carried.mkdir(exist_ok=True)
        self._capsys = capsys
        self._count = 0
        self.founded = self("init", "--name", name, "--url", UNREACHABLE)

    def __call__(self, *arguments: str, code: int = 0) -> Any:
        """Run a command with `--json`; return its document. Any, as JSON is."""
        self._capsys.readouterr()
        done = main.run(["--json", "--home", str(self.home), *arguments])
        out = self._capsys.readouterr()
        assert done == code, (arguments, done, out)
        return json.loads(out.out)

    def write(self, reader: Member) -> str:
        """Write a bundle for another member and return the file's name."""
        self._count += 1
        path = self.carried / f"{self.home.name}-{self._count}.bundle"
        made = self("bundle", "export", "--partner", reader.founded["member"], "--out", str(path))
        assert made == {
            "partner": reader.founded["member"],
            "file": str(path),
            "bytes": path.stat().st_size,
            "entries": made["entries"],
        }
        return str(path)

    def carry(self, reader: Member) -> Any:
        """Write a bundle and let the other member read it."""
        taken = reader("bundle", "import", self.write(reader))
        assert taken["partner"] == self.founded["member"]
        assert taken["refused"] == []
        return taken["received"]

    def dump(self) -> list[str]:
        """Return everything that is in the database."""
        with sqlite3.connect(self.home / "entente.db") as database:
            found = list(database.iterdump())
        database.close()
        return found


@pytest.fixture
def members(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[Member, Member]:
    """Two members that have each other's cards and have heard each other's words."""
    harbour, rail = (Member(tmp_path, name, capsys) for name in ("Harbour", "Rail"))
    for one, other in ((harbour, rail), (rail, harbour)):
        card = str(tmp_path / "carried" / f"{other.home.name}.card")
        other("partner", "card", "--out", card)
        one("partner", "add", card)
        words = " ".join(other.founded["words"])
        assert one("partner", "confirm", other.founded["member"], "--words", words)["state"] == "waiting"
    return harbour, rail


def agreed(harbour: Member, rail: Member) -> str:
    """Let both sign an agreement, by bundles; return its founding circle."""
    harbour.carry(rail)
    rail.carry(harbour)
    made = harbour("agreement", "propose", "--with", "Rail", "--name", "Ports and rail")
    assert harbour("agreement", "sign", made["agreement"])["state"] == "waiting"
    harbour.carry(rail)
    assert rail("agreement", "sign", made["agreement"])["state"] == "in-force"
    rail.carry(harbour)
    assert harbour("agreement", "list")[0]["state"] == "in-force"
    return str(made["circle"])


def test_from_init_to_receipts_without_a_network(members: tuple[Member, Member], tmp_path: Path) -> None:
    harbour, rail = members
    circle = agreed(harbour, rail)
    assert [one("partner", "list")[0]["state"] for one in members] == ["paired", "paired"]
    for one, thing in ((harbour, OURS), (rail, THEIRS)):
        file = tmp_path / f"{one.home.name}.json"
        file.write_bytes(bundle(thing))
        assert one("item", "import", str(file), "--tlp", "TLP:GREEN", "--circle", circle)["shared"] == 1
    assert harbour.carry(rail)["entries"] >= 1
    assert rail.carry(harbour)["entries"] >= 1
    harbour.carry(rail)
    for one, other, mine, yours in ((harbour, rail, OURS, THEIRS), (rail, harbour, THEIRS, OURS)):
        assert one("item", "show", id_of(yours))["object"] == yours
        said = [(each["member"], each["stage"]) for each in one("ledger", "receipts", id_of(mine))]
        assert (other.founded["member"], "stored") in said
        assert one("ledger", "verify")["ok"]


def test_a_damaged_bundle_is_refused_and_changes_nothing(members: tuple[Member, Member], tmp_path: Path) -> None:
    harbour, rail = members
    circle = agreed(harbour, rail)
    file = tmp_path / "report.json"
    file.write_bytes(bundle(OURS))
    harbour("item", "import", str(file), "--tlp", "TLP:GREEN", "--circle", circle)
    whole = harbour.write(rail)
    data = (tmp_path / whole).read_bytes()
    before = rail.dump()
    damaged = tmp_path / "damaged"
    for at in (0, 30, 120, 180, 200, len(data) // 2, len(data) - 1):
        damaged.write_bytes(data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :])
        assert rail("bundle", "import", str(damaged), code=5)["error"]["hint"]
    damaged.write_bytes(data[:-1])
    assert rail("bundle", "import", str(damaged), code=5)["error"]["code"] == "verification"
    assert harbour("bundle", "import", whole, code=5)["error"]["code"] == "verification"
    assert rail.dump() == before
    assert rail("bundle", "import", whole)["received"]["entries"] >= 1
    after = rail.dump()
    assert rail("bundle", "import", whole) == {
        "partner": harbour.founded["member"],
        "received": {"entries": 0, "bytes": 0},
        "refused": [],
    }
    assert before != after == rail.dump()


def test_the_command_line_says_what_is_wrong_with_a_file(members: tuple[Member, Member], tmp_path: Path) -> None:
    harbour, rail = members
    whole = harbour.write(rail)
    again = harbour("bundle", "export", "--partner", "Rail", "--out", whole, code=1)
    assert again["error"]["code"] == "conflict"
    assert rail("bundle", "import", str(tmp_path / "nowhere"), code=1)["error"]["code"] == "file"
    assert rail("bundle", "import", str(tmp_path), code=1)["error"]["code"] == "file"
    pipe, end = os.pipe()
    assert rail("bundle", "import", f"/dev/fd/{pipe}", code=1)["error"]["code"] == "invalid"
    os.close(end)
    os.close(pipe)
    stranger = harbour("bundle", "export", "--partner", "Nobody", "--out", str(tmp_path / "x"), code=1)
    assert stranger["error"]["code"] == "not-found"


def test_who_was_not_confirmed_is_refused_by_a_rule(
    members: tuple[Member, Member], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    harbour, rail = members
    tower = Member(tmp_path, "Tower", capsys)
    for one, other in ((harbour, tower), (tower, harbour)):
        card = str(tmp_path / "carried" / f"{other.home.name}.card")
        other("partner", "card", "--out", card)
        one("partner", "add", card)
    tower("partner", "confirm", "Harbour", "--words", " ".join(harbour.founded["words"]))
    file = tower.write(harbour)
    before = harbour.dump()
    assert harbour("bundle", "import", file, code=3)["error"]["code"] == "not-entitled"
    assert harbour("bundle", "export", "--partner", "Tower", "--out", str(tmp_path / "x"), code=3)
    assert harbour.dump() == before
    assert rail("partner", "list")[0]["state"] == "waiting"


def carry(folder: Path, one: Node, other: Node) -> list[dict[str, str]]:
    """Let one node write a bundle and the other take it; return what was refused."""
    path = folder / f"{len(list(folder.iterdir()))}.bundle"
    one.bundles.export(other.member, path)
    return other.bundles.take(path).refused


def test_a_restored_old_copy_gets_back_what_it_had_signed_and_signs_on_without_a_fork(tmp_path: Path) -> None:
    folder = tmp_path / "carried"
    folder.mkdir()
    harbour, rail = (House(tmp_path, name, url=UNREACHABLE) for name in ("Harbour", "Rail"))
    try:
        one, other = harbour.node, rail.node
        for here, there in ((one, other), (other, one)):
            here.partners.add(there.partners.card())
            here.partners.confirm(there.member, " ".join(there.words))
        carry(folder, one, other)
        carry(folder, other, one)
        made = one.agreements.propose([other.member], name="Apart")
        one.agreements.sign(made.agreement)
        carry(folder, one, other)
        other.agreements.sign(made.agreement)
        carry(folder, other, one)
        give(one, made.circle, indicator(1))
        carry(folder, one, other)
        old_answer = folder / "old-answer"
        other.bundles.export(one.member, old_answer)
        one.bundles.take(old_answer)
        one.close()
        shutil.copytree(harbour.home, tmp_path / "backup", ignore=shutil.ignore_patterns("guard.json"))
        with Node.open(harbour.home) as newest:
            give(newest, made.circle, indicator(2))
            carry(folder, newest, other)
        shutil.rmtree(harbour.home)
        shutil.copytree(tmp_path / "backup", harbour.home)
        with Node.open(harbour.home) as restored:
            _signs_on(folder, restored, other, made.circle, old_answer)
    finally:
        harbour.close()
        rail.close()


def _signs_on(folder: Path, restored: Node, other: Node, circle: str, old_answer: Path) -> None:
    base = restored.base
    with base.store.read() as tx:
        assert base.guard.doubted(tx)
    restored.bundles.take(old_answer)
    with base.store.read() as tx:
        assert base.guard.doubted(tx), "an old answer must not end the doubt"
    give(restored, circle, indicator(3))
    assert carry(folder, restored, other) == []
    assert not holds(other, id_of(indicator(3)))
    assert carry(folder, other, restored) == []
    assert holds(restored, id_of(indicator(2)))
    assert carry(folder, restored, other) == []
    assert carry(folder, other, restored) == []
    with base.store.read() as tx:
        assert not base.guard.doubted(tx)
    assert carry(folder, restored, other) == []
    assert holds(other, id_of(indicator(3)))
    assert other.ledger.verify().ok
    assert restored.ledger.verify().ok
    assert not other.ledger.evidence()
