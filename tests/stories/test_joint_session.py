"""Three ports meet: an agenda from all sides, a decision with a dissent, minutes signed by all, a line for the public.

Real homes and real sockets; what leaves is verified by the tool that knows nothing of the product.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec
import pytest

from commands import verify
from entente.core.errors import RefusedError, WaitingError
from stories.homes import agree, houses, pair, settle

if TYPE_CHECKING:
    from pathlib import Path

    from entente.node import Node

HOUR = 3_600_000


def verified(path: Path, data: bytes) -> dict[str, object]:
    """Write a file, verify it with the tool, and return what it says."""
    path.write_bytes(data)
    done = verify(path, "--json")
    assert done.code == 0, done.out
    found: dict[str, object] = json.loads(done.out)
    return found


def bare(node: Node, session: str) -> bytes:
    """Return a view without the agenda, which depends on now."""
    return msgspec.json.encode(msgspec.structs.replace(node.sessions.show(session), agenda=[]))


def test_three_ports_decide_and_one_dissents(tmp_path: Path) -> None:
    with houses(tmp_path, "Harbour", "Northwind", "Summit") as found:
        harbour, northwind, summit = nodes = [house.node for house in found]
        pair(harbour, northwind)
        pair(harbour, summit)
        pair(northwind, summit)
        circle = agree(*nodes)
        now = harbour.base.clock()
        asked = northwind.requests.ask(circle, "Which crane failed?", now + HOUR)
        session = harbour.sessions.open(circle, now + HOUR, "The quay", quorum=2).session
        settle(*nodes)
        summit.sessions.add(session, "The ferries", priority=1)
        settle(*nodes)
        assert [each.title for each in harbour.sessions.agenda(session)] == ["Which crane failed?", "The ferries"]

        decision = harbour.sessions.decide(
            session, "We close the quay.", owner="Northwind", due=now + 2 * HOUR, about=[asked.id]
        )
        settle(*nodes)
        with pytest.raises(RefusedError, match="joined"):
            summit.sessions.vote(decision.id, yes=True)
        for node in nodes:
            node.sessions.join(session)
        harbour.sessions.vote(decision.id, yes=True)
        northwind.sessions.vote(decision.id, yes=True)
        summit.sessions.vote(decision.id, yes=False, text="The ferries need it.")
        settle(*nodes)
        assert {node.sessions.decision(decision.id).state for node in nodes} == {"rejected"}  # 3 of 3 are needed

        again = northwind.sessions.decide(session, "We close the quay at night.")
        settle(*nodes)
        for node in nodes:
            node.sessions.vote(again.id, yes=True)
        settle(*nodes)
        assert {node.sessions.decision(again.id).state for node in nodes} == {"decided"}

        proposed = summit.minutes.sign(session)
        settle(*nodes)
        for node in (harbour, northwind):
            assert node.minutes.sign(session).text == proposed.text
        settle(*nodes)
        assert "The ferries need it." in proposed.text
        assert len({bare(node, session) for node in nodes}) == 1
        assert harbour.sessions.show(session).state == "signed"

        _leaves(tmp_path, nodes, session, proposed.minutes, again.id)
        with pytest.raises(RefusedError):
            harbour.dossiers.write(decision.id)


def _leaves(folder: Path, nodes: list[Node], session: str, minutes: str, decision: str) -> None:
    """Let what was agreed leave as files, and a line for the public when all three have approved it."""
    harbour, northwind, summit = nodes
    said = verified(folder / "minutes", northwind.dossiers.write(minutes))
    assert (said["about"], len(str(said["approved_by"]).split())) == ("minutes/1", 3)
    said = verified(folder / "decision", summit.dossiers.write(decision))
    assert (said["about"], said["needed"]) == ("decision/1", 3)

    line = harbour.disclosures.propose(session, b"Three ports close a quay at night.")
    settle(*nodes)
    for node in (harbour, northwind):
        node.disclosures.approve(line.disclosure)
    settle(*nodes)
    with pytest.raises(WaitingError):
        harbour.disclosures.export(line.disclosure)
    summit.disclosures.approve(line.disclosure)
    settle(*nodes)
    data = harbour.disclosures.export(line.disclosure)
    assert verified(folder / "line", data)["sha256"] == line.sha256
    assert b"\nThree ports close a quay at night.\n" in data
