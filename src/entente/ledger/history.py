"""Key histories: which keys a member signs with, what it is called and where it is reached.

docs/protocol/2-ledger.md, "Key history".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from entente.core import canon, entry, keys, merkle
from entente.core import note as notes
from entente.core.errors import InvalidError, VerificationError
from entente.core.ids import ID_SIZE, Member, b32, keys_origin, member_id, store_name, unb32, witness_name
from entente.core.names import check_name
from entente.ledger.document import fields, from_b64, listed, text, to_b64, verifying

if TYPE_CHECKING:
    from collections.abc import Sequence

KIND: Final = "key/1"
MAX_URL: Final = 512

_FIELDS: Final = ("log", "name", "next", "store", "tls", "transport", "url", "witness")
_PUBLIC: Final = ("log", "witness", "store", "transport")
_FIXED: Final = (*_PUBLIC, "next")  # what version 1 lets no later entry change
_URL: Final = re.compile(r"[!-~]*")
_MAX_PAYLOAD: Final = 8 * 1024

Part = tuple[str, int, bytes, bytes]
"""Kind, claimed time, salt and payload of an entry: what its leaf is made of."""


class KeyRecord(Struct, frozen=True, kw_only=True):
    """The payload of a `key/1` act: four public keys, the certificate's pin, the next key's hash, name, address."""

    log: bytes
    witness: bytes
    store: bytes
    transport: bytes
    next: bytes
    name: str
    url: str = ""
    tls: bytes = b""

    def __post_init__(self) -> None:
        """Refuse what no history may hold: InvalidError if malformed, VerificationError for a weak or a doubled key."""
        publics = (self.log, self.witness, self.store, self.transport)
        for public in publics:
            keys.check_public(public)
        if len(set(publics)) != len(publics):
            raise VerificationError("One public key stands for two uses; a signature would say two things.")
        if len(self.next) != ID_SIZE or len(self.tls) not in {0, ID_SIZE}:
            raise InvalidError("The hashes of the next key and of the certificate's key have 32 bytes.")
        check_name(self.name)
        if len(self.url) > MAX_URL or _URL.fullmatch(self.url) is None:
            raise InvalidError(f"A url has at most {MAX_URL} printable ASCII characters and no spaces.")

    @classmethod
    def read(cls, payload: bytes) -> KeyRecord:
        """Read a payload; raise InvalidError unless it is spelt as `body` spells it, else what building it raises."""
        found = fields(canon.decode(payload, _MAX_PAYLOAD), _FIELDS, "key act")
        tls = text(found["tls"], "pin")
        hashes = {name: unb32(text(found[name], f"{name} key"), ID_SIZE) for name in _FIXED}
        return cls(
            **hashes,
            tls=unb32(tls, ID_SIZE) if tls else b"",
            name=text(found["name"], "name"),
            url=text(found["url"], "url"),
        )

    def body(self) -> bytes:
        """Return the canonical payload."""
        hashes = {name: b32(getattr(self, name)) for name in (*_FIXED, "tls")}
        return canon.encode({**hashes, "name": self.name, "url": self.url})

    @property
    def member(self) -> Member:
        """The member that this log key founds."""
        return member_id(self.log)

    def verifier(self, origin: str) -> notes.Verifier:
        """Return what verifies the checkpoints of this member's log `origin`."""
        return notes.Verifier(origin, notes.ED25519, self.log)

    def cosigners(self) -> tuple[notes.Verifier, notes.Verifier]:
        """Return what verifies this member's cosignatures: as witness, and as store."""
        return (
            notes.Verifier(witness_name(self.member), notes.COSIGNATURE, self.witness),
            notes.Verifier(store_name(self.member), notes.COSIGNATURE, self.store),
        )

    def check_next(self, later: KeyRecord) -> None:
        """Accept what may follow this record; raise VerificationError if it changes more than name, url and pin."""
        for name in _FIXED:
            if getattr(self, name) != getattr(later, name):
                raise VerificationError(
                    f"A later entry of the key history changes {name}; version 1 does not allow it."
                )


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

    def document(self) -> dict[str, object]:
        """Return the history as it stands in cards, proofs and evidence."""
        return history_document(self.note, self.entries)


def check_history(member: Member | None, note: bytes, entries: Sequence[Part]) -> KeyHistory:
    """Verify a whole history, of `member` if given; raise VerificationError unless every rule of page 2 holds.

    The note may carry other members' lines; the history that is returned keeps its own line only.
    """
    with verifying("key history"):
        if not entries:
            raise VerificationError("The key history is empty.")
        records = tuple(KeyRecord.read(_payload(each)) for each in entries)
        for later in records[1:]:
            records[0].check_next(later)
        found = records[0].member
        if member is not None and member != found:
            raise VerificationError(f"The key history is that of {b32(found)}, not of {b32(member)}.")
        verifier = records[0].verifier(keys_origin(found))
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


def _payload(part: Part) -> bytes:
    kind, _, _, payload = part
    if kind != KIND:
        raise VerificationError(f"A key history holds entries of kind {KIND} only, not {kind[:40]!r}.")
    return payload


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
