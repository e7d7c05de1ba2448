"""Two circles and the acts in them, without nodes or stores."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from entente.core.ids import Agreement, Circle, Member, b32, identity_id
from entente.core.kind import Act, Place
from entente.core.marking import Tlp
from entente.kinds import FOLDED
from entente.ledger.view import View, fold
from entente.policy.agreement import FoundingText, Terms
from entente.policy.approval import quorum
from entente.policy.circle import CircleText

ANNA, BORA, CARL = (Member(sha256(name).digest()) for name in (b"anna", b"bora", b"carl"))
ALL = (ANNA, BORA, CARL)
PERSON = b32(b"p" * 16)


@dataclass
class Circles:
    """An agreement of three and an inner circle of two; acts are written to their members' logs one after the other."""

    members: tuple[Member, ...] = ALL
    acts: list[Act] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.text = FoundingText.make("Agreement", self.members, Terms(), nonce=b"n" * 32, secret=b"s" * 32)
        self.inner_text = CircleText.make("Inner", self.members[:2], b"i" * 32, Tlp.AMBER)
        self.agreement_id: Agreement = self.text.id
        self.outer: Circle = self.text.circle.id(self.text.id)
        self.inner: Circle = self.inner_text.id(self.text.id)
        self._sizes: dict[bytes, int] = {}

    # What acts are judged in.

    def members_of(self, circle: bytes) -> frozenset[Member]:
        return frozenset({self.outer: self.members, self.inner: self.members[:2]}.get(Circle(circle), ()))

    def agreement(self, circle: bytes) -> bytes:
        assert circle in (self.outer, self.inner)
        return self.agreement_id

    def founding(self, circle: bytes) -> bool:
        return circle == self.outer

    def revision(self, circle: bytes) -> bytes:
        return self.agreement(circle)

    def epoch(self, circle: bytes) -> int:
        assert circle in (self.outer, self.inner)
        return 1

    def public(self, circle: bytes) -> bytes:
        return circle

    def newcomers(self, circle: bytes) -> frozenset[Member]:
        assert circle in (self.outer, self.inner)
        return frozenset()

    def logs(self, circle: bytes) -> frozenset[str]:
        return frozenset(b32(sha256(member + circle).digest()) for member in self.members_of(circle))

    def terms(self, circle: bytes) -> dict[str, object]:
        assert circle in (self.outer, self.inner)
        return self.text.terms.to_dict()

    def needed(self, circle: bytes, voters: int) -> int:
        assert circle in (self.outer, self.inner)
        return quorum(voters)

    # What members write.

    def write(self, author: Member, circle: bytes, kind: str, body: dict[str, object], index: int | None = None) -> Act:
        log = sha256(author + circle).digest()
        at = self._sizes.get(log, 0) if index is None else index
        self._sizes[log] = at + 1
        leaf = sha256(log + at.to_bytes(8, "big") + repr(body).encode()).digest()
        act = Act(Place(log, at, leaf), author, circle, kind, 1000 + len(self.acts), body)
        self.acts.append(act)
        return act

    def propose(self, author: Member = ANNA) -> Act:
        body: dict[str, object] = {"agreement": b32(self.agreement_id), "text": self.text.to_dict()}
        return self.write(author, self.outer, "agreement/1", body)

    def open(self, author: Member = ANNA) -> Act:
        body: dict[str, object] = {
            "agreement": b32(self.agreement_id),
            "circle": b32(self.inner),
            "text": self.inner_text.to_dict(),
        }
        return self.write(author, self.inner, "membership/1", body)

    def answer(self, author: Member, answer: str = "approve", *after: str, circle: bytes = b"", **more: object) -> Act:
        circle = circle or self.outer
        of = self.agreement_id if circle == self.outer else circle
        body: dict[str, object] = {
            "of": b32(of),
            "revision": b32(self.agreement_id),
            "answer": answer,
            "person": PERSON,
            "after": list(after),
        }
        return self.write(author, circle, "approval/1", body | more)

    def profile(self, author: Member, *identities: str, circle: bytes = b"", **more: object) -> Act:
        body: dict[str, object] = {
            "name": "A member",
            "identity": identity_id(author),
            "identities": list(identities),
            "brings": [],
            "seeks": [],
        }
        return self.write(author, circle or self.outer, "profile/1", body | more)

    def person(self, author: Member, *roles: str, circle: bytes = b"") -> Act:
        return self.write(author, circle or self.outer, "person/1", {"person": PERSON, "roles": list(roles)})

    def view(self, acts: list[Act] | None = None) -> View:
        return fold(FOLDED, self.acts if acts is None else acts, Seen(self))


def to_come(author: Member = ANNA, index: int = 99) -> str:
    """Return a reference to an entry of the outer circle that has not arrived."""
    log = sha256(author + Circles().outer).digest()
    return f"{b32(log)}/{index}/{b32(b'y' * 32)}"


class Seen:
    """The circles under the names that a fold knows."""

    def __init__(self, of: Circles) -> None:
        self.members = of.members_of
        self.agreement = of.agreement
        self.founding = of.founding
        self.revision = of.revision
        self.epoch = of.epoch
        self.public = of.public
        self.newcomers = of.newcomers
        self.needed = of.needed
        self.terms = of.terms
        self.logs = of.logs


def states(view: View) -> dict[str, Any]:
    """Return the states as plain values, which can be compared."""
    return {
        kind: {key: dict(value) if isinstance(value, dict) else value for key, value in state.items()}
        for kind, state in view.states.items()
    }
