"""Keys change as planned while partners exchange, and a home that is gone comes back by the word of the others."""

from __future__ import annotations

import json
import shutil
import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest

from entente.core.errors import VerificationError
from entente.interfaces.cli import main
from entente.interfaces.run import serve
from entente.node import Node
from ports import free_port
from stories.homes import House, agree, houses, pair, settle
from stories.story import bundle, id_of, indicator
from timing import CEILING
from tools_loader import load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

verify = load("verify")


def share(node: Node, circle: str, folder: Path, number: int) -> str:
    thing = indicator(number)
    path = folder / f"{number}.json"
    path.write_bytes(bundle(thing))
    node.items.import_files([path], tlp="TLP:GREEN", circle=circle)
    node.sharing.send([id_of(thing)], circle)
    return id_of(thing)


def held(node: Node) -> set[str]:
    return {item.id for item in node.items.list().items}


def recovery(house: House) -> Path:
    return house.home.with_name(f"{house.home.name}.recovery")


@contextmanager
def served(node: Node) -> Iterator[None]:
    """Serve a node over TLS with the certificate that it has now."""
    ready, stop = threading.Event(), threading.Event()
    port = int(node.url.rpartition(":")[2])
    thread = threading.Thread(target=serve, args=(node, "127.0.0.1", port, lambda _url: ready.set(), stop))
    thread.start()
    try:
        assert ready.wait(CEILING)
        yield
    finally:
        stop.set()
        thread.join(CEILING)


def test_keys_change_while_partners_exchange(tmp_path: Path) -> None:
    with houses(tmp_path, "Harbour", "Northwind") as (harbour, northwind):
        one, other = harbour.node, northwind.node
        pair(one, other)
        circle = agree(one, other)
        old = share(one, circle, tmp_path, 1)
        settle(one, other)
        before = one.ledger.proof(old)

        done = one.keys.rotate(recovery(harbour))
        new = share(one, circle, tmp_path, 2)
        settle(other)  # who does not know the new keys calls first
        back = share(other, circle, tmp_path, 3)
        settle(one, other)

        assert held(one) == held(other) == {old, new, back}
        assert one.ledger.verify().ok
        assert other.ledger.verify().ok
        for proof in (before, one.ledger.proof(old), other.ledger.proof(new)):
            assert verify.judge(proof, one.member)[1].member == one.member
        with pytest.raises(VerificationError):
            one.keys.rotate(recovery(harbour))
        assert json.loads(tmp_path.joinpath(done.recovery).read_bytes())["member"] == one.member
    with Node.open(harbour.home) as again:
        assert again.ledger.verify().ok
        assert again.member == done.member


def test_keys_and_certificate_change_over_tls(tmp_path: Path) -> None:
    with ExitStack() as stack:
        nodes: list[Node] = []
        for name in ("dover", "calais"):
            Node.init(tmp_path / name, name=name, url=f"https://localhost:{free_port()}")
            nodes.append(stack.enter_context(Node.open(tmp_path / name)))
        one, other = nodes
        stack.enter_context(served(other))
        with served(one):
            pair(one, other)
            circle = agree(one, other)
        one.keys.rotate(tmp_path / "dover.recovery")
        with served(one):
            thing = share(one, circle, tmp_path, 1)
            settle(other)
            assert thing in held(other)
            settle(one, other)
        moved = f"https://127.0.0.1:{free_port()}"
        one.settings.set("url", moved)
        assert one.url == moved
        with served(one):
            again = share(one, circle, tmp_path, 2)
            settle(one)
            assert again in held(other)
            assert [each.url for each in other.partners.list()] == [moved]
            settle(other)


def quietly(*nodes: Node) -> None:
    """Let members sync; calls to and from a member whose keys are not known yet fail."""
    for _ in range(3):
        for node in nodes:
            node.exchange.sync()


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, object]]:
    """Give a command line whose answer is read as JSON."""

    def run(home: Path, *words: object, code: int = 0) -> dict[str, object]:
        capsys.readouterr()
        assert main.run(["--json", "--home", str(home), *map(str, words)]) == code
        found = json.loads(capsys.readouterr().out)
        return found if isinstance(found, dict) else {"list": found}

    return run


@pytest.mark.parametrize("others", [("Northwind",), ("Northwind", "Southsea")])
def test_a_lost_home_comes_back(
    tmp_path: Path, others: tuple[str, ...], command: Callable[..., dict[str, object]]
) -> None:
    with houses(tmp_path, "Harbour", *others) as (harbour, *rest):
        lost, nodes = harbour.node, [house.node for house in rest]
        for at, one in enumerate([lost, *nodes]):
            for other in [lost, *nodes][at + 1 :]:
                pair(one, other)
        circle = agree(lost, *nodes)
        mine = share(lost, circle, tmp_path, 1)
        theirs = share(nodes[0], circle, tmp_path, 2)
        settle(lost, *nodes)
        proof = lost.ledger.proof(mine)
        harbour.close()
        shutil.rmtree(harbour.home)

        card, fresh = tmp_path / "last.card", tmp_path / "harbour.card"
        assert command(rest[0].home, "partner", "card", "--of", "Harbour", "--out", card)["member"] == lost.member
        words = ("key", "succession", "begin", "--recovery", recovery(harbour), "--card", card)
        made = command(harbour.home, *words)
        assert (made["member"], made["keys"], made["card"]) == (lost.member, 2, str(fresh))
        refused = command(tmp_path / "second", *words[:3], "--recovery", made["recovery"], "--card", card, code=5)
        assert refused["error"]["code"] == "recovery"
        assert not (tmp_path / "second").exists()

        for house in rest:
            assert command(house.home, "partner", "add", fresh)["state"] == "succession"
            (waiting,) = command(house.home, "key", "succession", "list")["list"]
            assert waiting["words"] == made["keys_words"]
        with Node.open(harbour.home) as new, served(new):
            for house in rest:
                new.partners.add(house.node.partners.card())
                new.partners.confirm(house.node.member, " ".join(house.node.words))
            quietly(new, *nodes)
            assert held(new) == set()  # nobody has approved
            states = []
            for house in rest:
                states.append(command(house.home, "key", "succession", "approve", "Harbour")["state"])
                quietly(*nodes)
            assert states == [*["waiting"] * (len(rest) - 1), "in-force"]
            quietly(new)
            settle(new, *nodes)
            assert held(new) == {mine, theirs}
            again = share(new, circle, tmp_path, 3)
            settle(new, *nodes)
            for node in (new, *nodes):
                assert held(node) == {mine, theirs, again}
                assert node.ledger.verify().ok
                assert node.ledger.evidence() == []
            facts = verify.report(*verify.judge(new.ledger.proof(again), ""), [], as_json=False)
            assert "lost its key before entry 1" in facts
            assert verify.judge(proof, lost.member)[0] == "proof"
            assert {each.stage for each in new.ledger.receipts(again)} == {"stored"}


def test_rotation_by_command(tmp_path: Path, command: Callable[..., dict[str, object]]) -> None:
    with houses(tmp_path, "Harbour") as (harbour,):
        harbour.close()
        first = command(harbour.home, "key", "rotate", "--recovery", recovery(harbour))
        assert (first["keys"], first["recovery"]) == (2, f"{recovery(harbour)}.2")
        out = tmp_path / "elsewhere"
        second = command(harbour.home, "key", "rotate", "--recovery", first["recovery"], "--out", out)
        assert (second["keys"], second["recovery"]) == (3, str(out))
        wrong = command(harbour.home, "key", "rotate", "--recovery", first["recovery"], code=5)
        assert wrong["error"]["code"] == "recovery"
        assert command(harbour.home, "config", "set", "url", "http://localhost:9777")["url"] == "http://localhost:9777"
        assert command(harbour.home, "ledger", "verify")["ok"] is True
