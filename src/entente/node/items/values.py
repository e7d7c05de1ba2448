"""What the Python API answers about items, their release and their recall: frozen values, as in `--json`.

Items are STIX ids; members, persons, circles and acts ids in base32. Times are RFC 3339 in UTC ("" for none). A marking
is such as TLP:GREEN, "" for none.
"""

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
    """What an import did, in numbers of objects.

    `read` is what the files hold, `stored` what is new here: `new` objects and `changed` ones, of which `revoked` say
    that they no longer hold. `unchanged` were here before. `shared` went to the circle; `refused` counts by rule what
    the policy kept from it, `warnings` by text what is odd about the objects.
    """

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
    """One line of a list: the shown version of an item, who brought it (`author`), the circles where it stands."""

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
    """Where an item stands: the circle, the origin of the log in it, the index in the log (from 0).

    `consent` says under whose consent it was sent on, None if by its originator. `not_before` is "" unless the entry
    claims to be older than it can be: then since when it stands at the earliest.
    """

    circle: str
    origin: str
    index: int
    consent: ConsentInfo | None = None
    not_before: str = ""


class ConsentInfo(Struct, frozen=True):
    """The consent under which an entry was sent on: who gave it (member `by`, `person`, `time`), who sent it on.

    `ask` is the id of what was asked, `ref` the reference of the act that shows the consent.
    """

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
    """One member's copy of an object: its newest version, and whether it is the one shown.

    `state` is held or denied; `conflict` says that copies of the same age differ, or that several members claim the id.
    """

    author: str
    modified: str
    revoked: bool
    state: str
    shown: bool
    conflict: bool


class ItemView(Struct, frozen=True):
    """One item: the object as it came, where it stands, who has it; `copies` when several members brought one.

    `author` is the member that brought it, `state` held, denied or withdrawn.

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
    """Whether an item may go to a circle, exactly which members it would reach, and why.

    With a `count` above 1 it stands for that many items that are decided for the same reasons.
    """

    item: str
    allowed: bool
    members: list[str]
    reasons: list[ReasonInfo]
    count: int = 1


class Preview(Struct, frozen=True):
    """What a release would do; above 1,000 items decisions are grouped by reason with a count."""

    allowed: bool
    decisions: list[ReleaseDecision]


class SharedItems(Struct, frozen=True, omit_defaults=True):
    """How many items were shared now; with `preview` set nothing was, and it says why."""

    shared: int
    preview: Preview | None = None


class Release(Struct, frozen=True):
    """One release of an item: to which circle and members, under which clause, by which person, when, for what."""

    circle: str
    members: list[str]
    clause: str
    person: str
    time: str
    purpose: str


class AskedFor(Struct, frozen=True):
    """A member, by id and name, that is to get an item by its originator's consent."""

    member: str
    name: str


class AskInfo(Struct, frozen=True):
    """A member (`by`, `name`, its `person`) asked the originator of an item whether others (`to`) may get it.

    `ask` is the id of what was asked, `circle` the circle in which it was asked ("" if it is not known here). `state`
    is proposed, in-force (it may) or refused.
    """

    ask: str
    item: str
    circle: str
    by: str
    name: str
    originator: str
    to: Sequence[AskedFor]
    state: str
    time: str
    person: str


class Redacted(Struct, frozen=True):
    """A new item that was made of another one without some of its parts: its STIX id."""

    item: str


class Acknowledged(Struct, frozen=True):
    """Items that we said to have read or used: how many entries that names, and the stage."""

    acknowledged: int
    stage: str


class Received(Struct, frozen=True):
    """How the items of one member's log in one circle changed what is held here, in numbers of objects."""

    member: str
    circle: str
    changed: int
    new: int
    revoked: int
    unchanged: int


class LeftOut(Struct, frozen=True):
    """An object that a strict check refuses: its STIX id, and what is wrong with it."""

    id: str
    problems: list[str]


class ItemsWritten(Struct, frozen=True):
    """A STIX bundle that was written: the file's name, its size in bytes, how many objects are in it, what is not."""

    out: str
    bytes: int
    objects: int
    left_out: list[LeftOut]


class ProofsWritten(Struct, frozen=True):
    """Proof files that were written: their names; each verifies on its own."""

    files: list[str]
