"""The command `entente`: its options, its commands, and one place where every error becomes an exit code.

The contract of names, fields and exit codes is written in `docs/guide/commands.md`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Final, cast

import typer
import typer.main
from typer.exceptions import Abort, TyperException

from entente.core.errors import EntenteError
from entente.interfaces import errors
from entente.interfaces.cli.commands import (
    backup,
    bundle,
    case,
    circle,
    config,
    disclose,
    export,
    item,
    key,
    ledger,
    member,
    partner,
    person,
    plan,
    profile,
    request,
    session,
    tempo,
    warn,
    witness,
)
from entente.interfaces.cli.commands.agreement import agreement, change
from entente.interfaces.cli.commands.share import onward, recall, share
from entente.interfaces.cli.demo import command as demo
from entente.interfaces.cli.invocation import Invocation, invocation
from entente.interfaces.http.loop import Serve

USAGE: Final = 2
INTERRUPTED: Final = 130
BROKEN_PIPE: Final = 141

_BEFORE: Final = ("--json", "--home", "--as", "--version")
_built = cache(typer.main.get_command)  # building it takes longer than most commands

app = typer.Typer(
    name="entente",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Begin: entente init --name NAME --url URL, then entente up. See it work: entente demo.",
)
GROUPS: Final = {
    "partner": partner.app,
    "agreement": agreement.app,
    "circle": circle.app,
    "item": item.app,
    "share": share.app,
    "ledger": ledger.app,
    "bundle": bundle.app,
    "witness": witness.app,
    "key": key.app,
    "person": person.app,
    "profile": profile.app,
    "config": config.app,
    "request": request.app,
    "case": case.app,
    "session": session.app,
    "disclose": disclose.app,
    "plan": plan.app,
    "warn": warn.app,
}
"""The nouns that people type before what is to be done, in the order in which help lists them."""

COMMANDS: Final = {"tempo": tempo.tempo, "demo": demo.demo}
"""The commands of one word that no noun's file has."""


def _compose() -> None:
    """Put all commands in their places; what stands here and not in a table adds to nouns of other files."""
    member.add_to(app)
    backup.add_to(app)
    change.add_to(agreement.app, partner.app)
    recall.add_to(share.app, ledger.app)
    onward.add_to(share.app)
    export.add_to([(session.app, "session"), (case.app, "case"), (request.app, "request")])
    for name, group in GROUPS.items():
        app.add_typer(group, name=name)
    for name, command in COMMANDS.items():
        app.command(name)(command)


_compose()


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"entente {version('entente-exchange')}")
        raise typer.Exit


@app.callback()
def options(
    ctx: typer.Context,
    home: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="The folder of this member (else $ENTENTE_HOME, else the user's data folder)."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answer with one JSON document.")] = False,
    person: Annotated[str, typer.Option("--as", metavar="PERSON", help="Who acts (else the operator).")] = "",
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Share intelligence and act together with organisations that you must trust, as equals, and prove it."""
    del version
    here = invocation(ctx)
    here.home_option, here.as_json, here.person = home, as_json, person


def run(arguments: Sequence[str] | None = None, *, serve: Serve | None = None) -> int:
    """Do what the arguments say (else those of the process) and return the exit code; nothing is raised.

    `serve` lets others call the node; without it `up` cannot work.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    _spell_out_what_cannot_be_shown()
    here = Invocation(as_json=_wants_json(given), serve=serve)
    try:
        code = _run(given, here)
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_output()
        return BROKEN_PIPE
    except KeyboardInterrupt:
        code = INTERRUPTED
    if code == INTERRUPTED:
        sys.stderr.write("\nstopped\n")
    return code


def _run(given: list[str], here: Invocation) -> int:
    """Run the command; every error is told, and becomes an exit code."""
    try:
        command = _built(app)
        result = cast("object", command.main(given, prog_name="entente", standalone_mode=False, obj=here))
    except SystemExit as leaving:
        result = leaving.code or 0
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001  # the door: whatever it was, it is told and not swallowed
        return _tell(error, here)
    return result if isinstance(result, int) else int(result is not None)


def _tell(error: Exception, here: Invocation) -> int:
    """Tell what went wrong, and return the exit code."""
    match error:
        case EntenteError():
            return here.fail(errors.document(error), errors.exit_code(error))
        case TyperException():
            return _usage(error, here)
        case Abort():
            return here.fail(_error("usage", "Nothing was entered.", "Give it as an option."), 1)
        case OSError():
            name = f" ({error.filename})" if error.filename else ""
            return here.fail(_error("file", f"{error.strerror or error}{name}.", ""), 1)
        case _:
            return _internal(error, here)


def _usage(error: TyperException, here: Invocation) -> int:
    """Tell what was wrong with the command line."""
    words = error.format_message()
    path = str(getattr(getattr(error, "ctx", None), "command_path", "entente"))
    if words.startswith("Usage:") and not here.as_json:
        sys.stderr.write(words + "\n")
        return USAGE
    if words.startswith("Usage:"):
        words = f"{path} needs a command."
    hint = f"See {path} --help."
    if any(option in words for option in _BEFORE) and path != "entente":
        hint = "--home, --json and --as stand before the command: entente --json item list."
    return here.fail(_error("usage", words, hint), USAGE)


def _internal(error: Exception, here: Invocation) -> int:
    """Tell of a defect of ours; the trace is shown where $ENTENTE_DEBUG asks for it."""
    if os.environ.get("ENTENTE_DEBUG"):
        import traceback

        traceback.print_exception(error)
    words = f"Something went wrong inside: {type(error).__name__}: {error}"
    return here.fail(_error("internal", words, "Run it again with ENTENTE_DEBUG=1 and report what it shows."), 1)


def _error(code: str, message: str, hint: str) -> errors.ErrorDocument:
    return errors.ErrorDocument(errors.ErrorInfo(code, message, hint))


def _wants_json(given: Sequence[str]) -> bool:
    """Say whether `--json` stands before the command, so that also a wrong command line is answered in JSON."""
    rest = iter(given)
    for word in rest:
        if word == "--json":
            return True
        if word in {"--home", "--as"}:
            next(rest, None)
        elif not word.startswith("-"):
            return False
    return False


def _spell_out_what_cannot_be_shown() -> None:
    """Let no character end a command because the terminal's encoding lacks it."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _drop_output() -> None:
    """Send what is left in the buffers nowhere: the reader of the pipe has gone."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
