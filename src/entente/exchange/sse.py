"""Server-sent events (WHATWG HTML, section 9.2) as members use them: `event`, `data`, comments; bounded, line feeds."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

from entente.core.errors import InvalidError, LimitError

MAX_LINE: Final = 64 * 1024
MAX_EVENT: Final = 128 * 1024


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its name and its data as bytes."""

    name: str
    data: bytes


def event(name: str, data: bytes) -> bytes:
    """Return an event as it is sent; raise InvalidError for a name or data that would not arrive as they are."""
    if not name.isidentifier() or b"\r" in data:
        raise InvalidError("An event has a simple name and data without carriage returns.")
    lines = b"".join(b"data: " + line + b"\n" for line in data.split(b"\n"))
    return b"event: " + name.encode() + b"\n" + lines + b"\n"


def comment(text: str) -> bytes:
    """Return a line that readers skip; it shows that the stream lives."""
    return b": " + text.encode() + b"\n\n"


class EventReader:
    """Turns the bytes of a stream into events; `lines` counts the complete lines that came."""

    def __init__(self) -> None:
        """Begin at the start of a stream."""
        self.lines = 0
        self._rest = b""
        self._ready: deque[Event] = deque()
        self._name = ""
        self._data: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> None:
        """Take the next bytes; raise LimitError if a line or an event grows too long, InvalidError if it is no text."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > MAX_LINE:
            raise LimitError(f"A line of the stream has more than {MAX_LINE} bytes.")
        for line in lines:
            self.lines += 1
            self._line(line.removesuffix(b"\r"))

    def take(self) -> Event | None:
        """Return the next complete event, or None if more bytes are needed."""
        return self._ready.popleft() if self._ready else None

    def _line(self, line: bytes) -> None:
        self._size += len(line) + 1
        if len(line) > MAX_LINE or self._size > MAX_EVENT:
            raise LimitError(f"A line or event of the stream is longer than {MAX_LINE} or {MAX_EVENT} bytes.")
        if not line:
            self._end()
            return
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"event":
            self._name = _text(value)
        elif field == b"data":
            self._data.append(value)
        elif not field:
            self._size -= len(line) + 1

    def _end(self) -> None:
        if self._data:
            self._ready.append(Event(self._name or "message", b"\n".join(self._data)))
        self._name, self._data, self._size = "", [], 0


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise InvalidError("The name of an event is not UTF-8.") from error
