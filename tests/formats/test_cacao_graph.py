"""Workflows that can be walked are taken, however they nest; those that cannot are refused; each step has one owner."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entente.core.errors import InvalidError
from entente.formats import cacao
from formats.test_cacao import (
    END,
    HARBOUR,
    NORTHWIND,
    START,
    Made,
    action,
    codes,
    dump,
    extended,
    playbook,
    sid,
    simple,
)

if TYPE_CHECKING:
    from collections.abc import Callable

UNDO, UNDO_END = sid("action", 8), sid("end", 9)
A, B, C = sid("action", 11), sid("action", 12), sid("action", 13)
END_A, END_B, END_C = sid("end", 21), sid("end", 22), sid("end", 23)
FORK, IF, WHILE, SWITCH = (
    sid("parallel", 31),
    sid("if-condition", 32),
    sid("while-condition", 33),
    sid("switch-condition", 34),
)
LAMP = {"__lamp__": {"type": "string", "value": "on"}}


def branched(id_: str, **more: Any) -> Made:
    """Make a playbook with one branching step, whose branches are A and B, and C after it."""
    kinds: dict[str, Made] = {
        FORK: {"type": "parallel", "next_steps": [A, B]},
        IF: {"type": "if-condition", "condition": "__lamp__:value = 'on'", "on_true": A, "on_false": B},
        WHILE: {"type": "while-condition", "condition": "__lamp__:value = 'on'", "on_true": A},
        SWITCH: {"type": "switch-condition", "switch": "__lamp__:value", "cases": {"on": A, "default": B}},
    }
    steps = {
        START: {"type": "start", "on_completion": id_},
        id_: {**kinds[id_], "on_completion": C},
        A: action(END_A, HARBOUR),
        B: action(END_B, NORTHWIND),
        C: action(END_C, NORTHWIND),
        **{each: {"type": "end"} for each in (END_A, END_B, END_C)},
    }
    if id_ == WHILE:
        del steps[B], steps[END_B]
    return playbook({**steps, **more}, playbook_variables=LAMP)


BRANCHING = (FORK, IF, WHILE, SWITCH)


class TestBranches:
    """Branches keep apart, and each ends for itself."""

    @pytest.mark.parametrize("id_", BRANCHING)
    def test_branches_that_keep_apart_are_taken(self, id_: str) -> None:
        assert codes(branched(id_)) == []

    @pytest.mark.parametrize("id_", BRANCHING)
    def test_a_branch_may_be_nothing_but_an_end(self, id_: str) -> None:
        made = branched(id_)
        made["workflow"][A] = {"type": "end"}
        steps = made["workflow"]
        steps[END_A] = steps.pop(A)
        renamed = dump(made).replace(A.encode(), END_A.encode())
        assert cacao.problems(cacao.examine(renamed)) == []

    @pytest.mark.parametrize("id_", [FORK, IF, SWITCH])
    def test_branches_that_share_an_end_are_refused(self, id_: str) -> None:
        made = branched(id_)
        made["workflow"][B]["on_completion"] = END_A
        del made["workflow"][END_B]
        assert codes(made) == [("shared-step", B)]

    @pytest.mark.parametrize(
        ("id_", "change"),
        [(FORK, {"next_steps": [A, A]}), (IF, {"on_false": A}), (SWITCH, {"cases": {"on": A, "default": A}})],
    )
    def test_branches_that_begin_alike_are_refused(self, id_: str, change: Made) -> None:
        made = branched(id_)
        made["workflow"][id_].update(change)
        del made["workflow"][B], made["workflow"][END_B]
        assert codes(made) == [("shared-step", id_)]

    @pytest.mark.parametrize("id_", BRANCHING)
    @pytest.mark.parametrize("into", [C, END_C])
    def test_a_branch_that_runs_into_the_flow_around_it_is_refused(self, id_: str, into: str) -> None:
        made = branched(id_)
        made["workflow"][A]["on_completion"] = into
        del made["workflow"][END_A]
        assert codes(made) == [("escapes", A)]

    @pytest.mark.parametrize("id_", BRANCHING)
    def test_a_branch_that_leads_back_is_refused(self, id_: str) -> None:
        made = branched(id_)
        made["workflow"][A]["on_completion"] = id_
        del made["workflow"][END_A]
        assert set(codes(made)) == {("loop", A), ("escapes", A)}

    @pytest.mark.parametrize("id_", BRANCHING)
    def test_a_branch_that_never_ends_is_refused(self, id_: str) -> None:
        made = branched(id_)
        del made["workflow"][A]["on_completion"], made["workflow"][END_A]
        assert codes(made) == [("no-end", A)]

    @pytest.mark.parametrize("id_", BRANCHING)
    def test_nothing_after_the_branches_is_refused(self, id_: str) -> None:
        made = branched(id_)
        del made["workflow"][id_]["on_completion"]
        assert ("no-end", id_) in codes(made)

    @pytest.mark.parametrize("id_", BRANCHING)
    def test_a_branch_that_is_missing_is_refused(self, id_: str) -> None:
        made = branched(id_)
        del made["workflow"][A]
        assert ("missing-step", id_) in codes(made)

    def test_success_and_failure_may_come_together_again(self) -> None:
        made = simple()
        first = made["workflow"][sid("action", 3)]
        del first["on_completion"]
        first.update(on_success=sid("action", 4), on_failure=END)
        assert codes(made) == []

    def test_the_exception_may_be_the_end_of_the_flow_or_a_flow_of_its_own(self) -> None:
        assert codes(simple(workflow_exception=END)) == []
        made = simple(workflow_exception=A)
        made["workflow"] |= {A: action(END_A), END_A: {"type": "end"}}
        assert codes(made) == []
        assert [bone.id for bone in cacao.flow_steps(cacao.read(dump(made)))][-2:] == [A, END_A]

    def test_branches_too_deep_are_refused(self) -> None:
        steps: Made = {START: {"type": "start", "on_completion": sid("while-condition", 100)}, END: {"type": "end"}}
        for level in range(100, 120):
            inner = sid("while-condition", level + 1) if level < 119 else END_A
            after = sid("end", 200 + level)
            steps |= {
                sid("while-condition", level): {
                    "type": "while-condition",
                    "condition": "1 = 1",
                    "on_true": inner,
                    "on_completion": END if level == 100 else after,
                },
                after: {"type": "end"},
            }
        steps |= {END_A: {"type": "end"}}
        del steps[sid("end", 300)]
        assert {code for code, _ in codes(playbook(steps))} == {"limit"}


class TestConditions:
    """Conditions and switches are read, and what they name is defined."""

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"condition": "__lamp__:value = "}, "condition"),
            ({"condition": "__wind__:value = 1"}, "variable"),
            ({"condition": "(" * 20 + "1 = 1" + ")" * 20}, "condition"),
            ({"condition": 7}, "shape"),
        ],
    )
    def test_broken_conditions_are_refused(self, change: Made, code: str) -> None:
        for id_ in (IF, WHILE):
            made = branched(id_)
            made["workflow"][id_].update(change)
            assert codes(made) == [(code, id_)]

    @pytest.mark.parametrize(("said", "code"), [("lamp", "condition"), ("__wind__:value", "variable")])
    def test_broken_switches_are_refused(self, said: str, code: str) -> None:
        made = branched(SWITCH)
        made["workflow"][SWITCH]["switch"] = said
        assert codes(made) == [(code, SWITCH)]

    def test_a_step_sees_the_variables_around_it_and_no_others(self) -> None:
        made = branched(WHILE)
        made["workflow"][WHILE]["step_variables"] = {"__round__": {"type": "integer", "value": "0"}}
        made["workflow"][A].update(out_args=["__round__"], in_args=["__lamp__"])
        found = cacao.read(dump(made))
        assert set(cacao.scope(found, A)) == {"__lamp__", "__round__"}
        assert set(cacao.scope(found, C)) == {"__lamp__"}
        made["workflow"][C]["in_args"] = ["__round__"]
        assert codes(made) == [("variable", C)]

    def test_the_branch_is_chosen_by_the_values(self) -> None:
        on, off = {"__lamp__": "on"}, {"__lamp__": "off"}
        for id_, labels in ((IF, ("true", "false")), (WHILE, ("true", "")), (SWITCH, ("on", "default"))):
            step = cacao.read(dump(branched(id_))).steps[id_]
            assert (cacao.choose(step, on), cacao.choose(step, off)) == labels
            with pytest.raises(InvalidError):
                cacao.choose(step, {})

    def test_a_switch_without_a_case_for_it_goes_on(self) -> None:
        made = branched(SWITCH)
        made["workflow"][SWITCH]["cases"]["off"] = made["workflow"][SWITCH]["cases"].pop("default")
        step = cacao.read(dump(made)).steps[SWITCH]
        assert [cacao.choose(step, {"__lamp__": each}) for each in ("on", "off", "dim")] == ["on", "off", ""]


class TestBones:
    """The graph that partners sign, and who owns what."""

    def test_a_skeleton_has_all_steps_in_order(self) -> None:
        found = cacao.flow_steps(cacao.read(dump(branched(SWITCH))))
        assert [bone.id for bone in found] == [START, SWITCH, C, A, B, END_C, END_A, END_B]
        assert found[1] == cacao.FlowStep(SWITCH, "switch-condition", "", C, "", (("on", A), ("default", B)), "")
        assert found[3] == cacao.FlowStep(A, "action", HARBOUR, END_A, "", (), "")

    @pytest.mark.parametrize(
        ("id_", "labels"), [(FORK, ["1", "2"]), (IF, ["true", "false"]), (WHILE, ["true"]), (SWITCH, ["on", "default"])]
    )
    def test_branches_have_labels(self, id_: str, labels: list[str]) -> None:
        bones = {bone.id: bone for bone in cacao.flow_steps(cacao.read(dump(branched(id_))))}
        assert list(dict(bones[id_].branches)) == labels

    def test_undo_steps_come_last(self) -> None:
        made = extended(action(UNDO_END), undo=UNDO)
        bones = cacao.flow_steps(cacao.read(dump(made)))
        assert [bone.id for bone in bones][-2:] == [UNDO, UNDO_END]
        assert [bone.undo for bone in bones if bone.undo] == [UNDO]

    def test_the_order_of_the_file_does_not_matter(self) -> None:
        made = branched(FORK)
        other = {**made, "workflow": dict(reversed(made["workflow"].items()))}
        one, two = (cacao.read(dump(each)) for each in (made, other))
        assert cacao.flow_steps(one) == cacao.flow_steps(two)

    def test_control_steps_belong_to_the_owner_of_the_step_before(self) -> None:
        made = branched(FORK)
        made["workflow"][A]["on_completion"] = WHILE
        made["workflow"] |= {
            WHILE: {"type": "while-condition", "condition": "1 = 2", "on_true": END, "on_completion": END_A},
            END: {"type": "end"},
        }
        found = cacao.owners(cacao.read(dump(made)), {HARBOUR: "h", NORTHWIND: "n"}, "p")
        assert found == {
            START: "p",
            FORK: "p",
            A: "h",
            WHILE: "h",
            END: "h",
            END_A: "h",
            B: "n",
            END_B: "n",
            C: "n",
            END_C: "n",
        }

    def test_an_agent_without_owner_is_refused_with_what_to_do(self) -> None:
        with pytest.raises(InvalidError, match="Northwind") as refused:
            cacao.owners(cacao.read(dump(simple())), {HARBOUR: "h"}, "p")
        assert refused.value.code == "no-owner"
        assert refused.value.hint == f"Say whose it is: --owner {NORTHWIND}=MEMBER"

    @pytest.mark.parametrize(
        ("members", "given", "found"),
        [
            ({"h": "HARBOUR", "n": "northwind"}, {}, {HARBOUR: "h", NORTHWIND: "n"}),
            ({"harbour": "x", "n": "y"}, {}, {HARBOUR: "harbour"}),
            ({NORTHWIND: "y"}, {}, {NORTHWIND: NORTHWIND}),
            ({"h": "Harbour Office", "n": "North"}, {}, {}),
            ({"h": "Harbour Office", "n": "North"}, {"Harbour": "h", NORTHWIND: "n"}, {HARBOUR: "h", NORTHWIND: "n"}),
            ({"h": "Harbour", "n": "North"}, {"Harbour": "h"}, {HARBOUR: "h"}),
        ],
    )
    def test_agents_belong_to_the_member_that_they_name(self, members: Made, given: Made, found: Made) -> None:
        assert cacao.agent_owners(cacao.read(dump(simple())), members, given) == found

    @pytest.mark.parametrize(
        ("members", "given"),
        [
            ({"h": "Harbour", "i": "harbour"}, {}),
            ({"h": "Harbour", "n": "North"}, {"Harbour": "n"}),
            ({"h": "Harbour"}, {"Nobody": "h"}),
            ({"h": "Harbour"}, {"Northwind": "z"}),
        ],
    )
    def test_owners_that_cannot_be_told_are_refused(self, members: Made, given: Made) -> None:
        with pytest.raises(InvalidError) as refused:
            cacao.agent_owners(cacao.read(dump(simple())), members, given)
        assert refused.value.code == "owner"


class Maker:
    """Makes random workflows of which each step is visited once."""

    def __init__(self, draw: Callable[[Any], Any]) -> None:
        self.draw = draw
        self.steps: dict[str, Made] = {}

    def make(self) -> Made:
        """Make a playbook."""
        self.steps[START] = {"type": "start", "on_completion": self.flow(0)}
        return playbook(self.steps, playbook_variables=LAMP)

    def flow(self, depth: int) -> str:
        """Make steps one after the other, from the last to the first; give the first."""
        first = self.add("end", {"type": "end"})
        for _ in range(self.draw(st.integers(0 if depth else 1, 2))):
            kind = self.draw(
                st.sampled_from(["action", "parallel", "if", "while", "switch"] if depth < 3 else ["action"])
            )
            first = getattr(self, f"make_{kind}")(first, depth)
        return first

    def add(self, kind: str, step: Made) -> str:
        id_ = sid(kind, 100 + len(self.steps))
        self.steps[id_] = step
        return id_

    def make_action(self, then: str, _depth: int) -> str:
        return self.add("action", action(then, self.draw(st.sampled_from([HARBOUR, NORTHWIND]))))

    def make_parallel(self, then: str, depth: int) -> str:
        branches = [self.flow(depth + 1) for _ in range(self.draw(st.integers(2, 3)))]
        return self.add("parallel", {"type": "parallel", "next_steps": branches, "on_completion": then})

    def make_if(self, then: str, depth: int) -> str:
        step = {"type": "if-condition", "condition": "1 = 1", "on_true": self.flow(depth + 1), "on_completion": then}
        if self.draw(st.booleans()):
            step["on_false"] = self.flow(depth + 1)
        return self.add("if-condition", step)

    def make_while(self, then: str, depth: int) -> str:
        step = {"type": "while-condition", "condition": "1 = 1", "on_true": self.flow(depth + 1)}
        return self.add("while-condition", {**step, "on_completion": then})

    def make_switch(self, then: str, depth: int) -> str:
        cases = {str(number): self.flow(depth + 1) for number in range(self.draw(st.integers(1, 3)))}
        step = {"type": "switch-condition", "switch": "__lamp__:value", "cases": cases, "on_completion": then}
        return self.add("switch-condition", step)


def references(made: Made) -> list[tuple[Any, Any]]:
    """Give all places that name a step: a holder and the key in it."""
    found: list[tuple[Any, Any]] = [(made, "workflow_start")]
    for step in made["workflow"].values():
        found += [(step, name) for name in ("on_completion", "on_true", "on_false") if name in step]
        found += [(step["next_steps"], number) for number in range(len(step.get("next_steps", ())))]
        found += [(step["cases"], label) for label in step.get("cases", {})]
    return found


def visits_each_step_once(made: Made) -> bool:
    """Say if a walk from the start comes to every step exactly once and ends only at end steps."""
    steps, visited, queue = made["workflow"], list[str](), [made["workflow_start"]]
    while queue:
        id_ = queue.pop()
        if id_ not in steps or id_ in visited:
            return False
        visited.append(id_)
        step = steps[id_]
        if step["type"] != "end" and "on_completion" not in step:
            return False
        queue += [step[name] for name in ("on_completion", "on_true", "on_false") if name in step]
        queue += [*step.get("next_steps", ()), *step.get("cases", {}).values()]
    return set(visited) == set(steps) and steps[made["workflow_start"]]["type"] == "start"


@st.composite
def workflows(draw: Callable[[Any], Any]) -> Made:
    return Maker(draw).make()


@given(workflows())
@settings(max_examples=60, deadline=None)
def test_workflows_that_are_nested_well_are_taken(made: Made) -> None:
    found = cacao.read(dump(made))
    assert {bone.id for bone in cacao.flow_steps(found)} == set(made["workflow"])
    assert cacao.owners(found, {HARBOUR: "h", NORTHWIND: "n"}, "p").keys() == made["workflow"].keys()


@given(workflows(), st.data())
@settings(max_examples=60, deadline=None)
def test_a_step_taken_out_is_missed(made: Made, data: st.DataObject) -> None:
    broken = copy.deepcopy(made)
    del broken["workflow"][data.draw(st.sampled_from(sorted(made["workflow"])))]
    assert codes(broken) != []


@given(workflows(), st.data())
@settings(max_examples=200, deadline=None)
def test_a_reference_that_is_turned_is_judged_as_a_walk_judges_it(made: Made, data: st.DataObject) -> None:
    broken = copy.deepcopy(made)
    holder, key = data.draw(st.sampled_from(references(broken)))
    holder[key] = data.draw(st.sampled_from(sorted(made["workflow"])))
    assert (codes(broken) == []) is visits_each_step_once(broken)
