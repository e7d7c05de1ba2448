"""A room of two in which plans are made and carried out, act by act."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

from entente.core.ids import Member, b32
from entente.core.recorded import consent_needed, voters
from entente.kinds import step as steps
from entente.policy.run import Run, unfold
from entente.policy.workflow import signed_steps
from kinds.circles import ANNA, BORA, PERSON, Circles

if TYPE_CHECKING:
    from entente.core.kind import Act, Context

NONCE, HASH = b"n" * 16, sha256(b"a file").digest()
FILE = f"{b32(b'l' * 32)}/3/{b32(b'e' * 32)}"
DEADLINE = 5000


def skeleton(second: Member = BORA) -> list[dict[str, object]]:
    def one(id_: str, type_: str, owner: Member, next_: str, **more: object) -> dict[str, object]:
        empty: dict[str, object] = {"failed": "", "branches": [], "undo": ""}
        return {"id": id_, "type": type_, "owner": b32(owner), "next": next_} | empty | more

    return [
        one("start", "start", ANNA, "block"),
        one("block", "action", ANNA, "ask"),
        one("ask", "if-condition", ANNA, "end", branches=[["true", "tell"]]),
        one("tell", "action", second, "told"),
        one("told", "end", second, ""),
        one("end", "end", ANNA, ""),
    ]


@dataclass
class Office:
    """A room of two in which plans are made; every method writes an act."""

    circles: Circles = field(default_factory=Circles)

    @property
    def room(self) -> bytes:
        return self.circles.inner

    def write(self, author: Member, kind: str, body: dict[str, object], room: bytes = b"") -> Act:
        return self.circles.write(author, room or self.room, kind, {"person": PERSON, "after": []} | body)

    def plan(self, author: Member = ANNA, room: bytes = b"", **more: object) -> Act:
        body: dict[str, object] = {
            "nonce": b32(NONCE),
            "content": FILE,
            "hash": b32(HASH),
            "decision": "",
            "steps": skeleton(),
            "exception": "",
            "deadline": 0,
            "voters": voters(room or self.room, self.context),
            "needed": consent_needed("plan", room or self.room, self.context),
        }
        return self.write(author, "plan/1", body | more, room)

    @property
    def context(self) -> Context:
        return self.circles.view([])._context

    def approve(self, author: Member, plan: Act, answer: str = "approve") -> str:
        body: dict[str, object] = {
            "of": b32(plan.place.leaf),
            "revision": b32(self.circles.agreement_id),
            "answer": answer,
            "after": [plan.place.ref],
        }
        return self.write(author, "approval/1", body, plan.circle).place.ref

    def outcome(self, author: Member, plan: Act, result: str, *counted: str) -> str:
        body: dict[str, object] = {
            "of": b32(plan.place.leaf),
            "result": result,
            "counted": list(counted),
            "after": [plan.place.ref],
        }
        return self.write(author, "outcome/1", body).place.ref

    def in_force(self) -> tuple[Act, list[str]]:
        plan = self.plan()
        return plan, [self.approve(ANNA, plan), self.approve(BORA, plan)]

    def step(
        self,
        author: Member,
        plan: Act,
        force: list[str],
        name: str = "start",
        state: str = "done",
        *because: str,
        visit: int = 1,
        result: str = "",
        **more: object,
    ) -> str:
        body: dict[str, object] = {
            "plan": plan.place.ref,
            "step": name,
            "visit": visit,
            "state": state,
            "result": result,
            "because": list(because),
            "force": force,
            "outputs": [],
        }
        return self.write(author, "step/1", body | more).place.ref

    def verdict(self, ref: str) -> str:
        """Return why an act does not count: "" if it does, "waits" if something is missing."""
        judged = self.circles.view().judged.get(ref)
        return "waits" if judged is None else judged.detail

    def run(self, plan: Act, acts: list[Act] | None = None) -> Run:
        found = steps.acts_on(self.circles.view(acts).states["step/1"], plan.place.ref)
        return unfold(tuple(signed_steps(plan).values()), "", map(steps.said, found))


def first(plan: Act, force: list[str]) -> dict[str, object]:
    return {
        "plan": plan.place.ref,
        "step": "start",
        "visit": 1,
        "state": "done",
        "result": "",
        "because": [],
        "force": force,
        "outputs": [],
    }
