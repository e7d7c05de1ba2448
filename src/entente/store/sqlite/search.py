"""The full-text index over items in SQLite: FTS5 without contents, so that no byte of an object is stored twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from entente.core.errors import StoreError
from entente.store.texts import text_of, words_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from entente.store.sqlite.work import Work


class SqliteSearch:
    """Words of items: added after the items were stored, taken back when they go."""

    def __init__(self, work: Work) -> None:
        """Work inside the transaction `work`."""
        self._work = work

    def index(self, limit: int) -> int:
        """Index at most `limit` more items and return how many; 1 at least while dropped words are being removed.

        A damaged index is begun anew, which counts as one step.
        """
        work = self._work
        purged = work.purge()
        if work.words.lost:
            work.renew()
            return 1
        seq, indexed, _ = work.meta()
        if indexed >= seq or limit <= 0:
            return int(purged)
        sql = "SELECT i.seq, b.data FROM item i JOIN blob b ON b.id = i.blob WHERE i.seq > ? ORDER BY i.seq LIMIT ?"
        rows = work.db.execute(sql, (indexed, limit)).fetchall()
        with work.words.changing():
            self._add((number, text_of(data)) for number, data in rows)
        work.set_meta(indexed=rows[-1][0] if rows else seq)
        work.renew()
        return max(len(rows), int(purged))

    def remove(self, seq: int, data: bytes) -> None:
        """Take back the words of an item that goes."""
        work = self._work
        if 0 < seq <= work.meta()[1]:
            sql = "INSERT INTO word (word, rowid, text) VALUES ('delete', ?, ?)"
            with work.words.changing():
                work.db.execute(sql, (seq, text_of(data)))
            work.set_meta(purge=1)
            work.forget_lost()

    def clear(self) -> None:
        """Forget all words; `index` begins again."""
        with self._work.words.changing():
            self._work.db.execute("INSERT INTO word (word) VALUES ('delete-all')")
        self._work.set_meta(indexed=0, purge=0)
        self._work.erased = True

    def find(self, sql: str, given: tuple[str | int, ...]) -> list[tuple[Any, ...]]:
        """Return the rows of a query on the index; StoreError if it is damaged, which begins it anew."""
        words, rows = self._work.words, list[tuple[Any, ...]]()
        with words.reading():
            rows = self._work.db.execute(sql, given).fetchall()
        if words.lost:
            raise StoreError(
                "the search index is damaged, and is begun anew; nothing else of the home is concerned",
                hint="ask again: the items are indexed again",
            )
        return rows

    def _add(self, texts: Iterable[tuple[int, str]]) -> None:
        self._work.db.executemany("INSERT INTO word (rowid, text) VALUES (?, ?)", texts)

    def question(self, text: str) -> str:
        """Return what a person typed as a query: every word quoted, the last one as the beginning of a word."""
        quoted = ['"' + word.replace('"', '""') + '"' for word in words_of(text)]
        return " ".join(quoted) + "*" if quoted else ""
