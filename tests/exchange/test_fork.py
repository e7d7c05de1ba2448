"""A member that tells two histories: whoever meets a holder of the other one has proof that anybody can check."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from commands import verify
from entente.node import Node
from entente.node.home.base import Base
from entente.store.memory.store import MemoryStore
from network import Network, Wire

if TYPE_CHECKING:
    from pathlib import Path


def indicator(number: int, name: str = "") -> tuple[str, bytes]:
    body = {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--0000{number:04d}-0000-4000-8000-000000000000",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "name": name or f"host {number}",
        "pattern": "[ipv4-addr:value = '192.0.2.1']",
        "pattern_type": "stix",
        "valid_from": "2026-01-01T00:00:00Z",
    }
    return "indicators", json.dumps(body).encode()


def twin_of(network: Network, node: Node) -> Node:
    """Return a second node with the same keys on a copy of the store: what a liar runs."""
    store = MemoryStore()
    store._state = node.base.store._state
    base = Base(
        None, store, node.base.keys.secrets, clock=network.clock, random=network.random.randbytes, me=node.base.me
    )
    return Node(base, Wire(network, base))


@pytest.mark.parametrize("more", [0, 1, 3], ids=["equal sizes", "one more", "three more"])
def test_two_histories_become_evidence_in_one_meeting(more: int, tmp_path: Path):
    network = Network(7)
    liar, beth, carl = network.add("Liar"), network.add("Beth"), network.add("Carl")
    circle = network.agree(liar, beth, carl)
    twin = twin_of(network, liar)
    network.wires[liar.base.me].cut = {carl.base.me}
    liar.items.import_files([indicator(1, "what Beth is told")], tlp="green", circle=circle)
    assert not liar.exchange.sync(beth.member)[0].error
    twin.items.import_files([indicator(2, "what Carl is told")], tlp="green", circle=circle)
    for number in range(more):
        twin.items.import_files([indicator(3 + number)], tlp="green", circle=circle)
    assert not twin.exchange.sync(carl.member)[0].error
    assert not beth.ledger.evidence()
    assert not carl.ledger.evidence()

    beth.exchange.sync(carl.member)

    found = beth.ledger.evidence() + carl.ledger.evidence()
    assert found
    assert {each.member for each in found} == {liar.member}
    holder = beth if beth.ledger.evidence() else carl
    file = tmp_path / "evidence.json"
    file.write_bytes(holder.ledger.evidence_file(holder.ledger.evidence()[0].id))
    done = verify(file, "--member", liar.member)
    assert done.code == 0, done.out
    before = len(holder.items.list().items)
    (liar if holder is beth else twin).items.import_files([indicator(9)], tlp="green", circle=circle)
    (liar if holder is beth else twin).exchange.sync(holder.member)
    assert len(holder.items.list().items) == before


def test_honest_members_never_become_evidence():
    network = Network(8)
    one, two, three = network.add("One"), network.add("Two"), network.add("Three")
    circle = network.agree(one, two, three)
    for number in range(6):
        [one, two, three][number % 3].items.import_files([indicator(number)], tlp="green", circle=circle)
        [two, three, one][number % 3].exchange.sync()
    network.settle()

    assert [node.ledger.evidence() for node in (one, two, three)] == [[], [], []]
    assert all(len(node.items.list().items) == 6 for node in (one, two, three))
