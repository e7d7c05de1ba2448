"""How far long work has come: a bar on a terminal, a line now and then otherwise; always on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from entente.interfaces.cli.terminal import screen, text

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

Report = Callable[[str, int, int], None]
"""What is being done, how much of it is done, how much there is (0 where nobody knows)."""

SECONDS: Final = 2.0
"""How often a line is written where there is no bar."""


class Lines:
    """Write a line when the last one is some seconds old."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def __call__(self, what: str, done: int, total: int) -> None:
        """Take note, and write a line if it is time."""
        now = time.monotonic()
        if now - self._last >= SECONDS:
            self._last = now
            share = f" of {total:,}" if total else ""
            sys.stderr.write(f"{text.shown(what)}: {done:,}{share}\n")
            sys.stderr.flush()


class Bar:
    """Move a bar, one for each thing that is being done."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, what: str, done: int, total: int) -> None:
        """Show how far `what` has come."""
        if what not in self._tasks:
            self._tasks[what] = self._progress.add_task(text.shown(what), total=total or None)
        self._progress.update(self._tasks[what], completed=done, total=total or None)


@contextmanager
def reporting() -> Generator[Report]:
    """Give what long work calls as it goes; the bar disappears when it is done."""
    if not screen.on_terminal(sys.stderr):
        yield Lines()
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=screen.console(sys.stderr), transient=True) as progress:
        yield Bar(progress)
