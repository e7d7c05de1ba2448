"""How tests wait and measure, so that none depends on how fast the machine is or what else runs on it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

CEILING = 300.0
"""Seconds after which something is taken to hang; on a busy machine everything takes long."""

PAUSE = 0.02
TICK = 0.01


def until(ask: Callable[[], T], what: str = "", *, pause: float = PAUSE) -> T:
    """Return the first answer that counts; fail if none does for a very long time."""
    end = time.monotonic() + CEILING
    while not (answer := ask()):
        assert time.monotonic() < end, what or "What was waited for has not come."
        time.sleep(pause)
    return answer


class Stopwatch:
    """Measures how long something takes, and how much of that the machine was busy with other work.

    A thread sleeps again and again for a moment. What it oversleeps, nobody in this process could use.
    """

    def __init__(self) -> None:
        self.elapsed = 0.0
        self.lost = 0.0
        self._began = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    @property
    def seconds(self) -> float:
        """The time that it took, without what was lost; it is counted when the watch stands."""
        return self.elapsed - self.lost

    def passed(self, seconds: float) -> bool:
        """Say whether this much time is over, whoever had it."""
        return time.monotonic() - self._began > seconds

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self.elapsed = time.monotonic() - self._began

    def _watch(self) -> None:
        before = self._began
        while not self._ended.is_set():
            self._ended.wait(TICK)
            now = time.monotonic()
            self.lost += max(now - before - TICK, 0.0)
            before = now
