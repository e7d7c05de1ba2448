"""Requests: what a member wants to know until when, and the answers (docs/protocol/11-joint-work.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from entente.core.canon import MAX_INTEGER
from entente.core.ids import b32
from entente.core.kind import ALLOW, Act, Context, Judgement, deny
from entente.core.recorded import Acts, Recorded, check_number, check_word, first_of_author, refs_in
from entente.policy import spelling

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ANSWERED: Final = "answered"
REFUSED: Final = "refused"
OPEN: Final = "open"
FIRST, LAST = 1, 5
"""The most and the least urgent priority."""


def asked(request: Act, members: Iterable[bytes]) -> list[str]:
    """Return the ids of the members that a request asks, ascending; `members` are those of its room."""
    return refs_in(request.body["to"]) or sorted(b32(each) for each in members if each != request.author)


def state(request: Act, members: Iterable[bytes], replies: Iterable[Act]) -> str:
    """Return `open`, `answered` or `refused`: one answer is enough, a refusal takes all that were asked."""
    given = {b32(each.author): each.body["answer"] for each in replies}
    if ANSWERED in given.values():
        return ANSWERED
    return REFUSED if set(asked(request, members)) <= given.keys() else OPEN


def _request_values(body: Mapping[str, object]) -> None:
    spelling.members(body["to"], "request")
    check_number(body, "priority", FIRST, LAST)
    check_number(body, "due", 1, MAX_INTEGER)


def _request_rule(state: Mapping[str, Act], act: Act, context: Context) -> Judgement:
    del state
    others = {b32(each) for each in context.members(act.circle) if each != act.author}
    return ALLOW if others.issuperset(refs_in(act.body["to"])) else deny("to")


def _reply_values(body: Mapping[str, object]) -> None:
    check_word(body, "answer", (ANSWERED, REFUSED))


def _reply_rule(state: Acts, act: Act, context: Context) -> Judgement:
    request = context.act(str(act.body["of"]))
    if request is None or b32(act.author) not in asked(request, context.members(act.circle)):
        return deny("concerned")
    return ALLOW if first_of_author(state, act, "of") else deny("answered")


KIND = Recorded(
    "request/1",
    {"content": str, "to": list, "priority": int, "due": int},
    content=("content",),
    values=_request_values,
    rule=_request_rule,
)
"""Entries of kind `request/1`: a question with a date; `to` names who is asked, none for all others."""

REPLY = Recorded(
    "reply/1",
    {"of": str, "answer": str, "content": str},
    about={"of": (KIND.name,)},
    content=("content",),
    values=_reply_values,
    family=KIND.name,
    rule=_reply_rule,
)
"""Entries of kind `reply/1`: a member's one answer to a request, or why it gives none."""
