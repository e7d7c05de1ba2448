"""Cosignatures: what each member has seen (W) and holds (M) of each log, and the receipts that follow.

docs/protocol/2-ledger.md, "Cosignature" (C2SP tlog-cosignature); kept per log, signer and statement: the newest.
"""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from entente.core import note
from entente.core.errors import StoreError, VerificationError
from entente.core.ids import Member, b32, origin_hash, store_name, witness_name
from entente.ledger.log import frontier_at, root_of
from entente.store import shelf

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from entente.ledger.history import KeyRecord
    from entente.store.ports import LogRow, Transaction


class Stage(StrEnum):
    """How far an entry has come with a member; each stage includes the ones before it."""

    WITNESSED = "witnessed"
    STORED = "stored"
    READ = "read"
    USED = "used"


class Cosignature(Struct, frozen=True, array_like=True):
    """One member's statement about one head: stage, size, root, and the signed line."""

    log: bytes
    member: bytes
    stage: str
    size: int
    root: bytes
    line: str


_encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(Cosignature)


def _decode(data: bytes) -> Cosignature:
    try:
        return _decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as problem:
        hint = "Run `entente ledger verify`; restore the home from a backup."
        raise StoreError("A cosignature in this home is damaged.", hint=hint) from problem


HELD: Final[shelf.Shelf[Cosignature]] = shelf.Shelf("cosignature", _encode, _decode)
"""The newest cosignature of each member and stage, by log."""


def _key(log: bytes, member: bytes, stage: str) -> str:
    return f"{b32(log)}/{b32(member)}/{stage}"


def name_of(member: Member, stage: str) -> str:
    """Return the key name under which a member makes this statement."""
    return witness_name(member) if stage == Stage.WITNESSED else store_name(member)


def of_log(tx: Transaction, log: bytes) -> list[Cosignature]:
    """Return the newest statements about one log."""
    return HELD.values(tx, b32(log) + "/")


def cosign(
    tx: Transaction, row: LogRow, me: Member, *, witness_seed: bytes, store_seed: bytes, now: int
) -> list[Cosignature]:
    """State what we hold of another member's log, once for each size and key; return what is new (`now`: seconds)."""
    if row.size == 0 or row.size != row.signed or row.member == me or row.stopped:
        return []
    stages = {Stage.WITNESSED: witness_seed}
    if not tx.payloads.awaited(row.id, 1):
        stages[Stage.STORED] = store_seed
    made: list[Cosignature] = []
    log, root = origin_hash(row.origin), b""
    for stage, seed in stages.items():
        signer = note.Signer(name_of(me, stage), note.COSIGNATURE, seed)
        held = HELD.get(tx, _key(log, me, stage))
        if held is not None and held.size >= row.size and _key_id(held) == signer.verifier.key_id:
            continue
        root = root or root_of(row)
        line = note.cosign(note.Checkpoint(row.origin, row.size, root), signer, now)
        made.append(Cosignature(log, me, stage.value, row.size, root, line))
    for each in made:
        HELD.put(tx, _key(log, me, each.stage), each)
    return made


def holds(tx: Transaction, given: Cosignature) -> bool:
    """Say whether exactly this statement is held."""
    return HELD.get(tx, _key(given.log, given.member, given.stage)) == given


def take(tx: Transaction, row: LogRow, given: Cosignature, keys: KeyRecord) -> bool:
    """Keep another member's statement if it is newer than the one held; return whether it was.

    Of one size the one under the current key (`keys`) is newer.
    VerificationError if the signature does not hold, or holds for a root that is not ours (a split view).
    """
    if given.stage not in {Stage.WITNESSED, Stage.STORED}:
        raise VerificationError(f"{given.stage[:20]!r} is not a statement that a cosignature makes.")
    if not 0 < given.size <= row.size:
        return False
    key = _key(given.log, given.member, given.stage)
    public = keys.witness if given.stage == Stage.WITNESSED else keys.store
    verifier = note.Verifier(name_of(Member(given.member), given.stage), note.COSIGNATURE, public)
    held = HELD.get(tx, key)
    if held is not None and held.size >= given.size + (_key_id(held) != verifier.key_id):
        return False
    note.verify_cosignature(note.Checkpoint(row.origin, given.size, given.root), given.line, verifier)
    if root_at(tx, row, given.size) != given.root:
        raise VerificationError(
            f"Member {b32(given.member)[:8]} has signed another history of {row.origin}.", code="split-view"
        )
    HELD.put(tx, key, given)
    return True


def _key_id(given: Cosignature) -> bytes:
    return _named(given.line)


@lru_cache(maxsize=16_384)
def _named(line: str) -> bytes:
    return note.Signature.parse(line).key_id


def vouched(tx: Transaction, row: LogRow, me: Member) -> bytes:
    """Return the note of another member's log with our own witness line, if we have witnessed exactly this head."""
    held = HELD.get(tx, _key(origin_hash(row.origin), me, Stage.WITNESSED))
    if held is None or held.size != row.signed or held.line.encode() in row.note:
        return row.note
    return row.note + held.line.encode()


def seen_at(tx: Transaction, log: bytes, member: Member) -> int:
    """Return when a member witnessed the newest head of this log that it cosigned, in milliseconds; 0 for never."""
    held = HELD.get(tx, _key(log, member, Stage.WITNESSED))
    return 0 if held is None else time_of(held) * 1000


def time_of(given: Cosignature) -> int:
    """Return the time that the cosigner states, in seconds."""
    return note.cosigned_at(note.Signature.parse(given.line))


def root_at(tx: Transaction, row: LogRow, size: int) -> bytes:
    """Return the root that this log had at an earlier size."""
    return root_of(row) if size == row.size else frontier_at(tx, row, size).root()


def tally(tx: Transaction, rows: Iterable[LogRow]) -> bytes:
    """Return the digest over all statements about these logs (docs/protocol/4-exchange.md, "Round")."""
    lines = [
        each.log
        + each.member
        + (b"\1" if each.stage == Stage.WITNESSED else b"\2")
        + each.size.to_bytes(8, "big")
        + each.root
        + _key_id(each)
        for row in rows
        for each in of_log(tx, origin_hash(row.origin))
    ]
    return sha256(b"".join(sorted(lines))).digest()


def lines_for(tx: Transaction, row: LogRow, size: int) -> Sequence[Cosignature]:
    """Return the statements about exactly this size, to stand in a note or proof."""
    return [each for each in of_log(tx, origin_hash(row.origin)) if each.size == size]
