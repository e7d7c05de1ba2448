"""Suspension and exit: a member's own acts, in force at once (docs/protocol/7-changes.md, "Suspension and exit")."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from entente.core.errors import InvalidError
from entente.core.ids import Member, unb32
from entente.core.kind import ALLOW, Act, Context, Judgement, Traits, deny
from entente.core.shape import check_after, check_fields, check_person

if TYPE_CHECKING:
    from collections.abc import Mapping

REASONS = ("incident", "breach", "doubt", "other")
STATES = ("suspended", "resumed")
ALL = Member(b"")
"""Stands for every member in a suspension of the whole agreement."""


class Suspension(Struct, frozen=True):
    """Whom a member suspends, why, who said so, when (claimed, ms), in which act."""

    reason: str
    person: str
    time: int
    ref: str


class SuspensionKind:
    """Entries of kind `suspension/1`; the state holds what is suspended now by (agreement, author, member)."""

    name = "suspension/1"
    traits = Traits()
    apart = True

    def check(self, body: Mapping[str, object]) -> None:
        """Raise InvalidError unless the body suspends or resumes with one member or all."""
        check_fields(body, {"member": str, "state": str, "reason": str, "person": str, "after": list})
        if body["member"]:
            unb32(str(body["member"]), 32)
        if body["state"] not in STATES or body["reason"] not in REASONS:
            raise InvalidError(f"A state is {' or '.join(STATES)}, a reason {', '.join(REASONS)}.")
        check_person(body)
        check_after(body)

    def start(self) -> dict[tuple[bytes, Member, Member], Suspension]:
        """Return no suspensions."""
        return {}

    def judge(
        self,
        state: dict[tuple[bytes, Member, Member], Suspension],
        act: Act,
        context: Context,
    ) -> Judgement:
        """Allow it in a founding room."""
        return ALLOW if context.founding(act.circle) else deny("wrong-log")

    def apply(self, state: dict[tuple[bytes, Member, Member], Suspension], act: Act) -> None:
        """Suspend or resume."""
        named = str(act.body["member"])
        key = (act.circle, act.author, Member(unb32(named, 32)) if named else ALL)
        if act.body["state"] == "suspended":
            state[key] = Suspension(str(act.body["reason"]), str(act.body["person"]), act.time, act.place.ref)
        else:
            state.pop(key, None)


KIND = SuspensionKind()
