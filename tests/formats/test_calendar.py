"""Invitations: what every calendar reads, the same bytes for the same session, and no line of anybody else's making."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from entente.core.errors import InvalidError
from entente.formats.icalendar import invitation

MADE, AT = 1_790_000_000_000, 1_790_086_400_000


def lines(data: bytes) -> list[str]:
    """Return the lines of a file, those that were folded whole again (RFC 5545 section 3.1)."""
    return data.replace(b"\r\n ", b"").decode().split("\r\n")


def test_an_invitation_has_what_a_calendar_needs() -> None:
    data = invitation("abc", "The quay", MADE, AT, "Circle A\nSession B")
    assert data == invitation("abc", "The quay", MADE, AT, "Circle A\nSession B")
    assert all(len(line) <= 75 for line in data.split(b"\r\n"))
    assert set(lines(data)) >= {
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "METHOD:PUBLISH",
        "UID:abc@entente",
        "DTSTAMP:20260921T141320Z",
        "DTSTART:20260922T141320Z",
        "DTEND:20260922T151320Z",
        "SUMMARY:The quay",
        "DESCRIPTION:Circle A\\nSession B",
    }


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=80), st.text("ab\n;,\\:", max_size=40))
def test_no_title_adds_a_line_of_its_own(title: str, text: str) -> None:
    data = invitation("abc", title, MADE, AT, text)
    names = [line.partition(":")[0].partition(";")[0] for line in lines(data) if line]
    wanted = "BEGIN DESCRIPTION DTEND DTSTAMP DTSTART END METHOD PRODID SUMMARY UID VERSION"
    assert sorted(set(names)) == wanted.split()
    event = Calendar.from_ical(data).walk("VEVENT")[0]
    assert str(event["SUMMARY"]) == title


@pytest.mark.parametrize("at", [2**53 - 1, 253_402_300_799_000])
def test_a_time_that_no_calendar_holds_is_refused(at: int) -> None:
    with pytest.raises(InvalidError):
        invitation("abc", "The quay", MADE, at, "")
