"""Approvals: a member's one final answer to an agreement or a circle (docs/protocol/3-kinds.md, "In force")."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from msgspec import Struct

from entente.core.errors import InvalidError
from entente.core.ids import Member, unb32
from entente.core.kind import ALLOW, Act, Context, Judgement, deny, unknown
from entente.core.shape import check_after, check_fields, check_person
from entente.ledger.view import missing

if TYPE_CHECKING:
    from collections.abc import Mapping


class Answer(Struct, frozen=True):
    """What a member answered: "approve" or "refuse", which person said so, at which claimed time (ms), and where."""

    answer: str
    person: str
    time: int
    ref: str


State = dict[bytes, dict[Member, Answer]]


class ApprovalKind:
    """Entries of kind `approval/1`; the state holds each member's answer by agreement or circle."""

    name = "approval/1"

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
        return defaultdict(dict)

    def judge(self, state: State, act: Act, context: Context) -> Judgement:
        """Allow a member's first answer to the agreement or circle whose log this is."""
        of = unb32(str(act.body["of"]), 32)
        agreement = context.agreement(act.circle)
        if of != (agreement if context.founding(act.circle) else act.circle):
            return deny("wrong-log")
        if unb32(str(act.body["revision"]), 32) != agreement:
            return deny("revision")
        if gap := missing(context, check_after(act.body)):
            return unknown(gap)
        if act.author in state.get(of, {}):
            return deny("answered")
        return ALLOW

    def apply(self, state: State, act: Act) -> None:
        """Count the answer."""
        answer = Answer(str(act.body["answer"]), str(act.body["person"]), act.time, act.place.ref)
        state[unb32(str(act.body["of"]), 32)][act.author] = answer


KIND = ApprovalKind()
