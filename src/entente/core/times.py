"""Times as people read them: RFC 3339 in UTC, from milliseconds and microseconds since 1970."""

from __future__ import annotations

from datetime import UTC, datetime

LAST_TIME = 253_402_300_799_000


def stamp(milliseconds: int) -> str:
    """Return a time in milliseconds as RFC 3339 in UTC; what others claim beyond the year 9999 is shown as its end."""
    whole = min(milliseconds, LAST_TIME)
    moment = datetime.fromtimestamp(whole // 1000, UTC).replace(microsecond=whole % 1000 * 1000)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def micro_stamp(microseconds: int) -> str:
    """Return a time in microseconds as RFC 3339 in UTC, "" for none."""
    if not microseconds:
        return ""
    moment = datetime.fromtimestamp(microseconds // 1_000_000, UTC).replace(microsecond=microseconds % 1_000_000)
    unit = "milliseconds" if microseconds % 1000 == 0 else "microseconds"
    return moment.isoformat(timespec=unit).replace("+00:00", "Z")


DAY = 86_400_000
"""Milliseconds of a day."""

AHEAD = 5 * 60 * 1000
"""How far the claimed time of an honest member may lie ahead of our clock, in milliseconds."""
