"""Strays told and taken: acts of a forked log go to partners that hold another history of it, and come from them.

docs/protocol/4-exchange.md, "Offers"; what becomes of them: `node.rooms.forked_logs`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import structs

from entente.core import canon, entry
from entente.core.errors import EntenteError, LimitError, RefusedError
from entente.core.ids import b32, origin_hash
from entente.core.kind import Place
from entente.core.merkle import leaf_hash
from entente.exchange.messages import MAX_NAMES, NAME_SIZE, Stopped
from entente.ledger.document import from_b64, listed, text, to_b64
from entente.ledger.history import own_line
from entente.ledger.proof import read_proof
from entente.ledger.seams import ties
from entente.node.exchange import quota
from entente.node.exchange.heads import signer_of
from entente.node.exchange.judging import WAITS
from entente.node.logs import witnessed
from entente.node.logs.proofs import proof_of
from entente.node.rooms import forked_logs, offers
from entente.node.rooms.forked_logs import Stray

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from entente.node.exchange.judging import Judging
    from entente.node.home.base import Base
    from entente.node.rooms.room import Rooms
    from entente.store.ports import LogRow, Transaction

MAX_STRAYS: Final = 4096
"""Strays of one log."""

MAX_TOLD: Final = 512 << 10
"""Bytes of proof files in one offer, in base64; the others follow in the next rounds."""

MAX_OFFERED: Final = 256
"""Proof files in one offer: each costs its receiver about a millisecond."""


def told(tx: Transaction, row: LogRow, theirs: Stopped | None, most: int) -> Stopped:
    """Return what is held of a forked log; with names, of at most `most` bytes, if the partner holds something else."""
    mine = Stopped(origin_hash(row.origin), forked_logs.digest(tx, row))
    if theirs is None or theirs.digest == mine.digest:
        return mine
    newest = sorted(forked_logs.held(tx, row))[-MAX_NAMES:]
    names = b"".join(sorted(leaf[:NAME_SIZE] for _, leaf in newest))
    return structs.replace(mine, names=names) if len(names) <= most else mine


def offer(base: Base, tx: Transaction, rooms: Rooms, row: LogRow, names: bytes) -> bytes | None:
    """Return the document with acts of a forked log that are not among `names`; None if there are none."""
    known = {names[at : at + NAME_SIZE] for at in range(0, len(names), NAME_SIZE)}
    held = {place: one for place, one in forked_logs.held(tx, row).items() if isinstance(one, Stray) or ties(tx, row)}
    proofs: list[str] = []
    size = 0
    for place in sorted(held)[-MAX_NAMES:]:
        if place[1][:NAME_SIZE] in known or size > MAX_TOLD or len(proofs) == MAX_OFFERED:
            continue
        one = held[place]
        proofs.append(to_b64(one.proof if isinstance(one, Stray) else proof_of(base, tx, rooms, row, one, most=1)))
        size += len(proofs[-1])
    return canon.encode({"v": 1, "strays": proofs}) if proofs else None


def take(base: Base, tx: Transaction, judging: Judging, document: object, rows: Collection[LogRow]) -> bool:
    """Keep what proves to be an act of one of these forked logs; return whether any was new.

    What holds is kept; then the first error of the rest is raised: VerificationError, RefusedError or LimitError.
    What has to wait (for its circle, or for its time) comes again in a later round.
    """
    changed: dict[str, LogRow] = {}
    problem: EntenteError | None = None
    known = {row.origin: row for row in rows}
    offered = listed(document, "strays")
    if len(offered) > MAX_OFFERED:
        raise LimitError(f"At most {MAX_OFFERED} acts of forked logs are offered at a time.", code="limit")
    for each in offered:
        try:
            row = _take(base, tx, judging, from_b64(text(each, "proof file"), "proof file"), known)
            changed |= {} if row is None else {row.origin: row}
        except EntenteError as wrong:
            problem = problem or (None if wrong.code == WAITS else wrong)
    for row in changed.values():
        forked_logs.note(tx, row)
    if problem is not None:
        raise problem
    return bool(changed)


def _take(base: Base, tx: Transaction, judging: Judging, data: bytes, rows: Mapping[str, LogRow]) -> LogRow | None:
    """Keep one stray and return its log; None if the act is held already."""
    proof = read_proof(data)
    row = rows.get(proof.checkpoint.origin)
    if row is None or row.member != proof.author.member:
        raise RefusedError("The act stands in no forked log that is exchanged here.", code="offer")
    room = offers.load(tx).require(row.circle)
    own_line(proof.head, signer_of(base, tx, room, row, proof.head))
    leaf = entry.leaves([proof.kind], [proof.time], [proof.salt], [proof.payload])[0]
    place = Place(origin_hash(row.origin), proof.index, leaf_hash(leaf))
    if forked_logs.get(tx, place.ref) is not None or _stands(tx, row, place):
        return None
    if wrong := judging.stray_problem(tx, room, proof):
        raise RefusedError(f"This act of a forked log is not taken now ({wrong}).", code=wrong)
    now, size = base.clock(), len(data)
    if (over := quota.problem(tx, room, row, now, size)) is not None:
        raise over
    if len(forked_logs.STRAYS.keys(tx, f"{b32(place.log)}/")) >= MAX_STRAYS:
        raise LimitError(f"At most {MAX_STRAYS} acts of other histories of a log are kept.", code="limit")
    quota.charge(tx, quota.account(tx, room, row, now), 1, size)
    forked_logs.keep(tx, place, Stray(place.index, place.leaf, proof.kind, proof.time, proof.payload, data))
    witnessed.came(tx, place.ref, base.me, now)
    return row


def _stands(tx: Transaction, row: LogRow, place: Place) -> bool:
    """Say whether this very entry is held with its payload in the history that is held here."""
    held = place.index < row.size and tx.logs.node(row.id, 0, place.index) == place.leaf
    return held and bool(tx.payloads.get(row.id, place.index, place.index + 1))
