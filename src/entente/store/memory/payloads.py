"""Payloads and salts in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from entente.core.errors import NotFoundError, StoreError
from entente.store.ports import PayloadRow

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from entente.store.memory.items import MemoryItems
    from entente.store.memory.state import MemoryWork
    from entente.store.ports import NewPayload


class MemoryPayloads:
    """The port `Payloads` in memory."""

    def __init__(self, work: MemoryWork, items: MemoryItems) -> None:
        """Work inside the transaction `work`; `items` is asked to drop item rows that lost their last entry."""
        self._work = work
        self._items = items

    def put(self, log: int, rows: Sequence[NewPayload]) -> None:
        """Store payloads; an index that has one already is left as it is, but for an item that `clear` took away.

        NotFoundError if `item` names no item row.
        """
        draft = self._work.draft
        for row in rows:
            self._work.log(log)
            held = draft.payloads.rows.get((log, row.index))
            if held is None:
                self._add(log, row)
            elif held.item < 0 and row.item:
                if self._items.bytes_of(row.item) != held.data:
                    raise StoreError(f"entry {row.index} of log {log} does not hold the bytes of item {row.item}")
                draft.payloads.change()[log, row.index] = replace(held, item=row.item)
                self._items.carry(row.item, log, row.index)
        self.settle(log, [row.index for row in rows])

    def get(self, log: int, start: int, stop: int) -> list[PayloadRow]:
        """Return the payloads held of entries `start` to `stop`, by index; those not held are left out."""
        rows = self._work.state.payloads.rows
        if stop - start > len(rows):
            return [_shown(rows[key]) for key in sorted(rows) if key[0] == log and start <= key[1] < stop]
        return [_shown(rows[log, index]) for index in range(start, stop) if (log, index) in rows]

    def acts(self, kinds: Sequence[str]) -> Iterator[PayloadRow]:
        """Return all acts of these kinds, by log and index."""
        chosen = sorted(key for key, kind in self._work.state.acts.rows.items() if kind in kinds)
        return (_shown(self._work.state.payloads.rows[key]) for key in chosen)

    def acts_of(self, log: int, kinds: Sequence[str], start: int) -> list[PayloadRow]:
        """Return the acts of these kinds in one log from index `start` on."""
        rows = self._work.state.acts.rows.items()
        chosen = sorted(key for key, kind in rows if key[0] == log and key[1] >= start and kind in kinds)
        return [_shown(self._work.state.payloads.rows[key]) for key in chosen]

    def moved(self, kinds: Sequence[str]) -> object:
        """Return a mark that changes when acts of these kinds go, a log is cut, or they come below the size of a log.

        Acts that come at the end of a log, before its new size is saved, do not change it.
        """
        return {kind: mark for kind, mark in self._work.state.moved.rows.items() if not kind or kind in kinds}

    def of_item(self, item: int) -> list[PayloadRow]:
        """Return every entry that carries this item row."""
        state = self._work.state
        return [state.payloads.rows[key] for key in sorted(state.carriers.rows.get(item, ()))]

    def drop(self, log: int, index: int) -> None:
        """Delete payload and salt of one entry; bytes that no other row needs are overwritten.

        The item row of a received object goes with its last entry; one of our own stays.
        """
        draft = self._work.draft
        row = draft.payloads.change().pop((log, index), None)
        if row is None:
            return
        if row.item > 0:
            self._items.uncarry(row.item, log, index)
        else:
            draft.acts.change().pop((log, index), None)
            draft.moved.change()[row.kind] = object()

    def truncate(self, log: int, size: int) -> None:
        """Drop every payload from index `size` on, and await none of them."""
        for of, index in [key for key in self._work.draft.payloads.rows if key[0] == log and key[1] >= size]:
            self.drop(of, index)
        awaited = self._work.draft.awaited.change()
        for key in [key for key in awaited if key[0] == log and key[1] >= size]:
            del awaited[key]
        self._work.draft.moved.change()[""] = object()

    def await_(self, log: int, indexes: Sequence[int]) -> None:
        """Remember that these entries have no payload here yet."""
        awaited = self._work.draft.awaited.change()
        for index in indexes:
            self._work.log(log)
            awaited[log, index] = None

    def awaited(self, log: int, limit: int = 1000) -> list[int]:
        """Return entries whose payload is still to come, smallest first; `put` and `settle` take them off."""
        return sorted(index for of, index in self._work.state.awaited.rows if of == log)[: max(limit, 0)]

    def settle(self, log: int, indexes: Sequence[int]) -> None:
        """Await these entries no longer (their payload was refused)."""
        if self._work.draft.awaited.rows:
            awaited = self._work.draft.awaited.change()
            for index in indexes:
                awaited.pop((log, index), None)

    def _add(self, log: int, new: NewPayload) -> None:
        data = self._items.bytes_of(new.item) if new.item else new.data
        if data is None:
            raise NotFoundError(f"there is no item number {new.item} for a payload")
        row = PayloadRow(log, new.index, new.kind, new.time, new.salt, new.head, data, new.item)
        self._work.draft.payloads.change()[log, new.index] = row
        if new.item:
            self._items.carry(new.item, log, new.index)
        else:
            self._work.draft.acts.change()[log, new.index] = new.kind
            if new.index < self._work.state.logs.rows[log].size:
                self._work.draft.moved.change()[new.kind] = object()


def _shown(row: PayloadRow) -> PayloadRow:
    """Return a payload without the item that `clear` took away, which is kept as a negative number."""
    return row if row.item >= 0 else replace(row, item=0)
