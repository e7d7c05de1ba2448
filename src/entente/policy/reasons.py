"""What the rules of a release say to people: what happened, which rule, who can change it, what to do.

The rules and their order are those of `docs/protocol/6-release.md`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from entente.core.marking import PERSONAL

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

SHOWN: Final = 3
"""Ids that a text lists before it says how many more there are."""


class Rule(msgspec.Struct, frozen=True):
    """A rule in general words: what it refuses, who can change that, and how."""

    refuses: str
    who: str
    fix: str


class Reason(msgspec.Struct, frozen=True):
    """What one rule says about one item; `who` and `fix` are empty where nothing has to change."""

    rule: str
    allowed: bool
    text: str
    who: str = ""
    fix: str = ""


RULES: Final[dict[str, Rule]] = {
    "agreement": Rule(
        "The agreement is not in force, or this member is not in it.",
        "the members of the agreement",
        "Ask the members that have not answered to sign it.",
    ),
    "circle": Rule(
        "The circle is not in force, or its members are not what a circle needs.",
        "the members of the circle",
        "Ask the members that have not answered to sign it, or open another circle.",
    ),
    "no-marking": Rule(
        "Neither the object nor its import names a TLP marking.",
        "who imports it",
        "Import it again with --tlp.",
    ),
    "red": Rule(
        f"{PERSONAL}, and no circle can name its readers yet.",
        "the author of the item",
        "Ask the author for a version with another marking.",
    ),
    "ceiling": Rule(
        "The marking is above the highest TLP that the circle accepts (its ceiling).",
        "the author of the item",
        "Use a circle that accepts this marking, or ask the author for another marking.",
    ),
    "kind": Rule(
        "The agreement does not let items be sent.",
        "the members of the agreement",
        "Amend the term `kinds` of the agreement, or use another agreement.",
    ),
    "purpose": Rule(
        "The agreement does not name this purpose.",
        "who shares it",
        "Give one of the agreement's purposes, or amend the agreement.",
    ),
    "size": Rule(
        "The object is larger than the agreement allows.",
        "who shares it",
        "Share a smaller object, or amend the agreement's limits.",
    ),
    "no-source": Rule(
        "The item is a warning that names neither a source nor a basis.",
        "the author of the warning",
        "Add a source with its grade, or a basis in words, and publish it again.",
    ),
    "onward": Rule(
        "Another member sent this item; it is the originator (third-party rule).",
        "the member that sent it",
        "Ask that member to share it with this circle itself.",
    ),
    "owner": Rule(
        "The object belongs to another member of the circle.",
        "the member that owns it",
        "Leave it to its owner, or make an object of your own.",
    ),
    "four-eyes": Rule(
        "Another person than the one who brought the item must release it.",
        "another person of this member",
        "Let another person share it (--as).",
    ),
    "reference": Rule(
        "The item names an object that this member holds and the circle does not have.",
        "who shares it",
        "Send that object along, hold the item back, or make a copy without the name (share redact).",
    ),
    "withdrawn": Rule(
        "The item was withdrawn, or its author may not change it.",
        "the author of the item",
        "Share the present version.",
    ),
}
"""Every rule that can refuse an item, in the order in which they are told."""


def refuse(rule: str, text: str, *, fix: str = "") -> Reason:
    """Return the reason of a refusal, with the rule's own way out unless `fix` says a better one."""
    general = RULES[rule]
    return Reason(rule, allowed=False, text=text, who=general.who, fix=fix or general.fix)


def allow(rule: str, text: str) -> Reason:
    """Return a reason that holds nothing back."""
    return Reason(rule, allowed=True, text=text)


def some(found: Sequence[str]) -> str:
    """List the first few ids and count the others."""
    more = len(found) - SHOWN
    return ", ".join(found[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def missing(found: tuple[str, ...], brought: Collection[str]) -> Reason:
    """Return the refusal of an item whose references would dangle, some of them to items of the same batch."""
    left = [id_ for id_ in found if id_ not in brought]
    refused = [id_ for id_ in found if id_ in brought]
    texts: list[str] = []
    if left:
        texts.append(
            f"It names objects that this member holds, the circle does not, and you do not send along: {some(left)}."
        )
    if refused:
        texts.append(f"It names objects that you send along and a rule refuses: {some(refused)}.")
    return refuse("reference", " ".join(texts))
