"""`witness`: cosign heads of logs that the operator named, and have our own heads cosigned outside."""

from __future__ import annotations

from typing import Annotated

import typer

from entente.interfaces.cli.invocation import invocation
from entente.interfaces.cli.lists import answer_written
from entente.interfaces.cli.terminal.screen import Cell, Screen

app = typer.Typer(help="Outside witnesses: cosign the logs of others, and have ours cosigned.", no_args_is_help=True)

Origin = Annotated[str, typer.Option(metavar="ORIGIN", help="The log's origin, if it is not the name of the key.")]


@app.command()
def key(ctx: typer.Context) -> None:
    """Show the key with which this member cosigns, for logs that want it as a witness."""
    here = invocation(ctx)
    with here.open() as node:
        own = node.witness.key()

    def show(screen: Screen) -> None:
        screen.line(own.vkey)
        screen.line(f"asked at {own.url}")

    here.answer(own, show)


@app.command()
def log(
    ctx: typer.Context,
    vkey: Annotated[str, typer.Argument(metavar="VKEY", help="A key that signs the log: name+id+key.")],
    origin: Origin = "",
    remove: Annotated[
        bool, typer.Option("--remove", help="Trust this key no longer; the log's state is kept.")
    ] = False,
) -> None:
    """Witness a log from now on (or trust one more key of it): cosign its heads, never two versions of it."""
    here = invocation(ctx)
    with here.open() as node:
        named = node.witness.drop(vkey, origin) if remove else node.witness.name(vkey, origin)

    def show(screen: Screen) -> None:
        screen.facts(
            "Witnessed" if named.keys else "Not witnessed any more",
            [("origin", named.origin), ("keys", str(len(named.keys))), ("cosigned up to", f"{named.size:,}")],
        )

    here.answer(named, show, next_=here.command("witness key"))


@app.command()
def logs(ctx: typer.Context) -> None:
    """List the logs that this member witnesses, with the head that it cosigned last."""
    here = invocation(ctx)
    with here.open() as node:
        found = node.witness.show()

    def show(screen: Screen) -> None:
        rows: list[tuple[Cell, ...]] = [
            (one.origin, str(len(one.keys)) if one.keys else ("none", "yellow"), f"{one.size:,}", one.time or "-")
            for one in found.logs
        ]
        screen.table(("origin", "keys", "cosigned up to", "at"), rows, empty="This member witnesses no outside log.")
        if found.doubt:
            screen.line(f"This node cosigns nothing now: {found.doubt}", "bold red")

    here.answer(found, show, next_=here.command("ledger confirm") if found.doubt else "")


@app.command()
def use(
    ctx: typer.Context,
    url: Annotated[str, typer.Argument(metavar="URL", help="Where the witness takes submissions (its prefix).")],
    vkey: Annotated[str, typer.Argument(metavar="VKEY", help="The key under which it cosigns: name+id+key.")],
    circle: Annotated[str, typer.Option(metavar="ID", help="Only our log in this circle; repeat the command.")] = "",
) -> None:
    """Let an outside witness cosign the heads of our circle logs; it sees origin, size and root, nothing else."""
    here = invocation(ctx)
    with here.open() as node:
        chosen = node.outside.use(url, vkey, circle)

    def show(screen: Screen) -> None:
        screen.facts("This witness is asked from now on", [("name", chosen.name), ("at", chosen.url)])
        if chosen.logs:
            screen.line("Its operator must know these keys of our logs:")
        for one in chosen.logs:
            screen.line(one.vkey)

    here.answer(chosen, show, next_=here.command("witness list"))


@app.command()
def drop(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name or key of the witness.")],
) -> None:
    """Ask an outside witness no longer; keep its cosignatures."""
    here = invocation(ctx)
    with here.open() as node:
        done = node.outside.drop(name)
    here.answer(done, lambda screen: screen.line(f"{done.dropped} is not asked any more."))


@app.command("list")
def list_(ctx: typer.Context) -> None:
    """List the outside witnesses with the size that each cosigned last of each of our logs."""
    here = invocation(ctx)
    with here.open() as node:
        found = node.outside.witnesses()
        circles = {one.id: one.name for one in node.agreements.circles()}

    def show(screen: Screen) -> None:
        rows: list[tuple[Cell, ...]] = [
            (
                one.name,
                circles.get(each.circle, each.circle),
                f"{each.cosigned:,} of {each.signed:,}",
                each.time or "-",
                (each.problem, "yellow") if each.problem else "-",
            )
            for one in found
            for each in one.logs
        ]
        screen.table(
            ("witness", "our log in", "cosigned", "at", "problem"), rows, empty="No outside witness is in use."
        )

    here.answer(found, show)


@app.command()
def head(
    ctx: typer.Context,
    circle: Annotated[str, typer.Argument(metavar="CIRCLE", help="The circle.")],
    out: Annotated[str, typer.Option("--out", metavar="FILE", help="Where to write it.")],
) -> None:
    """Write the newest head of our log in a circle with its outside cosignatures (a C2SP note, for any verifier)."""
    here = invocation(ctx)
    with here.open() as node:
        done = node.write(out, node.outside.head(circle))
    answer_written(here, done, "The cosigned head is")
