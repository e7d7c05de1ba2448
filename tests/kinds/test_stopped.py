"""A log that evidence has stopped holds up nobody else's, and what its author signed in any history of it counts."""

from __future__ import annotations

from itertools import permutations

from entente.core.ids import b32, unb32
from entente.core.kind import Act, Place
from entente.kinds import FOLDED
from entente.ledger.view import fold
from kinds.fold_world import ANNA, BORA, CARL, Round, Seen, to_come


def test_act_that_depends_on_a_stopped_log_is_skipped_and_the_next_one_counts() -> None:
    world = Round()
    told = world.propose(ANNA)
    answer = world.answer(BORA, "approve", told.place.ref)
    after = world.answer(BORA, "refuse")
    without = [answer, after]
    waiting = fold(FOLDED, without, Seen(world))
    assert [act.place.ref for acts in waiting.waiting.values() for act in acts] == [answer.place.ref]
    assert after.place.ref not in waiting.judged
    stopped = fold(FOLDED, without, Seen(world), frozenset({told.place.log}))
    assert stopped.waiting == {}
    assert stopped.judged[answer.place.ref].detail == "forked"
    assert stopped.judged[after.place.ref].detail == ""
    assert b32(told.place.log) in told.place.ref


def test_what_a_stopped_log_holds_still_counts_in_whatever_order_the_logs_are_read() -> None:
    for proposer, other in ((ANNA, BORA), (BORA, ANNA)):
        world = Round()
        told = world.propose(proposer)
        answer = world.answer(other, "approve", told.place.ref)
        found = fold(FOLDED, [told, answer], Seen(world), frozenset({told.place.log}))
        assert {found.judged[each.place.ref].detail for each in (told, answer)} == {""}


def test_of_contrary_answers_in_two_histories_the_approval_counts_whatever_its_place() -> None:
    for places in ((1, 2), (2, 1), (1, 1)):
        world = Round()
        told = world.propose()
        refused = world.write(BORA, world.outer, "approval/1", world.answer(BORA, "refuse").body, places[0])
        approved = world.write(BORA, world.outer, "approval/1", world.answer(BORA, "approve").body, places[1])
        acts = [told, refused, approved]
        for order in permutations(acts):
            found = fold(FOLDED, order, Seen(world), frozenset({approved.place.log}))
            given = found.states["approval/1"][world.agreement_id]
            assert {member: each.answer for member, each in given.items()} == {BORA: "approve"}
        honest = fold(FOLDED, acts, Seen(world)).states["approval/1"][world.agreement_id]
        assert honest[BORA].answer == ("refuse" if places[0] < places[1] else honest[BORA].answer), (
            "a first answer is final"
        )


def test_an_act_of_a_forked_log_that_waits_is_set_aside_and_counts_when_all_is_folded_anew() -> None:
    world = Round()
    told = world.propose()
    waits = world.answer(BORA, "approve", to_come(CARL, 7))
    behind = world.profile(BORA)
    person = world.person(BORA, "analyst")
    built_on = world.answer(CARL, "approve", waits.place.ref)
    acts = [told, waits, behind, person, built_on]
    log = frozenset({waits.place.log})
    for order in permutations(acts):
        found = fold(FOLDED, order, Seen(world), log)
        assert found.waiting == {}
        assert not found.outdated
        assert found.judged[waits.place.ref].detail == "forked"
        assert {found.judged[each.place.ref].detail for each in (behind, person, built_on)} == {""}
    log_, _, leaf = to_come(CARL, 7).split("/")
    came = Act(Place(unb32(log_, 32), 7, unb32(leaf, 32)), CARL, world.outer, "person/1", 1, person.body)
    assert found.extended([came]).outdated, "what it waited for has come"
    other = world.person(ANNA, "head")
    assert not found.extended([other]).outdated, "what does not concern it costs no new fold"
    anew = fold(FOLDED, [*acts, came], Seen(world), log)
    assert not anew.outdated
    assert anew.judged[waits.place.ref].detail == ""


def test_two_histories_are_read_by_index_and_then_by_leaf() -> None:
    world = Round()
    told = world.propose()
    one = world.profile(BORA)
    other = Act(
        Place(one.place.log, one.place.index, b"\0" * 32), BORA, world.outer, one.kind, 5, one.body | {"name": "B"}
    )
    for order in permutations([told, one, other]):
        found = fold(FOLDED, order, Seen(world), frozenset({one.place.log}))
        assert list(found.judged) == list(fold(FOLDED, [told, one, other], Seen(world), found.stopped).judged)
        assert found.states == fold(FOLDED, [told, one, other], Seen(world), found.stopped).states
