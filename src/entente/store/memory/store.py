"""A home's bytes in memory: the same promises as on disk but durability, for tests, simulations and dry runs."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from copy import deepcopy
from typing import TYPE_CHECKING, Final

from entente.core.errors import StoreError
from entente.store.memory.items import MemoryItems
from entente.store.memory.logs import MemoryLogs
from entente.store.memory.payloads import MemoryPayloads
from entente.store.memory.state import MemoryState, MemoryWork

if TYPE_CHECKING:
    from collections.abc import Generator

    from entente.store.ports import ItemCopies, Logs, Payloads, Records, Snapshot, Transaction

BUSY_SECONDS: Final = 60.0


class MemoryRecords:
    """The port `Records` in memory."""

    def __init__(self, work: MemoryWork) -> None:
        """Work inside the transaction `work`."""
        self._work = work

    def get(self, space: str, key: str) -> bytes | None:
        """Return the document or None."""
        return self._work.state.records.rows.get((space, key))

    def put(self, space: str, key: str, value: bytes) -> None:
        """Store the document, replacing the one before it."""
        self._work.draft.records.change()[space, key] = value

    def delete(self, space: str, key: str) -> None:
        """Forget the document; unknown keys are no error."""
        self._work.draft.records.change().pop((space, key), None)

    def scan(self, space: str, prefix: str = "") -> list[tuple[str, bytes]]:
        """Return all (key, document) of a space whose key begins with `prefix`, by key."""
        rows = self._work.state.records.rows.items()
        return sorted((key, value) for (of, key), value in rows if of == space and key.startswith(prefix))


class MemoryTransaction:
    """The four ports inside one transaction."""

    __slots__ = ("_work", "items", "logs", "payloads", "records")

    logs: Logs
    payloads: Payloads
    items: ItemCopies
    records: Records

    def __init__(self, work: MemoryWork) -> None:
        """Open the ports on one piece of work."""
        items = MemoryItems(work)
        payloads = MemoryPayloads(work, items)
        self.items = items
        self.payloads = payloads
        self.logs = MemoryLogs(work, payloads)
        self.records = MemoryRecords(work)
        self._work = work

    def seen(self) -> Snapshot:
        """Return what tells the bytes that are seen now from all others."""
        return self._work.seen()


class MemoryStore:
    """The port `Store` in memory: a commit replaces the state, so readers keep the one they began with."""

    def __init__(self) -> None:
        """Begin empty."""
        self._state = MemoryState()
        self._version = 0
        self._undone = 0
        self._lock = threading.Lock()
        self._writing: int | None = None
        self._closed = False

    @contextmanager
    def write(self) -> Generator[Transaction]:
        """Open the one write transaction; it counts when the block ends.

        StoreError if another writer does not end in time, or if this thread is inside a write transaction already.
        """
        me = threading.get_ident()
        if self._writing == me:
            raise StoreError("a write transaction is open in this thread already", hint="end it first")
        if not self._lock.acquire(timeout=BUSY_SECONDS):
            raise StoreError(f"another writer held the store for {BUSY_SECONDS:g} seconds", hint="try again later")
        try:
            self._writing = me
            draft = self._open().fork()
            work = MemoryWork(draft, writable=True)
            try:
                yield MemoryTransaction(work)
            except BaseException:
                self._undone += 1
                raise
            finally:
                work.end()
            self._state = draft
            self._version += 1
        finally:
            self._writing = None
            self._lock.release()

    @contextmanager
    def read(self) -> Generator[Transaction]:
        """Open a read transaction on one unchanging state."""
        work = MemoryWork(self._open(), writable=False)
        try:
            yield MemoryTransaction(work)
        finally:
            work.end()

    def version(self) -> int:
        """Return a number that changes whenever anybody has committed."""
        self._open()
        return self._version

    def undone(self) -> int:
        """Return how many write transactions of this process ended without a commit."""
        return self._undone

    def purge(self) -> bool:
        """Say that nothing is left: what was erased is in no state that a new reader sees."""
        self._open()
        return True

    def damage(self, *, thorough: bool = False) -> list[str]:  # noqa: ARG002 - there is nothing to look at
        """Say that nothing is damaged."""
        self._open()
        return []

    def twin(self) -> MemoryStore:
        """Return a store with the same bytes that goes its own way from here on, like the copy of a home."""
        other = MemoryStore()
        other._state = deepcopy(self._open())
        return other

    def close(self) -> None:
        """Refuse all further use."""
        self._closed = True

    def _open(self) -> MemoryState:
        if self._closed:
            raise StoreError("the store is closed", hint="open it again")
        return self._state
