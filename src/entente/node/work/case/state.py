"""What the acts of a case amount to: the same at every member that holds the same acts."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from entente.core.ids import b32, unb32
from entente.core.recorded import number
from entente.core.times import stamp
from entente.kinds import case
from entente.node.work.case.values import (
    By,
    CaseInfo,
    CaseRow,
    EventInfo,
    Fields,
    LinkInfo,
    NoteInfo,
    TaskInfo,
    ValueInfo,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entente.core.kind import Act
    from entente.node.work.acts import Reader

_DONE = ("done", "dropped")


class CaseView:
    """One case, as of a reader's transaction; `changes` are those of this case in the reader's order."""

    def __init__(self, reader: Reader, act: Act, changes: Sequence[Act]) -> None:
        """Look at this case."""
        self._board = reader
        self.act = act
        self._changes = changes
        self._sorted: dict[tuple[object, object], list[Act]] = defaultdict(list)
        for each in changes:
            self._sorted[each.body["field"], each.body["target"]].append(each)

    def of(self, field: str, target: str = "") -> list[Act]:
        """Return the changes of one field of one target, "" for the case."""
        return self._sorted.get((field, target), [])

    def standing(self, field: str, target: str = "") -> list[Act]:
        """Return the changes that are the values of a field now, the first value first."""
        return case.standing(self.of(field, target))

    def row(self) -> CaseRow:
        """Return the case as it stands in a list."""
        room, now = self._board.room_of(self.act), self.fields()
        states = [self._value(case.STATE, each.place.ref) or "open" for each in self.of(case.TASK)]
        return CaseRow(
            b32(self.act.place.leaf),
            b32(room.circle),
            now.title,
            now.title_state,
            now.state,
            now.owner,
            now.owner_name,
            now.due,
            len(states),
            sum(each not in _DONE for each in states),
            len(self._conflicts()),
            self._by(self.act),
            not self._board.in_force.rooms.is_current(room),
        )

    def info(self) -> CaseInfo:
        """Return the case with all that was written in it."""
        room, now = self._board.room_of(self.act), self.fields()
        events = sorted(self.of(case.EVENT), key=lambda each: number(each.body["time"]))
        values = [each for each in self._changes if each.body["field"] in case.FIELDS]
        return CaseInfo(
            id=b32(self.act.place.leaf),
            circle=b32(room.circle),
            title=now.title,
            title_state=now.title_state,
            state=now.state,
            owner=now.owner,
            owner_name=now.owner_name,
            due=now.due,
            timeline=[self._event(each) for each in events],
            tasks=[self._task(each) for each in self.of(case.TASK)],
            links=[self._link(each) for each in self.of(case.LINK)],
            notes=[self._note(each) for each in self._board.acts("note/1", of=self.act.place.ref)],
            conflicts=self._conflicts(),
            history=[self._shown(each) for each in values],
            by=self._by(self.act),
            ended=not self._board.in_force.rooms.is_current(room),
        )

    def fields(self, task: Act | None = None) -> Fields:
        """Return what the case, or one of its tasks, says now."""
        target = "" if task is None else task.place.ref
        titled = next(iter(self.standing(case.TITLE, target)), task or self.act)
        words = self._board.words(titled)
        owner = self._value(case.OWNER, target)
        due = next((self._shown(each).value for each in self.standing(case.DUE, target)), "")
        name = self._board.name(unb32(owner, 32)) if owner else ""
        return Fields(words.text, words.state, self._value(case.STATE, target) or "open", owner, name, due)

    def _value(self, field: str, target: str) -> str:
        return next((str(each.body["value"]) for each in self.standing(field, target)), "")

    def _conflicts(self) -> list[list[ValueInfo]]:
        targets = ["", *(each.place.ref for each in self.of(case.TASK))]
        standing = [self.standing(field, target) for target in targets for field in case.FIELDS]
        several = [found for found in standing if len({_said(each) for each in found}) > 1]
        return [[self._shown(each) for each in found] for found in several]

    def _by(self, act: Act) -> By:
        reader = self._board
        return By(b32(act.author), reader.name(act.author), reader.person(act), stamp(act.time))

    def _event(self, act: Act) -> EventInfo:
        words, at = self._board.words(act), number(act.body["time"])
        return EventInfo(b32(act.place.leaf), stamp(at), words.text, words.state, self._by(act))

    def _note(self, act: Act) -> NoteInfo:
        words = self._board.words(act)
        return NoteInfo(b32(act.place.leaf), words.text, words.state, self._by(act))

    def _link(self, act: Act) -> LinkInfo:
        words = self._board.words(act)
        return LinkInfo(b32(act.place.leaf), str(act.body["value"]), words.text, words.state, self._by(act))

    def _task(self, act: Act) -> TaskInfo:
        now = self.fields(act)
        return TaskInfo(
            b32(act.place.leaf),
            now.title,
            now.title_state,
            now.state,
            now.owner,
            now.owner_name,
            now.due,
            self._by(act),
        )

    def _shown(self, act: Act) -> ValueInfo:
        words, field, value = self._board.words(act), str(act.body["field"]), str(act.body["value"])
        task, due = str(act.body["target"]).rpartition("/")[2], number(act.body["time"])
        if field == case.TITLE:
            value = words.text
        elif field == case.DUE:
            value = stamp(due) if due else ""
        return ValueInfo(b32(act.place.leaf), task, field, value, words.state, self._by(act))


def _said(act: Act) -> tuple[object, object, object]:
    """Return what a change says; the text of a title is told apart by its reference, so that all tell it alike."""
    return act.body["value"], act.body["time"], act.body["content"]
