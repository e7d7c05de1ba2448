"""Claimed times that are not proven: an entry claims to be older than a head without it that we had witnessed.

docs/protocol/3-kinds.md, "Claimed time". What is found decides nothing; it is shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from entente.core.ids import Member, b32, origin_hash
from entente.ledger import witness
from entente.store import shelf

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entente.ledger.package import Column
    from entente.store.ports import LogRow, Transaction

UNPROVEN = shelf.number("unproven")
"""By entry: since when at the earliest it stands (ms)."""
SKEW = 5 * 60 * 1000
"""How far two honest clocks may differ, in milliseconds."""


def note(tx: Transaction, me: Member, row: LogRow, columns: Sequence[Column]) -> None:
    """Keep which of these new entries claim a time before we witnessed a head of this log without them."""
    earliest = min(each.time for each in columns)
    seen = witness.seen_at(tx, origin_hash(row.origin), me)
    if seen == 0 or earliest >= seen - SKEW:
        return
    for each in columns:
        if each.time < seen - SKEW:
            UNPROVEN.put(tx, _key(row, each.index), seen)


def not_before(tx: Transaction, row: LogRow, index: int) -> int:
    """Return since when at the earliest this entry stands (ms), 0 where its claimed time is not contradicted."""
    return UNPROVEN.get(tx, _key(row, index)) or 0


def _key(row: LogRow, index: int) -> str:
    return f"{b32(origin_hash(row.origin))}/{index:012d}"
