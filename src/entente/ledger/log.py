"""Append to our own logs and accept entries of others': verify everything, then store, one commit per batch.

docs/protocol/2-ledger.md, "Log" and "Accepting entries".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
from msgspec import Struct

from entente.core import entry, merkle, note
from entente.core.errors import EntenteError, RefusedError, StoreError, VerificationError
from entente.core.ids import origin_hash
from entente.core.kind import Place
from entente.ledger import seams
from entente.ledger.package import Column, Package, unpack
from entente.store.ports import LogRow, NewPayload, Transaction


class Draft(Struct, frozen=True, gc=False):
    """An entry to be: its payload is `head + data`; with `item` the data is that item row's and not stored again."""

    kind: str
    time: int
    head: bytes
    data: bytes
    item: int = 0


def append(
    tx: Transaction, row: LogRow, drafts: Sequence[Draft], *, seed: bytes | None, random: Callable[[int], bytes]
) -> tuple[LogRow, list[Place]]:
    """Append `drafts` to our own log, sign the new head with `seed`, and return the log and where they stand.

    Without a seed (an unsure home) the entries are kept and not signed.
    """
    held = tx.logs.get(row.origin)
    if held is None or held.stopped:
        raise StoreError(f"The log {row.origin} takes no entries here.", hint="Run `entente doctor`.")
    row = held
    count = len(drafts)
    noise = random(entry.SALT_SIZE * count)
    salts = [noise[at : at + entry.SALT_SIZE] for at in range(0, len(noise), entry.SALT_SIZE)]
    leaves = entry.leaves(
        [draft.kind for draft in drafts],
        [draft.time for draft in drafts],
        salts,
        [draft.head + draft.data for draft in drafts],
    )
    hashes = merkle.leaf_hashes(leaves)
    start = row.size
    tx.logs.append(row.id, start, leaves, hashes)
    tx.payloads.put(
        row.id,
        [
            NewPayload(start + at, draft.kind, draft.time, salts[at], draft.head, draft.data, draft.item)
            for at, draft in enumerate(drafts)
        ],
    )
    frontier = merkle.Frontier.from_bytes(row.size, row.peaks)
    frontier.extend(hashes)
    row = msgspec.structs.replace(row, size=frontier.size, peaks=frontier.to_bytes())
    if seed is not None:
        row = sign(row, seed)
    tx.logs.save(row)
    hashed = origin_hash(row.origin)
    return row, [Place(hashed, start + at, leaf) for at, leaf in enumerate(hashes)]


def sign(row: LogRow, seed: bytes) -> LogRow:
    """Return the log with a checkpoint over all its entries."""
    root = merkle.Frontier.from_bytes(row.size, row.peaks).root()
    head = note.sign_checkpoint(
        note.Checkpoint(row.origin, row.size, root), note.Signer(row.origin, note.ED25519, seed)
    )
    return msgspec.structs.replace(row, signed=row.size, note=head)


def root_of(row: LogRow) -> bytes:
    """Return the root over the leaves held."""
    return merkle.Frontier.from_bytes(row.size, row.peaks).root()


def frontier_at(tx: Transaction, row: LogRow, size: int) -> merkle.Frontier:
    """Return the compact range that this log had at an earlier size."""
    peaks, start = b"", 0
    for level in range(size.bit_length() - 1, -1, -1):
        if size >> level & 1:
            peaks += tx.logs.node(row.id, level, start >> level)
            start += 1 << level
    return merkle.Frontier.from_bytes(size, peaks)


def is_whole(tx: Transaction, row: LogRow) -> bool:
    """Say whether the hashes stored of a log make the compact range that stands in its row."""
    try:
        return frontier_at(tx, row, row.size).to_bytes() == row.peaks
    except EntenteError:
        return False


def rewind(tx: Transaction, row: LogRow) -> tuple[LogRow, list[Draft]]:
    """Take the unsigned entries off our own log; return the log as it was signed, and the entries as drafts."""
    kept = [
        Draft(each.kind, each.time, each.head, each.data, each.item)
        for each in tx.payloads.get(row.id, row.signed, row.size)
    ]
    frontier = frontier_at(tx, row, row.signed)
    tx.logs.truncate(row.id, row.signed)
    row = msgspec.structs.replace(row, size=frontier.size, peaks=frontier.to_bytes())
    tx.logs.save(row)
    return row, kept


class Judged(Struct, frozen=True):
    """What a judge made of a run of entries: how many to take now, what to store, what was refused and why.

    `taken` smaller than the run leaves the rest for a later round, and `waits` says why (`code` in a word). `refused`
    and `awaited` are indexes of entries whose leaf stays without a payload: for good, or until it arrives.
    """

    taken: int
    payloads: list[NewPayload]
    refused: list[tuple[int, str]]
    awaited: list[int]
    waits: str = ""
    code: str = "waits"


Judge = Callable[[LogRow, list[Column], Sequence[bytes]], Judged]
"""Judges a run of entries of a log; the leaf hashes stand beside it."""


class Accepted(Struct, frozen=True):
    """What `accept` did: the log now, how many entries were taken, what was refused, and why it stopped, if it did."""

    row: LogRow
    taken: int
    refused: list[tuple[int, bytes, str]]
    failure: EntenteError | None
    held_back: bool


def accept(
    tx: Transaction, row: LogRow, head: bytes, packages: Sequence[Package], *, key: bytes, judge: Judge
) -> Accepted:
    """Take entries of another member's log: the note under its log key, then each package against the note.

    A failure ends the run: whole packages before it are stored, nothing of the failing one is. Never raises for what
    a partner sent: the failure is in the result.
    """
    before, last = row, None
    accepted = Accepted(row, 0, [], None, held_back=False)
    try:
        if row.stopped:
            raise RefusedError(f"Intake of this log has stopped: {row.stopped}.", code="stopped")
        checkpoint = note.open_checkpoint(head, note.Verifier(row.origin, note.ED25519, key))
        if checkpoint.size < max(row.size, row.signed):
            raise RefusedError(
                f"The head says {checkpoint.size} entries, {max(row.size, row.signed)} are known.", code="stale"
            )
        if checkpoint.size == row.size and checkpoint.root != root_of(row):
            raise VerificationError("Two heads of one size with different roots.", code="fork")
        for package in packages:
            row, judged, hashes = _take(tx, row, checkpoint, head, package, judge)
            first = row.size - judged.taken
            refused = [(index, hashes[index - first], reason) for index, reason in judged.refused]
            accepted = Accepted(row, accepted.taken + judged.taken, accepted.refused + refused, None, held_back=False)
            last = (first, hashes, package.proof) if hashes else last
            if judged.taken < len(hashes):
                waits = RefusedError(judged.waits, code=judged.code) if judged.waits else None
                accepted = msgspec.structs.replace(accepted, failure=waits, held_back=True)
                break
    except EntenteError as failure:
        accepted = msgspec.structs.replace(accepted, failure=failure)
    if last is not None:
        seams.keep(tx, before, row, *last)
    return accepted


def _take(
    tx: Transaction, row: LogRow, checkpoint: note.Checkpoint, head: bytes, package: Package, judge: Judge
) -> tuple[LogRow, Judged, list[bytes]]:
    """Verify one package against the checkpoint, judge it and store what was allowed."""
    columns, leaves = unpack(package)
    skip = row.size - package.start
    if skip < 0:
        raise RefusedError(f"Entries {row.size} to {package.start} are missing.", code="gap")
    columns, leaves = columns[skip:], leaves[skip:]
    if not leaves:
        return row, Judged(0, [], [], []), []
    hashes = merkle.leaf_hashes(leaves)
    frontier = merkle.Frontier.from_bytes(row.size, row.peaks)
    frontier.extend(hashes)
    merkle.verify_consistency(frontier.size, frontier.root(), checkpoint.size, checkpoint.root, package.proof)
    judged = judge(row, columns, hashes)
    if judged.taken < len(leaves):
        leaves = leaves[: judged.taken]
        frontier = merkle.Frontier.from_bytes(row.size, row.peaks)
        frontier.extend(hashes[: judged.taken])
    if leaves:
        tx.logs.append(row.id, row.size, leaves, hashes[: judged.taken])
        tx.payloads.put(row.id, judged.payloads)
        tx.payloads.await_(row.id, judged.awaited)
    row = msgspec.structs.replace(row, size=frontier.size, peaks=frontier.to_bytes(), signed=checkpoint.size, note=head)
    tx.logs.save(row)
    return row, judged, hashes
