"""Judging without folding: what would become of an act, with nothing changed by the question."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from entente.core.kind import Act, Verdict
from kinds.circles import ALL, ANNA, BORA, Circles, states


def test_question_changes_nothing() -> None:
    circles = Circles()
    act = circles.answer(ANNA)
    view = circles.view([])
    before = states(view)
    assert view.judge(act).verdict is Verdict.ALLOW
    assert view.judge(act).verdict is Verdict.ALLOW
    assert states(view) == before
    assert view.judged == {}


def test_question_knows_what_was_folded() -> None:
    circles = Circles()
    first = circles.answer(ANNA)
    again = circles.answer(ANNA)
    assert circles.view([first]).judge(again).detail == "answered"


def test_stranger_is_no_member() -> None:
    circles = Circles(members=ALL[:2])
    act = circles.profile(ALL[2])
    assert circles.view().judged[act.place.ref].detail == "not-a-member"


def test_what_stands_behind_a_waiting_act_waits_with_it() -> None:
    circles = Circles()
    proposed = circles.propose()
    circles.answer(BORA, "approve", proposed.place.ref)
    circles.answer(BORA, "refuse")
    without = [act for act in circles.acts if act.author == BORA]
    assert circles.view(without).states["approval/1"] == {}
    assert circles.view().states["approval/1"][circles.agreement_id][BORA].answer == "approve"


@given(st.data())
def test_fold_of_a_part_is_part_of_the_fold(data: st.DataObject) -> None:
    """Whatever part of each log has come, every judgement is one that the whole gives too."""
    circles = Circles()
    proposed = circles.propose()
    for member in ALL:
        circles.answer(member, "approve", proposed.place.ref)
        circles.profile(member)
    held: list[Act] = []
    for log in {act.place.log for act in circles.acts}:
        acts = [act for act in circles.acts if act.place.log == log]
        held += acts[: data.draw(st.integers(0, len(acts)))]
    assert circles.view(held).judged.items() <= circles.view().judged.items()
