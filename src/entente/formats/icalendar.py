"""Invitations to joint sessions as iCalendar files (RFC 5545)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from entente.core.errors import InvalidError

PRODUCT: Final = "-//Entente//joint session//EN"
LENGTH: Final = timedelta(hours=1)
"""How much of a day an invitation takes; a session ends when its people go."""


def invitation(id_: str, title: str, made: int, at: int, text: str) -> bytes:
    """Return an invitation to what begins `at` (ms); the same arguments give the same bytes.

    `id_` makes its UID, so that a calendar which takes it in again finds the event it has; `made` is when it was
    convened (ms). InvalidError for a time that a calendar cannot hold.
    """
    from icalendar import Calendar, Event

    try:
        begins, stamped = datetime.fromtimestamp(at // 1000, UTC), datetime.fromtimestamp(made // 1000, UTC)
        ends = begins + LENGTH
    except (ValueError, OverflowError, OSError) as problem:
        raise InvalidError("No calendar holds the time of this session.") from problem
    event = Event()
    event.add("uid", f"{id_}@entente")
    event.add("dtstamp", stamped)
    event.add("dtstart", begins)
    event.add("dtend", ends)
    event.add("summary", title)
    event.add("description", text)
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add_component(event)
    return calendar.to_ical()
