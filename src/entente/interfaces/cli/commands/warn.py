"""`warn`: warn the members of a circle, assess what others warn of, see what stands behind each warning, export it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from entente.interfaces.cli import files
from entente.interfaces.cli.commands.share.share import REFUSED, show_preview
from entente.interfaces.cli.invocation import invocation
from entente.interfaces.cli.lists import Ended, OfCircle, answer_list
from entente.interfaces.cli.terminal import names, text
from entente.interfaces.cli.terminal.screen import Cell, Screen
from entente.interfaces.cli.times import parse_time

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from entente.formats.stix.joint.warning import Source, WarningText
    from entente.interfaces.cli.invocation import Invocation
    from entente.node.items.values import Preview
    from entente.node.work.warning.values import AssessmentInfo, WarningInfo

app = typer.Typer(
    help="Warn partners of a threat, with sources and likelihood, and comment on their warnings.", no_args_is_help=True
)

STATES: Final = {"active": "bold yellow", "superseded": "dim", "expired": "dim"}
_ID: Final = typer.Argument(metavar="ID", help="The warning (warn list).")
_FILE: Final = typer.Option("--file", metavar="FILE", help="JSON, or Markdown with the fields in front; - is stdin.")
_TLP: Final = typer.Option(
    "--tlp", metavar="MARK", help="The marking (else the file's, else the highest TLP that the circle accepts)."
)


@app.command()
def publish(
    ctx: typer.Context,
    circle: Annotated[str, typer.Option(metavar="ID", help="The circle that is warned.")],
    file: Annotated[str, _FILE] = "",
    item: Annotated[str, typer.Option("--item", metavar="ID", help="In place of a file: the report of a draft.")] = "",
    tlp: Annotated[str, _TLP] = "",
    replaces: Annotated[str, typer.Option(metavar="ID", help="An earlier warning of ours that this one ends.")] = "",
) -> None:
    """Warn a circle, all or nothing: if a rule says no, the preview is shown (exit 3)."""
    here = invocation(ctx)
    if bool(file) == bool(item):
        raise typer.BadParameter("Give --file with the warning, or --item with the report of a draft.")
    if item and tlp:
        raise typer.BadParameter("A draft has its marking already; leave --tlp out.")
    with here.open() as node:
        if item:
            made = node.warnings.publish_draft(circle, item, replaces=replaces, person=here.person)
        else:
            found, until, marking = _read(file, node.clock())
            made = node.warnings.publish(
                circle, found, until=until, tlp=tlp or marking, replaces=replaces, person=here.person
            )
        known = names.of(node)
    _withheld(here, made.preview, known)

    def show(screen: Screen) -> None:
        screen.line(f"The circle is warned: {screen.id(made.id)}.", "green")

    here.answer(made, show, next_=here.command("sync"))


@app.command()
def draft(
    ctx: typer.Context,
    file: Annotated[str, _FILE],
    tlp: Annotated[str, typer.Option("--tlp", metavar="MARK", help="The marking (else the file's).")] = "",
) -> None:
    """Keep a warning on this node; another person publishes it if the agreement demands four eyes."""
    here = invocation(ctx)
    with here.open() as node:
        found, until, marking = _read(file, node.clock())
        made = node.warnings.draft(found, until=until, tlp=tlp or marking, person=here.person)

    def show(screen: Screen) -> None:
        screen.line(f"The draft is {made.item}.", "green")

    here.answer(made, show, next_=here.command(f"warn publish --circle ID --item {text.short(made.item)}"))


@app.command("list")
def list_(ctx: typer.Context, circle: OfCircle = "", all_: Ended = False) -> None:
    """List warnings with their likelihood, sources and comments."""
    answer_list(ctx, lambda node: node.warnings.list(circle, ended=all_), _table)


@app.command()
def show(ctx: typer.Context, id_: Annotated[str, _ID]) -> None:
    """Show a warning: its words, its sources, and each member's comment."""
    here = invocation(ctx)
    with here.open() as node:
        found = node.warnings.show(id_)
        known = names.of(node)
    waits = found.from_ != node.member and not any(each.member == node.member for each in found.assessments)
    next_ = here.command(f"warn assess {text.short(found.id)} --agree --text TEXT") if waits else ""
    here.answer(found, lambda screen: _show(screen, found, known), next_=next_)


@app.command()
def assess(
    ctx: typer.Context,
    id_: Annotated[str, _ID],
    text_: Annotated[str, typer.Option("--text", metavar="TEXT", help="Why.")],
    agree: Annotated[
        bool | None, typer.Option("--agree/--disagree", help="Whether this member agrees.", show_default=False)
    ] = None,
    source: Annotated[
        list[str] | None, typer.Option(metavar="NAME=GRADE", help="A source of ours, such as Sensor=B2; repeatable.")
    ] = None,
    tlp: Annotated[str, typer.Option("--tlp", metavar="MARK", help="The marking (else the warning's).")] = "",
) -> None:
    """Comment on another's warning; it stays on record (exit 3 if a rule keeps it back)."""
    here = invocation(ctx)
    if agree is None:
        raise typer.BadParameter("Give --agree or --disagree.")
    sources = [_source(each) for each in source or ()]
    with here.open() as node:
        made = node.warnings.assess(id_, text_, agree=agree, sources=sources, tlp=tlp, person=here.person)
        known = names.of(node)
    _withheld(here, made.preview, known)

    def told(screen: Screen) -> None:
        screen.line(f"On record: this member {made.verdict}s.", "green")

    here.answer(made, told, next_=here.command("sync"))


@app.command()
def export(
    ctx: typer.Context,
    id_: Annotated[str, _ID],
    out: Annotated[str, typer.Option("--out", metavar="FILE", help="Where to write.")],
) -> None:
    """Write a STIX 2.1 bundle of a warning: its objects, the opinions on it, and the definition of our extension."""
    here = invocation(ctx)
    with here.open() as node:
        done = node.warnings.write(id_, out)
    here.answer(done, lambda screen: screen.line(f"{text.count(done.objects, 'object')} in {done.out}."))


def _read(name: str, now: int) -> tuple[WarningText, int, str]:
    """Return the warning in a file, until when it is valid (ms, 0 for ever), and the marking that the file names."""
    from entente.formats.warning_file import MAX_FILE, read_warning_file

    found, marking = read_warning_file(files.read(name, MAX_FILE))
    until = parse_time(found.valid_until, now, last=True) if found.valid_until else 0
    return found, until, marking


def _source(given: str) -> Source:
    """Read NAME=GRADE."""
    from entente.core.grading import parse_grade
    from entente.formats.stix.joint.warning import Source

    name, _, grade = given.rpartition("=")
    if not name.strip():
        raise typer.BadParameter(f"{given!r} is not NAME=GRADE, such as Sensor=B2.", param_hint="--source")
    url = name.strip() if name.strip().startswith(("http://", "https://")) else ""
    return Source(name.strip(), url, str(parse_grade(grade)))


def _withheld(here: Invocation, preview: Preview | None, known: Callable[[str], str]) -> None:
    """Show why nothing was sent, and leave with exit 3, if a rule said no."""
    if preview is not None:
        here.answer(preview, lambda screen: show_preview(screen, preview, known, "Nothing was sent."))
        here.end(REFUSED)


def _table(screen: Screen, found: Sequence[WarningInfo], known: Callable[[str], str]) -> None:
    rows: list[tuple[Cell, ...]] = [
        (
            screen.id(one.id),
            (one.state, STATES[one.state]),
            f"{one.likelihood} ({_range(one)})",
            one.confidence,
            known(one.from_),
            f"{len(one.sources)} ({one.independent} independent)",
            _verdicts(one.assessments),
            one.title or f"({one.text_state})",
        )
        for one in found
    ]
    columns = ("id", "state", "likelihood", "confidence", "from", "sources", "assessed", "title")
    screen.table(columns, rows, empty="There are no warnings.")


def _range(one: WarningInfo) -> str:
    return f"{one.range[0]}-{one.range[1]} %"


def _verdicts(found: Sequence[AssessmentInfo]) -> Cell:
    """Return how many members agree and disagree."""
    counted = [each.verdict for each in found if each.counts]
    agree, disagree = counted.count("agree"), counted.count("disagree")
    if not counted:
        return "-"
    return (f"{agree} agree, {disagree} disagree", "red" if disagree else "green")


def _show(screen: Screen, one: WarningInfo, known: Callable[[str], str]) -> None:
    rows: list[tuple[str, Cell]] = [
        ("warning", one.id),
        ("state", (one.state, STATES[one.state])),
        ("likelihood", f"{one.likelihood} ({_range(one)})"),
        ("confidence", f"{one.confidence} (how sure the author is of this judgement)"),
        ("valid until", one.valid_until or "-"),
        ("from", known(one.from_)),
        ("since", one.time),
        ("marking", one.marking or "-"),
        *((name, ", ".join(held)) for name, held in _lists(one) if held),
        *([("basis", one.basis)] if one.basis else []),
        ("independent originals", str(one.independent)),
        *([("replaced by", one.superseded_by)] if one.superseded_by else []),
        *([("note", ("the item differs from the signed act", "red"))] if one.differs else []),
    ]
    screen.facts(one.title or f"({one.text_state})", rows)
    screen.prose(one.text)
    sources: list[tuple[Cell, ...]] = [
        (each.grade, each.name, " < ".join(filter(None, (*reversed(each.chain), each.original))) or "-", each.url)
        for each in one.sources
    ]
    if sources:
        screen.table(("grade", "source", "repeats", "link"), sources)
    for each in one.assessments:
        later = "" if each.counts else ", later replaced"
        style = "green" if each.verdict == "agree" else "red"
        screen.line(f"{known(each.member)} {each.verdict}s ({each.time}{later}):", style)
        screen.prose(each.text if each.text_state == "held" else f"({each.text_state})")


def _lists(one: WarningInfo) -> tuple[tuple[str, Sequence[str]], ...]:
    return ("places", one.places), ("actors", one.actors), ("narratives", one.narratives)
