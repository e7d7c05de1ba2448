"""`init`, `up`, `doctor` and `sync`: this member's home, its server and its health."""

from __future__ import annotations

import signal
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import urlsplit

import typer
from typing_extensions import override

from entente.core.errors import EntenteError, InvalidError
from entente.interfaces.cli import passphrase as vault
from entente.interfaces.cli.invocation import Invocation, invocation
from entente.interfaces.cli.terminal import names, progress, text
from entente.interfaces.cli.terminal.screen import Screen, good

if TYPE_CHECKING:
    from entente.node import Node

LOCAL: Final = ("localhost", "127.0.0.1", "::1")
SECONDS_TO_END: Final = 3.0
PAUSE: Final = 0.1


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
    ended, stops = threading.Event(), [threading.Event()]

    def end(*_: object) -> None:
        ended.set()
        stops[-1].set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    while _serve(here, host, port, stops[-1], first=len(stops) == 1) and not ended.is_set():
        stops.append(threading.Event())  # our keys or address were changed: go on with the new ones
        ended.wait(PAUSE)


def _serve(here: Invocation, host: str, port: int | None, stop: threading.Event, *, first: bool) -> bool:
    """Serve until `stop`; return whether it was for other keys or another address that we stopped."""
    from entente.node.home.vault import locked

    serve = here.serve
    if serve is None:
        raise EntenteError("This command line was started without its server.", hint="Start it as `entente`.")
    with here.open(ask=True) as node:
        if node.locked:
            raise locked()
        url = node.url
        live = _Live(node, stop)
        live.begin()
        try:
            chosen = _port(url) if port is None else port
            serve(node, host or _host(urlsplit(url).hostname), chosen, partial(_ready, own=url if first else ""), stop)
        finally:
            live.finish()
        again = node.keys.outdated(url)
    if live.error is not None:
        raise live.error
    return again


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
            rounds = node.exchange.sync(partner, progress=report)
        asked = node.outside.post_all()
        known = names.of(node)

    def show(screen: Screen) -> None:
        rows = [
            (known(one.id), _flow(one.sent), _flow(one.received), (one.error, "bold red") if one.error else "-")
            for one in rounds
        ]
        screen.table(("partner", "sent", "received", "error"), rows, empty="There are no partners yet.")
        for one in rounds:
            for refusal in one.refusals:
                who = "this member" if refusal.get("by") == "us" else known(one.id)
                screen.line(f"{who} would not take {refusal.get('subject', '')}: {refusal.get('text', '')}", "yellow")

        for each in asked:
            if each.problem:
                screen.line(f"Witness {each.name}: {each.problem}", "yellow")

    here.answer({"partners": rounds, "witnesses": asked}, show)
    here.end(1 if any(one.error for one in rounds) else 0)


class _Live(threading.Thread):
    """The loop beside the server; its error ends the server and is kept."""

    def __init__(self, node: Node, stop: threading.Event) -> None:
        super().__init__(name="live", daemon=True)
        self.error: Exception | None = None
        self._node = node
        self._end = stop
        self._runs = threading.Event()

    def begin(self) -> None:
        """Return when the loop runs; raise what kept it from running."""
        self.start()
        self._runs.wait()
        if self.error is not None:
            raise self.error

    def finish(self) -> None:
        """Ask the loop to end, and wait for it."""
        self._end.set()
        self.join(SECONDS_TO_END)

    @override
    def run(self) -> None:
        """Run the loop until it is asked to end."""
        try:
            self._node.run(self._end, self._runs.set)
        except Exception as error:  # noqa: BLE001  # the task's boundary: kept here, raised by the command
            self.error = error
            self._end.set()
        finally:
            self._runs.set()


def _ready(url: str, own: str) -> None:
    """Say where the node answers: its own address if the port is that one's, else the address on this machine.

    Nothing where there is no `own`: it was said before.
    """
    if not own:
        return
    port = _port(url)
    typer.echo(f"ready {own if port == _port(own) else f'{urlsplit(url).scheme}://localhost:{port}'}")


def _host(name: str | None) -> str:
    """Return where to listen: for a local address here only, else everywhere."""
    return "127.0.0.1" if name in LOCAL else "0.0.0.0"  # noqa: S104  # partners must reach it


def _port(url: str) -> int:
    """Return the port that the address names or implies."""
    where = urlsplit(url)
    try:
        return where.port or (443 if where.scheme == "https" else 80)
    except ValueError as error:
        raise InvalidError(f"The address {url} has no proper port: {error}.") from error


def _flow(flow: object) -> str:
    entries, size = int(getattr(flow, "entries", 0)), int(getattr(flow, "bytes", 0))
    return f"{text.count(entries, 'entry', 'entries')}, {text.size(size)}" if entries or size else "-"
