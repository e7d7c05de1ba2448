"""`demo`: two invented members on this machine meet, agree, share and prove it; then they are yours to try."""

from __future__ import annotations

import shlex
import signal
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from entente.interfaces.cli.invocation import Invocation, invocation
from entente.interfaces.cli.terminal import text
from entente.interfaces.cli.terminal.screen import Cell, Screen

if TYPE_CHECKING:
    from rich.status import Status

    from entente.interfaces.cli.demo.story import MemberShown, Story, StoryStep


def demo(
    ctx: typer.Context,
    directory: Annotated[
        Path | None, typer.Option("--dir", metavar="DIR", help="Where the two homes are made.")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="End when the story is told.")] = False,
    reset: Annotated[bool, typer.Option("--reset", help="Remove an earlier demonstration first.")] = False,
) -> None:
    """Show two members meeting, agreeing, sharing and proving it; then both go on running for you to try."""
    from entente.interfaces.cli.demo.place import DemoPlace
    from entente.interfaces.cli.demo.story import Story

    here = invocation(ctx)
    place = DemoPlace((directory or _default()).absolute())
    place.prepare(reset=reset)
    teller = _Teller(here)
    story = Story(place, teller.done, teller.begin)
    with _ended_by_signals():
        try:
            began = time.monotonic()
            with teller:
                (story.resume if place.complete else story.run)()
            _finish(here, story, time.monotonic() - began)
            if not once:
                _wait(here, story)
        except KeyboardInterrupt:
            here.hint("stopping both nodes")
        finally:
            story.stop()


def _default() -> Path:
    import platformdirs

    return platformdirs.user_data_path("entente", appauthor=False) / "demo"


def _finish(here: Invocation, story: Story, seconds: float) -> None:
    """Show both sides' view, and what it took."""
    told = story.told(seconds)

    def show(screen: Screen) -> None:
        for side in told.members:
            screen.facts(side.name, _facts(screen, side, {one.member: one.name for one in told.members}))
        screen.line(f"Told in {seconds:.1f} s.", "green")

    here.answer(told, show)


def _facts(screen: Screen, side: MemberShown, known: dict[str, str]) -> list[tuple[str, Cell]]:
    receipts = ", ".join(f"{number} {stage}" for stage, number in side.receipts.items())
    heads = sorted((one for one in side.heads if one.circle), key=lambda one: one.member)
    return [
        ("member", screen.id(side.member)),
        ("words", (" ".join(side.words), "bold cyan")),
        ("address", side.url),
        ("items", f"{side.items:,} in the circle"),
        ("receipts", receipts or "-"),
        *((f"log of {known[one.member]}", f"{one.size} entries, root {one.root[:12]}") for one in heads),
        ("ledger", ("verifies", "green") if side.ok else ("does NOT verify", "bold red")),
    ]


def _wait(here: Invocation, story: Story) -> None:
    """Say what to try, and wait until one of the nodes ends or the person has seen enough."""
    harbour, northwind = (f"{text.program()} --home {shlex.quote(str(server.home))}" for server in story.servers)
    lines = (
        "Both nodes go on running; Ctrl-C ends them. Try in another terminal:",
        f"  {northwind} item search lantern-quay --limit 5",
        f"  {northwind} item show {text.short(story.shared_item)}",
        f"  {harbour} share why {text.short(story.shared_item)}",
        f"  {harbour} ledger receipts {text.short(story.shared_item)}",
        f"  {harbour} agreement list",
        f"  {northwind} ledger verify",
    )
    for line in lines:
        here.hint_plain(line)
    while not any(server.wait(0.5) for server in story.servers):
        pass
    here.hint_plain("One of the nodes has ended.")
    here.end(1)


class _Teller:
    """Tell each step when it is done: with a spinner on a terminal, else a line; on stderr where stdout is for JSON."""

    def __init__(self, here: Invocation) -> None:
        from entente.interfaces.cli.terminal import screen

        self._stream = sys.stderr if here.as_json else sys.stdout
        self._status: Status | None = None
        if screen.on_terminal(self._stream):
            self._status = screen.console(self._stream).status("")

    def __enter__(self) -> None:
        if self._status is not None:
            self._status.start()

    def __exit__(self, *_: object) -> None:
        if self._status is not None:
            self._status.stop()

    def begin(self, name: str) -> None:
        """Say what is being done."""
        if self._status is not None:
            self._status.update(text.shown(name))

    def done(self, step: StoryStep) -> None:
        """Say what was done."""
        words = text.shown(f"{step.name}: {step.detail}")
        if self._status is None:
            self._stream.write(f"ok {step.seconds:6.2f} s  {words}\n")
            self._stream.flush()
            return
        from rich.text import Text

        name, _, detail = words.partition(": ")
        line = Text.assemble(("✓ ", "bold green"), (f"{step.seconds:5.2f} s  ", "dim"), (name, "bold"), f"  {detail}")
        self._status.console.print(line)


@contextmanager
def _ended_by_signals() -> Generator[None]:
    """Let SIGTERM end the demonstration as Ctrl-C does, so that no node is left running."""

    def end(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
