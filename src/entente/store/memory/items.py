"""The projection of items in memory, and a full-text search that answers as the one on disk does."""

from __future__ import annotations

import re
import unicodedata
from math import log as ln
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from entente.store.names import keys_from, parts
from entente.store.newest import newest
from entente.store.ports import NewItem
from entente.store.texts import text_of, words_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entente.store.memory.state import MemoryWork
    from entente.store.ports import ItemQuery, ItemRow

SATURATION: Final = 1.2
LENGTH_WEIGHT: Final = 0.75
"""The constants of bm25 as FTS5 has them."""

_WORD: Final = re.compile(r"[^\W_]+")


class MemoryItems:
    """The port `Items` in memory."""

    def __init__(self, work: MemoryWork) -> None:
        """Work inside the transaction `work`."""
        self._work = work

    def add(self, items: Sequence[NewItem]) -> list[int]:
        """Add copies and return their `seq`, in order; ascending in the order given."""
        draft = self._work.draft
        rows, ids = draft.items.change(), draft.ids.change()
        first = draft.seq + 1
        for seq, item in enumerate(items, first):
            rows[seq] = NewItem(replace(item.row, seq=seq), item.data)
            ids[item.row.stix_id] = (*ids.get(item.row.stix_id, ()), seq)
        draft.seq += len(items)
        return list(range(first, draft.seq + 1))

    def find(self, stix_ids: Sequence[str], besides: bytes = b"") -> dict[str, list[ItemRow]]:
        """Return all copies of these STIX ids, of every author but `besides`; ids without any are left out."""
        state = self._work.state
        found: dict[str, list[ItemRow]] = {}
        for stix_id in stix_ids:
            rows = [state.items.rows[seq].row for seq in state.ids.rows.get(stix_id, ())]
            if others := [row for row in rows if row.author != besides]:
                found[stix_id] = others
        return found

    def get(self, seqs: Sequence[int]) -> list[tuple[ItemRow, bytes]]:
        """Return rows with their bytes in the order asked; unknown ones are left out."""
        rows = self._work.state.items.rows
        return [(rows[seq].row, rows[seq].data) for seq in seqs if seq in rows]

    def save(self, rows: Sequence[ItemRow]) -> None:
        """Store `state`, `latest`, `top`, `own`, `person`, `time` and `tlp` of existing rows."""
        items = self._work.draft.items.change()
        for r in rows:
            held = items.get(r.seq)
            if held is not None:
                row = replace(
                    held.row,
                    state=r.state,
                    latest=r.latest,
                    top=r.top,
                    own=r.own,
                    person=r.person,
                    time=r.time,
                    tlp=r.tlp,
                )
                items[r.seq] = NewItem(row, held.data)

    def placed(self, seqs: Sequence[int], logs: Sequence[int]) -> set[int]:
        """Return which of these item rows have an entry in one of `logs`."""
        carriers, wanted = self._work.state.carriers.rows, set(logs)
        return {seq for seq in seqs if any(log in wanted for log, _ in carriers.get(seq, ()))}

    def by_creator(self, created_by: str) -> list[ItemRow]:
        """Return all copies whose `created_by_ref` is this identity."""
        return [row for row in self._rows() if created_by and row.created_by == created_by]

    def prefix(self, start: str, limit: int = 10) -> list[str]:
        """Return the STIX ids held that begin with `start` (or whose UUID part does), at most `limit`.

        Those found by their UUID come first, in its order; then other names, then types as they were added.
        """
        lead, tail, _ = parts(start)
        keys = keys_from(tail)
        uuids: list[tuple[int, int, str]] = []
        odd: list[tuple[str, int, str]] = []
        rest: list[str] = []
        for row in self._rows():
            before, after, key = parts(row.stix_id)
            if key is not None and keys is not None and keys[0] <= key <= keys[1]:
                uuids.append((key, row.seq, row.stix_id))
            elif key is None and after.startswith(tail):
                odd.append((after, row.seq, row.stix_id))
            if not lead and before.startswith(start):
                rest.append(row.stix_id)
        named = [stix_id for *_, stix_id in sorted(uuids)] + [stix_id for *_, stix_id in sorted(odd)]
        fit = (i for i in named if i.startswith(start) or (not lead and parts(i)[1].startswith(start)))
        return list(dict.fromkeys([*fit, *rest]))[: max(limit, 0)]

    def page(self, query: ItemQuery) -> list[ItemRow]:
        """Return items by ascending `seq` after `query.after`.

        With `logs`: for each STIX id the newest held copy among those with an entry in these logs.
        """
        rows = [row for row in self._rows() if row.state == "held" and query.type in {"", row.type}]
        if query.logs is None:
            rows = [row for row in rows if row.top or not query.top]
        else:
            seen = self.placed([row.seq for row in rows], query.logs)
            rows = [row for row in rows if row.seq in seen]
            if query.top:
                rows = self._best(rows)
        return [row for row in rows if row.seq > query.after][: max(query.limit, 0)]

    def index(self, limit: int = 2000) -> int:
        """Bring the full-text index forward by at most `limit` items and return how many were indexed now."""
        draft = self._work.draft
        waiting = [seq for seq in draft.items.rows if seq > draft.indexed][: max(limit, 0)]
        words = draft.words.change()
        for seq in waiting:
            words[seq] = _tokens(text_of(draft.items.rows[seq].data))
            draft.indexed = seq
        return len(waiting)

    def search(self, text: str, type: str = "", limit: int = 20) -> list[ItemRow]:  # noqa: A002 - the STIX word
        """Return shown items whose strings hold all the words, best first; words may be anything a person types."""
        phrases = [_tokens(word) for word in words_of(text)]
        counts = [
            {seq: found for seq, words in self._work.state.words.rows.items() if (found := _times(phrase, words, last))}
            for phrase, last in zip(phrases, [False] * (len(phrases) - 1) + [True], strict=False)
            if phrase
        ]
        if not counts:
            return []
        rows = self._work.state.items.rows
        hits = [rows[seq].row for seq in set[int].intersection(*map(set, counts))]
        shown = [row for row in hits if row.top and row.state == "held" and type in {"", row.type}]
        shown.sort(key=lambda row: (-self._weight(row.seq, counts), row.seq))
        return shown[: max(limit, 0)]

    def count(self) -> int:
        """Return how many copies there are."""
        return len(self._work.state.items.rows)

    def remove(self, seqs: Sequence[int]) -> None:
        """Delete copies that no entry carries, our own ones too, with their words."""
        draft = self._work.draft
        for seq in seqs:
            if seq in draft.items.rows and not draft.carriers.rows.get(seq):
                self._forget(draft.items.rows[seq].row)

    def clear(self) -> None:
        """Forget the projection of received items; own ones stay. The caller folds the entries again."""
        draft = self._work.draft
        payloads = draft.payloads.change()
        for row in self._rows():
            if not row.own:
                for key in draft.carriers.change().pop(row.seq, frozenset()):
                    payloads[key] = replace(payloads[key], item=-row.seq)
                self._forget(row)
        draft.words.change().clear()
        draft.indexed = 0

    def bytes_of(self, seq: int) -> bytes | None:
        """Return the bytes of an item row, None if it is not held."""
        held = self._work.state.items.rows.get(seq)
        return None if held is None else held.data

    def carry(self, seq: int, log: int, index: int) -> None:
        """Note that this entry carries an item row."""
        carriers = self._work.draft.carriers.change()
        carriers[seq] = carriers.get(seq, frozenset()) | {(log, index)}

    def uncarry(self, seq: int, log: int, index: int) -> None:
        """Note that this entry carries it no longer; a received row goes with its last entry."""
        carriers = self._work.draft.carriers.change()
        left = carriers.pop(seq) - {(log, index)}
        row = self._work.draft.items.rows[seq].row
        if left:
            carriers[seq] = left
        elif not row.own:
            self._forget(row)

    def _rows(self) -> list[ItemRow]:
        return [item.row for item in self._work.state.items.rows.values()]

    def _forget(self, row: ItemRow) -> None:
        draft = self._work.draft
        del draft.items.change()[row.seq]
        draft.words.change().pop(row.seq, None)
        left = tuple(seq for seq in draft.ids.rows[row.stix_id] if seq != row.seq)
        if left:
            draft.ids.change()[row.stix_id] = left
        else:
            del draft.ids.change()[row.stix_id]

    def _best(self, rows: Sequence[ItemRow]) -> list[ItemRow]:
        """Return those rows that are the newest of their object."""
        copies: dict[str, list[ItemRow]] = {}
        for row in rows:
            copies.setdefault(row.stix_id, []).append(row)
        chosen = {newest(held, lambda seq: self.get([seq])[0][1]) for held in copies.values()}
        return [row for row in rows if row.seq in chosen]

    def _weight(self, seq: int, counts: Sequence[dict[int, int]]) -> float:
        """Return bm25 of a document, higher for better."""
        words = self._work.state.words.rows
        mean = sum(map(len, words.values())) / len(words)
        length = 1 - LENGTH_WEIGHT + LENGTH_WEIGHT * len(words[seq]) / mean
        total = 0.0
        for found in counts:
            rarity = max(ln((len(words) - len(found) + 0.5) / (len(found) + 0.5)), 1e-6)
            total += rarity * found[seq] * (SATURATION + 1) / (found[seq] + SATURATION * length)
        return total


def _tokens(text: str) -> tuple[str, ...]:
    """Return the words of a text without case and accents."""
    plain = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    return tuple(_WORD.findall(plain.lower()))


def _times(phrase: tuple[str, ...], words: tuple[str, ...], last: bool) -> int:
    """Count where `phrase` stands in `words`; its last word may be the beginning of one if `last`."""
    size = len(phrase)
    return sum(
        words[n : n + size - 1] == phrase[:-1]
        and (words[n + size - 1] == phrase[-1] or (last and words[n + size - 1].startswith(phrase[-1])))
        for n in range(len(words) - size + 1)
    )
