"""The console command: puts the doors together, which do not know each other."""

from __future__ import annotations

import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from entente.interfaces.cli import main

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Generator

    from entente.node import Node


def run() -> None:
    """Run the command line with the server behind `up`, and leave with its exit code."""
    sys.exit(main.run(serve=serve))


def serve(node: Node, host: str, port: int, ready: Callable[[str], None], stop: threading.Event) -> None:
    """Let partners call `node` on `host` and `port` until `stop`; `ready` gets the address once it answers."""
    from entente.interfaces.peer import app
    from entente.interfaces.peer import serve as server

    with _certificate(node.tls_files) as tls:
        server.serve(app.build(node.door), host, port, tls=tls, ready=ready, stop=stop)


@contextmanager
def _certificate(texts: tuple[str, str] | None) -> Generator[tuple[str, str] | None]:
    """Give the names of two files that only this user can read, while the server needs them."""
    if texts is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="entente-") as folder:
        paths = [Path(folder, name) for name in ("certificate.pem", "key.pem")]
        for path, pem in zip(paths, texts, strict=True):
            path.touch(mode=0o600)
            path.write_text(pem, "ascii")
        yield str(paths[0]), str(paths[1])


if __name__ == "__main__":
    run()
