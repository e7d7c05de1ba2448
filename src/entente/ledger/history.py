"""Key histories: which keys a member signs with, what it is called and where it is reached.

docs/protocol/2-ledger.md, "Key history". What one entry says is in `ledger.records`.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from entente.core import entry, merkle
from entente.core import note as notes
from entente.core.errors import InvalidError, RefusedError, VerificationError
from entente.core.ids import Member, b32, keys_origin, words
from entente.ledger.document import fields, from_b64, listed, text, to_b64, verifying
from entente.ledger.records import KINDS, KeyRecord, check_records

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["KINDS", "KeyHistory", "KeyRecord", "Part", "check_history", "history_document", "own_line", "read_history"]

MAX_RECORDS: Final = 256

Part = tuple[str, int, bytes, bytes]
"""Kind, claimed time, salt and payload of an entry: what its leaf is made of."""


class KeyHistory(Struct, frozen=True, kw_only=True):
    """A complete, verified key history: its records, and the signed note and entries that show them."""

    member: Member
    records: tuple[KeyRecord, ...]
    root: bytes
    note: bytes
    entries: tuple[Part, ...]

    @property
    def current(self) -> KeyRecord:
        """The newest record, the one that counts."""
        return self.records[-1]

    @property
    def size(self) -> int:
        """How many entries the history has."""
        return len(self.records)

    @property
    def successions(self) -> tuple[int, ...]:
        """The entries that changed the log key without a word of the key before: what people had to approve."""
        return tuple(
            at
            for at, (before, later) in enumerate(zip(self.records, self.records[1:], strict=False), 1)
            if before.log != later.log and not later.handover
        )

    def verifiers(self, origin: str) -> tuple[notes.Verifier, ...]:
        """Return what verifies the notes of this member's log `origin`: the current log key's, then the retired."""
        publics = dict.fromkeys(record.log for record in reversed(self.records))
        return tuple(notes.Verifier(origin, notes.ED25519, public) for public in publics)

    def signer(self, note: notes.Note) -> notes.Verifier:
        """Return the key of this history whose line a note carries, the newest; VerificationError if there is none."""
        origin = note.text.partition("\n")[0]
        lines = {(each.name, each.key_id) for each in note.signatures}
        for verifier in self.verifiers(origin):
            if (verifier.name, verifier.key_id) in lines:
                return verifier
        raise VerificationError("The note carries no line of a log key of its member.")

    def retired(self, verifier: notes.Verifier) -> bool:
        """Say whether a log key of this history is no longer the current one."""
        return verifier.public_key != self.current.log

    def counted(self, head: bytes, held: bytes, vouchers: Iterable[notes.Verifier]) -> notes.Verifier:
        """Return the log key under which this head of a log of the member counts.

        `held` is the note that we hold of the log, `vouchers` the witness keys of others who may vouch for what a
        retired key signed. RefusedError "retired-key" if nobody does; VerificationError if no key or voucher holds.
        """
        whole = notes.Note.parse(head)
        found = self.signer(whole)
        if not self.retired(found) or (held and notes.Note.parse(held).text == whole.text):
            return found
        lines = {(each.name, each.key_id) for each in whole.signatures}
        given = [each for each in vouchers if (each.name, each.key_id) in lines]
        if not given:
            raise RefusedError(
                "This head is signed by a log key that its member has retired, and nobody vouches for it.",
                code="retired-key",
                hint="If it was signed before, a member that has it shows it with its own signature.",
            )
        notes.verify(whole, given)
        return found

    def cosigners(self) -> tuple[notes.Verifier, ...]:
        """Return what verifies cosignatures of this member under any key it ever had, the current ones first."""
        return tuple(dict.fromkeys(each for record in reversed(self.records) for each in record.cosigners(self.member)))

    def document(self) -> dict[str, object]:
        """Return the history as it stands in cards, proofs and evidence."""
        return history_document(self.note, self.entries)


def check_history(member: Member | None, note: bytes, entries: Sequence[Part]) -> KeyHistory:
    """Verify a whole history, of `member` if given; raise VerificationError unless every rule of page 2 holds.

    The note may carry other members' lines; the history that is returned keeps the newest log key's line only.
    """
    with verifying("key history"):
        if not 0 < len(entries) <= MAX_RECORDS:
            raise VerificationError(f"The key history is empty, or has more than {MAX_RECORDS} entries.")
        records = tuple(KeyRecord.read(each[3], each[0]) for each in entries)
        found = check_records(records)
        if member is not None and member != found:
            raise VerificationError(f"The key history is that of {b32(found)}, not of {b32(member)}.")
        verifier = records[-1].verifier(keys_origin(found))
        checkpoint = notes.open_checkpoint(note, verifier)
        root = merkle.root(merkle.leaf_hashes(entry.leaves(*_columns(entries))))
        if (checkpoint.size, checkpoint.root) != (len(entries), root):
            raise VerificationError("The key history is not complete: its entries do not rebuild the root of its note.")
    return KeyHistory(member=found, records=records, root=root, note=own_line(note, verifier), entries=tuple(entries))


def history_document(note: bytes, entries: Sequence[Part]) -> dict[str, object]:
    """Return a history as it stands in cards, proofs and evidence; raise VerificationError if it does not verify."""
    history = check_history(None, note, entries)
    rows = [
        {"k": kind, "t": time, "salt": to_b64(salt), "payload": to_b64(payload)}
        for kind, time, salt, payload in history.entries
    ]
    return {"note": history.note.decode(), "entries": rows}


def read_history(document: object) -> KeyHistory:
    """Verify a history that stands in a file; raise VerificationError unless every rule of page 2 holds."""
    with verifying("key history"):
        found = fields(document, ("note", "entries"), "key history")
        note = text(found["note"], "note of the key history").encode(errors="surrogatepass")  # the note refuses it
        entries = [_part(each) for each in listed(found["entries"], "entries of the key history")]
    history = check_history(None, note, entries)
    if history.note != note:
        raise VerificationError("The note of the key history carries other lines than its own.")
    return history


def own_line(note: bytes, verifier: notes.Verifier) -> bytes:
    """Return the note with the line of `verifier` only; raise VerificationError unless that is there and holds."""
    whole = notes.Note.parse(note)
    return notes.Note(whole.text, tuple(notes.verify(whole, (verifier,)))).to_bytes()


def _columns(entries: Sequence[Part]) -> tuple[list[str], list[int], list[bytes], list[bytes]]:
    return (
        [each[0] for each in entries],
        [each[1] for each in entries],
        [each[2] for each in entries],
        [each[3] for each in entries],
    )


def _part(row: object) -> Part:
    """Read one entry of a history in a file."""
    found = fields(row, ("k", "t", "salt", "payload"), "entry of the key history")
    time = found["t"]
    if type(time) is not int:
        raise InvalidError("The time of an entry is not a number.")
    salt, payload = from_b64(found["salt"], "salt", entry.SALT_SIZE), from_b64(found["payload"], "payload")
    return text(found["k"], "kind"), time, salt, payload


def words_of(history: KeyHistory) -> list[str]:
    """Return six words of the newest succession in a history, for people to compare; of its last entry without one."""
    at = history.successions[-1] if history.successions else history.size - 1
    return list(words(sha256(history.entries[at][3]).digest()))
