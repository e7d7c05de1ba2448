"""A plan in which nothing is due is left alone until something that decides about it changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from typing_extensions import override

from entente.node.work.plan.jobs import Due
from entente.node.work.plan.runner import Runner
from network import Network
from playbooks import action, end, playbook, step_id, two_sides

if TYPE_CHECKING:
    from entente.node import Node
    from entente.node.work.plan.jobs import Job
    from entente.node.work.plan.plan import Plan

FIRST, SECOND = step_id("action", "first"), step_id("action", "second")


class Counting(Due):
    """Notes each plan that is worked out."""

    @override
    def of(self, plan: Plan) -> list[Job]:
        self.looked.append(plan.ref)
        return super().of(plan)

    looked: list[str]


def pair() -> tuple[Network, Node, Node, str]:
    network = Network(6)
    one, other = network.add("Alder"), network.add("Birch")
    circle = network.agree(one, other)
    one.plans.runner.due = Counting(one.base)
    one.plans.runner.due.looked = []
    return network, one, other, circle


def agreed(network: Network, one: Node, other: Node, circle: str, data: bytes, deadline: int = 0) -> str:
    plan = one.plans.take(data, circle).plan
    one.plans.propose(plan, deadline)
    one.plans.approve(plan)
    network.settle(one, other)
    other.plans.approve(plan)
    network.settle(one, other)
    return plan


def looked(node: Node) -> int:
    """Return how many plans a tick works out."""
    due = node.plans.runner.due
    assert isinstance(due, Counting)
    due.looked.clear()
    node.plans.runner.tick()
    return len(set(due.looked))


def test_plans_that_wait_are_not_worked_out_again() -> None:
    network, one, other, circle = pair()
    plans = [agreed(network, one, other, circle, two_sides("Alder", "Birch")) for _ in range(3)]
    for plan in plans:
        one.plans.run(plan)
    looked(one)
    assert looked(one) == 0
    one.plans.done(plans[1], FIRST)
    assert looked(one) == 1
    assert looked(one) == 0
    network.settle(one, other)
    other.plans.done(plans[1], SECOND)
    network.settle(one, other)
    assert looked(one) == 1
    assert one.plans.show(plans[1]).state == "done"
    assert looked(one) == 0


@pytest.mark.parametrize("change", ["own", "theirs", "permit"])
def test_what_is_protected_or_allowed_makes_every_plan_looked_at(change: str) -> None:
    network, one, other, circle = pair()
    for _ in range(2):
        one.plans.run(agreed(network, one, other, circle, two_sides("Alder", "Birch")))
    looked(one)
    assert looked(one) == 0
    if change == "own":
        one.plans.protect("192.0.2.7")
    elif change == "theirs":
        other.plans.protect("192.0.2.7", circle)
        network.settle(one, other)
    else:
        one.plans.permits.allow_hook("bash", "/bin/true")
    assert looked(one) == 2
    assert looked(one) == 0


def test_step_with_a_delay_is_done_when_it_is_over() -> None:
    network, one, other, circle = pair()
    wait = step_id("if-condition", "wait")
    steps = {
        FIRST: action("Alder", wait, name="first"),
        wait: {
            "type": "if-condition",
            "condition": "__x__:value = '1'",
            "on_true": SECOND,
            "on_completion": end(),
            "delay": 60_000,
        },
        SECOND: action("Birch", "", name="second"),
    }
    del steps[SECOND]["on_completion"]
    last = step_id("end", "branch")
    steps[SECOND]["on_completion"] = last
    steps[last] = {"type": "end"}
    data = playbook(
        steps,
        agents=["Alder", "Birch"],
        start=FIRST,
        variables={"__x__": {"type": "string", "value": "1", "constant": False}},
    )
    plan = agreed(network, one, other, circle, data)
    one.plans.run(plan)
    one.plans.done(plan, FIRST)
    looked(one)
    assert looked(one) == 0
    assert network.now < one.plans.runner.due.next_look <= network.now + 60_000
    network.now = one.plans.runner.due.next_look
    assert looked(one) == 1
    states = {each.id: each.state for each in one.plans.show(plan).steps}
    assert (states[wait], states[SECOND]) == ("done", "ready")


def test_outcome_is_written_when_the_deadline_is_past_whatever_else_is_there() -> None:
    network, one, other, circle = pair()
    for _ in range(2):
        one.plans.run(agreed(network, one, other, circle, two_sides("Alder", "Birch")))
    plan = one.plans.take(two_sides("Alder", "Birch"), circle).plan
    one.plans.propose(plan, network.now + 60_000)
    one.plans.runner = Runner(one.base)
    one.plans.runner.tick()
    assert one.plans.show(plan).state == "proposed"
    assert 0 < one.plans.runner.due.next_look <= network.now + 60_000
    network.now += 60_001
    assert one.plans.runner.tick() == 1
    assert one.plans.show(plan).state == "expired"


def test_command_about_one_plan_leaves_the_others_to_the_node() -> None:
    network, one, other, circle = pair()
    late = one.plans.take(two_sides("Alder", "Birch"), circle).plan
    one.plans.propose(late, network.now + 1000)
    plan = agreed(network, one, other, circle, two_sides("Alder", "Birch"))
    network.now += 2000
    assert one.plans.run(plan).state == "running"
    assert one.plans.show(late).state == "proposed"
    one.plans.runner.tick()
    assert one.plans.show(late).state == "expired"
