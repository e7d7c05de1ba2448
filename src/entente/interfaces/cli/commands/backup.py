"""`backup` and `restore`: one file that holds a home, the way back from it, and the way back from an upgrade."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from entente.interfaces.cli.invocation import invocation
from entente.interfaces.cli.terminal import text
from entente.interfaces.cli.terminal.screen import Screen


def add_to(app: typer.Typer) -> None:
    """Add these commands to the top level."""
    app.command()(backup)
    app.command()(restore)


def backup(
    ctx: typer.Context,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where to write it; never replaces a file.")],
) -> None:
    """Write one file that brings this member back, also while `up` runs; the recovery file is not in it."""
    here = invocation(ctx)
    with here.open() as node:
        done = node.backup(out)

    def show(screen: Screen) -> None:
        screen.line(f"The backup is in {done.file} ({text.size(done.bytes)}, {done.entries:,} entries).", "green")
        screen.line("It holds everything this member knows: keep it as safe as the home, on another machine.")

    here.answer(done, show)
    if done.keys == "none":
        here.hint("The secret keys in it are not encrypted; `entente key protect` changes that for the next one.")


def restore(
    ctx: typer.Context,
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="A file that `backup` wrote.")] = None,
    previous: Annotated[
        bool, typer.Option("--previous", help="Undo the last upgrade of this home's database instead.")
    ] = False,
) -> None:
    """Bring a member back from a backup into an empty home; it signs nothing before it has exchanged with partners."""
    from entente.node import backups

    here = invocation(ctx)
    if (file is None) is not previous:
        raise typer.BadParameter("Give the FILE of a backup, or --previous.")
    if file is None:
        back = backups.undo_upgrade(here.home)

        def undone(screen: Screen) -> None:
            screen.line(f"The database is as it was before the upgrade ({back.previous}).", "green")
            screen.line("Install the earlier version now: this one would upgrade it again.", "yellow")

        here.answer(back, undone)
        return
    done = backups.restore(file, here.home)

    def show(screen: Screen) -> None:
        screen.facts(
            f"{done.name} is back",
            [("member", done.member), ("home", done.home), ("entries", f"{done.entries:,}"), ("backup of", done.time)],
        )
        screen.line("It signs nothing until partners have shown what this member signed after the backup.", "yellow")
        screen.line("Sync with all partners, and never run the old home again.")

    here.answer(done, show, next_=here.command("sync"))
