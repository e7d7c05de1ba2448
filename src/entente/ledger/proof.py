"""Proof files: an entry, its place in its author's log, and who has seen and stored it, to be verified offline.

C2SP tlog-proof; docs/protocol/2-ledger.md, "Proof file".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from entente.core import canon, entry, merkle, note
from entente.core.errors import InvalidError, LimitError, VerificationError
from entente.core.ids import ID_SIZE, Member, b32, keys_origin, origin_hash, unb32
from entente.ledger.document import MAX_FILE, check_version, fields, from_b64, mapping, text, to_b64, verifying
from entente.ledger.history import KINDS, KeyHistory, Part, read_history

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

HEADER: Final = "c2sp.org/tlog-proof@v1"
MAX_HASHES: Final = 63

_FIELDS: Final = ("entente-proof", "member", "leaf", "salt", "payload", "keys")
_INDEX: Final = re.compile(r"0|[1-9][0-9]{0,18}")
_HEAD_LINES: Final = 3  # header, extra, index; the hashes follow


class Statement(Struct, frozen=True, order=True):
    """One cosignature that holds: `stored` or only witnessed, by whom, at which time (seconds)."""

    stored: bool
    member: Member
    time: int


class Proof(Struct, frozen=True, kw_only=True):
    """A verified proof file: the entry, where it stands, the author, and what other members say of that head.

    `head` is the signed note, `checkpoint` what it says.
    """

    author: KeyHistory
    cosigners: tuple[KeyHistory, ...]
    kind: str
    time: int
    salt: bytes
    payload: bytes
    index: int
    head: bytes
    checkpoint: note.Checkpoint
    statements: tuple[Statement, ...]


class _Claim(Struct, frozen=True, kw_only=True):
    """A proof file taken apart, with nothing verified but its key histories."""

    index: int
    hashes: list[bytes]
    leaf: bytes
    salt: bytes
    payload: bytes
    author: KeyHistory
    cosigners: tuple[KeyHistory, ...]
    note: note.Note


def write_proof(
    *,
    index: int,
    part: Part,
    hashes: Sequence[bytes],
    checkpoint: bytes,
    author: KeyHistory,
    cosigners: Iterable[KeyHistory] = (),
    cosignatures: Iterable[str] = (),
) -> bytes:
    """Return the proof file for entry `index`, which is made of `part`, under the signed note `checkpoint`.

    Of the note's own lines and `cosignatures` those stand in the file that `cosigners` explain: the newest of each key.
    Raise VerificationError if the result would not verify: a proof that does not hold is never handed out.
    """
    with verifying("proof"):
        kind, time, salt, payload = part
        whole = note.Note.parse(checkpoint)
        lines = (*whole.signatures, *(note.Signature.parse(line) for line in cosignatures))
        others = {each.member: each for each in cosigners if each.member != author.member}
        said = _newest(lines, others)
        signer = author.signer(whole)
        own = [each for each in lines if _names(each, signer)]
        kept = note.Note(whole.text, (*own[:1], *(line for _, line in said)))
        histories = {author.member: author, **{member: others[member] for member, _ in said}}
        extra = canon.encode(
            {
                "entente-proof": 1,
                "member": b32(author.member),
                "leaf": to_b64(entry.leaves([kind], [time], [salt], [payload])[0]),
                "salt": to_b64(salt),
                "payload": to_b64(payload),
                "keys": {b32(member): history.document() for member, history in histories.items()},
            }
        )
        rows = [HEADER, f"extra {to_b64(extra)}", f"index {index}", *map(to_b64, hashes), "", ""]
        data = "\n".join(rows).encode() + kept.to_bytes()
    read_proof(data)
    return data


def read_proof(data: bytes) -> Proof:
    """Verify a proof file; raise VerificationError unless every check of page 2 holds."""
    with verifying("proof"):
        claim = _take_apart(data)
        said = entry.parse(claim.leaf)
        if entry.leaves([said.kind], [said.time], [claim.salt], [claim.payload]) != [claim.leaf]:
            raise VerificationError("The leaf commits to another payload.")
        checkpoint = note.Checkpoint.parse(claim.note.text)
        origin_hash(checkpoint.origin)
        merkle.verify_inclusion(
            merkle.leaf_hash(claim.leaf), claim.index, checkpoint.size, claim.hashes, checkpoint.root
        )
        if (checkpoint.origin == keys_origin(claim.author.member)) != (said.kind in KINDS):
            raise VerificationError(f"An entry of kind {said.kind} does not stand in a log of this sort.")
        statements = _statements(claim)
    return Proof(
        author=claim.author,
        cosigners=claim.cosigners,
        kind=said.kind,
        time=said.time,
        salt=claim.salt,
        payload=claim.payload,
        index=claim.index,
        head=claim.note.to_bytes(),
        checkpoint=checkpoint,
        statements=statements,
    )


def _take_apart(data: bytes) -> _Claim:
    """Read the lines and the extra data; raise InvalidError or VerificationError."""
    if len(data) > MAX_FILE:
        raise LimitError(f"A proof file has at most {MAX_FILE} bytes.")
    head, _, tail = data.partition(b"\n\n")
    rows = head.decode("ascii", "replace").split("\n")
    if not _HEAD_LINES <= len(rows) <= _HEAD_LINES + MAX_HASHES or rows[0] != HEADER:
        raise InvalidError("The file is not a proof.")
    if not rows[1].startswith("extra ") or not rows[2].startswith("index "):
        raise InvalidError("The lines `extra` and `index` are missing.")
    index = rows[2].removeprefix("index ")
    if _INDEX.fullmatch(index) is None:
        raise InvalidError("The index is not a decimal number.")
    extra = canon.decode(from_b64(rows[1].removeprefix("extra "), "extra data"), MAX_FILE)
    found = fields(extra, _FIELDS, "extra data")
    check_version(found["entente-proof"], "a proof")
    histories = _histories(found["keys"])
    author = histories.pop(Member(unb32(text(found["member"], "author"), ID_SIZE)), None)
    if author is None:
        raise VerificationError("The key history of the author is missing.")
    return _Claim(
        index=int(index),
        hashes=[from_b64(row, "hash", merkle.HASH_SIZE) for row in rows[_HEAD_LINES:]],
        leaf=from_b64(found["leaf"], "leaf"),
        salt=from_b64(found["salt"], "salt", entry.SALT_SIZE),
        payload=from_b64(found["payload"], "payload"),
        author=author,
        cosigners=tuple(histories[member] for member in sorted(histories)),
        note=note.Note.parse(tail),
    )


def _histories(value: object) -> dict[Member, KeyHistory]:
    """Read the key histories, each under the id of its own member."""
    result: dict[Member, KeyHistory] = {}
    for name, document in mapping(value, "list of keys").items():
        history = read_history(document)
        if b32(history.member) != name:
            raise VerificationError(f"The key history under {name[:60]!r} is another member's.")
        result[history.member] = history
    return result


def _statements(claim: _Claim) -> tuple[Statement, ...]:
    """Verify every line of the note: the author's once, and those of the cosigners, each of whom says something."""
    author = claim.author.signer(claim.note)
    known = {verifier: (each.member, stored) for each in claim.cosigners for stored, verifier in _keys(each)}
    held = note.verify(claim.note, (author, *known))
    if len(held) != len(claim.note.signatures):
        raise VerificationError("A line of the note is of nobody whose keys are in the file, or stands there twice.")
    result: list[Statement] = []
    for line in held:
        found = [said for verifier, said in known.items() if _names(line, verifier)]
        result.extend(Statement(stored, member, note.cosigned_at(line)) for member, stored in found)
    if len(result) + 1 != len(held):
        raise VerificationError("The checkpoint is not signed by its author.")
    if claim.author.retired(author) and all(each.stored for each in result):
        raise VerificationError("A retired key has signed the checkpoint, and no other member has witnessed it.")
    if {each.member for each in result} != {each.member for each in claim.cosigners}:
        raise VerificationError("The file brings keys of a member that says nothing in it.")
    return tuple(sorted(result))


def _newest(
    lines: Iterable[note.Signature], cosigners: Mapping[Member, KeyHistory]
) -> list[tuple[Member, note.Signature]]:
    """Choose the newest line of each cosigner's keys, as many as a note holds beside its author's."""
    found: dict[note.Verifier, tuple[Member, note.Signature]] = {}
    for line in lines:
        for member, history in cosigners.items():
            for _, verifier in _keys(history):
                if not _names(line, verifier):
                    continue
                held = found.get(verifier)
                if held is None or note.cosigned_at(held[1]) < note.cosigned_at(line):
                    found[verifier] = (member, line)
    return list(found.values())[: note.MAX_SIGNATURES - 1]


def _keys(history: KeyHistory) -> tuple[tuple[bool, note.Verifier], ...]:
    """Return a member's keys for cosignatures with what they state (False witnessed, True stored)."""
    return tuple(zip((False, True), history.current.cosigners(history.member), strict=True))


def _names(line: note.Signature, verifier: note.Verifier) -> bool:
    """Say whether a line claims to be of this key."""
    return (line.name, line.key_id) == (verifier.name, verifier.key_id)
