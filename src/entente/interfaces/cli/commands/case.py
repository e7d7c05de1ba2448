"""`case`: a shared workspace of a circle: timeline, tasks, linked items, notes; everybody writes, also offline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from entente.interfaces.cli.invocation import invocation
from entente.interfaces.cli.lists import Ended, OfCircle, answer_list
from entente.interfaces.cli.terminal import case as case_view
from entente.interfaces.cli.terminal import names, text
from entente.interfaces.cli.times import METAVAR, parse_time

if TYPE_CHECKING:
    from entente.interfaces.cli.invocation import Invocation
    from entente.node.work.case.values import (
        ChangesWritten,
        EventWritten,
        LinkWritten,
        NoteWritten,
        TaskWritten,
    )

    CaseWritten = NoteWritten | EventWritten | TaskWritten | LinkWritten | ChangesWritten

app = typer.Typer(help="Work on a case together: timeline, tasks, linked items, notes.", no_args_is_help=True)

_NONE: Final = "none"
_ID: Final = typer.Argument(metavar="ID", help="The case (case list).")
_TEXT: Final = typer.Option("--text", metavar="TEXT", help="The text.")


@app.command("open")
def open_(
    ctx: typer.Context,
    circle: Annotated[str, typer.Option(metavar="ID", help="The circle whose members work on it.")],
    title: Annotated[str, typer.Option(metavar="TITLE", help="What it is about, in one line.")],
) -> None:
    """Open a case."""
    here = invocation(ctx)
    with here.open() as node:
        opened = node.cases.open(circle, title, person=here.person)
        known = names.of(node)
    note = here.command(f"case note {text.short(opened.id)} --text TEXT")
    here.answer(opened, lambda screen: case_view.facts(screen, opened, known), next_=note)


@app.command("list")
def list_(ctx: typer.Context, circle: OfCircle = "", all_: Ended = False) -> None:
    """List the cases with their states, owners and open tasks."""
    answer_list(
        ctx,
        lambda node: node.cases.list(circle, ended=all_),
        case_view.table,
        begin="case open --circle ID --title TITLE",
    )


@app.command()
def show(ctx: typer.Context, id_: Annotated[str, _ID]) -> None:
    """Show a case: what happened when, tasks, linked items, notes, and fields that members set differently."""
    here = invocation(ctx)
    with here.open() as node:
        found = node.cases.show(id_)
        items = {each.item: case_view.item_name(node, each.item) for each in found.links}
        known = names.of(node)
    here.answer(found, lambda screen: case_view.whole(screen, found, known, items))


@app.command()
def note(ctx: typer.Context, id_: Annotated[str, _ID], text_: Annotated[str, _TEXT]) -> None:
    """Write a note."""
    here = invocation(ctx)
    with here.open() as node:
        made = node.cases.note(id_, text_, person=here.person)
    _written(here, made, "note")


@app.command()
def event(
    ctx: typer.Context,
    id_: Annotated[str, _ID],
    text_: Annotated[str, _TEXT],
    at: Annotated[str, typer.Option(metavar=METAVAR, help="When it happened; -2h is two hours ago.")],
) -> None:
    """Add an event to the timeline."""
    here = invocation(ctx)
    with here.open() as node:
        made = node.cases.event(id_, text_, parse_time(at, node.clock()), person=here.person)
    _written(here, made, "event")


@app.command()
def task(
    ctx: typer.Context,
    id_: Annotated[str, _ID],
    text_: Annotated[str, _TEXT],
    owner: Annotated[str, typer.Option(metavar="MEMBER", help="The member that does it.")] = "",
    due: Annotated[str, typer.Option(metavar=METAVAR, help="Until when.")] = "",
) -> None:
    """Add a task."""
    here = invocation(ctx)
    with here.open() as node:
        until = parse_time(due, node.clock(), last=True) if due else 0
        made = node.cases.task(id_, text_, owner=owner, due=until, person=here.person)
    _written(here, made, "task")


@app.command("set")
def set_(
    ctx: typer.Context,
    id_: Annotated[str, _ID],
    task_: Annotated[str, typer.Option("--task", metavar="TASK", help="A task of it, else the case itself.")] = "",
    state: Annotated[
        str | None,
        typer.Option(metavar="WORD", help="A case: open, closed; a task: open, doing, done, dropped."),
    ] = None,
    owner: Annotated[str | None, typer.Option(metavar="MEMBER", help="Who owns it; none for nobody.")] = None,
    due: Annotated[str | None, typer.Option(metavar=METAVAR, help="Until when; none for no date.")] = None,
    title: Annotated[str | None, typer.Option(metavar="TITLE", help="What it is called.")] = None,
) -> None:
    """Give a case, or one of its tasks, another state, owner, date or title."""
    here = invocation(ctx)
    if all(each is None for each in (state, owner, due, title)):
        raise typer.BadParameter("Give at least one of --state, --owner, --due and --title.")
    with here.open() as node:
        until = None if due is None else 0 if due == _NONE else parse_time(due, node.clock(), last=True)
        made = node.cases.set(id_, task_, title=title, state=state, owner=owner, due=until, person=here.person)
    _written(here, made, "changes")


@app.command()
def link(
    ctx: typer.Context,
    id_: Annotated[str, _ID],
    item: Annotated[str, typer.Argument(metavar="STIX-ID", help="The item; it must be shared in the case's circle.")],
    text_: Annotated[str, typer.Option("--text", metavar="TEXT", help="How it belongs to the case.")] = "",
) -> None:
    """Link an item to a case."""
    here = invocation(ctx)
    with here.open() as node:
        made = node.cases.link(id_, item, text_, person=here.person)
    _written(here, made, "link")


def _written(here: Invocation, made: CaseWritten, what: str) -> None:
    """Say what was written to which case."""
    line = f"On record: {what}."
    here.answer(
        made, lambda screen: screen.line(line, "green"), next_=here.command(f"case show {text.short(made.case)}")
    )
