"""`session`: meet with partners, merge the agenda, decide together, sign the minutes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from entente.interfaces.cli.invocation import invocation
from entente.interfaces.cli.lists import answer_written
from entente.interfaces.cli.terminal import names, text
from entente.interfaces.cli.terminal import session as session_view
from entente.interfaces.cli.times import METAVAR, parse_time

if TYPE_CHECKING:
    from entente.interfaces.cli.terminal.screen import Screen

app = typer.Typer(help="Sessions: meet with partners, decide together, sign the minutes.", no_args_is_help=True)

_ID: Final = typer.Argument(metavar="ID", help="The session (session list).")


@app.command("open")
def open_(
    ctx: typer.Context,
    circle: Annotated[str, typer.Option(metavar="ID", help="The circle that meets.")],
    at: Annotated[str, typer.Option(metavar=METAVAR, help="When; +3d counts from now.")],
    title: Annotated[str, typer.Option(metavar="TEXT", help="What it is about, one line.")],
    quorum: Annotated[
        int, typer.Option(metavar="N", min=0, help="Members that must be present, else 1 + two thirds of them.")
    ] = 0,
) -> None:
    """Convene a session."""
    here = invocation(ctx)
    with here.open() as node:
        begins = parse_time(at, node.clock())
        found = node.sessions.open(circle, begins, title, quorum=quorum, person=here.person)
        shown = session_view.of(node, found)
    here.answer(found, shown, next_=here.command(f"session invite {text.short(found.session)} --out session.ics"))


@app.command("list")
def list_(
    ctx: typer.Context,
    circle: Annotated[str, typer.Option(metavar="ID", help="Only those of this circle.")] = "",
) -> None:
    """List sessions by date."""
    here = invocation(ctx)
    with here.open() as node:
        found = node.sessions.list(circle)
        shown = session_view.rows(node, found)
    here.answer(found, shown, next_="" if found else here.command("session open --circle ID --at TIME --title TEXT"))


@app.command()
def show(ctx: typer.Context, id_: Annotated[str, _ID]) -> None:
    """Show a session: members present, agenda, decisions with votes and dissent, signatures of the minutes."""
    here = invocation(ctx)
    with here.open() as node:
        found = node.sessions.show(id_)
        shown = session_view.of(node, found)
    here.answer(found, shown)


@app.command()
def agenda(
    ctx: typer.Context,
    id_: Annotated[str, _ID],
    add: Annotated[str, typer.Option(metavar="TEXT", help="An agenda item of our own.")] = "",
    priority: Annotated[int, typer.Option(metavar="N", min=1, max=5, help="1 (first) to 5.")] = 3,
) -> None:
    """Show the agenda and the reasons for its order, or add an agenda item."""
    here = invocation(ctx)
    with here.open() as node:
        found = node.sessions.add(id_, add, priority=priority, person=here.person) if add else node.sessions.agenda(id_)
    here.answer(found, lambda screen: session_view.agenda(screen, found))


@app.command()
def join(ctx: typer.Context, id_: Annotated[str, _ID]) -> None:
    """Say that this member is present."""
    here = invocation(ctx)
    with here.open() as node:
        found = node.sessions.join(id_, person=here.person)
        shown = session_view.of(node, found)
    here.answer(found, shown, next_=here.command(f"session decide {text.short(found.session)} --text TEXT"))


@app.command()
def delegate(
    ctx: typer.Context,
    id_: Annotated[str, _ID],
    head: Annotated[str, typer.Option(metavar="PERSON", help="The head, who speaks for this member.")],
    deputy: Annotated[str, typer.Option(metavar="PERSON", help="The deputy (alternate).")] = "",
) -> None:
    """Name the head of our delegation, and the deputy; partners see their ids only."""
    here = invocation(ctx)
    with here.open() as node:
        found = node.sessions.delegate(id_, head, deputy, person=here.person)
        shown = session_view.of(node, found)
    here.answer(found, shown)


@app.command()
def succeed(ctx: typer.Context, id_: Annotated[str, _ID]) -> None:
    """Let the deputy of our delegation become its head, on record."""
    here = invocation(ctx)
    with here.open() as node:
        found = node.sessions.succeed(id_, person=here.person)
        shown = session_view.of(node, found)
    here.answer(found, shown)


@app.command()
def decide(
    ctx: typer.Context,
    id_: Annotated[str, _ID],
    text_: Annotated[str, typer.Option("--text", metavar="TEXT", help="The words of the decision.")],
    plan: Annotated[str, typer.Option(metavar="PLAN", help="The plan that it is about.")] = "",
    owner: Annotated[str, typer.Option(metavar="MEMBER", help="The member that carries it out (action item).")] = "",
    due: Annotated[str, typer.Option(metavar=METAVAR, help="Until when; a date alone is its end.")] = "",
    about: Annotated[
        list[str] | None, typer.Option(metavar="REF", help="A request, warning or other act; repeat it for several.")
    ] = None,
) -> None:
    """Propose a decision; proposing is not voting."""
    here = invocation(ctx)
    with here.open() as node:
        until = parse_time(due, node.clock(), last=True) if due else 0
        found = node.sessions.decide(
            id_, text_, plan=plan, owner=owner, due=until, about=about or (), person=here.person
        )
        known = names.of(node)
    here.answer(
        found,
        lambda screen: session_view.decision(screen, found, known),
        next_=here.command(f"session vote {text.short(found.id)} --yes"),
    )


@app.command()
def vote(
    ctx: typer.Context,
    id_: Annotated[str, typer.Argument(metavar="DECISION", help="The decision (session show).")],
    yes: Annotated[bool, typer.Option("--yes", help="Approve it.")] = False,
    no: Annotated[bool, typer.Option("--no", help="Reject it; the dissent stays on record.")] = False,
    text_: Annotated[str, typer.Option("--text", metavar="TEXT", help="Why.")] = "",
) -> None:
    """Give this member's one vote on a decision; join the session first."""
    here = invocation(ctx)
    if yes == no:
        raise typer.BadParameter("Give --yes or --no.")
    with here.open() as node:
        found = node.sessions.vote(id_, yes=yes, text=text_, person=here.person)
        known = names.of(node)
    here.answer(found, lambda screen: session_view.decision(screen, found, known))


@app.command()
def minutes(
    ctx: typer.Context,
    id_: Annotated[str, _ID],
    out: Annotated[str, typer.Option("--out", metavar="FILE", help="Where to write them.")] = "",
) -> None:
    """Show the minutes, or write them: as a file that verifies offline once all have signed, before that as text."""
    here = invocation(ctx)
    with here.open() as node:
        found = node.dossiers.write_minutes(id_, out) if out else node.minutes.text(id_)
    if not out:
        sign_ = here.command(f"session sign {text.short(found.session)}")
        here.answer(
            found, lambda screen: session_view.minutes(screen, found), next_=sign_ if found.state != "signed" else ""
        )
        return

    def written(screen: Screen) -> None:
        what = "The minutes, signed by all, are" if found.state == "signed" else f"The text ({found.state}) is"
        screen.line(f"{what} in {found.out} ({text.size(found.bytes)}).", "green")

    here.answer(found, written, next_=f"python tools/verify.py {found.out}" if found.state == "signed" else "")


@app.command()
def sign(
    ctx: typer.Context,
    id_: Annotated[str, _ID],
    anew: Annotated[
        bool, typer.Option("--anew", help="Propose other minutes, from our ledger as it is now; all sign again.")
    ] = False,
) -> None:
    """Sign the minutes, or propose them; exit 3 with the difference if our own ledger says something else."""
    here = invocation(ctx)
    with here.open() as node:
        found = node.minutes.sign(id_, anew=anew, person=here.person)
    here.answer(found, lambda screen: session_view.minutes(screen, found))


@app.command()
def invite(
    ctx: typer.Context,
    id_: Annotated[str, _ID],
    out: Annotated[str, typer.Option("--out", metavar="FILE", help="Where to write it, such as session.ics.")],
) -> None:
    """Write the invitation for a calendar (iCalendar)."""
    here = invocation(ctx)
    with here.open() as node:
        done = node.write(out, node.sessions.invite(id_))
    answer_written(here, done, "The invitation is")
