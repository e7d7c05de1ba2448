"""Plans as a fold sees them: which are well formed, which count, whom they ask; halts and protected lists."""

from __future__ import annotations

import itertools
from hashlib import sha256

import pytest

from entente.core.errors import InvalidError
from entente.core.ids import b32
from entente.kinds import plan as plans
from entente.policy.workflow import read_steps
from kinds.circles import ANNA, BORA, CARL, PERSON
from kinds.plan_office import DEADLINE, FILE, HASH, NONCE, Office, skeleton


def test_plan_is_found_by_its_id_and_by_its_reference() -> None:
    office = Office()
    plan = office.plan()
    state = office.circles.view().states["plan/1"]
    expected = sha256(b"entente/plan/v1\0" + plan.place.log + NONCE + HASH).digest()
    assert plans.plan_id(plan.place.log, NONCE, HASH) == plans.id_of(plan) == expected
    assert plans.by_id(state, expected) is state[plan.place.ref] is plan
    assert plans.by_id(state, HASH) is None


def test_plan_asks_its_room_and_all_owners_must_approve() -> None:
    office = Office()
    plan = office.plan(room=office.circles.outer, deadline=DEADLINE, needed=3)
    asked = office.circles.view().things[plan.place.leaf]
    assert (asked.voters, asked.needed) == (frozenset({ANNA, BORA, CARL}), 3)
    assert (asked.must, asked.deadline, asked.proposer) == (frozenset({ANNA, BORA}), DEADLINE, ANNA)


def test_plan_is_denied_for_foreign_owners_wrong_voters_and_when_it_was_proposed_before() -> None:
    office = Office()
    assert office.verdict(office.plan(steps=skeleton(second=CARL)).place.ref) == "owner"
    assert office.verdict(office.plan(voters=[b32(ANNA)]).place.ref) == "voters"
    assert office.verdict(office.plan(needed=1).place.ref) == "voters"
    first = office.plan()
    assert office.verdict(first.place.ref) == ""
    assert office.verdict(office.plan(deadline=DEADLINE).place.ref) == "plan"
    assert office.verdict(office.plan(BORA).place.ref) == ""
    assert office.verdict(office.plan(nonce=b32(b"m" * 16)).place.ref) == ""
    assert office.verdict(office.plan(decision=first.place.ref).place.ref) == "wrong-thing"


@pytest.mark.parametrize(
    "wrong",
    [
        {"nonce": b32(b"n" * 15)},
        {"hash": "x"},
        {"content": ""},
        {"deadline": -1},
        {"exception": "nowhere"},
        {"steps": []},
        {"steps": skeleton()[1:]},
        {"decision": b32(HASH)},
        {"more": 1},
    ],
)
def test_plan_that_is_not_well_formed_is_refused(wrong: dict[str, object]) -> None:
    office = Office()
    with pytest.raises(InvalidError):
        plans.KIND.check({**office.plan().body, **wrong})


def test_plan_of_more_than_64_kib_is_refused() -> None:
    names = [f"{'i' * 90}{n:03}" for n in range(300)]
    action = skeleton()[1]
    long: list[dict[str, object]] = [
        {**skeleton()[0], "next": names[0]},
        *({**action, "id": one, "next": two} for one, two in itertools.pairwise(names)),
        {**skeleton()[5], "id": names[-1]},
    ]
    assert len(read_steps(long)) == 301
    with pytest.raises(InvalidError, match="65536 bytes"):
        plans.KIND.check({**Office().plan().body, "steps": long})


def test_either_side_stops_a_plan_and_names_a_reason_of_the_list() -> None:
    office = Office()
    plan = office.plan()
    for member in (ANNA, BORA):
        halt = office.write(member, "halt/1", {"plan": plan.place.ref, "reason": "danger"})
        assert office.verdict(halt.place.ref) == ""
    approval = office.approve(ANNA, plan)
    assert (
        office.verdict(office.write(ANNA, "halt/1", {"plan": approval, "reason": "other"}).place.ref) == "wrong-thing"
    )
    outside = office.write(ANNA, "halt/1", {"plan": plan.place.ref, "reason": "other"}, office.circles.outer)
    assert office.verdict(outside.place.ref) == "wrong-room"
    with pytest.raises(InvalidError):
        plans.HALT.check({"plan": plan.place.ref, "reason": "because", "person": PERSON, "after": []})


def test_protected_list_is_named_by_its_document() -> None:
    office = Office()
    assert office.verdict(office.write(BORA, "protected/1", {"content": FILE}).place.ref) == ""
    with pytest.raises(InvalidError):
        plans.PROTECTED.check({"content": "", "person": PERSON, "after": []})
