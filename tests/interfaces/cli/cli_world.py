"""Members that tests drive as people do: by the command line, in processes of their own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from entente.core.marking import parse
from entente.formats.stix.markings import TLP_IDS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ENTENTE = (sys.executable, "-m", "entente.interfaces.run")


class Cli:
    """One member at the command line."""

    def __init__(self, home: Path, name: str, url: str) -> None:
        self.home = home
        self.name = name
        self.url = url
        self.member = ""
        self.words = ""

    def raw(self, *arguments: str, stdin: bytes = b"", env: dict[str, str] | None = None) -> Done:
        """Run a command and return what it did."""
        command = [*ENTENTE, "--home", str(self.home), *arguments]
        done = subprocess.run(
            command, input=stdin, capture_output=True, check=False, timeout=60, env={**os.environ, **(env or {})}
        )
        return Done(done.returncode, done.stdout, done.stderr.decode("utf-8", "replace"))

    def __call__(self, *arguments: str, code: int = 0, stdin: bytes = b"", person: str = "") -> Any:
        """Run a command with `--json` and return its document; the exit code must be `code`."""
        acting = ("--as", person) if person else ()
        done = self.raw("--json", *acting, *arguments, stdin=stdin)
        assert done.code == code, (arguments, done)
        document = json.loads(done.out)
        assert done.out.endswith(b"\n")
        assert "Traceback" not in done.err
        return document

    def init(self) -> Cli:
        """Found the member."""
        found = self("init", "--name", self.name, "--url", self.url, "--recovery", str(self.home) + ".recovery")
        self.member, self.words = found["member"], " ".join(found["words"])
        return self

    @contextmanager
    def up(self, *options: str) -> Iterator[str]:
        """Serve while inside; give the address that `ready` named, and check that SIGTERM ends it in time."""
        command = [*ENTENTE, "--home", str(self.home), "up", *options]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            late = threading.Timer(20, process.kill)
            late.start()
            try:
                assert process.stdout is not None
                line = process.stdout.readline()
                late.cancel()
                assert line.startswith("ready http"), (line, process.stderr and process.stderr.read())
                yield line.split()[1]
            finally:
                process.terminate()
                code = process.wait(4)
            assert code == 0, process.stderr and process.stderr.read()


class Done:
    """What a command did."""

    def __init__(self, code: int, out: bytes, err: str) -> None:
        self.code = code
        self.out = out
        self.err = err

    def __repr__(self) -> str:
        return f"exit {self.code}\n{self.out.decode('utf-8', 'replace')}\n{self.err}"


def free_port() -> int:
    """Return a port that nobody uses."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def make(tmp_path: Path, name: str) -> Cli:
    """Return a member that is not founded yet."""
    return Cli(tmp_path / name.lower(), name, f"http://localhost:{free_port()}")


class Pair:
    """Two members with an agreement."""

    def __init__(self, harbour: Cli, northwind: Cli, agreement: str, circle: str, folder: Path) -> None:
        self.harbour = harbour
        self.northwind = northwind
        self.agreement = agreement
        self.circle = circle
        self.folder = folder
        self._number = 0

    def indicator(self, tlp: str = "green", *, number: int = 0, **more: object) -> tuple[Path, str]:
        """Write a bundle with one new indicator; return the file and the id."""
        self._number += 1
        at = number or self._number
        id_ = f"indicator--{at:08x}-0000-4000-8000-00000000cafe"
        found: dict[str, object] = {
            "type": "indicator",
            "spec_version": "2.1",
            "id": id_,
            "created": "2026-10-01T00:00:00.000Z",
            "modified": "2026-10-01T00:00:00.000Z",
            "name": f"Quay {at}",
            "description": "Seen at the quay.",
            "indicator_types": ["malicious-activity"],
            "pattern": f"[domain-name:value = 'quay-{at}.example']",
            "pattern_type": "stix",
            "valid_from": "2026-10-01T00:00:00.000Z",
            **more,
        }
        if tlp:
            found["object_marking_refs"] = [TLP_IDS[parse(tlp)]]
        path = self.folder / f"{at}-{self._number}.json"
        path.write_text(json.dumps({"type": "bundle", "id": id_.replace("indicator", "bundle"), "objects": [found]}))
        return path, id_
