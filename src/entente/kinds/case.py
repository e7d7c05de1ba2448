"""Cases: a workspace that members change without asking each other first (docs/protocol/11-joint-work.md)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from entente.core.canon import MAX_INTEGER
from entente.core.ids import b32
from entente.core.kind import ALLOW, Act, Context, Judgement, deny
from entente.core.recorded import Recorded, check_number, check_word
from entente.core.shape import check_after

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

EVENT, TASK, LINK = "event", "task", "link"
TITLE, STATE, OWNER, DUE = "title", "state", "owner", "due"
SET: Final = (EVENT, TASK, LINK)
"""Fields of which every change stays."""

FIELDS: Final = (TITLE, STATE, OWNER, DUE)
"""Fields with a value, which the next change replaces."""

CASE_STATES: Final = ("open", "closed")
TASK_STATES: Final = ("open", "doing", "done", "dropped")

STIX_ID: Final = re.compile(r"[a-z][a-z0-9-]{1,248}[a-z0-9]--[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

Fits = Callable[[Act, Context], bool]


def _empty(act: Act, context: Context) -> bool:
    del context
    return act.body["value"] == ""


def _stix_id(act: Act, context: Context) -> bool:
    del context
    return STIX_ID.fullmatch(str(act.body["value"])) is not None


def _state(act: Act, context: Context) -> bool:
    del context
    return act.body["value"] in (TASK_STATES if act.body["target"] else CASE_STATES)


def _member(act: Act, context: Context) -> bool:
    return act.body["value"] in {"", *map(b32, context.members(act.circle))}


@dataclass(frozen=True, slots=True)
class _Form:
    """What a change of a field carries; None: with or without."""

    value: Fits = _empty
    timed: bool | None = False
    worded: bool | None = False


_FORMS: Final = {
    EVENT: _Form(timed=True, worded=True),
    TASK: _Form(worded=True),
    LINK: _Form(value=_stix_id, worded=None),
    TITLE: _Form(worded=True),
    STATE: _Form(value=_state),
    OWNER: _Form(value=_member),
    DUE: _Form(timed=None),
}


def standing(changes: Iterable[Act]) -> list[Act]:
    """Return those of the changes of one field of one target that no other of them names, the first value first."""
    given = list(changes)
    named = {ref for each in given for ref in check_after(each.body)}
    return sorted(
        (each for each in given if each.place.ref not in named), key=lambda each: (each.author, each.place.index)
    )


def _values(body: Mapping[str, object]) -> None:
    check_word(body, "field", (*SET, *FIELDS))
    check_number(body, "time", 0, MAX_INTEGER)


def _rule(state: Mapping[str, Act], act: Act, context: Context) -> Judgement:
    del state
    body = act.body
    target = context.act(str(body["target"])) if body["target"] else None
    if target is not None and (target.body["field"], target.body["case"]) != (TASK, body["case"]):
        return deny("wrong-thing")
    if body["target"] and body["field"] in SET:
        return deny("value")
    form = _FORMS[str(body["field"])]
    right = (
        form.value(act, context)
        and form.timed in (None, body["time"] != 0)
        and form.worded in (None, body["content"] != "")
    )
    return ALLOW if right else deny("value")


KIND = Recorded("case/1", {"content": str}, content=("content",))
"""Entries of kind `case/1`: a case with its title."""

CHANGE = Recorded(
    "change/1",
    {"case": str, "field": str, "target": str, "value": str, "time": int, "content": str},
    about={"case": (KIND.name,), "target": ("change/1",)},
    content=("content",),
    optional=("target", "content"),
    family=KIND.name,
    values=_values,
    rule=_rule,
)
"""Entries of kind `change/1`: something is added to a case, or a field of it or of one of its tasks gets a value."""
