"""The full-text index over items in SQLite: FTS5 without contents, so that no byte of an object is stored twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entente.store.texts import text_of, words_of

if TYPE_CHECKING:
    from entente.store.sqlite_work import Work


class SqliteSearch:
    """Words of items: added after the items were stored, taken back when they go."""

    def __init__(self, work: Work) -> None:
        """Work inside the transaction `work`."""
        self._work = work

    def index(self, limit: int) -> int:
        """Index at most `limit` more items and return how many; 1 at least while dropped words are being removed."""
        purged = self._work.purge()
        db = self._work.db
        seq, indexed, _ = self._work.meta()
        if indexed >= seq or limit <= 0:
            return int(purged)
        sql = "SELECT i.seq, b.data FROM item i JOIN blob b ON b.id = i.blob WHERE i.seq > ? ORDER BY i.seq LIMIT ?"
        rows = db.execute(sql, (indexed, limit)).fetchall()
        db.executemany("INSERT INTO word (rowid, text) VALUES (?, ?)", ((seq, text_of(data)) for seq, data in rows))
        self._work.set_meta(indexed=rows[-1][0] if rows else seq)
        return max(len(rows), int(purged))

    def remove(self, seq: int, data: bytes) -> None:
        """Take back the words of an item that goes."""
        if 0 < seq <= self._work.meta()[1]:
            sql = "INSERT INTO word (word, rowid, text) VALUES ('delete', ?, ?)"
            self._work.db.execute(sql, (seq, text_of(data)))
            self._work.set_meta(purge=1)

    def clear(self) -> None:
        """Forget all words; `index` begins again."""
        self._work.db.execute("INSERT INTO word (word) VALUES ('delete-all')")
        self._work.set_meta(indexed=0, purge=0)
        self._work.erased = True

    def question(self, text: str) -> str:
        """Return what a person typed as a query: every word quoted, the last one as the beginning of a word."""
        quoted = ['"' + word.replace('"', '""') + '"' for word in words_of(text)]
        return " ".join(quoted) + "*" if quoted else ""
