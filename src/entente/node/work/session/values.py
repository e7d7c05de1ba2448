"""What is answered about joint sessions; sessions, acts, members, persons and circles are ids in base32.

Times are RFC 3339 in UTC ("" for none). `text_state` and `title_state` say whether the words are here: held, awaited,
erased or missing.
"""

from __future__ import annotations

from msgspec import Struct

from entente.policy.agenda import AgendaPoint


class Quorum(Struct, frozen=True):
    """How many members have to be present, and how many are."""

    needed: int
    present: int


class Presence(Struct, frozen=True):
    """A member at a session: whether and since when it is present, and who speaks for it; "" where that is not said."""

    member: str
    name: str
    present: bool
    person: str
    time: str
    head: str
    deputy: str


class SessionVote(Struct, frozen=True):
    """A member's one vote: "yes" or "no", which person gave it, when, and the words to it."""

    member: str
    name: str
    person: str
    time: str
    vote: str
    text: str


class DecisionInfo(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A decision: proposed (nobody voted), open, decided or rejected; votes by member, those against in `dissent`.

    `decision` is its id once more, in the answer to who proposed it or voted. `needed` is how many must approve, `by`
    and `name` who proposed it, `plan` the plan that it is about, `owner` the member that sees to it until `due`, and
    `about` references of further entries.
    """

    decision: str = ""
    id: str
    session: str
    text: str
    text_state: str
    state: str
    needed: int
    by: str
    name: str
    time: str
    plan: str
    owner: str
    due: str
    about: list[str]
    votes: list[SessionVote]
    dissent: list[SessionVote]


class PointInfo(Struct, frozen=True):
    """A member's own point for the agenda; its `priority` goes from 1 (first) to 5."""

    id: str
    text: str
    text_state: str
    priority: int
    by: str
    name: str


class MinutesInfo(Struct, frozen=True):
    """Minutes that were proposed: by whom and when, their state (proposed, signed or refused), who has signed.

    `needed` is how many have to sign.
    """

    id: str
    by: str
    time: str
    state: str
    needed: int
    signed_by: list[str]


class SessionInfo(Struct, frozen=True):
    """A session in one line: what it is about, when it begins (`at`), who convened it, how many decisions it has."""

    session: str
    circle: str
    title: str
    at: str
    by: str
    state: str
    quorum: Quorum
    decisions: int


class SessionRecord(Struct, frozen=True):
    """What the acts of a room say about a session, or that part of them which `basis` (entries by member) names."""

    session: str
    circle: str
    title: str
    title_state: str
    at: str
    by: str
    name: str
    quorum: Quorum
    attendance: list[Presence]
    points: list[PointInfo]
    decisions: list[DecisionInfo]
    open: list[AgendaPoint]
    basis: dict[str, int]
    waiting: bool


class SessionView(Struct, frozen=True):
    """A session: convened, open (enough are present), minuted or signed.

    `at` is when it begins, `by` and `name` who convened it, `signed_by` the members that have signed the minutes that
    count. `ended` says that its room has ended, so that nothing is added any more.
    """

    session: str
    circle: str
    title: str
    title_state: str
    at: str
    by: str
    name: str
    state: str
    quorum: Quorum
    attendance: list[Presence]
    agenda: list[AgendaPoint]
    decisions: list[DecisionInfo]
    dissent: list[SessionVote]
    minutes: list[MinutesInfo]
    signed_by: list[str]
    ended: bool


class MinutesText(Struct, frozen=True, omit_defaults=True):
    """The minutes as text: a draft, proposed, or signed by all; `later` counts acts that came after them.

    `minutes` is the id of those that were proposed, "" of a draft. Where they were written into a file, `out` is its
    name and `bytes` its size.
    """

    session: str
    minutes: str
    text: str
    state: str
    signed_by: list[str]
    later: int
    out: str = ""
    bytes: int = 0
