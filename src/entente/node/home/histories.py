"""Key histories of members as a home holds them, verified once for each size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entente.core.errors import EntenteError, NotFoundError
from entente.core.ids import Member, b32, keys_origin
from entente.ledger import keys as key_logs

if TYPE_CHECKING:
    from entente.ledger.history import KeyHistory
    from entente.store.ports import Transaction


class Histories:
    """Verified key histories by member; kept in this process for each size of the log."""

    def __init__(self, me: Member) -> None:
        """Start empty; `me` is whose home it is."""
        self._me = me
        self._known: dict[tuple[bytes, int], KeyHistory] = {}

    def of(self, tx: Transaction, member: Member) -> KeyHistory:
        """Return a member's verified key history; NotFoundError if none is held."""
        row = key_logs.open_log(tx, member) if member == self._me else tx.logs.get(keys_origin(member))
        if row is None or row.size == 0:
            raise NotFoundError(f"No keys are known of member {b32(member)[:8]}.", hint="Pair with it first.")
        key = (member, row.size)
        if key not in self._known:
            self._known[key] = key_logs.history(tx, member)
        return self._known[key]

    def name_of(self, tx: Transaction, member: Member) -> str:
        """Return a member's name, its short id while no keys of it are held."""
        try:
            return self.of(tx, member).current.name
        except EntenteError:
            return b32(member)[:8]
