"""What a C2SP witness makes of a head that is submitted to it: read it strictly, judge it in order, cosign it.

docs/protocol/8-witness.md.
"""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from entente.core import merkle, note
from entente.core.errors import InvalidError, LimitError, StoreError, VerificationError
from entente.ledger.document import from_b64, to_b64
from entente.store import shelf

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_HEAD: Final = len(f"old {note.MAX_SIZE}\n") + merkle.MAX_PROOF * 45 + 1
"""Bytes before the note: the old size, 63 hashes in base64, the empty line."""
MAX_BODY: Final = MAX_HEAD + note.MAX_NOTE


class WitnessVerdict(StrEnum):
    """The answers of a witness, in the order in which they are considered."""

    MALFORMED = "malformed"
    UNKNOWN = "unknown-log"
    UNSIGNED = "unsigned"
    BACKWARDS = "backwards"
    STALE = "stale"
    INCONSISTENT = "inconsistent"
    COSIGNED = "cosigned"
    UNSURE = "unsure"


class WitnessAnswer(Struct, frozen=True):
    """A verdict; `text` is the cosignature lines, the last cosigned size as a line, or a sentence that says why not."""

    verdict: WitnessVerdict
    text: str


class Submission(Struct, frozen=True):
    """What a log sends: the size that the witness should know, the proof from there, and its new head."""

    old: int
    proof: tuple[bytes, ...]
    head: note.Note
    checkpoint: note.Checkpoint

    @classmethod
    def parse(cls, body: bytes) -> Submission:
        """Read a body; raise InvalidError or LimitError unless it is spelt as `to_bytes` spells it."""
        if len(body) > MAX_BODY:
            raise LimitError(f"A submission has at most {MAX_BODY} bytes.")
        head, blank, rest = body.partition(b"\n\n")
        if not blank or len(head) > MAX_HEAD or not head.isascii():
            raise InvalidError("A submission is an old size, hashes, an empty line and a checkpoint.")
        first, *hashes = head.decode("ascii").split("\n")
        if not first.startswith("old "):
            raise InvalidError("A submission begins with `old` and a size.")
        if len(hashes) > merkle.MAX_PROOF:
            raise InvalidError(f"A consistency proof has at most {merkle.MAX_PROOF} lines.")
        found = note.Note.parse(rest)
        return cls(
            old=read_size(first.removeprefix("old ")),
            proof=tuple(from_b64(line, "hash of the proof", merkle.HASH_SIZE) for line in hashes),
            head=found,
            checkpoint=note.Checkpoint.parse(found.text),
        )

    def to_bytes(self) -> bytes:
        """Return the body to send."""
        return submission(self.old, self.proof, self.head.to_bytes())


class CosignedLog(Struct, frozen=True, array_like=True):
    """A log that the operator named: its keys, and the size and root that were cosigned last, with that note."""

    origin: str
    keys: tuple[str, ...]
    size: int = 0
    root: bytes = merkle.EMPTY_ROOT
    note: bytes = b""


def _decode(data: bytes) -> CosignedLog:
    try:
        return _decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as problem:
        raise StoreError(
            "The state of a witnessed log in this home is damaged.", hint="Restore the home from a backup."
        ) from problem


_decoder = msgspec.msgpack.Decoder(CosignedLog)
WITNESSED: Final = shelf.Shelf("witnessed-log", msgspec.msgpack.encode, _decode)
"""The outside logs that this home cosigns, by the SHA-256 of their origin."""


def submission(old: int, proof: Sequence[bytes], head: bytes) -> bytes:
    """Return the body that submits the note `head` to a witness that last cosigned `old` entries."""
    lines = "".join(f"{to_b64(each)}\n" for each in proof)
    return f"old {old}\n{lines}\n".encode() + head


def read_size(text: str) -> int:
    """Read the size of a log in decimal, in its only spelling; raise InvalidError otherwise."""
    digits = text.isascii() and text.isdecimal() and len(text) <= len(str(note.MAX_SIZE))
    size = int(text) if digits else 0
    if str(size) != text or size > note.MAX_SIZE:
        raise InvalidError(f"The size of a log is a decimal number below 2^63; {text[:40]!r} is none.")
    return size


def named(vkey: str) -> note.Verifier:
    """Read the key of a log; raise InvalidError or VerificationError unless it is an Ed25519 key that signs notes."""
    found = _verifier(vkey)
    if found.kind != note.ED25519:
        raise InvalidError("A log signs with a note key of type 0x01; this is a key for cosignatures.")
    return found


def trusted(given: Submission, known: CosignedLog | None) -> tuple[note.Signature, ...]:
    """Return the lines of the log's own keys, none if there is none or one of them does not verify."""
    if known is None:
        return ()
    try:
        return tuple(note.verify(given.head, [_verifier(key) for key in known.keys]))
    except VerificationError:
        return ()


def judge(given: Submission, known: CosignedLog | None, lines: Sequence[note.Signature]) -> WitnessAnswer:
    """Judge a submission on the state `known`; `lines` are what `trusted` found. Of COSIGNED the text is empty."""
    new = given.checkpoint
    if known is None or not known.keys:
        return WitnessAnswer(WitnessVerdict.UNKNOWN, "This witness does not know the log.")
    if not lines:
        return WitnessAnswer(
            WitnessVerdict.UNSIGNED, "The checkpoint is not signed by a key that this witness knows for the log."
        )
    if given.old > new.size:
        return WitnessAnswer(
            WitnessVerdict.BACKWARDS, f"The old size {given.old} is larger than the new one, {new.size}."
        )
    if given.old != known.size:
        return WitnessAnswer(WitnessVerdict.STALE, f"{known.size}\n")
    try:
        merkle.verify_consistency(known.size, known.root, new.size, new.root, given.proof)
    except VerificationError as problem:
        return WitnessAnswer(WitnessVerdict.INCONSISTENT, problem.message)
    return WitnessAnswer(WitnessVerdict.COSIGNED, "")


def cosign(
    given: Submission, known: CosignedLog, lines: Sequence[note.Signature], signer: note.Signer, time_s: int
) -> tuple[CosignedLog, WitnessAnswer]:
    """Return the state after a submission that was judged COSIGNED, and the answer to give once that is durable."""
    line = note.cosign(given.checkpoint, signer, time_s)
    head = note.Note(given.head.text, (*lines, note.Signature.parse(line))).to_bytes()
    state = CosignedLog(known.origin, known.keys, given.checkpoint.size, given.checkpoint.root, head)
    return state, WitnessAnswer(WitnessVerdict.COSIGNED, line)


def cosignature_in(answer: bytes, checkpoint: note.Checkpoint, verifier: note.Verifier) -> str:
    """Return the line of `verifier` in a witness's answer; lines of others are ignored.

    Raise VerificationError if it is not there or does not hold for this checkpoint, InvalidError for what is no lines.
    """
    try:
        lines = answer.decode().split("\n")
    except UnicodeDecodeError as problem:
        raise InvalidError("The answer of the witness is not text.") from problem
    if len(lines) > note.MAX_SIGNATURES + 1 or lines.pop():
        raise InvalidError("The answer of the witness is not a few signature lines.")
    for line in lines:
        found = note.Signature.parse(line)
        if (found.name, found.key_id) == (verifier.name, verifier.key_id):
            note.verify_cosignature(checkpoint, line, verifier)
            return found.line()
    raise VerificationError("The answer of the witness holds no cosignature of its key.")


@lru_cache(maxsize=4096)
def _verifier(vkey: str) -> note.Verifier:
    return note.Verifier.parse(vkey)
