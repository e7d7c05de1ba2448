"""The line between Harbour and Northwind breaks thirty times, at any byte, while each sends the other a thousand items.

A round that was cut says so and leaves both sides whole; the next one goes on from what is held. In the end both hold
everything, nothing twice, and the ledgers verify.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from ports import free_port
from stories.homes import House, agree, pair, settle
from stories.proxy import Relay
from stories.story import bundle, id_of, indicator, log_sizes, raw

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entente.node import Node

CUTS = 30
STEP = 34


class Story:
    """Two homes; Northwind reaches Harbour through the relay only."""

    def __init__(self, harbour: House, northwind: House, relay: Relay) -> None:
        self.harbour, self.northwind, self.relay = harbour.node, northwind.node, relay
        pair(self.harbour, self.northwind)
        self.circle = agree(self.harbour, self.northwind)

    def give(self, node: Node, first: int, count: int, chance: random.Random) -> dict[str, bytes]:
        """Let a member share items that hardly compress; return them."""
        things = [indicator(first + at, description=chance.randbytes(1_500).hex()) for at in range(count)]
        done = node.items.import_files([("file", bundle(*things))], tlp="TLP:GREEN", circle=self.circle)
        assert done.shared == count
        return {id_of(thing): raw(thing) for thing in things}

    def cut(self, at: int) -> str:
        """Let Northwind hold rounds until the relay has cut one after `at` bytes; return what it says then."""
        self.relay.budget = at
        while True:
            (done,) = self.northwind.exchange.sync()
            if self.relay.budget is None:
                return done.error


@pytest.fixture
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("cuts")
    outside = free_port()
    harbour = House(folder, "Harbour", url=f"http://127.0.0.1:{outside}")
    northwind = House(folder, "Northwind")
    with Relay(outside, harbour.port) as relay:
        try:
            harbour.serve()
            northwind.serve()
            yield Story(harbour, northwind, relay)
        finally:
            northwind.close()
            harbour.close()


@pytest.mark.parametrize("seed", [1, 2])
def test_thirty_cuts_at_any_byte_lose_and_double_nothing(story: Story, seed: int) -> None:
    chance = random.Random(seed)
    harbour, northwind = story.harbour, story.northwind
    everything: dict[str, bytes] = {}
    told = 0
    for turn in range(CUTS):
        everything |= story.give(harbour, turn * STEP, STEP, chance)
        everything |= story.give(northwind, 50_000 + turn * STEP, STEP, chance)
        told += bool(story.cut(chance.choice((chance.randrange(1, 3_000), chance.randrange(1, 2 * STEP * 2_000)))))
    assert story.relay.cuts == CUTS
    assert told > CUTS // 2
    settle(northwind)
    for node in (harbour, northwind):
        assert dict(node.items.export()) == everything
        assert len(node.items.list(circle=story.circle, limit=1).items) == 1
        assert node.items.received()[0].new == CUTS * STEP
        assert node.items.received()[0].unchanged == 0
        report = node.ledger.verify()
        assert report.ok, report
    assert log_sizes(harbour, story.circle) == log_sizes(northwind, story.circle)
    stages = [receipt.stage for receipt in harbour.ledger.receipts(id_of(indicator(CUTS * STEP - 1)))]
    assert stages == ["stored"]


def test_a_cut_round_says_what_happened(story: Story) -> None:
    story.give(story.harbour, 0, 100, random.Random(3))
    story.relay.budget = 10_000
    (done,) = story.northwind.exchange.sync()
    assert done.error
    assert done.received.entries == 0
    assert story.northwind.exchange.sync()[0].error == ""


def test_nothing_is_sent_again_that_arrived(story: Story) -> None:
    """Cut in the second half of a long transfer: what was complete before it does not travel twice."""
    everything = story.give(story.harbour, 0, 2_000, random.Random(4))
    start = story.relay.passed
    story.relay.budget = 2_700_000
    assert story.northwind.exchange.sync()[0].error
    held = log_sizes(story.northwind, story.circle)["Harbour"]
    assert 0 < held < 2_000
    settle(story.northwind)
    assert dict(story.northwind.items.export()) == everything
    packed = sum(len(data) for data in everything.values()) // 2
    assert story.relay.passed - start < 2 * packed
