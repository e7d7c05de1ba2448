"""`share withdraw`, `share narrow` and `ledger recalls`: call back what was shared, and see who has erased it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from entente.interfaces.cli.commands.share.share import REFUSED, show_preview
from entente.interfaces.cli.invocation import invocation
from entente.interfaces.cli.terminal import names, text
from entente.interfaces.cli.terminal.screen import Cell, Screen

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from entente.node.recall.values import Reach, RecallInfo

STATES = {"asked": "yellow", "erased": "green", "late": "bold red"}

Id = Annotated[str, typer.Argument(metavar="ID", help="The item.")]
Due = Annotated[int, typer.Option("--due", metavar="DAYS", min=0, help="In how many days holders must have erased.")]


def withdraw(
    ctx: typer.Context,
    id_: Id,
    reason: Annotated[
        str, typer.Option("--reason", metavar="R", help="withdrawn, error, legal, or your own words.")
    ] = "withdrawn",
    due: Due = 7,
) -> None:
    """Recall an item: all versions, all circles, our own copy too (only the member that brought it can)."""
    here = invocation(ctx)
    with here.open() as node:
        done = node.recalls.withdraw(id_, reason=reason, due_days=due, person=here.person)
        known = names.of(node)

    def show(screen: Screen) -> None:
        screen.line(f"{done.item} is withdrawn.", "green")
        _asked(screen, done.circles, done.due, known)
        if not done.finished:
            screen.line("Another program is still reading. When it ends the erased bytes leave our files.", "yellow")

    here.answer(done, show, next_=here.command("ledger recalls"))


def narrow(
    ctx: typer.Context,
    id_: Id,
    circle: Annotated[str, typer.Option("--circle", metavar="ID", help="The one circle that keeps it.")],
    due: Due = 7,
) -> None:
    """Restrict dissemination to one circle: recall an item from all others; if a rule says no, exit 3."""
    here = invocation(ctx)
    with here.open() as node:
        done = node.recalls.narrow(id_, circle, due_days=due, person=here.person)
        known = names.of(node)
    refused = done.preview
    if refused is not None:
        here.answer(refused, lambda screen: show_preview(screen, refused, known, "Nothing was done."))
        here.end(REFUSED)

    def show(screen: Screen) -> None:
        screen.line(f"{done.item} is in one circle only.", "green")
        _asked(screen, done.circles, done.due, known)

    here.answer(done, show, next_=here.command("ledger recalls"))


def recalls(
    ctx: typer.Context,
    id_: Annotated[str, typer.Argument(metavar="[ID]", help="One item, to write the proofs of its recall.")] = "",
    out: Annotated[str, typer.Option("--out", metavar="DIR", help="Where to write them.")] = "",
) -> None:
    """Show our recalls and which members have erased, or write the signed acts of one recall as proof files."""
    here = invocation(ctx)
    if bool(id_) != bool(out):
        raise typer.BadParameter("Give the ID and --out together, or neither.")
    with here.open() as node:
        if id_:
            written = node.recalls.write_proofs(id_, out)
            line = f"{text.count(len(written.files), 'proof file')} written; each verifies on its own."
            verify = f"python tools/verify.py {written.files[0]}" if written.files else ""
            here.answer(written, lambda screen: screen.line(line, "green"), next_=verify)
            return
        found = node.recalls.list()
        circles = {one.id: one.name for one in node.agreements.circles()}

    def show(screen: Screen) -> None:
        rows: list[tuple[Cell, ...]] = [
            (
                _subject(one),
                circles.get(one.circle, one.circle),
                one.remark or one.reason,
                member.name,
                (member.state, STATES[member.state]),
                member.time,
            )
            for one in found
            for member in one.members
        ]
        screen.table(("item", "circle", "reason", "member", "state", "since"), rows, empty="There are no recalls.")

    here.answer(found, show)


def _asked(screen: Screen, circles: Sequence[Reach], due: str, known: Callable[[str], str]) -> None:
    """Say who is asked to erase it, and until when."""
    for reach in circles:
        screen.facts(
            f"asked in {reach.name}", [*(("member", known(member)) for member in reach.members), ("until", due)]
        )
    if not circles:
        screen.line("It is in no other circle; nobody had to be asked.")


def _subject(recall: RecallInfo) -> str:
    return text.short(recall.item) if recall.item else text.count(recall.entries, "entry", "entries")


def add_to(share: typer.Typer, ledger: typer.Typer) -> None:
    """Give the commands to their groups."""
    share.command()(withdraw)
    share.command()(narrow)
    ledger.command()(recalls)
