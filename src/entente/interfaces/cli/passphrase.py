"""Passphrases and key files at the command line: asked for, read from the environment, never in an argument."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from entente.core.errors import InvalidError
from entente.interfaces.cli.invocation import invocation
from entente.interfaces.cli.terminal.screen import Screen

if TYPE_CHECKING:
    from entente.node.home.vault import Lock

NEW = "ENTENTE_NEW_PASSPHRASE"
CURRENT = "ENTENTE_PASSPHRASE"


def chosen(home: Path, *, passphrase: bool, key_file: Path | None, variable: str = CURRENT) -> Lock | None:
    """Return the lock that the options ask for, None for none; InvalidError for both at once or a poor passphrase.

    The passphrase comes from the environment variable, else it is asked for twice on the terminal.
    """
    from entente.node.home import vault

    if passphrase and key_file is not None:
        raise typer.BadParameter("Give --passphrase or --key-file, not both.")
    if key_file is not None:
        return vault.by_key_file(key_file, home, os.urandom)
    if not passphrase:
        return None
    given = os.environ.get(variable, "")
    if not given:
        if not sys.stdin.isatty():
            raise InvalidError(f"There is no terminal to ask on, and {variable} is not set.", hint=f"Set {variable}.")
        given = str(typer.prompt("New passphrase", hide_input=True, confirmation_prompt=True, err=True))
    return vault.by_passphrase(given, os.urandom)


def protect(
    ctx: typer.Context,
    passphrase: Annotated[bool, typer.Option("--passphrase", help="Encrypt the keys with a passphrase.")] = False,
    key_file: Annotated[
        Path | None, typer.Option("--key-file", metavar="FILE", help="Encrypt them with a key file (made if missing).")
    ] = None,
    none: Annotated[bool, typer.Option("--none", help="Keep them in the clear.")] = False,
) -> None:
    """Change how the secret keys are kept on disk; the ones that are in use open them first."""
    from entente.node.home import vault

    here = invocation(ctx)
    if [passphrase, key_file is not None, none].count(True) != 1:
        raise typer.BadParameter("Give one of --passphrase, --key-file FILE and --none.")
    with here.open(ask=True) as node:
        if node.locked:
            raise vault.locked()
        sealed = node.protection != vault.NONE
        lock = chosen(here.home, passphrase=passphrase, key_file=key_file, variable=NEW if sealed else CURRENT)
        kept = node.protect(lock)

    def show(screen: Screen) -> None:
        if kept.keys == vault.NONE:
            screen.line(
                "The keys are in the clear now: anybody who reads their file can sign as this member.", "yellow"
            )
            return
        screen.line("The keys are encrypted now.", "green")
        screen.line("Older backups and copies still hold them as they were.")

    here.answer(kept, show, next_=here.command("backup --out FILE"))
