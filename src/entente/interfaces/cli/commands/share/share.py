"""`share`: see whom an item would reach and why, send it, and ask later where it went."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from entente.interfaces.cli.invocation import invocation
from entente.interfaces.cli.terminal import names, text
from entente.interfaces.cli.terminal.screen import Cell, Screen, good

if TYPE_CHECKING:
    from entente.node.items.values import Preview, ReleaseDecision

app = typer.Typer(
    help="Share items with a circle: see the decision and its reasons before you send.", no_args_is_help=True
)

REFUSED = 3

Ids = Annotated[list[str], typer.Argument(metavar="ID…", help="The items.")]
ToCircle = Annotated[str, typer.Option("--circle", metavar="ID", help="The circle that gets them.")]
Purpose = Annotated[str, typer.Option("--purpose", metavar="WORD", help="What they are shared for.")]


@app.command()
def preview(ctx: typer.Context, id_: Ids, circle: ToCircle, purpose: Purpose = "") -> None:
    """Show which members would get the items, or which rule says no; send nothing."""
    here = invocation(ctx)
    with here.open() as node:
        found = node.sharing.preview(id_, circle, purpose=purpose, person=here.person)
        known = names.of(node)
    for_ = ["--purpose", purpose] if purpose else []
    send = here.command(shlex.join(["share", "send", *map(text.short, id_), "--circle", text.short(circle), *for_]))
    here.answer(found, lambda screen: show_preview(screen, found, known), next_=send if found.allowed else "")


@app.command()
def send(ctx: typer.Context, id_: Ids, circle: ToCircle, purpose: Purpose = "") -> None:
    """Send the items, all or none; if a rule says no the preview is shown (exit 3)."""
    here = invocation(ctx)
    with here.open() as node:
        sent = node.sharing.send(id_, circle, purpose=purpose, person=here.person)
        known = names.of(node)
    refused = sent.preview
    if refused is not None:
        here.answer(refused, lambda screen: show_preview(screen, refused, known, "Nothing was sent."))
        here.end(REFUSED)
    line = f"{text.count(sent.shared, 'item')} shared."
    here.answer(sent, lambda screen: screen.line(line, "green"), next_=here.command("sync"))


@app.command()
def why(
    ctx: typer.Context,
    id_: Annotated[str, typer.Argument(metavar="ID", help="The item.")],
    out: Annotated[
        str,
        typer.Option(
            "--out", metavar="DIR", help="Write the originators' consents to onward dissemination as proof files."
        ),
    ] = "",
) -> None:
    """Show each release of an item: members, clause, person, time."""
    here = invocation(ctx)
    with here.open() as node:
        found = node.sharing.why(id_)
        written = node.onward.write_proofs(id_, out).files if out else []
        known = names.of(node)
        circles = {one.id: one.name for one in node.agreements.circles()}
        people = {one.person: one.name for one in node.people.list()}

    def show(screen: Screen) -> None:
        for one in found:
            facts: list[tuple[str, Cell]] = [
                *(("member", known(member)) for member in one.members),
                ("clause", one.clause),
                ("purpose", one.purpose or "-"),
                ("person", people.get(one.person, one.person)),
                ("time", one.time),
            ]
            screen.facts(f"released to {circles.get(one.circle, one.circle)}", facts)
        if not found:
            screen.line("It has not been shared.")

    here.answer(found, show, next_=f"python tools/verify.py {written[0]}" if written else "")


@app.command()
def redact(
    ctx: typer.Context,
    id_: Annotated[str, typer.Argument(metavar="ID", help="The item.")],
    drop: Annotated[list[str], typer.Option(metavar="PATH", help="A property to leave out, such as description.")],
) -> None:
    """Make a sanitised copy (tear line): a new item of ours without some properties; its tie stays on this node."""
    here = invocation(ctx)
    with here.open() as node:
        new = node.items.redact(id_, drop, person=here.person)

    def show(screen: Screen) -> None:
        screen.line(f"The new item is {new.item}.", "green")

    here.answer(new, show, next_=here.command(f"share preview {text.short(new.item)} --circle ID"))


def show_preview(screen: Screen, found: Preview, known: Callable[[str], str], title: str = "") -> None:
    """Show the decisions of a preview: who will get it, and each rule's word."""
    if title:
        screen.line(title, "bold red")
    for decision in found.decisions:
        _decision(screen, decision, known)
    if len(found.decisions) > 1:
        refused = sum(decision.count for decision in found.decisions if not decision.allowed)
        total = sum(decision.count for decision in found.decisions)
        screen.line(f"{text.count(total, 'item')}: {total - refused:,} may go, {refused:,} may not.")


def _decision(screen: Screen, decision: ReleaseDecision, known: Callable[[str], str]) -> None:
    """Show whom an item will reach and why it may go, or what keeps it and who can change that."""
    title = decision.item if decision.count == 1 else f"{decision.count:,} items, such as {decision.item}"
    facts: list[tuple[str, Cell]] = [("may go", good(decision.allowed))]
    if decision.allowed:
        facts += [("will get it", known(member)) for member in decision.members]
        facts += [("because", f"{one.text} [{one.rule}]") for one in decision.reasons]
    else:
        for one in decision.reasons:
            if not one.allowed:
                facts.append(("refused by", (f"{one.rule}: {one.text}", "red")))
                facts += [("who can change it", one.who)] if one.who else []
                facts += [("what to do", one.fix)] if one.fix else []
    screen.facts(title, facts)
