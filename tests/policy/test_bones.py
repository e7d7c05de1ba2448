"""The skeleton of a plan: which is well formed, and what a step may come to."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entente.core.errors import InvalidError
from entente.policy.workflow import read_steps
from policy.plays import Maker, act, bone, end

SEEDS = st.integers(0, 2**32)

GOOD = [bone("s", "start", "a"), act("a", "e", undo="u"), end("e"), bone("u", "action")]


def changed(at: int, **values: object) -> list[dict[str, object]]:
    return [each | values if number == at else each for number, each in enumerate(GOOD)]


@settings(max_examples=20)
@given(SEEDS)
def test_skeleton_reads_back_as_it_was_written(seed: int) -> None:
    made = Maker(random.Random(seed)).make()
    assert read_steps([each.to_dict() for each in made]) == made


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        GOOD[1:],
        [*GOOD, GOOD[1]],
        [GOOD[1], GOOD[0], *GOOD[2:]],
        changed(1, next="nowhere"),
        changed(1, next=""),
        changed(1, next="s"),
        changed(1, failed="u"),
        changed(1, undo="e"),
        changed(1, undo="nowhere"),
        changed(1, owner="anna"),
        changed(1, type="macro"),
        changed(1, id=""),
        changed(1, id="i" * 101),
        changed(1, branches=[["true", "e"]]),
        changed(1, type="if-condition", undo="", branches=[]),
        changed(1, type="if-condition", undo="", branches=[["maybe", "e"]]),
        changed(1, type="while-condition", undo="", branches=[["false", "e"]]),
        changed(1, type="parallel", undo="", branches=[["2", "e"]]),
        changed(1, type="parallel", undo="", branches=[[str(n), "e"] for n in range(1, 66)]),
        changed(1, type="switch-condition", undo="", branches=[["x", "e"], ["x", "e"]]),
        changed(1, branches=[["true"]]),
        changed(1, branches=[7]),
        changed(1, branches=None),
        changed(1, extra=""),
        changed(2, next="a"),
        changed(3, undo="u"),
        [*GOOD, bone("t", "start", "a")],
        [7],
        [bone("s", "start", "a0"), *(act(f"a{n}", f"a{n + 1}") for n in range(400))],
    ],
)
def test_skeleton_that_is_not_well_formed_is_refused(wrong: list[object]) -> None:
    assert read_steps(GOOD)
    with pytest.raises(InvalidError):
        read_steps(wrong)


@pytest.mark.parametrize(
    ("type_", "labels", "results"),
    [
        ("parallel", ["1", "2"], {""}),
        ("if-condition", ["true"], {"true", ""}),
        ("if-condition", ["true", "false"], {"true", "false"}),
        ("while-condition", ["true"], {"true", ""}),
        ("switch-condition", ["x"], {"x", ""}),
        ("switch-condition", ["x", "default"], {"x", "default"}),
    ],
)
def test_condition_comes_to_a_branch_or_to_none(type_: str, labels: list[str], results: set[str]) -> None:
    made = read_steps(
        [bone("s", "start", "c"), bone("c", type_, "e", branches=[[each, "e"] for each in labels]), end("e")]
    )
    assert made[1].results() == results
    assert made[0].results() == {""}
