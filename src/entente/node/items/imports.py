"""Import: files of STIX objects become items of this member, batch by batch (docs/protocol/6-release.md)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
from msgspec import Struct, structs

from entente.core.errors import EntenteError, InvalidError, LimitError
from entente.core.marking import Tlp, parse, stricter
from entente.core.times import stamp
from entente.formats.stix import Row, iter_rows
from entente.kinds import item
from entente.kinds.erase import WHOLE
from entente.node.home.people import operator
from entente.node.home.written import path_of
from entente.node.items import erasing
from entente.node.items.projection import count, repeats, resettle
from entente.node.items.values import Imported, Rejected
from entente.store.ports import ItemRow, NewItem, Transaction

if TYPE_CHECKING:
    from entente.node.home.base import Base
    from entente.node.items.sharing import Sharing

BATCH = 4000
MAX_FILE = 1 << 30
Progress = Callable[[str, int, int], None]
Source = str | Path | tuple[str, bytes]
"""A file by its path, or a name and the bytes."""


class Tally(Struct):
    """What an import has done so far."""

    read: int = 0
    new: int = 0
    changed: int = 0
    revoked: int = 0
    unchanged: int = 0


class Imports:
    """Bring files in."""

    def __init__(self, base: Base, sharing: Sharing) -> None:
        """Work on this base; share by the same rules as everybody."""
        self._base = base
        self._sharing = sharing

    def import_files(
        self,
        files: Iterable[Source],
        *,
        tlp: str = "",
        circle: str = "",
        strict: bool = False,
        purpose: str = "",
        person: str = "",
        again: bool = False,
        progress: Progress | None = None,
    ) -> Imported:
        """Store the objects of `files` and, with a circle, share what the policy allows.

        A row that does not read is listed and the rest goes on; with `strict` nothing at all is stored then. So is one
        of an object that was recalled as a whole, unless `again` brings it back. Raises
        InvalidError for a file that does not read as a whole, RefusedError or NotFoundError for a circle that cannot
        be used; both before anything is stored.
        """
        level = parse(tlp) if tlp else None
        with self._base.store.read() as tx:
            who = operator(tx, person)
            if circle:
                self._base.find_circle(self._base.in_force(tx), circle)
        recalled = _Recalled(self._base, again=again)
        sources = list(files)
        rejected: list[Rejected] = []
        warnings: Counter[str] = Counter()
        tally = Tally()
        if strict:
            self._scan(sources, rejected, recalled)
            if rejected:
                return _result(tally, rejected, 0, {}, {})
        touched: list[int] = []
        try:
            for name, batch in self._batches(sources, rejected, warnings):
                rows = recalled.sort_out(name, batch, rejected)
                tally.read += len(rows)
                touched += self._store(rows, level, who, tally)
                if progress is not None:
                    progress(name, tally.read, 0)
        except EntenteError as problem:
            if tally.read:
                problem.hint = f"{problem.hint} {tally.read} objects of the files before it are stored.".strip()
            raise
        tally.read += 0 if strict else len(rejected)
        shared, refused = 0, dict[str, int]()
        if circle:
            shared, refused = self._sharing.send_allowed(touched, circle, purpose, who, progress)
        return _result(tally, rejected, shared, refused, dict(warnings))

    def _scan(self, sources: list[Source], rejected: list[Rejected], recalled: _Recalled) -> None:
        for source in sources:
            name, data = _open(source)
            for row in iter_rows(data, name):
                if isinstance(row, Row):
                    recalled.sort_out(name, [row], rejected)
                else:
                    rejected.append(Rejected(name, row.position, row.id, row.reason))

    def _batches(
        self, sources: list[Source], rejected: list[Rejected], warnings: Counter[str]
    ) -> Iterator[tuple[str, list[Row]]]:
        for source in sources:
            name, data = _open(source)
            rows = iter_rows(data, name, pointers=False)
            while batch := list(islice(rows, BATCH)):
                good = [row for row in batch if isinstance(row, Row)]
                bad = [row for row in batch if not isinstance(row, Row)]
                rejected += [Rejected(name, row.position, row.id, row.reason) for row in bad]
                for row in good:
                    warnings.update(row.facts.warnings)
                yield name, good

    def _store(self, rows: list[Row], level: Tlp | None, person: str, tally: Tally) -> list[int]:
        """Store one batch; return the item rows that stand for its objects, old or new."""
        with self._base.store.write() as tx:
            stored = _Batch(tx, self._base, rows, level, person)
            return stored.run(tally)


class _Recalled:
    """Objects that were recalled as a whole: they do not come back in unless a person says so."""

    def __init__(self, base: Base, *, again: bool) -> None:
        self._base = base
        self._again = again
        with base.store.read() as tx:
            self._tombs = {key: tomb for key, tomb in erasing.tombs(tx).items() if tomb.reason in WHOLE}

    def sort_out(self, name: str, rows: list[Row], rejected: list[Rejected]) -> list[Row]:
        """Return the rows that may come in; name the others, or forget with `again` that they were recalled."""
        back = {row.facts.id for row in rows if erasing.buried_as(row.facts.id) in self._tombs} if self._tombs else ()
        if not back:
            return rows
        if self._again:
            with self._base.store.write() as tx:
                erasing.raise_again(tx, back)
            return rows
        for row in rows:
            if row.facts.id in back:
                tomb = self._tombs[erasing.buried_as(row.facts.id)]
                said = f"It was recalled ({tomb.reason}) on {stamp(tomb.time)}; `--again` brings it back."
                rejected.append(Rejected(name, row.position, row.facts.id, said))
        return [row for row in rows if row.facts.id not in back]


class _Batch:
    """One transaction of an import."""

    def __init__(self, tx: Transaction, base: Base, rows: list[Row], level: Tlp | None, person: str) -> None:
        self._tx = tx
        self._me = base.me
        self._now = base.clock()
        self._level = level
        self._person = person
        self._rows = list({(row.facts.id, row.data): row for row in rows}.values())
        self._dropped = len(rows) - len(self._rows)
        self._known = tx.items.find(sorted({row.facts.id for row in rows}))

    def run(self, tally: Tally) -> list[int]:
        same = [self._same(row) for row in self._rows]
        fresh = [row for row, seq in zip(self._rows, same, strict=True) if not seq]
        seqs = iter(self._tx.items.add([NewItem(self._project(row), row.data) for row in fresh]))
        ids = [row.facts.id for row in self._rows]
        counts = count([row.facts.revoked for row in self._rows], ids, self._known, same)
        again = repeats(ids)
        resettle(self._tx, [row.facts.id for row in fresh if row.facts.id in self._known or row.facts.id in again])
        tally.new += counts.new
        tally.changed += counts.changed
        tally.revoked += counts.revoked
        tally.unchanged += counts.unchanged + self._dropped
        return [seq or next(seqs) for seq in same]

    def _same(self, row: Row) -> int:
        """Return our own copy of the same JSON, its marking made stricter if this import says so; 0 if none."""
        rows = self._known.get(row.facts.id)
        if not rows:
            return 0
        mine = [each for each in rows if each.own and each.modified == row.facts.modified]
        found = [each for each, data in self._tx.items.get([each.seq for each in mine]) if _equal(data, row.data)]
        if not found:
            return 0
        self._mark(found[0], row)
        return found[0].seq

    def _mark(self, held: ItemRow, row: Row) -> None:
        """Mark by this import what had no marking or a laxer one: the stricter counts."""
        before = Tlp(held.tlp) if held.tlp >= 0 else None
        after = stricter(before, self._marking(row))
        if after is not None and after != before:
            self._tx.items.save([structs.replace(held, tlp=int(after))])

    def _marking(self, row: Row) -> Tlp | None:
        return stricter(row.facts.tlp, self._level)

    def _project(self, row: Row) -> ItemRow:
        marking = self._marking(row)
        return item.row(
            row.facts,
            author=self._me,
            tlp=-1 if marking is None else int(marking),
            time=self._now,
            person=self._person,
            own=True,
        )


def _equal(one: bytes, other: bytes) -> bool:
    """Say whether two objects are the same JSON, whatever the order of their properties and the spaces between."""
    if one == other:
        return True
    sort = orjson.OPT_SORT_KEYS
    return orjson.dumps(orjson.loads(one), option=sort) == orjson.dumps(orjson.loads(other), option=sort)


def _open(source: Source) -> tuple[str, bytes]:
    """Return a source's name and bytes; InvalidError with what to do if it cannot be read."""
    if isinstance(source, tuple):
        if [type(each) for each in source] != [str, bytes]:
            raise InvalidError("What is imported is a path, or a name and bytes.", hint="Give (name, data).")
        return source
    path = path_of(source)
    name = path.name
    try:
        if path.stat().st_size > MAX_FILE:
            raise LimitError(f"{name} is larger than {MAX_FILE >> 20} MiB.", hint="Split it.")
        return name, path.read_bytes()
    except OSError as problem:
        raise InvalidError(
            f"{name} cannot be read: {problem.strerror}.", hint="Check the path and its rights."
        ) from problem


def _result(
    tally: Tally, rejected: list[Rejected], shared: int, refused: Mapping[str, int], warnings: Mapping[str, int]
) -> Imported:
    stored = tally.new + tally.changed
    return Imported(
        tally.read or len(rejected),
        stored,
        tally.new,
        tally.changed,
        tally.revoked,
        tally.unchanged,
        rejected,
        shared,
        dict(refused),
        dict(warnings),
    )
