"""Times as people give them on the command line: RFC 3339, a date, or so long from now."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from entente.core.errors import InvalidError
from entente.core.times import DAY

HINT: Final = (
    "Write 2026-12-01T09:00:00Z (or +02:00 in place of Z), 2026-12-01T09:00Z, a date such as 2026-12-01 (in UTC), now, "
    "or +3d, +12h, +30m from now (-2h: before now)."
)
METAVAR: Final = "TIME"

_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIME: Final = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2})(:\d{2})?(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2})?", re.ASCII
)
_SPAN: Final = re.compile(r"([+-])(\d{1,6})([dhm])", re.ASCII)
_UNITS: Final = {"d": DAY, "h": DAY // 24, "m": 60_000}
_BEGIN: Final = datetime(1970, 1, 1, tzinfo=UTC)
_END: Final = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


def parse_time(text: str, now: int, *, last: bool = False) -> int:
    """Return a time in milliseconds; `now` is what spans are counted from.

    A date alone is its first moment in UTC, with `last` its last one, as a date until which something is due is meant.
    InvalidError for what is no time, has no offset, or lies before 1970 or after 9999.
    """
    given = text.strip()
    if span := _SPAN.fullmatch(given):
        found = now + int(f"{span[1]}1") * int(span[2]) * _UNITS[span[3]]
    elif given.lower() == "now":
        found = now
    elif _DATE.fullmatch(given):
        found = _read(f"{given}T00:00:00+00:00", text) + (DAY - 1 if last else 0)
    elif moment := _TIME.fullmatch(given):
        found = _moment(moment, text)
    else:
        raise InvalidError(f"{text[:80]!r} is not a time.", hint=HINT)
    if not 0 < found <= _milliseconds(_END):
        raise InvalidError(f"{text[:80]!r} lies before 1970 or after 9999.", hint=HINT)
    return found


def _moment(parts: re.Match[str], text: str) -> int:
    date, minutes, seconds, fraction, offset = parts.groups()
    if offset is None:
        raise InvalidError(f"{text[:80]!r} does not say in which time zone it is.", hint=HINT)
    if fraction and not seconds:
        raise InvalidError(f"{text[:80]!r} is not a time.", hint=HINT)
    zone = "+00:00" if offset in {"Z", "z"} else offset
    return _read(f"{date}T{minutes}{seconds or ':00'}{zone}", text) + int(f"{fraction or '':0<3}"[:3])


def _read(spelt: str, text: str) -> int:
    try:
        return _milliseconds(datetime.fromisoformat(spelt))
    except (ValueError, OverflowError) as problem:
        raise InvalidError(f"{text[:80]!r} is not a time that exists.", hint=HINT) from problem


def _milliseconds(moment: datetime) -> int:
    return (moment - _BEGIN) // timedelta(milliseconds=1)
