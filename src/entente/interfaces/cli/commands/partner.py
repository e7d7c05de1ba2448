"""`partner`: meet another member by code or card, compare words, confirm."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from entente.core.errors import InvalidError
from entente.interfaces.cli import files
from entente.interfaces.cli.invocation import Invocation, invocation
from entente.interfaces.cli.terminal import text
from entente.interfaces.cli.terminal.screen import Cell, Screen

if TYPE_CHECKING:
    from entente.node.partners.values import Met

app = typer.Typer(help="Meet other members and confirm that they are who they say.", no_args_is_help=True)

_STATES = {"paired": "green", "waiting": "yellow", "met": "yellow", "dead": "red"}


@app.command()
def invite(ctx: typer.Context) -> None:
    """Make a code that one partner can join with: one try, ten minutes."""
    here = invocation(ctx)
    with here.open() as node:
        invitation = node.partners.invite()

    def show(screen: Screen) -> None:
        screen.facts(
            "Tell your partner, by telephone or face to face",
            [("address", invitation.url), ("code", (invitation.code, "bold cyan")), ("good until", invitation.expires)],
        )
        screen.line(f"They run: entente partner join {invitation.url} --code {invitation.code}")
        screen.line("One try only. `entente up` must be running here.")

    here.answer(invitation, show)


@app.command()
def join(
    ctx: typer.Context,
    url: Annotated[str, typer.Argument(metavar="URL", help="The partner's address.")],
    code: Annotated[str, typer.Option(metavar="CODE", help="The code that the partner told you.")],
) -> None:
    """Meet the partner that told you a code."""
    here = invocation(ctx)
    with here.open() as node:
        met = node.partners.join(url, code)
        own = node.words
    _answer_met(here, met, own)


@app.command()
def card(
    ctx: typer.Context,
    out: Annotated[str, typer.Option("--out", metavar="FILE", help="Where to write the card.")],
    of: Annotated[str, typer.Option("--of", metavar="ID", help="The partner that lost its home: write its card.")] = "",
) -> None:
    """Write this member's card, to be handed to a partner that no network reaches."""
    here = invocation(ctx)
    with here.open() as node:
        done = node.partners.write_card(out, of)

    def show(screen: Screen) -> None:
        screen.line(f"The card of {done.name} is in {done.out} ({text.size(done.bytes)}).")
        if not of:
            screen.words("Read these words to the partner that gets it", done.words)

    here.answer(done, show, next_="on the partner's side: entente partner add FILE")


@app.command()
def add(
    ctx: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="The partner's card.")],
) -> None:
    """Meet the partner whose card this is; the new card of a known member updates its address."""
    here = invocation(ctx)
    with here.open() as node:
        met = node.partners.add(files.read(file, files.MAX_SMALL))
        own = node.words
    if met.state == "succession":
        _answer_succession(here, met)
    else:
        _answer_met(here, met, own)


@app.command()
def confirm(
    ctx: typer.Context,
    partner: Annotated[str, typer.Argument(metavar="ID", help="The partner: id, its beginning, or name.")],
    words: Annotated[str, typer.Option(metavar="'W1 … W6'", help="The words that the partner read out to you.")] = "",
) -> None:
    """Confirm a partner by the six words that it reads out; wrong words end the pairing (exit 5)."""
    here = invocation(ctx)
    with here.open() as node:
        confirmed = node.partners.confirm(partner, words or _ask(here, partner, node.words))
        own = node.words
        name = next((one.name for one in node.partners.list() if one.id == confirmed.partner), partner)

    def show(screen: Screen) -> None:
        if confirmed.state == "paired":
            screen.line(
                f"{name} is paired with you. Nothing can be sent before both have signed an agreement.", "green"
            )
            return
        screen.line(f"You have confirmed {name}. {name} has not confirmed you yet.", "yellow")
        screen.words(f"You read these words to {name}, who enters them", own)

    paired = here.command(f"agreement propose --with {text.short(confirmed.partner)}")
    here.answer(confirmed, show, next_=paired if confirmed.state == "paired" else here.command("partner list"))


@app.command("list")
def list_(ctx: typer.Context) -> None:
    """List the members that this one has met."""
    here = invocation(ctx)
    with here.open() as node:
        found = node.partners.list()

    def show(screen: Screen) -> None:
        rows: list[tuple[Cell, ...]] = [
            (screen.id(one.id), one.name, (one.state, _STATES.get(one.state, "")), one.url, " ".join(one.words))
            for one in found
        ]
        screen.table(("id", "name", "state", "url", "words"), rows, empty="You have not met any partner yet.")

    here.answer(found, show, next_="" if found else here.command("partner invite"))


def _answer_met(here: Invocation, met: Met, own: list[str]) -> None:
    """Show both sides' words, and who reads out which."""

    def show(screen: Screen) -> None:
        screen.line(f"You have met {met.name} ({met.partner}), state {met.state}.")
        screen.words(f"You read these words to {met.name}", own)
        screen.words(f"{met.name} reads these words to you; if one differs, stop", met.words)

    next_ = here.command(f'partner confirm {text.short(met.partner)} --words "the six words that you HEARD"')
    here.answer(met, show, next_="" if met.state == "paired" else next_)


def _answer_succession(here: Invocation, met: Met) -> None:
    """Say that a member has new keys without the word of its old one."""

    def show(screen: Screen) -> None:
        screen.line(f"{met.name} has new keys, and its old key does not vouch for them.", "yellow")
        screen.line("Nothing changes before the other members have approved.")
        screen.line("Call it, and compare the words of its new keys.")

    here.answer(met, show, next_=here.command("key succession list"))


def _ask(here: Invocation, partner: str, own: list[str]) -> str:
    """Ask for the words on a terminal; raise InvalidError where nobody can be asked."""
    if here.as_json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise InvalidError("The words are missing.", hint='Give them: --words "w1 w2 w3 w4 w5 w6".')
    from entente.interfaces.cli.terminal import screen

    screen.for_stdout().words(f"You read these words to {text.shown(partner)}", own)
    return str(typer.prompt(f"The six words that {text.shown(partner)} reads to you", err=True))
