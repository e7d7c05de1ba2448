"""Messages between members: what a round says, as bounded bytes (docs/protocol/4-exchange.md, "Body")."""

from __future__ import annotations

from typing import Final

import msgspec
import zstandard
from msgspec import Struct

from entente.core import merkle
from entente.core.errors import InvalidError, LimitError
from entente.ledger.package import Package
from entente.ledger.witness import Cosignature

MAX_BODY: Final = 4 << 20
MAX_INFLATED: Final = 16 << 20
MAX_HEADS: Final = 4096
MAX_OFFERS: Final = 16
MAX_OFFER: Final = 2 << 20
MAX_PARTS: Final = 1024
MAX_STRAYS: Final = 4
"""Offers of acts of forked logs that one message holds, and that are taken in one round."""
MAX_COSIGNATURES: Final = 8192
MAX_WANTED: Final = 4096
NAME_SIZE: Final = 16
MAX_NAMES: Final = 16384
MAX_NAMED: Final = 1 << 20
"""Bytes of names of acts in one message."""
BUDGET: Final = 2_000_000
"""Bytes of payloads and offers in one message, up to one payload (2 MiB) more: it fits MAX_BODY uncompressed."""
CONTENT_TYPE: Final = "application/vnd.entente.message"


class Head(Struct, frozen=True, array_like=True):
    """How far the sender holds a log: origin hash, size, root."""

    log: bytes
    size: int
    root: bytes


class Part(Struct, frozen=True, array_like=True):
    """Entries of one log under one signed head.

    `root` and `link` tie the size that the receiver holds to the note: its root in the sender's tree and the proof of
    consistency. Where the receiver's own root is another one they are what makes evidence of it.
    """

    log: bytes
    note: bytes
    packages: list[Package]
    root: bytes = b""
    link: list[bytes] = []


class Want(Struct, frozen=True, array_like=True):
    """Payloads that the sender lacks."""

    log: bytes
    indexes: list[int]


class Delivery(Struct, frozen=True, array_like=True):
    """One payload with its salt."""

    log: bytes
    index: int
    salt: bytes
    payload: bytes


class Refusal(Struct, frozen=True, array_like=True):
    """What the sender would not take: a code, the log, circle or agreement concerned, a sentence."""

    code: str
    subject: str
    text: str


class Stopped(Struct, frozen=True, array_like=True):
    """A log that evidence has stopped at the sender: a digest of the acts that it holds of this log, and their names.

    `names`: the first 16 bytes of each leaf hash, sorted; None unless the receiver has shown another digest.
    """

    log: bytes
    digest: bytes
    names: bytes | None = None


class Message(Struct, frozen=True, array_like=True):
    """One side's turn in a round."""

    version: int = 1
    full: bool = False
    heads: list[Head] = []
    tally: bytes = b""
    offers: list[bytes] = []
    parts: list[Part] = []
    cosignatures: list[Cosignature] = []
    wants: list[Want] = []
    deliveries: list[Delivery] = []
    refusals: list[Refusal] = []
    more: bool = False
    withheld: list[bytes] = []
    stopped: list[Stopped] = []

    def empty(self) -> bool:
        """Say whether there is nothing in it that the other side must take or answer."""
        return not (
            self.full
            or self.heads
            or self.offers
            or self.parts
            or self.cosignatures
            or self.wants
            or self.deliveries
            or self.more
            or any(each.names is not None for each in self.stopped)
        )

    def changes(self) -> bool:
        """Say whether taking it may change the receiver's store."""
        return bool(self.offers or self.parts or self.cosignatures or self.deliveries)


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Message)


def encode(message: Message) -> bytes:
    """Return the body of a request or answer."""
    return zstandard.ZstdCompressor(level=3).compress(_encoder.encode(message))


def decode(body: bytes) -> Message:
    """Read a body; raise LimitError where it is too large and InvalidError where it is not a message."""
    if len(body) > MAX_BODY:
        raise LimitError(f"A message has at most {MAX_BODY} bytes, this one {len(body)}.")
    decompressor = zstandard.ZstdDecompressor(max_window_size=MAX_INFLATED)
    try:
        with decompressor.stream_reader(body, read_across_frames=True) as reader:
            data = reader.read(MAX_INFLATED + 1)
    except (zstandard.ZstdError, MemoryError) as problem:
        raise InvalidError("The body is not a zstd frame of a permitted size.") from problem
    if len(data) > MAX_INFLATED:
        raise LimitError(f"A message inflates to at most {MAX_INFLATED} bytes.")
    try:
        message = _decoder.decode(data)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as problem:
        raise InvalidError(f"The body is not a message: {problem}") from problem
    _check(message)
    return message


def _check(message: Message) -> None:
    if message.version != 1:
        raise InvalidError(f"Messages of version {message.version} are not known here.", hint="Update Entente.")
    counts = (
        (message.heads, MAX_HEADS),
        (message.offers, MAX_OFFERS),
        (message.parts, MAX_PARTS),
        (message.cosignatures, MAX_COSIGNATURES),
        (message.wants, MAX_PARTS),
        (message.deliveries, MAX_WANTED),
        (message.refusals, MAX_PARTS),
        (message.withheld, MAX_HEADS),
        (message.stopped, MAX_HEADS),
    )
    if any(len(rows) > limit for rows, limit in counts):
        raise LimitError("A message holds too many rows.")
    if sum(len(want.indexes) for want in message.wants) > MAX_WANTED:
        raise LimitError(f"A message asks for at most {MAX_WANTED} payloads.")
    if len({part.log for part in message.parts}) < len(message.parts):
        raise InvalidError("A message holds two parts of one log.")
    if any(len(offer) > MAX_OFFER for offer in message.offers):
        raise LimitError(f"An offer has at most {MAX_OFFER} bytes.")
    hashes = [head.log for head in message.heads] + [head.root for head in message.heads]
    hashes += [part.log for part in message.parts] + [want.log for want in message.wants]
    hashes += [each.log for each in message.deliveries] + message.withheld
    hashes += [value for each in message.stopped for value in (each.log, each.digest)]
    hashes += [value for each in message.cosignatures for value in (each.log, each.member, each.root)]
    if any(len(value) != merkle.HASH_SIZE for value in hashes):
        raise InvalidError("An id or hash in a message has not 32 bytes.")
    if sum(len(each.names or b"") for each in message.stopped) > MAX_NAMED:
        raise LimitError(f"A message names at most {MAX_NAMED} bytes of acts.")
    if any(not 0 <= head.size <= merkle.MAX_SIZE for head in message.heads):
        raise InvalidError("A head names an impossible size.")
