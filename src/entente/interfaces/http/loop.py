"""Keep a node served until it is told to end; after its keys or its address were changed, go on with the new ones."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from typing_extensions import override

from entente.core.errors import InvalidError

if TYPE_CHECKING:
    from entente.node import Node

Serve = Callable[["Node", str, int, Callable[[str], None], threading.Event], None]
"""Let others call a node: host, port, what to call once it answers, when to stop."""

LOCAL: Final = ("localhost", "127.0.0.1", "::1")
SECONDS_TO_END: Final = 3.0
PAUSE: Final = 0.1


class ServerLoop:
    """Serve the node that `open_` opens, at its own address unless `host` or `port` say otherwise."""

    def __init__(
        self,
        open_: Callable[[], Node],
        serve: Serve,
        ready: Callable[[str], None],
        *,
        host: str = "",
        port: int | None = None,
    ) -> None:
        """Serve by `serve`; `ready` gets the address, once, when the node answers for the first time."""
        self._open = open_
        self._serve_by = serve
        self._ready = ready
        self._host = host
        self._port = port
        self._ended = threading.Event()
        self._stop = threading.Event()

    def end(self, *_: object) -> None:
        """End the loop; may be called from a signal or another thread."""
        self._ended.set()
        self._stop.set()

    def run(self) -> None:
        """Serve until `end`; WaitingError while the keys are sealed, TransportError for a port that is taken."""
        first = True
        while self._serve(first=first):
            first = False
            self._stop = threading.Event()  # our keys or address were changed: go on with the new ones
            if self._ended.wait(PAUSE):
                return

    def _serve(self, *, first: bool) -> bool:
        """Serve until told to stop; return whether it was for other keys or another address."""
        from entente.node.home.vault import locked

        with self._open() as node:
            if node.locked:
                raise locked()
            url = node.url
            live = _Live(node, self._stop)
            live.begin()
            try:
                port = port_of(url) if self._port is None else self._port
                host = self._host or host_for(url)
                self._serve_by(node, host, port, lambda at: self._say(at, url if first else ""), self._stop)
            finally:
                live.finish()
            again = node.keys.outdated(url)
        if live.error is not None:
            raise live.error
        return again

    def _say(self, at: str, own: str) -> None:
        """Say where the node answers: its own address if the port is that one's, else the address on this machine.

        Nothing where there is no `own`: it was said before.
        """
        if own:
            port = port_of(at)
            self._ready(own if port == port_of(own) else f"{urlsplit(at).scheme}://localhost:{port}")


class _Live(threading.Thread):
    """The loop beside the server; its error ends the server and is kept."""

    def __init__(self, node: Node, stop: threading.Event) -> None:
        super().__init__(name="live", daemon=True)
        self.error: Exception | None = None
        self._node = node
        self._end = stop
        self._runs = threading.Event()

    def begin(self) -> None:
        """Return when the loop runs; raise what kept it from running."""
        self.start()
        self._runs.wait()
        if self.error is not None:
            raise self.error

    def finish(self) -> None:
        """Ask the loop to end, and wait for it."""
        self._end.set()
        self.join(SECONDS_TO_END)

    @override
    def run(self) -> None:
        """Run the loop until it is asked to end."""
        try:
            self._node.run(self._end, self._runs.set)
        except Exception as error:  # noqa: BLE001  # the task's boundary: kept here, raised by the caller
            self.error = error
            self._end.set()
        finally:
            self._runs.set()


def host_for(url: str) -> str:
    """Return where to listen for this address: on this machine only for a local one, else everywhere."""
    return "127.0.0.1" if urlsplit(url).hostname in LOCAL else "0.0.0.0"  # noqa: S104  # partners must reach it


def port_of(url: str) -> int:
    """Return the port that an address names or implies; InvalidError if that is none."""
    where = urlsplit(url)
    try:
        return where.port or (443 if where.scheme == "https" else 80)
    except ValueError as error:
        raise InvalidError(f"The address {url} has no proper port: {error}.") from error
