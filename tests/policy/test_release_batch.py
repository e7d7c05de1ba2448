"""Items that name each other are decided together."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entente.core.marking import Tlp
from entente.policy import release
from entente.policy.approval import State
from entente.policy.references import trace
from policy.circle_and_items import ANNA, CIRCLE, Held, circle, decide, facts, item, rules, stix


def test_name_of_a_held_object_that_the_circle_lacks_is_refused_opencti_17576() -> None:
    """opencti#17576: what is marked out of a stream must not show through in what refers to it."""
    (decision,) = decide(item(1, 2), held=[2])
    assert rules(decision) == {"reference"}
    assert stix(2) in decision.reasons[0].text
    assert "redact" in decision.reasons[0].fix


def test_refused_object_does_not_show_through_a_reference_in_the_batch_opencti_17576() -> None:
    named, red = decide(item(1, 2), item(2, tlp=Tlp.RED))
    assert rules(named) == {"reference"}
    assert "send along and a rule refuses" in named.reasons[0].text
    assert rules(red) == {"red", "ceiling"}


def test_name_that_the_circle_has_goes() -> None:
    assert decide(item(1, 2), held=[2], in_circle=[2])[0].allowed


def test_name_of_what_is_not_held_goes_and_is_listed() -> None:
    (decision,) = decide(item(1, *range(2, 8)))
    assert decision.allowed
    assert decision.reasons[-1].rule == "reference"
    assert f"{stix(4)} and 3 more" in decision.reasons[-1].text


def test_named_object_that_comes_along_satisfies() -> None:
    assert [decision.allowed for decision in decide(item(1, 2), item(2))] == [True, True]


def test_refused_item_that_the_circle_has_already_holds_nothing_back() -> None:
    named, old = decide(item(1, 2), item(2, denied=True), in_circle=[2])
    assert named.allowed
    assert not old.allowed


def test_ring_of_names_goes_whole_or_not_at_all() -> None:
    ring = [item(1, 2), item(2, 3), item(3, 1)]
    assert all(decision.allowed for decision in decide(*ring))
    assert not any(decision.allowed for decision in decide(*ring[:2], item(3, 1, 4), held=[4]))


def test_refusal_runs_down_a_long_chain() -> None:
    chain = [item(n, n + 1) for n in range(3000)]
    assert not any(decision.allowed for decision in decide(*chain, item(3000, tlp=None)))
    assert all(decision.allowed for decision in decide(*chain, item(3000)))


def test_any_version_that_goes_satisfies_a_reference() -> None:
    named, bad, good = decide(item(1, 2), item(2, tlp=None), item(2))
    assert named.allowed
    assert good.allowed
    assert not bad.allowed
    assert not decide(item(1, 2), item(2, tlp=None), item(2, denied=True))[0].allowed


def test_version_that_is_taken_back_leaves_the_other_version_standing() -> None:
    named, bad, good = decide(item(1, 2), item(2, 3), item(2), held=[3])
    assert (named.allowed, bad.allowed, good.allowed) == (True, False, True)


def test_object_that_names_itself_is_not_held_back() -> None:
    assert decide(item(1, 1))[0].allowed
    assert rules(decide(item(1, 1, tlp=None))[0]) == {"no-marking"}


def test_both_causes_are_told_apart() -> None:
    decision = decide(item(1, 2, 3), item(3, denied=True), held=[2])[0]
    (reason,) = decision.reasons
    assert reason.text.index("member holds") < reason.text.index(stix(2)) < reason.text.index("rule refuses")
    assert reason.text.index("rule refuses") < reason.text.index(stix(3))


def test_lookups_are_asked_once_and_only_for_what_is_named() -> None:
    held, in_circle = Held({stix(8)}), Held()
    release.release([item(1, 2, 8, 9), item(2)], CIRCLE, person="p", purpose="warning", held=held, in_circle=in_circle)
    assert held.asked == [{stix(8), stix(9)}]
    assert in_circle.asked == [{stix(2), stix(8)}]


def test_lookup_that_answers_too_much_changes_nothing() -> None:
    everything = {stix(n) for n in range(20)}
    found = trace([stix(1)], [(stix(2),)], [True], lambda _: everything, lambda _: set())
    assert found.missing == [(stix(2),)]
    assert found.unknown == [()]


def test_empty_batch_has_no_decisions() -> None:
    assert decide() == []


# Few items: ids 0..7, any of them held, in the circle, named and refused.
_IDS = st.integers(0, 7)
_ITEMS = st.lists(
    st.builds(
        lambda number, refs, tlp, own, denied: item(number, *refs, tlp=tlp, own=own, denied=denied),
        _IDS,
        st.lists(_IDS, max_size=3),
        st.sampled_from([None, *Tlp]),
        st.sampled_from([True, True, True, False]),
        st.sampled_from([False, False, False, True]),
    ),
    max_size=8,
)
_SETS = st.sets(_IDS, max_size=5)


def _naive(items: list[release.Candidate], held: set[int], there: set[int]) -> list[bool]:
    """Page 6 word by word: take back until nothing changes."""
    fine = [rules(decision) <= {"reference"} for decision in decide(*items, held=held, in_circle=there)]
    mine = {stix(n) for n in held} | {one.facts.id for one in items}
    circle_has = {stix(n) for n in there}
    while True:
        going = {one.facts.id for one, goes in zip(items, fine, strict=True) if goes}
        after = [
            goes
            and all(
                ref == one.facts.id or ref not in mine or ref in circle_has or ref in going for ref in one.facts.refs
            )
            for one, goes in zip(items, fine, strict=True)
        ]
        if after == fine:
            return fine
        fine = after


@given(_ITEMS, _SETS, _SETS)
@settings(max_examples=150)
def test_batch_is_decided_as_the_page_says(items: list[release.Candidate], held: set[int], there: set[int]) -> None:
    decided = [decision.allowed for decision in decide(*items, held=held, in_circle=there)]
    assert decided == _naive(items, held, there)


@given(_ITEMS, _SETS, _SETS, st.randoms(use_true_random=False))
@settings(max_examples=100)
def test_order_of_the_batch_changes_nothing(
    items: list[release.Candidate], held: set[int], there: set[int], chance: object
) -> None:
    order = list(range(len(items)))
    chance.shuffle(order)
    plain = decide(*items, held=held, in_circle=there)
    mixed = decide(*(items[place] for place in order), held=held, in_circle=there)
    assert mixed == [plain[place] for place in order]


@given(_ITEMS, st.integers(0, 7), st.lists(_IDS, max_size=3), _SETS, _SETS)
@settings(max_examples=150)
def test_more_items_free_only_what_names_them(
    items: list[release.Candidate], number: int, refs: list[int], held: set[int], there: set[int]
) -> None:
    held = held | {number}  # what is sent along was held before
    before = decide(*items, held=held, in_circle=there)
    after = decide(*items, item(number, *refs), held=held, in_circle=there)
    named_by = {one.facts.id: set(one.facts.refs) for one in items}
    for one in items:
        named_by[one.facts.id] |= set(one.facts.refs)
    for one, first, second in zip(items, before, after, strict=False):
        if second.allowed and not first.allowed:
            assert stix(number) in _reached(one.facts.refs, named_by)
        assert second.allowed or not first.allowed


def _reached(start: tuple[str, ...], named_by: dict[str, set[str]]) -> set[str]:
    """Ids that are named, or named by what is named."""
    seen: set[str] = set()
    queue = list(start)
    while queue:
        one = queue.pop()
        if one not in seen:
            seen.add(one)
            queue += named_by.get(one, ())
    return seen


_MEMBERS = st.lists(st.sampled_from([CIRCLE.me, *CIRCLE.founding, b"o" * 32]), max_size=4).map(tuple)
_CIRCLES = st.builds(
    circle,
    agreement_state=st.sampled_from(State),
    circle_state=st.sampled_from(State),
    members=_MEMBERS,
    founding=_MEMBERS,
    ceiling=st.sampled_from(Tlp),
    terms=st.sampled_from([CIRCLE.terms]),
    owners=st.sampled_from([{}, {stix(9): ANNA}]),
    node_four_eyes=st.booleans(),
)
_LIKELY = st.builds(circle, ceiling=st.sampled_from(Tlp), members=st.sampled_from([(CIRCLE.me, ANNA), CIRCLE.founding]))


@given(st.one_of(_CIRCLES, _LIKELY), _ITEMS, st.lists(st.sampled_from([None, *Tlp]), min_size=8, max_size=8))
@settings(max_examples=300)
def test_nothing_ever_goes_red_unmarked_above_the_ceiling_or_to_nobody(
    to: release.Circle, items: list[release.Candidate], own: list[Tlp | None]
) -> None:
    batch = [
        release.Candidate(one.item, facts(1, *one.facts.refs, tlp=tlp), one.tlp, one.author, one.own, one.person, 1)
        for one, tlp in zip(items, own, strict=False)
    ]
    for one, decision in zip(batch, decide(*batch, to=to, person="other"), strict=True):
        if not decision.allowed:
            assert decision.members == ()
            assert rules(decision)
            continue
        marks = [tlp for tlp in (one.tlp, one.facts.tlp) if tlp is not None]
        assert marks
        assert max(marks) <= to.ceiling
        assert max(marks) < Tlp.RED
        assert decision.members
        assert set(decision.members) == set(to.members) - {to.me}
        assert set(to.members) <= set(to.founding)
        assert (to.agreement_state, to.circle_state) == (State.IN_FORCE, State.IN_FORCE)


@pytest.mark.parametrize("tlp", [Tlp.CLEAR, Tlp.GREEN, Tlp.AMBER])
def test_what_should_go_does_go(tlp: Tlp) -> None:
    assert decide(item(tlp=tlp))[0].allowed
