"""What one invocation was told before its command, and the one place where it answers."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, cast

import typer

from entente.core.errors import EntenteError
from entente.interfaces.cli.terminal import text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from msgspec import Struct

    from entente.interfaces.cli.terminal.screen import Screen
    from entente.interfaces.errors import ErrorDocument
    from entente.interfaces.http.loop import Serve
    from entente.node import Node
    from entente.node.home.vault import Unlock

    Answer: TypeAlias = Struct | Sequence[Struct]


class Invocation:
    """The options before the command, and how the command answers.

    With `as_json` standard output gets one JSON document and nothing else.
    """

    def __init__(self, *, as_json: bool = False, serve: Serve | None = None) -> None:
        self.as_json = as_json
        self.serve = serve
        self.home_option: Path | None = None
        self.person = ""
        self._answered = False
        self._unlock: Unlock | None = None

    @property
    def home(self) -> Path:
        """Return the folder of this member: `--home`, else $ENTENTE_HOME, else the user's data folder."""
        given = self.home_option or os.environ.get("ENTENTE_HOME")
        if given:
            return Path(given)
        import platformdirs

        return platformdirs.user_data_path("entente", appauthor=False)

    def open(self, *, ask: bool = False) -> Node:
        """Open the node in the home; raise StoreError when there is none.

        Sealed keys are opened with what the environment offers; with `ask` their passphrase is asked for on a terminal.
        """
        from entente.node import Node
        from entente.node.home import vault

        unlock = self._unlock or vault.from_environment(os.environ)
        if ask and sys.stdin.isatty() and vault.lacks_passphrase(self.home, unlock):
            unlock = vault.Unlock(passphrase=str(typer.prompt("Passphrase", hide_input=True, err=True)))
        if ask:
            self._unlock = unlock
        return Node.open(self.home, unlock)

    def command(self, line: str) -> str:
        """Return a command as it must be typed to reach this home."""
        import shlex

        home = f" --home {shlex.quote(str(self.home_option))}" if self.home_option else ""
        return f"{text.program()}{home} {line}"

    def answer(self, document: Answer, show: Callable[[Screen], None], *, next_: str = "") -> None:
        """Give the answer, values of the node: `document` as JSON, or what `show` makes of it for people.

        `next_` is the command to type next.
        """
        self._answered = True
        if self.as_json:
            self.write_json(document)
            return
        from entente.interfaces.cli.terminal import screen

        show(screen.for_stdout())
        sys.stdout.flush()
        if next_:
            self.hint(f"next: {next_}")

    def answer_bytes(self, chunk: bytes) -> None:
        """Write a part of an answer that is bytes already, such as a bundle."""
        self._answered = True
        sys.stdout.flush()
        sys.stdout.buffer.write(chunk)

    def write_json(self, document: Answer | ErrorDocument) -> None:
        """Write one JSON document and a line end."""
        import msgspec

        data = msgspec.json.encode(document)
        if sys.stdout.isatty():
            data = msgspec.json.format(data, indent=2)
        self.answer_bytes(text.json_text(data) + b"\n")
        sys.stdout.flush()

    def hint(self, words: str) -> None:
        """Say something beside the answer, dim on a terminal."""
        line = text.shown(words)
        dim = sys.stderr.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
        sys.stderr.write(f"\x1b[2m{line}\x1b[0m\n" if dim else f"{line}\n")
        sys.stderr.flush()

    def fail(self, document: ErrorDocument, code: int) -> int:
        """Say what went wrong, as JSON on standard output or in words on standard error, and return the exit code."""
        if self.as_json and not self._answered:
            self.write_json(document)
            return code
        error = document.error
        sys.stdout.flush()
        self.hint_plain(f"error: {error.message}")
        if error.code not in _SAID_BY_THE_MESSAGE:
            self.hint_plain(f"rule: {error.code}")
        if error.hint:
            self.hint_plain(f"do: {error.hint}")
        return code

    def hint_plain(self, words: str) -> None:
        """Write a line to standard error."""
        for line in text.lines(words):
            sys.stderr.write(line + "\n")
        sys.stderr.flush()

    def end(self, code: int) -> NoReturn:
        """Leave with an exit code after the answer was given."""
        raise typer.Exit(code)


# Codes that only repeat the kind of error; the others name a rule, and people can look it up.
_SAID_BY_THE_MESSAGE = frozenset(
    {"error", "invalid", "not-found", "conflict", "limit", "store", "transport", "usage", "file", "internal"}
)


def invocation(ctx: typer.Context) -> Invocation:
    """Return the invocation of a command."""
    found = cast("object", ctx.obj)
    if not isinstance(found, Invocation):
        raise EntenteError("The command was started without its options.", hint="Start it as `entente`.")
    return found
