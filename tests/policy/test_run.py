"""The run of a plan follows from the set of its acts: every type of step, failures, loops, and any order of arrival."""

from __future__ import annotations

import random
import time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from entente.policy.run import Ready, StepAct, unfold
from policy.plays import ANNA, BORA, Maker, Owners, Play, act, bone, end, play

SEEDS = st.integers(0, 2**32)


def line() -> Play:
    return play(bone("s", "start", "a"), act("a", "b"), act("b", "e", owner=BORA), end("e", owner=BORA))


def parallel() -> Play:
    return play(
        bone("s", "start", "p"),
        bone("p", "parallel", "z", branches=[["1", "a"], ["2", "b"]]),
        act("a", "ea"),
        end("ea"),
        act("b", "eb", owner=BORA),
        end("eb", owner=BORA),
        act("z", "e"),
        end("e"),
    )


def test_steps_follow_one_another_and_the_end_ends_the_run() -> None:
    plan = line()
    assert plan.run.ready == (Ready("s", 1, ANNA, ()),)
    assert [plan.state(each) for each in "sabe"] == ["ready", "waiting", "waiting", "waiting"]
    start = plan.do("s")
    assert plan.run.ready == (Ready("a", 1, ANNA, (start,)),)
    for step in "abe":
        assert plan.run.state == "running"
        plan.do(step)
    run = plan.run
    assert (run.state, run.ready, run.early) == ("done", (), ())
    assert [each.id for each in run.visits] == list("sabe")
    assert {each.state for each in run.steps} == {"done"}


def test_a_visit_shows_what_was_said_last_of_it() -> None:
    plan = line()
    start = plan.do("s")
    seen: list[tuple[str, list[str]]] = []
    for said in ("started", "unsure", "started", "done"):
        plan.say("a", said, because=[start])
        seen.append((plan.state("a"), plan.ready))
    assert seen == [("started", []), ("unsure", []), ("started", []), ("done", ["b"])]
    shown = next(each for each in plan.run.steps if each.id == "a")
    assert len(shown.refs) == 4
    assert shown.ended == shown.refs[-1]
    assert shown.because == (start,)


def test_parallel_waits_for_every_branch() -> None:
    plan = parallel()
    plan.do("s", "p")
    assert plan.ready == ["a", "b"]
    one = plan.do("a", "ea")
    assert plan.ready == ["b"]
    two = plan.do("b", "eb")
    assert plan.run.ready == (Ready("z", 1, ANNA, (one, two)),)


def test_join_that_names_one_branch_of_two_is_early_for_ever() -> None:
    plan = parallel()
    one = plan.do("s", "p", "a", "ea")
    hasty = plan.say("z", because=[one])
    assert plan.run.early == (hasty,)
    plan.do("b", "eb")
    run = plan.run
    assert run.early == (hasty,)
    assert [(each.step, each.visit) for each in run.ready] == [("z", 2)]
    plan.do("z", "e")
    assert (plan.run.state, plan.run.early) == ("done", (hasty,))


def test_early_visit_that_lasts_holds_its_step_until_its_owner_ends_it() -> None:
    plan = line()
    plan.say("b", "started", because=[])
    plan.do("s", "a")
    assert plan.ready == []
    plan.say("b", "failed", because=[])
    assert [(each.step, each.visit) for each in plan.run.ready] == [("b", 2)]


@pytest.mark.parametrize(("result", "then"), [("true", ["a"]), ("false", ["b"])])
def test_if_takes_the_branch_of_its_result(result: str, then: list[str]) -> None:
    plan = play(
        bone("s", "start", "i"),
        bone("i", "if-condition", "e", branches=[["true", "a"], ["false", "b"]]),
        act("a", "ea"),
        end("ea"),
        act("b", "eb"),
        end("eb"),
        end("e"),
    )
    plan.do("s")
    plan.do("i", result=result)
    assert plan.ready == then
    plan.do(*then, f"e{then[0]}")
    assert plan.ready == ["e"]


def test_if_without_the_other_branch_goes_on() -> None:
    plan = play(
        bone("s", "start", "i"),
        bone("i", "if-condition", "e", branches=[["true", "a"]]),
        act("a", "ea"),
        end("ea"),
        end("e"),
    )
    plan.do("s", "i")
    assert plan.ready == ["e"]


@pytest.mark.parametrize(("result", "then"), [("x", "a"), ("", "e"), ("z", "e")])
def test_switch_takes_its_case_or_goes_on(result: str, then: str) -> None:
    plan = play(
        bone("s", "start", "w"),
        bone("w", "switch-condition", "e", branches=[["x", "a"]]),
        act("a", "ea"),
        end("ea"),
        end("e"),
    )
    plan.do("s")
    plan.do("w", result=result)
    assert plan.ready == [then]


def loop() -> Play:
    """A while with a parallel inside."""
    return play(
        bone("s", "start", "w"),
        bone("w", "while-condition", "e", branches=[["true", "p"]]),
        bone("p", "parallel", "ew", branches=[["1", "a"], ["2", "b"]]),
        act("a", "ea"),
        end("ea"),
        act("b", "eb", owner=BORA),
        end("eb", owner=BORA),
        end("ew"),
        end("e"),
    )


def test_while_comes_to_itself_again_with_a_parallel_inside() -> None:
    plan = loop()
    plan.do("s")
    for visit in (1, 2, 3):
        assert [(each.step, each.visit) for each in plan.run.ready] == [("w", visit)]
        plan.do("w", result="true")
        plan.do("p", "b", "a", "eb", "ea")
        last = plan.do("ew")
        assert plan.run.ready == (Ready("w", visit + 1, ANNA, (last,)),)
        assert plan.state("w") == "ready"
    plan.do("w", "e")
    run = plan.run
    assert run.state == "done"
    assert [each.visit for each in run.steps if each.id in "wab"] == [4, 3, 3]
    assert len(run.visits) == 1 + 4 + 6 * 3 + 1


def test_failed_step_goes_the_way_of_failure() -> None:
    plan = play(bone("s", "start", "a"), act("a", "e", failed="f"), act("f", "e"), end("e"))
    plan.do("s")
    failed = plan.do("a", state="failed")
    assert plan.run.ready == (Ready("f", 1, ANNA, (failed,)),)
    assert plan.state("a") == "failed"


def test_failed_step_with_no_way_on_stands_and_may_be_begun_again() -> None:
    plan = line()
    plan.do("s")
    failed = plan.do("a", state="failed")
    run = plan.run
    assert (run.state, run.ready, run.stuck) == ("running", (), (Ready("a", 2, ANNA, (failed,)),))
    plan.begin(run.stuck[0])
    assert (plan.ready, plan.run.stuck) == (["b"], ())


def exceptional() -> Play:
    steps = (
        bone("s", "start", "p"),
        bone("p", "parallel", "e", branches=[["1", "a"], ["2", "b"]]),
        act("a", "ea"),
        end("ea"),
        act("b", "eb", owner=BORA),
        end("eb", owner=BORA),
        end("e"),
        act("x", "ex"),
        end("ex"),
    )
    return play(*steps, exception="x")


def test_exception_leaves_the_branches_and_its_end_ends_the_run() -> None:
    plan = exceptional()
    plan.do("s", "p")
    plan.do("a", state="failed")
    assert plan.ready == ["b", "x"]
    plan.do("x", "ex")
    run = plan.run
    assert (run.state, run.ready, run.stuck) == ("done", (), ())
    assert plan.state("b") == "waiting"


def test_exception_that_fails_stands() -> None:
    plan = exceptional()
    plan.do("s", "p")
    plan.do("a", state="failed")
    plan.do("x", state="failed")
    assert [each.step for each in plan.run.stuck] == ["x"]
    assert plan.ready == ["b"]


def test_two_failures_come_to_the_exception_one_after_the_other() -> None:
    plan = exceptional()
    plan.do("s", "p")
    causes = {plan.do("a", state="failed"), plan.do("b", state="failed")}
    assert [each for each in plan.run.ready if each.step == "x"] == [Ready("x", 1, ANNA, (min(causes),))]
    plan.begin(Ready("x", 1, ANNA, (max(causes),)), "started")
    assert plan.ready == []
    plan.say("x", "done", because=[max(causes)])
    assert plan.run.ready == (Ready("ex", 1, ANNA, (plan.acts[-1].ref,)), Ready("x", 2, ANNA, (min(causes),)))[::-1]


def undoing() -> Play:
    return play(
        bone("s", "start", "a"), act("a", "e", undo="u"), end("e"), bone("u", "action", "eu"), end("eu", owner=ANNA)
    )


def test_what_is_done_may_be_undone_beside_the_run_and_after_it() -> None:
    plan = undoing()
    plan.do("s")
    done = plan.do("a")
    assert (plan.ready, plan.run.undoable) == (["e"], (Ready("u", 1, ANNA, (done,)),))
    plan.do("e")
    assert plan.run.state == "done"
    plan.begin(plan.run.undoable[0])
    assert (plan.ready, plan.run.undoable) == (["eu"], ())
    plan.say("a", "undone")
    assert plan.state("a") == "undone"
    plan.do("eu")
    assert (plan.run.state, plan.run.early) == ("done", ())


def test_the_end_of_an_undo_does_not_end_the_run() -> None:
    plan = undoing()
    plan.do("s", "a")
    plan.begin(plan.run.undoable[0])
    plan.do("eu")
    assert plan.run.state == "running"
    assert plan.ready == ["e"]


def test_undone_step_has_nothing_left_to_undo() -> None:
    plan = undoing()
    plan.do("s", "a")
    plan.say("a", "undone")
    assert plan.run.undoable == ()
    assert plan.ready == ["e"]


def test_first_of_two_visits_that_name_the_same_takes_the_place() -> None:
    plan = line()
    start = plan.do("s")
    plan.say("a", because=[start])
    again = plan.say("a", visit=2, because=[start])
    assert plan.run.early == (again,)
    assert plan.ready == ["b"]


def test_act_that_names_too_much_or_the_wrong_act_is_early() -> None:
    plan = line()
    start = plan.do("s")
    more = plan.say("b", because=[start])
    first = plan.say("a", because=[start, more])
    assert plan.run.early == (first, more)
    assert plan.ready == ["a"]


def test_acts_on_a_step_that_is_not_there_do_not_count() -> None:
    stray = StepAct("r", "elsewhere", 1, "done", "", ())
    assert unfold(line().skeleton, "", [stray]).early == ("r",)


def carried_out(seed: int, *, exception: bool = False) -> Play:
    chance = random.Random(seed)
    skeleton = Maker(chance).make()
    named = next(each.id for each in skeleton if each.type == "end") if exception else ""
    plan = Play(skeleton, named)
    Owners(chance, plan).to_the_end()
    return plan


def shuffled(plan: Play, seed: int) -> list[StepAct]:
    """Return the acts in another order, which keeps that of each owner's log."""
    owner = {each.id: each.owner for each in plan.skeleton}
    logs = [[each for each in plan.acts if owner[each.step] == member] for member in (ANNA, BORA)]
    turns = [number for number, log in enumerate(logs) for _ in log]
    random.Random(seed).shuffle(turns)
    queues = [iter(log) for log in logs]
    return [next(queues[turn]) for turn in turns]


@given(SEEDS, SEEDS, st.booleans())
def test_the_run_is_the_same_in_whatever_order_the_acts_arrive(seed: int, other: int, exception: bool) -> None:
    plan = carried_out(seed, exception=exception)
    assert msgspec.json.encode(unfold(plan.skeleton, plan.exception, shuffled(plan, other))) == msgspec.json.encode(
        plan.run
    )


@given(SEEDS)
def test_every_plan_comes_to_its_end_and_every_act_counts(seed: int) -> None:
    plan = carried_out(seed)
    run = plan.run
    assert (run.state, run.ready, run.stuck, run.early) == ("done", (), (), ())
    assert sorted(ref for each in run.visits for ref in each.refs) == sorted(each.ref for each in plan.acts)
    flow = {each for bone_ in plan.skeleton for each in bone_.flow()}
    assert not {each.step for each in run.undoable} & flow


@given(SEEDS, st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_part_of_the_acts_gives_a_part_of_the_run(seed: int, one: int, two: int) -> None:
    """Whatever each log has brought, as far as its acts find what they name: nothing of it is different later."""
    plan = carried_out(seed)
    owner = {each.id: each.owner for each in plan.skeleton}
    left = {ANNA: one % (len(plan.acts) + 1), BORA: two % (len(plan.acts) + 1)}
    held: list[StepAct] = []
    refs: set[str] = set()
    for each in plan.acts:
        mine = owner[each.step]
        left[mine] = left[mine] - 1 if refs.issuperset(each.because) else 0
        if left[mine] >= 0 and refs.issuperset(each.because):
            held.append(each)
            refs.add(each.ref)
        else:
            left[mine] = 0
    part, whole = unfold(plan.skeleton, "", held), plan.run
    assert part.early == ()
    full = {(each.id, each.visit): each for each in whole.visits}
    for each in part.visits:
        then = full[each.id, each.visit]
        assert then.refs[: len(each.refs)] == each.refs
        assert then.because == each.because
        assert each.ended in {"", then.ended}
    undos = {each.undo for each in plan.skeleton}
    for fresh in (*part.ready, *part.stuck):
        assert fresh.step in undos or full[fresh.step, fresh.visit].because == fresh.because


def test_four_hundred_steps_and_a_thousand_visits_are_quick() -> None:
    names = [f"a{number}" for number in range(398)]
    onward = [*names[1:], "e"]
    long = play(bone("s", "start", "a0"), *(act(a, b) for a, b in zip(names, onward, strict=True)), end("e"))
    ref = long.say("s")
    for name in (*names, "e"):
        ref = long.say(name, because=[ref])
    assert long.run.state == "done"
    turns = play(
        bone("s", "start", "w"),
        bone("w", "while-condition", "e", branches=[["true", "a"]]),
        act("a", "ea"),
        end("ea"),
        end("e"),
    )
    ref = turns.say("s")
    for visit in range(1, 1001):
        for step, result in (("w", "true"), ("a", ""), ("ea", "")):
            ref = turns.say(step, "done", result, visit=visit, because=[ref])
    begun = time.process_time()
    run = turns.run
    assert time.process_time() - begun < 2
    assert run.ready == (Ready("w", 1001, ANNA, (ref,)),)
    assert len(run.visits) == 3001
