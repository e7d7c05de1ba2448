"""The three members of `hidden_steps` as real nodes: SQLite, HTTP on loopback, and a tape at every door.

Each door stands behind a forwarder whose address outlives the node, so that a second run has the same addresses.
"""

from __future__ import annotations

import queue
import re
import socket
import threading
from contextlib import contextmanager, suppress
from hashlib import shake_128
from typing import TYPE_CHECKING

from entente.core.ids import b32
from entente.interfaces.http.serve import serve
from entente.interfaces.peer import app as peer_app
from entente.node import Node, found_member
from entente.node.home.base import Base
from entente.node.home.files import make_secrets
from entente.node.partners.caller import HttpCaller
from entente.store.sqlite.store import SqliteStore
from properties.hidden_steps import TapedNetwork
from timing import CEILING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from entente.store.ports import Store

NAMES = ("Arve", "Bora", "Cato")
_CALLER = re.compile(rb"entente-from: ([a-z2-7]{52})", re.IGNORECASE)


class Connection:
    """What went through one connection."""

    def __init__(self) -> None:
        self.asked = b""
        self.answered = b""

    def caller(self) -> str:
        found = _CALLER.search(self.asked)
        return found[1].decode() if found else ""


class Forwarder:
    """A door in front of a door: passes bytes on to `target` and keeps them."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.target = 0
        self.connections: list[Connection] = []
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    def _start(self, work: object, *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._socket.accept()
                far = socket.create_connection(("127.0.0.1", self.target))
                connection = Connection()
                self.connections.append(connection)
                self._open += [near, far]
                self._start(self._pass_on, near, far, connection, True)
                self._start(self._pass_on, far, near, connection, False)

    def _pass_on(self, source: socket.socket, sink: socket.socket, connection: Connection, asking: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if asking:
                    connection.asked += data
                else:
                    connection.answered += data
                sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def hang_up(self) -> None:
        """End every connection and begin an empty tape."""
        for each in self._open:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads[1:]:
            thread.join(CEILING)
        for each in self._open:
            each.close()
        self._open.clear()
        del self._threads[1:]
        self.connections = []

    def close(self) -> None:
        self.hang_up()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._threads[0].join(CEILING)


class SocketNetwork(TapedNetwork):
    """A network whose members call each other over HTTP."""

    def __init__(self, seed: int, folder: Path, doors: dict[str, Forwarder]) -> None:
        super().__init__(seed)
        self._folder = folder
        self._doors = doors
        self._stop = threading.Event()
        self._servers: list[threading.Thread] = []

    def add(self, name: str, store: Store | None = None) -> Node:
        assert store is None
        self._folder.mkdir(exist_ok=True)
        seeds = [shake_128(f"{self.seed}/{name}/key/{at}".encode()).digest(32) for at in range(6)]
        secrets = make_secrets(seeds, name, self._doors[name].url, 0)
        me = secrets.owner
        store = SqliteStore(self._folder / f"{name}.db", create=True, nonce=bytes(16))
        base = Base(None, store, secrets, clock=self.clock, random=lambda size: self.noise(name, size), me=me)
        found_member(base, name, self._doors[name].url)
        node = Node(base, HttpCaller(base))
        self.names[name] = me
        self.nodes[me] = node
        self._serve(name, node)
        return node

    def _serve(self, name: str, node: Node) -> None:
        ready: queue.Queue[str] = queue.Queue()
        options = {"tls": None, "ready": ready.put, "stop": self._stop}
        arguments = (peer_app.build(node.door), "127.0.0.1", 0)
        thread = threading.Thread(target=serve, args=arguments, kwargs=options)
        thread.start()
        self._servers.append(thread)
        self._doors[name].target = int(ready.get(timeout=CEILING).rpartition(":")[2])

    def received(self) -> list[tuple[str, bytes]]:
        """Return every byte that came to Cato through a socket, by connection."""
        cato = b32(self.member("Cato"))
        found: list[tuple[str, bytes]] = []
        for name, door in self._doors.items():
            for each in door.connections:
                if name == "Cato":
                    found.append((f"called by {each.caller()}", each.asked))
                elif each.caller() == cato:
                    found.append((f"answered by {name}", each.answered))
        return found

    def close(self) -> None:
        for node in self.nodes.values():
            node.close()
        self._stop.set()
        for door in self._doors.values():
            door.hang_up()
        for thread in self._servers:
            thread.join(CEILING)


@contextmanager
def doors() -> Iterator[dict[str, Forwarder]]:
    """Give each member an address for as long as the block lasts."""
    made = {name: Forwarder() for name in NAMES}
    try:
        yield made
    finally:
        for door in made.values():
            door.close()
