"""When each member had first witnessed an entry: for deadlines, objections and the tempo between members.

Of a cosignature only the newest is kept (`ledger.witness`); what it covered first, and when, is kept here, for the
entries that somebody will ask about.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

import msgspec

from entente.core.ids import Member, b32, origin_of, unb32
from entente.ledger import witness
from entente.ledger.witness import Cosignature, Stage
from entente.store.ports import CHUNK

if TYPE_CHECKING:
    from collections.abc import Iterable

    from entente.store.ports import Transaction

SIGHTING: Final = "sighting"
"""The STIX type of items that are watched."""

WATCHED: Final = "watched"
"""By log and run of 256 entries: which of them are watched."""

COVERED: Final = "covered"
"""By log, entry and member: when a cosignature of the member first covered it, in milliseconds."""

CAME: Final = "came"
"""By reference and member: when a stray came here, in milliseconds."""

REACHED: Final = "reached"
"""By log and member: up to which size this was noted."""

_indexes = msgspec.json.Decoder(list[int])


def watch(tx: Transaction, log: bytes, indexes: Iterable[int]) -> None:
    """Note from now on when each member first witnesses these entries of a log (its origin hash)."""
    by_run: dict[int, list[int]] = defaultdict(list)
    for index in indexes:
        by_run[index // CHUNK].append(index)
    for run, fresh in by_run.items():
        held = _indexes.decode(tx.records.get(WATCHED, _run(log, run)) or b"[]")
        tx.records.put(WATCHED, _run(log, run), msgspec.json.encode(sorted({*held, *fresh})))


def watched(tx: Transaction, log: bytes) -> list[int]:
    """Return which entries of a log are watched."""
    return [index for _, data in tx.records.scan(WATCHED, b32(log) + "/") for index in _indexes.decode(data)]


def note(tx: Transaction, given: Cosignature, now: int = 0) -> None:
    """Take notice of a statement that was taken, or made by ourselves `now` (ms)."""
    if given.stage != Stage.WITNESSED:
        return
    who = f"{b32(given.log)}/{b32(given.member)}"
    start = int(tx.records.get(REACHED, who) or b"0")
    if start >= given.size:
        return
    when = str(now or witness.time_of(given) * 1000).encode()
    for key, data in tx.records.scan(WATCHED, b32(given.log) + "/"):
        if start // CHUNK <= int(key.rpartition("/")[2]) <= given.size // CHUNK:
            for index in _indexes.decode(data):
                if start <= index < given.size:
                    tx.records.put(COVERED, f"{b32(given.log)}/{index:012d}/{b32(given.member)}", when)
    tx.records.put(REACHED, who, str(given.size).encode())


def covered(tx: Transaction, log: bytes, index: int, member: Member) -> int:
    """Return when this member first witnessed a watched entry, in milliseconds; 0 if it has not, or nobody watched."""
    data = tx.records.get(COVERED, f"{b32(log)}/{index:012d}/{b32(member)}")
    return int(data) if data else 0


def covered_ref(tx: Transaction, ref: str, member: Member) -> int:
    """Return the same for the entry with this reference; of a stray only when it came here is known."""
    log, index, leaf = ref.split("/")
    row, at = tx.logs.get(origin_of(unb32(log, 32))), int(index)
    if row is not None and at < row.size and b32(tx.logs.node(row.id, 0, at)) == leaf:
        return covered(tx, unb32(log, 32), at, member)
    return int(tx.records.get(CAME, f"{ref}/{b32(member)}") or b"0")


def came(tx: Transaction, ref: str, me: Member, now: int) -> None:
    """Note that an act of another history of a forked log came here at this time (ms)."""
    tx.records.put(CAME, f"{ref}/{b32(me)}", str(now).encode())


def _run(log: bytes, run: int) -> str:
    return f"{b32(log)}/{run:09d}"
