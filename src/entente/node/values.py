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


class SuccessionInfo(Struct, frozen=True):
    """New keys of a member that lost its old ones: pending, proposed, waiting, in-force or refused.

    `words` are six words of the new keys: the member reads them out, and they are compared before anybody approves.
    """

    member: str
    name: str
    keys: int
    record: str
    words: list[str]
    url: str
    state: str
    needed: int
    approvals: list[dict[str, str]]


class Inherited(Struct, frozen=True):
    """A new home of a member: `words` are the member's, `keys_words` those of its new keys; `card` goes to partners."""

    member: str
    name: str
    words: list[str]
    keys_words: list[str]
    keys: int
    recovery: str
    person: str
    card: bytes


class Renewed(Struct, frozen=True):
    """Own keys after a change: how many entries the key history has, where the new recovery file is ("" for none)."""

    member: str
    keys: int
    recovery: str
    url: str
    words: list[str]


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
    epoch: int = 1


class LedgerReport(Struct, frozen=True):
    """The verification of everything in the home."""

    ok: bool
    logs: list[LogReport]
    problems: list[str]


class EvidenceInfo(Struct, frozen=True):
    """Evidence: two signed statements about one log that cannot both be true.

    Of a "fork" `member` made both. Of a "split-view" `member`, whose log it is, made one and `other` the other: one of
    the two is wrong. `strays` counts the acts of a forked log that only others had been told, and that count here too.
    """

    id: str
    kind: str
    origin: str
    member: str
    sizes: list[int]
    other: str = ""
    strays: int = 0


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


class Backed(Struct, frozen=True):
    """A backup that was written: the file, its bytes, the entries of all logs in it, and how its keys are kept."""

    file: str
    bytes: int
    entries: int
    keys: str


class Restored(Struct, frozen=True):
    """A home that was brought back: whose, where, how many entries it has, when the backup was made."""

    home: str
    member: str
    name: str
    entries: int
    time: str


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


class BundleMade(Struct, frozen=True):
    """A bundle that was written: for whom, where, how large, with how many entries."""

    partner: str
    file: str
    bytes: int
    entries: int


class BundleTaken(Struct, frozen=True):
    """A bundle that was taken: whose, what was new in it, and what was not taken by us or, before, by the partner."""

    partner: str
    received: Flow
    refused: list[dict[str, str]]
