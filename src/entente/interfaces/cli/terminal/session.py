"""How sessions, decisions and minutes look to people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from entente.interfaces.cli.terminal import names, text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from entente.interfaces.cli.terminal.screen import Cell, Screen
    from entente.node import Node
    from entente.node.work.session.values import DecisionInfo, MinutesText, SessionInfo, SessionView
    from entente.policy.agenda import AgendaPoint

STATES: Final = {
    "convened": "yellow",
    "open": "cyan",
    "minuted": "yellow",
    "signed": "green",
    "proposed": "yellow",
    "decided": "green",
    "rejected": "red",
    "refused": "red",
    "draft": "yellow",
}


def of(node: Node, found: SessionView) -> Callable[[Screen], None]:
    """Return what shows a session; names are looked up now."""
    known = names.of(node)
    people = {each.person: each.name for each in node.people.list()}

    def show(screen: Screen) -> None:
        rows: list[tuple[str, Cell]] = [
            ("session", found.session),
            ("state", _state(found.state)),
            ("at", found.at),
            ("convened by", known(found.by)),
            ("present", f"{found.quorum.present} of {found.quorum.needed} needed"),
            ("minutes signed by", ", ".join(known(each) for each in found.signed_by) or "-"),
        ]
        screen.facts(found.title or f"({found.title_state})", rows)
        there: list[tuple[Cell, ...]] = [
            (
                known(each.member),
                ("present", "green") if each.present else ("absent", "yellow"),
                each.time,
                people.get(each.head, each.head) or "-",
                people.get(each.deputy, each.deputy) or "-",
            )
            for each in found.attendance
        ]
        screen.table(("member", "state", "since", "head", "deputy"), there)
        agenda(screen, found.agenda)
        for each in found.decisions:
            decision(screen, each, known)

    return show


def rows(node: Node, found: Sequence[SessionInfo]) -> Callable[[Screen], None]:
    """Return what shows sessions as a list."""
    known = names.of(node)

    def show(screen: Screen) -> None:
        lines: list[tuple[Cell, ...]] = [
            (
                screen.id(one.session),
                _state(one.state),
                one.at,
                f"{one.quorum.present}/{one.quorum.needed}",
                str(one.decisions),
                known(one.by),
                one.title,
            )
            for one in found
        ]
        columns = ("id", "state", "at", "present", "decisions", "by", "title")
        screen.table(columns, lines, empty="There are no sessions.")

    return show


def agenda(screen: Screen, points: Sequence[AgendaPoint]) -> None:
    """Show an agenda with the reasons for its order."""
    lines: list[tuple[Cell, ...]] = [
        (str(at), each.kind, each.title, each.reason, screen.id(each.id)) for at, each in enumerate(points, 1)
    ]
    screen.table(("", "what", "title", "why here", "id"), lines, empty="The agenda is empty.")


def decision(screen: Screen, one: DecisionInfo, known: Callable[[str], str]) -> None:
    """Show a decision with its votes."""
    yes = sum(each.vote == "yes" for each in one.votes)
    facts = {"plan": one.plan, "owner": known(one.owner) if one.owner else "", "due": one.due}
    lines: list[tuple[str, Cell]] = [
        ("decision", one.id),
        ("state", _state(one.state)),
        ("approved by", f"{yes} of {one.needed} needed"),
        ("proposed by", known(one.by)),
        *((name, value) for name, value in facts.items() if value),
        *(("about", each) for each in one.about),
    ]
    screen.facts(text_line(one.text, one.text_state), lines)
    screen.prose(one.text)
    for each in one.votes:
        screen.line(f"{each.vote}: {known(each.member)} ({each.time})", "green" if each.vote == "yes" else "red")
        screen.prose(each.text)


def minutes(screen: Screen, found: MinutesText) -> None:
    """Show minutes with their state."""
    screen.prose(found.text)
    signed = text.count(len(found.signed_by), "signature")
    later = f"; {text.count(found.later, 'act')} came after them" if found.later else ""
    screen.line(f"{found.state}, {signed}{later}", STATES.get(found.state, ""))


def text_line(words: str, state: str) -> str:
    """Return the first line of a text, or why there is none."""
    return words.partition("\n")[0][:80] if state == "held" else f"({state})"


def _state(word: str) -> Cell:
    return (word, STATES.get(word, ""))
