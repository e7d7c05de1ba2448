"""Approvals: quorum and coming into force."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entente.core.errors import InvalidError
from entente.core.ids import Member
from entente.policy.approval import State, quorum, standing

ANNA, BORA, CARL = (Member(letter * 32) for letter in (b"a", b"b", b"c"))
ALL = (ANNA, BORA, CARL)


def test_quorum_is_one_more_than_two_thirds() -> None:
    assert [quorum(n) for n in range(1, 11)] == [1, 2, 3, 3, 4, 5, 5, 6, 7, 7]


@given(st.integers(1, 500), st.integers(-3, 510))
def test_quorum_is_more_than_half_and_at_most_all(n: int, number: int) -> None:
    assert n < 2 * quorum(n) <= 2 * n
    if number == 0:
        return
    if n / 2 < number <= n:
        assert quorum(n, number) == number
    else:
        with pytest.raises(InvalidError, match="quorum"):
            quorum(n, number)


@pytest.mark.parametrize("n", [2, 4, 10])
def test_exactly_half_is_no_quorum(n: int) -> None:
    with pytest.raises(InvalidError, match=f"from {n // 2 + 1} to {n}"):
        quorum(n, n // 2)


def test_nobody_has_no_quorum() -> None:
    with pytest.raises(InvalidError):
        quorum(0)


def test_proposal_is_in_force_when_every_member_has_approved() -> None:
    assert standing(ALL, {}) is State.PROPOSED
    assert standing(ALL, dict.fromkeys((ANNA, BORA), "approve")) is State.PROPOSED
    assert standing(ALL, dict.fromkeys(ALL, "approve")) is State.IN_FORCE


def test_one_refusal_ends_it() -> None:
    assert standing(ALL, {CARL: "refuse"}) is State.REFUSED
    assert standing(ALL, {ANNA: "approve", BORA: "approve", CARL: "refuse"}) is State.REFUSED


def test_answers_of_others_do_not_count() -> None:
    assert standing((ANNA, BORA), {ANNA: "approve", CARL: "approve"}) is State.PROPOSED
    assert standing((ANNA, BORA), {ANNA: "approve", BORA: "approve", CARL: "refuse"}) is State.IN_FORCE


@pytest.mark.parametrize("members", [(), (ANNA,), (ANNA, ANNA)])
def test_fewer_than_two_never_come_into_force(members: tuple[Member, ...]) -> None:
    assert standing(members, dict.fromkeys(ALL, "approve")) is State.PROPOSED


def test_answer_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidError, match="abstain"):
        standing(ALL, {ANNA: "abstain"})


@given(st.dictionaries(st.sampled_from(ALL), st.sampled_from(["approve", "refuse"])), st.permutations(ALL))
def test_order_changes_nothing_and_in_force_means_all(answers: dict[Member, str], order: list[Member]) -> None:
    state = standing(ALL, answers)
    assert state is standing(order, {member: answers[member] for member in order if member in answers})
    assert (state is State.IN_FORCE) == (len(answers) == 3 and set(answers.values()) == {"approve"})
    assert State(str(state)) is state
