"""Ports for servers whose address must be known before they start."""

from __future__ import annotations

import itertools
import os
import socket

FIRST, LAST = 10_000, 32_000
"""Below the ports that systems give to connections, so that none of these takes one meanwhile."""

_next = itertools.count(os.getpid() * 97)


def free_port() -> int:
    """Return a port that nobody uses, another one each time; test processes begin at different places."""
    while True:
        port = FIRST + next(_next) % (LAST - FIRST)
        try:
            with socket.create_server(("127.0.0.1", port)):
                return port
        except OSError:
            continue
