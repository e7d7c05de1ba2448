"""Small documents by space and key in SQLite."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from entente.store.sqlite.work import Work


class SqliteRecords:
    """The port `Records` on SQLite."""

    def __init__(self, work: Work) -> None:
        """Work inside the transaction `work`."""
        self._work = work

    def get(self, space: str, key: str) -> bytes | None:
        """Return the document or None."""
        sql = "SELECT value FROM record WHERE space = ? AND key = ?"
        row = self._work.db.execute(sql, (space, key)).fetchone()
        return None if row is None else row[0]

    def put(self, space: str, key: str, value: bytes) -> None:
        """Store the document, replacing the one before it."""
        self._work.db.execute("INSERT OR REPLACE INTO record VALUES (?, ?, ?)", (space, key, value))

    def delete(self, space: str, key: str) -> None:
        """Forget the document; unknown keys are no error."""
        self._work.db.execute("DELETE FROM record WHERE space = ? AND key = ?", (space, key))

    def scan(self, space: str, prefix: str = "") -> list[tuple[str, bytes]]:
        """Return all (key, document) of a space whose key begins with `prefix`, by key."""
        sql = "SELECT key, value FROM record WHERE space = ? AND key >= ? ORDER BY key"
        found: list[tuple[str, bytes]] = []
        for key, value in self._work.db.execute(sql, (space, prefix)):
            if not key.startswith(prefix):
                break
            found.append((key, value))
        return found
