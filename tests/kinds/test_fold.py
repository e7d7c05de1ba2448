"""The fold of acts is the same in whatever order they arrive (docs/protocol/3-kinds.md)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entente.core.ids import b32, identity_id
from entente.core.kind import Act, Verdict
from entente.policy.approval import State, standing
from kinds.circles import ALL, ANNA, BORA, CARL, Circles, states, to_come

LISTED = "identity--00000000-0000-4000-8000-000000000001"


def full() -> Circles:
    """Make one of each: a proposal, answers that refer to it, an inner circle, profiles, persons, a second answer."""
    circles = Circles()
    proposed = circles.propose()
    for member in ALL:
        circles.answer(member, "approve", proposed.place.ref)
    opened = circles.open()
    first = circles.answer(ANNA, "approve", opened.place.ref, circle=circles.inner)
    circles.answer(BORA, "approve", opened.place.ref, first.place.ref, circle=circles.inner)
    circles.answer(CARL, "refuse")
    for member in ALL:
        circles.profile(member)
        circles.person(member, "operator")
    circles.profile(ANNA, LISTED)
    circles.person(BORA, "operator", "head")
    circles.profile(BORA, circle=circles.inner)
    return circles


FULL = full()


@given(st.permutations(FULL.acts))
def test_order_of_arrival_changes_no_state(acts: list[Act]) -> None:
    view, expected = FULL.view(acts), FULL.view()
    assert states(view) == states(expected)
    assert view.judged == expected.judged
    assert view.waiting == {}


@given(st.permutations(FULL.acts), st.integers(0, len(FULL.acts)))
@settings(max_examples=100)
def test_what_counted_is_never_undone_by_what_arrives_later(acts: list[Act], cut: int) -> None:
    """Logs arrive from their beginnings, as far as they came; what was judged then is judged so at the end."""
    some = {act.place.ref for act in acts[:cut]}
    held = [act for act in FULL.acts if all(each.place.ref in some for each in FULL.acts if _before(each, act))]
    early, late = FULL.view(held), FULL.view()
    assert early.judged.items() <= late.judged.items()
    for thing, answers in early.states["approval/1"].items():
        assert answers.items() <= late.states["approval/1"][thing].items()


def _before(one: Act, other: Act) -> bool:
    return one.place.log == other.place.log and one.place.index <= other.place.index


def test_everything_there_counts_but_the_second_answer() -> None:
    denied = [judgement.detail for judgement in FULL.view().judged.values() if judgement.verdict is Verdict.DENY]
    assert denied == ["answered"]


def test_agreement_and_circle_come_into_force_when_all_have_answered() -> None:
    answers = FULL.view().states["approval/1"]
    given_ = {member: answer.answer for member, answer in answers[FULL.agreement_id].items()}
    assert standing(ALL, given_) is State.IN_FORCE
    inner = {member: answer.answer for member, answer in answers[FULL.inner].items()}
    assert standing((ANNA, BORA), inner) is State.IN_FORCE


def test_first_answer_is_final_and_the_next_is_refused() -> None:
    circles = Circles()
    circles.answer(BORA, "refuse")
    second = circles.answer(BORA, "approve")
    view = circles.view()
    assert view.states["approval/1"][circles.agreement_id][BORA].answer == "refuse"
    assert view.judged[second.place.ref].detail == "answered"


def test_act_that_refers_to_what_is_missing_waits_and_is_judged_when_that_arrives() -> None:
    circles = Circles()
    proposed = circles.propose()
    waits = circles.answer(BORA, "approve", proposed.place.ref)
    behind = circles.answer(BORA, "refuse")
    view = circles.view([waits, behind])
    assert view.judged == {}
    assert view.waiting == {proposed.place.ref: [waits]}
    whole = circles.view([behind, waits, proposed])
    assert whole.waiting == {}
    assert {ref: each.verdict for ref, each in whole.judged.items()} == {
        proposed.place.ref: Verdict.ALLOW, waits.place.ref: Verdict.ALLOW, behind.place.ref: Verdict.DENY
    }  # fmt: skip


def test_what_stands_apart_does_not_wait_behind_an_act_of_another_kind() -> None:
    circles = Circles()
    waits = circles.answer(BORA, "approve", to_come())
    first, second = circles.profile(BORA), circles.profile(BORA, LISTED)
    person = circles.person(BORA, "head")
    view = circles.view([second, person, waits, first])
    assert view.judged.keys() == {first.place.ref, second.place.ref, person.place.ref}
    assert view.states["profile/1"][circles.outer][BORA].identities == (LISTED,)
    assert [waits] in view.waiting.values()


def test_two_that_wait_for_one_are_both_judged() -> None:
    circles = Circles()
    proposed = circles.propose()
    circles.answer(BORA, "approve", proposed.place.ref)
    circles.answer(CARL, "approve", proposed.place.ref)
    assert set(circles.view().states["approval/1"][circles.agreement_id]) == {BORA, CARL}


def test_acts_that_wait_for_each_other_wait_for_ever_and_harm_nobody() -> None:
    circles = Circles()
    later = circles.answer(CARL, "approve", to_come())
    circles.answer(BORA, "approve", later.place.ref)
    circles.answer(ANNA)
    view = circles.view()
    assert set(view.states["approval/1"][circles.agreement_id]) == {ANNA}
    assert len(view.waiting) == 2


def test_refused_reference_still_counts_as_known() -> None:
    """What is waited for is that an entry arrives, not that it counts."""
    circles = Circles()
    circles.answer(ANNA)
    twice = circles.answer(ANNA, "refuse")
    after = circles.answer(BORA, "approve", twice.place.ref)
    view = circles.view()
    assert view.judged[twice.place.ref].verdict is Verdict.DENY
    assert view.judged[after.place.ref].verdict is Verdict.ALLOW


def _denied(circles: Circles, act: Act) -> str:
    judgement = circles.view().judged[act.place.ref]
    assert judgement.verdict is Verdict.DENY
    return judgement.detail


def test_each_kind_says_why_it_is_refused() -> None:
    circles = Circles()
    stranger = Circles(members=(ANNA, BORA))
    wrong_text = {"agreement": b32(circles.agreement_id), "text": stranger.text.to_dict()}
    cases = [
        (circles.write(ANNA, circles.outer, "agreement/1", wrong_text), "not-this-agreement"),
        (circles.answer(BORA, of=b32(circles.inner)), "nothing-asked"),
        (circles.answer(ANNA, circle=circles.inner, of=b32(circles.agreement_id)), "nothing-asked"),
        (circles.answer(CARL, revision=b32(circles.inner)), "revision"),
        (circles.answer(CARL, circle=circles.inner), "not-a-member"),
        (circles.profile(BORA, identity=identity_id(ANNA)), "identity"),
        (circles.person(BORA, "operator", circle=circles.inner), "wrong-log"),
    ]
    for act, reason in cases:
        assert _denied(circles, act) == reason


def test_proposal_stands_at_the_beginning_of_its_log_or_nowhere() -> None:
    circles = Circles()
    circles.profile(ANNA)
    assert _denied(circles, circles.propose()) == "wrong-log"
    circles.profile(BORA, circle=circles.inner)
    assert _denied(circles, circles.open(BORA)) == "wrong-log"


def test_founding_circle_is_not_opened_by_a_membership() -> None:
    circles = Circles()
    body: dict[str, object] = {
        "agreement": b32(circles.agreement_id),
        "circle": b32(circles.outer),
        "text": circles.text.circle.to_dict(),
    }
    assert _denied(circles, circles.write(ANNA, circles.outer, "membership/1", body)) == "wrong-log"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("answer", "perhaps"),
        ("person", "nobody"),
        ("after", ["x"]),
        ("after", [f"{b32(bytes(32))}/0/{b32(bytes(32))}"] * 4),
        ("of", "x"),
        ("more", 1),
        ("answer", 1),
    ],
)
def test_malformed_answer_is_refused_and_what_follows_is_judged(field: str, value: object) -> None:
    circles = Circles()
    odd = circles.answer(BORA, **{field: value})
    good = circles.answer(BORA)
    view = circles.view()
    assert view.judged[odd.place.ref].detail.startswith("malformed")
    assert view.judged[good.place.ref].verdict is Verdict.ALLOW


@given(st.permutations(ALL))
def test_exchanged_members_change_nothing_of_consequence(members: list[bytes]) -> None:
    """Who has the smaller id decides nothing: with ids exchanged each state is the same with the ids exchanged."""
    roles = dict(zip(ALL, members, strict=True))
    circles = Circles()
    proposed = circles.propose(roles[ANNA])
    circles.answer(roles[BORA], "approve", proposed.place.ref)
    circles.answer(roles[CARL], "refuse")
    circles.profile(roles[BORA], LISTED)
    view = circles.view()
    answers = {member: each.answer for member, each in view.states["approval/1"][circles.agreement_id].items()}
    assert answers == {roles[BORA]: "approve", roles[CARL]: "refuse"}
    assert view.states["profile/1"][circles.outer][roles[BORA]].identities == (LISTED,)
    assert view.states["agreement/1"][circles.agreement_id].author == roles[ANNA]
    assert standing(ALL, answers) is State.REFUSED


def test_of_two_proposers_one_stands_whatever_came_first() -> None:
    circles = Circles()
    circles.propose(ANNA)
    circles.propose(BORA)
    forward, backward = circles.view(), circles.view(circles.acts[::-1])
    assert forward.states["agreement/1"] == backward.states["agreement/1"]
