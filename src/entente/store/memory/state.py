"""What the memory store holds at one moment, and the one transaction that may change it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, TypeVar

from entente.core.errors import StoreError
from entente.store.ports import LogRow, NewItem, PayloadRow, Snapshot

Key = TypeVar("Key")
Row = TypeVar("Row")


class Table(Generic[Key, Row]):
    """Rows by key that a later state shares until it changes them."""

    __slots__ = ("_shared", "rows")

    rows: dict[Key, Row]

    def __init__(self, rows: dict[Key, Row] | None = None, *, shared: bool = False) -> None:
        """Hold `rows`, which are copied before a change if they are `shared`."""
        self.rows = {} if rows is None else rows
        self._shared = shared

    def fork(self) -> Table[Key, Row]:
        """Return the same rows for the next state."""
        return Table(self.rows, shared=True)

    def change(self) -> dict[Key, Row]:
        """Return the rows to be changed in place; no other state sees that."""
        if self._shared:
            self.rows = dict(self.rows)
            self._shared = False
        return self.rows


@dataclass(slots=True)
class MemoryState:
    """Everything that is stored, at one moment."""

    logs: Table[int, LogRow] = field(default_factory=Table[int, LogRow])
    leaves: Table[int, list[bytes]] = field(default_factory=Table[int, list[bytes]])
    nodes: Table[int, list[list[bytes]]] = field(default_factory=Table[int, list[list[bytes]]])
    payloads: Table[tuple[int, int], PayloadRow] = field(default_factory=Table[tuple[int, int], PayloadRow])
    acts: Table[tuple[int, int], str] = field(default_factory=Table[tuple[int, int], str])
    awaited: Table[tuple[int, int], None] = field(default_factory=Table[tuple[int, int], None])
    items: Table[int, NewItem] = field(default_factory=Table[int, NewItem])
    ids: Table[str, tuple[int, ...]] = field(default_factory=Table[str, tuple[int, ...]])
    carriers: Table[int, frozenset[tuple[int, int]]] = field(default_factory=Table[int, frozenset[tuple[int, int]]])
    words: Table[int, tuple[str, ...]] = field(default_factory=Table[int, tuple[str, ...]])
    records: Table[tuple[str, str], bytes] = field(default_factory=Table[tuple[str, str], bytes])
    moved: Table[str, object] = field(default_factory=Table[str, object])
    seq: int = 0
    indexed: int = 0
    mark: object = field(default_factory=object)

    def fork(self) -> MemoryState:
        """Return a state that begins as this one and changes alone."""
        return MemoryState(
            logs=self.logs.fork(),
            leaves=self.leaves.fork(),
            nodes=self.nodes.fork(),
            payloads=self.payloads.fork(),
            acts=self.acts.fork(),
            awaited=self.awaited.fork(),
            items=self.items.fork(),
            ids=self.ids.fork(),
            carriers=self.carriers.fork(),
            words=self.words.fork(),
            records=self.records.fork(),
            moved=self.moved.fork(),
            seq=self.seq,
            indexed=self.indexed,
            mark=self.mark,
        )


class MemoryWork:
    """What the four ports of one transaction share: the state they read and, in a write transaction, change."""

    def __init__(self, state: MemoryState, *, writable: bool) -> None:
        """Work on `state`."""
        self._state: MemoryState | None = state
        self._writable = writable
        self._start = state.mark

    @property
    def state(self) -> MemoryState:
        """Return the state to read; StoreError when the transaction is over."""
        if self._state is None:
            raise StoreError("the transaction is over", hint="read what you need inside its block")
        return self._state

    @property
    def draft(self) -> MemoryState:
        """Return the state to change; StoreError in a read transaction."""
        if not self._writable:
            raise StoreError("this transaction only reads")
        self.state.mark = object()
        return self.state

    def seen(self) -> Snapshot:
        """Return what tells the bytes that are seen now from all others; each use of the draft counts as a change."""
        return Snapshot(self.state.mark, self.state.mark is self._start)

    def log(self, log: int) -> None:
        """Raise StoreError unless there is this log."""
        if log not in self.state.logs.rows:
            raise StoreError(f"there is no log number {log}")

    def end(self) -> None:
        """Refuse all further use."""
        self._state = None
