"""Evidence that a member, or one of two, signed what is not so: found in what partners send, kept, passed on.

docs/protocol/2-ledger.md, "Evidence of a fork"; it travels as an offer (docs/protocol/4-exchange.md). "Evidence of a
split view" stays with who found it, and only until a fork explains it.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from msgspec import structs

from entente.core import canon, note
from entente.core.errors import EntenteError, RefusedError
from entente.core.ids import Member, b32, origin_hash
from entente.ledger import forks, splits, witness
from entente.ledger.document import MAX_FILE, mapping
from entente.ledger.package import proof_to
from entente.ledger.seams import seam_of
from entente.node.rooms import forked_logs
from entente.store import shelf

if TYPE_CHECKING:
    from collections.abc import Collection

    from entente.exchange.messages import Part
    from entente.ledger.witness import Cosignature
    from entente.node.home.base import Base
    from entente.store.ports import LogRow, Transaction

EVIDENCE = shelf.raw("evidence")
"""Evidence of forks as files, by the beginning of their SHA-256."""
SPLITS = shelf.raw("split")
"""Evidence of split views as files, by log and cosigner."""
REPLACED = shelf.raw("replaced-head")
"""Heads that were replaced before their entries came, by origin and size."""
MAX_REPLACED = 16
"""Heads of one log that are kept until their entries come."""
TOLD = "its author signed two histories; the evidence is kept"
MAX_TOLD = 4
"""Pieces of evidence in one message; the others follow in the next rounds."""


def compare(base: Base, tx: Transaction, row: LogRow, part: Part) -> LogRow:
    """Look whether a partner's head and ours contradict each other; if so keep both and stop the log.

    They are compared at the size that we had shown, where the sender ties `root` to its head by `link`, or at the size
    of its head if that is not larger than what is held here.
    """
    if row.stopped or not row.note or row.member == base.me:
        return row
    try:
        theirs = note.Checkpoint.parse(note.Note.parse(part.note).text)
        size, root, link = (part.packages[0].start if part.packages else row.size), part.root, part.link
        if theirs.size <= row.size:
            size, root, link = theirs.size, theirs.root, []
        if not root or not 0 < size <= row.size:
            return row
        keys = base.history(tx, Member(row.member))
        found = forks.make(keys, size, _tied(tx, row, size), (part.note, root, link))
    except EntenteError:
        return row
    return row if found is None else keep(base, tx, row, found)


def compare_keys(base: Base, tx: Transaction, row: LogRow, part: Part) -> LogRow:
    """Look whether a partner holds another key history of a member than we; if so keep both heads and stop the log.

    What a key signed that is retired here shows nothing: it may be a thief's.
    """
    try:
        keys = base.history(tx, Member(row.member))
        if keys.retired(keys.signer(note.Note.parse(part.note))):
            return row
    except EntenteError:
        return row
    return compare(base, tx, row, part)


def replaced(base: Base, tx: Transaction, before: LogRow, row: LogRow) -> LogRow:
    """Hold a new head of a log against those that it replaced before all of their entries had come.

    Such a head is kept until this many entries are held: then it is one of theirs, or its author has signed two
    histories.
    """
    if before.note != row.note and len(REPLACED.keys(tx, f"{row.origin} ")) < MAX_REPLACED:
        REPLACED.put(tx, f"{row.origin} {before.signed:020d}", before.note)
    for key, head in REPLACED.all(tx, f"{row.origin} "):
        old = note.Checkpoint.parse(note.Note.parse(head).text)
        if row.size < old.size < row.signed:
            continue
        REPLACED.drop(tx, key)
        keys = base.history(tx, Member(row.member))
        found = forks.make(keys, old.size, (head, old.root, ()), _tied(tx, row, old.size))
        if found is not None:
            return keep(base, tx, row, found)
    return row


def _tied(tx: Transaction, row: LogRow, size: int) -> forks.Tied:
    """Return the head of a log with the root that it has at a size, which is its own or one that is held."""
    if size == row.signed:
        return row.note, note.Checkpoint.parse(note.Note.parse(row.note).text).root, ()
    return row.note, witness.root_at(tx, row, size), seam_of(tx, row).consistency(size)


def keep(base: Base, tx: Transaction, row: LogRow, found: forks.Evidence) -> LogRow:
    """Keep evidence about a log and take no more of it; about our own log: sign nothing until a person vouches."""
    data = forks.to_json(found)
    EVIDENCE.put(tx, b32(sha256(data).digest())[:16], data)
    for key in SPLITS.keys(tx, _split_id(row)):
        SPLITS.drop(tx, key)
    if row.member == base.me:
        base.guard.doubt(tx, f"Somebody signed another version of our log {row.origin}: this home, or a copy of it.")
        return row
    row = structs.replace(row, stopped=TOLD)
    tx.logs.save(row)
    if row.circle:
        forked_logs.note(tx, row)
    return row


def offers(tx: Transaction, rows: Collection[LogRow]) -> list[bytes]:
    """Return documents with the evidence held against these logs."""
    wanted = {row.origin for row in rows}
    found: dict[str, bytes] = {}
    for data in EVIDENCE.values(tx) if wanted else ():
        origin = forks.from_json(data).origin
        if origin in wanted and origin not in found:
            found[origin] = canon.encode({"v": 1, "evidence": canon.decode(data, MAX_FILE)})
    return [found[origin] for origin in sorted(found)][:MAX_TOLD]


def take(base: Base, tx: Transaction, document: object) -> bool:
    """Verify evidence that a partner passed on and keep it; return whether it was new.

    RefusedError for a log that is not known here, VerificationError for evidence that shows nothing.
    """
    data = canon.encode(mapping(document, "evidence"))
    found = forks.from_json(data)
    row = tx.logs.get(found.origin)
    if row is None or row.member != found.member:
        raise RefusedError("The log evidence is about a log that this node does not know.", code="offer")
    held = EVIDENCE.holds(tx, b32(sha256(data).digest())[:16])
    if held or row.stopped == TOLD:
        return False
    keep(base, tx, row, found)
    return True


def keep_split(base: Base, tx: Transaction, row: LogRow, given: Cosignature) -> None:
    """Keep what shows that a cosigner and the log's author have signed two histories; the first of each cosigner."""
    key = _split_id(row) + b32(given.member)[:10]
    if row.stopped or row.size != row.signed or SPLITS.holds(tx, key):
        return
    found = splits.make(
        base.history(tx, Member(row.member)),
        base.history(tx, Member(given.member)),
        row.note,
        (given.size, given.root, given.line),
        (witness.root_at(tx, row, given.size), proof_to(tx, row, given.size, row.signed)),
    )
    SPLITS.put(tx, key, splits.to_json(found))


def _split_id(row: LogRow) -> str:
    return b32(origin_hash(row.origin))[:10]
