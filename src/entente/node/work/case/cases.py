"""Cases: a workspace of a circle that every member changes, also offline, and in which nothing is lost."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from msgspec import structs

from entente.core.errors import InvalidError, NotFoundError, RefusedError
from entente.core.ids import b32
from entente.core.shape import MAX_AFTER
from entente.kinds import case
from entente.node.home.checked import checked
from entente.node.home.find import find
from entente.node.items.consents import carriers
from entente.node.items.sharing import resolve
from entente.node.rooms import offers
from entente.node.work.acts import Writer, newest, reading, writing, writing_about
from entente.node.work.case.state import CaseView
from entente.node.work.case.values import ChangesWritten, EventWritten, LinkWritten, NoteWritten, TaskWritten
from entente.node.work.text import check_text, check_title

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entente.core.kind import Act
    from entente.node.home.base import Base
    from entente.node.work.acts import Reader
    from entente.node.work.case.values import CaseInfo, CaseRow

NOTE = "note/1"
NONE = ("", "none")
"""Instead of a member: nobody."""


@checked
class Cases:
    """What members work on together over days; every method that writes returns the ids of the case and what it wrote.

    A case is named by its id or the beginning of it. NotFoundError for an unknown case, circle, member or person,
    InvalidError for words that are none, ConflictError for a case whose room has ended.
    """

    def __init__(self, base: Base) -> None:
        """Work on this base."""
        self._base = base

    def open(self, circle: str, title: str, *, person: str = "") -> CaseInfo:
        """Open a case in a circle; its title has one line."""
        words = check_title(title, "case")
        with writing(self._base, circle, person) as writer:
            made = CaseView(writer, writer.act(case.KIND.name, {"content": writer.put(words)}), []).info()
        return structs.replace(made, case=made.id)

    def show(self, id_: str) -> CaseInfo:
        """Return a case with all that was written in it; NotFoundError if there is none."""
        with reading(self._base) as reader:
            return _look(reader, reader.find(case.KIND.name, id_, "case")).info()

    def list(self, circle: str = "", *, ended: bool = False) -> Sequence[CaseRow]:
        """Return the cases of a circle or of all, oldest first; with `ended` those of rooms that have ended too.

        NotFoundError for an unknown circle.
        """
        with reading(self._base) as reader:
            within = reader.circle(circle).circle if circle else b""
            changes: dict[object, list[Act]] = defaultdict(list)
            for each in reader.acts(case.CHANGE.name):
                changes[each.body["case"]].append(each)
            found = [
                CaseView(reader, act, changes[act.place.ref]).row()
                for act in reader.acts(case.KIND.name)
                if not within or reader.room_of(act).circle == within
            ]
        return [each for each in found if ended or not each.ended]

    def note(self, id_: str, text: str, *, person: str = "") -> NoteWritten:
        """Write a note to a case."""
        words = check_text(text, "note")
        with writing_about(self._base, case.KIND.name, id_, "case", person) as (writer, act):
            made = writer.act(NOTE, {"of": act.place.ref, "content": writer.put(words)}, [act.place.ref])
            return NoteWritten(b32(act.place.leaf), b32(made.place.leaf))

    def event(self, id_: str, text: str, at: int, *, person: str = "") -> EventWritten:
        """Put what happened at a time (ms since 1970) on the timeline of a case."""
        words = check_text(text, "event")
        if at <= 0:
            raise InvalidError("An event happened after the year 1970 began.")
        with writing_about(self._base, case.KIND.name, id_, "case", person) as (writer, act):
            made = _write(writer, act, case.EVENT, time=at, content=writer.put(words))
            return EventWritten(b32(act.place.leaf), made)

    def task(self, id_: str, text: str, *, owner: str = "", due: int = 0, person: str = "") -> TaskWritten:
        """Add a task to a case, with the member that does it and the date (ms since 1970) if they are known."""
        words = check_text(text, "task")
        with writing_about(self._base, case.KIND.name, id_, "case", person) as (writer, act):
            made = _write(writer, act, case.TASK, content=writer.put(words))
            ref = writer.find(case.CHANGE.name, made, "task").place.ref
            if owner not in NONE:
                _give(writer, act, case.OWNER, ref, value=_owner(writer, owner))
            if due:
                _give(writer, act, case.DUE, ref, time=due)
            return TaskWritten(b32(act.place.leaf), made)

    def link(self, id_: str, item: str, text: str = "", *, person: str = "") -> LinkWritten:
        """Link an item to a case; RefusedError for one that we hold and have not shared in the case's circle."""
        with writing_about(self._base, case.KIND.name, id_, "case", person) as (writer, act):
            value = _item(writer, item)
            content = writer.put(text.strip()) if text.strip() else ""
            return LinkWritten(b32(act.place.leaf), _write(writer, act, case.LINK, value=value, content=content))

    def set(
        self,
        id_: str,
        task: str = "",
        *,
        title: str | None = None,
        state: str | None = None,
        owner: str | None = None,
        due: int | None = None,
        person: str = "",
    ) -> ChangesWritten:
        """Give fields of a case, or of one of its tasks, other values; what is None stays.

        An `owner` "" or "none" is nobody, a `due` (ms since 1970) 0 no date. All of it is written, or nothing.
        """
        if title is None and state is None and owner is None and due is None:
            raise InvalidError("Nothing is to be set.", hint="Give a title, a state, an owner or a date.")
        with writing_about(self._base, case.KIND.name, id_, "case", person) as (writer, act):
            target = _task(writer, act, task) if task else ""
            made: list[str] = []
            if title is not None:
                words = check_text(title, "task") if task else check_title(title, "case")
                made.append(_give(writer, act, case.TITLE, target, content=writer.put(words)))
            if state is not None:
                made.append(_give(writer, act, case.STATE, target, value=_state(state, task)))
            if owner is not None:
                made.append(_give(writer, act, case.OWNER, target, value=_owner(writer, owner)))
            if due is not None:
                made.append(_give(writer, act, case.DUE, target, time=due))
            return ChangesWritten(b32(act.place.leaf), made)


def _look(reader: Reader, act: Act) -> CaseView:
    return CaseView(reader, act, reader.acts(case.CHANGE.name, case=act.place.ref))


def _change(field: str, target: str, value: str, time: int, content: str) -> dict[str, object]:
    return {"field": field, "target": target, "value": value, "time": time, "content": content}


def _write(writer: Writer, act: Act, field: str, *, value: str = "", time: int = 0, content: str = "") -> str:
    """Add something to a case that stays, and return its id."""
    seen = [act, *writer.acts(case.CHANGE.name, case=act.place.ref)]
    made = writer.act(
        case.CHANGE.name, {"case": act.place.ref, **_change(field, "", value, time, content)}, newest(seen)
    )
    return b32(made.place.leaf)


def _give(
    writer: Writer, act: Act, field: str, target: str, *, value: str = "", time: int = 0, content: str = ""
) -> str:
    """Give a field one value in place of all that it has, and return the id of the change."""
    while True:
        before = [each.place.ref for each in _look(writer, act).standing(field, target)]
        body = {"case": act.place.ref, **_change(field, target, value, time, content)}
        made = writer.act(case.CHANGE.name, body, before[:MAX_AFTER] or [target or act.place.ref])
        if len(before) <= MAX_AFTER:
            return b32(made.place.leaf)


def _task(writer: Writer, act: Act, text: str) -> str:
    """Return the reference of a task of this case, by the beginning of its id or by its title."""
    view = _look(writer, act)
    tasks = {each.place.leaf: each for each in view.of(case.TASK)}
    options = [(leaf, b32(leaf), view.fields(each).title) for leaf, each in tasks.items()]
    return tasks[find(text, options, "task")].place.ref


def _state(word: str, task: str) -> str:
    states = case.TASK_STATES if task else case.CASE_STATES
    if word not in states:
        what = "task" if task else "case"
        raise InvalidError(f"A {what} cannot be {word!r}.", hint=f"The states of a {what} are {', '.join(states)}.")
    return word


def _owner(writer: Writer, text: str) -> str:
    """Return the id of the member that is to own something, "" for nobody."""
    if text in NONE:
        return ""
    member = writer.base.find_member(writer.tx, text)
    if member not in writer.room.members:
        raise RefusedError(
            f"{writer.name(member)} is not a member of {writer.room.text.name}.",
            code="value",
            hint="Its members are listed by `entente circle list`.",
        )
    return b32(member)


def _item(writer: Writer, text: str) -> str:
    """Return the STIX id of an item; RefusedError where linking it would tell the circle of what it was not given."""
    try:
        stix_id = resolve(writer.tx, text)
    except NotFoundError as problem:
        if problem.code != NotFoundError.code or not case.STIX_ID.fullmatch(text):
            raise
        return text
    within = offers.reaching(writer.tx, writer.in_force.rooms, writer.room)
    copies = writer.tx.items.find([stix_id])[stix_id]
    if not any(log.id in within for row in copies for log, _ in carriers(writer.tx, row)):
        raise RefusedError(
            f"{stix_id} is not shared in {writer.room.text.name}.",
            code="not-shared",
            hint="Share it there first: `entente share send`.",
        )
    return stix_id
