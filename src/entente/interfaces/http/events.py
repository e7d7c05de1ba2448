"""Event streams: new signed heads as server-sent events, with a comment every 15 seconds so that silence is a sign."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Final, Protocol

import anyio
import anyio.to_thread
from starlette.responses import Response
from typing_extensions import override

from entente.exchange import sse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Receive, Scope, Send


HEARTBEAT: Final = 15.0
MAX_STREAMS: Final = 256

_log = logging.getLogger("entente.peer")


class Subscription(Protocol):
    """The new signed heads of the logs that a partner shares with this node."""

    def next(self, timeout: float) -> list[bytes] | None:
        """Return notes as soon as there are some, an empty list after `timeout` seconds, None once closed."""
        ...

    def close(self) -> None:
        """End the subscription and wake whoever waits in `next`; closing twice changes nothing."""
        ...


class Streams:
    """The streams that are open, so that all of them can be ended from any thread."""

    def __init__(self) -> None:
        """Begin without any."""
        self.limiter = anyio.CapacityLimiter(MAX_STREAMS)
        self._open: set[Subscription] = set()
        self._lock = threading.Lock()
        self._closed = False

    def add(self, subscription: Subscription) -> None:
        """Count a stream as open; it ends at once if the door is closing."""
        with self._lock:
            self._open.add(subscription)
            closed = self._closed
        if closed:
            subscription.close()

    def remove(self, subscription: Subscription) -> None:
        """End a stream."""
        with self._lock:
            self._open.discard(subscription)
        subscription.close()

    def close(self) -> None:
        """End every stream, and those that are still to come."""
        with self._lock:
            self._closed = True
            subscriptions = list(self._open)
        for subscription in subscriptions:
            subscription.close()


class EventStream(Response):
    """An answer that goes on until either side ends it; its headers are signed over an empty body."""

    def __init__(self, subscription: Subscription, streams: Streams, headers: Mapping[str, str]) -> None:
        """Send what `subscription` brings."""
        self.status_code = 200
        self.background = None
        self.body = b""
        self.init_headers({**headers, "cache-control": "no-store"})
        self._subscription = subscription
        self._streams = streams

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until the partner leaves or the door closes."""
        del scope
        self._streams.add(self._subscription)
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._watch, receive)
                await self._send_all(send)
                group.cancel_scope.cancel()
        finally:
            self._streams.remove(self._subscription)

    async def _watch(self, receive: Receive) -> None:
        """Close the subscription, which ends the stream, once the partner has left."""
        while (await receive())["type"] != "http.disconnect":
            pass
        self._subscription.close()

    async def _send_all(self, send: Send) -> None:
        headers = [(name, value) for name, value in self.raw_headers if name != b"content-length"]
        await send({"type": "http.response.start", "status": self.status_code, "headers": headers})
        data = sse.comment("hello")
        while data:
            await send({"type": "http.response.body", "body": data, "more_body": True})
            data = await self._next()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _next(self) -> bytes:
        """Return what comes next, nothing at the end; the wait is in a thread of the streams' own.

        So streams cannot hold up exchanges.
        """
        try:
            notes = await anyio.to_thread.run_sync(
                self._subscription.next, HEARTBEAT, abandon_on_cancel=True, limiter=self._streams.limiter
            )
        except Exception as failure:  # noqa: BLE001 - a stream ends where the node fails; the partner opens another
            _log.error("A stream ended: %s: %s", type(failure).__name__, failure)
            return b""
        if notes is None:
            return b""
        return b"".join(sse.event("head", note) for note in notes) or sse.comment("alive")
