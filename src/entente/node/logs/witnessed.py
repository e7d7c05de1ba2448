"""When each member had first witnessed an entry: for deadlines, objections and the tempo between members.

The store keeps the newest cosignature only (`ledger.witness`); what it covered first, and when, is kept here, for the
entries that somebody will ask about.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from entente.core.ids import Member, b32, origin_of, unb32
from entente.ledger import witness
from entente.ledger.witness import Cosignature, Stage
from entente.store import shelf
from entente.store.ports import CHUNK

if TYPE_CHECKING:
    from collections.abc import Iterable

    from entente.store.ports import Transaction

SIGHTING: Final = "sighting"
"""The STIX type of items that are watched."""

WATCHED: Final = shelf.json("watched", list[int])
"""By log and run of 256 entries: which of them are watched."""

COVERED: Final = shelf.number("covered")
"""By log, entry and member: when a cosignature of the member first covered it, in milliseconds."""

CAME: Final = shelf.number("came")
"""By reference and member: when a stray came here, in milliseconds."""

REACHED: Final = shelf.number("reached")
"""By log and member: up to which size this was noted."""


def watch(tx: Transaction, log: bytes, indexes: Iterable[int]) -> None:
    """Note from now on when each member first witnesses these entries of a log (its origin hash)."""
    by_run: dict[int, list[int]] = defaultdict(list)
    for index in indexes:
        by_run[index // CHUNK].append(index)
    for run, fresh in by_run.items():
        held = WATCHED.get(tx, _run(log, run)) or []
        WATCHED.put(tx, _run(log, run), sorted({*held, *fresh}))


def watched(tx: Transaction, log: bytes) -> list[int]:
    """Return which entries of a log are watched."""
    return [index for run in WATCHED.values(tx, b32(log) + "/") for index in run]


def note(tx: Transaction, given: Cosignature, now: int = 0) -> None:
    """Take notice of a statement that was taken, or made by ourselves `now` (ms)."""
    if given.stage != Stage.WITNESSED:
        return
    who = f"{b32(given.log)}/{b32(given.member)}"
    start = REACHED.get(tx, who) or 0
    if start >= given.size:
        return
    when = now or witness.time_of(given) * 1000
    for key, indexes in WATCHED.all(tx, b32(given.log) + "/"):
        if start // CHUNK <= int(key.rpartition("/")[2]) <= given.size // CHUNK:
            for index in indexes:
                if start <= index < given.size:
                    COVERED.put(tx, f"{b32(given.log)}/{index:012d}/{b32(given.member)}", when)
    REACHED.put(tx, who, given.size)


def covered(tx: Transaction, log: bytes, index: int, member: Member) -> int:
    """Return when this member first witnessed a watched entry, in milliseconds; 0 if it has not, or nobody watched."""
    return COVERED.get(tx, f"{b32(log)}/{index:012d}/{b32(member)}") or 0


def covered_ref(tx: Transaction, ref: str, member: Member) -> int:
    """Return the same for the entry with this reference; of a stray only when it came here is known."""
    log, index, leaf = ref.split("/")
    row, at = tx.logs.get(origin_of(unb32(log, 32))), int(index)
    if row is not None and at < row.size and b32(tx.logs.node(row.id, 0, at)) == leaf:
        return covered(tx, unb32(log, 32), at, member)
    return CAME.get(tx, f"{ref}/{b32(member)}") or 0


def came(tx: Transaction, ref: str, me: Member, now: int) -> None:
    """Note that an act of another history of a forked log came here at this time (ms)."""
    CAME.put(tx, f"{ref}/{b32(me)}", now)


def _run(log: bytes, run: int) -> str:
    return f"{b32(log)}/{run:09d}"
