"""`watch`: ask who sees an item. For `test_toy_kind.py`; it becomes `entente/interfaces/cli/commands/watch.py`."""

from __future__ import annotations

from typing import Annotated

import typer

from entente.interfaces.cli.invocation import invocation

app = typer.Typer(help="Ask partners whether they see an item.", no_args_is_help=True)


@app.command()
def ask(
    ctx: typer.Context,
    item: Annotated[str, typer.Argument(metavar="ID", help="The item.")],
    circle: Annotated[str, typer.Option(metavar="ID", help="The circle whose members are asked.")],
    hours: Annotated[int, typer.Option(metavar="N", help="For how long.")] = 24,
) -> None:
    """Ask the members of a circle."""
    here = invocation(ctx)
    with here.open() as node:
        asked = node.watches.ask(circle, item, hours, here.person)
    here.answer(asked, lambda screen: screen.line(f"asked for {asked.item}"))


@app.command("list")
def list_(ctx: typer.Context) -> None:
    """List what members look for."""
    here = invocation(ctx)
    with here.open() as node:
        found = node.watches.list()
    rows = [(each.name, each.item, str(each.hours)) for each in found]
    here.answer(found, lambda screen: screen.table(("from", "item", "hours"), rows))
