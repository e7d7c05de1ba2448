"""Send signed requests to partners, and listen to their events; the bytes are checked by whoever calls."""

from __future__ import annotations

import http.client
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self, TypeAlias

from entente.core.errors import EntenteError, TransportError
from entente.exchange.http_signature import combine
from entente.exchange.sse import Event, EventReader
from entente.exchange.transport.connection import HINT, Connection, StaleError
from entente.exchange.transport.place import Endpoint, connect, make_context, read_place

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

TIMEOUT: Final = 60.0
"""Seconds for a whole request, unless the caller says otherwise."""
HEARTBEAT_TIMEOUT: Final = 45.0
"""Seconds without a complete line after which an event stream counts as dead; a line comes every 15."""
MAX_ERROR: Final = 64 * 1024
"""Bytes of an answer that refuses a stream."""

_IDLE_PER_PARTNER: Final = 2
_CHUNK: Final = 64 * 1024
_Request: TypeAlias = "tuple[str, str, Mapping[str, str], bytes | None]"


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What came back; header fields by lower-case name, as `http_signature` reads them."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Client:
    """Sends requests to partners over connections that are kept for the next one; may be used by several threads."""

    def __init__(self, timeout: float = TIMEOUT) -> None:
        """Allow each request `timeout` seconds from the first packet to the last."""
        self._timeout = timeout
        self._context = make_context()
        self._idle: dict[Endpoint, list[Connection]] = {}
        self._lock = threading.Lock()
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connections that are kept; requests under way finish."""
        with self._lock:
            self._closed = True
            kept = [connection for group in self._idle.values() for connection in group]
            self._idle.clear()
        for connection in kept:
            connection.end()

    def post(
        self,
        url: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        pin: bytes | None,
        limit: int,
        unpinned: bool = False,
        timeout: float | None = None,
    ) -> HttpAnswer:
        """Return the answer to a POST of `body` to `path` at `url`.

        `pin` is SHA-256 of the partner's SubjectPublicKeyInfo; https without one is refused unless `unpinned`. Raises
        TransportError if the partner cannot be reached, has another key or does not answer in time, LimitError if the
        answer has more than `limit` bytes. A connection that the partner closed meanwhile is opened again once.
        """
        request = "POST", path, headers, body
        return self._ask(url, request, pin=pin, limit=limit, unpinned=unpinned, timeout=timeout)

    def get(
        self,
        url: str,
        path: str,
        headers: Mapping[str, str],
        *,
        pin: bytes | None,
        limit: int,
        unpinned: bool = False,
        timeout: float | None = None,
    ) -> HttpAnswer:
        """Return the answer to a GET of `path` at `url`; raises as `post` does."""
        request = "GET", path, headers, None
        return self._ask(url, request, pin=pin, limit=limit, unpinned=unpinned, timeout=timeout)

    def _ask(
        self,
        url: str,
        request: _Request,
        *,
        pin: bytes | None,
        limit: int,
        unpinned: bool,
        timeout: float | None,
    ) -> HttpAnswer:
        place = read_place(url, pin, unpinned=unpinned)
        deadline = time.monotonic() + (self._timeout if timeout is None else timeout)
        kept = self._take(place)
        if kept is not None:
            kept.line.deadline = deadline
            try:
                return self._send(kept, place, request, limit=limit)
            except StaleError:
                kept.end()
        fresh = connect(place, self._context, deadline)
        try:
            return self._send(fresh, place, request, limit=limit)
        except StaleError as error:
            raise TransportError(f"{place} closed the connection without an answer.", hint=HINT) from error

    def stream(
        self,
        url: str,
        path: str,
        headers: Mapping[str, str],
        *,
        pin: bytes | None,
        unpinned: bool = False,
        heartbeat: float = HEARTBEAT_TIMEOUT,
    ) -> Stream:
        """Return the stream of events at `path`, opened; the caller verifies its signature before it iterates.

        Raises TransportError as `post` does. A status other than 200 gives a stream without events whose `body` is
        the answer.
        """
        place = read_place(url, pin, unpinned=unpinned)
        connection = connect(place, self._context, time.monotonic() + self._timeout)
        try:
            response = connection.request("GET", path, {"Accept": "text/event-stream", **headers}, None)
        except StaleError as error:
            raise TransportError(f"{place} closed the connection without an answer.", hint=HINT) from error
        if response.status == http.client.OK:
            return Stream(connection, response, b"", heartbeat)
        body = connection.read(response, MAX_ERROR)
        connection.end()
        return Stream(connection, response, body, heartbeat)

    def _send(self, connection: Connection, place: Endpoint, request: _Request, *, limit: int) -> HttpAnswer:
        """Send one request; the connection is kept if it can carry another, and ended otherwise."""
        response = connection.request(*request)
        answer = HttpAnswer(response.status, combine(response.getheaders()), connection.read(response, limit))
        if response.will_close:
            connection.end()
        else:
            self._keep(place, connection)
        return answer

    def _take(self, place: Endpoint) -> Connection | None:
        """Return a kept connection on which nothing has come in, for then the other side has closed it."""
        while True:
            with self._lock:
                group = self._idle.get(place)
                connection = group.pop() if group else None
            if connection is None or connection.line.quiet():
                return connection
            connection.end()

    def _keep(self, place: Endpoint, connection: Connection) -> None:
        with self._lock:
            group = self._idle.setdefault(place, [])
            if not self._closed and len(group) < _IDLE_PER_PARTNER:
                group.append(connection)
                return
        connection.end()


class Stream:
    """Server-sent events as they come; iterate in one thread, `close` from any."""

    def __init__(
        self, connection: Connection, response: http.client.HTTPResponse, body: bytes, heartbeat: float
    ) -> None:
        """Take over a connection whose answer has begun."""
        self.status = response.status
        self.headers: Mapping[str, str] = combine(response.getheaders())
        self.body = body
        self._connection = connection
        self._response = response
        self._reader = EventReader()
        self._heartbeat = heartbeat
        self._over = response.status != http.client.OK
        self._reading = threading.Lock()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Event:
        """Wait for the next event; end when either side closed the stream.

        Raises TransportError if it breaks or falls silent, LimitError if a line or an event is too long.
        """
        with self._reading:
            try:
                event = None if self._over else self._next()
            except EntenteError:
                if not self._over:
                    self._over = True
                    raise
                event = None
            finally:
                if self._over:
                    self._connection.end()
            if event is None:
                raise StopIteration
            return event

    def close(self) -> None:
        """End the stream; a thread that waits in it stops waiting. Closing twice changes nothing."""
        self._over = True
        self._connection.line.wake()
        with self._reading:
            self._connection.end()

    def _next(self) -> Event | None:
        """Read until an event is complete; every complete line, also a comment, gives it more time."""
        line, reader = self._connection.line, self._reader
        seen = -1
        while (event := reader.take()) is None:
            if reader.lines != seen:
                line.deadline, seen = time.monotonic() + self._heartbeat, reader.lines
            with self._connection.guard():
                data = self._response.read1(_CHUNK)
            if not data:
                self._over = True
                return None
            reader.feed(data)
        return event
