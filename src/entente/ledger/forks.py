"""Evidence of a fork: two validly signed heads of one log that cannot both be true, for anybody to verify offline.

docs/protocol/2-ledger.md, "Evidence of a fork".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from msgspec import Struct

from entente.core import canon, merkle, note
from entente.core.errors import InvalidError, LimitError, VerificationError
from entente.core.ids import ID_SIZE, Member, b32, origin_hash, unb32
from entente.ledger.document import MAX_FILE, check_version, fields, from_b64, listed, text, to_b64, verifying
from entente.ledger.history import KeyHistory, check_history, own_line, read_history

_FIELDS = ("entente-evidence", "member", "keys", "size", "first", "second", "roots", "proofs")
_NOTES = ("first", "second")
_VERSION = 2
_MAX_PROOF = 2 * 64

Prefix: TypeAlias = Callable[[int, int], "tuple[bytes, Sequence[bytes]] | None"]
"""Asked for the root at a smaller size and the consistency proof to the larger one, in the tree of the larger note."""

Tied: TypeAlias = "tuple[bytes, bytes, Sequence[bytes]]"
"""A signed note, the root that its tree had at an earlier size, and the consistency proof from there to the note."""


class Evidence(Struct, frozen=True, kw_only=True):
    """Two notes of one member whose trees have different roots at `size`; `proofs` tie these to the notes."""

    keys: KeyHistory
    size: int
    first: bytes
    second: bytes
    roots: tuple[bytes, bytes]
    proofs: tuple[tuple[bytes, ...], tuple[bytes, ...]]

    @property
    def member(self) -> Member:
        """Who signed both."""
        return self.keys.member

    @property
    def origin(self) -> str:
        """The log that has two histories."""
        return note.Checkpoint.parse(note.Note.parse(self.first).text).origin

    @property
    def sizes(self) -> tuple[int, int]:
        """How many entries each of the two notes speaks of."""
        first, second = (note.Checkpoint.parse(note.Note.parse(each).text).size for each in (self.first, self.second))
        return first, second


def find(keys: KeyHistory, one: bytes, other: bytes, prefix: Prefix | None = None) -> Evidence | None:
    """Return evidence if two notes of one log contradict each other, None if that is not shown.

    Notes of two sizes need `prefix`, which knows the larger tree; None from it shows nothing.
    Raise VerificationError if a note is not signed by this member: what nobody signed is nobody's fork.
    """
    with verifying("note"):
        first, second = sorted((_open(keys, one), _open(keys, other)), key=lambda each: each[0].size)
        if first[0].origin != second[0].origin:
            raise VerificationError("The notes are of two logs; they cannot contradict each other.")
        known: tuple[bytes, Sequence[bytes]] | None = (second[0].root, ())
        if first[0].size != second[0].size:
            known = prefix(first[0].size, second[0].size) if prefix else None
    if known is None:
        return None
    root, proof = known
    return make(keys, first[0].size, (first[1], first[0].root, ()), (second[1], root, proof))


def make(keys: KeyHistory, size: int, one: Tied, other: Tied) -> Evidence | None:
    """Return evidence that the trees of two notes differ at `size`; None if they do not.

    Raise VerificationError where a note is not this member's, or a root is not proven: that is nobody's fork.
    """
    if size == 0 or one[1] == other[1]:
        return None
    with verifying("note"):
        first, second = sorted((one, other), key=lambda each: _open(keys, each[0])[0].size)
        evidence = Evidence(
            keys=keys,
            size=size,
            first=_open(keys, first[0])[1],
            second=_open(keys, second[0])[1],
            roots=(first[1], second[1]),
            proofs=(tuple(first[2]), tuple(second[2])),
        )
    check(evidence)
    return evidence


def check(evidence: Evidence) -> None:
    """Accept evidence that shows a fork; raise VerificationError for everything else."""
    with verifying("evidence"):
        keys = check_history(evidence.member, evidence.keys.note, evidence.keys.entries)
        first, first_note = _open(keys, evidence.first)
        second, second_note = _open(keys, evidence.second)
        if (first_note, second_note) != (evidence.first, evidence.second):
            raise VerificationError("The notes carry other lines than the member's own.")
        if first.origin != second.origin:
            raise VerificationError("The notes are of two logs; they cannot contradict each other.")
        if not 1 <= evidence.size <= first.size <= second.size:
            raise VerificationError(f"The sizes {evidence.size}, {first.size} and {second.size} are out of order.")
        for head, root, proof in zip((first, second), evidence.roots, evidence.proofs, strict=True):
            merkle.verify_consistency(evidence.size, root, head.size, head.root, proof)
        if evidence.roots[0] == evidence.roots[1]:
            raise VerificationError("The two notes agree; this is no fork.")


def to_json(evidence: Evidence) -> bytes:
    """Return the evidence file; raise VerificationError if it would show nothing."""
    check(evidence)
    return canon.encode(
        {
            "entente-evidence": _VERSION,
            "member": b32(evidence.member),
            "keys": evidence.keys.document(),
            "size": evidence.size,
            "first": evidence.first.decode(),
            "second": evidence.second.decode(),
            "roots": [to_b64(each) for each in evidence.roots],
            "proofs": [[to_b64(step) for step in proof] for proof in evidence.proofs],
        }
    )


def from_json(data: bytes) -> Evidence:
    """Verify an evidence file; raise VerificationError unless it shows a fork."""
    with verifying("evidence"):
        if len(data) > MAX_FILE:
            raise LimitError(f"An evidence file has at most {MAX_FILE} bytes.")
        found = fields(_newest(canon.decode(data, MAX_FILE)), _FIELDS, "evidence")
        check_version(found["entente-evidence"], "evidence", _VERSION)
        keys = read_history(found["keys"])
        if unb32(text(found["member"], "member"), ID_SIZE) != keys.member:
            raise VerificationError("The key history in the evidence is another member's.")
        size = found["size"]
        if type(size) is not int:
            raise InvalidError("The size is not a number.")
        roots = [from_b64(each, "root", merkle.HASH_SIZE) for each in _pair(found["roots"], "roots")]
        proofs = [_proof(each) for each in _pair(found["proofs"], "proofs")]
        evidence = Evidence(
            keys=keys,
            size=size,
            first=text(found["first"], "first note").encode(errors="surrogatepass"),
            second=text(found["second"], "second note").encode(errors="surrogatepass"),
            roots=(roots[0], roots[1]),
            proofs=(proofs[0], proofs[1]),
        )
    check(evidence)
    return evidence


def _newest(document: Mapping[str, object]) -> Mapping[str, object]:
    """Return evidence of version 1, which compared the notes at the size of the first, as one of version 2."""
    if document.get("entente-evidence") != 1 or "root" not in document:
        return document
    old = fields(document, ("entente-evidence", "member", "keys", "first", "second", "root", "proof"), "evidence")
    heads = [note.Checkpoint.parse(note.Note.parse(text(old[each], "note").encode()).text) for each in _NOTES]
    return {
        **{name: old[name] for name in ("member", "keys", *_NOTES)},
        "entente-evidence": _VERSION,
        "size": heads[0].size,
        "roots": [to_b64(heads[0].root), old["root"] or to_b64(heads[1].root)],
        "proofs": [list[object](), old["proof"]],
    }


def _pair(value: object, what: str) -> list[object]:
    found = listed(value, what)
    if len(found) != 2:  # noqa: PLR2004 - one for each note
        raise InvalidError(f"There are not two {what}.")
    return found


def _proof(value: object) -> tuple[bytes, ...]:
    steps = listed(value, "consistency proof")
    if len(steps) > _MAX_PROOF:
        raise InvalidError("The consistency proof is too long.")
    return tuple(from_b64(step, "hash of the proof", merkle.HASH_SIZE) for step in steps)


def _open(keys: KeyHistory, data: bytes) -> tuple[note.Checkpoint, bytes]:
    """Return the checkpoint of a note that this member signed, and the note with that line only."""
    origin = note.Note.parse(data).text.partition("\n")[0]
    origin_hash(origin)
    verifier = keys.signer(note.Note.parse(data))
    return note.open_checkpoint(data, verifier), own_line(data, verifier)
