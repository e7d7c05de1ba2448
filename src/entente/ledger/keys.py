"""Key histories as logs: found a member, add an entry, read its keys, take its history from a partner.

docs/protocol/2-ledger.md, "Key history". The history's values and checks are in `ledger.history`.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from entente.core import entry, merkle, note
from entente.core.errors import EntenteError, InvalidError, NotFoundError, RefusedError, VerificationError
from entente.core.ids import Member, b32, keys_origin, member_id
from entente.ledger.forks import find
from entente.ledger.history import KeyHistory, KeyRecord, check_history
from entente.ledger.log import Accepted, Draft, Judged, accept, append
from entente.ledger.package import Column, Package, unpack
from entente.store.ports import LogRow, NewPayload, Transaction

if TYPE_CHECKING:
    from collections.abc import Callable

    from entente.ledger.forks import Evidence
    from entente.ledger.history import Part


def found(tx: Transaction, record: KeyRecord, *, seed: bytes, time: int, random: Callable[[int], bytes]) -> LogRow:
    """Begin our own key history with its founding entry."""
    row = open_log(tx, member_id(record.log))
    return add(tx, row, record, seed=seed, time=time, random=random)


def add(
    tx: Transaction, row: LogRow, record: KeyRecord, *, seed: bytes, time: int, random: Callable[[int], bytes]
) -> LogRow:
    """Append an entry to our own key history, signed by the log key that it names; `seed` is its private seed.

    Raise VerificationError if the history would not hold with it.
    """
    row, _ = append(tx, row, [Draft(record.kind, time, b"", record.body())], seed=seed, random=random)
    history(tx, Member(row.member))
    return row


def history(tx: Transaction, member: Member) -> KeyHistory:
    """Return a member's verified key history; NotFoundError if none is held."""
    row = tx.logs.get(keys_origin(member))
    if row is None or row.size == 0:
        raise NotFoundError(f"No keys are known of member {b32(member)[:8]}.", hint="Pair with it first.")
    return check_history(member, row.note, _held(tx, row))


def open_log(tx: Transaction, member: Member) -> LogRow:
    """Return the log of a member's key history, empty if nothing of it is held yet."""
    origin = keys_origin(member)
    held = tx.logs.get(origin)
    return held or tx.logs.add(LogRow(id=0, origin=origin, member=member, circle=b"", epoch=1))


def take(tx: Transaction, row: LogRow, head: bytes, packages: list[Package], *, approved: bool = False) -> Accepted:
    """Accept entries of a key history; the whole history is verified with them, from its first entry on.

    One that changes a known log key without the word of that key fails with the code "succession" unless `approved`.
    """
    try:
        new = given(tx, row, head, packages)
        if not approved and row.size and any(at >= row.size for at in new.successions):
            raise RefusedError(
                f"Member {b32(row.member)[:8]} has new keys, and its old key does not vouch for them.",
                code="succession",
                hint="The other members approve it: `entente key succession approve`.",
            )
    except EntenteError as problem:
        return Accepted(row, 0, [], problem, held_back=False)
    return accept(tx, row, head, packages, key=new.current.log, judge=_judge)


def given(tx: Transaction, row: LogRow, head: bytes, packages: list[Package]) -> KeyHistory:
    """Return the history that these packages make of ours; raise unless it is whole and holds."""
    known = note.Checkpoint.parse(note.Note.parse(head).text).size
    if known < row.size:
        raise RefusedError(f"The head says {known} key entries, {row.size} are known.", code="stale")
    columns: list[Column] = []
    for package in packages:
        fresh, _ = unpack(package)
        columns += [each for each in fresh if each.index >= row.size]
    parts: list[Part] = []
    for each in columns:
        if each.payload is None:
            raise InvalidError("A key history holds key entries with their payload, nothing else.")
        parts.append((each.kind, each.time, each.salt, each.payload))
    return check_history(Member(row.member), head, [*_held(tx, row), *parts])


def _held(tx: Transaction, row: LogRow) -> list[Part]:
    return [(each.kind, each.time, each.salt, each.data) for each in tx.payloads.get(row.id, 0, row.size)]


def _judge(_row: LogRow, run: list[Column], _hashes: object) -> Judged:
    """Keep what `given` has verified."""
    payloads = [NewPayload(each.index, each.kind, each.time, each.salt, b"", each.payload or b"") for each in run]
    return Judged(len(run), payloads, [], [])


def take_document(tx: Transaction, new: KeyHistory, *, approved: bool = False) -> LogRow:
    """Store the key history of a card; a longer consistent one replaces the shorter, anything else is refused.

    RefusedError "succession" where `take` says so.
    """
    row = open_log(tx, new.member)
    if new.size < row.size:
        if list(new.entries) != _held(tx, row)[: new.size]:
            raise VerificationError("This card shows another key history than the one that is known.", code="fork")
        return row
    packages = [_package(new, row.size)] if new.size > row.size else []
    accepted = take(tx, row, new.note, packages, approved=approved)
    if accepted.failure is not None:
        raise accepted.failure
    return accepted.row


def fork_of(tx: Transaction, new: KeyHistory) -> Evidence | None:
    """Return evidence that a member told two key histories, the one held here and this one; None if that is not shown.

    What a key signed that the held history has retired shows nothing: it may be a thief's.
    """
    held = history(tx, new.member)
    if new.current.log in {record.log for record in held.records} - {held.current.log}:
        return None
    larger = max(held, new, key=lambda each: each.size)
    columns = zip(*larger.entries, strict=True)
    hashes = merkle.leaf_hashes(entry.leaves(*(list(column) for column in columns)))

    def prefix(small: int, large: int) -> tuple[bytes, list[bytes]]:
        return merkle.root(hashes[:small]), merkle.consistency_proof(small, large, merkle.reader(hashes))

    for keys in (new, held):
        try:
            return find(keys, held.note, new.note, prefix)
        except VerificationError:
            continue  # one of the notes is under a key that only the other history has
    return None


def _package(new: KeyHistory, start: int) -> Package:
    entries = new.entries[start:]
    times = [entry[1] for entry in entries]
    kinds = sorted({entry[0] for entry in entries})
    return Package(
        start,
        kinds,
        bytes(kinds.index(entry[0]) for entry in entries),
        times[:1] + [after - before for before, after in pairwise(times)],
        [len(entry[3]) for entry in entries],
        b"".join(entry[2] for entry in entries),
        b"".join(entry[3] for entry in entries),
        [],
        [],
    )
