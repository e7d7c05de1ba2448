"""What is answered about cases; members, persons, circles and acts are ids in base32, times RFC 3339 in UTC ("": none).

`text_state` and `title_state` say whether the words are here: held, awaited, erased or missing.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct


class By(Struct, frozen=True):
    """Who wrote something on record and when: the member, its name, the person, the claimed time."""

    member: str
    name: str
    person: str
    time: str


class NoteInfo(Struct, frozen=True):
    """A note to a case."""

    id: str
    text: str
    text_state: str
    by: By


class EventInfo(Struct, frozen=True):
    """Something that happened at a time; the timeline of a case is made of these."""

    id: str
    at: str
    text: str
    text_state: str
    by: By


class LinkInfo(Struct, frozen=True):
    """An item that belongs to a case, by its STIX id, and what was said about it."""

    id: str
    item: str
    text: str
    text_state: str
    by: By


class ValueInfo(Struct, frozen=True):
    """A value that a member gave to a field of a case or of one of its tasks; `task` is "" for the case itself."""

    id: str
    task: str
    field: str
    value: str
    text_state: str
    by: By


class Fields(Struct, frozen=True):
    """What a case or a task says now: title, state, the owner (a member, or "") with its name, the date."""

    title: str
    title_state: str
    state: str
    owner: str
    owner_name: str
    due: str


class TaskInfo(Struct, frozen=True):
    """A task of a case; states are open, doing, done, dropped."""

    id: str
    text: str
    text_state: str
    state: str
    owner: str
    owner_name: str
    due: str
    by: By


class CaseRow(Struct, frozen=True):
    """A case in a list; `ended`: its room has ended, so that it cannot be changed any more."""

    id: str
    circle: str
    title: str
    title_state: str
    state: str
    owner: str
    owner_name: str
    due: str
    tasks: int
    tasks_open: int
    conflicts: int
    by: By
    ended: bool


class CaseInfo(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A case with all that was written in it; states are open and closed.

    `timeline` is ordered by when things happened, everything else by when it was written. `conflicts` are the fields
    that have several values because members changed them without knowing of each other; the first value is shown.
    `history` are all values that were ever given. `case` is its id once more, in the answer to who opened it.
    """

    case: str = ""
    id: str
    circle: str
    title: str
    title_state: str
    state: str
    owner: str
    owner_name: str
    due: str
    timeline: Sequence[EventInfo]
    tasks: Sequence[TaskInfo]
    links: Sequence[LinkInfo]
    notes: Sequence[NoteInfo]
    conflicts: Sequence[Sequence[ValueInfo]]
    history: Sequence[ValueInfo]
    by: By
    ended: bool


class NoteWritten(Struct, frozen=True):
    """A note that was written: the ids of the case and of the note."""

    case: str
    note: str


class EventWritten(Struct, frozen=True):
    """An event that was put on the timeline: the ids of the case and of the event."""

    case: str
    event: str


class TaskWritten(Struct, frozen=True):
    """A task that was added: the ids of the case and of the task."""

    case: str
    task: str


class LinkWritten(Struct, frozen=True):
    """A link to an item that was added: the ids of the case and of the link."""

    case: str
    link: str


class ChangesWritten(Struct, frozen=True):
    """Fields that were given other values: the id of the case, and of each change in the order of its writing."""

    case: str
    changes: list[str]
