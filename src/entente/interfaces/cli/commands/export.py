"""`session export`, `case export`, `request export`: joint work as STIX 2.1 for other tools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from entente.interfaces.cli import files
from entente.interfaces.cli.lists import Out, answer_export

if TYPE_CHECKING:
    from collections.abc import Iterable


def session(
    ctx: typer.Context, id_: Annotated[str, typer.Argument(metavar="ID", help="The session.")], out: Out = files.STDIN
) -> None:
    """Write a session with its decisions as a STIX 2.1 bundle."""
    answer_export(ctx, out, lambda node: node.exports.session(id_))


def case(
    ctx: typer.Context, id_: Annotated[str, typer.Argument(metavar="ID", help="The case.")], out: Out = files.STDIN
) -> None:
    """Write a case as a STIX 2.1 grouping."""
    answer_export(ctx, out, lambda node: node.exports.case(id_))


def request(
    ctx: typer.Context, id_: Annotated[str, typer.Argument(metavar="ID", help="The request.")], out: Out = files.STDIN
) -> None:
    """Write a request as a STIX 2.1 note."""
    answer_export(ctx, out, lambda node: node.exports.request(id_))


def add_to(groups: Iterable[tuple[typer.Typer, str]]) -> None:
    """Give each group its command, by name."""
    commands = {"session": session, "case": case, "request": request}
    for group, name in groups:
        group.command("export")(commands[name])
