"""A wire that breaks: a TCP relay on loopback which ends a connection after a number of bytes."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Self

from timing import CEILING


class Relay:
    """Listens on `port`, passes everything on to `target`, and cuts when `budget` bytes have gone through."""

    def __init__(self, port: int, target: int) -> None:
        self.budget: int | None = None
        """Bytes until the next cut, in both directions together; None never cuts."""
        self.cuts = 0
        self.passed = 0
        self._target = target
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", port))
        self._open: set[socket.socket] = set()
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._target))
            with self._lock:
                self._open |= {near, far}
            for one, other in ((near, far), (far, near)):
                thread = threading.Thread(target=self._pass, args=(one, other))
                self._threads.append(thread)
                thread.start()

    def _pass(self, one: socket.socket, other: socket.socket) -> None:
        try:
            while data := one.recv(65_536):
                allowed, cut = self._spend(len(data))
                other.sendall(data[:allowed])
                if cut:
                    break
        except OSError:
            pass
        finally:
            for line in (one, other):
                self._end(line)

    def _spend(self, size: int) -> tuple[int, bool]:
        with self._lock:
            allowed = size if self.budget is None else min(size, self.budget)
            self.passed += allowed
            if self.budget is None:
                return allowed, False
            self.budget -= allowed
            if self.budget:
                return allowed, False
            self.cuts += 1
            self.budget = None
            return allowed, True

    def _end(self, line: socket.socket) -> None:
        with contextlib.suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)
        line.close()
        with self._lock:
            self._open.discard(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            still = list(self._open)
        for line in still:
            self._end(line)
        for thread in self._threads:
            thread.join(CEILING)
