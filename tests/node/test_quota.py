"""The limits of an agreement while packages are taken: what is above them comes later, and nothing is lost."""

from __future__ import annotations

import pytest

from stories.story import forge, give, holds, id_of, indicator, log_sizes
from world import World

HOUR = 3_600_000


def limited(world: World, *names: str, **limits: int):
    nodes = [world.add(name) for name in names]
    return (*nodes, world.agree(*nodes, limits=limits))


def held(node, first: int, last: int) -> list[int]:
    return [number for number in range(first, last) if holds(node, id_of(indicator(number)))]


def test_entries_above_the_limit_of_a_day_are_taken_on_the_next():
    world = World(31)
    harbour, northwind, circle = limited(world, "Harbour", "Northwind", entries_day=30)
    give(harbour, circle, *(indicator(number) for number in range(100, 160)))
    world.settle()
    first = held(northwind, 100, 160)
    assert 20 <= len(first) < 30
    assert harbour.exchange.sync(northwind.member)[0].sent.entries == 0, "what was refused is not sent again at once"
    world.now += 11 * 60_000
    said = harbour.exchange.sync(northwind.member)[0].refusals
    assert [(each["by"], each["code"]) for each in said] == [("partner", "quota")]
    assert "30 entries" in said[0]["text"]
    assert "from 2026-" in said[0]["text"]
    for _ in range(2):
        world.now += 25 * HOUR
        world.settle()
    assert held(northwind, 100, 160) == list(range(100, 160))
    assert northwind.ledger.verify().ok
    assert log_sizes(harbour, circle) == log_sizes(northwind, circle)


def test_bytes_above_the_limit_of_a_day_are_taken_on_the_next():
    world = World(32)
    harbour, northwind, circle = limited(world, "Harbour", "Northwind", bytes_day=60_000)
    give(harbour, circle, *(indicator(number, description="x" * 5000) for number in range(100, 120)))
    world.settle()
    assert 8 <= len(held(northwind, 100, 120)) <= 11
    world.now += 25 * HOUR
    world.settle()
    assert len(held(northwind, 100, 120)) >= 19
    world.now += 25 * HOUR
    world.settle()
    assert held(northwind, 100, 120) == list(range(100, 120))


def test_a_relay_does_not_widen_the_limit_and_a_lagging_relay_is_not_blamed():
    """What counts is whose log it is, not who brings it: Northwind's own entries come through."""
    world = World(33)
    harbour, northwind, summit, circle = limited(world, "Harbour", "Northwind", "Summit", entries_day=40)
    world.wires[summit.base.me].cut.add(harbour.base.me)
    world.wires[harbour.base.me].cut.add(summit.base.me)
    give(harbour, circle, *(indicator(number) for number in range(100, 200)))
    give(northwind, circle, indicator(7))
    world.settle()
    assert len(held(summit, 100, 200)) <= 40
    assert holds(summit, id_of(indicator(7)))
    for _ in range(5):
        world.now += 25 * HOUR
        world.settle()
    assert held(summit, 100, 200) == list(range(100, 200))


def test_one_agreement_does_not_use_up_the_limit_of_another():
    world = World(34)
    harbour, northwind, circle = limited(world, "Harbour", "Northwind", entries_day=20)
    other = world.agree(harbour, northwind, name="Other", limits={"entries_day": 100})
    give(harbour, circle, *(indicator(number) for number in range(100, 140)))
    world.settle()
    give(harbour, other, *(indicator(number) for number in range(300, 350)))
    world.settle()
    assert len(held(northwind, 100, 140)) < 20
    assert held(northwind, 300, 350) == list(range(300, 350))


def test_ten_times_the_limit_leaves_the_same_as_one_time_and_a_bounded_account():
    """A flood costs the receiver no more than the agreement allows, however long it lasts."""
    world = World(35)
    harbour, northwind, circle = limited(world, "Harbour", "Northwind", entries_day=25)
    forge(harbour, circle, *(indicator(number) for number in range(100, 350)))
    for _ in range(5):
        harbour.exchange.sync(northwind.member)
        world.now += 10 * 60_000
    assert sum(log_sizes(northwind, circle).values()) <= 2 * 25
    for _ in range(40):
        world.now += HOUR
        harbour.exchange.sync(northwind.member)
    with northwind.base.store.read() as tx:
        assert len(tx.records.scan("quota")) <= 2 * 26


@pytest.mark.parametrize("ahead", [True, False])
def test_a_clock_that_was_wrong_for_a_while_blocks_nothing_for_ever(*, ahead: bool):
    world = World(36)
    harbour, northwind, circle = limited(world, "Harbour", "Northwind", entries_day=20)
    world.now += (1 if ahead else -1) * 24 * 400 * HOUR
    give(harbour, circle, *(indicator(number) for number in range(100, 118)))
    world.settle()
    world.now -= (1 if ahead else -1) * 24 * 400 * HOUR
    give(harbour, circle, indicator(200))
    world.settle()
    assert holds(northwind, id_of(indicator(200))) or not ahead


def test_what_the_sender_is_told_stands_in_its_report():
    world = World(37)
    harbour, northwind, circle = limited(world, "Harbour", "Northwind", entries_day=20)
    give(harbour, circle, *(indicator(number) for number in range(100, 160)))
    done = harbour.exchange.sync(northwind.member)[0]
    told = [each for each in done.refusals if each["code"] == "quota"]
    assert told
    assert told[0]["by"] == "partner"
    assert done.error == ""
