"""A log that evidence has stopped holds up nobody else's, and what its author signed in any history of it counts."""

from __future__ import annotations

from hashlib import sha256
from itertools import permutations
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from entente.core.ids import Member, b32, unb32
from entente.core.kind import Act, Place
from entente.kinds import FOLDED
from entente.ledger.view import fold
from kinds.circles import ANNA, BORA, CARL, Circles, Seen, states, to_come

if TYPE_CHECKING:
    from random import Random


def test_act_that_depends_on_a_stopped_log_is_skipped_and_the_next_one_counts() -> None:
    circles = Circles()
    told = circles.propose(ANNA)
    answer = circles.answer(BORA, "approve", told.place.ref)
    after = circles.answer(BORA, "refuse")
    without = [answer, after]
    waiting = fold(FOLDED, without, Seen(circles))
    assert [act.place.ref for acts in waiting.waiting.values() for act in acts] == [answer.place.ref]
    assert after.place.ref not in waiting.judged
    stopped = fold(FOLDED, without, Seen(circles), frozenset({told.place.log}))
    assert stopped.waiting == {}
    assert stopped.judged[answer.place.ref].detail == "forked"
    assert stopped.judged[after.place.ref].detail == ""
    assert b32(told.place.log) in told.place.ref


def test_what_a_stopped_log_holds_still_counts_in_whatever_order_the_logs_are_read() -> None:
    for proposer, other in ((ANNA, BORA), (BORA, ANNA)):
        circles = Circles()
        told = circles.propose(proposer)
        answer = circles.answer(other, "approve", told.place.ref)
        found = fold(FOLDED, [told, answer], Seen(circles), frozenset({told.place.log}))
        assert {found.judged[each.place.ref].detail for each in (told, answer)} == {""}


def test_of_contrary_answers_in_two_histories_the_approval_counts_whatever_its_place() -> None:
    for places in ((1, 2), (2, 1), (1, 1)):
        circles = Circles()
        told = circles.propose()
        refused = circles.write(BORA, circles.outer, "approval/1", circles.answer(BORA, "refuse").body, places[0])
        approved = circles.write(BORA, circles.outer, "approval/1", circles.answer(BORA, "approve").body, places[1])
        acts = [told, refused, approved]
        for order in permutations(acts):
            found = fold(FOLDED, order, Seen(circles), frozenset({approved.place.log}))
            given = found.states["approval/1"][circles.agreement_id]
            assert {member: each.answer for member, each in given.items()} == {BORA: "approve"}
        honest = fold(FOLDED, acts, Seen(circles)).states["approval/1"][circles.agreement_id]
        assert honest[BORA].answer == ("refuse" if places[0] < places[1] else honest[BORA].answer), (
            "a first answer is final"
        )


def test_an_act_of_a_forked_log_that_waits_is_set_aside_and_counts_when_all_is_folded_anew() -> None:
    circles = Circles()
    told = circles.propose()
    waits = circles.answer(BORA, "approve", to_come(CARL, 7))
    behind = circles.profile(BORA)
    person = circles.person(BORA, "analyst")
    built_on = circles.answer(CARL, "approve", waits.place.ref)
    acts = [told, waits, behind, person, built_on]
    log = frozenset({waits.place.log})
    for order in permutations(acts):
        found = fold(FOLDED, order, Seen(circles), log)
        assert found.waiting == {}
        assert not found.outdated
        assert found.judged[waits.place.ref].detail == "forked"
        assert {found.judged[each.place.ref].detail for each in (behind, person, built_on)} == {""}
    log_, _, leaf = to_come(CARL, 7).split("/")
    came = Act(Place(unb32(log_, 32), 7, unb32(leaf, 32)), CARL, circles.outer, "person/1", 1, person.body)
    assert found.extended([came]).outdated, "what it waited for has come"
    other = circles.person(ANNA, "head")
    assert not found.extended([other]).outdated, "what does not concern it costs no new fold"
    anew = fold(FOLDED, [*acts, came], Seen(circles), log)
    assert not anew.outdated
    assert anew.judged[waits.place.ref].detail == ""


def test_two_histories_are_read_by_index_and_then_by_leaf() -> None:
    circles = Circles()
    told = circles.propose()
    one = circles.profile(BORA)
    other = Act(
        Place(one.place.log, one.place.index, b"\0" * 32), BORA, circles.outer, one.kind, 5, one.body | {"name": "B"}
    )
    for order in permutations([told, one, other]):
        found = fold(FOLDED, order, Seen(circles), frozenset({one.place.log}))
        assert list(found.judged) == list(fold(FOLDED, [told, one, other], Seen(circles), found.stopped).judged)
        assert found.states == fold(FOLDED, [told, one, other], Seen(circles), found.stopped).states


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=False))
def test_what_comes_bit_by_bit_beside_a_forked_log_ends_as_what_came_at_once(chance: Random) -> None:
    """As a node does it: what is new is folded onto what is known, and all anew where the view says so."""
    circles = Circles()
    logs: dict[Member, list[Act]] = {ANNA: [circles.propose()], BORA: [], CARL: []}
    for _ in range(chance.randint(4, 14)):
        author = chance.choice([ANNA, BORA, BORA, CARL])
        known = [act.place.ref for acts in logs.values() for act in acts] + [to_come(CARL, 40), to_come(ANNA, 41)]
        after = chance.sample(known, chance.randint(0, 2))
        if chance.random() < 0.7:
            act = circles.answer(author, chance.choice(["approve", "refuse"]), *sorted(after))
        else:
            act = circles.person(author, chance.choice(["analyst", "head"]))
        if author == BORA:  # two histories: places and leaves of its own for each
            place = Place(act.place.log, chance.randrange(6), chance.randbytes(32))
            act = Act(place, act.author, act.circle, act.kind, act.time, act.body)
        logs[author].append(act)
    stopped = frozenset({sha256(BORA + circles.outer).digest()})
    at_once = fold(FOLDED, [act for acts in logs.values() for act in acts], Seen(circles), stopped)
    view = fold(FOLDED, logs[BORA], Seen(circles), stopped)
    left = {author: list(acts) for author, acts in logs.items() if author != BORA and acts}
    here = list(logs[BORA])
    while left:
        author = chance.choice(sorted(left))
        some = [left[author].pop(0) for _ in range(chance.randint(1, len(left[author])))]
        here += some
        left = {each: acts for each, acts in left.items() if acts}
        view = view.extended(some)
        view = fold(FOLDED, here, Seen(circles), stopped) if view.outdated else view
    assert states(view) == states(at_once)
    assert {ref: each.verdict for ref, each in view.judged.items()} == {
        ref: each.verdict for ref, each in at_once.judged.items()
    }
