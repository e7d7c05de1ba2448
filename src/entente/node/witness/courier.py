"""Beside the rounds of a running node: bring outside witnesses level whenever heads may have changed."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from typing_extensions import override

from entente.core.errors import EntenteError

if TYPE_CHECKING:
    from entente.node.witness.submit import Outside

RETRY = (5.0, 15.0, 60.0, 300.0, 900.0)
"""Seconds after which a witness that failed is asked again, ever more slowly."""
_log = logging.getLogger(__name__)


class Courier(threading.Thread):
    """Runs beside the rounds of a node: whenever heads may have changed, it brings each witness level."""

    def __init__(self, outside: Outside, stop: threading.Event) -> None:
        """Work until `stop`; `wake` starts each turn."""
        super().__init__(daemon=True, name="outside-witnesses")
        self._outside = outside
        self._ending = stop
        self._due = threading.Event()
        self._failures: dict[str, int] = {}
        self._later: dict[str, float] = {}

    def wake(self) -> None:
        """Look for new heads soon."""
        self._due.set()

    @override
    def run(self) -> None:
        """Bring witnesses level until the end; one that failed waits, and the others do not wait for it long."""
        while not self._ending.is_set():
            now = time.monotonic()
            self._due.wait(max(0.1, min(self._later.values(), default=now + RETRY[-1]) - now))
            self._due.clear()
            if self._ending.is_set():
                return
            try:
                self._turn()
            except EntenteError as problem:
                _log.info("outside witnesses: %s", problem.message)
            except Exception:  # noqa: BLE001 - a task boundary: one failure must not end the node
                _log.exception("outside witnesses failed")
                self._ending.wait(RETRY[0])

    def _turn(self) -> None:
        names = self._outside.names()
        self._later = {vkey: self._later[vkey] for vkey in names if vkey in self._later}
        for vkey in names:
            if self._later.get(vkey, 0.0) > time.monotonic():
                continue
            problem = self._outside.post(vkey)
            self._later.pop(vkey, None)
            if problem:
                failures = self._failures[vkey] = self._failures.get(vkey, 0) + 1
                self._later[vkey] = time.monotonic() + RETRY[min(failures, len(RETRY)) - 1]
            else:
                self._failures.pop(vkey, None)
