"""A member tells two partners two histories: they meet once, and both hold proof that anybody can check."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entente.ledger.log import Draft
from hostile.joint import head
from hostile.peer import Scene, row_of, verified
from stories.story import give, holds, id_of, indicator

if TYPE_CHECKING:
    from pathlib import Path

    from entente.node import Node


@pytest.mark.parametrize("more", [0, 2], ids=["equal sizes", "two more"])
@pytest.mark.parametrize("swapped", [False, True], ids=["", "the other calls"])
def test_two_histories_are_proven_at_both_after_one_meeting(
    scene: Scene, tmp_path: Path, more: int, swapped: bool
) -> None:
    harbour, northwind = scene.honest
    first, second = scene.summit.node, scene.summit.twin()
    give(first, scene.circle, indicator(1, name="what Harbour is told"))
    assert first.exchange.sync(harbour.member)[0].error == ""
    scene.summit.become(second)
    give(second, scene.circle, *(indicator(2 + number) for number in range(more + 1)))
    assert second.exchange.sync(northwind.member)[0].error == ""
    assert [len(node.ledger.evidence()) for node in scene.honest] == [0, 0]

    one, other = (northwind, harbour) if swapped else (harbour, northwind)
    assert one.exchange.sync(other.member)[0].error == ""

    for node in scene.honest:
        (found,) = node.ledger.evidence()
        assert (found.kind, found.member) == ("fork", first.member)
        said = verified(node.ledger.evidence_file(found.id), tmp_path, "--member", first.member)
        assert said["type"] == "evidence"
        assert row_of(node, scene.circle, first.base.me).stopped
    before = row_of(northwind, scene.circle, first.base.me).size
    give(second, scene.circle, indicator(9))
    done = second.exchange.sync(northwind.member)[0]
    assert "stopped" in {each["code"] for each in done.refusals} or done.sent.entries == 0
    assert row_of(northwind, scene.circle, first.base.me).size == before
    give(harbour, scene.circle, indicator(50))
    assert harbour.exchange.sync(northwind.member)[0].error == ""
    assert holds(northwind, id_of(indicator(50))), "the honest members go on"


def postpone(node: Node, circle: str) -> None:
    """Sign an entry that claims to be from tomorrow: nobody takes it today, nor anything behind it."""
    base = node.base
    with base.store.write() as tx:
        time = base.clock() + 86_400_000
        base.append(tx, base.find_circle(base.in_force(tx), circle), [Draft("document/1", time, b"", head() + b"x")])
    base.guard.mark()


@pytest.mark.parametrize("more", [0, 1, 3], ids=["equal sizes", "one more", "three more"])
@pytest.mark.parametrize("swapped", [False, True], ids=["", "the other calls"])
def test_two_histories_that_end_in_an_entry_of_tomorrow_are_proven_too(
    scene: Scene, tmp_path: Path, more: int, swapped: bool
) -> None:
    """Each honest member holds its history in part only, as the head covers the entry that waits."""
    harbour, northwind = scene.honest
    first, second = scene.summit.node, scene.summit.twin()
    give(first, scene.circle, indicator(1, name="what Harbour is told"))
    postpone(first, scene.circle)
    assert first.exchange.sync(harbour.member)[0].error == ""
    scene.summit.become(second)
    give(second, scene.circle, *(indicator(2 + number) for number in range(more + 1)))
    postpone(second, scene.circle)
    assert second.exchange.sync(northwind.member)[0].error == ""
    for node in scene.honest:
        row = row_of(node, scene.circle, first.base.me)
        assert row.size < row.signed

    one, other = (northwind, harbour) if swapped else (harbour, northwind)
    assert one.exchange.sync(other.member)[0].error == ""

    for node in scene.honest:
        (found,) = node.ledger.evidence()
        assert (found.kind, found.member) == ("fork", first.member)
        assert verified(node.ledger.evidence_file(found.id), tmp_path, "--member", first.member)["type"] == "evidence"
        assert row_of(node, scene.circle, first.base.me).stopped


@pytest.mark.parametrize("more", [0, 1, 4], ids=["as many", "one more", "four more"])
def test_a_head_that_is_taken_back_before_its_entries_came_is_evidence_at_once(
    scene: Scene, tmp_path: Path, more: int
) -> None:
    """Harbour alone sees it: the head of one history, of which an entry waits, and then another history."""
    harbour, first = scene.harbour.node, scene.summit.node
    give(first, scene.circle, indicator(1))
    second = scene.summit.twin()
    postpone(first, scene.circle)
    assert first.exchange.sync(harbour.member)[0].error == ""
    held = row_of(harbour, scene.circle, first.base.me)
    assert held.size == held.signed - 1 == row_of(second, scene.circle, first.base.me).size
    scene.summit.become(second)
    give(second, scene.circle, *(indicator(2 + number) for number in range(more + 1)))
    second.exchange.sync(harbour.member)
    (found,) = harbour.ledger.evidence()
    assert verified(harbour.ledger.evidence_file(found.id), tmp_path, "--member", first.member)["type"] == "evidence"
    assert row_of(harbour, scene.circle, first.base.me).stopped


@pytest.mark.parametrize("more", [0, 1], ids=["as many", "one more"])
@pytest.mark.parametrize("swapped", [False, True], ids=["", "the other calls"])
def test_two_key_histories_are_proven_when_those_who_were_told_them_meet(
    scene: Scene, tmp_path: Path, more: int, swapped: bool
) -> None:
    """Summit tells Harbour one address and Northwind another, each signed by its own key."""
    harbour, northwind = scene.honest
    first, second = scene.summit.node, scene.summit.twin()
    first.keys.set_url("http://127.0.0.1:9101")
    assert first.exchange.sync(harbour.member)[0].error == ""
    scene.summit.become(second)
    for number in range(more + 1):
        second.keys.set_url(f"http://127.0.0.1:92{number:02d}")
    assert second.exchange.sync(northwind.member)[0].error == ""
    one, other = (northwind, harbour) if swapped else (harbour, northwind)
    assert one.exchange.sync(other.member)[0].error == ""
    assert other.exchange.sync(one.member)[0].error == ""
    for node in scene.honest:
        (found,) = node.ledger.evidence()
        assert found.member == first.member
        assert verified(node.ledger.evidence_file(found.id), tmp_path, "--member", first.member)["type"] == "evidence"
    give(harbour, scene.circle, indicator(50))
    assert harbour.exchange.sync(northwind.member)[0].error == ""
    assert holds(northwind, id_of(indicator(50))), "the honest members go on"
