"""`disclose`: publish a text when every side that the agreement names has approved exactly these bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from entente.core.errors import InvalidError
from entente.interfaces.cli import files
from entente.interfaces.cli.invocation import invocation
from entente.interfaces.cli.terminal import names, text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from entente.interfaces.cli.terminal.screen import Cell, Screen
    from entente.node.work.disclosure.values import DisclosureInfo

app = typer.Typer(help="Public release: publish a text that all have approved, with the proof.", no_args_is_help=True)

STATES: Final = {"proposed": "yellow", "approved": "green", "refused": "red"}
MARKDOWN: Final = (".md", ".markdown")
_ID: Final = typer.Argument(metavar="ID", help="The public release (disclose list).")
Redact = Annotated[
    str, typer.Option("--redact", metavar="FILE", help="Terms that must not stand in it, one a line; kept here.")
]
Allow = Annotated[
    list[str] | None,
    typer.Option("--allow", metavar="VALUE", help="An address or name of a marked item to let through."),
]


@app.command()
def propose(
    ctx: typer.Context,
    file: Annotated[str, typer.Option("--text-file", metavar="FILE", help="The text; .md is Markdown.")],
    id_: Annotated[str, typer.Argument(metavar="[ID]", help="What it is about: act, item or circle.")] = "",
    circle: Annotated[str, typer.Option("--circle", metavar="ID", help="The circle whose members approve it.")] = "",
    redact: Redact = "",
    allow: Allow = None,
) -> None:
    """Propose a text for public release; proposing is not approving. Exit 3 if a rule finds something in it."""
    here = invocation(ctx)
    if bool(id_) == bool(circle):
        raise typer.BadParameter("Give the ID of what it is about, or --circle.")
    data = files.read(file, files.MAX_SMALL)
    media = "text/markdown" if file.lower().endswith(MARKDOWN) else "text/plain"
    terms = _terms(redact)
    with here.open() as node:
        made = node.disclosures.propose(
            circle or id_, data, media=media, terms=terms, allow=allow or (), person=here.person
        )
        known = names.of(node)
    here.answer(made, lambda screen: _show(screen, made, known), next_=here.command(f"disclose approve {_short(made)}"))


@app.command()
def approve(
    ctx: typer.Context,
    id_: Annotated[str, _ID],
    refuse: Annotated[str, typer.Option(metavar="REASON", help="Say no; an answer is final.")] = "",
    redact: Redact = "",
    allow: Allow = None,
) -> None:
    """Approve exactly this text, or refuse it; exit 3 if a rule finds something in it."""
    here = invocation(ctx)
    terms = _terms(redact)
    with here.open() as node:
        done = node.disclosures.approve(id_, refuse=refuse, terms=terms, allow=allow or (), person=here.person)
        known = names.of(node)
    export_ = here.command(f"disclose export {_short(done)} --out FILE") if done.state == "approved" else ""
    here.answer(done, lambda screen: _show(screen, done, known), next_=export_)


@app.command()
def show(ctx: typer.Context, id_: Annotated[str, _ID]) -> None:
    """Show the exact text with its SHA-256 and the answers."""
    here = invocation(ctx)
    with here.open() as node:
        found = node.disclosures.show(id_)
        known = names.of(node)
    here.answer(found, lambda screen: _show(screen, found, known))


@app.command("list")
def list_(ctx: typer.Context) -> None:
    """List public releases: proposed, approved and refused."""
    here = invocation(ctx)
    with here.open() as node:
        found = node.disclosures.list()
        known = names.of(node)

    def table(screen: Screen) -> None:
        rows: list[tuple[Cell, ...]] = [
            (
                screen.id(one.disclosure),
                (one.state, STATES.get(one.state, "")),
                f"{_approvals(one)}/{one.needed}",
                known(one.by),
                one.time,
                one.text.partition("\n")[0] if one.text_state == "held" else f"({one.text_state})",
            )
            for one in found
        ]
        screen.table(("id", "state", "approved", "by", "time", "text"), rows, empty="There is no public release.")

    here.answer(found, table)


@app.command()
def export(
    ctx: typer.Context,
    id_: Annotated[str, _ID],
    out: Annotated[str, typer.Option("--out", metavar="FILE", help="Where to write it.")],
    redact: Redact = "",
    allow: Allow = None,
) -> None:
    """Write the approved text with its proofs, for anybody to verify (exit 4 until all have approved)."""
    here = invocation(ctx)
    terms = _terms(redact)
    with here.open() as node:
        done = node.disclosures.write(id_, out, terms=terms, allow=allow or ())
    here.answer(
        done,
        lambda screen: screen.line(f"The text and its proofs are in {done.out} ({text.size(done.bytes)}).", "green"),
        next_=f"python tools/verify.py {done.out}",
    )


def _terms(name: str) -> Sequence[str]:
    """Return the terms in a file."""
    from entente.policy.disclosure import read_terms

    if not name:
        return ()
    try:
        return read_terms(files.read(name, files.MAX_SMALL).decode())
    except UnicodeDecodeError:
        raise InvalidError("The list of terms is not UTF-8.", hint="Write one term a line.") from None


def _approvals(one: DisclosureInfo) -> int:
    return sum(each.vote == "yes" for each in one.answers)


def _short(one: DisclosureInfo) -> str:
    return text.short(one.disclosure)


def _show(screen: Screen, one: DisclosureInfo, known: Callable[[str], str]) -> None:
    rows: list[tuple[str, Cell]] = [
        ("disclosure", one.disclosure),
        ("state", (one.state, STATES.get(one.state, ""))),
        ("proposed by", known(one.by)),
        ("approved by", f"{_approvals(one)} of {one.needed} needed"),
        ("media", one.media),
        ("SHA-256", one.sha256),
    ]
    screen.facts("For public release, exactly this", rows)
    screen.prose(one.text if one.text_state == "held" else f"({one.text_state})")
    for each in one.answers:
        screen.line(f"{each.vote}: {known(each.member)} ({each.time})", "green" if each.vote == "yes" else "red")
        screen.prose(each.text)
