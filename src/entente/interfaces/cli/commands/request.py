"""`request`: ask the members of a circle for information, answer, see what is open or overdue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from entente.interfaces.cli.invocation import invocation
from entente.interfaces.cli.lists import Ended, OfCircle, answer_list
from entente.interfaces.cli.terminal import names, text
from entente.interfaces.cli.terminal.screen import Cell, Screen
from entente.interfaces.cli.times import METAVAR, parse_time

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from entente.node.work.request.values import RequestInfo

app = typer.Typer(
    help="Requests for information (RFI): ask partners, and answer them, on record.", no_args_is_help=True
)

STATES: Final = {"open": "yellow", "answered": "green", "refused": "red", "overdue": "bold red"}
_ID: Final = typer.Argument(metavar="ID", help="The request (request list).")


@app.command()
def ask(
    ctx: typer.Context,
    circle: Annotated[str, typer.Option(metavar="ID", help="The circle whose members are asked.")],
    text_: Annotated[str, typer.Option("--text", metavar="TEXT", help="What you want to know.")],
    due: Annotated[
        str, typer.Option(metavar=METAVAR, help="Until when; a date alone is its end, +3d counts from now.")
    ],
    priority: Annotated[int, typer.Option(metavar="N", min=1, max=5, help="1 (first) to 5.")] = 3,
    to: Annotated[
        list[str] | None,
        typer.Option("--to", metavar="MEMBER", help="A member to ask, else all; repeat it for several."),
    ] = None,
) -> None:
    """Ask for information until a date."""
    here = invocation(ctx)
    with here.open() as node:
        until = parse_time(due, node.clock(), last=True)
        asked = node.requests.ask(circle, text_, until, to=to or (), priority=priority, person=here.person)
        known = names.of(node)
    here.answer(asked, lambda screen: _show(screen, asked, known), next_=here.command("request list"))


@app.command()
def answer(
    ctx: typer.Context,
    id_: Annotated[str, _ID],
    text_: Annotated[str, typer.Option("--text", metavar="TEXT", help="The answer.")] = "",
    refuse: Annotated[str, typer.Option(metavar="REASON", help="Give no answer, and say why.")] = "",
) -> None:
    """Give this member's one answer to a request, or the reason why it gives none."""
    here = invocation(ctx)
    if bool(text_) == bool(refuse):
        raise typer.BadParameter("Give --text with the answer, or --refuse with the reason.")
    with here.open() as node:
        answered = node.requests.answer(id_, text_ or refuse, refuse=bool(refuse), person=here.person)
        known = names.of(node)
    here.answer(answered, lambda screen: _show(screen, answered, known))


@app.command()
def show(ctx: typer.Context, id_: Annotated[str, _ID]) -> None:
    """Show a request with its answers."""
    here = invocation(ctx)
    with here.open() as node:
        found = node.requests.show(id_)
        known = names.of(node)
    answering = here.command(f"request answer {text.short(found.id)} --text TEXT")
    waits = found.state in {"open", "overdue"} and node.member in found.to and not found.ended
    here.answer(found, lambda screen: _show(screen, found, known), next_=answering if waits else "")


@app.command("list")
def list_(ctx: typer.Context, circle: OfCircle = "", all_: Ended = False) -> None:
    """List requests, ours and those to us, with their states."""
    answer_list(
        ctx,
        lambda node: node.requests.list(circle, ended=all_),
        _table,
        begin="request ask --circle ID --text TEXT --due TIME",
    )


def _table(screen: Screen, found: Sequence[RequestInfo], known: Callable[[str], str]) -> None:
    rows: list[tuple[Cell, ...]] = [
        (
            screen.id(one.id),
            _state(one),
            one.due,
            str(one.priority),
            known(one.from_),
            ", ".join(known(each) for each in one.to),
            _line(one),
        )
        for one in found
    ]
    screen.table(("id", "state", "due", "priority", "from", "to", "text"), rows, empty="There are no requests.")


def _state(one: RequestInfo) -> Cell:
    words = "overdue, escalated" if one.escalated else one.state
    return (f"{words} (ended)" if one.ended else words, STATES[one.state])


def _line(one: RequestInfo) -> str:
    """Return the first line of the text, or why there is none."""
    return one.text.partition("\n")[0] if one.text_state == "held" else f"({one.text_state})"


def _show(screen: Screen, one: RequestInfo, known: Callable[[str], str]) -> None:
    rows: Sequence[tuple[str, Cell]] = [
        ("request", one.id),
        ("state", _state(one)),
        ("due", one.due),
        ("escalates", one.escalates),
        ("priority", str(one.priority)),
        ("from", known(one.from_)),
        ("to", ", ".join(known(each) for each in one.to)),
        ("asked", one.time),
    ]
    screen.facts(_line(one)[:80], rows)
    screen.prose(one.text)
    for each in one.answers:
        verb = "answered" if each.answer == "answered" else "gives no answer"
        screen.line(f"{known(each.member)} {verb} ({each.time}):", STATES[each.answer])
        screen.prose(each.text if each.text_state == "held" else f"({each.text_state})")
