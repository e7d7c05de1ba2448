"""The projection of items in SQLite: copies, which of them are shown, and the bytes that they share."""

from __future__ import annotations

from itertools import chain, takewhile
from typing import TYPE_CHECKING, Final, TypeAlias

import orjson
from msgspec.structs import astuple

from entente.core.errors import NotFoundError
from entente.store.names import Name, keys_from, parts
from entente.store.newest import newest
from entente.store.ports import ItemRow
from entente.store.sqlite.search import SqliteSearch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from entente.store.ports import ItemQuery, NewItem
    from entente.store.sqlite.work import Work

COLUMNS: Final = (
    "i.seq, i.tail, i.lead, i.type, i.author, i.created, i.modified, i.creator, i.revoked, i.name, i.tlp, i.time, "
    "i.person, i.own, i.state, i.latest, i.top"
)
Columns: TypeAlias = "tuple[int, str, str | None, str, int, int, int, int, int, str, int, int, str, int, str, int, int]"
ADD: Final = "INSERT INTO item VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
NAMED: Final = (
    "(i.key IN (SELECT value FROM json_each(?1)) OR i.key IS NULL AND i.tail IN (SELECT value FROM json_each(?2)))"
)
SAVE: Final = "UPDATE item SET state = ?, latest = ?, top = ?, own = ?, person = ?, time = ?, tlp = ? WHERE seq = ?"


class SqliteItems:
    """The port `Items` on SQLite."""

    def __init__(self, work: Work) -> None:
        """Work inside the transaction `work`."""
        self._work = work
        self._search = SqliteSearch(work)

    def add(self, items: Sequence[NewItem]) -> list[int]:
        """Add copies and return their `seq`, in order; ascending in the order given."""
        if not items:
            return []
        blobs = self._place(items)
        first = self._work.meta()[0] + 1
        seqs = list(range(first, first + len(items)))
        rows = [_columns(self._work, item.row, seq, blob) for item, seq, blob in zip(items, seqs, blobs, strict=True)]
        self._work.db.executemany(ADD, rows)
        self._work.set_meta(seq=seqs[-1])
        return seqs

    def find(self, stix_ids: Sequence[str], besides: bytes = b"") -> dict[str, list[ItemRow]]:
        """Return all copies of these STIX ids, of every author but `besides`; ids without any are left out."""
        wanted = set(stix_ids)
        found: dict[str, list[ItemRow]] = {}
        absent = self._work.authors.numbers.find(besides) if besides else None
        sql = f"SELECT {COLUMNS} FROM item i WHERE {NAMED} AND i.seq > 0 AND i.author <> ?3 ORDER BY i.seq"  # noqa: S608
        names = _wanted([self._work.names[stix_id] for stix_id in wanted])
        for row in self._rows(sql, (*names, absent or 0)):
            if row.stix_id in wanted:
                found.setdefault(row.stix_id, []).append(row)
        return found

    def get(self, seqs: Sequence[int]) -> list[tuple[ItemRow, bytes]]:
        """Return rows with their bytes in the order asked; unknown ones are left out."""
        sql = (
            f"SELECT {COLUMNS}, b.data FROM item i JOIN blob b ON b.id = i.blob "  # noqa: S608
            "WHERE i.seq IN (SELECT value FROM json_each(?)) AND i.seq > 0"
        )
        rows = self._work.db.execute(sql, (_json(set(seqs)),)).fetchall()
        held = {columns[0]: (_row(self._work, columns[:-1]), columns[-1]) for columns in rows}
        return [held[seq] for seq in seqs if seq in held]

    def save(self, rows: Sequence[ItemRow]) -> None:
        """Store `state`, `latest`, `top`, `own`, `person`, `time` and `tlp` of existing rows."""
        given = [(r.state, +r.latest, +r.top, +r.own, r.person, r.time, r.tlp, r.seq) for r in rows if r.seq > 0]
        self._work.db.executemany(SAVE, given)

    def placed(self, seqs: Sequence[int], logs: Sequence[int]) -> set[int]:
        """Return which of these item rows have an entry in one of `logs`."""
        sql = (
            "SELECT DISTINCT item FROM payload WHERE log IN (SELECT value FROM json_each(?)) "
            "AND item IN (SELECT value FROM json_each(?))"
        )
        wanted = _json(seq for seq in seqs if seq > 0)
        return {seq for (seq,) in self._work.db.execute(sql, (_json(logs), wanted))}

    def by_creator(self, created_by: str) -> list[ItemRow]:
        """Return all copies whose `created_by_ref` is this identity."""
        creator = self._work.creators.numbers.find(created_by)
        sql = f"SELECT {COLUMNS} FROM item i WHERE i.creator = ? AND i.creator <> 0 AND i.seq > 0 ORDER BY i.seq"  # noqa: S608
        return [] if creator is None else list(self._rows(sql, (creator,)))

    def prefix(self, start: str, limit: int = 10) -> list[str]:
        """Return the STIX ids held that begin with `start` (or whose UUID part does), at most `limit`.

        Those found by their UUID come first, in its order; then other names, then types as they were added.
        """
        lead, tail, _ = parts(start)
        found: dict[str, None] = {}
        for stix_id in chain(self._uuids(tail), self._odd(tail), () if lead else self._of_type(start)):
            if len(found) >= limit:
                break
            if stix_id.startswith(start) or (not lead and parts(stix_id)[1].startswith(start)):
                found[stix_id] = None
        return list(found)

    def page(self, query: ItemQuery) -> list[ItemRow]:
        """Return items by ascending `seq` after `query.after`.

        With `logs`: for each STIX id the newest held copy among those with an entry in these logs.
        """
        if query.limit <= 0:
            return []
        if query.logs is not None:
            return self._visible(query)
        sql = (
            f"SELECT {COLUMNS} FROM item i WHERE i.seq > ? AND i.state = 'held' AND (?2 = '' OR i.type = ?2) "  # noqa: S608
            "AND i.top >= ?3 ORDER BY i.seq LIMIT ?4"
        )
        return list(self._rows(sql, (max(query.after, 0), query.type, +query.top, query.limit)))

    def index(self, limit: int = 2000) -> int:
        """Bring the full-text index forward by at most `limit` items and return how many were indexed now.

        While words of dropped items are being taken out of the index the answer is 1 at least.
        """
        return self._search.index(limit)

    def search(self, text: str, type: str = "", limit: int = 20) -> list[ItemRow]:  # noqa: A002 - the STIX word
        """Return shown items whose strings hold all the words, best first; words may be anything a person types."""
        sql = (
            f"SELECT {COLUMNS} FROM word w JOIN item i ON i.seq = w.rowid WHERE word MATCH ? "  # noqa: S608
            "AND i.top = 1 AND i.state = 'held' AND (?2 = '' OR i.type = ?2) ORDER BY bm25(word), i.seq LIMIT ?3"
        )
        asked = self._search.question(text)
        rows = self._search.find(sql, (asked, type, limit)) if asked and limit > 0 else []
        return [_row(self._work, columns) for columns in rows]

    def count(self) -> int:
        """Return how many copies there are."""
        return int(self._work.db.execute("SELECT count(*) FROM item WHERE seq > 0").fetchone()[0])

    def clear(self) -> None:
        """Forget the projection of received items; own ones stay. The caller folds the entries again.

        Rows whose bytes a payload needs stay behind under a negative number until the fold puts another in their place.
        """
        db = self._work.db
        self._search.clear()
        creators = db.execute("SELECT DISTINCT creator FROM item WHERE seq > 0 AND NOT own")
        self._work.loose_creators.update(creator for (creator,) in creators)
        db.execute("UPDATE payload SET item = -item WHERE item IN (SELECT seq FROM item WHERE seq > 0 AND NOT own)")
        db.execute(
            "UPDATE item SET seq = -seq, creator = 0, name = '', person = '', latest = 0, top = 0 "
            "WHERE seq > 0 AND NOT own"
        )
        sql = "SELECT seq FROM item WHERE seq < 0 AND seq NOT IN (SELECT item FROM payload WHERE item < 0)"
        for (seq,) in db.execute(sql).fetchall():
            self.forget(seq)

    def remove(self, seqs: Sequence[int]) -> None:
        """Delete copies that no entry carries, our own ones too, with their words; bytes nobody needs are overwritten.

        Copies that an entry still carries stay.
        """
        sql = "SELECT 1 FROM payload WHERE log IN (SELECT id FROM log) AND item = ? LIMIT 1"
        for seq in seqs:
            if seq > 0 and self._work.db.execute(sql, (seq,)).fetchone() is None:
                self.forget(seq, own=True)

    def forget(self, seq: int, *, own: bool = False) -> None:
        """Remove a row (an own one only with `own`), its words and, if no other copy of its id has them, its bytes."""
        db = self._work.db
        sql = "SELECT i.key, i.tail, i.blob, i.creator, b.data FROM item i JOIN blob b ON b.id = i.blob "
        row = db.execute(sql + "WHERE i.seq = ? AND (NOT i.own OR ?)", (seq, own)).fetchone()
        if row is None:
            return
        number, tail, blob, creator, data = row
        self._search.remove(seq, data)
        self._work.loose_creators.add(creator)
        db.execute("DELETE FROM item WHERE seq = ?", (seq,))
        sql = f"SELECT 1 FROM item i WHERE {NAMED} AND i.blob = ?3 LIMIT 1"  # noqa: S608
        if db.execute(sql, (*_wanted([("", tail, number)]), blob)).fetchone() is None:
            self._work.drop_blob(blob)

    def blobs(self, seqs: Sequence[int]) -> dict[int, int]:
        """Return the blobs of these item rows; NotFoundError if there is one that is not held."""
        sql = "SELECT seq, blob FROM item WHERE seq IN (SELECT value FROM json_each(?)) AND seq > 0"
        found = dict[int, int](self._work.db.execute(sql, (_json(seqs),)))
        if len(found) < len(set(seqs)):
            raise NotFoundError(f"there is no item number {min(set(seqs) - found.keys())} for a payload")
        return found

    def _place(self, items: Sequence[NewItem]) -> list[int]:
        """Return for each item the blob that holds its bytes; store those that no copy of its STIX id has."""
        held = self._copies({item.row.stix_id for item in items})
        first = self._work.next_blob()
        fresh: list[bytearray] = []
        blobs: list[int] = []
        given: dict[str, dict[bytes, int]] = {}
        for item in items:
            stix_id, data = item.row.stix_id, item.data
            of_id = given.get(stix_id)
            blob = of_id.get(data) if of_id else None
            if blob is None and stix_id in held:
                blob = self._equal(held[stix_id], data)
            if blob is None:
                blob = first + len(fresh)
                fresh.append(bytearray(data))
            if of_id is None:
                given[stix_id] = {data: blob}
            else:
                of_id[data] = blob
            blobs.append(blob)
        self._work.add_blobs(fresh, len(fresh))
        return blobs

    def _copies(self, stix_ids: set[str]) -> dict[str, set[int]]:
        """Return the blobs of all copies of these STIX ids, cleared ones among them, and of some others."""
        found: dict[str, set[int]] = {}
        sql = f"SELECT i.tail, i.lead, i.type, i.blob FROM item i WHERE {NAMED}"  # noqa: S608
        for tail, lead, kind, blob in self._work.db.execute(
            sql, _wanted([self._work.names[stix_id] for stix_id in stix_ids])
        ):
            found.setdefault(_joined(tail, lead, kind), set()).add(blob)
        return found

    def _equal(self, blobs: set[int], data: bytes) -> int | None:
        sql = "SELECT id FROM blob WHERE id IN (SELECT value FROM json_each(?)) AND data = ?"
        row = self._work.db.execute(sql, (_json(blobs), data)).fetchone()
        return None if row is None else int(row[0])

    def _rows(self, sql: str, given: tuple[str | int, ...]) -> Iterator[ItemRow]:
        for columns in self._work.db.execute(sql, given).fetchall():
            yield _row(self._work, columns)

    def _uuids(self, start: str) -> Iterator[str]:
        keys = keys_from(start)
        if keys is not None:
            sql = "SELECT tail, lead, type FROM item WHERE key BETWEEN ? AND ? AND seq > 0 ORDER BY key, seq"
            yield from (_joined(*row) for row in self._work.db.execute(sql, keys))

    def _odd(self, start: str) -> Iterator[str]:
        sql = "SELECT tail, lead, type FROM item WHERE key IS NULL AND tail >= ? AND seq > 0 ORDER BY tail, seq"
        rows = self._work.db.execute(sql, (start,))
        return (_joined(*row) for row in takewhile(lambda row: row[0].startswith(start), rows))

    def _of_type(self, start: str) -> Iterator[str]:
        sql = (
            "SELECT tail, lead, type FROM item WHERE seq > 0 AND substr(coalesce(lead, type || '--'), 1, ?) = ? "
            "ORDER BY seq"
        )
        return (_joined(*row) for row in self._work.db.execute(sql, (len(start), start)))

    def _visible(self, query: ItemQuery) -> list[ItemRow]:
        """Return a page of what has an entry in the logs of the query."""
        logs = sorted(set(query.logs or ()))
        found: list[ItemRow] = []
        after, step = max(query.after, 0), max(2 * query.limit, 64)
        while len(found) < query.limit and (seqs := self._carried(logs, after, step)):
            sql = (
                f"SELECT {COLUMNS} FROM item i WHERE i.seq IN (SELECT value FROM json_each(?)) AND i.state = 'held' "  # noqa: S608
                "AND (?2 = '' OR i.type = ?2) ORDER BY i.seq"
            )
            rows = list(self._rows(sql, (_json(seqs), query.type)))
            found.extend(self._best(rows, logs) if query.top else rows)
            after = seqs[-1]
        return found[: query.limit]

    def _carried(self, logs: Iterable[int], after: int, step: int) -> list[int]:
        """Return the next `step` item rows after `after` that have an entry in one of these logs."""
        sql = "SELECT DISTINCT item FROM payload WHERE log = ? AND item > ? ORDER BY item LIMIT ?"
        seqs = {seq for log in logs for (seq,) in self._work.db.execute(sql, (log, after, step))}
        return sorted(seqs)[:step]

    def _best(self, rows: Sequence[ItemRow], logs: Sequence[int]) -> list[ItemRow]:
        """Return those rows that are the newest held copy of their object in these logs."""
        copies = self.find([row.stix_id for row in rows])
        rivals = [copy.seq for held in copies.values() if len(held) > 1 for copy in held if copy.state == "held"]
        seen = self.placed(rivals, logs)
        best: list[ItemRow] = []
        for row in rows:
            others = [copy for copy in copies[row.stix_id] if copy.seq in seen and copy.state == "held"]
            if not others or newest(others, lambda seq: self.get([seq])[0][1]) == row.seq:
                best.append(row)
        return best


def _joined(tail: str, lead: str | None, kind: str) -> str:
    return f"{kind}--{tail}" if lead is None else lead + tail


def _columns(work: Work, row: ItemRow, seq: int, blob: int) -> tuple[object, ...]:
    """Return an item row as the table has it."""
    _, stix_id, kind, author, created, modified, by, revoked, name, tlp, time, person, own, state, latest, top = (
        astuple(row)
    )
    lead, tail, key = work.names[stix_id]
    return (
        seq, blob, key, tail, None if lead == f"{kind}--" else lead, kind, work.authors.numbers[author], created,
        modified, work.creators.numbers[by], +revoked, name, tlp, time, person, +own, state, +latest, +top,
    )  # fmt: skip


def _row(work: Work, columns: Columns) -> ItemRow:
    seq, tail, lead, kind, author, created, modified, by, revoked, name, tlp, time, person, own, state, latest, top = (
        columns
    )
    return ItemRow(
        seq=seq,
        stix_id=f"{kind}--{tail}" if lead is None else lead + tail,
        type=kind,
        author=work.authors.values[author],
        created=created,
        modified=modified,
        created_by=work.creators.values[by],
        revoked=revoked == 1,
        name=name,
        tlp=tlp,
        time=time,
        person=person,
        own=own == 1,
        state=state,
        latest=latest == 1,
        top=top == 1,
    )


def _json(numbers: Iterable[int]) -> str:
    return orjson.dumps(list(numbers)).decode()


def _wanted(names: Iterable[Name]) -> tuple[str, str]:
    """Return what `NAMED` takes to find these names: keys in their order, as the index is, and tails without a key."""
    keys: list[int] = []
    tails: list[str] = []
    for _, tail, number in names:
        if number is None:
            tails.append(tail)
        else:
            keys.append(number)
    keys.sort()
    return orjson.dumps(keys).decode(), orjson.dumps(tails).decode()
