"""Processes of two members are killed at random instants of import and exchange: nothing acknowledged is lost.

Each run has a seed: two homes, `entente up` on both, several commands at work on the same homes, and two or three
times one of all these processes gets SIGKILL. When both have come to rest, what every command that ended with exit
code 0 has promised is true on both sides, nothing stands anywhere twice, and everything verifies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entente.node import Node
from kill.killed_members import Members, View, rest

if TYPE_CHECKING:
    from pathlib import Path

QUICK, ALL = 15, 200
SEEDS = [*range(QUICK), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(QUICK, ALL))]


@pytest.mark.parametrize("seed", SEEDS)
def test_what_was_acknowledged_survives_kill_nine_once_on_both_sides(tmp_path: Path, seed: int) -> None:
    members = Members(tmp_path, seed)
    try:
        for _ in range(members.random.randrange(2, 4)):
            members.storm()
        views = [View(Node.open(home), members.circle) for home in members.homes]
        try:
            rest(views)
            for process in members.nodes:
                assert process.stop() == 0, process.told()
            check(members, views)
        finally:
            for view in views:
                view.node.close()
    finally:
        members.close()


def check(members: Members, views: list[View]) -> None:
    """Compare what was promised with what both homes hold."""
    shared = [view.shared() for view in views]
    held = [view.held() for view in views]
    assert shared[0] == shared[1]
    for view in views:
        assert set(shared[0][view.node.base.me].values()) <= {1}, "an item was shared twice"
    assert all(set(each.values()) <= {1} for each in held), "an item is held twice"
    for promise in members.promises:
        me = views[promise.member].node.base.me
        there = set(shared[0][me])
        if promise.shared:
            wanted = promise.versions
            ids = {id_ for id_, _ in there}
            assert all((id_, modified) in there if modified else id_ in ids for id_, modified in wanted)
        assert promise.versions <= {(id_, modified) for id_, modified, author, own in held[promise.member] if own} | {
            (id_, "") for id_, _, _, own in held[promise.member] if own
        }
    for view in views:
        report = view.node.ledger.verify()
        assert report.ok, report
        health = view.node.doctor()
        assert health.ok, health
