"""`person`: the people of this member who may act; their names stay at home."""

from __future__ import annotations

from typing import Annotated

import typer

from entente.interfaces.cli.invocation import invocation
from entente.interfaces.cli.terminal import text
from entente.interfaces.cli.terminal.screen import Screen

app = typer.Typer(help="The people of this member that may act (--as).", no_args_is_help=True)


@app.command()
def add(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="How this member calls the person; it stays at home.")],
    role: Annotated[list[str] | None, typer.Option(metavar="ROLE", help="A role; repeat it for several.")] = None,
) -> None:
    """Add a person; approvals and releases name it by its id."""
    here = invocation(ctx)
    with here.open() as node:
        added = node.people.add(name, list(role or ()))

    def show(screen: Screen) -> None:
        screen.facts(
            "Added", [("person", added.person), ("name", added.name), ("roles", ", ".join(added.roles) or "-")]
        )

    here.answer(added, show, next_=f"{text.program()} --as {added.person} COMMAND")


@app.command("list")
def list_(ctx: typer.Context) -> None:
    """List the people of this member."""
    here = invocation(ctx)
    with here.open() as node:
        found = node.people.list()

    def show(screen: Screen) -> None:
        rows = [(one.person, one.name, ", ".join(one.roles)) for one in found]
        screen.table(("person", "name", "roles"), rows)

    here.answer(found, show)
