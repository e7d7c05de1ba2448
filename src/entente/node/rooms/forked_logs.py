"""Strays: acts of a forked log from another history than the one held here. They are kept, and they count.

docs/protocol/2-ledger.md, "What a forked log leaves". What is kept of each is what a fold reads, and the proof file.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from entente.core import canon
from entente.core.ids import Member, b32, origin_hash
from entente.core.kind import Act, Place
from entente.kinds import FOLDED
from entente.store import shelf

if TYPE_CHECKING:
    from entente.store.ports import LogRow, PayloadRow, Transaction

DIGESTS: Final = shelf.raw("stray-digest")
"""By origin: what tells the set of acts held of a forked log from another."""

_FOLDED: Final = [kind.name for kind in FOLDED]


class Stray(Struct, frozen=True, array_like=True):
    """What is kept of a stray: what a fold reads of it, and the file that proves it."""

    index: int
    leaf: bytes
    kind: str
    time: int
    data: bytes
    proof: bytes


STRAYS: Final = shelf.msgpack("stray", Stray)
"""Strays by reference."""


def get(tx: Transaction, ref: str) -> Stray | None:
    """Return the stray with this reference."""
    return STRAYS.get(tx, ref)


def of_log(tx: Transaction, log: bytes) -> list[Stray]:
    """Return the strays of a log (its origin hash)."""
    return STRAYS.values(tx, f"{b32(log)}/")


def keep(tx: Transaction, place: Place, stray: Stray) -> None:
    """Keep a stray; call `note` when all of them are kept."""
    STRAYS.put(tx, place.ref, stray)


def acts(tx: Transaction, row: LogRow) -> list[Act]:
    """Return the strays of a log as a fold reads them."""
    log, author = origin_hash(row.origin), Member(row.member)
    return [
        Act(Place(log, each.index, each.leaf), author, row.circle, each.kind, each.time, canon.load(each.data))
        for each in of_log(tx, log)
    ]


def held(tx: Transaction, row: LogRow) -> dict[tuple[int, bytes], Stray | PayloadRow]:
    """Return the acts held of a log with their payload, in whichever history, by index and leaf hash."""
    found: dict[tuple[int, bytes], Stray | PayloadRow] = {
        (each.index, each.leaf): each for each in of_log(tx, origin_hash(row.origin))
    }
    own = tx.payloads.acts_of(row.id, _FOLDED, 0)
    return found | {(each.index, tx.logs.node(row.id, 0, each.index)): each for each in own}


def digest(tx: Transaction, row: LogRow) -> bytes:
    """Return what tells the set of acts held of a forked log from another set (docs/protocol/4-exchange.md)."""
    return DIGESTS.get(tx, row.origin) or _digest(tx, row)


def note(tx: Transaction, row: LogRow) -> None:
    """Note that the acts held of a forked log have changed."""
    DIGESTS.put(tx, row.origin, _digest(tx, row))


def _digest(tx: Transaction, row: LogRow) -> bytes:
    return sha256(b"".join(sorted(leaf for _, leaf in held(tx, row)))).digest()
