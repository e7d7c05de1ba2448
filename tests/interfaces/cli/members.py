"""Members that tests drive as people do: by the command line, in this process unless a process is the point."""

from __future__ import annotations

import json
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import commands
from commands import ENTENTE, Done
from entente.core.marking import parse
from entente.formats.stix.markings import TLP_IDS
from ports import free_port
from timing import CEILING, Stopwatch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


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
        return commands.entente("--home", str(self.home), *arguments, stdin=stdin, env=env)

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
    def up(self) -> Iterator[str]:
        """Serve in a thread of this process while inside; give the address."""
        with commands.up(self.home) as url:
            yield url

    @contextmanager
    def up_process(self, *options: str) -> Iterator[str]:
        """Serve in a process while inside; give the address that `ready` named; SIGTERM must end it soon, with 0."""
        command = [*ENTENTE, "--home", str(self.home), "up", *options]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            try:
                line = process.stdout.readline()
                assert line.startswith("ready http"), (line, process.stderr and process.stderr.read())
                yield line.split()[1]
            finally:
                with Stopwatch() as watch:
                    process.terminate()
                    code = process.wait(CEILING)
            assert code == 0, process.stderr and process.stderr.read()
            assert watch.seconds < 4


def make(tmp_path: Path, name: str) -> Cli:
    """Return a member that is not founded yet."""
    return Cli(tmp_path / name.lower(), name, f"http://localhost:{free_port()}")


@contextmanager
def paired(folder: Path, *, processes: bool = False) -> Iterator[Pair]:
    """Give two members whose nodes run, paired, with an agreement in force."""
    harbour, northwind = make(folder, "Harbour").init(), make(folder, "Northwind").init()
    serve = Cli.up_process if processes else Cli.up
    with serve(harbour), serve(northwind):
        invitation = harbour("partner", "invite")
        northwind("partner", "join", invitation["url"], "--code", invitation["code"])
        northwind("partner", "confirm", harbour.member[:12], "--words", harbour.words)
        harbour("partner", "confirm", northwind.member, "--words", northwind.words)
        proposed = harbour("agreement", "propose", "--with", northwind.member, "--name", "Early warning")
        harbour("agreement", "sign", proposed["agreement"])
        harbour("sync")
        northwind("agreement", "sign", proposed["agreement"])
        northwind("sync")
        yield Pair(harbour, northwind, proposed["agreement"], proposed["circle"], folder)


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
