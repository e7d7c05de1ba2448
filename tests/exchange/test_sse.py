"""Events of a stream: what is written is read, in any pieces, and nothing grows without bound."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entente.core.errors import InvalidError, LimitError
from entente.exchange import sse

NOTE = "entente/v1/abc\n7\nAAAA\n\n— entente/v1/abc xxxx\n".encode()


def read(data: bytes, piece: int = 1 << 20) -> list[sse.Event]:
    reader, found = sse.EventReader(), []
    for start in range(0, len(data), piece):
        reader.feed(data[start : start + piece])
        while (event := reader.take()) is not None:
            found.append(event)
    return found


def test_note_arrives_as_it_was_sent():
    assert read(sse.event("head", NOTE)) == [sse.Event("head", NOTE)]


def test_comments_and_unknown_fields_are_skipped():
    stream = sse.comment("hello") + b"id: 7\nretry: 1\nevent: head\r\ndata: a\r\n\r\ndata:b\n\nevent: none\n\n"

    assert read(stream) == [sse.Event("head", b"a"), sse.Event("message", b"b")]


def test_endless_line_is_refused():
    with pytest.raises(LimitError):
        read(b"data: " + b"x" * (2 * sse.MAX_LINE), 1000)


def test_endless_event_is_refused():
    with pytest.raises(LimitError):
        read(b"data: x\n" * sse.MAX_EVENT, 1000)


def test_comments_for_ever_are_no_event():
    assert read(sse.comment("alive") * 20_000, 60_000) == []


def test_data_that_would_not_arrive_is_not_sent():
    with pytest.raises(InvalidError):
        sse.event("head", b"a\rb")
    with pytest.raises(InvalidError):
        sse.event("he ad", b"a")


@given(st.lists(st.binary(max_size=200).map(lambda data: data.replace(b"\r", b""))), st.integers(1, 50))
def test_events_survive_any_pieces(notes: list[bytes], piece: int):
    stream = b"".join(sse.event("head", note) for note in notes)

    assert [event.data for event in read(stream, piece)] == notes
