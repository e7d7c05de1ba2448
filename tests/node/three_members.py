"""Three members with one item to recall, and how to look at what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from network import Network
from stories.story import give, id_of, indicator

if TYPE_CHECKING:
    from entente.node import Node
    from entente.store.ports import LogRow, PayloadRow, Transaction


class Three:
    """Three members in one circle, two of them in another, and one item of the first."""

    def __init__(self) -> None:
        self.network = Network(7)
        self.one, self.two, self.three = (self.network.add(name) for name in ("Harbour", "Northwind", "Summit"))
        self.nodes = (self.one, self.two, self.three)
        self.everybody = self.network.agree(*self.nodes)
        agreement = self.one.agreements.list()[0].id
        self.inner = self.network.circle(self.one, self.two, agreement=agreement, name="Inner")
        self.item = id_of(indicator(1))

    def part(self) -> None:
        """Let the third member be reached by nobody."""
        for node in (self.one, self.two):
            self.network.wires[node.base.me].cut.add(self.three.base.me)

    def join(self) -> None:
        """Let it be reached again."""
        for wire in self.network.wires.values():
            wire.cut.clear()

    def share(self, *circles: str, **more: object) -> None:
        for circle in circles or (self.everybody,):
            give(self.one, circle, indicator(1, **more))
        self.network.settle()


def log_of(tx: Transaction, node: Node, circle: str, author: Node) -> LogRow:
    """Return the log of a member in a circle, as a node holds it."""
    room = node.base.find_circle(node.base.in_force(tx), circle)
    row = tx.logs.get(room.origin(author.base.me))
    assert row is not None
    return row


def acts(node: Node, circle: str, author: Node, kind: str) -> list[PayloadRow]:
    """Return the acts of one kind in a member's log."""
    with node.base.store.read() as tx:
        row = log_of(tx, node, circle, author)
        return [each for each in tx.payloads.acts([kind]) if each.log == row.id]


def sizes(*nodes: Node) -> list[list[int]]:
    """Return the sizes of all logs that each node holds."""
    return [[log.size for log in node.ledger.verify().logs] for node in nodes]


def states(node: Node) -> dict[str, str]:
    """Return by member name how far the only recall has come."""
    (recall,) = node.recalls.list()
    return {member.name: member.state for member in recall.members}
