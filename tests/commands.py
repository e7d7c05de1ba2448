"""The command `entente` and the verifier in this process, each with its own streams and environment.

Tests of signals, terminals, pipes, kills and start-up time use `ENTENTE`, the command line of a real process.
"""

from __future__ import annotations

import io
import os
import queue
import signal
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from entente.interfaces import run as program
from entente.interfaces.cli import main
from entente.interfaces.cli.invocation import Invocation
from entente.interfaces.http.loop import ServerLoop
from timing import CEILING
from tools_loader import load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from entente.node import Node

ENTENTE = (sys.executable, "-m", "entente.interfaces.run")
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Done:
    """What a command did."""

    def __init__(self, code: int, out: bytes, err: str) -> None:
        self.code = code
        self.out = out
        self.err = err

    def __repr__(self) -> str:
        return f"exit {self.code}\n{self.out.decode('utf-8', 'replace')}\n{self.err}"


def entente(*arguments: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> Done:
    """Run the command in this process and return what it did; what escapes from it fails the test."""
    return within(lambda: main.run(arguments, serve=program.serve), stdin=stdin, env=env)


def verify(*arguments: str | Path) -> Done:
    """Run `tools/verify.py`, the verifier that knows nothing of the product, in this process."""
    return within(lambda: load("verify").main([str(each) for each in arguments]))


def within(work: Callable[[], int], *, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> Done:
    """Do the work of a program with its own streams, environment and signal handlers, and put everything back."""
    out, err = io.BytesIO(), io.BytesIO()
    streams = sys.stdin, sys.stdout, sys.stderr
    environment = dict(os.environ)
    handlers = [(number, signal.getsignal(number)) for number in SIGNALS]
    sys.stdin = io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8", errors="surrogateescape")
    sys.stdout = io.TextIOWrapper(out, encoding="utf-8")
    sys.stderr = io.TextIOWrapper(err, encoding="utf-8", errors="backslashreplace", line_buffering=True)
    os.environ.update(env or {})
    try:
        try:
            code = work()
        except SystemExit as leaving:
            code = int(leaving.code or 0)
        sys.stdout.flush()
        sys.stderr.flush()
        return Done(code, out.getvalue(), err.getvalue().decode("utf-8", "replace"))
    finally:
        for number, handler in handlers:
            if signal.getsignal(number) is not handler:
                signal.signal(number, handler)
        os.environ.clear()
        os.environ.update(environment)
        sys.stdin, sys.stdout, sys.stderr = streams


@contextmanager
def up(home: Path, *, port: int | None = None) -> Iterator[str]:
    """Do in a thread what `entente up` does, while inside; give the address at which the node answers."""
    server = _Up(home, port)
    server.start()
    try:
        found = server.ready.get(timeout=CEILING)
        if found is None:
            server.finish()
        assert found is not None
        yield found
    finally:
        server.finish()


class _Up(threading.Thread):
    """Serves a home until it is asked to end, and begins again whenever its keys or its address change."""

    def __init__(self, home: Path, port: int | None) -> None:
        super().__init__(name="up")
        self.ready: queue.Queue[str | None] = queue.Queue()
        here = Invocation()
        here.home_option = home
        self._loop = ServerLoop(here.open, self._serve, lambda _: None, port=port)
        self._error: BaseException | None = None

    def run(self) -> None:
        try:
            self._loop.run()
        except BaseException as error:  # noqa: BLE001 - raised again in the test
            self._error = error
        finally:
            self.ready.put(None)

    def _serve(self, node: Node, host: str, port: int, _ready: Callable[[str], None], stop: threading.Event) -> None:
        program.serve(node, host, port, self.ready.put, stop)

    def finish(self) -> None:
        """End it, and raise what went wrong in it."""
        self._loop.end()
        self.join()
        if self._error is not None:
            raise self._error
