"""Judging without folding: what would become of an act, with nothing changed by the question."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from entente.core.kind import Act, Verdict
from kinds.fold_world import ALL, ANNA, BORA, Round, states


def test_question_changes_nothing() -> None:
    world = Round()
    act = world.answer(ANNA)
    view = world.view([])
    before = states(view)
    assert view.judge(act).verdict is Verdict.ALLOW
    assert view.judge(act).verdict is Verdict.ALLOW
    assert states(view) == before
    assert view.judged == {}


def test_question_knows_what_was_folded() -> None:
    world = Round()
    first = world.answer(ANNA)
    again = world.answer(ANNA)
    assert world.view([first]).judge(again).detail == "answered"


def test_stranger_is_no_member() -> None:
    world = Round(members=ALL[:2])
    act = world.profile(ALL[2])
    assert world.view().judged[act.place.ref].detail == "not-a-member"


def test_what_stands_behind_a_waiting_act_waits_with_it() -> None:
    world = Round()
    proposed = world.propose()
    world.answer(BORA, "approve", proposed.place.ref)
    world.answer(BORA, "refuse")
    without = [act for act in world.acts if act.author == BORA]
    assert world.view(without).states["approval/1"] == {}
    assert world.view().states["approval/1"][world.agreement_id][BORA].answer == "approve"


@given(st.data())
def test_fold_of_a_part_is_part_of_the_fold(data: st.DataObject) -> None:
    """Whatever part of each log has come, every judgement is one that the whole gives too."""
    world = Round()
    proposed = world.propose()
    for member in ALL:
        world.answer(member, "approve", proposed.place.ref)
        world.profile(member)
    held: list[Act] = []
    for log in {act.place.log for act in world.acts}:
        acts = [act for act in world.acts if act.place.log == log]
        held += acts[: data.draw(st.integers(0, len(acts)))]
    assert world.view(held).judged.items() <= world.view().judged.items()
