"""The console command: puts the doors together, which do not know each other."""

from __future__ import annotations

import gc
import os
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
    gc.set_threshold(50_000, 20, 50)  # folds and imports make many objects that stay
    sys.exit(main.run(serve=serve))


def serve(node: Node, host: str, port: int, ready: Callable[[str], None], stop: threading.Event) -> None:
    """Let partners call `node` on `host` and `port` until `stop`; `ready` gets the address once it answers."""
    from entente.interfaces.http import serve as server
    from entente.interfaces.peer import app
    from entente.interfaces.witness.app import PREFIX, WitnessApp

    with _certificate(node.tls_files) as tls:
        served = app.build(node.door, beside={PREFIX: WitnessApp(node.witness)})
        server.serve(served, host, port, tls=tls, ready=ready, stop=stop)


@contextmanager
def _certificate(texts: tuple[str, str] | None) -> Generator[tuple[str, str] | None]:
    """Give the names of two files that only this user can read, in memory where that is possible, while needed."""
    if texts is None:
        yield None
        return
    if Path("/proc/self/fd").is_dir() and sys.platform == "linux":
        descriptors = [os.memfd_create(name) for name in ("certificate.pem", "key.pem")]
        try:
            for descriptor, pem in zip(descriptors, texts, strict=True):
                os.write(descriptor, pem.encode("ascii"))
            certificate, key = (f"/proc/self/fd/{descriptor}" for descriptor in descriptors)
            yield certificate, key
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        return
    with tempfile.TemporaryDirectory(prefix="entente-") as folder:
        paths = [Path(folder, name) for name in ("certificate.pem", "key.pem")]
        for path, pem in zip(paths, texts, strict=True):
            path.touch(mode=0o600)
            path.write_text(pem, "ascii")
        yield str(paths[0]), str(paths[1])


if __name__ == "__main__":
    run()
