"""What a kind of entry is: the shape that every file in `kinds/` fills (docs/protocol/3-kinds.md)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, Final, Protocol, TypeVar, runtime_checkable

from msgspec import Struct

from entente.core.ids import Member, b32

S = TypeVar("S")


class Verdict(Enum):
    """What a judge says: take it, never take it, or ask again when what it depends on has arrived."""

    ALLOW = "allow"
    DENY = "deny"
    UNKNOWN = "unknown"


class Judgement(Struct, frozen=True):
    """A verdict with its reason (DENY) or the reference that is still missing (UNKNOWN)."""

    verdict: Verdict
    detail: str = ""


ALLOW = Judgement(Verdict.ALLOW)


def deny(reason: str) -> Judgement:
    """Return the judgement DENY for this reason, a word."""
    return Judgement(Verdict.DENY, reason)


def verdict(reason: str) -> Judgement:
    """Return DENY for a reason, ALLOW for none ("")."""
    return deny(reason) if reason else ALLOW


def unknown(missing: str) -> Judgement:
    """Return the judgement UNKNOWN until the entry `missing` (a reference) has arrived."""
    return Judgement(Verdict.UNKNOWN, missing)


class Place(Struct, frozen=True, gc=False):
    """Where an entry stands: origin hash, index, leaf hash."""

    log: bytes
    index: int
    leaf: bytes

    @property
    def ref(self) -> str:
        """The reference of this entry (docs/protocol/1-values.md)."""
        return f"{b32(self.log)}/{self.index}/{b32(self.leaf)}"


class Act(Struct, frozen=True):
    """One act as a fold sees it: where it stands, who wrote it in which circle, what it says."""

    place: Place
    author: Member
    circle: bytes
    kind: str
    time: int
    body: Mapping[str, object]


class Asks(Struct, frozen=True):
    """What an act asks for (docs/protocol/7-changes.md, "Coming into force").

    `thing` is the act's leaf hash. Of things with the same `rivals` (not empty) a member's first approval counts.
    Those in `must` have to be among the approvers. With a `deadline` (ms) the outcome that `proposer` writes decides.
    """

    thing: bytes
    circle: bytes
    voters: frozenset[Member]
    needed: int
    rivals: bytes = b""
    must: frozenset[Member] = frozenset()
    deadline: int = 0
    proposer: bytes = b""


class Given(Struct, frozen=True):
    """A member's answer to a thing: whether it approves, and the reference of its act."""

    approves: bool
    ref: str


class Sort(Enum):
    """What becomes of the entries of a kind."""

    FOLDED = "folded"
    """Acts that a view is folded from."""
    FILED = "filed"
    """Acts about single entries, kept by entry."""
    CONTENT = "content"
    """What can be erased; no judge of an act reads it."""


EVERY: Final = "*"
"""In place of a family: every family of joint work."""


class Traits(Struct, frozen=True):
    """What is known of a kind before any of its entries is read.

    `early`: its log admits it before the circle is in force. `family` is the word by which the terms of an agreement
    admit it: the kind that heads its family (its own name if that is itself), EVERY, or "" where the terms have no say.
    `consent` is the word of the term `consent` that rules it, "" for none.
    """

    sort: Sort = Sort.FOLDED
    early: bool = False
    family: str = ""
    consent: str = ""


class Membership(Protocol):
    """Which rooms there are, and who is in them."""

    def members(self, circle: bytes) -> frozenset[Member]:
        """Return the members of this room; empty for one that is not known."""
        ...

    def newcomers(self, circle: bytes) -> frozenset[Member]:
        """Return the members that came with this room's revision."""
        ...

    def agreement(self, circle: bytes) -> bytes:
        """Return the agreement of this room."""
        ...

    def founding(self, circle: bytes) -> bool:
        """Say whether it is of its agreement's founding circle."""
        ...

    def public(self, circle: bytes) -> bytes:
        """Return the id of the circle that this room belongs to."""
        ...


class Revisions(Protocol):
    """What the agreement says in a room."""

    def revision(self, circle: bytes) -> bytes:
        """Return the revision of the agreement that this room lives under."""
        ...

    def epoch(self, circle: bytes) -> int:
        """Return the epoch of this room."""
        ...

    def terms(self, circle: bytes) -> Mapping[str, object]:
        """Return the terms of this room, every one written out."""
        ...

    def needed(self, circle: bytes, voters: int) -> int:
        """Return how many of so many voters bind all under the terms of this room."""
        ...


class References(Protocol):
    """What references lead to."""

    def known(self, ref: str) -> bool:
        """Say whether the entry with this reference stands in the room, is held, and was judged (or is no act)."""
        ...

    def act(self, ref: str) -> Act | None:
        """Return the allowed act with this reference."""
        ...


class Things(Protocol):
    """What was asked for, and what was answered."""

    def thing(self, of: bytes) -> Asks | None:
        """Return what the allowed act with this leaf hash asks for."""
        ...

    def answers(self, of: bytes) -> Mapping[Member, Given]:
        """Return each member's answer to a thing."""
        ...

    def decided(self, of: bytes) -> tuple[bool, str] | None:
        """Return whether the outcome of a thing with a deadline is that it is in force, and the outcome's reference."""
        ...


class Context(Membership, Revisions, References, Things, Protocol):
    """What a judge may ask beside the state of its own kind: of rooms, terms, other acts and what they ask for."""


class Described(Protocol):
    """What every kind says of itself; all that is said of content here."""

    @property
    def name(self) -> str:
        """Its name with its version, such as `approval/1`."""
        ...

    @property
    def traits(self) -> Traits:
        """What is known of it before any of its entries is read."""
        ...


class Content(Struct, frozen=True):
    """A kind of content; its file says how a payload reads."""

    name: str
    family: str

    @property
    def traits(self) -> Traits:
        """What is known of it before any of its entries is read."""
        return Traits(Sort.CONTENT, family=self.family)


class Kind(Described, Protocol[S]):
    """One kind of folded act: the shape of its body, who may say it when, what it changes."""

    def check(self, body: Mapping[str, object]) -> None:
        """Raise InvalidError unless the body is well formed."""
        ...

    def start(self) -> S:
        """Return the state before the first entry."""
        ...

    def judge(self, state: S, act: Act, context: Context) -> Judgement:
        """Say whether this act counts; read neither clock nor content."""
        ...

    def apply(self, state: S, act: Act) -> None:
        """Change the state in place by an allowed act."""
        ...


@runtime_checkable
class Apart(Protocol):
    """A kind whose acts wait for no others of their log, but those of the same kind.

    Its judge looks at its own state, its circle and what the act names; no other judge looks at its state.
    """

    @property
    def apart(self) -> bool:
        """Say whether that is so."""
        ...


@runtime_checkable
class Asking(Protocol):
    """A kind whose acts ask for approvals."""

    def asks(self, act: Act, context: Context) -> Asks | None:
        """Return what an allowed act asks for, None if nothing."""
        ...


@runtime_checkable
class Answering(Protocol):
    """The kind whose acts answer what others ask for."""

    @property
    def name(self) -> str:
        """Its name with its version."""
        ...

    def answers(self, state: Any, of: bytes) -> Mapping[Member, Given]:  # noqa: ANN401 - its own state
        """Return each member's answer to a thing."""
        ...


@runtime_checkable
class Contrary(Protocol):
    """A kind in which an author can say both of two things in two histories of its log."""

    def weigh(self, body: Mapping[str, object]) -> tuple[str, int]:
        """Return what an act is about, and its weight: of the author's acts about that, the heaviest count."""
        ...


@runtime_checkable
class Deciding(Protocol):
    """The kind whose acts decide about things with a deadline."""

    @property
    def name(self) -> str:
        """Its name with its version."""
        ...

    def decided(self, state: Any, of: bytes) -> tuple[bool, str] | None:  # noqa: ANN401 - its own state
        """Return whether the thing is in force, and the reference of the act that says so; None while undecided."""
        ...
