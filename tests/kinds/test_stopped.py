"""A log that evidence has stopped holds up nobody else's: what depends on an entry that never comes is denied."""

from __future__ import annotations

from entente.core.ids import b32
from entente.kinds import FOLDED
from entente.ledger.view import fold
from kinds.fold_world import ANNA, BORA, Round, Seen


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
