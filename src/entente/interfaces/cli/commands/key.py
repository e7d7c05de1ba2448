"""`key`: change this member's keys, replace lost ones, and answer for partners that lost theirs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from entente.interfaces.cli import files
from entente.interfaces.cli import passphrase as vault
from entente.interfaces.cli.invocation import invocation
from entente.interfaces.cli.terminal import text
from entente.interfaces.cli.terminal.screen import Cell, Screen

if TYPE_CHECKING:
    from entente.node.partners.values import SuccessionInfo

app = typer.Typer(help="Change this member's keys, and replace lost ones.", no_args_is_help=True)
succession = typer.Typer(help="Keys that were lost or stolen: a new home, and approval.", no_args_is_help=True)
app.command("protect")(vault.protect)
app.add_typer(succession, name="succession")

Recovery = Annotated[Path, typer.Option(metavar="FILE", help="The newest recovery file of this member.")]
Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE", help="Where the next recovery file is written (else beside the old one)."),
]


@app.command()
def rotate(ctx: typer.Context, recovery: Recovery, out: Out = None) -> None:
    """Change every key of this member, as planned; partners learn it in the next exchange."""
    here = invocation(ctx)
    with here.open(ask=True) as node:
        done = node.keys.rotate(recovery, out)

    def show(screen: Screen) -> None:
        screen.line(f"The keys have changed; the key history has {done.keys} entries now.", "green")
        screen.line(f"Move the new recovery file off this machine: {done.recovery}", "yellow")
        screen.line(f"The old one, {text.file_name(str(recovery))}, opens nothing any more.")
        screen.line("Backups from before hold the old keys: make a new one.")

    here.answer(done, show, next_=here.command("backup --out FILE"))


@succession.command()
def begin(
    ctx: typer.Context,
    recovery: Recovery,
    card: Annotated[str, typer.Option(metavar="FILE", help="The member's last card; any partner can write it.")],
    out: Out = None,
    new_card: Annotated[str, typer.Option("--new-card", metavar="FILE", help="Where the new card is written.")] = "",
    url: Annotated[
        str, typer.Option(metavar="URL", help="Where partners call from now on (else the old address).")
    ] = "",
    passphrase: Annotated[bool, typer.Option("--passphrase", help="Encrypt the keys with a passphrase.")] = False,
    key_file: Annotated[
        Path | None, typer.Option("--key-file", metavar="FILE", help="Encrypt them with a key file (made if missing).")
    ] = None,
) -> None:
    """Make a new home for a member whose home or keys are lost, in an empty --home."""
    from entente.node import Node

    here = invocation(ctx)
    last = files.read(card, files.MAX_SMALL)
    lock = vault.chosen(here.home, passphrase=passphrase, key_file=key_file)
    made = Node.succeed(here.home, recovery=recovery, card=last, out=out, new_card=new_card or None, url=url, lock=lock)

    def show(screen: Screen) -> None:
        screen.facts(
            f"{made.name} has a new home, with new keys",
            [("member", made.member), ("home", str(here.home)), ("card", text.file_name(made.card))],
        )
        screen.words("Six words of the new keys; you read these out to every partner", made.keys_words)
        screen.line("Partners read the card (`entente partner add`) and approve the keys.", "yellow")
        screen.line(f"Move the new recovery file off this machine: {made.recovery}", "yellow")
        screen.line("The home signs nothing else before partners have shown what you signed before.")

    here.answer(made, show, next_=here.command("partner add FILE"))


@succession.command("list")
def list_(ctx: typer.Context) -> None:
    """List partners whose new keys wait for an approval."""
    here = invocation(ctx)
    with here.open() as node:
        found = node.successions.list()

    def show(screen: Screen) -> None:
        rows: list[tuple[Cell, ...]] = [
            (screen.id(one.member), one.name, one.state, str(one.keys), _answers(one), " ".join(one.words))
            for one in found
        ]
        heads = ("member", "name", "state", "keys", "answers", "words of the new keys")
        screen.table(heads, rows, empty="Nobody's keys wait for an approval.")

    here.answer(found, show, next_=here.command("key succession approve MEMBER") if found else "")


@succession.command()
def approve(
    ctx: typer.Context,
    member: Annotated[
        str, typer.Argument(metavar="MEMBER", help="The partner that lost its keys: id, its beginning, or name.")
    ],
    refuse: Annotated[bool, typer.Option("--refuse", help="Refuse the new keys.")] = False,
) -> None:
    """Approve a partner's new keys, once you have heard their six words from the partner itself."""
    here = invocation(ctx)
    with here.open(ask=True) as node:
        done = node.successions.answer(member, refuse=refuse, person=here.person)

    def show(screen: Screen) -> None:
        if done.state == "in-force":
            screen.line(f"{done.name} goes on with its new keys.", "green")
        elif refuse:
            screen.line(f"You have refused the new keys of {done.name}.", "yellow")
        else:
            given = sum(each.answer == "approve" for each in done.approvals)
            screen.line(f"You have approved the new keys of {done.name}: {given} of {done.needed}.", "yellow")

    here.answer(done, show, next_=here.command("sync"))


def _answers(one: SuccessionInfo) -> str:
    given = sum(each.answer == "approve" for each in one.approvals)
    return f"{given} of {one.needed}" if one.needed else "not asked yet"
