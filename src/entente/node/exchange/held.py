"""What the judges of acts about entries are told: of the logs that are held, and of the run that is being judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entente import kinds
from entente.core import entry
from entente.core.filed import HeldLog
from entente.core.ids import Member, origin_of
from entente.core.merkle import leaf_hash
from entente.kinds import CONTENT
from entente.node.items.consents import asks

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from entente.node.rooms.in_force import InForce
    from entente.node.rooms.room import Room
    from entente.store.ports import LogRow, Transaction


class HeldEntries:
    """What is held as of one transaction, as an act in one log of one room may ask for it (`core.filed.Holdings`)."""

    def __init__(
        self, tx: Transaction, in_force: InForce, room: Room, own: bytes, run: Callable[[int], tuple[bytes, str] | None]
    ) -> None:
        """Answer for an act in this room and in the log `own`; `run` gives leaf hash and kind of what comes now."""
        self._tx = tx
        self._in_force = in_force
        self._room = room
        self._own = own
        self._run = run
        self._rows: dict[bytes, LogRow | None] = {}

    def log(self, log: bytes) -> HeldLog | None:
        """Return the log with this origin hash, None if it is not held."""
        row = self._row(log)
        if row is None:
            return None
        placed = self._in_force.rooms.get(row.circle) if row.circle else None
        return HeldLog(Member(row.member), placed is not None and placed.circle == self._room.circle)

    def leaf(self, log: bytes, index: int) -> bytes:
        """Return the leaf hash of an entry, b"" while it is not held."""
        if found := self._coming(log, index):
            return found[0]
        stored = self._stored(log, index)
        return leaf_hash(stored[0]) if stored else b""

    def is_content(self, log: bytes, index: int) -> bool:
        """Say whether an entry that is held is content."""
        found = self._coming(log, index)
        return (found[1] if found else entry.parse(self._stored(log, index)[0]).kind) in CONTENT

    def members(self) -> Collection[Member]:
        """Return the members of the room in which the act stands."""
        return self._room.members

    def asked(self, author: Member, log: bytes, entries: Sequence[tuple[int, bytes]]) -> Collection[Member]:
        """Return for which members an author has asked to get exactly these entries of this log."""
        about = (author, log, tuple(entries))
        found = (each for each in asks(self._in_force).values() if (each.author, each.log, each.entries) == about)
        return {member for each in found for member in each.to}

    def check(self, kind: str, body: Mapping[str, object]) -> None:
        """Raise InvalidError unless this is a well-formed body of an act of this kind."""
        kinds.check(kind, body)

    def _row(self, log: bytes) -> LogRow | None:
        if log not in self._rows:
            self._rows[log] = self._tx.logs.get(origin_of(log))
        return self._rows[log]

    def _coming(self, log: bytes, index: int) -> tuple[bytes, str] | None:
        return self._run(index) if log == self._own else None

    def _stored(self, log: bytes, index: int) -> Sequence[bytes]:
        row = self._row(log)
        return [] if row is None else self._tx.logs.leaves(row.id, index, index + 1)
