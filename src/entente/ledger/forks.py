"""Evidence of a fork: two validly signed heads of one log that cannot both be true, for anybody to verify offline.

docs/protocol/2-ledger.md, "Evidence of a fork".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from msgspec import Struct

from entente.core import canon, merkle, note
from entente.core.errors import InvalidError, LimitError, VerificationError
from entente.core.ids import ID_SIZE, Member, b32, origin_hash, unb32
from entente.ledger.document import MAX_FILE, check_version, fields, from_b64, listed, text, to_b64, verifying
from entente.ledger.history import KeyHistory, check_history, own_line, read_history

_FIELDS = ("entente-evidence", "member", "keys", "first", "second", "root", "proof")
_MAX_PROOF = 2 * 64

Prefix: TypeAlias = Callable[[int, int], "tuple[bytes, Sequence[bytes]] | None"]
"""Asked for the root at a smaller size and the consistency proof to the larger one, in the tree of the larger note."""


class Evidence(Struct, frozen=True, kw_only=True):
    """Two notes of one member that contradict each other; `root` and `proof` tie the first size to the second note."""

    keys: KeyHistory
    first: bytes
    second: bytes
    root: bytes = b""
    proof: tuple[bytes, ...] = ()

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
        root, proof = b"", tuple[bytes, ...]()
        if first[0].size != second[0].size:
            known = prefix(first[0].size, second[0].size) if prefix else None
            if known is None:
                return None
            root, proof = known[0], tuple(known[1])
        if first[0].size == 0 or (root or second[0].root) == first[0].root:
            return None
    evidence = Evidence(keys=keys, first=first[1], second=second[1], root=root, proof=proof)
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
        if not 1 <= first.size <= second.size:
            raise VerificationError(f"The sizes {first.size} and {second.size} of the notes are out of order.")
        if first.size == second.size:
            if evidence.root or evidence.proof:
                raise VerificationError("Notes of one size need no proof.")
            between = second.root
        else:
            between = evidence.root
            merkle.verify_consistency(first.size, between, second.size, second.root, evidence.proof)
        if between == first.root:
            raise VerificationError("The two notes agree; this is no fork.")


def to_json(evidence: Evidence) -> bytes:
    """Return the evidence file; raise VerificationError if it would show nothing."""
    check(evidence)
    return canon.encode(
        {
            "entente-evidence": 1,
            "member": b32(evidence.member),
            "keys": evidence.keys.document(),
            "first": evidence.first.decode(),
            "second": evidence.second.decode(),
            "root": to_b64(evidence.root),
            "proof": [to_b64(each) for each in evidence.proof],
        }
    )


def from_json(data: bytes) -> Evidence:
    """Verify an evidence file; raise VerificationError unless it shows a fork."""
    with verifying("evidence"):
        if len(data) > MAX_FILE:
            raise LimitError(f"An evidence file has at most {MAX_FILE} bytes.")
        found = fields(canon.decode(data, MAX_FILE), _FIELDS, "evidence")
        check_version(found["entente-evidence"], "evidence")
        keys = read_history(found["keys"])
        if unb32(text(found["member"], "member"), ID_SIZE) != keys.member:
            raise VerificationError("The key history in the evidence is another member's.")
        steps = listed(found["proof"], "consistency proof")
        if len(steps) > _MAX_PROOF:
            raise InvalidError("The consistency proof is too long.")
        evidence = Evidence(
            keys=keys,
            first=text(found["first"], "first note").encode(errors="surrogatepass"),
            second=text(found["second"], "second note").encode(errors="surrogatepass"),
            root=from_b64(found["root"], "root", None if found["root"] == "" else merkle.HASH_SIZE),
            proof=tuple(from_b64(step, "hash of the proof", merkle.HASH_SIZE) for step in steps),
        )
    check(evidence)
    return evidence


def _open(keys: KeyHistory, data: bytes) -> tuple[note.Checkpoint, bytes]:
    """Return the checkpoint of a note that this member signed, and the note with that line only."""
    origin = note.Note.parse(data).text.partition("\n")[0]
    origin_hash(origin)
    verifier = keys.signer(note.Note.parse(data))
    return note.open_checkpoint(data, verifier), own_line(data, verifier)
