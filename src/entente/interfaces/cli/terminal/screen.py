"""Where people read answers: a terminal with colours and frames, or plain aligned text where the output is a pipe."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Protocol, TextIO

from entente.interfaces.cli.terminal import text

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

Cell = str | tuple[str, str]
"""What stands in a table: a text, or a text and its style."""

MARKINGS: Final = {
    "TLP:CLEAR": "white on black",
    "TLP:GREEN": "#33ff00 on black",
    "TLP:AMBER": "#ffc000 on black",
    "TLP:AMBER+STRICT": "#ffc000 on black",
    "TLP:RED": "#ff2b2b on black",
}
"""The colours that FIRST gives the labels of TLP 2.0."""


class Screen(Protocol):
    """Show an answer to a person; every text is made safe on the way."""

    def line(self, words: str = "", style: str = "") -> None:
        """Show one line."""
        ...

    def prose(self, words: str) -> None:
        """Show text of several lines, wrapped and indented."""
        ...

    def facts(self, title: str, rows: Sequence[tuple[str, Cell]]) -> None:
        """Show names and values under a title."""
        ...

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[Cell]], *, empty: str = "nothing yet") -> None:
        """Show rows under the names of their columns, or say that there are none."""
        ...

    def words(self, title: str, words: Sequence[str]) -> None:
        """Show six words large and numbered, to be read out or compared."""
        ...

    def id(self, id_: str) -> str:
        """Return an id as long as this screen is wide."""
        ...


NARROW = ("id", "modified", "marking")
"""Columns whose cells are short and stay on one line."""


class PlainScreen:
    """Aligned text without colours, ids in full."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def line(self, words: str = "", style: str = "") -> None:
        """Write one line."""
        del style
        self._stream.write(text.shown(words) + "\n")

    def prose(self, words: str) -> None:
        """Write text of several lines, wrapped to 100 columns."""
        for line in text.lines(words):
            for part in textwrap.wrap(line, 98) or [""]:
                self.line(f"  {part}".rstrip())

    def facts(self, title: str, rows: Sequence[tuple[str, Cell]]) -> None:
        """Write the title, then one aligned line for each fact."""
        self.line(title)
        width = max((text.width(name) for name, _ in rows), default=0)
        for name, value in rows:
            self.line(f"  {text.pad(name, width)}  {_plain(value)}".rstrip())

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[Cell]], *, empty: str = "nothing yet") -> None:
        """Write the rows in columns as wide as what stands in them."""
        if not rows:
            self.line(empty)
            return
        cells = [list(columns), *([_plain(cell) for cell in row] for row in rows)]
        widths = [max(map(text.width, column)) for column in zip(*cells, strict=True)]
        for row in cells:
            self.line("  ".join(text.pad(cell, columns) for cell, columns in zip(row, widths, strict=True)).rstrip())

    def words(self, title: str, words: Sequence[str]) -> None:
        """Write the words in two rows of three, each with its number."""
        self.line(title)
        for row in _numbered(words):
            self.line("    " + "  ".join(text.pad(f"{number} {word}", 14) for number, word in row).rstrip())

    def id(self, id_: str) -> str:
        """Return the whole id."""
        return id_


class RichScreen:
    """A terminal: frames, colours, short ids; `NO_COLOR` is honoured."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def line(self, words: str = "", style: str = "") -> None:
        """Print one line, wrapped at the edge."""
        self._console.print(text.shown(words), style=style or None)

    def prose(self, words: str) -> None:
        """Print text of several lines, indented."""
        from rich.padding import Padding
        from rich.text import Text

        self._console.print(Padding(Text("\n".join(text.lines(words))), (0, 2)))

    def facts(self, title: str, rows: Sequence[tuple[str, Cell]]) -> None:
        """Print names and values in a frame."""
        from rich.panel import Panel
        from rich.table import Table
        from rich.text import Text

        grid = Table.grid(padding=(0, 2))
        grid.add_column(style="dim")
        grid.add_column(overflow="fold")
        for name, value in rows:
            grid.add_row(Text(text.shown(name)), _styled(value))
        self._console.print(Panel(grid, title=Text(text.shown(title), "bold"), title_align="left", expand=False))

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[Cell]], *, empty: str = "nothing yet") -> None:
        """Print the rows as a table."""
        from rich.table import Table

        if not rows:
            self.line(empty, "dim")
            return
        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
        for name in columns:
            table.add_column(name, overflow="fold", no_wrap=name in NARROW)
        for row in rows:
            table.add_row(*(_styled(cell) for cell in row))
        self._console.print(table)

    def words(self, title: str, words: Sequence[str]) -> None:
        """Print the words large, in a frame, each with its number."""
        from rich.panel import Panel
        from rich.table import Table
        from rich.text import Text

        grid = Table.grid(padding=(1, 4, 0, 0))
        for row in _numbered(words):
            grid.add_row(*(Text.assemble((f"{number} ", "dim"), (word.upper(), "bold cyan")) for number, word in row))
        frame = Panel(
            grid, title=Text(text.shown(title), "bold"), title_align="left", expand=False, padding=(0, 3, 1, 3)
        )
        self._console.print(frame)

    def id(self, id_: str) -> str:
        """Return the beginning of the id, which is enough to type."""
        return text.short(id_)


def on_terminal(stream: TextIO) -> bool:
    """Say whether a person reads `stream` on a terminal that can do more than plain text."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def console(stream: TextIO) -> Console:
    """Return a console that shows texts as they are."""
    from rich.console import Console

    return Console(file=stream, highlight=False, markup=False, emoji=False)


def for_stdout() -> Screen:
    """Return the screen that fits standard output."""
    return RichScreen(console(sys.stdout)) if on_terminal(sys.stdout) else PlainScreen(sys.stdout)


def marking(word: str) -> Cell:
    """Return a marking in its colours, or a dash where there is none."""
    return (word, MARKINGS.get(word, "")) if word else "-"


def good(ok: bool, yes: str = "yes", no: str = "no") -> Cell:
    """Return a word in green or red."""
    return (yes, "green") if ok else (no, "bold red")


def _plain(cell: Cell) -> str:
    return text.shown(cell if isinstance(cell, str) else cell[0])


def _styled(cell: Cell) -> Text:
    from rich.text import Text

    return Text(_plain(cell), "" if isinstance(cell, str) else cell[1])


def _numbered(words: Sequence[str]) -> list[list[tuple[int, str]]]:
    """Return the words with their numbers, three to a row."""
    numbered = list(enumerate(map(text.shown, words), 1))
    return [numbered[start : start + 3] for start in range(0, len(numbered), 3)]
