"""Where the demonstration lives: its folder with a marker, and the two servers as processes of their own."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from entente.core.errors import ConflictError, StoreError, TransportError

MARKER: Final = "entente-demo.json"
SECONDS_TO_START: Final = 20.0
SECONDS_TO_END: Final = 5.0
SECONDS_TO_ARRIVE: Final = 20.0
_GLANCE: Final = 0.02


class DemoMarker(msgspec.Struct, frozen=True, rename="kebab"):
    """What tells a folder of the demonstration from any other, and whether its story was told to the end."""

    entente_demo: int = 1
    complete: bool = False


class DemoPlace:
    """The folder of the demonstration: a home for each side, its recovery files, its papers."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.harbour = path / "harbour"
        self.northwind = path / "northwind"
        self.papers = path / "papers"

    @property
    def complete(self) -> bool:
        """Say whether the story was told here before."""
        found = self._marker()
        return found is not None and found.complete

    def prepare(self, *, reset: bool) -> None:
        """Make the folder; raise ConflictError where something else lies, or a story that was not told to the end."""
        if reset:
            self._remove()
        if self.complete:
            return
        if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            unfinished = self._marker() is not None
            what = "holds a demonstration that was not finished" if unfinished else "holds something else"
            hint = "Start it with --reset." if unfinished else "Choose another --dir."
            raise ConflictError(f"{self.path} {what}.", hint=hint)
        try:
            self.papers.mkdir(parents=True, mode=0o700)
            self._mark(DemoMarker())
        except OSError as error:
            raise StoreError(f"{self.path} cannot be made: {error.strerror}.", hint="Choose another --dir.") from error

    def finish(self) -> None:
        """Note that the story was told to the end."""
        self._mark(DemoMarker(complete=True))

    def paper(self, name: str, data: bytes) -> Path:
        """Write a file of the story and return where it is."""
        path = self.papers / name
        path.write_bytes(data)
        return path

    def _remove(self) -> None:
        if not self.path.exists():
            return
        if self._marker() is None:
            raise ConflictError(f"{self.path} is no demonstration, so it is not removed.", hint="Choose another --dir.")
        shutil.rmtree(self.path)

    def _marker(self) -> DemoMarker | None:
        try:
            return msgspec.json.decode((self.path / MARKER).read_bytes(), type=DemoMarker)
        except (OSError, msgspec.MsgspecError):
            return None

    def _mark(self, marker: DemoMarker) -> None:
        (self.path / MARKER).write_bytes(msgspec.json.encode(marker))


class Server:
    """`entente up` for one home, in a process of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.url = ""
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it; raise TransportError if it does not answer in time."""
        command = [sys.executable, "-m", "entente.interfaces.run", "--home", str(self.home), "up"]
        log = self.home.with_suffix(".log")
        with log.open("w") as stderr:
            process = subprocess.Popen(  # noqa: S603  # ourselves
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr, text=True
            )
        self._process = process
        late = threading.Timer(SECONDS_TO_START, process.kill)
        late.start()
        line = process.stdout.readline() if process.stdout else ""
        late.cancel()
        if not line.startswith("ready "):
            self.stop()
            said = log.read_text("utf-8", "replace").strip()
            raise TransportError(f"The server in {self.home} did not start. {said}", hint="Try again with --reset.")
        self.url = line.removeprefix("ready ").strip()

    def wait(self, seconds: float) -> bool:
        """Wait that long for the server to end; say whether it has."""
        if self._process is None:
            return True
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self) -> int:
        """End it, and return its exit code."""
        process = self._process
        if process is None:
            return 0
        process.terminate()
        try:
            code = process.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        if process.stdout is not None:
            process.stdout.close()
        self._process = None
        return code


def free_urls(number: int) -> list[str]:
    """Return addresses on this machine whose ports nobody uses."""
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    urls = [f"http://localhost:{listener.getsockname()[1]}" for listener in listeners]
    for listener in listeners:
        listener.close()
    return urls


def until(condition: Callable[[], bool], what: str) -> None:
    """Wait until something has come true; raise TransportError if it takes too long."""
    end = time.monotonic() + SECONDS_TO_ARRIVE
    while not condition():
        if time.monotonic() > end:
            raise TransportError(
                f"After {SECONDS_TO_ARRIVE:.0f} s {what} had not arrived.", hint="Start it with --reset."
            )
        time.sleep(_GLANCE)
