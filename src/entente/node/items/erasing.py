"""What an erasure leaves behind and takes away: marks by entry, tombstones, payloads gone (docs/protocol/10-recall.md).

`intake` applies what partners ask for, `recalls` what this member asks for itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from entente.core import canon, entry
from entente.core.errors import EntenteError
from entente.core.ids import Member, b32, origin_hash, origin_of, unb32
from entente.core.merkle import leaf_hash
from entente.core.shape import MAX_ENTRIES, check_entries
from entente.kinds import CONTENT, erase, erased
from entente.ledger.log import Draft
from entente.node.items.projection import DENIED, resettle
from entente.node.rooms import offers
from entente.store import shelf
from entente.store.ports import CHUNK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entente.node.home.base import Base
    from entente.node.rooms.room import Room
    from entente.store.ports import LogRow, Transaction

Entries = Sequence[tuple[int, bytes]]


class Mark(Struct, frozen=True, array_like=True):
    """What is known of one erased entry: its leaf hash (b32), since when (ms), why."""

    leaf: str
    time: int
    reason: str


class Tomb(Struct, frozen=True):
    """What is left of an object whose last copy was erased."""

    reason: str
    time: int
    author: str


Marks = shelf.Shelf[dict[int, Mark]]

ERASED: Final = shelf.json("erase", dict[int, Mark])
"""Which entries are erased here, by log and run of 256 entries."""

SIGNED: Final = shelf.json("erased", dict[int, Mark])
"""Which entries each member signed to have erased, by log, run and member."""

PASSED: Final = shelf.json("passed", dict[int, Mark])
"""What a member who sent an entry on has shown of who got it, by log, run and member."""

TOMBS: Final = shelf.json("withdrawn", Tomb)
"""Tombstones, by SHA-256 of the STIX id."""

REDACTED: Final = shelf.text("redaction")
"""By the id of a redacted item of ours: the id of the object that it was made from, which stays at home."""


class Erasure(Struct, frozen=True):
    """Entries of one log that are to be erased; `by` is the member whose act says so, or this one by its own clock."""

    log: bytes
    entries: Entries
    reason: str
    time: int
    by: Member


class ErasureAsked(Struct, frozen=True):
    """What an `erase/1` of ours says beside the entries."""

    reason: str
    due: int
    person: str


def marks(tx: Transaction, log: bytes, first: int, last: int) -> dict[int, Mark]:
    """Return the marks of the erased entries `first` to `last` of a log, by index; maybe some of their neighbours."""
    found: dict[int, Mark] = {}
    for chunk in range(first // CHUNK, last // CHUNK + 1):
        found |= ERASED.get(tx, _key(log, chunk)) or {}
    return found


def all_erased(tx: Transaction, log: bytes, entries: Entries) -> bool:
    """Say whether exactly these entries of a log are erased here, all of them."""
    found = _read(tx, ERASED, log, entries)
    return all(found.get(index, _NONE).leaf == b32(leaf) for index, leaf in entries)


def covers(found: Mapping[int, Mark], index: int, leaf: bytes, kind: str) -> bool:
    """Say whether one of these marks is of exactly this entry, and the entry is one that can be erased."""
    mark = found.get(index)
    return mark is not None and mark.leaf == b32(leaf) and kind in CONTENT


def signed(tx: Transaction, log: bytes, entries: Entries) -> dict[Member, dict[int, Mark]]:
    """Return which members signed that they erased entries of this log: marks by member and index."""
    return _by_member(tx, SIGNED, log, entries)


def _by_member(tx: Transaction, kept: Marks, log: bytes, entries: Entries) -> dict[Member, dict[int, Mark]]:
    found: dict[Member, dict[int, Mark]] = defaultdict(dict)
    for chunk in sorted({index // CHUNK for index, _ in entries}):
        start = _key(log, chunk) + "/"
        for key, held in kept.all(tx, start):
            found[Member(unb32(key.removeprefix(start), 32))] |= held
    return found


def file_passed(tx: Transaction, time: int, body: Mapping[str, object]) -> None:
    """Keep that a member of another circle was shown to have erased, or (without a proof) never got it."""
    mark = Mark("", time, "erased" if body["proof"] else "unsent")
    _put(tx, PASSED, unb32(str(body["log"]), 32), check_entries(body), mark, f"/{body['member']}")


def passed(tx: Transaction, log: bytes, index: int) -> dict[Member, Mark]:
    """Return what was shown of members of other circles about this entry; the reason is erased or unsent."""
    found = _by_member(tx, PASSED, log, [(index, b"")])
    return {member: held[index] for member, held in found.items() if index in held}


def _held(tx: Transaction, row: LogRow, index: int) -> tuple[bytes, str] | None:
    leaves = tx.logs.leaves(row.id, index, index + 1)
    return (leaf_hash(leaves[0]), entry.parse(leaves[0]).kind) if leaves else None


def read(act_time: int, author: Member, kind: str, body: Mapping[str, object]) -> Erasure:
    """Return what an `erase/1`, or an `erased/1` of our own that came back to us, asks for."""
    reason = str(body["reason"]) if kind == erase.NAME else ""
    return Erasure(unb32(str(body["log"]), 32), check_entries(body), reason, act_time, author)


def file_erased(tx: Transaction, author: Member, time: int, body: Mapping[str, object]) -> None:
    """Keep what a member signed to have erased."""
    _put(tx, SIGNED, unb32(str(body["log"]), 32), check_entries(body), Mark("", time, ""), f"/{b32(author)}")


def apply(tx: Transaction, base: Base, erasure: Erasure) -> bool:
    """Erase what is named, once; say whether anything was new. An allowed act only: it was judged before.

    Own originals go too where our own act recalls an object as a whole.
    """
    row = tx.logs.get(origin_of(erasure.log))
    if row is None:
        return False
    known = _read(tx, ERASED, erasure.log, erasure.entries)
    fresh = [(index, leaf) for index, leaf in erasure.entries if known.get(index, _NONE).leaf != b32(leaf)]
    if not fresh:
        return False
    _put(tx, ERASED, erasure.log, fresh, Mark("", erasure.time, erasure.reason))
    author = Member(row.member)
    authors: dict[str, bytes] = {}
    for index, leaf in fresh:
        held = _held(tx, row, index)
        if held is not None and held[0] == leaf and held[1] in CONTENT:
            authors |= _drop(tx, row, index)
    stix_ids = set(authors)
    whole = author == base.me == erasure.by and erasure.reason in erase.WHOLE
    if whole:
        _remove_own(tx, base.me, stix_ids)
    resettle(tx, stix_ids)
    for stix_id, by in authors.items():
        _bury(tx, {stix_id}, Tomb(erasure.reason or "withdrawn", erasure.time, b32(by)), whole=whole)
    return True


def _drop(tx: Transaction, row: LogRow, index: int) -> dict[str, bytes]:
    """Delete payload and salt of one entry; return the STIX id that it carried, with who brought that copy."""
    tx.payloads.settle(row.id, [index])
    found = tx.payloads.get(row.id, index, index + 1)
    if not found:
        return {}
    carried = tx.items.get([found[0].item])
    tx.payloads.drop(row.id, index)
    left = tx.items.get([found[0].item])
    if carried and not left:
        _forget_denials(tx, found[0].item)
    return {item.stix_id: item.author for item, _ in carried}


def _remove_own(tx: Transaction, me: Member, stix_ids: Iterable[str]) -> None:
    for rows in tx.items.find(sorted(stix_ids)).values():
        tx.items.remove([row.seq for row in rows if row.author == me])


def _forget_denials(tx: Transaction, seq: int) -> None:
    for key in DENIED.keys(tx):
        if key.endswith(f"/{seq:012d}"):
            DENIED.drop(tx, key)


def _bury(tx: Transaction, stix_ids: Iterable[str], tomb: Tomb, *, whole: bool) -> None:
    """Leave a tombstone for each object that we recalled or of which no copy is left, and forget its redactions."""
    held = tx.items.find(sorted(stix_ids))
    gone = [stix_id for stix_id in stix_ids if stix_id not in held or whole]
    for stix_id in gone:
        TOMBS.put(tx, buried_as(stix_id), tomb)
    ties = {source: key for key, source in REDACTED.all(tx)} if gone else {}
    for stix_id in gone:
        if stix_id in ties:
            REDACTED.drop(tx, ties[stix_id])


def tombs(tx: Transaction) -> dict[str, Tomb]:
    """Return all tombstones by `buried_as` of the id."""
    return dict(TOMBS.all(tx))


def tomb_of(tx: Transaction, stix_id: str) -> Tomb | None:
    """Return what is left of an object that was erased here, None if it was not."""
    return TOMBS.get(tx, buried_as(stix_id))


def raise_again(tx: Transaction, stix_ids: Iterable[str]) -> None:
    """Let objects come in again: a person said so."""
    for stix_id in stix_ids:
        TOMBS.drop(tx, buried_as(stix_id))


def answer(tx: Transaction, base: Base, room: Room, log: bytes, entries: Entries) -> None:
    """Say in our own log that we erased these entries of another member, once for each.

    Nothing where the log is not held here, or where the circle has ended.
    """
    if tx.logs.get(origin_of(log)) is None or offers.load(tx).ended(room):
        return
    ours = f"/{b32(base.me)}"
    known = _read(tx, SIGNED, log, entries, ours)
    fresh = [(index, leaf) for index, leaf in entries if known.get(index, _NONE).leaf != b32(leaf)]
    now = base.clock()
    for at in range(0, len(fresh), MAX_ENTRIES):
        data = erased.KIND.make(log, fresh[at : at + MAX_ENTRIES])
        base.append(tx, room, [Draft(erased.NAME, now, b"", data)])
        file_erased(tx, base.me, now, canon.decode(data))


def excused(tx: Transaction, me: Member) -> dict[bytes, dict[int, bytes]]:
    """Return by log hash which entries rightly have no payload: erased by an act of their author or one of ours.

    In a circle that has ended no act can say so any more; there the marks count.
    """
    logs = {row.id: row for row in tx.logs.all()}
    found: dict[bytes, dict[int, bytes]] = defaultdict(dict)
    for each in tx.payloads.acts([erase.NAME, erased.NAME]):
        author = logs[each.log].member
        try:
            body = canon.decode(each.data)
            log, entries = unb32(str(body["log"]), 32), check_entries(body)
        except (EntenteError, KeyError):
            continue  # a damaged act excuses nothing, and is named where it stands
        row = tx.logs.get(origin_of(log))
        if row is not None and (row.member == author if each.kind == erase.NAME else author == me):
            found[log] |= dict(entries)
    rooms = offers.load(tx)
    for row in logs.values():
        room = rooms.get(row.circle) if row.circle else None
        if room is not None and rooms.ended(room) and row.size:
            held = marks(tx, origin_hash(row.origin), 0, row.size - 1)
            found[origin_hash(row.origin)] |= {index: unb32(mark.leaf, 32) for index, mark in held.items()}
    return found


def kept_again(tx: Transaction, row: LogRow, kept: Sequence[Draft]) -> list[Draft]:
    """Return unsigned drafts of ours without the erasures that the log says already, now that it came back to us."""
    said = {each.data for each in tx.payloads.acts([erased.NAME]) if each.log == row.id}
    return [draft for draft in kept if draft.kind != erased.NAME or draft.data not in said]


def ask(tx: Transaction, base: Base, room: Room, row: LogRow, indexes: Iterable[int], asked: ErasureAsked) -> list[str]:
    """Recall entries of a log of our own: the acts, then their effect here; return the references of the acts.

    In a circle that has ended nobody can be asked any more: there is only the effect.
    """
    entries = [(index, tx.logs.node(row.id, 0, index)) for index in sorted(set(indexes))]
    log, now, refs = origin_hash(row.origin), base.clock(), list[str]()
    ended = offers.load(tx).ended(room)
    for at in range(0, len(entries), MAX_ENTRIES):
        run = entries[at : at + MAX_ENTRIES]
        if not ended:
            body = erase.KIND.make(log, asked.reason, due=asked.due, person=asked.person, entries=run)
            _, places = base.append(tx, room, [Draft(erase.NAME, now, b"", body)])
            refs.append(places[0].ref)
        apply(tx, base, Erasure(log, run, asked.reason, now, base.me))
    return refs


_NONE: Final = Mark("", 0, "")


def _key(log: bytes, chunk: int) -> str:
    return f"{b32(log)}/{chunk:010d}"


def buried_as(stix_id: str) -> str:
    """Return the key of an object's tombstone, which does not tell the id."""
    return sha256(stix_id.encode()).hexdigest()


def _read(tx: Transaction, kept: Marks, log: bytes, entries: Entries, behind: str = "") -> dict[int, Mark]:
    found: dict[int, Mark] = {}
    for chunk in sorted({index // CHUNK for index, _ in entries}):
        found |= kept.get(tx, _key(log, chunk) + behind) or {}
    return found


def _put(tx: Transaction, kept: Marks, log: bytes, entries: Entries, mark: Mark, behind: str = "") -> None:
    """Mark entries; what is marked already keeps its mark, unless it was of another leaf."""
    runs: dict[int, dict[int, Mark]] = defaultdict(dict)
    for index, leaf in entries:
        runs[index // CHUNK][index] = Mark(b32(leaf), mark.time, mark.reason)
    for chunk, fresh in sorted(runs.items()):
        key = _key(log, chunk) + behind
        held = kept.get(tx, key) or {}
        new = {index: one for index, one in fresh.items() if held.get(index, _NONE).leaf != one.leaf}
        kept.put(tx, key, held | new)
