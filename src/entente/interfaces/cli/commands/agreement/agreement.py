"""`agreement`: propose, sign, list and read agreements; `agreement sign` also signs circles."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, cast

import typer

from entente.core.errors import InvalidError
from entente.interfaces.cli import files
from entente.interfaces.cli.invocation import invocation
from entente.interfaces.cli.terminal import names, terms, text
from entente.interfaces.cli.terminal.screen import Cell, Screen, marking

if TYPE_CHECKING:
    from entente.node.agreements.values import AgreementInfo, AmendmentInfo, ApprovalInfo

app = typer.Typer(help="What members agree on before anything can be sent.", no_args_is_help=True)

STATES = {"in-force": "green", "proposed": "yellow", "waiting": "yellow", "refused": "red"}


@app.command()
def propose(
    ctx: typer.Context,
    *,
    with_: Annotated[list[str], typer.Option("--with", metavar="ID", help="A partner; repeat it for several.")],
    name: Annotated[str, typer.Option(metavar="NAME", help="What the agreement is called.")] = "",
    template: Annotated[str, typer.Option(metavar="NAME", help="Ready-made terms: see agreement templates.")] = "",
    file: Annotated[
        str, typer.Option(metavar="FILE", help="JSON object of terms that replace those of the template.")
    ] = "",
    ceiling: Annotated[
        str, typer.Option(metavar="MARK", help="The highest TLP that its circle accepts (TLP:AMBER).")
    ] = "",
) -> None:
    """Propose an agreement with its founding circle; proposing is not signing."""
    here = invocation(ctx)
    given = read_terms(file) if file else None
    with here.open() as node:
        proposed = node.agreements.propose(
            with_, name=name, template=template, terms=given, ceiling=ceiling, person=here.person
        )

    def show(screen: Screen) -> None:
        rows: list[tuple[str, Cell]] = [
            ("agreement", proposed.agreement),
            ("circle", proposed.circle),
            ("state", (proposed.state, STATES.get(proposed.state, ""))),
        ]
        screen.facts("Proposed; it is in force when every member has signed", rows)

    here.answer(proposed, show, next_=here.command(f"agreement sign {text.short(proposed.agreement)}"))


@app.command()
def sign(
    ctx: typer.Context,
    id_: Annotated[str, typer.Argument(metavar="ID", help="The agreement, circle or amendment.")],
    refuse: Annotated[bool, typer.Option("--refuse", help="Answer no; this ends the proposal.")] = False,
) -> None:
    """Sign an agreement, a circle or an amendment (or refuse it); the first answer is final."""
    here = invocation(ctx)
    with here.open() as node:
        signed = node.agreements.sign(id_, refuse=refuse, person=here.person)

    def show(screen: Screen) -> None:
        said = {
            "in-force": "Everybody has signed: it is in force.",
            "waiting": "You have signed. The others have not all signed yet.",
            "refused": "It is refused.",
        }
        screen.line(said.get(signed.state, signed.state), STATES.get(signed.state, ""))

    following = {
        "in-force": "item import FILE --circle ID",
        "waiting": f"agreement show {text.short(signed.agreement)}",
    }
    next_ = following.get(signed.state, "")
    here.answer(signed, show, next_=here.command(next_) if next_ else "")


@app.command("list")
def list_(ctx: typer.Context) -> None:
    """List the agreements with their circles."""
    here = invocation(ctx)
    with here.open() as node:
        found = node.agreements.list()
        known = names.of(node)

    def show(screen: Screen) -> None:
        rows: list[tuple[Cell, ...]] = [
            (
                screen.id(one.id),
                one.name,
                (one.state, STATES.get(one.state, "")),
                ", ".join(known(member) for member in one.members),
                ", ".join(f"{circle.name} {screen.id(circle.id)}" for circle in one.circles),
            )
            for one in found
        ]
        screen.table(("id", "name", "state", "members", "circles"), rows, empty="There is no agreement yet.")

    here.answer(found, show, next_="" if found else here.command("agreement propose --with PARTNER"))


@app.command("show")
def show_(ctx: typer.Context, id_: Annotated[str, typer.Argument(metavar="ID", help="The agreement.")]) -> None:
    """Show one agreement with its terms in words."""
    here = invocation(ctx)
    with here.open() as node:
        found = node.agreements.show(id_)
        known = names.of(node)
    here.answer(found, lambda screen: _show(screen, found, known))


@app.command()
def templates(ctx: typer.Context) -> None:
    """List the ready-made terms that `propose --template` knows."""
    from entente.node.agreements.agreements import Agreements

    here = invocation(ctx)
    found = Agreements.templates()

    def show(screen: Screen) -> None:
        for each in found:
            screen.facts(each.name, list(terms.in_words(each.terms)))
            screen.prose(str(each.terms.get("text", "")))

    here.answer(found, show)


def _show(screen: Screen, found: AgreementInfo, known: Callable[[str], str]) -> None:
    """Show an agreement: what it is, who has answered, its circles, its terms."""
    rows: list[tuple[str, Cell]] = [
        ("id", found.id),
        ("state", (found.state, STATES.get(found.state, ""))),
        ("epoch", str(found.epoch)),
        *(("member", known(member)) for member in found.members),
        *(("answer", _approval(approval, known)) for approval in found.approvals),
    ]
    screen.facts(found.name, rows)
    for circle in found.circles:
        members = ", ".join(known(member) for member in circle.members)
        screen.facts(
            f"circle {circle.name}",
            [("id", circle.id), ("state", circle.state), ("members", members), ("at most", marking(circle.ceiling))],
        )
    _amendments(screen, found, known)
    if found.terms is not None:
        screen.facts("terms", list(terms.in_words(found.terms)))
        screen.prose(str(found.terms.get("text", "")))


def _amendments(screen: Screen, found: AgreementInfo, known: Callable[[str], str]) -> None:
    """Show the changes that were asked for, suspensions, and members that have left."""
    for each in found.amendments:
        screen.facts(f"asked for: change {each.epoch}", _in_words(each, known, found.name))
    for held in found.suspended:
        whom = known(held.member) if held.member else "everybody"
        screen.line(f"{known(held.by)} serves {whom} nothing since {held.since} ({held.reason}).", "red")
    for gone in found.left:
        screen.line(f"{known(gone.member)} left on {gone.time} and answers until {gone.until}.", "yellow")


def _in_words(each: AmendmentInfo, known: Callable[[str], str], name: str) -> list[tuple[str, Cell]]:
    """Return the lines that `agreement show` prints of an amendment to the agreement of this name."""
    forked = [each.concerned] if each.concerned else []
    changes = [
        *(
            f"{known(member)}, which signed two versions of its log, goes on with a new log and has no vote"
            for member in forked
        ),
        *([f"name {each.name!r}"] if each.name != name else []),
        *(f"{known(member)} joins" for member in each.joins),
        *(f"{known(member)} goes" for member in each.leaves),
        *(f"{term} becomes {value}" for term, value in each.terms.items()),
    ]
    given = sum(answer.answer == "approve" for answer in each.approvals)
    return [
        ("amendment", text.short(each.amendment)),
        ("changes", ", ".join(changes) or "no term, only new logs"),
        ("state", (f"{each.state}, {given} of {each.needed}", STATES.get(each.state, ""))),
    ]


def _approval(one: ApprovalInfo, known: Callable[[str], str]) -> str:
    return " ".join((known(one.member), *filter(None, (one.name, one.answer, one.person, one.time))))


def read_terms(file: str) -> dict[str, object]:
    """Return the terms in a file; raise InvalidError unless it holds one JSON object."""
    import msgspec

    try:
        value = cast("object", msgspec.json.decode(files.read(file, files.MAX_SMALL)))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise InvalidError(f"{text.file_name(file)} is not JSON: {error}.") from error
    if not isinstance(value, dict):
        raise InvalidError(f"{text.file_name(file)} does not hold one JSON object of terms.")
    return cast("dict[str, object]", value)
