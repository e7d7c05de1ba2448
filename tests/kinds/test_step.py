"""Steps of plans as a fold sees them: what counts, what never does, and that the order of arrival is nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entente.core.errors import InvalidError
from entente.core.ids import b32
from entente.core.kind import Verdict
from entente.kinds import step as steps
from entente.policy.run import Ready
from kinds.circles import ANNA, BORA, CARL, PERSON, Circles, states
from kinds.plan_office import DEADLINE, FILE, Office, first

if TYPE_CHECKING:
    from entente.core.kind import Act


def test_steps_count_once_the_plan_is_in_force_by_all_its_approvals() -> None:
    office = Office()
    plan, force = office.in_force()
    assert office.verdict(office.step(ANNA, plan, force)) == ""


def test_one_approval_of_two_runs_nothing() -> None:
    office = Office()
    plan = office.plan()
    mine = office.approve(ANNA, plan)
    assert office.verdict(office.step(ANNA, plan, [mine])) == "force"
    assert office.verdict(office.step(ANNA, plan, [])) == "force"
    office.approve(BORA, plan)
    assert office.verdict(office.step(ANNA, plan, [mine])) == "force"


def test_refusal_brings_nothing_into_force() -> None:
    office = Office()
    plan = office.plan()
    force = [office.approve(ANNA, plan), office.approve(BORA, plan, "refuse")]
    assert office.verdict(office.step(ANNA, plan, force)) == "force"


def test_approvals_of_another_plan_do_not_count() -> None:
    office = Office()
    plan, force = office.in_force()
    other = office.plan(nonce=b32(b"m" * 16))
    office.approve(ANNA, other)
    office.approve(BORA, other)
    assert office.verdict(office.step(ANNA, other, force)) == "force"
    assert office.verdict(office.step(ANNA, plan, [*force, office.circles.acts[-2].place.ref])) == "force"


def test_step_waits_for_the_approvals_that_it_names() -> None:
    office = Office()
    plan, force = office.in_force()
    step = office.step(ANNA, plan, force)
    theirs = next(act for act in office.circles.acts if act.place.ref == force[1])
    early = office.circles.view([act for act in office.circles.acts if act is not theirs])
    assert list(early.waiting) == [force[1]]
    early.extend([theirs])
    assert early.judged[step].verdict is Verdict.ALLOW


class Quorate(Circles):
    """Two of three bind all, also in plans."""

    def needed(self, circle: bytes, voters: int) -> int:
        assert (circle, voters) == (self.outer, 3)
        return 2

    def terms(self, circle: bytes) -> dict[str, object]:
        return super().terms(circle) | {"consent": {"plan": "quorum"}}


def test_all_owners_must_be_among_the_approvers() -> None:
    office = Office(Quorate())
    room = office.circles.outer
    plan = office.plan(room=room)
    assert plan.body["needed"] == 2
    anna, bora, carl = (office.approve(member, plan) for member in (ANNA, BORA, CARL))
    for force, reason in (([anna, carl], "force"), ([bora, carl], "force"), ([anna, bora], "")):
        start = office.write(ANNA, "step/1", first(plan, force), room).place.ref
        assert office.verdict(start) == reason


def test_plan_with_a_deadline_runs_by_its_outcome_alone() -> None:
    office = Office()
    plan = office.plan(deadline=DEADLINE)
    force = [office.approve(ANNA, plan), office.approve(BORA, plan)]
    assert office.verdict(office.step(ANNA, plan, force)) == "force"
    outcome = office.outcome(ANNA, plan, "in-force", *force)
    assert office.verdict(outcome) == ""
    assert office.verdict(office.step(ANNA, plan, force)) == "force"
    assert office.verdict(office.step(ANNA, plan, [outcome, force[0]])) == "force"
    assert office.verdict(office.step(ANNA, plan, [outcome])) == ""


def test_late_approval_runs_nothing_once_the_outcome_left_it_out() -> None:
    office = Office()
    plan = office.plan(deadline=DEADLINE)
    mine = office.approve(ANNA, plan)
    expired = office.outcome(ANNA, plan, "expired", mine)
    late = office.approve(BORA, plan)
    second = office.outcome(ANNA, plan, "in-force", mine, late)
    verdicts = [office.verdict(each) for each in (expired, late, second)]
    assert verdicts == ["", "", "decided"]
    assert office.verdict(office.step(ANNA, plan, [expired])) == "force"
    assert office.verdict(office.step(ANNA, plan, [second])) == "wrong-thing"
    assert office.verdict(office.step(BORA, plan, [mine, late], "tell")) == "force"


def test_outcome_of_somebody_else_decides_nothing() -> None:
    office = Office()
    plan = office.plan(deadline=DEADLINE)
    force = [office.approve(ANNA, plan), office.approve(BORA, plan)]
    theirs = office.outcome(BORA, plan, "in-force", *force)
    assert office.verdict(theirs) == "not-proposer"
    assert office.verdict(office.step(BORA, plan, [theirs], "tell")) == "wrong-thing"


def test_step_is_judged_by_plan_owner_result_and_reasons() -> None:
    office = Office()
    plan, force = office.in_force()
    other = office.plan(nonce=b32(b"m" * 16))
    theirs = [office.approve(ANNA, other), office.approve(BORA, other)]
    elsewhere = office.step(ANNA, other, theirs)
    begun = office.step(ANNA, plan, force)
    table = [
        (office.step(ANNA, plan, force, "nowhere"), "step"),
        (office.step(BORA, plan, force, "block"), "owner"),
        (office.step(ANNA, plan, force, "tell"), "owner"),
        (office.step(ANNA, plan, force, "block", "done", result="true"), "result"),
        (office.step(ANNA, plan, force, "ask", "done", result="false"), "result"),
        (office.step(ANNA, plan, force, "block", "done", elsewhere), "wrong-thing"),
        (office.step(ANNA, plan, force, "block", "done", force[0]), "wrong-thing"),
        (office.step(ANNA, plan, force, "block", "done", begun), ""),
        (office.step(ANNA, plan, force, "ask", "done", result="true"), ""),
        (office.step(BORA, plan, force, "tell", "started", begun), ""),
    ]  # fmt: skip
    assert [office.verdict(ref) for ref, _ in table] == [reason for _, reason in table]


ORDERS = [
    (["started", "done"], ""),
    (["started", "unsure", "started", "unsure", "failed"], ""),
    (["done", "undone"], ""),
    (["failed"], ""),
    (["started", "started"], "order"),
    (["unsure"], "order"),
    (["undone"], "order"),
    (["started", "undone"], "order"),
    (["done", "failed"], "order"),
    (["done", "started"], "order"),
    (["failed", "undone"], "order"),
    (["done", "undone", "undone"], "order"),
    (["done", "undone", "done"], "order"),
]


@pytest.mark.parametrize(("said", "reason"), ORDERS)
def test_what_is_said_of_a_visit_stands_in_its_order(said: list[str], reason: str) -> None:
    office = Office()
    plan, force = office.in_force()
    found = [office.step(ANNA, plan, force, "block", state) for state in said]
    assert [office.verdict(ref) for ref in found] == [""] * (len(said) - 1) + [reason]


@pytest.mark.parametrize(("earlier", "reason"), [("started", "order"), ("failed", ""), ("done", ""), (None, "order")])
def test_next_visit_begins_when_the_one_before_has_ended(earlier: str | None, reason: str) -> None:
    office = Office()
    plan, force = office.in_force()
    if earlier:
        office.step(ANNA, plan, force, "block", earlier)
    assert office.verdict(office.step(ANNA, plan, force, "block", "started", visit=2)) == reason


@pytest.mark.parametrize(
    "wrong",
    [
        {"visit": 0},
        {"visit": 1_000_001},
        {"visit": True},
        {"state": "ready"},
        {"step": ""},
        {"step": "i" * 101},
        {"result": "r" * 257},
        {"state": "failed", "result": "true"},
        {"because": [FILE, FILE]},
        {"outputs": ["x"]},
        {"force": [FILE] * 65},
        {"plan": ""},
    ],
)
def test_step_that_is_not_well_formed_is_refused(wrong: dict[str, object]) -> None:
    office = Office()
    plan, force = office.in_force()
    body = {**first(plan, force), "person": PERSON, "after": []}
    steps.KIND.check(body)
    with pytest.raises(InvalidError):
        steps.KIND.check(body | wrong)


def test_copy_of_a_view_goes_its_own_way() -> None:
    office = Office()
    plan, force = office.in_force()
    view = office.circles.view()
    step = office.step(ANNA, plan, force)
    later = view.extended([office.circles.acts[-1]])
    assert step in later.states["step/1"]
    assert step not in view.states["step/1"]
    assert view.states["step/1"].last == {}
    assert later.states["step/1"].last == {(plan.place.ref, "start", 1): "done"}


def played() -> tuple[Office, Act]:
    """Write a run of two members, with acts that do not count and a second plan with a deadline, up to its end."""
    office = Office()
    plan, force = office.in_force()
    ref = office.step(ANNA, plan, force)
    office.step(BORA, plan, force, "block", "done", ref)
    office.step(ANNA, plan, force, "block", "started", ref)
    ref = office.step(ANNA, plan, force, "block", "failed", ref)
    ref = office.step(ANNA, plan, force, "block", "done", ref, visit=2)
    ask = office.step(ANNA, plan, force, "ask", "done", ref, result="true")
    tell = office.step(BORA, plan, force, "tell", "done", ask)
    office.step(BORA, plan, force, "told", "unsure", tell)
    told = office.step(BORA, plan, force, "told", "done", tell)
    office.write(BORA, "halt/1", {"plan": plan.place.ref, "reason": "overtaken"})
    office.step(ANNA, plan, force, "end", "done", told)
    timed = office.plan(BORA, deadline=DEADLINE)
    given_ = [office.approve(member, timed) for member in (ANNA, BORA)]
    outcome = office.outcome(BORA, timed, "in-force", *given_)
    office.step(ANNA, timed, [outcome])
    return office, plan


PLAYED, PLAN = played()


def test_the_played_run_is_over() -> None:
    run = PLAYED.run(PLAN)
    assert (run.state, run.ready, run.early) == ("done", (), ())
    denied = [each.detail for each in PLAYED.circles.view().judged.values() if each.verdict is Verdict.DENY]
    assert denied == ["owner", "order"]
    assert [(each.id, each.visit) for each in run.visits if each.id == "block"] == [("block", 1), ("block", 2)]


@given(st.permutations(PLAYED.circles.acts))
def test_order_of_arrival_changes_neither_state_nor_run(acts: list[Act]) -> None:
    view, expected = PLAYED.circles.view(acts), PLAYED.circles.view()
    assert view.judged == expected.judged
    assert view.waiting == {}
    assert states(view) == states(expected)
    assert view.states["step/1"].last == expected.states["step/1"].last
    assert PLAYED.run(PLAN, acts) == PLAYED.run(PLAN)


@given(st.data())
def test_logs_that_come_piece_by_piece_come_to_the_same(data: st.DataObject) -> None:
    """What counted at one time counts at the end, whichever of the two logs is ahead."""
    logs: dict[bytes, list[Act]] = {}
    for act in PLAYED.circles.acts:
        logs.setdefault(act.place.log, []).append(act)
    view, whole = PLAYED.circles.view([]), PLAYED.circles.view()
    while any(logs.values()):
        log = data.draw(st.sampled_from([key for key, queue in logs.items() if queue]))
        count = data.draw(st.integers(1, len(logs[log])))
        piece, logs[log] = logs[log][:count], logs[log][count:]
        view = view.extended(piece)
        assert view.judged.items() <= whole.judged.items()
    assert view.judged == whole.judged
    assert states(view) == states(whole)


def test_ready_step_of_the_other_side_shows_with_what_it_has_to_name() -> None:
    office = Office()
    plan, force = office.in_force()
    start = office.step(ANNA, plan, force)
    block = office.step(ANNA, plan, force, "block", "done", start)
    ask = office.step(ANNA, plan, force, "ask", "done", block, result="true")
    assert office.run(plan).ready == (Ready("tell", 1, b32(BORA), (ask,)),)
