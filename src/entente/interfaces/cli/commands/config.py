"""`config`: settings of this node, and its address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from entente.interfaces.cli.invocation import invocation

if TYPE_CHECKING:
    from entente.interfaces.cli.terminal.screen import Screen
    from entente.node.home.values import SettingsInfo

app = typer.Typer(help="Settings of this node, and its address.", no_args_is_help=True)


@app.command("show")
def show_(ctx: typer.Context) -> None:
    """Show the settings."""
    here = invocation(ctx)
    with here.open() as node:
        found = node.settings.show()
    here.answer(found, lambda screen: _show(screen, found))


@app.command("set")
def set_(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="four-eyes (two persons release), or url.")],
    value: Annotated[str, typer.Argument(metavar="VALUE", help="on or off; for url the new address.")],
) -> None:
    """Change a setting."""
    here = invocation(ctx)
    with here.open(ask=True) as node:
        found = node.settings.set(name, value)
    here.answer(found, lambda screen: _show(screen, found))


def _show(screen: Screen, found: SettingsInfo) -> None:
    screen.facts("settings", [("four-eyes", found.four_eyes), ("url", found.url)])
