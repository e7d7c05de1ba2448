"""What was called back is in no file of anybody's home, survives no crash, and comes back from no backup."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from entente.interfaces.cli import main
from entente.node import Node
from network import Network
from stories.homes import House, agree, houses, pair, settle
from stories.story import LATER, bundle, give, holds, id_of, indicator, stix
from timing import CEILING

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

SECRETS = [b"zqnamexj", b"zqdescriptionxj", b"zqpatternxj"]
ITEM = indicator(
    1,
    name="zqnamexj harbour beacon",
    description="seen as zqdescriptionxj",
    pattern="[domain-name:value = 'zqpatternxj.example']",
)
KEPT = indicator(2, name="zqkeptxj beacon")
# Opens a home, keeps a reader on the old state, and withdraws; then it waits to be killed.
WITHDRAW = """
import sqlite3, sys, time
from pathlib import Path
from entente.node import Node
home, item = sys.argv[1:]
node = Node.open(Path(home))
reader = sqlite3.connect(Path(home) / "entente.db", isolation_level=None)
reader.execute("BEGIN")
reader.execute("SELECT count(*) FROM item").fetchone()
print(node.recalls.withdraw(item).finished, flush=True)
time.sleep(600)
"""


def found_in(*homes: Path) -> list[str]:
    """Return which secret stands in which file of these homes."""
    return [
        f"{secret.decode()} in {path.parent.name}/{path.name}"
        for home in homes
        for path in sorted(home.rglob("*"))
        if path.is_file()
        for data in [path.read_bytes().lower()]
        for secret in SECRETS
        if secret in data or secret.decode().encode("utf-16-le") in data
    ]


def meet(*found: House) -> str:
    """Pair all members and sign an agreement of them; return its founding circle."""
    for at, one in enumerate(found):
        for other in found[at + 1 :]:
            pair(one.node, other.node)
    return agree(*(house.node for house in found))


def states(node: Node) -> list[str]:
    """Return how far all recalls have come, one word for each member asked."""
    return [member.state for recall in node.recalls.list() for member in recall.members]


def opened(house: House) -> Node:
    """Open a home again that was closed, and let others call."""
    house.node = Node.open(house.home)
    house.serve()
    return house.node


def test_withdrawn_by_one_of_three_the_bytes_are_in_no_home(tmp_path: Path) -> None:
    with houses(tmp_path, "Harbour", "Northwind", "Summit") as found:
        circle = meet(*found)
        nodes = [house.node for house in found]
        give(nodes[0], circle, ITEM, KEPT, tlp="TLP:AMBER")
        give(nodes[0], circle, {**ITEM, "modified": LATER, "confidence": 40}, tlp="TLP:AMBER")
        settle(*nodes)
        for node in nodes:
            assert node.items.search("zqdescriptionxj").items  # the search index knows it, too
        nodes[1].items.acknowledge([id_of(ITEM)], "used")
        settle(*nodes)
        assert len(found_in(*(house.home for house in found))) >= len(SECRETS) * len(found)
        done = nodes[0].recalls.withdraw(id_of(ITEM), reason="legal")
        assert done.finished
        settle(*nodes)
        assert states(nodes[0]) == ["erased", "erased"]
        assert all(node.base.store.purge() for node in nodes)
        assert found_in(*(house.home for house in found)) == []  # while everything runs
        for node in nodes:
            assert holds(node, id_of(KEPT))
            assert [row.name for row in node.items.search("zqkeptxj").items] == ["zqkeptxj beacon"]
            assert node.items.search("zqnamexj").items == []
            assert node.items.show(id_of(ITEM)).state == "withdrawn"
            assert node.ledger.verify().ok
    assert found_in(*(house.home for house in found)) == []  # and when it has ended


def test_killed_between_the_recall_and_its_end_the_next_opening_finishes_it(tmp_path: Path) -> None:
    with houses(tmp_path, "Harbour", "Northwind") as found:
        one, other = found
        circle = meet(one, other)
        give(one.node, circle, ITEM)
        settle(one.node, other.node)
        one.node.items.index()
        one.close()
        working = subprocess.Popen(
            [sys.executable, "-c", WITHDRAW, str(one.home), id_of(ITEM)], stdout=subprocess.PIPE, text=True
        )
        assert working.stdout is not None
        assert working.stdout.readline() == "False\n"  # its own reader is in the way
        working.send_signal(signal.SIGKILL)
        assert working.wait(CEILING) == -signal.SIGKILL
        working.stdout.close()
        assert found_in(one.home)
        opened(one)
        assert found_in(one.home) == []
        assert one.node.items.show(id_of(ITEM)).state == "withdrawn"
        settle(one.node, other.node)
        assert states(one.node) == ["erased"]
        assert found_in(one.home, other.home) == []


def test_a_restored_backup_brings_nothing_back(tmp_path: Path) -> None:
    """The partner's backup holds the item and knows of no recall; after it met anybody the item is gone again."""
    with houses(tmp_path, "Harbour", "Northwind") as found:
        one, other = found
        circle = meet(one, other)
        give(one.node, circle, ITEM, KEPT)
        settle(one.node, other.node)
        other.close()
        shutil.copytree(other.home, tmp_path / "backup")
        opened(other)
        one.node.recalls.withdraw(id_of(ITEM))
        settle(other.node, one.node)
        assert states(one.node) == ["erased"]
        entries = [log.size for log in one.node.ledger.verify().logs]
        other.close()
        shutil.rmtree(other.home)
        shutil.copytree(tmp_path / "backup", other.home)
        assert holds(opened(other), id_of(ITEM))
        settle(other.node, one.node)
        settle(other.node, one.node)
        assert not holds(other.node, id_of(ITEM))
        assert holds(other.node, id_of(KEPT))
        assert other.node.ledger.verify().ok
        assert [log.size for log in one.node.ledger.verify().logs] == entries  # nothing was said twice
        assert found_in(other.home) == []


def test_an_author_restored_from_its_backup_takes_its_own_recall_back(tmp_path: Path) -> None:
    with houses(tmp_path, "Harbour", "Northwind") as found:
        one, other = found
        circle = meet(one, other)
        give(one.node, circle, ITEM, KEPT)
        settle(one.node, other.node)
        one.close()
        shutil.copytree(one.home, tmp_path / "backup")
        opened(one)
        one.node.recalls.withdraw(id_of(ITEM))
        settle(one.node, other.node)
        one.close()
        shutil.rmtree(one.home)
        shutil.copytree(tmp_path / "backup", one.home)
        assert holds(opened(one), id_of(ITEM))
        settle(one.node, other.node)
        assert not holds(one.node, id_of(ITEM))
        assert not holds(other.node, id_of(ITEM))
        assert states(one.node) == ["erased"]
        assert found_in(one.home, other.home) == []
        assert one.node.ledger.verify().ok


def run(capsys: pytest.CaptureFixture[str], home: Path, *arguments: str) -> tuple[int, Any]:
    """Run a command as a person would and return its exit code and document."""
    capsys.readouterr()
    code = main.run(["--json", "--home", str(home), *arguments])
    return code, json.loads(capsys.readouterr().out)


def test_by_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with houses(tmp_path, "Harbour", "Northwind") as found:
        one, other = found
        circle = meet(one, other)
        give(one.node, circle, ITEM, KEPT)
        settle(one.node, other.node)
        code, refused = run(capsys, other.home, "share", "withdraw", id_of(ITEM))
        assert code == 3
        assert "Harbour" in refused["error"]["message"]
        code, low = run(capsys, one.home, "share", "narrow", id_of(KEPT), "--circle", circle)
        assert code == 0
        assert (low["shared"], low["circles"]) == (0, [])
        code, done = run(capsys, one.home, "share", "withdraw", id_of(ITEM), "--reason", "error", "--due", "3")
        assert code == 0
        assert (done["state"], done["reason"]) == ("withdrawn", "error")
        settle(one.node, other.node)
        code, recalls = run(capsys, one.home, "ledger", "recalls")
        assert code == 0
        assert [(row["item"], row["members"][0]["state"]) for row in recalls] == [(id_of(ITEM), "erased")]
        for house in found:
            code, view = run(capsys, house.home, "item", "show", id_of(ITEM))
            assert code == 0
            assert (view["object"], view["state"], view["reason"]) == (None, "withdrawn", "error")
        assert main.run(["--home", str(one.home), "ledger", "recalls"]) == 0
        assert "erased" in capsys.readouterr().out
        file = tmp_path / "again.json"
        file.write_bytes(bundle(ITEM))
        code, imported = run(capsys, one.home, "item", "import", str(file), "--tlp", "GREEN", "--again")
        assert code == 0
        assert imported["new"] == 1


def test_the_removal_of_a_relationship_travels() -> None:
    network = Network(6)
    one, other = (network.add(name) for name in ("Harbour", "Northwind"))
    circle = network.agree(one, other)
    malware = stix("malware", 1, is_family=False)
    tie = stix(
        "relationship", 1, name=None, relationship_type="indicates", source_ref=id_of(ITEM), target_ref=id_of(malware)
    )
    give(one, circle, ITEM, malware, tie)
    network.settle()
    assert holds(other, id_of(tie))
    one.recalls.withdraw(id_of(tie))
    network.settle()
    assert not holds(other, id_of(tie))
    assert holds(other, id_of(ITEM))
    assert holds(other, id_of(malware))
