"""How agreements change: `agreement amend|accede|exclude|continue|suspend|exit` and `partner suspend|resume`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from entente.interfaces.cli.commands.agreement import agreement
from entente.interfaces.cli.invocation import Invocation, invocation
from entente.interfaces.cli.terminal import names, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from entente.interfaces.cli.terminal.screen import Cell, Screen
    from entente.node.agreements.values import Changed, Suspended

Agreement = Annotated[str, typer.Argument(metavar="ID", help="The agreement.")]
Reason = Annotated[str, typer.Option(metavar="WORD", help="incident, breach, doubt, other, or your own words.")]


def amend(
    ctx: typer.Context,
    id_: Agreement,
    name: Annotated[str, typer.Option(metavar="NAME", help="What the agreement is called from then on.")] = "",
    file: Annotated[str, typer.Option(metavar="FILE", help="JSON object of the terms that change.")] = "",
) -> None:
    """Propose other terms or another name; in force when the quorum has signed."""
    here = invocation(ctx)
    given = agreement.read_terms(file) if file else None
    with here.open() as node:
        changed = node.agreements.changes.amend(id_, terms=given, name=name, person=here.person)
    _answer(here, changed)


def accede(
    ctx: typer.Context,
    id_: Agreement,
    with_: Annotated[str, typer.Option("--with", metavar="ID", help="The paired partner that is to join.")] = "",
) -> None:
    """Propose that a partner joins; as that partner, without --with: sign what you were offered."""
    here = invocation(ctx)
    with here.open() as node:
        if not with_:
            signed = node.agreements.sign(id_, person=here.person)
            here.answer(signed, lambda screen: screen.line("You have signed; you are a member.", "green"))
            return
        changed = node.agreements.changes.accede(id_, with_, person=here.person)
    _answer(here, changed)


def exclude(
    ctx: typer.Context,
    id_: Agreement,
    member: Annotated[str, typer.Option(metavar="ID", help="The member to be excluded; it has no vote.")],
) -> None:
    """Propose to end the participation of a member."""
    here = invocation(ctx)
    with here.open() as node:
        changed = node.agreements.changes.exclude(id_, member, person=here.person)
    _answer(here, changed)


def continue_(
    ctx: typer.Context,
    id_: Agreement,
    member: Annotated[
        str, typer.Option(metavar="ID", help="The member that signed two versions of its log; it has no vote.")
    ],
) -> None:
    """Propose to go on with the same members and new logs, after a fork stopped a member's log."""
    here = invocation(ctx)
    with here.open() as node:
        changed = node.agreements.changes.continue_(id_, member, person=here.person)
    _answer(here, changed)


def suspend(
    ctx: typer.Context,
    id_: Agreement,
    member: Annotated[
        str, typer.Option(metavar="ID", help="The member to serve nothing more; without it no member is served.")
    ] = "",
    reason: Reason = "other",
    resume: Annotated[bool, typer.Option("--resume", help="End the suspension.")] = False,
) -> None:
    """Serve a member (or everybody) of the agreement nothing more, at once, until you resume."""
    here = invocation(ctx)
    with here.open() as node:
        done = node.agreements.changes.suspend(id_, member, reason=reason, resume=resume, person=here.person)
        known = names.of(node)
    _say_suspended(here, done, [done], known)


def exit_(ctx: typer.Context, id_: Agreement) -> None:
    """Withdraw from an agreement: sign what you still owe; partners serve you nothing later."""
    here = invocation(ctx)
    with here.open() as node:
        left = node.agreements.changes.exit(id_, person=here.person)

    def show(screen: Screen) -> None:
        rows: list[tuple[str, Cell]] = [
            ("kept", f"{left.kept} payloads from other members stay with you"),
            ("sent on by consent", f"{len(left.sent)} onward releases that you still answer for"),
            ("you answer until", left.until),
        ]
        screen.facts("You have left; partners learn it in the next exchange", rows)

    here.answer(left, show, next_=here.command("sync"))


def suspend_partner(
    ctx: typer.Context,
    id_: Annotated[str, typer.Argument(metavar="ID", help="The partner.")],
    reason: Annotated[str, typer.Option(metavar="WORD", help="incident, breach, doubt, other, or your own words.")],
) -> None:
    """Suspend a partner: serve it nothing in any agreement, from the next exchange on."""
    here = invocation(ctx)
    with here.open() as node:
        done = node.agreements.changes.suspend_partner(id_, reason=reason, person=here.person)
        known = names.of(node)
    _say_suspended(here, done, done, known)


def resume_partner(ctx: typer.Context, id_: Annotated[str, typer.Argument(metavar="ID", help="The partner.")]) -> None:
    """End a suspension: serve the partner again, also everything that it missed."""
    here = invocation(ctx)
    with here.open() as node:
        done = node.agreements.changes.suspend_partner(id_, resume=True, person=here.person)
        known = names.of(node)
    _say_suspended(here, done, done, known)


def add_to(agreements: typer.Typer, partners: typer.Typer) -> None:
    """Add the commands to the groups that they belong to."""
    for command in (amend, accede, exclude, suspend):
        agreements.command()(command)
    agreements.command("continue")(continue_)
    agreements.command("exit")(exit_)
    partners.command("suspend")(suspend_partner)
    partners.command("resume")(resume_partner)


def _say_suspended(
    here: Invocation, document: Suspended | list[Suspended], done: list[Suspended], known: Callable[[str], str]
) -> None:
    def show(screen: Screen) -> None:
        for each in done:
            who = known(each.member) if each.member else "everybody"
            screen.line(f"{text.short(each.agreement)}: {who} is {each.state}.", "yellow")

    here.answer(document, show, next_=here.command("sync"))


def _answer(here: Invocation, changed: Changed) -> None:
    def show(screen: Screen) -> None:
        rows: list[tuple[str, Cell]] = [
            ("amendment", changed.amendment),
            ("begins epoch", str(changed.epoch)),
            ("state", (changed.state, agreement.STATES.get(changed.state, ""))),
        ]
        screen.facts("Proposed; it is in force when the quorum has signed", rows)

    here.answer(changed, show, next_=here.command(f"agreement sign {text.short(changed.amendment)}"))
