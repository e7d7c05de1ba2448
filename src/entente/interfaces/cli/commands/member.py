"""`init`, `up`, `doctor` and `sync`: this member's home, its server and its health."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from entente.core.errors import EntenteError
from entente.interfaces.cli import passphrase as vault
from entente.interfaces.cli.invocation import invocation
from entente.interfaces.cli.terminal import names, progress, text
from entente.interfaces.cli.terminal.screen import Screen, good
from entente.interfaces.http.loop import ServerLoop

if TYPE_CHECKING:
    from entente.node.partners.values import Flow


def add_to(app: typer.Typer) -> None:
    """Add these commands to the top level."""
    app.command()(init)
    app.command()(up)
    app.command()(doctor)
    app.command()(sync)


def init(
    ctx: typer.Context,
    name: Annotated[str, typer.Option(metavar="NAME", help="What this organisation is called.")],
    url: Annotated[str, typer.Option(metavar="URL", help="Where partners call it, such as https://cert.example:8700.")],
    recovery: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where the recovery file is written (it holds the next key).")
    ] = None,
    passphrase: Annotated[bool, typer.Option("--passphrase", help="Encrypt the keys with a passphrase.")] = False,
    key_file: Annotated[
        Path | None, typer.Option("--key-file", metavar="FILE", help="Encrypt them with a key file (made if missing).")
    ] = None,
) -> None:
    """Found this member: its keys, its id in six words, its recovery file."""
    from entente.node import Node

    here = invocation(ctx)
    lock = vault.chosen(here.home, passphrase=passphrase, key_file=key_file)
    founded = Node.init(here.home, name=name, url=url, recovery=recovery, lock=lock)

    def show(screen: Screen) -> None:
        screen.facts(
            f"{name} is founded",
            [("member", founded.member), ("person", f"{founded.person} (the operator)"), ("home", str(here.home))],
        )
        screen.words("Its id in words; you read these out to partners", founded.words)
        screen.line(f"Move the recovery file off this machine: {founded.recovery}", "yellow")
        screen.line("Without it a lost or stolen key cannot be replaced.")

    here.answer(founded, show, next_=here.command("up"))


def up(
    ctx: typer.Context,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Where to listen (else the port of the url).")
    ] = None,
    host: Annotated[str, typer.Option(metavar="HOST", help="The address to listen on.")] = "",
) -> None:
    """Serve partners until SIGTERM or Ctrl-C; prints `ready URL` once it answers."""
    here = invocation(ctx)
    if here.serve is None:
        raise EntenteError("This command line was started without its server.", hint="Start it as `entente`.")
    loop = ServerLoop(
        lambda: here.open(ask=True), here.serve, lambda url: typer.echo(f"ready {url}"), host=host, port=port
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, loop.end)
    loop.run()


def doctor(ctx: typer.Context) -> None:
    """Look at this member's health; each finding says what to do (exit 1 if something is wrong)."""
    here = invocation(ctx)
    with here.open() as node:
        health = node.doctor()

    def show(screen: Screen) -> None:
        rows = [(good(check.ok, "ok", "WRONG"), check.name, check.text, check.fix) for check in health.checks]
        screen.table(("", "check", "finding", "what to do"), rows)

    here.answer(health, show)
    here.end(0 if health.ok else 1)


def sync(
    ctx: typer.Context,
    partner: Annotated[str, typer.Option(metavar="ID", help="This partner only.")] = "",
) -> None:
    """Exchange with partners now; a running node does so by itself."""
    here = invocation(ctx)
    with here.open() as node:
        with progress.reporting() as report:
            done = node.sync(partner, progress=report)
        known = names.of(node)

    def show(screen: Screen) -> None:
        rows = [
            (known(one.id), _flow(one.sent), _flow(one.received), (one.error, "bold red") if one.error else "-")
            for one in done.partners
        ]
        screen.table(("partner", "sent", "received", "error"), rows, empty="There are no partners yet.")
        for one in done.partners:
            for refusal in one.refusals:
                who = "this member" if refusal.get("by") == "us" else known(one.id)
                screen.line(f"{who} refused {refusal.get('subject', '')}: {refusal.get('text', '')}", "yellow")

        for each in done.witnesses:
            if each.problem:
                screen.line(f"Witness {each.name}: {each.problem}", "yellow")

    here.answer(done, show)
    here.end(1 if any(one.error for one in done.partners) else 0)


def _flow(flow: Flow) -> str:
    there = flow.entries or flow.bytes
    return f"{text.count(flow.entries, 'entry', 'entries')}, {text.size(flow.bytes)}" if there else "-"
