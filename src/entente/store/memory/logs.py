"""Logs in memory: leaves, and the hashes of all complete subtrees by level."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from entente.core import merkle
from entente.core.errors import ConflictError, NotFoundError, StoreError
from entente.store import leaves as rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entente.store.memory.payloads import MemoryPayloads
    from entente.store.memory.state import MemoryWork
    from entente.store.ports import LogRow


class MemoryLogs:
    """The port `Logs` in memory."""

    def __init__(self, work: MemoryWork, payloads: MemoryPayloads) -> None:
        """Work inside the transaction `work`; `payloads` is asked to drop those of leaves that go."""
        self._work = work
        self._payloads = payloads

    def add(self, row: LogRow) -> LogRow:
        """Create an empty log (its `id` is chosen here); ConflictError if the origin exists."""
        if self.get(row.origin) is not None:
            raise ConflictError(f"there is a log with the origin {row.origin}")
        logs = self._work.draft.logs.change()
        number = len(logs) + 1
        logs[number] = replace(row, id=number)
        return logs[number]

    def get(self, origin: str) -> LogRow | None:
        """Return the log of this origin."""
        return next((row for row in self._work.state.logs.rows.values() if row.origin == origin), None)

    def all(self) -> list[LogRow]:
        """Return every log, oldest first."""
        return list(self._work.state.logs.rows.values())

    def save(self, row: LogRow) -> None:
        """Store all columns of a log but its id and origin; NotFoundError if there is no such log."""
        logs = self._work.draft.logs.change()
        if row.id not in logs:
            raise NotFoundError(f"there is no log number {row.id}")
        logs[row.id] = replace(row, origin=logs[row.id].origin)

    def append(self, log: int, start: int, leaves: Sequence[bytes], hashes: Sequence[bytes]) -> None:
        """Store leaves and leaf hashes from index `start`, which must be the number held (StoreError otherwise)."""
        self._work.log(log)
        held = self._work.draft.leaves.rows.get(log, [])
        if start != len(held):
            raise StoreError(f"log {log} holds {len(held)} leaves, so none can be stored from {start} on")
        rows.check(leaves, hashes)
        self._work.draft.leaves.change()[log] = [*held, *leaves]
        self._work.draft.nodes.change()[log] = _grown(self._work.draft.nodes.rows.get(log, []), hashes)

    def leaves(self, log: int, start: int, stop: int) -> list[bytes]:
        """Return the leaves `start` to `stop`, end exclusive; fewer where the log ends."""
        return self._work.state.leaves.rows.get(log, [])[start : max(start, stop)]

    def node(self, log: int, level: int, index: int) -> bytes:
        """Return the hash of the complete subtree of 2**level leaves number `index` (RFC 6962 section 2.1).

        NotFoundError if the log does not hold all of these leaves.
        """
        levels = self._work.state.nodes.rows.get(log, [])
        if level >= len(levels) or index >= len(levels[level]):
            raise NotFoundError(f"log {log} does not hold the subtree {index} of level {level}")
        return levels[level][index]

    def truncate(self, log: int, size: int) -> None:
        """Forget leaves, hashes and payloads from index `size` on; for unsigned leaves of our own only."""
        self._payloads.truncate(log, size)
        draft = self._work.draft
        draft.leaves.change()[log] = draft.leaves.rows.get(log, [])[:size]
        levels = draft.nodes.rows.get(log, [])
        draft.nodes.change()[log] = [hashes[: size >> level] for level, hashes in enumerate(levels)]


def _grown(levels: Sequence[Sequence[bytes]], hashes: Sequence[bytes]) -> list[list[bytes]]:
    """Return a copy of all levels of a tree to which leaf hashes were added."""
    grown = [[*(levels[0] if levels else ()), *hashes]]
    while len(below := grown[-1]) > 1:
        level = list(levels[len(grown)]) if len(grown) < len(levels) else []
        level.extend(merkle.node_hash(below[2 * n], below[2 * n + 1]) for n in range(len(level), len(below) // 2))
        grown.append(level)
    return grown
