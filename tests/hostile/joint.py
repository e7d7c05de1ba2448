"""Joint work with a member that lies: what honest members have begun, and what the liar writes about it."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from entente.core import canon
from entente.core.ids import b32, origin_hash, unb32
from entente.core.kind import Place
from entente.ledger.log import Draft
from entente.node.work.acts import reading
from playbooks import plan_in, step_id, two_sides
from stories.homes import agree
from stories.story import forge, indicator, refusals

if TYPE_CHECKING:
    from collections.abc import Callable

    from entente.core.kind import Act
    from entente.node import Node
    from hostile.peer import Scene

PERSON = b32(b"h" * 16)
NOWHERE = b32(b"w" * 32)
HOUR = 3_600_000
FIRST, SECOND = step_id("action", "first"), step_id("action", "second")


def head(media: str = "text/plain", marking: str = "TLP:GREEN") -> bytes:
    return canon.encode({"marking": marking, "media": media, "person": PERSON}) + b"\n"


def append(node: Node, circle: str, kind: str, data: bytes) -> Place:
    """Append anything to a member's own log, as if its program had no rules."""
    base = node.base
    with base.store.write() as tx:
        room = base.find_circle(base.in_force(tx), circle)
        _, places = base.append(tx, room, [Draft(kind, base.clock(), b"", data)])
    base.guard.mark()
    base.changed.set()
    return places[0]


def write(node: Node, circle: str, kind: str, body: dict[str, object], *after: str) -> Place:
    """Append any act to a member's own log."""
    return append(node, circle, kind, canon.encode({"person": PERSON, "after": sorted(after), **body}))


class Told:
    """Two honest members that have begun all kinds of work, and one that lies about it."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.circle = scene, scene.circle
        self.harbour, self.northwind, self.summit = scene.harbour.node, scene.northwind.node, scene.summit.node
        self.honest = (self.harbour, self.northwind)
        self.now = self.harbour.base.clock()
        self.request = self.harbour.requests.ask(
            self.circle, "Who was it?", self.now + HOUR, to=[self.northwind.member]
        ).id
        self.session = self.harbour.sessions.open(self.circle, self.now + HOUR, "The quay").session
        self.case = self.harbour.cases.open(self.circle, "The quay").id
        scene.settle()
        self.decision = self.harbour.sessions.decide(self.session, "We close it.").id
        self.plan = self.in_force()
        self.other = self.proposed()
        self.timed = self.proposed(self.now + 24 * HOUR)
        self.elsewhere = agree(self.harbour, self.summit, name="Elsewhere")
        self.strange = self.act("case/1", {"content": self.text("Elsewhere", self.elsewhere)}, circle=self.elsewhere)
        scene.settle()

    def proposed(self, deadline: int = 0) -> str:
        plan = self.harbour.plans.take(two_sides("Harbour", "Northwind"), self.circle).plan
        self.harbour.plans.propose(plan, deadline)
        self.scene.settle()
        return plan

    def in_force(self) -> str:
        plan = self.proposed()
        for node in (*self.honest, self.summit):
            node.plans.approve(plan)
            self.scene.settle()
        assert self.northwind.plans.show(plan).state == "approved"
        return plan

    # What the liar writes.

    def entry(self, kind: str, data: bytes, circle: str = "") -> Place:
        """Append anything to the liar's own log."""
        return append(self.summit, circle or self.circle, kind, data)

    def act(self, kind: str, body: dict[str, object], *after: str, circle: str = "") -> Place:
        return write(self.summit, circle or self.circle, kind, body, *after)

    def text(self, words: str = "Some words.", circle: str = "", media: str = "text/plain") -> str:
        return self.entry("document/1", head(media) + words.encode(), circle).ref

    def answer(self, thing: str, answer: str = "approve", *after: str, circle: str = "") -> Place:
        body: dict[str, object] = {"of": b32(unb32(thing, 32)), "revision": self.revision(circle), "answer": answer}
        return self.act("approval/1", body, *after, circle=circle)

    def revision(self, circle: str = "") -> str:
        with self.summit.base.store.read() as tx:
            base = self.summit.base
            return b32(base.find_circle(base.in_force(tx), circle or self.circle).revision)

    def ask(self, kind: str, body: dict[str, object], needed: int = 3, voters: list[str] | None = None) -> Place:
        everybody = sorted(node.member for node in (*self.honest, self.summit))
        return self.act(kind, {**body, "voters": everybody if voters is None else voters, "needed": needed})

    # What there is.

    def find(self, kind: str, id_: str) -> Act:
        with reading(self.harbour.base) as board:
            return board.find(kind, id_, kind)

    def planned(self, plan: str) -> Act:
        with reading(self.harbour.base) as board:
            return plan_in(board, plan).act

    def force(self, plan: str) -> list[str]:
        with reading(self.harbour.base) as board:
            return plan_in(board, plan).force()

    def step(self, plan: str, step: str, *, force: list[str] | None = None, **more: object) -> Place:
        act = self.planned(plan)
        body: dict[str, object] = {
            "plan": act.place.ref,
            "step": step,
            "visit": 1,
            "state": "done",
            "result": "",
            "because": [],
            "force": self.force(plan) if force is None else force,
            "outputs": [],
        }
        return self.act("step/1", body | more)

    def skeleton(self, plan: str) -> list[dict[str, object]]:
        with reading(self.harbour.base) as board:
            return [bone.to_dict() for bone in plan_in(board, plan).signed]

    def propose(self, data: bytes, steps: list[dict[str, object]], **more: object) -> Place:
        """Propose a plan of the liar's with whatever skeleton."""
        content = self.entry("document/1", head("application/cacao+json") + data).ref
        body: dict[str, object] = {
            "nonce": b32(sha256(canon.encode({"n": content})).digest()[:16]),
            "content": content,
            "hash": b32(sha256(data).digest()),
            "decision": "",
            "steps": steps,
            "exception": "",
            "deadline": 0,
        }
        needed = more.pop("needed", 3)
        assert isinstance(needed, int)
        voters = more.pop("voters", None)
        assert voters is None or isinstance(voters, list)
        return self.ask("plan/1", body | more, needed, voters)

    def verdict(self, node: Node, place: Place) -> str:
        """Return what a member makes of an entry: "" if it counts, "waits", or the reason why it is refused."""
        log = b32(place.log)
        named = [reason for of, reason, index in refusals(node, self.circle) if (of, index) == (log, place.index)]
        if named:
            return named[0]
        with reading(node.base) as board:
            judged = board.in_force.view.judged.get(place.ref)
        return "waits" if judged is None else judged.detail

    def verdicts(self, place: Place) -> set[str]:
        """Return what the honest members make of an entry once it has come to both."""
        self.scene.settle()
        return {self.verdict(node, place) for node in self.honest}


def plan_body(told: Told, **more: object) -> dict[str, object]:
    return {"of": b32(told.planned(told.other).place.leaf), "result": "in-force", "counted": []} | more


def item(told: Told) -> str:
    """Share an indicator and return the reference of its entry."""
    forge(told.summit, told.circle, indicator(7))
    row = told.scene.summit.row(told.circle)
    with told.summit.base.store.read() as tx:
        leaf = tx.logs.node(row.id, 0, row.size - 1)
    return Place(origin_hash(row.origin), row.size - 1, leaf).ref


def voted_twice(told: Told) -> Place:
    decision = told.find("decision/1", told.decision).place
    told.answer(b32(decision.leaf), "refuse", decision.ref)
    return told.answer(b32(decision.leaf), "approve", decision.ref)


def session_body(told: Told) -> dict[str, object]:
    return {"content": told.text(), "at": told.now + HOUR, "quorum": 0}


def decision_body(told: Told) -> dict[str, object]:
    session = told.find("session/1", told.session).place.ref
    return {"session": session, "content": told.text(), "plan": "", "about": [], "owner": "", "due": 0}


def minutes_body(told: Told) -> dict[str, object]:
    return {"session": told.find("session/1", told.session).place.ref, "content": told.text(media="text/markdown")}


def delegation_body(told: Told) -> dict[str, object]:
    session = told.find("session/1", told.session).place.ref
    return {"session": session, "head": PERSON, "deputy": "", "reason": "succession"}


def change_body(told: Told) -> dict[str, object]:
    case = told.find("case/1", told.case).place.ref
    return {"case": case, "field": "state", "target": "", "value": "", "time": 0, "content": ""}


def bones(told: Told, owner: str = "", count: int = 3, pad: int = 0, next: str = "") -> list[dict[str, object]]:  # noqa: A002 - its field
    """Return a row of actions of the liar, or of whoever is named."""
    ids = ["start", *(f"action--{number}{'x' * pad}" for number in range(count - 2)), "end"]
    types = ["start", *["action"] * (count - 2), "end"]
    return [
        {
            "id": id_[:100],
            "type": type_,
            "owner": owner or told.summit.member,
            "next": "" if type_ == "end" else (next or then[:100]),
            "failed": "",
            "branches": [],
            "undo": "",
        }
        for id_, type_, then in zip(ids, types, [*ids[1:], ""], strict=True)
    ]


def mine(told: Told, **more: object) -> tuple[Place, Callable[..., Place], str]:
    """Propose a plan of the liar's own; return it, how to report its start, and the liar's own refusal of it."""
    shape = {name: more.pop(name) for name in ("owner", "count", "pad", "next") if name in more}
    plan = told.propose(b"{}", bones(told, **shape), **more)  # type: ignore[arg-type]
    refused = told.answer(b32(plan.leaf), "refuse", plan.ref).ref

    def report(**changes: object) -> Place:
        body: dict[str, object] = {
            "plan": plan.ref,
            "step": "start",
            "visit": 1,
            "state": "done",
            "result": "",
            "because": [],
            "outputs": [],
        }
        return told.act("step/1", body | changes)

    return plan, report, refused


def due(told: Told) -> dict[str, object]:
    """Return what an outcome of an honest member's plan would say."""
    return {"of": b32(told.planned(told.timed).place.leaf), "result": "in-force", "counted": []}


def due_ref(told: Told) -> str:
    return told.planned(told.timed).place.ref


def own_outcome(told: Told, counted: list[str] | None = None, *, itself: bool = False) -> Place:
    plan, _, _ = mine(told, deadline=told.now + 24 * HOUR)
    named = [plan.ref] if itself else counted or []
    return told.act("outcome/1", {"of": b32(plan.leaf), "result": "in-force", "counted": named}, plan.ref)


def proposed_twice(told: Told) -> Place:
    nonce = b32(b"2" * 16)
    told.propose(b"{}", bones(told), nonce=nonce)
    return told.propose(b"{}", bones(told, count=5), nonce=nonce)


def refused_and_begun(told: Told) -> Place:
    """Begin a plan by force of one's own refusal of it."""
    _, report, refused = mine(told)
    return report(force=[refused])
