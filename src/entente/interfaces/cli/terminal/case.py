"""How a case is shown to people: its facts, the timeline, tasks, links, notes, and what members set differently."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from entente.core.errors import NotFoundError
from entente.interfaces.cli.terminal.screen import Cell, Screen

if TYPE_CHECKING:
    from entente.node import Node
    from entente.node.work.case.values import By, CaseInfo, CaseRow

Known = Callable[[str], str]

STATES: Final = {"open": "yellow", "doing": "cyan", "done": "green", "dropped": "dim", "closed": "green"}


def item_name(node: Node, id_: str) -> str:
    """Return what a linked item is called here, "" if it is not held or has no name."""
    try:
        found = node.items.show(id_).object
    except NotFoundError:
        return ""
    return str(found.get("name", "")) if found else ""


def table(screen: Screen, found: Sequence[CaseRow], known: Known) -> None:
    """Show cases in a table."""
    rows: list[tuple[Cell, ...]] = [
        (
            screen.id(one.id),
            _said(one.title, one.title_state),
            _state(one.state),
            known(one.owner) if one.owner else "-",
            one.due or "-",
            f"{one.tasks_open} of {one.tasks}",
            "ended" if one.ended else f"{one.conflicts} set twice" if one.conflicts else "",
        )
        for one in found
    ]
    screen.table(("id", "title", "state", "owner", "due", "open tasks", ""), rows, empty="There is no case yet.")


def facts(screen: Screen, one: CaseInfo, known: Known) -> None:
    """Show what a case says of itself."""
    rows: list[tuple[str, Cell]] = [
        ("case", one.id),
        ("state", _state(one.state)),
        ("owner", known(one.owner) if one.owner else "-"),
        ("due", one.due or "-"),
        ("opened", _by(one.by, known)),
    ]
    if one.ended:
        rows.append(("ended", "The agreement has changed since; open it anew to go on."))
    screen.facts(_said(one.title, one.title_state), rows)


def whole(screen: Screen, one: CaseInfo, known: Known, items: dict[str, str]) -> None:
    """Show all of a case; `items` are the names of linked items."""
    facts(screen, one, known)
    timeline = [(each.at, _said(each.text, each.text_state), known(each.by.member)) for each in one.timeline]
    _part(screen, "Timeline", ("when", "what", "told by"), timeline)
    tasks: list[tuple[Cell, ...]] = [
        (
            screen.id(each.id),
            _said(each.text, each.text_state),
            _state(each.state),
            known(each.owner) if each.owner else "-",
            each.due or "-",
        )
        for each in one.tasks
    ]
    _part(screen, "Tasks", ("id", "task", "state", "owner", "due"), tasks)
    links = [
        (each.item, items.get(each.item) or "-", _said(each.text, each.text_state), known(each.by.member))
        for each in one.links
    ]
    _part(screen, "Items", ("item", "name", "why", "linked by"), links)
    _notes(screen, one, known)
    for values in one.conflicts:
        first, *others = [f"{each.value or '-'} ({known(each.by.member)})" for each in values]
        task = f" of task {screen.id(values[0].task)}" if values[0].task else ""
        screen.line(
            f"{values[0].field}{task} has several values, set at the same time: {first}; also {', '.join(others)}.",
            "yellow",
        )
        screen.line("Set it again to choose one.", "dim")


def _notes(screen: Screen, one: CaseInfo, known: Known) -> None:
    if one.notes:
        screen.line()
        screen.line("Notes", "bold")
    for each in one.notes:
        screen.line(f"{known(each.by.member)} ({each.by.time}):")
        screen.prose(each.text if each.text_state == "held" else f"({each.text_state})")


def _part(screen: Screen, title: str, columns: Sequence[str], rows: Sequence[tuple[Cell, ...]]) -> None:
    if rows:
        screen.line()
        screen.line(title, "bold")
        screen.table(columns, rows)


def _state(word: str) -> Cell:
    return (word, STATES.get(word, ""))


def _said(words: str, state: str) -> str:
    """Return the words in one line, or why there are none."""
    return " ".join(words.splitlines()) if state == "held" else f"({state})"


def _by(by: By, known: Known) -> str:
    return f"{by.time} by {known(by.member)}"
