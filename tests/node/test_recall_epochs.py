"""Recalls over changes of an agreement: later epochs, newcomers, who was excluded, circles that have ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entente.core.ids import b32, origin_hash
from entente.kinds.erase import KIND as ERASE
from entente.ledger.log import Draft
from entente.node.rooms import offers
from node.three_members import Three, states
from stories.story import give, holds, id_of, indicator

if TYPE_CHECKING:
    from entente.node import Node


@pytest.fixture
def three() -> Three:
    """Give three members that hold one item of the first."""
    made = Three()
    made.share()
    return made


def amended(three: Three, *signers: Node, amendment: str) -> None:
    """Let members sign an amendment, one after the other."""
    three.network.settle()
    for node in signers:
        node.agreements.sign(amendment)
        three.network.settle()


def test_a_recall_reaches_over_a_change_of_the_agreement_and_a_newcomer_is_not_bothered(three: Three) -> None:
    fourth = three.network.add("Valley")
    for node in three.nodes:
        three.network.pair(node, fourth)
    made = three.one.agreements.changes.accede("Agreement", fourth.member)
    amended(three, *three.nodes, amendment=made.amendment)
    fourth.agreements.sign("Agreement")
    three.network.settle()
    give(three.one, three.everybody, indicator(2))
    three.network.settle()
    assert [holds(fourth, id_of(indicator(number))) for number in (1, 2)] == [False, True]
    three.one.recalls.withdraw(three.item)
    three.network.settle()
    assert [holds(node, three.item) for node in three.nodes] == [False, False, False]
    assert states(three.one) == {"Northwind": "erased", "Summit": "erased"}
    for node in (*three.nodes, fourth):
        assert holds(node, id_of(indicator(2)))
        assert node.ledger.verify().ok
        with node.base.store.read() as tx:
            assert tx.records.scan("refused") == []


def test_a_member_that_was_excluded_is_shown_as_late(three: Three) -> None:
    made = three.one.agreements.changes.exclude("Agreement", three.three.member)
    amended(three, three.one, three.two, amendment=made.amendment)
    three.one.recalls.withdraw(three.item, due_days=0)
    three.network.settle()
    assert states(three.one) == {"Northwind": "erased", "Summit": "late"}
    assert holds(three.three, three.item)


def test_in_a_circle_that_has_ended_nobody_is_asked_and_our_own_bytes_go(three: Three) -> None:
    agreement = three.one.agreements.list()[0].id
    pair = three.network.circle(three.one, three.three, agreement=agreement, name="Pair")
    give(three.one, pair, indicator(5))
    three.network.settle()
    made = three.one.agreements.changes.exclude("Agreement", three.three.member)
    amended(three, three.one, three.two, amendment=made.amendment)
    three.one.recalls.withdraw(id_of(indicator(5)))
    three.network.settle()
    assert not holds(three.one, id_of(indicator(5)))
    assert three.one.ledger.verify().ok


def test_a_recall_of_entries_that_cannot_exist_costs_nothing(three: Three) -> None:
    """A member names entries of an old log of its own that are far beyond its end; nobody counts up to them."""
    made = three.one.agreements.changes.amend("Agreement", name="Renamed")
    amended(three, *three.nodes, amendment=made.amendment)
    base = three.two.base
    with base.store.write() as tx:
        room = base.find_circle(base.in_force(tx), three.everybody)
        (old,) = [each for each in offers.load(tx).of_circle(room.circle) if each.epoch == 1]
        log = origin_hash(old.origin(base.me))
        entries = [(10**6, bytes(32)), (2**53 - 1, bytes(32))]
        body = ERASE.make(log, "error", due=1, person=b32(bytes(16)), entries=entries)
        base.append(tx, room, [Draft(ERASE.name, base.clock(), b"", body)])
    three.network.settle()
    assert all(node.ledger.verify().ok for node in three.nodes)
    assert all(holds(node, three.item) for node in three.nodes)
