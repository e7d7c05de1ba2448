"""A union forms, changes and ends: a newcomer joins, terms change, one is suspended, one leaves, one is put out.

Answers to MISP#4200 (a sharing group that nobody can predict) and #779 live in `test_public_reports`; here the point is
who can read what before and after each change, byte by byte in the homes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entente.core.errors import ConflictError, RefusedError
from network import Network
from stories.homes import houses, pair, settle
from stories.story import give, indicator

if TYPE_CHECKING:
    from pathlib import Path

    from entente.node import Node


def beacon(number: int) -> dict[str, object]:
    return indicator(number, name=f"beacon-{number}-of-the-union")


def knows(house: object, number: int) -> bool:
    """Say whether any file of a home holds the beacon."""
    return any(f"beacon-{number}-of-the-union".encode() in data for data in house.files().values())  # type: ignore[attr-defined]


def signed(amendment: str, *nodes: Node) -> None:
    """Let members sign an amendment, and everybody exchange."""
    for node in nodes:
        node.agreements.sign(amendment)
        settle(*nodes)


def test_union_forms_changes_and_ends(tmp_path: Path) -> None:
    with houses(tmp_path, "Harbour", "Northwind", "Lantern", "Quarry") as (harbour, northwind, lantern, quarry):
        a, b, c, d = (house.node for house in (harbour, northwind, lantern, quarry))
        for one, other in ((a, b), (a, c), (b, c), (a, d), (b, d)):
            pair(one, other)
        made = a.agreements.propose([b.member, c.member], name="Coast", terms={"backlog": "all"})
        signed(made.agreement, a, b, c)
        assert give(a, made.circle, beacon(1)).shared == 1
        settle(a, b, c)

        # A newcomer: nothing before it has signed, then the old items that the terms allow.
        joining = a.agreements.changes.accede("Coast", d.member)
        settle(a, b, c, d)
        signed(joining.amendment, a, b, c)
        settle(a, b, c, d)
        assert not knows(quarry, 1)
        assert d.agreements.sign("Coast").state == "in-force"
        settle(a, b, c, d)
        assert knows(quarry, 1)
        give(d, made.circle, beacon(2))
        settle(a, b, c, d)
        assert all(knows(house, 2) for house in (harbour, northwind, lantern))

        # Suspension by one side: nothing new of that side, not by a third member either.
        b.agreements.changes.suspend_partner(c.member, reason="incident")
        give(b, made.circle, beacon(3))
        settle(a, b, c, d)
        assert knows(harbour, 3)
        assert knows(quarry, 3)
        assert not knows(lantern, 3)
        b.agreements.changes.suspend_partner(c.member, resume=True)
        settle(a, b, c, d)
        assert knows(lantern, 3)

        # Exclusion: who goes has no vote and reads nothing of what comes later.
        out = a.agreements.changes.exclude("Coast", c.member)
        settle(a, b, c, d)
        with pytest.raises(RefusedError) as caught:
            c.agreements.sign(out.amendment, refuse=True)
        assert caught.value.code == "concerned"
        signed(out.amendment, a, b, d)
        settle(a, b, c, d)
        give(a, made.circle, beacon(4))
        settle(a, b, c, d)
        assert knows(northwind, 4)
        assert not knows(lantern, 4)
        with pytest.raises(ConflictError) as gone:
            give(c, made.circle, beacon(5))
        assert gone.value.code == "left"

        # Exit: the leaver signs what it keeps, and is served nothing later.
        left = d.agreements.changes.exit("Coast")
        assert left.kept >= 3
        settle(a, b, d)
        give(b, made.circle, beacon(6))
        settle(a, b, d)
        assert knows(harbour, 6)
        assert not knows(quarry, 6)
        for node in (a, b, c, d):
            report = node.ledger.verify()
            assert report.ok, [each for each in report.logs if each.problems]


def union(size: int) -> None:
    """Let a union of this many members form, share, lose a member and go on; everybody ends with the same."""
    network = Network(3)
    nodes = [network.add(f"Member {number:02d}") for number in range(size)]
    circle = network.agree(*nodes, name="Union")
    for number, node in enumerate(nodes):
        give(node, circle, beacon(number))
    network.settle()
    assert all(len(node.items.list(circle, limit=100).items) == size for node in nodes)
    made = nodes[0].agreements.changes.exclude("Union", nodes[-1].member)
    network.settle()
    quorum = 1 + 2 * (size - 1) // 3
    for node in nodes[:quorum]:
        node.agreements.sign(made.amendment)
    network.settle()
    give(nodes[1], circle, beacon(size))
    network.settle()
    assert all(len(node.items.list(circle, limit=100).items) == size + 1 for node in nodes[:-1])
    assert len(nodes[-1].items.list(circle, limit=100).items) == size
    assert all(node.agreements.show("Union").epoch == 2 for node in nodes[:-1])


def test_union_of_eight_goes_on_without_one() -> None:
    union(8)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_union_of_thirty_goes_on_without_one() -> None:
    union(30)
