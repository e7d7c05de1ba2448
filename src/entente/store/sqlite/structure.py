"""The structure record of a full-text table: which segments it has on which levels, and fewer levels for them.

FTS5 keeps it in row 10 of its table of pages: a cookie of four bytes, then varints (the numbers of levels, of segments
and of pages ever written), for each level how many segments are being merged and how many there are, and for each
segment its number, first page and last page. Every merge of all segments adds levels and leaves empty ones below.
Libraries before 3.42 refuse a record of more than 2,000 levels, which nothing but this takes away again.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator
    from sqlite3 import Connection

MAX_LEVELS: Final = 65
"""Levels above which the empty ones are taken out: what FTS5 itself stops at from SQLite 3.42 on."""

KEPT_LEVELS: Final = 8
"""Levels that are left then, so that new words are not merged with all the old ones too soon."""

SEGMENT_BITS: Final = 37
"""A page's number is that of its segment, shifted by so much, plus its place in it."""

PLACE_BITS: Final = 31
FIRST_SEGMENT: Final = 1 << SEGMENT_BITS
LATER: Final = b"\xff\x00\x00\x01"
"""What stands behind the cookie in a record of a later form, which tables as ours do not have so far."""

READ: Final = "SELECT block FROM word_data WHERE id = 10"


class Segment(Struct, frozen=True):
    """Some of the index's pages, which belong together."""

    number: int
    first: int
    last: int


class Level(Struct, frozen=True):
    """Segments of about one size, of which the first `merging` are being merged."""

    merging: int
    segments: list[Segment]


class Structure(Struct, frozen=True):
    """All that the record says."""

    cookie: bytes
    written: int
    levels: list[Level]

    def segments(self) -> list[Segment]:
        """Return the segments of all levels by number."""
        found = chain.from_iterable(level.segments for level in self.levels)
        return sorted(found, key=lambda segment: segment.number)

    def lowered(self) -> Structure:
        """Return the same segments in the same order with fewer levels, at least `KEPT_LEVELS`."""
        spare = len(self.levels) - KEPT_LEVELS
        levels: list[Level] = []
        for level in self.levels:
            if spare > 0 and not level.segments and not level.merging:
                spare -= 1
            else:
                levels.append(level)
        return Structure(self.cookie, self.written, levels)

    def to_bytes(self) -> bytes:
        """Return the record."""
        numbers = [len(self.levels), len(self.segments()), self.written]
        for level in self.levels:
            numbers += [level.merging, len(level.segments)]
            for segment in level.segments:
                numbers += [segment.number, segment.first, segment.last]
        return self.cookie + b"".join(map(_varint, numbers))


def parse(block: object) -> Structure | None:
    """Return what a record says, None if this is none that we know."""
    if not isinstance(block, bytes):
        return None
    numbers = _numbers(block[4:])
    try:
        count, total, written = next(numbers), next(numbers), next(numbers)
        levels = [_level(numbers) for _ in range(min(count, len(block)))]
    except (StopIteration, RuntimeError):
        return None
    found = Structure(block[:4], written, levels)
    return found if len(found.segments()) == total and found.to_bytes() == block else None


def read(db: Connection) -> Structure | None:
    """Return the structure of the index, None if its record is none that we know."""
    row = db.execute(READ).fetchone()
    return None if row is None else parse(row[0])


def too_high(db: Connection) -> bool:
    """Say whether the index has more levels than it should."""
    structure = read(db)
    return structure is not None and len(structure.levels) > MAX_LEVELS


def lower(db: Connection) -> None:
    """Take empty levels out of the record, in a transaction of its own.

    The connection must be one that has not used the index: others see that it changed, this one would not.
    """
    db.execute("BEGIN IMMEDIATE")
    structure = read(db)
    if structure is not None and len(structure.levels) > MAX_LEVELS:
        db.execute("UPDATE word_data SET block = ? WHERE id = 10", (structure.lowered().to_bytes(),))
    db.execute("COMMIT")


def fits(db: Connection) -> bool:
    """Say whether the index has no page of a segment that its record does not name, which no merge would remove.

    True where the record is of a later form: then only FTS5 can tell.
    """
    block = db.execute(READ).fetchone()[0]
    structure = parse(block)
    if structure is None:
        return bytes(block)[4:8] == LATER
    segments = structure.segments()
    numbers = [segment.number for segment in segments]
    gaps = zip([0, *(number + 1 for number in numbers)], [*numbers, 1 << 17], strict=True)
    sql = "SELECT 1 FROM word_data WHERE id NOT IN (1, 10) AND id >= ? AND id < ? LIMIT 1"
    places = [(low << SEGMENT_BITS if low else -1 << 63, high << SEGMENT_BITS) for low, high in gaps]
    places += [_behind(segment) for segment in segments if segment.last]
    known = ", ".join(map(str, numbers))
    stray = db.execute(f"SELECT 1 FROM word_idx WHERE segid NOT IN ({known}) LIMIT 1").fetchone()  # noqa: S608
    return stray is None and all(db.execute(sql, place).fetchone() is None for place in places)


def whole(db: Connection) -> bool:
    """Say whether every page that the record names is there, the way to the words on them, and each row's length."""
    structure = read(db)
    segments = [] if structure is None else [each for each in structure.segments() if each.last]
    total = next(_numbers(db.execute("SELECT block FROM word_data WHERE id = 1").fetchone()[0]), 0)
    if total != db.execute("SELECT count(*) FROM word_docsize").fetchone()[0]:
        return False
    return all(_pages(db, each) == each.last - each.first + 1 and _led(db, each) for each in segments)


def _behind(segment: Segment) -> tuple[int, int]:
    base = segment.number << SEGMENT_BITS
    return base + segment.last + 1, base + (1 << PLACE_BITS)


def _pages(db: Connection, segment: Segment) -> int:
    base = segment.number << SEGMENT_BITS
    sql = "SELECT count(*) FROM word_data WHERE id BETWEEN ? AND ?"
    return int(db.execute(sql, (base + segment.first, base + segment.last)).fetchone()[0])


def _led(db: Connection, segment: Segment) -> bool:
    sql = "SELECT 1 FROM word_idx WHERE segid = ? LIMIT 1"
    return segment.first == segment.last or db.execute(sql, (segment.number,)).fetchone() is not None


def _level(numbers: Iterator[int]) -> Level:
    merging, count = next(numbers), next(numbers)
    return Level(merging, [Segment(next(numbers), next(numbers), next(numbers)) for _ in range(count)])


def _numbers(data: bytes) -> Iterator[int]:
    """Yield the varints: seven bits a byte, the most significant first; none here needs nine bytes."""
    value = 0
    for byte in data:
        value = value << 7 | byte & 0x7F
        if byte < 0x80:  # noqa: PLR2004 - the bit that says that more follows
            yield value
            value = 0


def _varint(value: int) -> bytes:
    found = [value & 0x7F]
    while value := value >> 7:
        found.append(0x80 | value & 0x7F)
    return bytes(reversed(found))
