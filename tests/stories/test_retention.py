"""What an agreement keeps for some days only is erased at everybody when they are over, whoever is silent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entente.node.recall import retention
from network import Network
from stories.story import bundle, give, holds, id_of, indicator

if TYPE_CHECKING:
    from entente.node import Node

DAY = 86_400_000
DAYS = 30


def three(days: int = DAYS) -> tuple[Network, str, list[Node]]:
    """Return three members whose agreement keeps items for some days."""
    network = Network(11)
    nodes = [network.add(name) for name in ("Harbour", "Northwind", "Summit")]
    return network, network.agree(*nodes, retention_days=days), nodes


def in_circle(node: Node, circle: str) -> list[str]:
    """Return the ids of what stands in a circle."""
    return [item.id for item in node.items.list(circle=circle).items]


def said(node: Node) -> list[str]:
    """Return how far all recalls have come, one word for each member asked."""
    return [member.state for recall in node.recalls.list() for member in recall.members]


def test_on_the_day_everybody_erases_and_signs() -> None:
    network, circle, nodes = three()
    give(nodes[0], circle, indicator(1))
    network.settle()
    network.now += (DAYS - 1) * DAY
    give(nodes[0], circle, indicator(2))
    network.settle()
    assert [in_circle(node, circle) for node in nodes] == [[id_of(indicator(1)), id_of(indicator(2))]] * 3
    network.now += DAY
    network.settle()
    assert [in_circle(node, circle) for node in nodes] == [[id_of(indicator(2))]] * 3
    assert holds(nodes[0], id_of(indicator(1)))  # what it imported itself stays its own
    assert [holds(node, id_of(indicator(1))) for node in nodes[1:]] == [False, False]
    assert nodes[1].items.show(id_of(indicator(1))).reason == "retention"
    (recall,) = nodes[0].recalls.list()
    assert (recall.item, recall.reason, recall.entries) == ("", "retention", 1)
    assert said(nodes[0]) == ["erased", "erased"]
    assert all(node.ledger.verify().ok for node in nodes)
    done = nodes[1].items.import_files([("file", bundle(indicator(1)))], tlp="TLP:GREEN")
    assert done.new == 1  # nobody called it back; from its own source a member may have it


def test_a_silent_author_keeps_nothing_alive() -> None:
    network, circle, nodes = three()
    give(nodes[0], circle, indicator(1))
    network.settle()
    for wire in network.wires.values():
        wire.cut.add(nodes[0].base.me)
    network.now += DAYS * DAY
    network.settle(*nodes[1:])
    assert [in_circle(node, circle) for node in nodes] == [[id_of(indicator(1))], [], []]
    for wire in network.wires.values():
        wire.cut.clear()
    network.settle()
    assert in_circle(nodes[0], circle) == []
    assert said(nodes[0]) == ["erased", "erased"]
    sizes = [[log.size for log in node.ledger.verify().logs] for node in nodes]
    network.settle()
    assert [[log.size for log in node.ledger.verify().logs] for node in nodes] == sizes


def test_a_look_costs_nothing_while_nothing_is_due() -> None:
    network, circle, nodes = three()
    give(nodes[0], circle, *(indicator(number) for number in range(300)))
    network.settle()
    assert [retention.sweep(node.base) for node in nodes] == [0, 0, 0]
    versions = [node.base.store.version() for node in nodes]
    assert [retention.sweep(node.base) for node in nodes] == [0, 0, 0]
    assert [node.base.store.version() for node in nodes] == versions
    network.now += DAYS * DAY
    assert [retention.sweep(node.base) for node in nodes] == [300, 300, 300]
    assert [retention.sweep(node.base) for node in nodes] == [0, 0, 0]
    network.settle()
    assert all(node.ledger.verify().ok for node in nodes)


def test_what_was_withdrawn_before_is_not_named_again() -> None:
    network, circle, nodes = three()
    give(nodes[0], circle, indicator(1), indicator(2))
    network.settle()
    nodes[0].recalls.withdraw(id_of(indicator(1)))
    network.settle()
    network.now += DAYS * DAY
    network.settle()
    assert [recall.entries for recall in nodes[0].recalls.list()] == [1, 1]
    assert said(nodes[0]) == ["erased"] * 4


def test_without_the_term_nothing_ends() -> None:
    network, circle, nodes = three(days=0)
    give(nodes[0], circle, indicator(1))
    network.settle()
    network.now += 10_000 * DAY
    network.settle()
    assert [in_circle(node, circle) for node in nodes] == [[id_of(indicator(1))]] * 3


def test_an_item_that_is_over_when_it_arrives_is_not_kept() -> None:
    network, circle, nodes = three()
    for node in nodes[:2]:
        network.wires[node.base.me].cut.add(nodes[2].base.me)
    give(nodes[0], circle, indicator(1))
    network.settle(*nodes[:2])
    network.now += DAYS * DAY
    for wire in network.wires.values():
        wire.cut.clear()
    network.settle()
    assert [holds(node, id_of(indicator(1))) for node in nodes] == [True, False, False]
    assert said(nodes[0]) == ["erased", "erased"]
