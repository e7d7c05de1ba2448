"""`tempo`: how long it takes from one side's sighting to the other side's receipt, the decision, and its step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from entente.interfaces.cli.invocation import invocation
from entente.interfaces.cli.terminal import names

if TYPE_CHECKING:
    from entente.insight.tempo import Span
    from entente.interfaces.cli.terminal.screen import Cell, Screen


def tempo(ctx: typer.Context) -> None:
    """Show response times of each pair of members: p50, p95 from sighting or warning to receipt, decision and step."""
    here = invocation(ctx)
    with here.open() as node:
        found = node.tempo.show()
        known = names.of(node)

    def show(screen: Screen) -> None:
        rows: list[tuple[Cell, ...]] = [
            (known(one.from_), known(one.to), _words(one.receipt), _words(one.decision), _words(one.step))
            for one in found.pairs
        ]
        columns = ("from", "to", "to receipt", "to decision", "to step done")
        screen.table(columns, rows, empty="No sighting or warning has been received yet.")

    here.answer(found, show)


def _words(span: Span | None) -> str:
    return "" if span is None else f"{_time(span.p50)}, p95 {_time(span.p95)} ({span.n})"


def _time(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"
