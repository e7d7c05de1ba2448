"""Times on the command line: each way of writing one, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entente.core.errors import InvalidError
from entente.core.times import stamp
from entente.interfaces.cli.times import parse_time

NOW = 1_790_000_000_000
DAY = 86_400_000


def ms(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp()) * 1000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-12-01T09:00:00Z", ms(2026, 12, 1, 9)),
        ("2026-12-01t09:00:00z", ms(2026, 12, 1, 9)),
        ("2026-12-01T09:00:00+02:00", ms(2026, 12, 1, 7)),
        ("2026-12-01 09:00-01:30", ms(2026, 12, 1, 10, 30)),
        ("2026-12-01T09:00Z", ms(2026, 12, 1, 9)),
        ("2026-12-01T09:00:00.5Z", ms(2026, 12, 1, 9) + 500),
        ("2026-12-01T09:00:00.123456789Z", ms(2026, 12, 1, 9) + 123),
        ("2026-12-01", ms(2026, 12, 1)),
        (" now ", NOW),
        ("+3d", NOW + 3 * DAY),
        ("+12h", NOW + DAY // 2),
        ("+30m", NOW + 1_800_000),
        ("-2h", NOW - DAY // 12),
    ],
)
def test_a_time_is_read(text: str, expected: int) -> None:
    assert parse_time(text, NOW) == expected


def test_a_date_until_which_something_is_due_is_its_last_moment() -> None:
    assert parse_time("2026-12-01", NOW, last=True) == ms(2026, 12, 2) - 1
    assert parse_time("2026-12-01T00:00:00Z", NOW, last=True) == ms(2026, 12, 1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "2026-12-01T09:00:00",
        "2026-13-01",
        "2026-02-29T00:00:00Z",
        "2026-12-01T24:00:01Z",
        "2026-12-01T09:00:60Z",
        "2026-12-01T09:00:00+25:00",
        "2026-12-01T09:00.5Z",
        "2026-12-1",
        "1969-12-31",
        "0000-01-01",
        "0001-01-01T00:00:00+23:00",
        "9999-12-31T23:59:59-01:00",
        "+9999999d",
        "-999999d",
        "+3w",
        "3d",
        "٢٠٢٦-12-01",
    ],
)
def test_what_is_no_time_is_refused_with_a_hint(text: str) -> None:
    with pytest.raises(InvalidError) as caught:
        parse_time(text, NOW)
    assert "2026-12-01T09:00:00Z" in caught.value.hint


@given(st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1)))  # noqa: DTZ001  # the strategy wants them naive
@settings(max_examples=60)
def test_what_is_shown_is_read_again(moment: datetime) -> None:
    at = (moment.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    assert parse_time(stamp(at), NOW) == at
