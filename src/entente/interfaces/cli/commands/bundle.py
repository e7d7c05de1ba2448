"""`bundle`: exchange with a partner that no network reaches, by files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from entente.interfaces.cli.invocation import invocation
from entente.interfaces.cli.terminal import names, progress, text
from entente.interfaces.cli.terminal.screen import Screen

app = typer.Typer(help="Exchange by files with members that share no network with this one.", no_args_is_help=True)

REFUSED = 3


@app.command("export")
def export(
    ctx: typer.Context,
    partner: Annotated[str, typer.Option(metavar="ID", help="Who is to read it: id, its beginning, or name.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The new file; never replaced.")],
) -> None:
    """Write what a partner lacks, from pairing to receipts, into a file that only this partner can open."""
    here = invocation(ctx)
    with here.open() as node:
        with progress.reporting() as report:
            made = node.bundles.export(partner, out, progress=report)
        known = names.of(node)

    def show(screen: Screen) -> None:
        screen.line(
            f"{text.file_name(made.file)} for {known(made.partner)}: {text.count(made.entries, 'entry', 'entries')}, "
            f"{text.size(made.bytes)}."
        )

    here.answer(made, show, next_=f"carry it to {known(made.partner)}, who runs: entente bundle import FILE")


@app.command("import")
def import_(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The bundle that a partner made for this member.")],
) -> None:
    """Verify a bundle and take everything new in it; damaged or somebody else's: exit 5, and nothing changes."""
    here = invocation(ctx)
    with here.open() as node:
        with progress.reporting() as report:
            taken = node.bundles.take(file, progress=report)
        known = names.of(node)

    def show(screen: Screen) -> None:
        flow = taken.received
        new = f"{text.count(flow.entries, 'new entry', 'new entries')}, {text.size(flow.bytes)}"
        screen.line(f"Bundle of {known(taken.partner)}: {new}.", "green")
        for refusal in taken.refused:
            who = "this member" if refusal["by"] == "us" else known(taken.partner)
            screen.line(f"{who} refused {refusal['subject']}: {refusal['text']}", "yellow")

    answer = here.command(f"bundle export --partner {text.short(taken.partner)} --out FILE")
    here.answer(taken, show, next_=f"{answer}, and carry it back: it holds the receipts")
    here.end(REFUSED if any(refusal["by"] == "us" for refusal in taken.refused) else 0)
