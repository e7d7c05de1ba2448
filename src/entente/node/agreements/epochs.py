"""The switch to a new epoch once a revision is in force, and the history that a newcomer is given.

docs/protocol/7-changes.md, "The switch" and "Accession".
"""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

from entente.core import canon
from entente.core.errors import LimitError, RefusedError
from entente.core.ids import Member, b32, origin_hash, origin_of
from entente.kinds.amendment import KIND as AMENDMENT
from entente.kinds.amendment import Amendment
from entente.kinds.epoch import CLOSED, OPENED, EarlierLog
from entente.kinds.item import NAME as ITEM
from entente.kinds.suspension import KIND as SUSPENSION
from entente.kinds.suspension import Suspension
from entente.ledger.document import mapping
from entente.ledger.log import Draft, root_of
from entente.ledger.witness import root_at
from entente.node.logs.proofs import proof_at
from entente.node.rooms import offers
from entente.node.rooms.room import Revision, Room
from entente.policy.accession import check_history, make_history
from entente.policy.approval import State
from entente.store import shelf

if TYPE_CHECKING:
    from entente.node.home.base import Base
    from entente.node.rooms.in_force import InForce
    from entente.policy.revision import RevisionText
    from entente.store.ports import LogRow, PayloadRow, Transaction

BACKLOG = shelf.number("backlog")
BATCH = 2000
PASTS = shelf.raw("past")
"""By the revision with which this member came: the history that it was shown, and checked."""

COSIGNERS = 1
"""Cosigners in each proof of a history: the author's head and one witness suffice."""


def due(in_force: InForce, founding: Room) -> Amendment | None:
    """Return the amendment in force that ends this founding room's epoch, None while there is none."""
    held: dict[bytes, Amendment] = in_force.view.states[AMENDMENT.name]
    for thing, each in held.items():
        if each.act.circle == founding.key and in_force.standing(thing) is State.IN_FORCE:
            return each
    return None


def switch(base: Base, tx: Transaction) -> bool:
    """Begin every epoch whose revision is in force and whose secret is held; return whether one began."""
    begun = False
    in_force = base.in_force(tx)
    for founding in list(in_force.rooms.newest()):
        found = due(in_force, founding) if founding.founding else None
        if found is None or base.me not in found.text.members or found.text.id not in in_force.rooms.revisions:
            continue
        _begin(base, tx, in_force, found.text)
        begun = True
    return begun


def _begin(base: Base, tx: Transaction, in_force: InForce, text: RevisionText) -> None:
    """Close our logs of the old epoch, open those of the new one, and say again what holds there."""
    closed: dict[bytes, EarlierLog] = {}
    olds = [each for each in in_force.rooms.newest() if each.agreement == text.agreement and base.me in each.members]
    for old in olds:
        row, _ = base.append(tx, old, [Draft(CLOSED.name, base.clock(), b"", CLOSED.make(text.id))])
        closed[old.circle] = EarlierLog(origin_hash(row.origin), row.size, root_of(row))
    rooms = offers.begin(tx, text)
    for room in rooms:
        if room.revision != text.id or room.first or base.me not in room.members:
            continue
        drafts = [Draft(OPENED.name, base.clock(), b"", OPENED.make(text.id, closed[room.circle]))]
        if room.founding:
            drafts += _suspended(base, in_force, olds)
            if room.terms.backlog == "all" and room.newcomers:
                BACKLOG.put(tx, b32(room.key), 0)
        base.append(tx, room, drafts)


def _suspended(base: Base, in_force: InForce, olds: list[Room]) -> list[Draft]:
    """Return our suspensions of the old epoch as drafts for the new one: only `resumed` ends them."""
    held: dict[tuple[bytes, Member, Member], Suspension] = in_force.view.states[SUSPENSION.name]
    rooms = {each.key for each in olds}
    drafts: list[Draft] = []
    for (room, author, member), each in sorted(held.items()):
        if room in rooms and author == base.me:
            body: dict[str, object] = {
                "member": b32(member) if member else "",
                "state": "suspended",
                "reason": each.reason,
                "person": each.person,
                "after": [],
            }
            drafts.append(Draft(SUSPENSION.name, base.clock(), b"", canon.encode(body)))
    return drafts


def discontinuity(tx: Transaction, in_force: InForce, row: LogRow) -> str:
    """Return how the first entry of a log contradicts the log that it says it continues, "" if it does not."""
    said: EarlierLog | None = in_force.view.states[OPENED.name].get(origin_hash(row.origin))
    room = in_force.rooms.get(row.circle)
    if said is None or room is None:
        return ""
    before = tx.logs.get(origin_of(said.log))
    old = in_force.rooms.get(before.circle) if before is not None else None
    if before is None or old is None or before.stopped:
        return ""  # of a forked log the evidence says more
    if before.member != row.member or old.circle != room.circle or old.epoch >= room.epoch:
        return "its first entry says that it continues a log that is not its author's in this circle"
    if said.size <= before.size and said.size and root_at(tx, before, said.size) != said.root:
        return f"its first entry names another history of the log before it ({said.size} entries)"
    return "" if said.size >= before.size else "the log before it goes on behind the end that its first entry names"


def share_backlog(base: Base, tx: Transaction) -> bool:
    """Share a batch of what we brought before with the newcomers of an epoch; return whether there was any."""
    in_force = base.in_force(tx)
    for key, start in BACKLOG.all(tx):
        room = next((each for each in in_force.rooms if b32(each.key) == key), None)
        olds = [] if room is None else _brought(base, tx, in_force, room)
        if room is None or start >= len(olds) or not in_force.usable(room):
            BACKLOG.drop(tx, key)
            continue
        drafts = [
            Draft(ITEM, base.clock(), each.head, _data(tx, each), each.item) for each in olds[start : start + BATCH]
        ]
        base.append(tx, room, drafts)
        BACKLOG.put(tx, key, start + BATCH)
        return True
    return False


def _brought(base: Base, tx: Transaction, in_force: InForce, room: Room) -> list[PayloadRow]:
    """Return one entry for each item version of ours in earlier rooms of the circle, in the order of sharing."""
    found: dict[int, PayloadRow] = {}
    for old in in_force.rooms.of_circle(room.circle):
        row = tx.logs.get(old.origin(base.me)) if old.epoch < room.epoch and base.me in old.members else None
        for each in tx.payloads.get(row.id, 0, row.size) if row is not None else []:
            if each.item:
                found[each.item] = each
    held = {row.seq for row, _ in tx.items.get(list(found)) if row.state == "held"}
    return [each for seq, each in found.items() if seq in held]


def _data(tx: Transaction, payload: PayloadRow) -> bytes:
    return tx.items.get([payload.item])[0][1]


def history_offer(base: Base, tx: Transaction, in_force: InForce, founding: Room) -> list[bytes]:
    """Return the document that proves to a newcomer how this agreement came to its newest revision.

    A member that came later itself puts what it was shown then before what it has seen since.
    """
    rooms = [each for each in in_force.rooms.of_circle(founding.circle) if each.epoch < founding.epoch]
    first = rooms[0] if rooms else founding
    shown = None if first.first else PASTS.get(tx, b32(first.revision))
    if len(rooms) != founding.epoch - first.epoch or (shown is None and not first.first):
        return []
    proofs: list[str] = []
    revisions: list[tuple[RevisionText, bytes]] = []
    for room, after in zip(rooms, [*rooms[1:], founding], strict=True):
        held = in_force.rooms.revisions[after.revision]
        revisions.append((held.text, held.secret))
        asking = next(each for each in _amendments(in_force, room) if each.text.id == after.revision)
        wanted = {asking.act.place.ref, *(each.ref for each in in_force.answers(asking.act.place.leaf).values())}
        if room.first:
            wanted |= {each.ref for each in in_force.answers(room.revision).values()}
        proofs += [_proof(base, tx, in_force, ref) for ref in sorted(wanted)]
    past = None if shown is None else canon.load(shown)
    return [canon.encode({"v": 1, "history": make_history(founding.founding_text, revisions, proofs, past)})]


def _amendments(in_force: InForce, room: Room) -> list[Amendment]:
    held: dict[bytes, Amendment] = in_force.view.states[AMENDMENT.name]
    return [each for each in held.values() if each.act.circle == room.key]


def _proof(base: Base, tx: Transaction, in_force: InForce, ref: str) -> str:
    return b64encode(proof_at(base, tx, in_force.rooms, ref, most=COSIGNERS)).decode()


def take_history(base: Base, tx: Transaction, offer: bytes, by: Member) -> bool:
    """Verify and keep the history of an agreement that this member may accede to; return whether it was new."""
    told = canon.decode(offer, offers.MAX_HISTORY)["history"]
    past = check_history(told)
    newest = past.revisions[-1][0]
    if base.me not in newest.members or by not in newest.members:
        raise RefusedError("A history is offered to a newcomer by a member.", code="offer")
    in_force = base.in_force(tx)
    rooms = in_force.rooms
    if newest.id in rooms.revisions and rooms.revisions[newest.id].secret:
        return False
    waiting = [each for each in rooms.newest() if each.offered_by == by and in_force.state(each) is State.PROPOSED]
    if len(waiting) >= offers.MAX_OPEN:
        raise LimitError(f"At most {offers.MAX_OPEN} offers of one partner wait at a time.", code="offer")
    if rooms.founding_of(past.founding.id) is None:
        offers.keep_absent(tx, past.founding, by, base.clock())
    for text, secret in past.revisions:
        mine = text.id == newest.id
        if text.id not in rooms.revisions or mine:
            offers.keep_revision(tx, Revision(text, secret if mine else b"", by, base.clock()))
        offers.begin(tx, text)
    PASTS.put(tx, b32(newest.id), canon.encode(mapping(told, "history")))
    return True
