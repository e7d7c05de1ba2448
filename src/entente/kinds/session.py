"""Joint sessions: who meets when, who is there, what is decided and put on record (docs/protocol/11-joint-work.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from entente.core.canon import MAX_INTEGER
from entente.core.errors import InvalidError
from entente.core.ids import ID_SIZE, b32, unb32
from entente.core.kind import ALLOW, Act, Context, Judgement, deny
from entente.core.recorded import Acts, Recorded, check_number, check_word, number
from entente.core.shape import PERSON_SIZE, check_refs
from entente.policy.approval import quorum

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMED: Final = "named"
SUCCESSION: Final = "succession"
FIRST, LAST = 1, 5
"""The most and the least urgent priority."""
MAX_ABOUT: Final = 16
MAX_QUORUM: Final = 1_000

_SESSION: Final = {"session": ("session/1",)}


def present_needed(session: Act, members: int) -> int:
    """Return how many of so many members have to be present at a session."""
    return number(session.body["quorum"]) or quorum(members)


def _session_values(body: Mapping[str, object]) -> None:
    check_number(body, "at", 1, MAX_INTEGER)
    check_number(body, "quorum", 0, MAX_QUORUM)


def _session_rule(state: Mapping[str, Act], act: Act, context: Context) -> Judgement:
    del state
    members, wanted = len(context.members(act.circle)), number(act.body["quorum"])
    return ALLOW if wanted == 0 or members < 2 * wanted <= 2 * members else deny("quorum")


def _delegation_values(body: Mapping[str, object]) -> None:
    unb32(str(body["head"]), PERSON_SIZE)
    if body["deputy"]:
        unb32(str(body["deputy"]), PERSON_SIZE)
    if body["deputy"] == body["head"]:
        raise InvalidError("The deputy is another person than the head.")
    check_word(body, "reason", (NAMED, SUCCESSION))


def _delegation_rule(state: Acts, act: Act, context: Context) -> Judgement:
    """Let a deputy become head; the author's newest delegation, by its own log, says who that is."""
    del context
    if act.body["reason"] == NAMED:
        return ALLOW
    earlier = [each for each in state.saying("session", str(act.body["session"])) if each.author == act.author]
    deputy = max(earlier, key=lambda each: each.place.index).body["deputy"] if earlier else ""
    return ALLOW if deputy and deputy == act.body["head"] else deny(SUCCESSION)


def _point_values(body: Mapping[str, object]) -> None:
    check_number(body, "priority", FIRST, LAST)


def _decision_values(body: Mapping[str, object]) -> None:
    for name in ("plan", "owner"):
        if body[name]:
            unb32(str(body[name]), ID_SIZE)
    check_number(body, "due", 0, MAX_INTEGER)
    about = check_refs(body, "about", MAX_ABOUT)
    if len(set(about)) != len(about):
        raise InvalidError("A decision names what it is about once.")


def _decision_rule(state: Mapping[str, Act], act: Act, context: Context) -> Judgement:
    del state
    owner = str(act.body["owner"])
    return ALLOW if owner in {"", *map(b32, context.members(act.circle))} else deny("owner")


def _least(act: Act, context: Context) -> int:
    """Return the quorum of the session, which a decision needs at least."""
    session = context.act(str(act.body["session"]))
    return 0 if session is None else present_needed(session, len(context.members(act.circle)))


KIND = Recorded(
    "session/1",
    {"content": str, "at": int, "quorum": int},
    content=("content",),
    values=_session_values,
    rule=_session_rule,
)
"""Entries of kind `session/1`: let us meet; `quorum` is how many members have to be present, 0 for the usual number."""

ATTENDANCE = Recorded("attendance/1", {"session": str}, about=_SESSION, family=KIND.name)
"""Entries of kind `attendance/1`: we are present."""

DELEGATION = Recorded(
    "delegation/1",
    {"session": str, "head": str, "deputy": str, "reason": str},
    about=_SESSION,
    family=KIND.name,
    values=_delegation_values,
    rule=_delegation_rule,
)
"""Entries of kind `delegation/1`: who speaks for the author at a session, and who takes over."""

POINT = Recorded(
    "point/1",
    {"session": str, "content": str, "priority": int},
    about=_SESSION,
    family=KIND.name,
    content=("content",),
    values=_point_values,
)
"""Entries of kind `point/1`: a point of the author's own for the agenda."""

DECISION = Recorded(
    "decision/1",
    {"session": str, "content": str, "plan": str, "about": list, "owner": str, "due": int},
    about=_SESSION,
    family=KIND.name,
    content=("content", "about"),
    values=_decision_values,
    rule=_decision_rule,
    consent="decision",
    least=_least,
)
"""Entries of kind `decision/1`: shall we decide this? The members of the room vote by `approval/1`."""

MINUTES = Recorded(
    "minutes/1",
    {"session": str, "content": str},
    about=_SESSION,
    family=KIND.name,
    content=("content",),
    consent="minutes",
)
"""Entries of kind `minutes/1`: this is what was said and decided; who agrees signs by `approval/1`."""
