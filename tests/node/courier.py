"""Members that share no network, and who carries their bundles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from network import Network

if TYPE_CHECKING:
    from pathlib import Path

    from entente.node import Node
    from entente.node.partners.values import BundleTaken


def apart(*names: str) -> tuple[Network, list[Node]]:
    """Return members that know each other's cards and words, and that no network connects."""
    network = Network()
    nodes = [network.add(name) for name in names]
    for wire in network.wires.values():
        wire.cut.update(network.nodes)
    for one in nodes:
        for other in nodes:
            if one is not other:
                one.partners.add(other.partners.card())
                one.partners.confirm(other.member, " ".join(other.words))
    return network, nodes


class Courier:
    """Carry bundles between members, each file under a new name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0

    def make(self, one: Node, other: Node) -> Path:
        """Let one member write a bundle for another."""
        self.count += 1
        path = self.folder / f"{self.count}.bundle"
        made = one.bundles.export(other.member, path)
        assert (made.partner, made.file, made.bytes) == (other.member, str(path), path.stat().st_size)
        return path

    def carry(self, one: Node, other: Node) -> BundleTaken:
        """Let one member write a bundle and the other take it."""
        return other.bundles.take(self.make(one, other))

    def both(self, one: Node, other: Node, times: int = 2) -> None:
        """Carry bundles there and back."""
        for _ in range(times):
            there = self.carry(one, other).refused
            back = self.carry(other, one).refused
            assert (there, back) == ([], [])


def agreed(courier: Courier, one: Node, *others: Node, **terms: object) -> str:
    """Let members agree by bundles alone, and return the circle."""
    for other in others:
        courier.both(one, other, 1)
    made = one.agreements.propose([other.member for other in others], name="Apart", terms=terms)
    one.agreements.sign(made.agreement)
    for other in others:
        assert courier.carry(one, other).refused == []
        other.agreements.sign(made.agreement)
    for _ in range(3):
        for other in others:
            courier.both(one, other, 1)
    assert [each.agreements.list()[0].state for each in (one, *others)] == ["in-force"] * (1 + len(others))
    return made.circle


def state(node: Node) -> list[tuple[str, int, bytes, int, str]]:
    """Return what a member holds of each log, and everything small beside it."""
    with node.base.store.read() as tx:
        logs = [(row.origin, row.size, row.peaks, row.signed, row.stopped) for row in tx.logs.all()]
        spaces = ("partner", "cosignature", "bundled", "evidence", "offer", "refused", "guard", "seen")
        small = [(f"{space}/{key}", 0, value, 0, "") for space in spaces for key, value in tx.records.scan(space)]
    return logs + small


def states(node: Node, id_: str) -> set[tuple[str, str]]:
    return {(each.member, each.stage) for each in node.ledger.receipts(id_)}


def renew(network: Network, node: Node) -> None:
    """Change all keys of a member."""
    node.keys.renew(network.next_keys[node.base.me], lambda _recovery: None)
