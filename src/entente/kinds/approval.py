"""Approvals: a member's one final answer to an agreement or a circle (docs/protocol/3-kinds.md, "In force")."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from entente.core.errors import InvalidError
from entente.core.ids import Member, unb32
from entente.core.kind import ALLOW, Act, Context, Given, Judgement, Traits, deny, unknown
from entente.core.layers import Layers
from entente.core.shape import check_after, check_fields, check_person, names_leaf
from entente.ledger.view import missing

if TYPE_CHECKING:
    from collections.abc import Mapping


class Answer(Struct, frozen=True):
    """What a member answered: "approve" or "refuse", which person said so, at which claimed time (ms), and where."""

    answer: str
    person: str
    time: int
    ref: str


State = Layers[bytes, dict[Member, Answer]]


class ApprovalKind:
    """Entries of kind `approval/1`; the state holds each member's answer by agreement or circle."""

    name = "approval/1"
    traits = Traits(early=True)

    def check(self, body: Mapping[str, object]) -> None:
        """Raise InvalidError unless the body is an answer to something."""
        check_fields(body, {"of": str, "revision": str, "answer": str, "person": str, "after": list})
        unb32(str(body["of"]), 32)
        unb32(str(body["revision"]), 32)
        check_person(body)
        check_after(body)
        if body["answer"] not in {"approve", "refuse"}:
            raise InvalidError("An answer is approve or refuse.")

    def start(self) -> State:
        """Return no answers."""
        return Layers()

    def judge(self, state: State, act: Act, context: Context) -> Judgement:
        """Allow a member's first answer to what this room was asked, or to the agreement or circle that it is."""
        of = unb32(str(act.body["of"]), 32)
        if unb32(str(act.body["revision"]), 32) != context.revision(act.circle):
            return deny("revision")
        if gap := missing(context, check_after(act.body)):
            return unknown(gap)
        wrong = "" if of in _founding_things(act.circle, context) else _not_asked(state, of, act, context)
        if wrong:
            return deny(wrong)
        return deny("answered") if act.author in state.get(of, {}) else ALLOW

    def apply(self, state: State, act: Act) -> None:
        """Count the answer, and among rivals the first approval."""
        of = unb32(str(act.body["of"]), 32)
        answer = Answer(str(act.body["answer"]), str(act.body["person"]), act.time, act.place.ref)
        state[of] = {**state.get(of, {}), act.author: answer}

    def weigh(self, body: Mapping[str, object]) -> tuple[str, int]:
        """Let an approval outweigh a refusal: what came into force by it is not undone."""
        return str(body.get("of")), int(body.get("answer") == "approve")

    def answers(self, state: State, of: bytes) -> Mapping[Member, Given]:
        """Return each member's answer to a thing."""
        return {member: Given(answer.answer == "approve", answer.ref) for member, answer in state.get(of, {}).items()}


def _founding_things(circle: bytes, context: Context) -> frozenset[bytes]:
    """Return what the room itself asks its members to sign: the agreement's revision, or the circle."""
    if context.founding(circle):
        return frozenset({context.revision(circle)})
    return frozenset({context.public(circle)})


def _not_asked(state: State, of: bytes, act: Act, context: Context) -> str:
    """Return why an answer to a thing does not count, "" if it does."""
    asked = context.thing(of)
    if asked is None or not names_leaf(act.body, str(act.body["of"])):
        return "nothing-asked"
    if asked.circle != act.circle:
        return "wrong-room"
    if act.author not in asked.voters:
        return "concerned"
    rival = asked.rivals and any(
        given.answer == "approve" and other != of and _rivals(context, other) == asked.rivals
        for other, answers in state.items()
        if (given := answers.get(act.author)) is not None
    )
    return "stale" if rival and act.body["answer"] == "approve" else ""


def _rivals(context: Context, thing: bytes) -> bytes:
    asked = context.thing(thing)
    return asked.rivals if asked is not None else b""


KIND = ApprovalKind()
