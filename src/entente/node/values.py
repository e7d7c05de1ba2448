"""What the Python API answers: frozen values whose fields are those of the command line's `--json` documents.

Ids are base32 texts, times RFC 3339 in UTC, markings `TLP:AMBER+STRICT`.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field


class Founded(Struct, frozen=True):
    """A new home: the member's id, name and six words, where the recovery file is, the operator's person id."""

    member: str
    name: str
    words: list[str]
    recovery: str
    person: str


class Invitation(Struct, frozen=True):
    """What to tell the partner: where to call, the code, until when it is good."""

    url: str
    code: str
    expires: str


class Met(Struct, frozen=True):
    """A partner as it showed itself; `words` are the partner's own."""

    partner: str
    name: str
    words: list[str]
    state: str


class Confirmed(Struct, frozen=True):
    """How far a pairing has come: "waiting" for the other side, or "paired"."""

    partner: str
    state: str


class Partner(Struct, frozen=True):
    """One partner: `state` is met, waiting, paired, dead."""

    id: str
    name: str
    url: str
    state: str
    words: list[str]


class Proposed(Struct, frozen=True):
    """An agreement that was proposed, with its founding circle."""

    agreement: str
    circle: str
    state: str


class Signed(Struct, frozen=True):
    """An agreement (or circle) after our answer: "waiting" or "in-force"; "refused" when it was refused."""

    agreement: str
    state: str


class CircleInfo(Struct, frozen=True):
    """One circle; `state` is proposed, in-force or refused."""

    id: str
    name: str
    agreement: str
    members: list[str]
    ceiling: str
    state: str
    epoch: int


class AgreementInfo(Struct, frozen=True):
    """One agreement with its circles; `terms` and `approvals` are filled when one is asked for."""

    id: str
    name: str
    state: str
    members: list[str]
    circles: list[CircleInfo]
    approvals: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    terms: dict[str, Any] | None = None  # Any: the terms are whatever the founding text says


class Opened(Struct, frozen=True):
    """A circle that was opened."""

    circle: str
    state: str


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
    """Where an item stands in a log."""

    circle: str
    origin: str
    index: int


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
    """One item: the object as it came, where it stands, who has it; `copies` when several members brought one."""

    object: Any  # Any: a STIX object is whatever its author wrote
    entries: list[EntryInfo]
    marking: str
    author: str
    state: str
    receipts: list[Receipt]
    copies: list[CopyInfo]


class ReasonInfo(Struct, frozen=True):
    """One rule's word on a release: what it says, who can change it, what to do."""

    rule: str
    text: str
    allowed: bool
    who: str = ""
    fix: str = ""


class DecisionInfo(Struct, frozen=True):
    """Whether an item may go to a circle, exactly whom it would reach, and why."""

    item: str
    allowed: bool
    members: list[str]
    reasons: list[ReasonInfo]
    count: int = 1


class Preview(Struct, frozen=True):
    """What a release would do; above 1,000 items decisions are grouped by reason with a count."""

    allowed: bool
    decisions: list[DecisionInfo]


class Sent(Struct, frozen=True):
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


class Flow(Struct, frozen=True):
    """What went in one direction."""

    entries: int
    bytes: int


class Synced(Struct, frozen=True):
    """One partner's round: what was sent and received, what went wrong, what the partner would not take."""

    id: str
    sent: Flow
    received: Flow
    error: str
    refusals: list[dict[str, str]] = field(default_factory=list[dict[str, str]])


class LogReport(Struct, frozen=True):
    """One verified log; `problems` names each entry, payload or head that does not hold."""

    origin: str
    size: int
    root: str
    witnessed_by: list[str]
    problems: list[str]
    member: str
    circle: str


class LedgerReport(Struct, frozen=True):
    """The verification of everything in the home."""

    ok: bool
    logs: list[LogReport]
    problems: list[str]


class EvidenceInfo(Struct, frozen=True):
    """Evidence against a member: two heads of one log that cannot both be true."""

    id: str
    kind: str
    origin: str
    member: str
    sizes: list[int]


class Check(Struct, frozen=True):
    """One finding of `doctor` with what to do about it."""

    name: str
    ok: bool
    text: str
    fix: str


class Health(Struct, frozen=True):
    """All findings of `doctor`."""

    ok: bool
    checks: list[Check]


class PersonInfo(Struct, frozen=True):
    """A person of this member; the name stays at home."""

    person: str
    name: str
    roles: list[str]


class ProfileInfo(Struct, frozen=True):
    """What this member says of itself in its circles."""

    name: str
    identity: str
    identities: list[str]
    brings: list[str]
    seeks: list[str]
