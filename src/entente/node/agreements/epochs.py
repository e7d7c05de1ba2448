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
from entente.kinds.epoch import CLOSED, OPENED, Opened
from entente.kinds.item import NAME as ITEM
from entente.kinds.suspension import KIND as SUSPENSION
from entente.kinds.suspension import Suspension
from entente.ledger.document import mapping
from entente.ledger.log import Draft, root_of
from entente.ledger.witness import root_at
from entente.node.logs.proofs import proof_at
from entente.node.rooms import offers as charter_book
from entente.node.rooms.room import Charter, Revision
from entente.policy.accession import check_history, make_history
from entente.policy.approval import State

if TYPE_CHECKING:
    from entente.node.home.base import Base
    from entente.node.rooms.in_force import World
    from entente.policy.revision import RevisionText
    from entente.store.ports import LogRow, PayloadRow, Transaction

BACKLOG = "backlog"
BATCH = 2000
PASTS = "past"
"""By the revision with which this member came: the history that it was shown, and checked."""

COSIGNERS = 1
"""Cosigners in each proof of a history: the author's head and one witness suffice."""


def due(world: World, founding: Charter) -> Amendment | None:
    """Return the amendment in force that ends this founding room's epoch, None while there is none."""
    held: dict[bytes, Amendment] = world.view.states[AMENDMENT.name]
    for thing, each in held.items():
        if each.act.circle == founding.circle and world.standing(thing) is State.IN_FORCE:
            return each
    return None


def switch(base: Base, tx: Transaction) -> bool:
    """Begin every epoch whose revision is in force and whose secret is held; return whether one began."""
    begun = False
    world = base.world(tx)
    for founding in list(world.charters.newest()):
        found = due(world, founding) if founding.founding else None
        if found is None or base.me not in found.text.members or found.text.id not in world.charters.revisions:
            continue
        _begin(base, tx, world, found.text)
        begun = True
    return begun


def _begin(base: Base, tx: Transaction, world: World, text: RevisionText) -> None:
    """Close our logs of the old epoch, open those of the new one, and say again what holds there."""
    closed: dict[bytes, Opened] = {}
    olds = [each for each in world.charters.newest() if each.agreement == text.agreement and base.me in each.members]
    for old in olds:
        row, _ = base.append(tx, old, [Draft(CLOSED.name, base.clock(), b"", CLOSED.make(text.id))])
        closed[old.id] = Opened(origin_hash(row.origin), row.size, root_of(row))
    charters = charter_book.begin(tx, text)
    for room in charters:
        if room.revision != text.id or room.first or base.me not in room.members:
            continue
        drafts = [Draft(OPENED.name, base.clock(), b"", OPENED.make(text.id, closed[room.id]))]
        if room.founding:
            drafts += _suspended(base, world, olds)
            if room.terms.backlog == "all" and room.newcomers:
                tx.records.put(BACKLOG, b32(room.circle), b"0")
        base.append(tx, room, drafts)


def _suspended(base: Base, world: World, olds: list[Charter]) -> list[Draft]:
    """Return our suspensions of the old epoch as drafts for the new one: only `resumed` ends them."""
    held: dict[tuple[bytes, Member, Member], Suspension] = world.view.states[SUSPENSION.name]
    rooms = {each.circle for each in olds}
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


def discontinuity(tx: Transaction, world: World, row: LogRow) -> str:
    """Return how the first entry of a log contradicts the log that it says it continues, "" if it does not."""
    said: Opened | None = world.view.states[OPENED.name].get(origin_hash(row.origin))
    room = world.charters.get(row.circle)
    if said is None or room is None:
        return ""
    before = tx.logs.get(origin_of(said.log))
    old = world.charters.get(before.circle) if before is not None else None
    if before is None or old is None or before.stopped:
        return ""  # of a forked log the evidence says more
    if before.member != row.member or old.id != room.id or old.epoch >= room.epoch:
        return "its first entry says that it continues a log that is not its author's in this circle"
    if said.size <= before.size and said.size and root_at(tx, before, said.size) != said.root:
        return f"its first entry names another history of the log before it ({said.size} entries)"
    return "" if said.size >= before.size else "the log before it goes on behind the end that its first entry names"


def share_backlog(base: Base, tx: Transaction) -> bool:
    """Share a batch of what we brought before with the newcomers of an epoch; return whether there was any."""
    world = base.world(tx)
    for key, data in tx.records.scan(BACKLOG):
        room = next((each for each in world.charters if b32(each.circle) == key), None)
        start = int(data)
        olds = [] if room is None else _brought(base, tx, world, room)
        if room is None or start >= len(olds) or not world.usable(room):
            tx.records.delete(BACKLOG, key)
            continue
        drafts = [
            Draft(ITEM, base.clock(), each.head, _data(tx, each), each.item) for each in olds[start : start + BATCH]
        ]
        base.append(tx, room, drafts)
        tx.records.put(BACKLOG, key, str(start + BATCH).encode())
        return True
    return False


def _brought(base: Base, tx: Transaction, world: World, room: Charter) -> list[PayloadRow]:
    """Return one entry for each item version of ours in earlier rooms of the circle, in the order of sharing."""
    found: dict[int, PayloadRow] = {}
    for old in world.charters.rooms(room.id):
        row = tx.logs.get(old.origin(base.me)) if old.epoch < room.epoch and base.me in old.members else None
        for each in tx.payloads.get(row.id, 0, row.size) if row is not None else []:
            if each.item:
                found[each.item] = each
    held = {row.seq for row, _ in tx.items.get(list(found)) if row.state == "held"}
    return [each for seq, each in found.items() if seq in held]


def _data(tx: Transaction, payload: PayloadRow) -> bytes:
    return tx.items.get([payload.item])[0][1]


def history_offer(base: Base, tx: Transaction, world: World, founding: Charter) -> list[bytes]:
    """Return the document that proves to a newcomer how this agreement came to its newest revision.

    A member that came later itself puts what it was shown then before what it has seen since.
    """
    rooms = [each for each in world.charters.rooms(founding.id) if each.epoch < founding.epoch]
    first = rooms[0] if rooms else founding
    shown = None if first.first else tx.records.get(PASTS, b32(first.revision))
    if len(rooms) != founding.epoch - first.epoch or (shown is None and not first.first):
        return []
    proofs: list[str] = []
    revisions: list[tuple[RevisionText, bytes]] = []
    for room, after in zip(rooms, [*rooms[1:], founding], strict=True):
        held = world.charters.revisions[after.revision]
        revisions.append((held.text, held.secret))
        asking = next(each for each in _amendments(world, room) if each.text.id == after.revision)
        wanted = {asking.act.place.ref, *(each.ref for each in world.answers(asking.act.place.leaf).values())}
        if room.first:
            wanted |= {each.ref for each in world.answers(room.revision).values()}
        proofs += [_proof(base, tx, world, ref) for ref in sorted(wanted)]
    past = None if shown is None else canon.load(shown)
    return [canon.encode({"v": 1, "history": make_history(founding.founding_text, revisions, proofs, past)})]


def _amendments(world: World, room: Charter) -> list[Amendment]:
    held: dict[bytes, Amendment] = world.view.states[AMENDMENT.name]
    return [each for each in held.values() if each.act.circle == room.circle]


def _proof(base: Base, tx: Transaction, world: World, ref: str) -> str:
    return b64encode(proof_at(base, tx, world.charters, ref, most=COSIGNERS)).decode()


def take_history(base: Base, tx: Transaction, offer: bytes, by: Member) -> bool:
    """Verify and keep the history of an agreement that this member may accede to; return whether it was new."""
    told = canon.decode(offer, charter_book.MAX_HISTORY)["history"]
    past = check_history(told)
    newest = past.revisions[-1][0]
    if base.me not in newest.members or by not in newest.members:
        raise RefusedError("A history is offered to a newcomer by a member.", code="offer")
    world = base.world(tx)
    charters = world.charters
    if newest.id in charters.revisions and charters.revisions[newest.id].secret:
        return False
    waiting = [each for each in charters.newest() if each.offered_by == by and world.state(each) is State.PROPOSED]
    if len(waiting) >= charter_book.MAX_OPEN:
        raise LimitError(f"At most {charter_book.MAX_OPEN} offers of one partner wait at a time.", code="offer")
    if charters.founding_of(past.founding.id) is None:
        charter_book.keep_absent(tx, past.founding, by, base.clock())
    for text, secret in past.revisions:
        mine = text.id == newest.id
        if text.id not in charters.revisions or mine:
            charter_book.keep_revision(tx, Revision(text, secret if mine else b"", by, base.clock()))
        charter_book.begin(tx, text)
    tx.records.put(PASTS, b32(newest.id), canon.encode(mapping(told, "history")))
    return True
