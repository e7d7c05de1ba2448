"""Plans between two members: consent of every side, one's own steps, stops, deadlines, effects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from entente.core.errors import ConflictError, InvalidError, RefusedError, WaitingError
from entente.formats import cacao
from entente.node.work.plan.effects import Done, Order, orders
from entente.node.work.plan.playbook import SMALL
from entente.node.work.plan.runner import Runner
from entente.node.work.plan.values import Permit
from network import Network
from playbooks import action, agent_id, bounded, end, playbook, step_id, two_sides

if TYPE_CHECKING:
    from entente.node import Node

FIRST, SECOND = step_id("action", "first"), step_id("action", "second")


def pair() -> tuple[Network, Node, Node, str]:
    network = Network(4)
    one, other = network.add("Alder"), network.add("Birch")
    return network, one, other, network.agree(one, other)


def propose(one: Node, circle: str, data: bytes, deadline: int = 0) -> str:
    plan = one.plans.take(data, circle).plan
    one.plans.propose(plan, deadline)
    return plan


def states(node: Node, plan: str) -> dict[str, str]:
    return {each.id: each.state for each in node.plans.show(plan).steps}


def test_plan_runs_step_by_step_on_both_sides() -> None:
    network, one, other, circle = pair()
    made = one.plans.take(two_sides("Alder", "Birch"), circle)
    assert made.owners[FIRST] == one.member
    assert made.owners[SECOND] == made.owners[end()] == other.member
    plan = made.plan
    assert one.plans.show(plan).state == "draft"
    one.plans.propose(plan)
    network.settle(one, other)
    one.plans.approve(plan)
    with pytest.raises(WaitingError):
        one.plans.run(plan)
    network.settle(one, other)
    assert other.plans.approve(plan).state == "approved"
    network.settle(one, other)
    assert one.plans.run(plan).state == "running"
    network.settle(one, other)
    with pytest.raises(ConflictError, match="waiting"):
        other.plans.done(plan, SECOND)
    with pytest.raises(RefusedError, match="belongs to Alder"):
        other.plans.done(plan, FIRST)
    one.plans.done(plan, FIRST, text="The gap is closed here.")
    network.settle(one, other)
    assert states(other, plan)[SECOND] == "ready"
    shown = other.plans.done(plan, SECOND, text="And here.")
    assert shown.state == "done"
    network.settle(one, other)
    assert one.plans.show(plan).state == "done"
    assert [each.text for each in one.plans.show(plan).effect] == ["The gap is closed here.", "And here."]
    assert public(one, plan) == public(other, plan)


def public(node: Node, plan: str) -> bytes:
    """Return the view of a plan without what is this node's own: names of its persons, what it waits for."""
    shown = node.plans.show(plan)
    steps = [msgspec.structs.replace(each, note="", person="") for each in shown.steps]
    votes, halts = (
        [msgspec.structs.replace(each, person="") for each in given] for given in (shown.approvals, shown.stopped_by)
    )
    shown = msgspec.structs.replace(shown, stopped_by=halts)
    return msgspec.json.encode(
        msgspec.structs.replace(shown, steps=steps, approvals=votes, armed=False, doubts=[], problems=[])
    )


def test_one_approval_of_two_runs_nothing() -> None:
    network, one, other, circle = pair()
    plan = propose(one, circle, two_sides("Alder", "Birch"))
    one.plans.approve(plan)
    network.settle(one, other)
    for node in (one, other):
        with pytest.raises(WaitingError):
            node.plans.run(plan)
        node.plans.runner.tick()
        assert not any(each.state in {"ready", "started", "done"} for each in node.plans.show(plan).steps)
    other.plans.approve(plan, refuse="Too soon.")
    network.settle(one, other)
    with pytest.raises(RefusedError):
        one.plans.run(plan)
    assert one.plans.show(plan).refusals[0].text == "Too soon."


def test_late_approval_is_refused_also_after_a_restart() -> None:
    network, one, other, circle = pair()
    deadline = network.now + 60_000
    plan = propose(one, circle, two_sides("Alder", "Birch"), deadline)
    one.plans.approve(plan)
    network.settle(one, other)
    other.plans.approve(plan)  # in time, but its proposer is away
    network.now = deadline + 1
    one.plans.runner = Runner(one.base)
    network.settle(one, other)
    one.plans.runner.tick()
    assert one.plans.show(plan).state == "expired"
    network.settle(one, other)
    assert other.plans.show(plan).state == "expired"
    assert other.plans.show(plan).doubts == []
    with pytest.raises(RefusedError):
        one.plans.run(plan)
    again = propose(one, circle, two_sides("Alder", "Birch"), network.now + 1000)
    network.settle(one, other)
    network.now += 2000
    with pytest.raises(RefusedError, match="deadline"):
        other.plans.approve(again)


def test_plan_with_deadline_is_in_force_by_the_word_of_its_proposer() -> None:
    network, one, other, circle = pair()
    plan = propose(one, circle, two_sides("Alder", "Birch"), network.now + 600_000)
    network.settle(one, other)
    one.plans.approve(plan)
    assert other.plans.approve(plan).state == "proposed"
    network.settle(one, other)
    assert one.plans.runner.tick() == 1
    assert one.plans.show(plan).state == "approved"
    network.settle(one, other)
    assert other.plans.show(plan).state == "approved"
    assert other.plans.show(plan).doubts == []
    other.plans.object(plan, "other", "Our clock was wrong that day.")
    network.settle(one, other)
    assert [each.answer for each in one.plans.show(plan).objections] == ["other"]


@pytest.mark.parametrize("stopper", [0, 1])
def test_either_side_alone_stops_it_while_the_other_is_away(stopper: int) -> None:
    network, one, other, circle = pair()
    plan = propose(one, circle, two_sides("Alder", "Birch"))
    one.plans.approve(plan)
    network.settle(one, other)
    other.plans.approve(plan)
    network.settle(one, other)
    one.plans.run(plan)
    away, here = (one, other) if stopper else (other, one)
    assert here.plans.stop(plan, "danger", "It harms our customers.").state == "stopped"
    if away is one:
        one.plans.done(plan, FIRST)  # it does not know yet
    network.settle(one, other)
    assert away.plans.show(plan).state == "stopped"
    assert away.plans.show(plan).stopped_by[0].text == "It harms our customers."
    away.plans.runner.tick()
    step = SECOND if away is other else FIRST
    with pytest.raises(ConflictError):
        away.plans.done(plan, step)
    assert public(one, plan) == public(other, plan)


BLOCK, UNBLOCK = step_id("action", "block"), step_id("action", "unblock")
TARGET = "http-api--0f1f4d9e-2d0f-4c3e-9a5d-1f2f3f4f5f6f"


def blocking(*, limit: int = 3600, repeatable: bool = False, url: str = "https://firewall.example/api") -> bytes:
    """Return a plan in which Alder's node blocks a domain by itself, and Birch confirms."""
    send = {"type": "http-api", "command": "POST block HTTP/1.1", "content": '{"domain":"evil.example"}'}
    back = {"type": "http-api", "command": "DELETE block HTTP/1.1", "content": '{"domain":"evil.example"}'}
    extension = bounded(limit, UNBLOCK, repeatable=repeatable)
    undo = action("Alder", "", name="unblock", command=back, targets=[TARGET])
    del undo["on_completion"]
    return playbook(
        {
            BLOCK: action("Alder", SECOND, name="block", command=send, targets=[TARGET], step_extensions=extension),
            SECOND: action("Birch", end(), name="second"),
            UNBLOCK: undo,
        },
        agents=["Alder", "Birch"],
        start=BLOCK,
        targets={TARGET: {"type": "http-api", "name": "firewall", "address": {"url": [url]}}},
    )


class Firewall:
    """An endpoint that counts what it was asked to do."""

    def __init__(self) -> None:
        self.asked: list[Order] = []
        self.ok = True
        self.crash = False

    def __call__(self, order: Order) -> Done:
        self.asked.append(order)
        if self.crash:
            raise KeyboardInterrupt
        return Done(self.ok, "HTTP 200. blocked", {})


def armed(repeatable: bool = False, limit: int = 3600) -> tuple[Network, Node, Node, str, Firewall]:
    network, one, other, circle = pair()
    firewall = Firewall()
    one.plans.runner = Runner(one.base, firewall)
    plan = propose(one, circle, blocking(limit=limit))
    one.plans.permits.allow_http("https://firewall.example/api", repeatable=repeatable)
    one.plans.approve(plan)
    network.settle(one, other)
    other.plans.approve(plan)
    network.settle(one, other)
    return network, one, other, plan, firewall


def test_effect_is_brought_about_once_and_undone_when_its_time_is_over() -> None:
    network, one, other, plan, firewall = armed()
    assert firewall.asked == []
    one.plans.run(plan)
    assert [(each.method, each.url) for each in firewall.asked] == [("POST", "https://firewall.example/api/block")]
    one.plans.runner.tick()
    assert len(firewall.asked) == 1
    assert states(one, plan)[BLOCK] == "done"
    network.now += 3_601_000
    one.plans.runner.tick()
    assert [each.method for each in firewall.asked] == ["POST", "DELETE"]
    assert firewall.asked[0].key != firewall.asked[1].key
    assert states(one, plan)[BLOCK] == "undone"
    network.settle(one, other)
    assert states(other, plan)[BLOCK] == "undone"
    one.plans.runner.tick()
    assert len(firewall.asked) == 2


def test_nothing_runs_where_nobody_said_so() -> None:
    _, one, _, plan, firewall = armed()
    one.plans.permits.forbid("https://firewall.example/api")
    one.plans.run(plan)
    assert firewall.asked == []
    note = next(each.note for each in one.plans.show(plan).steps if each.id == BLOCK)
    assert note == "No permit on this node covers it."
    one.plans.done(plan, BLOCK, text="Done by hand.")
    assert states(one, plan)[BLOCK] == "done"


def test_protected_value_of_the_other_side_holds_a_step() -> None:
    network, one, other, plan, firewall = armed()
    circle = one.plans.show(plan).circle
    other.plans.protect("# ours\nshop.evil.example\n", circle)
    network.settle(one, other)
    one.plans.run(plan)
    assert firewall.asked == []
    note = next(each.note for each in one.plans.show(plan).steps if each.id == BLOCK)
    assert note == "It touches shop.evil.example, which Birch protects."


@pytest.mark.parametrize("repeatable", [True, False])
def test_crash_in_an_effect_makes_its_step_unsure(repeatable: bool) -> None:
    network, one, other, plan, firewall = armed(repeatable)
    firewall.crash = True
    with pytest.raises(KeyboardInterrupt):
        one.plans.run(plan)
    firewall.crash = False
    one.plans.runner = Runner(one.base, firewall)
    one.plans.runner.tick()
    if repeatable:
        assert states(one, plan)[BLOCK] == "done"
        assert len({each.key for each in firewall.asked}) == 1
        assert len(firewall.asked) == 2
        return
    assert states(one, plan)[BLOCK] == "unsure"
    assert len(firewall.asked) == 1
    one.plans.runner.tick()
    assert len(firewall.asked) == 1
    one.plans.done(plan, BLOCK, text="A person looked: it is blocked.")
    network.settle(one, other)
    assert states(other, plan)[SECOND] == "ready"


def test_permit_covers_only_what_lies_below_it() -> None:
    permit = Permit("http", "https://firewall.example/api")
    for url, allowed in (
        ("https://firewall.example/api", True),
        ("https://firewall.example/apis", False),
        ("https://firewall.example.evil.example/api", False),
        ("http://firewall.example/api", False),
        ("https://firewall.example:8443/api", False),
    ):
        found = cacao.read(blocking(url=url))
        assert (orders(found, found.steps[BLOCK], {}, [permit], "k") is not None) == allowed, url
    assert agent_id("x") != agent_id("y")


def test_agent_without_an_owner_is_refused_until_somebody_says_whose_it_is() -> None:
    _, one, other, circle = pair()
    data = two_sides("Alder", "Nobody")
    with pytest.raises(RefusedError, match="belongs to no member") as refused:
        one.plans.take(data, circle)
    assert refused.value.code == "no-owner"
    assert "--owner" in refused.value.hint
    assert list(one.plans.list()) == []
    made = one.plans.take(data, circle, {"Nobody": other.member})
    assert made.owners[SECOND] == other.member


def test_secret_in_a_playbook_is_never_proposed() -> None:
    _, one, _, circle = pair()
    data = two_sides("Alder", "Birch").replace(
        b'"agent_definitions"',
        b'"authentication_info_definitions": {"http-basic--0f1f4d9e-2d0f-4c3e-9a5d-1f2f3f4f5f6e": '
        b'{"type": "http-basic", "username": "u", "password": "hunter2"}}, "agent_definitions"',
    )
    made = one.plans.take(data, circle)
    assert made.warnings
    with pytest.raises(RefusedError, match="secret"):
        one.plans.propose(made.plan)
    assert one.plans.show(made.plan).state == "draft"


@pytest.mark.parametrize("larger", [0, 2 * SMALL], ids=["small", "large"])
def test_file_is_parsed_once(monkeypatch: pytest.MonkeyPatch, larger: int) -> None:
    _, one, _, circle = pair()
    parsed: list[bytes] = []
    monkeypatch.setattr(cacao, "examine", lambda data, examine=cacao.examine: (parsed.append(data), examine(data))[1])
    data = two_sides("Alder", "Birch").replace(b"Close the gap", b"Close it once") + b" " * larger
    made = one.plans.take(data, circle)
    one.plans.show(made.plan)
    one.plans.propose(made.plan)
    one.plans.approve(made.plan)
    one.plans.stix(made.plan)
    assert parsed == [data]


def test_broken_file_is_refused_each_time_with_the_same_words() -> None:
    _, one, _, circle = pair()
    told: list[InvalidError] = []
    for _ in range(2):
        with pytest.raises(InvalidError) as refused:
            one.plans.take(b'{"type": "playbook"}', circle)
        told.append(refused.value)
    assert told[0] is not told[1]
    assert [vars(each) for each in told] == [vars(told[0])] * 2


def test_no_step_of_a_plan_with_a_deadline_is_reported_after_a_refusal() -> None:
    network, one, other, circle = pair()
    plan = propose(one, circle, two_sides("Alder", "Birch"), network.now + 60_000)
    network.settle(one, other)
    other.plans.approve(plan, refuse="Not now.")
    network.settle(one, other)
    assert one.plans.show(plan).state == "refused"
    with pytest.raises(RefusedError):
        one.plans.done(plan, step_id("start", ""))
