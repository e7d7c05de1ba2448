"""What the Python API answers about items, their release and their recall: frozen values, as in `--json`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct, field


class Rejected(Struct, frozen=True):
    """A row that was not taken: file, position (from 1), id if it could be read, reason."""

    file: str
    position: int
    id: str
    reason: str


class Imported(Struct, frozen=True):
    """What an import did; `refused` counts by rule what the policy kept from the circle."""

    read: int
    stored: int
    new: int
    changed: int
    revoked: int
    unchanged: int
    rejected: list[Rejected]
    shared: int
    refused: dict[str, int]
    warnings: dict[str, int] = field(default_factory=dict[str, int])


class ItemInfo(Struct, frozen=True):
    """One line of a list: the shown version of an item."""

    id: str
    type: str
    name: str
    modified: str
    marking: str
    author: str
    circles: list[str]


class Page(Struct, frozen=True):
    """Items, and the cursor for the next page ("" at the end)."""

    items: list[ItemInfo]
    next: str


class EntryInfo(Struct, frozen=True):
    """Where an item stands in a log.

    `not_before` is "" unless the entry claims to be older than it can be: then since when it stands at the earliest.
    """

    circle: str
    origin: str
    index: int
    consent: ConsentInfo | None = None
    not_before: str = ""


class ConsentInfo(Struct, frozen=True):
    """The consent under which an entry was sent on: who gave it (member, person, time), who sent it on."""

    by: str
    sender: str
    time: str
    person: str
    ask: str
    ref: str


class Receipt(Struct, frozen=True):
    """How far an entry has come with a member: witnessed, stored, read or used, and since when."""

    member: str
    stage: str
    time: str


class CopyInfo(Struct, frozen=True):
    """One member's copy of an object: its newest version, and whether it is the one shown."""

    author: str
    modified: str
    revoked: bool
    state: str
    shown: bool
    conflict: bool


class ItemView(Struct, frozen=True):
    """One item: the object as it came, where it stands, who has it; `copies` when several members brought one.

    Of one that was recalled nothing is left but the state "withdrawn", why (`reason`) and since when (`time`).
    """

    object: Any  # Any: a STIX object is whatever its author wrote
    entries: list[EntryInfo]
    marking: str
    author: str
    state: str
    receipts: list[Receipt]
    copies: list[CopyInfo]
    reason: str = ""
    time: str = ""


class ReasonInfo(Struct, frozen=True):
    """One rule's word on a release: what it says, who can change it, what to do."""

    rule: str
    text: str
    allowed: bool
    who: str = ""
    fix: str = ""


class ReleaseDecision(Struct, frozen=True):
    """Whether an item may go to a circle, exactly whom it would reach, and why."""

    item: str
    allowed: bool
    members: list[str]
    reasons: list[ReasonInfo]
    count: int = 1


class Preview(Struct, frozen=True):
    """What a release would do; above 1,000 items decisions are grouped by reason with a count."""

    allowed: bool
    decisions: list[ReleaseDecision]


class SharedItems(Struct, frozen=True):
    """How many items were shared now; with `preview` set nothing was, and it says why."""

    shared: int
    preview: Preview | None = None


class Release(Struct, frozen=True):
    """One release of an item: to which circle and members, under which clause, by whom, when."""

    circle: str
    members: list[str]
    clause: str
    person: str
    time: str
    purpose: str


class AskInfo(Struct, frozen=True):
    """A member asked the originator of an item whether others may get it; `state` is proposed, in-force or refused."""

    ask: str
    item: str
    circle: str
    by: str
    name: str
    originator: str
    to: Sequence[dict[str, str]]
    state: str
    time: str
    person: str
