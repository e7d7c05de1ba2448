"""What a home keeps of its pairing with each partner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from entente.core.ids import Member, b32
from entente.store import shelf

if TYPE_CHECKING:
    from entente.store.ports import Transaction


class Pairing(Struct, frozen=True):
    """How far a pairing has come since `since` (ms): what each side said, and whether it is dead."""

    since: int
    ours: bool = False
    theirs: bool = False
    dead: bool = False

    @property
    def state(self) -> str:
        """The word that people read."""
        if self.dead:
            return "dead"
        if self.ours and self.theirs:
            return "paired"
        return "waiting" if self.ours else "met"


PAIRINGS: Final = shelf.json("partner", Pairing)
"""Pairings by member id (b32)."""


def pairing(tx: Transaction, member: Member) -> Pairing | None:
    """Return what is known of a pairing with this member."""
    return PAIRINGS.get(tx, b32(member))


def is_paired(tx: Transaction, member: Member) -> bool:
    """Say whether both sides have accepted."""
    record = pairing(tx, member)
    return record is not None and record.state == "paired"
