"""`circle`: open and list trust circles inside an agreement."""

from __future__ import annotations

from typing import Annotated

import typer

from entente.interfaces.cli.commands.agreement.agreement import STATES
from entente.interfaces.cli.invocation import invocation
from entente.interfaces.cli.terminal import names, text
from entente.interfaces.cli.terminal.screen import Cell, Screen, marking

app = typer.Typer(help="Circles (sharing groups): named sets of an agreement's members.", no_args_is_help=True)


@app.command("open")
def open_(
    ctx: typer.Context,
    agreement: Annotated[str, typer.Option(metavar="ID", help="The agreement that the circle belongs to.")],
    with_: Annotated[list[str], typer.Option("--with", metavar="ID", help="A member of it; repeat it for several.")],
    name: Annotated[str, typer.Option(metavar="NAME", help="What the circle is called.")] = "",
    ceiling: Annotated[str, typer.Option(metavar="MARK", help="The highest TLP that it accepts (TLP:AMBER).")] = "",
) -> None:
    """Open a circle; its members sign it with `agreement sign`."""
    here = invocation(ctx)
    with here.open() as node:
        opened = node.agreements.open_circle(agreement, with_, name=name, ceiling=ceiling, person=here.person)

    def show(screen: Screen) -> None:
        rows: list[tuple[str, Cell]] = [
            ("circle", opened.circle),
            ("state", (opened.state, STATES.get(opened.state, ""))),
        ]
        screen.facts("Opened; it can be used when its members have signed it", rows)

    here.answer(opened, show, next_=here.command(f"agreement sign {text.short(opened.circle)}"))


@app.command("list")
def list_(ctx: typer.Context) -> None:
    """List the circles that this member is in."""
    here = invocation(ctx)
    with here.open() as node:
        found = node.agreements.circles()
        known = names.of(node)

    def show(screen: Screen) -> None:
        rows: list[tuple[Cell, ...]] = [
            (
                screen.id(one.id),
                one.name,
                (one.state, STATES.get(one.state, "")),
                marking(one.ceiling),
                ", ".join(known(member) for member in one.members),
                screen.id(one.agreement),
                str(one.epoch),
            )
            for one in found
        ]
        columns = ("id", "name", "state", "at most", "members", "agreement", "epoch")
        screen.table(columns, rows, empty="There is no circle yet.")

    here.answer(found, show, next_="" if found else here.command("agreement propose --with PARTNER"))
