"""Revisions: what an agreement says from one epoch to the next (`docs/protocol/7-changes.md`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from entente.core import canon, ids
from entente.core.errors import InvalidError
from entente.policy import approval, spelling
from entente.policy.agreement import Terms
from entente.policy.circle import LEAST

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from entente.core.ids import Agreement, Member

MAX_EPOCHS: Final = 10_000
_FIELDS: Final = frozenset({"v", "agreement", "base", "epoch", "name", "members", "terms", "secret"})


@dataclass(frozen=True, slots=True)
class RevisionText:
    """What the members agree on for the next epoch; `secret` is the hash of the epoch's secret."""

    agreement: Agreement
    base: bytes
    epoch: int
    name: str
    members: tuple[Member, ...]
    terms: Terms
    secret: bytes
    written: bytes = field(repr=False)

    @classmethod
    def make(
        cls,
        agreement: Agreement,
        base: bytes,
        epoch: int,
        *,
        name: str,
        members: Iterable[Member],
        terms: Terms,
        secret: bytes,
    ) -> RevisionText:
        """Return a new text for an epoch secret of 32 random bytes handed in; InvalidError if it is not well formed."""
        text = {
            "v": spelling.VERSION,
            "agreement": ids.b32(agreement),
            "base": ids.b32(base),
            "epoch": epoch,
            "name": name,
            "members": spelling.member_texts(members),
            "terms": terms.to_dict(),
            "secret": ids.b32(sha256(secret).digest()),
        }
        return cls.read(text)

    @classmethod
    def read(cls, source: bytes | Mapping[str, object]) -> RevisionText:
        """Read a text; raise InvalidError unless it is spelt canonically and could come into force."""
        data, value = spelling.written(source)
        body = spelling.fields(value, _FIELDS, "revision text")
        members = spelling.members(body["members"], "agreement")
        terms = Terms.read(spelling.mapping(body["terms"], "terms"))
        epoch = body["epoch"]
        if type(epoch) is not int or not 1 < epoch <= MAX_EPOCHS:
            raise InvalidError(f"A revision begins an epoch from 2 to {MAX_EPOCHS}.")
        if len(members) < LEAST:
            raise InvalidError(f"An agreement has {LEAST} or more members; this revision names {len(members)}.")
        if terms.quorum:
            approval.quorum(len(members), terms.quorum)
        return cls(
            agreement=ids.Agreement(spelling.identifier(body["agreement"], "agreement")),
            base=spelling.identifier(body["base"], "base"),
            epoch=epoch,
            name=spelling.name(body["name"], "agreement"),
            members=members,
            terms=terms,
            secret=spelling.identifier(body["secret"], "hash of the secret"),
            written=data,
        )

    def to_dict(self) -> dict[str, object]:
        """Return the object that acts and offers carry."""
        return {**canon.decode(self.written)}

    @property
    def id(self) -> bytes:
        """The revision id."""
        return sha256(b"entente/revision/v1\0" + self.written).digest()


def room_key(circle: bytes, revision: bytes) -> ids.Circle:
    """Return the key of a circle's room in the epoch that this revision begins."""
    return ids.Circle(sha256(b"entente/room/v1\0" + circle + revision).digest())


def room_secret(circle_secret: bytes, epoch_secret: bytes) -> bytes:
    """Return the secret of a circle's room in an epoch after the circle's first."""
    return sha256(b"entente/room-secret/v1\0" + circle_secret + epoch_secret).digest()


def removed(base: Iterable[Member], text: RevisionText) -> frozenset[Member]:
    """Return the members of the base that the text leaves out."""
    return frozenset(base) - frozenset(text.members)
