"""What commands that answer alike have in common: lists of joint work, and files that were written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from entente.interfaces.cli import files
from entente.interfaces.cli.invocation import invocation
from entente.interfaces.cli.terminal import names, text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from msgspec import Struct

    from entente.interfaces.cli.invocation import Invocation
    from entente.interfaces.cli.terminal.screen import Screen
    from entente.node import Node
    from entente.node.home.values import Written

    T = TypeVar("T", bound=Struct)

OfCircle = Annotated[str, typer.Option("--circle", metavar="ID", help="Only those of this circle.")]
Ended = Annotated[bool, typer.Option("--all", help="Also those from before the agreement changed, which have ended.")]
Out = Annotated[str, typer.Option("--out", metavar="FILE", help="Where to write it (- is standard output).")]


def answer_list(
    ctx: typer.Context,
    find: Callable[[Node], Sequence[T]],
    table: Callable[[Screen, Sequence[T], Callable[[str], str]], None],
    *,
    begin: str = "",
) -> None:
    """Answer with what `find` finds, which `table` shows to people; `begin` is the next command if there is nothing."""
    here = invocation(ctx)
    with here.open() as node:
        found = find(node)
        known = names.of(node)
    here.answer(
        found, lambda screen: table(screen, found, known), next_=here.command(begin) if begin and not found else ""
    )


def answer_written(here: Invocation, done: Written, what: str, *, verify: bool = False) -> None:
    """Answer with a file that was written: `what` stands in it; with `verify` the next command verifies it."""
    line = f"{what} in {done.out} ({text.size(done.bytes)})."
    here.answer(
        done, lambda screen: screen.line(line, "green"), next_=f"python tools/verify.py {done.out}" if verify else ""
    )


def answer_export(ctx: typer.Context, out: str, make: Callable[[Node], bytes]) -> None:
    """Write what `make` makes to standard output, or into a file and answer with that."""
    here = invocation(ctx)
    with here.open() as node:
        data = make(node)
        if out == files.STDIN:
            here.answer_bytes(data)
            return
        done = node.write(out, data)
    here.answer(done, lambda screen: screen.line(f"Written to {done.out}.", "green"))
