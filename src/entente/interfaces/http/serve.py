"""Listen for other members: run the application on uvicorn in the calling thread until it is told to stop."""

from __future__ import annotations

import socket
import ssl
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, cast

import uvicorn
from typing_extensions import override
from uvicorn.protocols.http.h11_impl import H11Protocol

from entente.core.errors import InvalidError, TransportError

if TYPE_CHECKING:
    import asyncio
    import threading
    from collections.abc import Callable, Generator

    from starlette.applications import Starlette
    from uvicorn.protocols.http.h11_impl import RequestResponseCycle

    from entente.interfaces.http.events import Streams

HEAD_SECONDS: Final = 10.0
"""Time for a connection to send the head of a request."""
SEND_SECONDS: Final = 30.0
"""Time for a partner to take what is sent; one that does not read is cut off."""
KEEP_ALIVE: Final = 30
MAX_CONNECTIONS: Final = 256
MAX_SILENT: Final = 128
"""Connections that may wait for a head; the oldest of more makes room, so that silence keeps nobody out."""
MAX_HEAD: Final = 16 * 1024

_GRACE: Final = 1
_BACKLOG: Final = 128
_MAX_PORT: Final = 65535
_NOT_HTTP: Final = b'{"error":{"code":"invalid","message":"This is not a request of HTTP/1.1.","hint":""}}'
_BAD_REQUEST: Final = (
    b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%s"
    % (len(_NOT_HTTP), _NOT_HTTP)
)


def serve(
    app: Starlette,
    host: str,
    port: int,
    *,
    tls: tuple[str, str] | None,
    ready: Callable[[str], None],
    stop: threading.Event,
) -> None:
    """Serve `app` until `stop` is set; call `ready` with the address once it answers (port 0 takes a free one).

    `tls` names the files of certificate and key. Signals are left to the caller. Streams end and requests get a second
    to finish; one that is in the middle of a node call finishes it. Raises TransportError if the port is taken or the
    host is not ours, InvalidError if the certificate or key cannot be used.
    """
    certificate, key = tls or (None, None)
    config = uvicorn.Config(
        app,
        http=_Protocol,
        loop="asyncio",
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        limit_concurrency=MAX_CONNECTIONS,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=_GRACE,
        h11_max_incomplete_event_size=MAX_HEAD,
        ssl_certfile=certificate,
        ssl_keyfile=key,
        ssl_context_factory=_context if tls else None,
    )
    try:
        config.load()
    except OSError as error:
        raise InvalidError(f"The certificate or its key cannot be used: {error}.") from error
    with _listen(host, port) as listener:
        url = _url("https" if tls else "http", listener)
        streams: Streams = app.state.streams
        _Server(config, lambda: ready(url), stop, streams).run(sockets=[listener])


class _Server(uvicorn.Server):
    """A server that is stopped by an event, not by signals."""

    def __init__(
        self, config: uvicorn.Config, ready: Callable[[], None], stop: threading.Event, streams: Streams
    ) -> None:
        super().__init__(config)
        self._streams = streams
        self._ready = ready
        self._stop = stop

    @override
    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave the signals to the caller."""
        yield

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen, then say so."""
        await super().startup(sockets)
        self._ready()

    @override
    async def on_tick(self, counter: int) -> bool:
        """Look ten times a second whether to stop."""
        return await super().on_tick(counter) or self._stop.is_set()

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End streams and idle connections, then wait for the rest."""
        self._streams.close()
        for connection in self._connections():
            connection.end_idle()
        await super().shutdown(sockets)
        for connection in self._connections():
            connection.transport.abort()

    def _connections(self) -> list[_Protocol]:
        """Return the open connections; uvicorn's own type also names protocols that are not installed here."""
        connections = cast("set[object]", self.server_state.connections)
        return [connection for connection in connections if isinstance(connection, _Protocol)]


class _Protocol(H11Protocol):
    """HTTP/1.1 with deadlines for heads and for reading what is sent, and refusals in the form of every other."""

    _head: asyncio.TimerHandle | None = None
    _stalled: asyncio.TimerHandle | None = None

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn declares it
        """Expect a head."""
        super().connection_made(transport)
        self._expect_head()
        self._make_room()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """Expect nothing any more."""
        self._forget_head()
        self._forget_stall()
        super().connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        """Take bytes; as long as they make no whole head, the clock runs on."""
        super().data_received(data)
        if self._idle():
            self._expect_head()
        else:
            self._forget_head()

    @override
    def pause_writing(self) -> None:
        """Give the partner time to read."""
        super().pause_writing()
        if self._stalled is None:
            self._stalled = self.loop.call_later(SEND_SECONDS, self.transport.abort)

    @override
    def resume_writing(self) -> None:
        """Go on: the partner reads."""
        self._forget_stall()
        super().resume_writing()

    @override
    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP; a request whose body breaks off in the middle counts as left by its caller."""
        del msg
        self._forget_head()
        if self._idle() or not self.cycle.response_started:
            self.transport.write(_BAD_REQUEST)
        if not self._idle():
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.close()

    def end_idle(self) -> None:
        """End the connection if nothing is under way on it."""
        if self._idle() and not self.transport.get_write_buffer_size():
            self.transport.abort()

    def _idle(self) -> bool:
        cycle = cast("RequestResponseCycle | None", self.cycle)  # none before the first request
        return cycle is None or cycle.response_complete

    def _expect_head(self) -> None:
        if self._head is None and self.timeout_keep_alive_task is None:
            self._head = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def _make_room(self) -> None:
        """Cut the oldest of too many connections that have said nothing."""
        connections = cast("set[object]", self.connections)
        silent = [each for each in connections if isinstance(each, _Protocol) and each.silent_until()]
        if len(silent) > MAX_SILENT:
            min(silent, key=_Protocol.silent_until).cut()

    def silent_until(self) -> float:
        """Return when the time for a head is over, 0 if none is expected."""
        return self._head.when() if self._head else 0.0

    def cut(self) -> None:
        """End the connection as it is; from this moment on it counts no more."""
        self._forget_head()
        cast("set[object]", self.connections).discard(self)
        self.transport.abort()

    def _forget_head(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def _forget_stall(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None


def _context(_config: uvicorn.Config, default: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
    context = default()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _listen(host: str, port: int) -> socket.socket:
    """Take the port before anything else starts."""
    if not 0 <= port <= _MAX_PORT:
        raise TransportError(f"There is no port {port}.", hint=f"Ports go up to {_MAX_PORT}.")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=socket.AI_PASSIVE
        )[0]
        # With its protocol named, asyncio switches the delay of small packets off; otherwise an answer takes 40 ms.
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(_BACKLOG)
        except BaseException:
            listener.close()
            raise
    except OSError as error:
        raise TransportError(
            f"This node cannot listen at {host} port {port}: {error}.", hint="Choose another port with --port."
        ) from error
    return listener


def _url(scheme: str, listener: socket.socket) -> str:
    """Return the address by which this machine reaches the listener."""
    address: tuple[str, int] = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address[0], address[0])  # noqa: S104 - compared, not bound
    return f"{scheme}://[{host}]:{address[1]}" if ":" in host else f"{scheme}://{host}:{address[1]}"
