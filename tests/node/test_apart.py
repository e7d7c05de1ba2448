"""What does not hang on acts that wait: whose an identity is, and what members do about the agreement."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from network import Network

if TYPE_CHECKING:
    from entente.node import Node

THEIRS = "identity--00000000-0000-4000-8000-00000000a1de"
NEVER = 10**9


def identity() -> bytes:
    return json.dumps(
        {
            "type": "identity",
            "spec_version": "2.1",
            "id": THEIRS,
            "created": "2026-01-01T00:00:00.000Z",
            "modified": "2026-01-01T00:00:00.000Z",
            "name": "Somebody",
        }
    ).encode()


def ids(node: Node) -> set[str]:
    return {each.id for each in node.items.list().items}


def waits(node: Node) -> bool:
    with node.base.store.read() as tx:
        return bool(node.base.in_force(tx).view.waiting)


def answered(network: Network, circle: str, asker: Node, owner: Node, reader: Node) -> None:
    """Let one member answer another, which keeps its question from the reader: the answer waits there."""
    asker.agreements.changes.suspend("Agreement", reader.member, reason="doubt")
    network.settle()
    asked = asker.requests.ask(circle, "Who is it?", network.now + NEVER)
    asker.exchange.sync(owner.member)
    owner.requests.answer(asked.id, "It is we.")


@pytest.mark.parametrize("kept_away", [False, True])
def test_a_forged_identity_is_refused_while_the_log_of_its_owner_waits(*, kept_away: bool) -> None:
    network = Network(3)
    owner, reader, asker, forger = (network.add(name) for name in ("Alder", "Birch", "Cedar", "Dogwood"))
    circle = network.agree(owner, reader, asker, forger)
    if kept_away:
        answered(network, circle, asker, owner, reader)
    owner.profile.set(identities=[THEIRS])
    owner.agreements.settle()
    reader.exchange.sync(owner.member)
    assert waits(reader) is kept_away

    forger.items.import_files([("forged", identity())], tlp="TLP:GREEN", circle=circle)
    assert THEIRS in ids(forger)
    reader.exchange.sync(forger.member)
    assert THEIRS not in ids(reader)


def test_a_member_that_is_kept_from_a_third_ones_entries_learns_that_another_resumes() -> None:
    network = Network(4)
    owner, reader, asker = (network.add(name) for name in ("Alder", "Birch", "Cedar"))
    circle = network.agree(owner, reader, asker)
    owner.agreements.changes.suspend("Agreement", reader.member, reason="doubt")
    network.settle()
    answered(network, circle, asker, owner, reader)
    owner.agreements.changes.suspend("Agreement", reader.member, resume=True)
    network.settle()
    assert waits(reader)
    row = owner.requests.ask(circle, "Do you hear us again?", network.now + NEVER)
    network.settle()
    # The question stands behind the answer that waits, but the entry has arrived.
    with owner.base.store.read() as mine, reader.base.store.read() as theirs:
        sizes = [{r.origin: r.size for r in tx.logs.all() if r.member == owner.base.me} for tx in (mine, theirs)]
    assert sizes[0] == sizes[1]
    assert row.id not in {each.id for each in reader.requests.list()}


def test_members_exclude_one_that_keeps_its_entries_from_another() -> None:
    network = Network(5)
    owner, reader, asker = (network.add(name) for name in ("Alder", "Birch", "Cedar"))
    circle = network.agree(owner, reader, asker)
    answered(network, circle, asker, owner, reader)
    network.settle()
    assert waits(reader)
    made = owner.agreements.changes.exclude("Agreement", asker.member)
    owner.agreements.sign(made.amendment)
    network.settle()
    reader.agreements.sign(made.amendment)
    network.settle()
    owner.agreements.settle()
    network.settle()
    assert not waits(reader)
    assert reader.agreements.show("Agreement").members == owner.agreements.show("Agreement").members
    assert asker.member not in str(reader.agreements.show("Agreement").members)
