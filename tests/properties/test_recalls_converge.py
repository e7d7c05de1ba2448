"""Whatever is shared, withdrawn, shared again and exchanged in which order: in the end all members agree."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from entente.core.errors import ConflictError, NotFoundError, RefusedError
from network import Network
from stories.story import bundle, id_of, indicator

if TYPE_CHECKING:
    from entente.node import Node

NAMES = ("Harbour", "Northwind", "Summit")
STEPS = st.lists(
    st.tuples(
        st.sampled_from(("share", "withdraw", "narrow", "round", "cut", "join")),
        st.integers(0, 2),
        st.integers(0, 2),
        st.integers(0, 3),
    ),
    min_size=4,
    max_size=24,
)


def step(network: Network, circles: tuple[str, str], what: str, who: int, other: int, number: int) -> None:
    """Let one member do one thing; that it may not, or that there is no such item, is no failure."""
    nodes = list(network.nodes.values())
    node, thing = nodes[who], indicator(number)
    with suppress(NotFoundError, RefusedError, ConflictError):
        if what == "share":
            node.items.import_files([("file", bundle(thing))], tlp="TLP:GREEN", circle=circles[other % 2], again=True)
        elif what == "withdraw":
            node.recalls.withdraw(id_of(thing))
        elif what == "narrow":
            node.recalls.narrow(id_of(thing), circles[1])
        elif what == "cut":
            network.wires[node.base.me].cut.add(nodes[other].base.me)
        elif what == "join":
            network.wires[node.base.me].cut.clear()
        else:
            node.exchange.sync()


def shown(node: Node, circles: tuple[str, str]) -> set[tuple[str, str]]:
    """Return which items a member sees in which circle."""
    return {(circle, item.id) for circle in circles for item in node.items.list(circle=circle).items}


@settings(max_examples=10)
@given(steps=STEPS)
def test_members_end_with_the_same_items_and_every_recall_is_answered(steps: list[tuple[str, int, int, int]]) -> None:
    network = Network(9)
    nodes = [network.add(name) for name in NAMES]
    everybody = network.agree(*nodes)
    inner = network.circle(*nodes, agreement=nodes[0].agreements.list()[0].id, name="Inner")
    for each in steps:
        step(network, (everybody, inner), *each)
    for wire in network.wires.values():
        wire.cut.clear()
    network.settle()
    seen = [shown(node, (everybody, inner)) for node in nodes]
    assert seen[0] == seen[1] == seen[2]
    for node in nodes:
        assert node.ledger.verify().ok
        assert {member.state for recall in node.recalls.list() for member in recall.members} <= {"erased"}
