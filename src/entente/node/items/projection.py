"""Rows made from entries for readers: acts by entry, chosen versions, counts of changes. They can be rebuilt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from entente.core.ids import Member, b32, origin_hash
from entente.core.shape import check_entries
from entente.node.rooms.filed import ACKNOWLEDGED, REFUSED, FiledAct
from entente.policy.shown import settle
from entente.store import shelf

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from entente.store.ports import ItemRow, LogRow, Transaction


class Counts(Struct):
    """How the items of a log changed what is held here."""

    new: int = 0
    changed: int = 0
    revoked: int = 0
    unchanged: int = 0


DENIED: Final = shelf.raw("denied")
"""By room and item row: that the row does not count there."""

RECEIVED: Final = shelf.json("received", Counts)
"""By log: how its items changed what is held here."""


def file_act(tx: Transaction, author: Member, ref: str, kind: str, time: int, body: Mapping[str, object]) -> None:
    """File an act about single entries under each entry that it names."""
    stage = str(body["stage"]) if kind == "acknowledgement/1" else str(body["reason"])
    kept = ACKNOWLEDGED if kind == "acknowledgement/1" else REFUSED
    for index, leaf in check_entries(body):
        key = f"{body['log']}/{index:012d}/{b32(author)}/{stage if kept is ACKNOWLEDGED else ''}"
        if not kept.holds(tx, key):
            kept.put(tx, key, FiledAct(b32(leaf), ref, time, stage))


def deny_in(tx: Transaction, circle: bytes, seq: int) -> None:
    """Note that an item row does not count in one circle."""
    DENIED.put(tx, f"{b32(circle)}/{seq:012d}", b"1")


def denied_in(tx: Transaction, circle: bytes) -> set[int]:
    """Return the item rows that do not count in this circle."""
    return {int(key.rpartition("/")[2]) for key in DENIED.keys(tx, b32(circle) + "/")}


def resettle(tx: Transaction, stix_ids: Collection[str]) -> None:
    """Choose again which copy of these objects is each member's newest and which is shown."""
    found = tx.items.find(sorted(set(stix_ids)))
    for rows in found.values():
        changed = settle(rows, lambda seq: tx.items.get([seq])[0][1])
        if changed:
            tx.items.save(changed)


def repeats(stix_ids: list[str]) -> set[str]:
    """Return the ids that occur more than once."""
    seen: set[str] = set()
    return {each for each in stix_ids if each in seen or seen.add(each)}  # type: ignore[func-returns-value]


def count(revoked: list[bool], stix_ids: list[str], known: Mapping[str, list[ItemRow]], same: list[int]) -> Counts:
    """Count new, changed, newly revoked and unchanged objects of a run."""
    counts = Counts()
    for gone, stix_id, held in zip(revoked, stix_ids, same, strict=True):
        before = known.get(stix_id, [])
        if held:
            counts.unchanged += 1
            continue
        counts.changed += bool(before)
        counts.new += not before
        counts.revoked += gone and not any(row.revoked for row in before)
    return counts


def add_counts(tx: Transaction, row: LogRow, counts: Counts) -> None:
    """Add to what this log has changed here so far."""
    key = b32(origin_hash(row.origin))
    before = RECEIVED.get(tx, key) or Counts()
    total = Counts(
        before.new + counts.new,
        before.changed + counts.changed,
        before.revoked + counts.revoked,
        before.unchanged + counts.unchanged,
    )
    RECEIVED.put(tx, key, total)
