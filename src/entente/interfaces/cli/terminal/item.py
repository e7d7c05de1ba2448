"""How items look to a person: an import's result, lists, and one item with its copies and receipts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from entente.interfaces.cli.terminal import text
from entente.interfaces.cli.terminal.screen import Cell, Screen, good, marking

if TYPE_CHECKING:
    from entente.node.items.values import Imported, ItemView, Page, Receipt

MAX_ROWS: Final = 20
"""How many rejected rows are shown to a person; `--json` gives all."""

STAGES: Final = {"witnessed": "dim", "stored": "cyan", "read": "green", "used": "bold green"}


def imported(screen: Screen, done: Imported, *, circle: str) -> None:
    """Show what an import did, what it rejected, and what the policy kept from the circle."""
    counts = (("new", done.new), ("changed", done.changed), ("revoked", done.revoked), ("unchanged", done.unchanged))
    rows: list[tuple[str, Cell]] = [
        ("read", f"{done.read:,}"),
        (
            "stored",
            f"{done.stored:,} ({', '.join(f'{number:,} {name}' for name, number in counts if number) or 'none'})",
        ),
    ]
    if circle:
        rows.append(("shared", (f"{done.shared:,}", "green" if done.shared else "")))
    if done.rejected:
        rows.append(("rejected", (f"{len(done.rejected):,}", "yellow")))
    screen.facts("Imported", rows)
    if done.rejected:
        found = [(one.file, str(one.position), one.id or "-", one.reason) for one in done.rejected[:MAX_ROWS]]
        screen.table(("file", "row", "id", "why it was rejected"), found)
        if len(done.rejected) > MAX_ROWS:
            screen.line(f"and {len(done.rejected) - MAX_ROWS:,} more (--json lists them all)", "dim")
    for what, number in done.warnings.items():
        screen.line(f"{text.count(number, 'object')}: {what}", "dim")
    _refused(screen, done.refused)


def _refused(screen: Screen, refused: Mapping[str, int]) -> None:
    """Show which rules kept how many items back, who can change that, and how."""
    if not refused:
        return
    from entente.policy.reasons import RULES

    screen.line("These were not shared; the rest was:", "bold yellow")
    rows: list[tuple[Cell, ...]] = []
    for name, number in refused.items():
        rule = RULES.get(name)
        told = (rule.refuses, rule.who, rule.fix) if rule else ("", "", "")
        rows.append((f"{number:,}", (name, "bold"), *told))
    screen.table(("items", "rule", "why", "who can change it", "what to do"), rows)


def listed(screen: Screen, page: Page, known: Callable[[str], str]) -> None:
    """Show a page of items."""
    rows: list[tuple[Cell, ...]] = [
        (screen.id(one.id), one.name or "-", one.modified[:10] or "-", marking(one.marking), known(one.author))
        for one in page.items
    ]
    screen.table(("id", "name", "modified", "marking", "from"), rows, empty="No items.")


def shown(screen: Screen, view: ItemView, known: Callable[[str], str], circles: Mapping[str, str]) -> None:
    """Show one item: its object, its copies, its entries, who has it."""
    import msgspec

    if view.object is None:
        screen.line(f"Its author recalled it ({view.reason}); it was erased here on {view.time}.", "yellow")
        return
    facts: list[tuple[str, Cell]] = [
        ("marking", marking(view.marking)),
        ("from", known(view.author)),
        ("state", good(view.state == "held", view.state, view.state)),
        *(("entry", f"{one.index} in {circles.get(one.circle, one.circle)}") for one in view.entries),
        *(
            (
                "claimed time",
                (f"age not proven: entry {one.index} stands since {one.not_before} at the earliest", "yellow"),
            )
            for one in view.entries
            if one.not_before
        ),
    ]
    screen.facts("item", facts)
    screen.prose(msgspec.json.format(msgspec.json.encode(view.object), indent=2).decode())
    if len(view.copies) > 1:
        rows: list[tuple[Cell, ...]] = [
            (known(copy.author), copy.modified, copy.state, _remarks(copy.shown, copy.revoked, copy.conflict))
            for copy in view.copies
        ]
        screen.table(("copy of", "modified", "state", ""), rows)
    receipts(screen, view.receipts, known)


def receipts(screen: Screen, found: list[Receipt], known: Callable[[str], str]) -> None:
    """Show how far an item has come with each member."""
    rows: list[tuple[Cell, ...]] = [
        (known(one.member), (one.stage, STAGES.get(one.stage, "")), one.time) for one in found
    ]
    screen.table(("member", "receipt", "since"), rows, empty="No receipts yet.")


def _remarks(shown_: bool, revoked: bool, conflict: bool) -> str:
    marks = (("shown", shown_), ("revoked", revoked), ("differs at the same time", conflict))
    return ", ".join(text.shown(word) for word, there in marks if there)
