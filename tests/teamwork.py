"""Joint work at random, as people do it through the rooms of their nodes; and what each room shows of it.

For the simulators: every act is that of one member, on what its own node shows it.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import msgspec

from entente import kinds
from entente.core.errors import EntenteError, NotFoundError
from entente.core.ids import b32
from entente.core.times import stamp
from entente.formats.warning_file import read_warning_file
from entente.node.work.acts import Reader, reading
from entente.node.work.plan.plan import plans_of
from playbooks import action, end, playbook, step_id

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from entente.core.kind import Act
    from entente.node import Node
    from network import Network

WORK = {*kinds.WORK, "approval/1"} - {"document/1"}
LOCAL = {"person", "head", "deputy", "note", "armed", "doubts", "problems"}
"""Names of a member's own persons, and what only this node knows of itself."""

MINUTE = 60_000
ENOUGH = 3
FAR = 10**9
"""A date long after the end of a run; others are past by then, so that all see the same of what is overdue."""

WARNING = (
    b'{"title": "T", "text": "X", "likelihood": "likely", "confidence": "low", '
    b'"sources": [{"name": "N", "grade": "B2"}]}'
)


class Teamwork:
    """Does things in the rooms of whoever is asked; NotFoundError if there is nothing to do them with."""

    def __init__(self, chance: random.Random, network: Network) -> None:
        self.chance = chance
        self.network = network

    def acts(self) -> list[tuple[int, Callable[[Node, str], object]]]:
        """Return what may be done, with weights; each takes a node and one of its circles."""
        return [
            (2, self.ask), (4, self.answer), (2, self.convene), (3, self.join), (1, self.delegate), (1, self.point),
            (3, self.decide), (5, self.vote), (3, self.sign_minutes), (2, self.open_case), (3, self.task),
            (4, self.change), (4, self.propose), (1, self.stop), (3, self.object), (2, self.warn), (3, self.assess),
            (2, self.tick),
        ]  # fmt: skip

    def some(self, count: int) -> list[Callable[[Node, str], object]]:
        """Return what is to be tried now; plans that wait for the member come first, for they take many turns."""
        acts = self.acts()
        duties = [self.approve, self.run, self.report]
        return [*duties, *self.chance.choices([act for _, act in acts], [weight for weight, _ in acts], k=count)]

    def date(self) -> int:
        """Return a date that is past when a run ends, or one that is not."""
        return self.network.now + self.chance.choice([FAR, self.chance.randrange(1, 30 * MINUTE)])

    def open(self, node: Node, kind: str, *, mine: bool | None = None) -> list[str]:
        """Return the ids of the things of this kind in rooms that are open."""
        with reading(node.base) as board:
            return [
                b32(act.place.leaf)
                for act in board.acts(kind)
                if board.in_force.rooms.is_current(board.room_of(act)) and mine in (None, act.author == node.base.me)
            ]

    def one(self, node: Node, kind: str, *, mine: bool | None = None) -> str:
        return self.choose(self.open(node, kind, mine=mine))

    def few(self, node: Node, kind: str) -> None:
        """Raise NotFoundError where there is enough of a kind: members are to go on with what there is."""
        if len(self.open(node, kind)) >= ENOUGH:
            raise NotFoundError("There is enough.", code="enough")

    def choose(self, found: list[str]) -> str:
        if not found:
            raise NotFoundError("There is none yet.", code="none")
        return self.chance.choice(found)

    def ask(self, node: Node, circle: str) -> None:
        self.few(node, "request/1")
        node.requests.ask(circle, f"Question {self.chance.random()}", self.date())

    def answer(self, node: Node, circle: str) -> None:
        del circle
        row = self.one(node, "request/1", mine=False)
        node.requests.answer(row, "An answer", refuse=self.chance.random() < 0.3)

    def convene(self, node: Node, circle: str) -> None:
        self.few(node, "session/1")
        node.sessions.open(circle, self.date(), "Session")

    def join(self, node: Node, circle: str) -> None:
        del circle
        node.sessions.join(self.one(node, "session/1"))

    def delegate(self, node: Node, circle: str) -> None:
        del circle
        node.sessions.delegate(self.one(node, "session/1"), "operator")

    def point(self, node: Node, circle: str) -> None:
        del circle
        node.sessions.add(self.one(node, "session/1"), "A point", priority=self.chance.randrange(1, 6))

    def decide(self, node: Node, circle: str) -> None:
        del circle
        node.sessions.decide(self.one(node, "session/1"), f"Decision {self.chance.random()}")

    def vote(self, node: Node, circle: str) -> None:
        """Vote on a decision, after joining its session if need be."""
        del circle
        found = node.sessions.decision(self.one(node, "decision/1"))
        node.sessions.join(found.session)
        yes, words = self.chance.random() < 0.7, self.chance.choice(["", "Because."])
        node.sessions.vote(found.id, yes=yes, text=words)

    def sign_minutes(self, node: Node, circle: str) -> None:
        del circle
        node.minutes.sign(self.one(node, "session/1"), anew=self.chance.random() < 0.3)

    def open_case(self, node: Node, circle: str) -> None:
        self.few(node, "case/1")
        node.cases.open(circle, "Case")

    def task(self, node: Node, circle: str) -> None:
        del circle
        case = self.one(node, "case/1")
        node.cases.task(case, f"Task {self.chance.random()}")
        node.cases.note(case, "A note")

    def change(self, node: Node, circle: str) -> None:
        del circle
        view = node.cases.show(self.one(node, "case/1"))
        task = self.chance.choice(["", *(each.id for each in view.tasks)])
        state = self.chance.choice(["open", "doing", "done"] if task else ["open", "closed"])
        node.cases.set(view.id, task=task, state=state, owner=self.chance.choice([None, "", node.member]))

    def propose(self, node: Node, circle: str) -> None:
        """Propose a plan with a step each of two members of the circle; sometimes with a deadline."""
        self.few(node, "plan/1")
        room = next(each for each in node.agreements.circles() if each.id == circle)
        members = self.chance.sample(room.members, len(room.members))
        members.sort(key=lambda each: each != node.member and self.chance.random() < 0.6)
        one, other = (self.network.node(each).name for each in members[:2])
        first, second = step_id("action", "first"), step_id("action", "second")
        steps = {first: action(one, second, name="first"), second: action(other, end(), name="second")}
        made = node.plans.take(playbook(steps, agents=[one, other], start=first), circle)
        node.plans.propose(made.plan, self.chance.choice([0, 0, self.date()]))

    def plans(self, node: Node, *states: str) -> list[str]:
        return [each.plan for each in node.plans.list() if each.state in states]

    def approve(self, node: Node, circle: str) -> None:
        """Approve whatever was proposed and not answered."""
        del circle
        waiting = [each for each in self.plans(node, "proposed") if not self.answered(node, each)]
        self.choose(waiting)
        for each in self.chance.sample(waiting, len(waiting)):
            node.plans.approve(each, refuse="No." if self.chance.random() < 0.05 else "")

    def answered(self, node: Node, plan: str) -> bool:
        """Say whether a plan was answered, or is too late to be."""
        found = node.plans.show(plan)
        late = bool(found.deadline) and found.deadline < stamp(self.network.now)
        return (late and self.chance.random() < 0.9) or node.member in {
            vote.member for vote in (*found.approvals, *found.refusals)
        }

    def run(self, node: Node, circle: str) -> None:
        del circle
        waiting = self.plans(node, "approved", "running")
        self.choose(waiting)
        for each in waiting:
            node.plans.run(each)

    def report(self, node: Node, circle: str) -> None:
        del circle
        running = [node.plans.show(each) for each in self.plans(node, "running")]
        ready = [
            (plan.plan, step.id)
            for plan in running
            for step in plan.steps
            if step.state == "ready" and step.owner == node.member and step.type == "action"
        ]
        self.choose([plan for plan, _ in ready])
        for plan, step in ready:
            node.plans.done(plan, step, text="Done.", failed=self.chance.random() < 0.1)

    def stop(self, node: Node, circle: str) -> None:
        del circle
        plan = self.choose(self.plans(node, "proposed", "approved", "running"))
        if self.chance.random() < 0.4:
            node.plans.stop(plan, text="Enough.")

    def object(self, node: Node, circle: str) -> None:
        del circle
        with reading(node.base) as board:
            plans = [plan.id for plan in plans_of(board) if plan.outcome is not None]
        node.plans.object(self.choose(plans), "other", "Not so.")

    def warn(self, node: Node, circle: str) -> None:
        self.few(node, "warning/1")
        done = node.warnings.publish(circle, read_warning_file(WARNING)[0], until=self.chance.choice([0, self.date()]))
        if done.preview is not None:
            raise NotFoundError("A rule keeps the warning back.", code="kept-back")

    def assess(self, node: Node, circle: str) -> None:
        del circle
        row = self.one(node, "warning/1", mine=False)
        done = node.warnings.assess(row, agree=self.chance.random() < 0.5, text="We see it too.")
        if done.preview is not None:
            raise NotFoundError("A rule keeps the opinion back.", code="kept-back")

    def tick(self, node: Node, circle: str) -> None:
        """Let the node do for its plans what is due."""
        del circle
        node.plans.runner.tick()


def shown(value: Any) -> Any:
    """Return a view without what is local."""
    if isinstance(value, dict):
        return {key: shown(each) for key, each in value.items() if key not in LOCAL}
    return [shown(each) for each in value] if isinstance(value, list) else value


def own_acts(node: Node) -> set[str]:
    """Return the references of the joint work of a member that counts at its own node."""
    with reading(node.base) as board:
        acts = board.in_force.view.acts
        return {ref for ref, act in acts.items() if act.author == node.base.me and act.kind in WORK}


def in_room(board: Reader, room: bytes) -> dict[str, Act]:
    """Return the joint work of a room that counts, by reference."""
    return {ref: act for ref, act in board.in_force.view.acts.items() if act.circle == room and act.kind in WORK}


def views(node: Node, room: bytes) -> dict[str, bytes]:
    """Return everything that the rooms of a node show of the things of one room, without what is local."""
    with reading(node.base) as board:
        things: dict[str, list[str]] = defaultdict(list)
        for act in in_room(board, room).values():
            things[act.kind].append(b32(act.place.leaf))
        plans = [plan.id for plan in plans_of(board) if plan.act.circle == room]
    looks: list[tuple[str, list[str], Callable[[str], Any]]] = [
        ("request", things["request/1"], node.requests.show),
        ("warning", things["warning/1"], node.warnings.show),
        ("session", things["session/1"], node.sessions.show),
        ("minutes", things["session/1"], node.minutes.text),
        ("case", things["case/1"], node.cases.show),
        ("plan", plans, node.plans.show),
    ]
    return {f"{name} {id_}": _look(look, id_) for name, ids, look in looks for id_ in ids}


def _look(look: Callable[[str], Any], id_: str) -> bytes:
    try:
        return msgspec.json.encode(shown(msgspec.to_builtins(look(id_))))
    except EntenteError as problem:
        return problem.code.encode()


def wordless(node: Node, room: bytes, among: set[str]) -> list[str]:
    """Return those acts of a room, of these references, whose words are not held."""
    with reading(node.base) as board:
        acts = [act for ref, act in in_room(board, room).items() if ref in among]
        texts = [act for act in acts if str(act.body.get("content", ""))]
        return [act.place.ref for act in texts if board.document(act, str(act.body["content"]))[0] is None]


def waiting(node: Node) -> list[Act]:
    """Return the acts at which logs stand, each because of an entry that has not been judged."""
    with reading(node.base) as board:
        return [act for acts in board.in_force.view.waiting.values() for act in acts]
