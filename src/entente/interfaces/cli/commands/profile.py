"""`profile`: what this member says of itself in its circles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from entente.interfaces.cli.invocation import invocation
from entente.interfaces.cli.terminal.screen import Cell, Screen

if TYPE_CHECKING:
    from entente.node.home.values import ProfileInfo

app = typer.Typer(
    help="What this member says of itself: identities, capabilities (brings), intelligence requirements (seeks).",
    no_args_is_help=True,
)


@app.command("show")
def show_(ctx: typer.Context) -> None:
    """Show the profile."""
    here = invocation(ctx)
    with here.open() as node:
        found = node.profile.show()
    here.answer(found, lambda screen: _show(screen, found))


@app.command("set")
def set_(
    ctx: typer.Context,
    identity: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="A STIX identity that is this member; repeat it for several.")
    ] = None,
    brings: Annotated[list[str] | None, typer.Option(metavar="WORD", help="A capability of this member.")] = None,
    seeks: Annotated[
        list[str] | None, typer.Option(metavar="WORD", help="An intelligence requirement of this member.")
    ] = None,
) -> None:
    """Replace lists of the profile: each option that you give replaces its whole list, "" empties it."""
    here = invocation(ctx)
    with here.open() as node:
        found = node.profile.set(identities=_words(identity), brings=_words(brings), seeks=_words(seeks))
    here.answer(found, lambda screen: _show(screen, found), next_=here.command("sync"))


def _words(given: list[str] | None) -> list[str] | None:
    """Return what replaces a list: None where the option was not given, no words where it was given empty."""
    return [word for word in given if word] if given else None


def _show(screen: Screen, found: ProfileInfo) -> None:
    rows: list[tuple[str, Cell]] = [
        ("identity", found.identity),
        *(("also", one) for one in found.identities),
        ("brings", ", ".join(found.brings) or "-"),
        ("seeks", ", ".join(found.seeks) or "-"),
    ]
    screen.facts(found.name, rows)
