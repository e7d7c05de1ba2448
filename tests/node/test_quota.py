"""The limits of an agreement while packages are taken: what is above them comes later, and nothing is lost."""

from __future__ import annotations

import pytest

from network import Network
from stories.story import forge, give, holds, id_of, indicator, log_sizes

HOUR = 3_600_000


def limited(network: Network, *names: str, **limits: int):
    nodes = [network.add(name) for name in names]
    return (*nodes, network.agree(*nodes, limits=limits))


def held(node, first: int, last: int) -> list[int]:
    return [number for number in range(first, last) if holds(node, id_of(indicator(number)))]


def test_entries_above_the_limit_of_a_day_are_taken_on_the_next():
    network = Network(31)
    harbour, northwind, circle = limited(network, "Harbour", "Northwind", entries_day=30)
    give(harbour, circle, *(indicator(number) for number in range(100, 160)))
    network.settle()
    first = held(northwind, 100, 160)
    assert 20 <= len(first) < 30
    assert harbour.exchange.sync(northwind.member)[0].sent.entries == 0, "what was refused is not sent again at once"
    network.now += 11 * 60_000
    said = harbour.exchange.sync(northwind.member)[0].refusals
    assert [(each["by"], each["code"]) for each in said] == [("partner", "quota")]
    assert "30 entries" in said[0]["text"]
    assert "from 2026-" in said[0]["text"]
    for _ in range(2):
        network.now += 25 * HOUR
        network.settle()
    assert held(northwind, 100, 160) == list(range(100, 160))
    assert northwind.ledger.verify().ok
    assert log_sizes(harbour, circle) == log_sizes(northwind, circle)


def test_bytes_above_the_limit_of_a_day_are_taken_on_the_next():
    network = Network(32)
    harbour, northwind, circle = limited(network, "Harbour", "Northwind", bytes_day=60_000)
    give(harbour, circle, *(indicator(number, description="x" * 5000) for number in range(100, 120)))
    network.settle()
    assert 8 <= len(held(northwind, 100, 120)) <= 11
    network.now += 25 * HOUR
    network.settle()
    assert len(held(northwind, 100, 120)) >= 19
    network.now += 25 * HOUR
    network.settle()
    assert held(northwind, 100, 120) == list(range(100, 120))


def test_a_relay_does_not_widen_the_limit_and_a_lagging_relay_is_not_blamed():
    """What counts is whose log it is, not who brings it: Northwind's own entries come through."""
    network = Network(33)
    harbour, northwind, summit, circle = limited(network, "Harbour", "Northwind", "Summit", entries_day=40)
    network.wires[summit.base.me].cut.add(harbour.base.me)
    network.wires[harbour.base.me].cut.add(summit.base.me)
    give(harbour, circle, *(indicator(number) for number in range(100, 200)))
    give(northwind, circle, indicator(7))
    network.settle()
    assert len(held(summit, 100, 200)) <= 40
    assert holds(summit, id_of(indicator(7)))
    for _ in range(5):
        network.now += 25 * HOUR
        network.settle()
    assert held(summit, 100, 200) == list(range(100, 200))


def test_one_agreement_does_not_use_up_the_limit_of_another():
    network = Network(34)
    harbour, northwind, circle = limited(network, "Harbour", "Northwind", entries_day=20)
    other = network.agree(harbour, northwind, name="Other", limits={"entries_day": 100})
    give(harbour, circle, *(indicator(number) for number in range(100, 140)))
    network.settle()
    give(harbour, other, *(indicator(number) for number in range(300, 350)))
    network.settle()
    assert len(held(northwind, 100, 140)) < 20
    assert held(northwind, 300, 350) == list(range(300, 350))


def test_ten_times_the_limit_leaves_the_same_as_one_time_and_a_bounded_account():
    """A flood costs the receiver no more than the agreement allows, however long it lasts."""
    network = Network(35)
    harbour, northwind, circle = limited(network, "Harbour", "Northwind", entries_day=25)
    forge(harbour, circle, *(indicator(number) for number in range(100, 350)))
    for _ in range(5):
        harbour.exchange.sync(northwind.member)
        network.now += 10 * 60_000
    assert sum(log_sizes(northwind, circle).values()) <= 2 * 25
    for _ in range(40):
        network.now += HOUR
        harbour.exchange.sync(northwind.member)
    with northwind.base.store.read() as tx:
        assert len(tx.records.scan("quota")) <= 2 * 26


@pytest.mark.parametrize("ahead", [True, False])
def test_a_clock_that_was_wrong_for_a_while_blocks_nothing_for_ever(*, ahead: bool):
    network = Network(36)
    harbour, northwind, circle = limited(network, "Harbour", "Northwind", entries_day=20)
    network.now += (1 if ahead else -1) * 24 * 400 * HOUR
    give(harbour, circle, *(indicator(number) for number in range(100, 118)))
    network.settle()
    network.now -= (1 if ahead else -1) * 24 * 400 * HOUR
    give(harbour, circle, indicator(200))
    network.settle()
    assert holds(northwind, id_of(indicator(200))) or not ahead


def test_what_the_sender_is_told_stands_in_its_report():
    network = Network(37)
    harbour, northwind, circle = limited(network, "Harbour", "Northwind", entries_day=20)
    give(harbour, circle, *(indicator(number) for number in range(100, 160)))
    done = harbour.exchange.sync(northwind.member)[0]
    told = [each for each in done.refusals if each["code"] == "quota"]
    assert told
    assert told[0]["by"] == "partner"
    assert done.error == ""
