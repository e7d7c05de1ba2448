"""`share ask`, `share asked`, `share consent`: let an item of another member go further, with its originator's word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from entente.interfaces.cli.invocation import invocation
from entente.interfaces.cli.terminal import text
from entente.interfaces.cli.terminal.screen import Cell, Screen

if TYPE_CHECKING:
    from entente.node.items.values import AskInfo


def ask(
    ctx: typer.Context,
    id_: Annotated[str, typer.Argument(metavar="ID", help="The item, which another member brought.")],
    circle: Annotated[str, typer.Option("--circle", metavar="ID", help="The circle that is to get it.")],
) -> None:
    """Ask an originator if members of a circle may get its item (onward dissemination); it learns who, not where."""
    here = invocation(ctx)
    with here.open() as node:
        found = node.onward.ask(id_, circle, person=here.person)
    send = here.command(f"share send {text.short(found.item)} --circle {text.short(circle)}")
    here.answer(found, lambda screen: _shown(screen, [found]), next_=send if found.state == "in-force" else "")


def asked(ctx: typer.Context) -> None:
    """List the onward questions to us and of ours, with the answers."""
    here = invocation(ctx)
    with here.open() as node:
        found = node.onward.asked()
    here.answer(found, lambda screen: _shown(screen, found))


def consent(
    ctx: typer.Context,
    id_: Annotated[str, typer.Argument(metavar="ASK", help="The question (share asked).")],
    refuse: Annotated[bool, typer.Option("--refuse", help="Say no; an answer is final.")] = False,
) -> None:
    """Let a member send an item of ours on, or refuse; we can still recall it from everybody who got it."""
    here = invocation(ctx)
    with here.open() as node:
        found = node.onward.answer(id_, refuse=refuse, person=here.person)
    here.answer(found, lambda screen: _shown(screen, [found]))


def _shown(screen: Screen, found: list[AskInfo]) -> None:
    rows: list[tuple[Cell, ...]] = [
        (
            one.ask[:8],
            text.short(one.item) if one.item else "-",
            one.name,
            ", ".join(to.name for to in one.to),
            one.state,
            one.time,
        )
        for one in found
    ]
    screen.table(("ask", "item", "by", "for", "state", "since"), rows, empty="There are no onward questions.")


def add_to(share: typer.Typer) -> None:
    """Give the commands to their group."""
    share.command()(ask)
    share.command()(asked)
    share.command()(consent)
