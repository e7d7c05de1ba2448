"""The entries of a key history: what one `key/1` or `key/2` act says, and what may follow it.

docs/protocol/2-ledger.md, "Key history".
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from msgspec import Struct, structs

from entente.core import canon, keys
from entente.core import note as notes
from entente.core.errors import InvalidError, VerificationError
from entente.core.ids import ID_SIZE, Member, b32, member_id, store_name, unb32, witness_name
from entente.core.names import check_name
from entente.ledger.document import fields, from_b64, text, to_b64

if TYPE_CHECKING:
    from collections.abc import Sequence

FIRST: Final = "key/1"
SEALED: Final = "key/2"
KINDS: Final = (FIRST, SEALED)
MAX_URL: Final = 512

_HASHES: Final = ("log", "witness", "store", "transport", "next")
_FIELDS: Final = {
    FIRST: (*_HASHES, "name", "tls", "url"),
    SEALED: (*_HASHES, "handover", "name", "seal", "tls", "url"),
}
_USES: Final = ("log", "witness", "store", "transport", "seal")
_URL: Final = re.compile(r"[!-~]*")
_MAX_PAYLOAD: Final = 8 * 1024
_HANDOVER: Final = b"entente/handover/v1\0"


class KeyRecord(Struct, frozen=True, kw_only=True):
    """The payload of a key act: the public keys, the certificate's pin, the next log key's hash, name, address.

    `seal` is the X25519 key that bundles for this member are sealed to, empty in a `key/1` act. `handover` is the
    signature by which the log key before hands over to this one, empty where the log key stays or was lost.
    """

    log: bytes
    witness: bytes
    store: bytes
    transport: bytes
    next: bytes
    name: str
    url: str = ""
    tls: bytes = b""
    seal: bytes = b""
    handover: bytes = b""

    def __post_init__(self) -> None:
        """Refuse what no history may hold: InvalidError if malformed, VerificationError for a weak or a doubled key."""
        for public in (self.log, self.witness, self.store, self.transport):
            keys.check_public(public)
        if self.seal:
            keys.check_sealing(self.seal)
        publics = [public for public in (getattr(self, use) for use in _USES) if public]
        if len(set(publics)) != len(publics):
            raise VerificationError("One public key stands for two uses; a signature would say two things.")
        if len(self.next) != ID_SIZE or len(self.tls) not in {0, ID_SIZE}:
            raise InvalidError("The hashes of the next key and of the certificate's key have 32 bytes.")
        if len(self.handover) not in {0, keys.SIGNATURE_SIZE} or (self.handover and not self.seal):
            raise InvalidError(f"A handover is a signature of 64 bytes in an act of kind {SEALED}.")
        check_name(self.name)
        if len(self.url) > MAX_URL or _URL.fullmatch(self.url) is None:
            raise InvalidError(f"A url has at most {MAX_URL} printable ASCII characters and no spaces.")

    @classmethod
    def read(cls, payload: bytes, kind: str) -> KeyRecord:
        """Read a payload; raise InvalidError unless it is spelt as `body` spells it, else what building it raises."""
        if kind not in KINDS:
            raise VerificationError(f"A key history holds entries of kind {' or '.join(KINDS)}, not {kind[:40]!r}.")
        found = fields(canon.decode(payload, _MAX_PAYLOAD), _FIELDS[kind], "key act")
        tls, handover = text(found["tls"], "pin"), found.get("handover", "")
        hashes = {name: unb32(text(found[name], f"{name} key"), ID_SIZE) for name in _HASHES}
        return cls(
            **hashes,
            tls=unb32(tls, ID_SIZE) if tls else b"",
            name=text(found["name"], "name"),
            url=text(found["url"], "url"),
            seal=unb32(text(found["seal"], "seal key"), ID_SIZE) if kind == SEALED else b"",
            handover=from_b64(handover, "handover", keys.SIGNATURE_SIZE) if handover != "" else b"",
        )

    def body(self) -> bytes:
        """Return the canonical payload, of the kind that `kind` says."""
        body = {**{name: b32(getattr(self, name)) for name in (*_HASHES, "tls")}, "name": self.name, "url": self.url}
        if self.seal:
            body |= {"seal": b32(self.seal), "handover": to_b64(self.handover)}
        return canon.encode(dict(body))

    @property
    def kind(self) -> str:
        """The kind of act that says this."""
        return SEALED if self.seal else FIRST

    @property
    def recipient(self) -> str:
        """The sealing key as the age format spells it, "" if there is none."""
        return keys.recipient(self.seal) if self.seal else ""

    def verifier(self, origin: str) -> notes.Verifier:
        """Return what verifies the checkpoints that this log key signs in the log `origin`."""
        return notes.Verifier(origin, notes.ED25519, self.log)

    def cosigners(self, member: Member) -> tuple[notes.Verifier, notes.Verifier]:
        """Return what verifies the cosignatures of `member`, whose record this is: as witness, and as store."""
        return (
            notes.Verifier(witness_name(member), notes.COSIGNATURE, self.witness),
            notes.Verifier(store_name(member), notes.COSIGNATURE, self.store),
        )

    def handed_over(self, member: Member, seed: bytes) -> KeyRecord:
        """Return this record with the word of the log key before it, whose private seed this is."""
        return structs.replace(self, handover=keys.sign(seed, self._handover_text(member)))

    def check_next(self, later: KeyRecord, member: Member) -> None:
        """Accept the record that follows this one in the history of `member`; raise VerificationError otherwise."""
        if self.seal and not later.seal:
            raise VerificationError("A later entry of the key history takes the sealing key away.")
        if later.log == self.log:
            if later.next != self.next or later.handover:
                raise VerificationError("An entry that keeps the log key changes the next one, or hands over.")
            return
        if sha256(later.log).digest() != self.next:
            raise VerificationError("The new log key is not the one that the key history committed to.")
        if later.next == self.next:
            raise VerificationError("A new log key commits to itself as the next one.")
        if later.handover:
            keys.verify(self.log, later._handover_text(member), later.handover)

    def _handover_text(self, member: Member) -> bytes:
        return _HANDOVER + member + sha256(structs.replace(self, handover=b"").body()).digest()


def check_records(records: Sequence[KeyRecord]) -> Member:
    """Return whose history these records make; raise VerificationError unless each may follow the ones before it."""
    member = member_id(records[0].log)
    if records[0].handover:
        raise VerificationError("The first entry of a key history takes over from nobody.")
    used: set[bytes] = set()
    before: KeyRecord | None = None
    for record in records:
        if before is not None:
            before.check_next(record, member)
        fresh = {getattr(record, use) for use in _USES if getattr(record, use) != getattr(before, use, b"")}
        if used & fresh:
            raise VerificationError("A key that was retired, or that has another use, comes back.")
        used |= fresh - {b""}
        before = record
    return member
