"""Key histories as logs: found a member, read its keys, take its history from a partner.

docs/protocol/2-ledger.md, "Key history". The history's values and checks are in `ledger.history`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from entente.core.errors import InvalidError, NotFoundError, VerificationError
from entente.core.ids import Member, b32, keys_origin, member_id
from entente.ledger.history import KIND, KeyHistory, KeyRecord, check_history
from entente.ledger.log import Accepted, Draft, Judged, accept, append
from entente.ledger.package import Column, Package
from entente.store.ports import LogRow, NewPayload, Transaction

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_RECORDS = 256


def found(tx: Transaction, record: KeyRecord, *, seed: bytes, time: int, random: Callable[[int], bytes]) -> LogRow:
    """Begin our own key history with its founding entry."""
    member = member_id(record.log)
    row = tx.logs.add(LogRow(id=0, origin=keys_origin(member), member=member, circle=b"", epoch=1))
    return append(tx, row, [Draft(KIND, time, b"", record.body())], seed=seed, random=random)[0]


def history(tx: Transaction, member: Member) -> KeyHistory:
    """Return a member's verified key history; NotFoundError if none is held."""
    row = tx.logs.get(keys_origin(member))
    if row is None or row.size == 0:
        raise NotFoundError(f"No keys are known of member {b32(member)[:8]}.", hint="Pair with it first.")
    entries = [(each.kind, each.time, each.salt, each.data) for each in tx.payloads.get(row.id, 0, row.size)]
    return check_history(member, row.note, entries)


def open_log(tx: Transaction, member: Member) -> LogRow:
    """Return the log of a member's key history, empty if nothing of it is held yet."""
    origin = keys_origin(member)
    held = tx.logs.get(origin)
    return held or tx.logs.add(LogRow(id=0, origin=origin, member=member, circle=b"", epoch=1))


def take(tx: Transaction, row: LogRow, head: bytes, packages: list[Package]) -> Accepted:
    """Accept entries of a key history; its first entry proves itself by the member's id."""
    try:
        first = _first(tx, row, packages)
    except (InvalidError, VerificationError) as problem:
        return Accepted(row, 0, [], problem, held_back=False)
    return accept(tx, row, head, packages, key=first.log, judge=lambda row, run, _: _judge(first, row, run))


def _first(tx: Transaction, row: LogRow, packages: list[Package]) -> KeyRecord:
    held = tx.payloads.get(row.id, 0, 1)
    data = held[0].data if held else b""
    if not held and packages and packages[0].sizes:
        data = packages[0].payloads[: packages[0].sizes[0]]
    record = KeyRecord.read(data)
    if member_id(record.log) != row.member:
        raise VerificationError(f"These are not the founding keys of member {b32(row.member)[:8]}.")
    return record


def _judge(before: KeyRecord, row: LogRow, run: list[Column]) -> Judged:
    if row.size + len(run) > MAX_RECORDS:
        raise InvalidError(f"A key history has at most {MAX_RECORDS} entries.")
    payloads: list[NewPayload] = []
    for each in run:
        if each.payload is None or each.kind != KIND:
            raise InvalidError("A key history holds key entries with their payload, nothing else.")
        record = KeyRecord.read(each.payload)
        before.check_next(record)
        before = record
        payloads.append(NewPayload(each.index, each.kind, each.time, each.salt, b"", each.payload))
    return Judged(len(run), payloads, [], [])


def take_document(tx: Transaction, given: KeyHistory) -> LogRow:
    """Store the key history of a card; a longer consistent one replaces the shorter, anything else is refused."""
    row = open_log(tx, given.member)
    packages = [_package(given, row.size)] if given.size > row.size else []
    if given.size < row.size:
        return row
    accepted = take(tx, row, given.note, packages)
    if accepted.failure is not None:
        raise accepted.failure
    return accepted.row


def _package(given: KeyHistory, start: int) -> Package:
    entries = given.entries[start:]
    times = [entry[1] for entry in entries]
    return Package(
        start,
        [KIND],
        bytes(len(entries)),
        [time - before for time, before in zip(times, [0, *times], strict=False)],
        [len(entry[3]) for entry in entries],
        b"".join(entry[2] for entry in entries),
        b"".join(entry[3] for entry in entries),
        [],
        [],
    )
