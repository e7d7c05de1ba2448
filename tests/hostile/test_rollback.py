"""A log goes back: by an honest mistake it signs nothing, by force it proves against its author."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entente.exchange.messages import Message
from hostile.peer import Scene, codes, digest, verified
from stories.story import give, indicator

if TYPE_CHECKING:
    from pathlib import Path


def test_yesterdays_copy_that_signs_again_proves_a_fork_against_itself(scene: Scene, tmp_path: Path) -> None:
    harbour, _ = scene.honest
    yesterday = scene.summit.twin()
    give(scene.summit.node, scene.circle, indicator(1), indicator(2))
    scene.settle()
    scene.summit.become(yesterday)
    give(yesterday, scene.circle, indicator(3))
    row = scene.summit.row(scene.circle)
    answer = scene.summit.say(harbour, Message(parts=[scene.summit.part(row, row.size - 1)]))
    assert codes(answer) == ["stale"]
    (found,) = harbour.ledger.evidence()
    assert verified(harbour.ledger.evidence_file(found.id), tmp_path)["member"] == yesterday.member
    give(yesterday, scene.circle, indicator(4))
    row = scene.summit.row(scene.circle)
    answer = scene.summit.say(harbour, Message(parts=[scene.summit.part(row, row.size)]))
    assert codes(answer) == ["stopped"], "the smaller head was enough: its root is not that of our tree"


def test_a_restored_copy_of_an_honest_program_signs_nothing_and_is_nobodys_evidence(scene: Scene) -> None:
    """The same copy, but its program is ours: it learns from the partner and takes back what it had signed."""
    harbour, northwind = scene.honest
    yesterday = scene.summit.twin()
    give(scene.summit.node, scene.circle, indicator(1), indicator(2))
    scene.settle()
    scene.summit.become(yesterday)
    for _ in range(3):
        yesterday.exchange.sync()
    give(yesterday, scene.circle, indicator(3))
    scene.settle()
    assert [node.ledger.evidence() for node in (harbour, northwind, yesterday)] == [[], [], []]
    assert yesterday.ledger.verify().ok


def test_an_old_head_changes_nothing(scene: Scene) -> None:
    harbour, _ = scene.honest
    old = scene.summit.row(scene.circle)
    give(scene.summit.node, scene.circle, indicator(1), indicator(2))
    scene.settle()
    before = digest(harbour)
    answer = scene.summit.say(harbour, Message(parts=[scene.summit.part(scene.summit.row(scene.circle), 0, old.note)]))
    assert codes(answer) == ["stale"]
    assert digest(harbour) == before
