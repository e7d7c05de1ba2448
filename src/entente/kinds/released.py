"""Releases by consent: what another member brought was sent on, and who allowed it (docs/protocol/10-recall.md)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from entente.core import canon, entry
from entente.core.errors import EntenteError, InvalidError
from entente.core.ids import Member, b32
from entente.core.kind import Sort, Traits, deny, verdict
from entente.core.merkle import leaf_hash
from entente.core.shape import check_after, check_entries, check_fields, listed
from entente.ledger.document import from_b64, to_b64
from entente.ledger.proof import read_proof
from entente.policy.approval import APPROVE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entente.core.filed import Holdings
    from entente.core.kind import Act, Judgement
    from entente.ledger.proof import Proof

NAME = "released/1"
_ASK: Final = "onward/1"
_ANSWER: Final = "approval/1"

Check = Callable[[str, Mapping[str, object]], None]
"""Raises InvalidError unless this is a well-formed body of an act of this kind."""


class GivenConsent(Struct, frozen=True):
    """A consent that a release shows: what was asked (leaf hash), for whom, who gave it, which person and when (ms)."""

    thing: bytes
    to: frozenset[str]
    originator: Member
    person: str
    time: int


class ReleasedKind:
    """Entries of kind `released/1`; filed by entry, not folded."""

    name = NAME
    traits = Traits(Sort.FILED)

    def check(self, body: Mapping[str, object]) -> None:
        """Raise InvalidError unless the body names entries and carries two files."""
        check_fields(body, {"entries": list, "ask": str, "consent": str, "after": list})
        check_entries(body)
        check_after(body)
        from_b64(body["ask"], "ask")
        from_b64(body["consent"], "consent")

    def judge(self, act: Act, held: Holdings) -> Judgement:
        """Allow it about entries before it in its log, with a consent that names everybody else in the room."""
        try:
            consent = consent_in(act.author, act.body, held.check)
        except EntenteError:
            return deny("proof")
        if not {b32(member) for member in held.members() if member != act.author} <= consent.to:
            return deny("to")
        right = (
            index < act.place.index and held.leaf(act.place.log, index) == leaf
            for index, leaf in check_entries(act.body)
        )
        return verdict("" if all(right) else "wrong-entry")

    def make(self, entries: Sequence[tuple[int, bytes]], *, ask: bytes, consent: bytes) -> bytes:
        """Return the payload that shows the consent for these entries of the same log."""
        named = [[index, b32(leaf)] for index, leaf in entries]
        return canon.encode({"entries": named, "ask": to_b64(ask), "consent": to_b64(consent), "after": []})


def consent_in(author: Member, body: Mapping[str, object], check: Check) -> GivenConsent:
    """Return the consent that an author's release shows; EntenteError unless its two files belong together."""
    (asked, ask), (given, answer) = _shown(body, "ask"), _shown(body, "consent")
    check(_ASK, ask)
    check(_ANSWER, answer)
    leaf = entry.leaves([asked.kind], [asked.time], [asked.salt], [asked.payload])[0]
    thing = leaf_hash(leaf)
    right = (_ASK, _ANSWER, author, ask["member"], b32(thing), APPROVE)
    if right != (asked.kind, given.kind, asked.author.member, b32(given.author.member), answer["of"], answer["answer"]):
        raise InvalidError("The files do not show a consent to this release.")
    to = frozenset(map(str, listed(ask, "to")))
    return GivenConsent(thing, to, given.author.member, str(answer["person"]), given.time)


def _shown(body: Mapping[str, object], name: str) -> tuple[Proof, Mapping[str, object]]:
    """Return the proof in this field, and the body of the act that it shows."""
    proof = read_proof(from_b64(body[name], name))
    return proof, canon.decode(proof.payload, len(proof.payload))


KIND = ReleasedKind()
