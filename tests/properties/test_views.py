"""Views of joint work are the same at every member, byte for byte, whatever each did offline and what arrived first.

Three members do random things about requests, warnings, sessions, plans and cases, and meet by twos at random; some
entries come by the third. At the end everybody has everything, and every room must show everybody the same.
"""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from entente.core.errors import ConflictError, NotFoundError, RefusedError, WaitingError
from entente.formats.warning_file import read_warning_file
from entente.kinds import KINDS
from network import Network
from playbooks import action, end, playbook, step_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from entente.node import Node

NAMES = ("Alder", "Birch", "Cedar")
LOCAL = {"person", "head", "deputy", "note", "armed", "doubts", "problems", "mine", "waiting"}
"""Names of a member's own persons, and what only this node knows of itself."""

QUICK, ALL = 12, 300
FAR = 10**9
SEEDS = [*range(QUICK), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(QUICK, ALL))]


def shown(value: Any) -> Any:
    """Return a view without what is local."""
    if isinstance(value, dict):
        return {key: shown(each) for key, each in value.items() if key not in LOCAL}
    return [shown(each) for each in value] if isinstance(value, list) else value


class Crowd:
    """Members that do random things."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.network = Network(seed)
        self.nodes = [self.network.add(name) for name in NAMES]
        self.circle = self.network.agree(*self.nodes, name="Circle", kinds=ALL_KINDS)
        self.done: Counter[str] = Counter()

    def play(self, turns: int) -> None:
        acts: list[Callable[[Node], object]] = [
            self.ask, self.answer, self.open, self.join, self.point, self.decide, self.vote, self.sign, self.case,
            self.task, self.change, self.propose, self.approve, self.run, self.report, self.stop, self.warn,
            self.assess, self.delegate,
        ]  # fmt: skip
        for _ in range(turns):
            node = self.chance.choice(self.nodes)
            if self.chance.random() < 0.3:
                other = self.chance.choice([each for each in self.nodes if each is not node])
                node.exchange.sync(other.member)
                continue
            act = self.chance.choice(acts)
            try:
                act(node)
                self.done[act.__name__] += 1
            except (ConflictError, NotFoundError, RefusedError, WaitingError) as problem:
                self.done[f"{act.__name__}: {problem.code}"] += 1

    def one(self, rows: list[str]) -> str:
        if not rows:
            raise NotFoundError("There is none yet.")
        return self.chance.choice(rows)

    def ask(self, node: Node) -> None:
        node.requests.ask(self.circle, f"Question {self.chance.random()}", self.network.now + FAR)

    def answer(self, node: Node) -> None:
        row = self.one([each.id for each in node.requests.list() if each.from_ != node.member])
        node.requests.answer(row, "An answer", refuse=self.chance.random() < 0.3)

    def open(self, node: Node) -> None:
        node.sessions.open(self.circle, self.network.now + FAR, "Session")

    def session(self, node: Node) -> str:
        return self.one([each.session for each in node.sessions.list()])

    def join(self, node: Node) -> None:
        node.sessions.join(self.session(node))

    def delegate(self, node: Node) -> None:
        node.sessions.delegate(self.session(node), "operator")

    def point(self, node: Node) -> None:
        node.sessions.add(self.session(node), "A point", priority=self.chance.randrange(1, 6))

    def decide(self, node: Node) -> None:
        node.sessions.decide(self.session(node), f"Decision {self.chance.random()}")

    def vote(self, node: Node) -> None:
        view = node.sessions.show(self.session(node))
        decision = self.one([each.id for each in view.decisions])
        node.sessions.vote(decision, yes=self.chance.random() < 0.7, text=self.chance.choice(["", "Because."]))

    def sign(self, node: Node) -> None:
        node.minutes.sign(self.session(node), anew=self.chance.random() < 0.3)

    def case(self, node: Node) -> None:
        node.cases.open(self.circle, "Case")

    def task(self, node: Node) -> None:
        case = self.one([each.id for each in node.cases.list()])
        node.cases.task(case, f"Task {self.chance.random()}")
        node.cases.note(case, "A note")

    def change(self, node: Node) -> None:
        view = node.cases.show(self.one([each.id for each in node.cases.list()]))
        task = self.chance.choice(["", *(each.id for each in view.tasks)])
        state = self.chance.choice(["open", "doing", "done"] if task else ["open", "closed"])
        node.cases.set(view.id, task=task, state=state)

    def propose(self, node: Node) -> None:
        first, second = step_id("action", "first"), step_id("action", "second")
        one, other = self.chance.sample(NAMES, 2)
        steps = {first: action(one, second, name="first"), second: action(other, end(), name="second")}
        made = node.plans.take(playbook(steps, agents=[one, other], start=first), self.circle)
        node.plans.propose(made.plan, self.chance.choice([0, self.network.now + FAR]))

    def plan(self, node: Node) -> str:
        return self.one([each.plan for each in node.plans.list()])

    def approve(self, node: Node) -> None:
        for each in node.plans.list():
            if each.state == "proposed":
                node.plans.approve(each.plan, refuse="No." if self.chance.random() < 0.05 else "")

    def run(self, node: Node) -> None:
        for each in node.plans.list():
            if each.state in {"approved", "running"}:
                node.plans.run(each.plan)

    def report(self, node: Node) -> None:
        found = node.plans.show(self.one([each.plan for each in node.plans.list() if each.state == "running"]))
        ready = [each.id for each in found.steps if each.state == "ready" and each.owner == node.member]
        node.plans.done(found.plan, self.one(ready), text="Done.", failed=self.chance.random() < 0.1)

    def stop(self, node: Node) -> None:
        if self.chance.random() < 0.1:
            node.plans.stop(self.plan(node), text="Enough.")

    def warn(self, node: Node) -> None:
        text = (
            '{"title": "T", "text": "X", "likelihood": "likely", "confidence": "low", '
            '"sources": [{"name": "N", "grade": "B2"}]}'
        )
        node.warnings.publish(self.circle, read_warning_file(text.encode())[0])

    def assess(self, node: Node) -> None:
        row = self.one([each.id for each in node.warnings.list() if each.from_ != node.member])
        node.warnings.assess(row, agree=self.chance.random() < 0.5, text="We see it too.")

    def views(self, node: Node) -> dict[str, bytes]:
        """Return everything that the rooms of a member show."""
        encode, raw = msgspec.json.encode, msgspec.to_builtins
        found: dict[str, Any] = {
            "requests": node.requests.list(),
            "warnings": node.warnings.list(),
            "sessions": [node.sessions.show(each.session) for each in node.sessions.list()],
            "minutes": [node.minutes.text(each.session) for each in node.sessions.list()],
            "cases": [node.cases.show(each.id) for each in node.cases.list()],
            "plans": [node.plans.show(each.plan) for each in node.plans.list()],
        }
        return {name: encode(shown(raw(view))) for name, view in found.items()}


ALL_KINDS = sorted(kind.name for kind in KINDS if kind.traits.family == kind.name)
"""What the terms of an agreement can name: the first kind of each family."""


@pytest.mark.parametrize("seed", SEEDS)
def test_every_room_shows_everybody_the_same(seed: int) -> None:
    crowd = Crowd(seed)
    crowd.play(120)
    for _ in range(3):
        crowd.network.settle()
        for node in crowd.nodes:
            node.plans.runner.tick()
    crowd.network.settle()
    first = crowd.views(crowd.nodes[0])
    for node in crowd.nodes[1:]:
        assert crowd.views(node) == first
    for node in crowd.nodes:
        with node.base.store.read() as tx:
            assert not node.base.in_force(tx).view.waiting
    assert sum(count for name, count in crowd.done.items() if ":" not in name) > 20


def test_the_scripts_reach_every_room() -> None:
    done: Counter[str] = Counter()
    for seed in range(4):
        crowd = Crowd(seed)
        crowd.play(160)
        done += crowd.done
    reached = {name for name in done if ":" not in name}
    assert {"ask", "answer", "decide", "vote", "sign", "change", "approve", "warn", "assess", "report"} <= reached
