"""`ledger`: verify every log, see receipts, write proofs, vouch for a restored home."""

from __future__ import annotations

from typing import Annotated

import typer

from entente.interfaces.cli.invocation import invocation
from entente.interfaces.cli.lists import answer_written
from entente.interfaces.cli.terminal import item as item_view
from entente.interfaces.cli.terminal import names, progress, text
from entente.interfaces.cli.terminal.screen import Cell, Screen, good

app = typer.Typer(help="Signed logs: verify them, see receipts, write proofs.", no_args_is_help=True)

NOT_VERIFIED = 5


@app.command()
def verify(ctx: typer.Context) -> None:
    """Verify every signature, log and payload in this home (exit 5 if one does not hold)."""
    here = invocation(ctx)
    with here.open() as node:
        with progress.reporting() as report:
            found = node.ledger.verify(progress=report)
        known = names.of(node)
        circles = {one.id: one.name for one in node.agreements.circles()}

    def show(screen: Screen) -> None:
        rows: list[tuple[Cell, ...]] = [
            (
                good(not one.problems, "ok", "BAD"),
                known(one.member),
                _place(circles, one.circle, one.epoch),
                f"{one.size:,}",
                ", ".join(known(member) for member in one.witnessed_by) or "-",
                screen.id(one.root)[:16],
            )
            for one in found.logs
        ]
        screen.table(("", "log of", "circle", "entries", "witnessed by", "root"), rows, empty="There are no logs.")
        for problem in (*found.problems, *(f"{one.origin}: {each}" for one in found.logs for each in one.problems)):
            screen.line(problem, "bold red")
        screen.line(
            "Everything verifies." if found.ok else "Not everything verifies.", "green" if found.ok else "bold red"
        )

    here.answer(found, show)
    here.end(0 if found.ok else NOT_VERIFIED)


@app.command()
def receipts(ctx: typer.Context, id_: Annotated[str, typer.Argument(metavar="ID", help="The item.")]) -> None:
    """Show how far an item has come with each member: witnessed, stored, read, used."""
    here = invocation(ctx)
    with here.open() as node:
        found = node.ledger.receipts(id_)
        known = names.of(node)
    here.answer(found, lambda screen: item_view.receipts(screen, found, known))


@app.command()
def proof(
    ctx: typer.Context,
    id_: Annotated[str, typer.Argument(metavar="ID", help="The item.")],
    out: Annotated[str, typer.Option("--out", metavar="FILE", help="Where to write the proof.")],
) -> None:
    """Write a proof that anybody can check offline with tools/verify.py."""
    here = invocation(ctx)
    with here.open() as node:
        done = node.write(out, node.ledger.proof(id_))
    answer_written(here, done, "The proof is", verify=True)


@app.command()
def dossier(
    ctx: typer.Context,
    id_: Annotated[str, typer.Argument(metavar="ID", help="A decision, minutes, a public release or a plan.")],
    out: Annotated[str, typer.Option("--out", metavar="FILE", help="Where to write it.")],
) -> None:
    """Write a decision, its words and proofs into one file that anybody can verify (exit 4 until it is agreed)."""
    here = invocation(ctx)
    with here.open() as node:
        done = node.write(out, node.dossiers.write(id_))
    answer_written(here, done, "The words and their proofs are", verify=True)


@app.command()
def confirm(ctx: typer.Context) -> None:
    """Vouch, as a person, that this restored home is the newest copy; it signs again, and records who vouched."""
    here = invocation(ctx)
    with here.open() as node:
        done = node.ledger.confirm(person=here.person)

    def show(screen: Screen) -> None:
        screen.line(f"Confirmed; {text.count(len(done.confirmed), 'log')} may be signed again.", "green")

    here.answer(done, show, next_=here.command("doctor"))


@app.command()
def evidence(
    ctx: typer.Context,
    id_: Annotated[str, typer.Argument(metavar="[ID]", help="One piece of log evidence, to write it to a file.")] = "",
    out: Annotated[str, typer.Option("--out", metavar="FILE", help="Where to write it.")] = "",
) -> None:
    """List log evidence (a member signed two versions of its log), or write one piece to a file to be checked."""
    here = invocation(ctx)
    if bool(id_) != bool(out):
        raise typer.BadParameter("Give the ID and --out together, or neither.")
    with here.open() as node:
        if id_:
            answer_written(here, node.write(out, node.ledger.evidence_file(id_)), "The evidence is", verify=True)
            return
        found = node.ledger.evidence()
        known = names.of(node)

    def show(screen: Screen) -> None:
        rows: list[tuple[Cell, ...]] = [
            (
                one.id,
                one.kind,
                known(one.member) + (f" or {known(one.other)}" if one.other else ""),
                " and ".join(map(str, one.sizes)),
                str(one.strays) if one.kind == "fork" else "",
            )
            for one in found
        ]
        heads = ("id", "kind", "signed by", "sizes", "acts from the other version")
        screen.table(heads, rows, empty="There is no log evidence.")

    here.answer(found, show)


def _place(circles: dict[str, str], circle: str, epoch: int) -> str:
    """Return what a log belongs to, in words."""
    if not circle:
        return "keys"
    return circles.get(circle, circle) + (f", epoch {epoch}" if epoch > 1 else "")
