"""Members with real homes on disk and real sockets on loopback, in one process, for stories where these matter."""

from __future__ import annotations

import queue
import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from entente.interfaces.http.serve import serve
from entente.interfaces.peer import app
from entente.node import Node
from ports import free_port
from timing import CEILING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

UNREACHABLE = "http://127.0.0.1:9"


class House:
    """One member: a folder, the open node, and what runs on it."""

    def __init__(self, folder: Path, name: str, url: str = "", port: int = 0) -> None:
        """Found a member; it says that it lives at `url` and listens on `port`."""
        self.port = port or free_port()
        self.home = folder / name.lower()
        Node.init(self.home, name=name, url=url or f"http://127.0.0.1:{self.port}")
        self.node = Node.open(self.home)
        self._stack = ExitStack()

    def serve(self) -> None:
        """Let others call from now on."""
        self._stack.enter_context(_served(self.node, self.port))

    def run(self) -> None:
        """Do the background work of `entente up` from now on."""
        self._stack.enter_context(_running(self.node))

    def rest(self) -> None:
        """Stop what runs; the node stays open."""
        self._stack.close()

    def close(self) -> None:
        """Stop everything."""
        self.rest()
        self.node.close()

    def files(self) -> dict[str, bytes]:
        """Return every file of the home with its bytes, the write-ahead log too."""
        return {path.name: path.read_bytes() for path in sorted(self.home.rglob("*")) if path.is_file()}


@contextmanager
def _served(node: Node, port: int) -> Iterator[str]:
    ready: queue.Queue[str] = queue.Queue()
    stop = threading.Event()
    patience = app.Patience(strangers=100_000)  # here everybody calls from one address
    arguments = (app.build(node.door, patience), "127.0.0.1", port)
    thread = threading.Thread(target=serve, args=arguments, kwargs={"tls": None, "ready": ready.put, "stop": stop})
    thread.start()
    try:
        yield ready.get(timeout=CEILING)
    finally:
        stop.set()
        thread.join(CEILING)
        assert not thread.is_alive()


@contextmanager
def _running(node: Node) -> Iterator[None]:
    stop, started = threading.Event(), threading.Event()
    thread = threading.Thread(target=node.run, args=(stop, started.set))
    thread.start()
    try:
        assert started.wait(CEILING)
        yield
    finally:
        stop.set()
        thread.join(CEILING)
        assert not thread.is_alive()


@contextmanager
def houses(folder: Path, *names: str) -> Iterator[list[House]]:
    """Give founded members that serve."""
    with ExitStack() as stack:
        found = [House(folder, name) for name in names]
        for house in found:
            stack.callback(house.close)
            house.serve()
        yield found


def pair(one: Node, other: Node) -> None:
    """Pair two members by cards and words; one that cannot be called calls out itself."""
    one.partners.add(other.partners.card())
    other.partners.add(one.partners.card())
    one.partners.confirm(other.member, " ".join(other.words))
    other.partners.confirm(one.member, " ".join(one.words))
    settle(one, other)


def settle(*nodes: Node) -> None:
    """Let members sync until nothing moves; a member that cannot be called is no failure."""
    for _ in range(12):
        moved = 0
        for node in nodes:
            for done in node.exchange.sync():
                assert not done.error or UNREACHABLE in done.error, done.error
                moved += done.sent.entries + done.received.entries
        if not moved:
            return
    raise AssertionError("The members do not come to rest.")


def agree(*nodes: Node, name: str = "Agreement", ceiling: str = "") -> str:
    """Sign an agreement of paired members; return its founding circle."""
    first, *others = nodes
    made = first.agreements.propose([node.member for node in others], name=name, ceiling=ceiling)
    first.agreements.sign(made.agreement)
    settle(*nodes)
    for node in others:
        node.agreements.sign(made.agreement)
    settle(*nodes)
    return made.circle
