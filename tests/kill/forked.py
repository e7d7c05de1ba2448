"""The command `entente` in a process that is forked from one which has loaded the program already."""

from __future__ import annotations

import multiprocessing
import os
import sys
from typing import TYPE_CHECKING

from entente.interfaces import run

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import ForkServerProcess

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    [
        "entente.interfaces.run",
        "entente.interfaces.http.serve",
        "entente.interfaces.peer.app",
        "entente.interfaces.witness.app",
        "entente.node",
    ]
)


def start(*arguments: str) -> tuple[ForkServerProcess, int, int]:
    """Start the command; return its process, and the ends of its standard output and standard error to read from."""
    (out, out_end), (err, err_end) = FORKS.Pipe(duplex=False), FORKS.Pipe(duplex=False)
    process = FORKS.Process(target=_work, args=(arguments, out_end, err_end))
    process.start()
    ends = os.dup(out.fileno()), os.dup(err.fileno())
    for each in (out, out_end, err, err_end):
        each.close()
    return process, *ends


def _work(arguments: tuple[str, ...], out: Connection, err: Connection) -> None:
    os.dup2(out.fileno(), 1)
    os.dup2(err.fileno(), 2)
    sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w", buffering=1, errors="backslashreplace")
    sys.argv = ["entente", *arguments]
    run.run()
