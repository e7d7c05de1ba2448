"""What the rooms of joint work bring to the agenda of a session: what is open there, as plain rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entente.core.errors import EntenteError
from entente.core.ids import b32
from entente.core.recorded import number
from entente.core.times import stamp
from entente.formats.stix import facts
from entente.kinds import request
from entente.node.items.consents import entry_at
from entente.node.work.acts import HELD
from entente.node.work.plan.plan import plans_of
from entente.policy import agenda
from entente.policy.agenda import AgendaItem, AgendaPoint
from entente.policy.approval import State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entente.core.kind import Act
    from entente.node.work.excerpt import Excerpt

MIDDLE = 3
"""The priority of what was given none."""
TITLE = 120
RUNNING = ("approved", "running")


def agenda_of(part: Excerpt, session: Act, now: int, *, own: bool = True) -> tuple[AgendaPoint, ...]:
    """Return the agenda of a session as of `now`, with the points that members brought to it unless `own` is false.

    Titles are the first lines of what was written, "" where that is not here.
    """
    items = [
        *_requests(part),
        *_warnings(part, now),
        *_plans(part, now),
        *_decisions(part, session, every=not own),
        *(_points(part, session) if own else ()),
    ]
    escalation = part.room.terms.escalation_hours * agenda.HOUR
    return agenda.arrange(items, now, escalation, stamp)


def first_line(text: str) -> str:
    """Return the first line of a text, shortened to what a list has room for."""
    line = next((each.strip() for each in text.splitlines() if each.strip()), "")
    return line if len(line) <= TITLE else line[: TITLE - 1] + "…"


def _requests(part: Excerpt) -> Iterator[AgendaItem]:
    for act in part.acts(request.KIND.name):
        replies = part.acts(request.REPLY.name, of=act.place.ref)
        if request.state(act, part.room.members, replies) == request.OPEN:
            yield _item(part, agenda.REQUEST, act, number(act.body["priority"]), number(act.body["due"]))


def _warnings(part: Excerpt, now: int) -> Iterator[AgendaItem]:
    """Yield the warnings that still hold and that somebody has not assessed."""
    found = part.acts("warning/1")
    replaced = {act.body["replaces"] for act in found}
    for act in found:
        until = number(act.body["until"])
        said = {each.author for each in part.acts("assessment/1", of=act.place.ref)} | {act.author}
        silent = [part.name(each) for each in sorted(part.room.members) if each not in said]
        if silent and act.place.ref not in replaced and not 0 < until < now:
            title = _item_name(part, str(act.body["item"]))
            yield AgendaItem(agenda.WARNING, b32(act.place.leaf), title, MIDDLE, until, ", ".join(silent))


def _item_name(part: Excerpt, ref: str) -> str:
    """Return the name of the object that an entry carries, "" if it is not held."""
    try:
        return first_line(facts(entry_at(part.tx, ref)[1].data).name)
    except EntenteError:
        return ""


def _plans(part: Excerpt, now: int) -> Iterator[AgendaItem]:
    """Yield the plans that somebody stopped, or whose decision or deadline is past."""
    dates = {str(act.body["plan"]): number(act.body["due"]) for act in part.acts("decision/1") if act.body["plan"]}
    things = {b32(act.place.leaf): number(act.body["due"]) for act in part.acts("decision/1")}
    for plan in plans_of(part):
        id_, state = plan.id, plan.state
        due = dates.get(id_) or things.get(str(plan.act.body["decision"])) or 0
        deadline = number(plan.act.body["deadline"])
        title = first_line(plan.playbook.name if plan.playbook else "")
        if state == "stopped":
            yield AgendaItem(agenda.PLAN, id_, title, MIDDLE, due, state)
        elif state == "proposed" and 0 < deadline < now:
            yield AgendaItem(agenda.PLAN, id_, title, MIDDLE, deadline, "its deadline is past")
        elif state in RUNNING and 0 < due < now:
            yield AgendaItem(agenda.PLAN, id_, title, MIDDLE, due, f"{state}, and overdue")


def _decisions(part: Excerpt, session: Act, *, every: bool) -> Iterator[AgendaItem]:
    """Yield the decisions that earlier sessions left open, with `every` those of this one too."""
    earlier = {act.place.ref for act in part.acts(session.kind) if _when(act) < _when(session)}
    if every:
        earlier.add(session.place.ref)
    for act in part.acts("decision/1"):
        if act.body["session"] in earlier and part.state(act) is State.PROPOSED:
            yield _item(part, agenda.DECISION, act, MIDDLE, number(act.body["due"]))


def _points(part: Excerpt, session: Act) -> Iterator[AgendaItem]:
    for act in part.acts("point/1", session=session.place.ref):
        yield _item(part, agenda.POINT, act, number(act.body["priority"]), 0)


def _item(part: Excerpt, kind: str, act: Act, priority: int, due: int) -> AgendaItem:
    found = part.words(act)
    title = first_line(found.text) if found.state == HELD else ""
    return AgendaItem(kind, b32(act.place.leaf), title, priority, due)


def _when(session: Act) -> tuple[int, bytes, int]:
    """Order sessions by their date, then as acts."""
    return (number(session.body["at"]), session.author, session.place.index)
