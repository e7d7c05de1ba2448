"""The history of an agreement as a newcomer checks it: nothing is believed, every answer is proven.

`docs/protocol/7-changes.md`, "Accession".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, cast

from msgspec import Struct

from entente.core import canon, entry, ids
from entente.core.errors import EntenteError, VerificationError
from entente.core.ids import Member, b32, origin, unb32
from entente.core.merkle import leaf_hash
from entente.ledger.document import from_b64
from entente.ledger.proof import Proof, read_proof
from entente.policy import spelling
from entente.policy.agreement import FoundingText, Terms
from entente.policy.approval import APPROVE, quorum
from entente.policy.revision import RevisionText, removed, room_key, room_secret

if TYPE_CHECKING:
    from collections.abc import Sequence

_FIELDS: Final = ("founding", "revisions", "proofs")


class Past(Struct, frozen=True):
    """What a verified history says: the founding text and the revisions since, with their epoch secrets."""

    founding: FoundingText
    revisions: tuple[tuple[RevisionText, bytes], ...]


class _Proven(Struct, frozen=True):
    origin: str
    index: int
    leaf: bytes
    member: Member
    kind: str
    body: Mapping[str, object]


class _Room(Struct, frozen=True):
    """A founding room while the chain is walked."""

    key: ids.Circle
    epoch: int
    secret: bytes
    revision: bytes
    members: frozenset[Member]
    terms: Terms

    def origin(self, member: Member) -> str:
        return origin(member, self.key, self.epoch, self.secret)


def make_history(
    founding: FoundingText,
    revisions: Sequence[tuple[RevisionText, bytes]],
    proofs: Sequence[str],
    past: Mapping[str, object] | None = None,
) -> dict[str, object]:
    """Return the history that a newcomer is given; `proofs` are proof files in base64.

    `past` is the history up to the first of these revisions, as whoever came later was shown it.
    """
    told = [{"text": text.to_dict(), "secret": b32(secret)} for text, secret in revisions]
    before, shown = (spelling.listed(past[each], each) if past else () for each in ("revisions", "proofs"))
    return {"founding": founding.to_dict(), "revisions": [*before, *told], "proofs": [*shown, *proofs]}


def check_history(document: object) -> Past:
    """Verify a history; VerificationError ("history") unless every step of the chain is proven."""
    try:
        return _check(document)
    except EntenteError as problem:
        raise VerificationError(
            f"The history of the agreement does not hold: {problem.message}",
            code="history",
            hint="Ask the member that offered it; a history must prove every step.",
        ) from problem


def _check(document: object) -> Past:
    body = spelling.fields(document, _FIELDS, "history")
    founding = FoundingText.read(spelling.mapping(body["founding"], "founding text"))
    proven = [_proven(each) for each in spelling.listed(body["proofs"], "proofs")]
    circle = founding.circle.id(founding.id)
    room = _Room(circle, 1, founding.circle.secret, founding.id, frozenset(founding.members), founding.terms)
    signed = _approving(proven, room, founding.id, founding.id)
    if missing := set(founding.members) - signed:
        raise VerificationError(f"No proof that {ids.short(min(missing))} signed the founding text.")
    revisions: list[tuple[RevisionText, bytes]] = []
    for each in spelling.listed(body["revisions"], "revisions"):
        told = spelling.fields(each, ("text", "secret"), "revision")
        text = RevisionText.read(spelling.mapping(told["text"], "revision text"))
        secret = unb32(str(told["secret"]), 32)
        _check_step(proven, room, founding, text)
        revisions.append((text, secret))
        room = _Room(
            room_key(circle, text.id),
            text.epoch,
            room_secret(founding.circle.secret, secret),
            text.id,
            frozenset(text.members),
            text.terms,
        )
    if not revisions:
        raise VerificationError("It names no revision that you are in.")
    return Past(founding, tuple(revisions))


def _check_step(proven: Sequence[_Proven], room: _Room, founding: FoundingText, text: RevisionText) -> None:
    """Raise VerificationError unless the revision follows this room's by proven approvals."""
    if (text.agreement, text.base, text.epoch) != (founding.id, room.revision, room.epoch + 1):
        raise VerificationError(f"The revision of epoch {text.epoch} does not follow the one before.")
    for asking in proven:
        if asking.kind != "amendment/1" or asking.body.get("text") != text.to_dict():
            continue
        if asking.member not in room.members or asking.origin != room.origin(asking.member):
            continue
        named = str(asking.body.get("concerned", ""))
        concerned = frozenset({Member(unb32(named, 32))}) if named else frozenset[Member]()
        out = removed(room.members, text) | concerned
        voters = room.members - out
        needed = quorum(len(voters)) if out else quorum(len(voters), room.terms.quorum)
        alone = not out or (room.members.issuperset(text.members) and text.terms == room.terms)
        if alone and len(out) <= 1 and len(_approving(proven, room, asking.leaf, room.revision) & voters) >= needed:
            return
    raise VerificationError(f"No proof that the revision of epoch {text.epoch} was approved.")


def _approving(proven: Sequence[_Proven], room: _Room, of: bytes, revision: bytes) -> set[Member]:
    """Return the members whose first proven answer to `of` in this room's logs is an approval."""
    first: dict[Member, _Proven] = {}
    for each in sorted(proven, key=lambda each: each.index):
        fits = each.kind == "approval/1" and each.body.get("of") == b32(of) and each.body["revision"] == b32(revision)
        if fits and each.member in room.members and each.origin == room.origin(each.member):
            first.setdefault(each.member, each)
    return {member for member, each in first.items() if each.body["answer"] == APPROVE}


def _proven(text: object) -> _Proven:
    proof: Proof = read_proof(from_b64(text, "proof"))
    leaf = leaf_hash(entry.leaves([proof.kind], [proof.time], [proof.salt], [proof.payload])[0])
    body = cast("Mapping[str, object]", canon.decode(proof.payload))
    return _Proven(proof.checkpoint.origin, proof.index, leaf, proof.author.member, proof.kind, body)
