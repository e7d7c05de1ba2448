"""Bundles: the messages of a round as one stream of bytes, for members that share no network.

docs/protocol/9-bundle.md. Writing composes what the reader is supposed to lack; reading verifies while bytes come in
and keeps one message at most. The age format around it is the node's business.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final

from msgspec import Struct, structs

from entente.core import canon, keys, merkle
from entente.core.errors import LimitError, VerificationError
from entente.core.ids import ID_SIZE, Member, b32, origin_hash, unb32
from entente.exchange.messages import MAX_BODY, Head, Message, Refusal, Want, decode
from entente.ledger import witness
from entente.ledger.document import check_version, fields, from_b64, text, to_b64, verifying
from entente.ledger.history import KeyHistory, read_history

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from entente.exchange.round import Round
    from entente.store.ports import LogRow, Transaction

MAGIC: Final = b"entente-bundle/v1\n"
MAX_MANIFEST: Final = 512 << 10
MAX_FRAMES: Final = 16_384
MAX_BYTES: Final = 16 << 30
NONCE_SIZE: Final = 16

_FIELDS: Final = ("entente-bundle", "from", "to", "created", "nonce", "answers", "unsure", "keys")
_LENGTH: Final = 4
_BEGIN: Final = b"entente/bundle/v1\0"
_END: Final = b"entente/bundle-end/v1\0"


class BundleManifest(Struct, frozen=True, kw_only=True):
    """Who hands over to whom, when, in answer to which bundle, and with which keys it is signed."""

    sender: Member
    reader: Member
    created: int
    nonce: bytes
    answers: bytes
    unsure: bool
    keys: KeyHistory

    def body(self) -> bytes:
        """Return the canonical text."""
        return canon.encode(
            {
                "entente-bundle": 1,
                "from": b32(self.sender),
                "to": b32(self.reader),
                "created": self.created,
                "nonce": to_b64(self.nonce),
                "answers": to_b64(self.answers),
                "unsure": self.unsure,
                "keys": self.keys.document(),
            }
        )

    @classmethod
    def read(cls, data: bytes) -> BundleManifest:
        """Read a manifest and verify the key history in it; raise VerificationError unless all of it is in order."""
        with verifying("bundle"):
            found = fields(canon.decode(data, MAX_MANIFEST), _FIELDS, "manifest")
            check_version(found["entente-bundle"], "bundles")
            sender = Member(unb32(text(found["from"], "sender"), ID_SIZE))
            created, unsure = found["created"], found["unsure"]
            if type(created) is not int or created < 0 or not isinstance(unsure, bool):
                raise VerificationError("The manifest of the bundle has no time, or does not say whether it is unsure.")
            history = read_history(found["keys"])
            if history.member != sender:
                raise VerificationError("The keys in the bundle are not its sender's.")
            return cls(
                sender=sender,
                reader=Member(unb32(text(found["to"], "reader"), ID_SIZE)),
                created=created,
                nonce=from_b64(found["nonce"], "nonce", NONCE_SIZE),
                answers=from_b64(found["answers"], "nonce of the answer", NONCE_SIZE if found["answers"] else 0),
                unsure=unsure,
                keys=history,
            )


class PartnerBundle(Struct, frozen=True, kw_only=True):
    """What the newest bundle of a partner said, and what we did not take of it."""

    created: int = 0
    nonce: bytes = b""
    unsure: bool = False
    heads: list[Head] = []
    tally: bytes = b""
    wants: list[Want] = []
    withheld: list[bytes] = []
    owed: list[Refusal] = []


def write(manifest: BundleManifest, seed: bytes, bodies: Iterable[bytes]) -> Iterator[bytes]:
    """Return the bytes of a bundle, signed with the transport key; LimitError if a body or their number is too large.

    Bodies are asked for one at a time, so that no more than one is held.
    """
    data = manifest.body()
    _check_size("manifest", len(data), MAX_MANIFEST)
    head = MAGIC + _length(data) + data + keys.sign(seed, _BEGIN + data)
    digest = sha256(head)
    yield head
    for number, body in enumerate(bodies, 1):
        _check_size("message", len(body), MAX_BODY)
        _check_size("bundle", number, MAX_FRAMES, "messages")
        frame = _length(body) + body
        digest.update(frame)
        yield frame
    digest.update(bytes(_LENGTH))
    yield bytes(_LENGTH) + keys.sign(seed, _END + digest.digest())


class Parser:
    """Take the bytes of a bundle as they come; hold one message at most.

    `admit` is asked once, with the manifest, for the transport key of its sender, and raises to refuse; `take` gets
    each message with its body. Nothing is proven before `close` has returned.
    """

    def __init__(
        self,
        admit: Callable[[BundleManifest], bytes],
        take: Callable[[bytes, Message], None],
        *,
        max_frames: int = MAX_FRAMES,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        """Begin; the caps are those of the protocol unless a test wants smaller ones."""
        self._admit = admit
        self._take = take
        self._max_frames = max_frames
        self._max_bytes = max_bytes
        self._buffer = bytearray()
        self._digest = sha256()
        self._need = len(MAGIC)
        self._step: Callable[[bytes], None] | None = self._magic
        self._public = b""
        self._manifest = b""
        self._size = 0
        self._frames = 0

    def feed(self, data: bytes) -> None:
        """Take the next bytes; raise LimitError or VerificationError, or what `admit` and `take` raise."""
        self._size += len(data)
        _check_size("bundle", self._size, self._max_bytes)
        self._buffer += data
        while self._step is not None and len(self._buffer) >= self._need:
            chunk = bytes(self._buffer[: self._need])
            del self._buffer[: self._need]
            self._step(chunk)
        if self._step is None and self._buffer:
            raise VerificationError("Something follows the end of the bundle.")

    def close(self) -> None:
        """Say that there are no more bytes; VerificationError unless the bundle is complete, and so verified."""
        if self._step is not None:
            raise VerificationError("The bundle ends too early.", hint="Copy the file again from where it came.")

    def _next(self, need: int, step: Callable[[bytes], None] | None) -> None:
        self._need, self._step = need, step

    def _magic(self, chunk: bytes) -> None:
        if chunk != MAGIC:
            raise VerificationError("This is not a bundle of version 1.", hint="A newer Entente may have made it.")
        self._digest.update(chunk)
        self._next(_LENGTH, self._manifest_length)

    def _manifest_length(self, chunk: bytes) -> None:
        size = int.from_bytes(chunk, "big")
        if not 0 < size <= MAX_MANIFEST:
            raise VerificationError(f"The manifest of a bundle has at most {MAX_MANIFEST} bytes, and some.")
        self._digest.update(chunk)
        self._next(size, self._read_manifest)

    def _read_manifest(self, chunk: bytes) -> None:
        self._digest.update(chunk)
        self._manifest = chunk
        self._public = self._admit(BundleManifest.read(chunk))
        self._next(keys.SIGNATURE_SIZE, self._begin)

    def _begin(self, chunk: bytes) -> None:
        keys.verify(self._public, _BEGIN + self._manifest, chunk)
        self._digest.update(chunk)
        self._next(_LENGTH, self._frame_length)

    def _frame_length(self, chunk: bytes) -> None:
        self._digest.update(chunk)
        size = int.from_bytes(chunk, "big")
        if not size:
            self._next(keys.SIGNATURE_SIZE, self._end)
            return
        _check_size("message", size, MAX_BODY)
        self._frames += 1
        _check_size("bundle", self._frames, self._max_frames, "messages")
        self._next(size, self._frame)

    def _frame(self, chunk: bytes) -> None:
        self._digest.update(chunk)
        with verifying("message in the bundle"):
            message = decode(chunk)
        self._take(chunk, message)
        self._next(_LENGTH, self._frame_length)

    def _end(self, chunk: bytes) -> None:
        keys.verify(self._public, _END + self._digest.digest(), chunk)
        self._next(0, None)


def compose(tx: Transaction, round_: Round, known: PartnerBundle) -> Iterator[Message]:
    """Return the messages that the partner of this round is supposed to lack; the round must not be used elsewhere."""
    opening = round_.open(tx)
    yield structs.replace(opening, refusals=known.owed)
    yield from _entries(tx, round_, known)
    yield from _payloads(tx, round_, known.wants)
    said = round_.turn(tx, Message(tally=known.tally or bytes(merkle.HASH_SIZE)))
    if said.cosignatures:
        yield Message(cosignatures=said.cosignatures)


def _entries(tx: Transaction, round_: Round, known: PartnerBundle) -> Iterator[Message]:
    """Push until nothing is left, each time as if the partner had said how far it has come by now."""
    rows = {origin_hash(row.origin): row for row in round_.side.audience.common(tx, round_.partner).rows}
    held = {head.log: head for head in supposed(tx, round_, known) if head.log not in known.withheld}
    offered: set[bytes] = set()
    asking = Message(full=True, heads=list(held.values()), withheld=known.withheld)
    while True:
        reply = round_.turn(tx, asking)
        for offer in reply.offers:
            if offer not in offered:
                offered.add(offer)
                yield Message(offers=[offer])
        if not reply.parts:
            return
        yield Message(parts=reply.parts)
        for part in reply.parts:
            if part.packages:
                end = part.packages[-1].start + len(part.packages[-1].kind_of)
                held[part.log] = Head(part.log, end, witness.root_at(tx, rows[part.log], end))
        asking = Message(heads=list(held.values()))


def _payloads(tx: Transaction, round_: Round, wants: Sequence[Want]) -> Iterator[Message]:
    """Deliver what the partner asked for, as far as it is held."""
    left = list(wants)
    while left:
        deliveries = round_.turn(tx, Message(wants=left)).deliveries
        if not deliveries:
            return
        yield Message(deliveries=deliveries)
        done = {(each.log, each.index) for each in deliveries}
        rest = [Want(want.log, [at for at in want.indexes if (want.log, at) not in done]) for want in left]
        left = [want for want in rest if want.indexes]


def supposed(tx: Transaction, round_: Round, known: PartnerBundle) -> list[Head]:
    """Return the heads that the partner holds as far as we know; logs of which we know nothing are left out."""
    said = {head.log: head for head in known.heads}
    heads: list[Head] = []
    for row in round_.side.audience.common(tx, round_.partner).rows:
        log = origin_hash(row.origin)
        if row.member == round_.partner and not known.unsure:
            size = min(row.size, row.signed)
            heads.append(Head(log, size, witness.root_at(tx, row, size)))
            continue
        shown = _later(tx, row, round_.partner, said.get(log), known.created)
        if shown is not None:
            heads.append(shown)
    return heads


def _later(tx: Transaction, row: LogRow, partner: Member, shown: Head | None, created: int) -> Head | None:
    """Return the head that a partner showed in a bundle, or a larger one that it cosigned afterwards."""
    log = origin_hash(row.origin)
    signed = [each for each in witness.of_log(tx, log) if each.member == partner]
    since = [each for each in signed if (witness.time_of(each) + 1) * 1000 > created]
    if not since:
        return shown
    newest = max(since, key=lambda each: each.size)
    if shown is not None and shown.size >= newest.size:
        return shown
    return Head(log, newest.size, newest.root)


def newer(one: KeyHistory, other: KeyHistory) -> KeyHistory:
    """Return the longer of two histories of one member; VerificationError unless it begins with the other."""
    short, long = sorted((one, other), key=lambda each: each.size)
    if long.member != short.member or long.entries[: short.size] != short.entries:
        raise VerificationError(
            f"The keys in the bundle contradict those known of {b32(one.member)[:8]}.",
            hint="Ask the member for its words and its card by another way; somebody may write in its name.",
        )
    return long


def _length(data: bytes) -> bytes:
    return len(data).to_bytes(_LENGTH, "big")


def _check_size(what: str, size: int, limit: int, unit: str = "bytes") -> None:
    if size > limit:
        raise LimitError(
            f"A {what} has at most {limit:,} {unit}.", hint="Make bundles more often, so that each is smaller."
        )
