"""What a joint session has to talk about, in which order, and why each point stands where it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

HOUR: Final = 3_600_000
REQUEST, WARNING, PLAN, DECISION, POINT = "request", "warning", "plan", "decision", "point"

_NEVER: Final = 2**63
_ESCALATED, _OVERDUE, _OPEN, _WARNINGS, _PLANS, _DECISIONS, _POINTS = range(7)


class AgendaItem(Struct, frozen=True):
    """Something that is open: its kind, id and title, 1 (first) to 5, until when (ms, 0 for no date).

    `note` says what is open about it, where the kind alone does not.
    """

    kind: str
    id: str
    title: str
    priority: int
    due: int
    note: str = ""


class AgendaPoint(Struct, frozen=True):
    """A point of an agenda, with the reason for its place; `due` is written out, "" for no date."""

    kind: str
    id: str
    title: str
    priority: int
    due: str
    reason: str


def arrange(
    items: Iterable[AgendaItem], now: int, escalation: int, when: Callable[[int], str]
) -> tuple[AgendaPoint, ...]:
    """Return the agenda as of `now`: the same for the same items, in whatever order they are given.

    Requests come first, escalated and overdue ones before the others, then warnings, plans, decisions that were left
    open, and own points; among them by priority, date and id. `escalation` is in milliseconds, `when` writes a time.
    """
    placed = [(*_place(item, now, escalation, when), item) for item in items]
    placed.sort(key=lambda each: (each[0], each[2].priority, each[2].due or _NEVER, each[2].kind, each[2].id))
    return tuple(
        AgendaPoint(
            each.kind, each.id, each.title, each.priority, when(each.due) if each.due else "", f"{at + 1}. {why}"
        )
        for at, why, each in placed
    )


def _place(item: AgendaItem, now: int, escalation: int, when: Callable[[int], str]) -> tuple[int, str]:
    """Return the group of an item and the reason for it."""
    if item.kind == REQUEST:
        return _request(item, now, escalation, when)
    date = f", due {when(item.due)}" if item.due else ""
    if item.kind == WARNING:
        return _WARNINGS, f"warnings that somebody has not assessed: {item.note}"
    if item.kind == PLAN:
        return _PLANS, f"plans that are stopped or overdue: {item.note}{date}"
    if item.kind == DECISION:
        return _DECISIONS, f"decisions that are still open{date}"
    return _POINTS, f"points that members brought, by priority: {item.priority}"


def _request(item: AgendaItem, now: int, escalation: int, when: Callable[[int], str]) -> tuple[int, str]:
    if not item.due or now <= item.due:
        date = f", due {when(item.due)}" if item.due else ""
        return _OPEN, f"open requests, by priority: {item.priority}{date}"
    if now - item.due > escalation:
        return _ESCALATED, f"requests that the agreement escalates: overdue since {when(item.due)}"
    return _OVERDUE, f"overdue requests: since {when(item.due)}"
