"""Outcomes: the proposer of a thing with a deadline says how it ended (docs/protocol/11-joint-work.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from entente.core.errors import InvalidError
from entente.core.ids import unb32
from entente.core.kind import ALLOW, Act, Asks, Context, Judgement, Traits, deny, unknown
from entente.core.layers import Layers
from entente.core.recorded import Recorded, check_word
from entente.core.shape import check_after, check_fields, check_person, check_refs, names_leaf
from entente.policy.approval import APPROVE, State, carried

if TYPE_CHECKING:
    from collections.abc import Mapping

IN_FORCE = "in-force"
EXPIRED = "expired"
REASONS = ("left-out", "late", "other")
_FAMILY: Final = "plan/1"

Outcomes = Layers[bytes, Act]


class OutcomeKind:
    """Entries of kind `outcome/1`; the state holds the one outcome of each thing."""

    name = "outcome/1"
    traits = Traits(family=_FAMILY)

    def check(self, body: Mapping[str, object]) -> None:
        """Raise InvalidError unless the body says how a thing ended and which approvals were counted."""
        check_fields(body, {"of": str, "result": str, "counted": list, "person": str, "after": list})
        unb32(str(body["of"]), 32)
        check_person(body)
        counted = check_refs(body, "counted")
        if body["result"] not in {IN_FORCE, EXPIRED} or len(set(counted)) != len(counted):
            raise InvalidError(f"An outcome is {IN_FORCE} or {EXPIRED}, and counts an approval once.")
        if not names_leaf(body, str(body["of"])):
            raise InvalidError("An outcome names the act that it decides about in `after`.")

    def start(self) -> Outcomes:
        """Return no outcomes."""
        return Layers()

    def judge(self, state: Outcomes, act: Act, context: Context) -> Judgement:
        """Allow the proposer's first outcome, when it follows from the approvals that it counts."""
        counted = check_refs(act.body, "counted")
        for ref in (*check_after(act.body), *counted):
            if not context.known(ref):
                return unknown(ref)
        of = unb32(str(act.body["of"]), 32)
        asked = context.thing(of)
        if asked is None:
            return deny("nothing-asked")
        wrong = _wrong(asked, act, decided=of in state)
        if not wrong and not _follows(asked, act, counted, context):
            wrong = "counted"
        return deny(wrong) if wrong else ALLOW

    def apply(self, state: Outcomes, act: Act) -> None:
        """Keep the outcome."""
        state[unb32(str(act.body["of"]), 32)] = act

    def weigh(self, body: Mapping[str, object]) -> tuple[str, int]:
        """Let what brings a thing into force outweigh what ends it."""
        return str(body.get("of")), int(body.get("result") == IN_FORCE)

    def decided(self, state: Outcomes, of: bytes) -> tuple[bool, str] | None:
        """Return whether the thing is in force, and the reference of the outcome; None while undecided."""
        act = state.get(of)
        return None if act is None else (act.body["result"] == IN_FORCE, act.place.ref)


def _wrong(asked: Asks, act: Act, *, decided: bool) -> str:
    """Return why this author may not decide this now, "" if it may."""
    if asked.circle != act.circle:
        return "wrong-room"
    if not asked.deadline:
        return "no-deadline"
    if asked.proposer != act.author:
        return "not-proposer"
    return "decided" if decided else ""


def _follows(asked: Asks, act: Act, counted: list[str], context: Context) -> bool:
    """Say whether the result is what the approvals named amount to."""
    given = {answer.ref: member for member, answer in context.answers(asked.thing).items() if answer.approves}
    if not set(counted) <= given.keys():
        return False
    approvers = {given[ref] for ref in counted}
    in_force = carried(asked.voters, asked.needed, dict.fromkeys(approvers, APPROVE), asked.must) is State.IN_FORCE
    return in_force == (act.body["result"] == IN_FORCE)


def _reason(body: Mapping[str, object]) -> None:
    check_word(body, "reason", REASONS)


KIND = OutcomeKind()

OBJECTION = Recorded(
    "objection/1",
    {"of": str, "reason": str, "content": str},
    about={"of": (OutcomeKind.name,)},
    content=("content",),
    optional=("content",),
    values=_reason,
    family=_FAMILY,
)
"""Entries of kind `objection/1`: whoever doubts an outcome says so on record."""
