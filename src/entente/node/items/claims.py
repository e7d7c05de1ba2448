"""Copies that their author had no right to bring: we deny them in a circle and say so in our log.

docs/protocol/3-kinds.md, "Who owns an object".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from entente.core import canon
from entente.core.ids import Member, origin_hash
from entente.core.merkle import leaf_hash
from entente.kinds.refused import KIND as REFUSED
from entente.ledger.log import Draft
from entente.node.items.ownership import claimed, concerned, whose_identities
from entente.node.items.projection import denied_in, deny_in, file_act, resettle
from entente.node.rooms import offers

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from entente.kinds.item import Rules
    from entente.node.home.base import Base
    from entente.node.rooms.in_force import InForce
    from entente.node.rooms.room import Room
    from entente.store.ports import ItemRow, Transaction


def deny_by_profile(
    tx: Transaction, base: Base, in_force: InForce, room: Room, author: Member, body: Mapping[str, object]
) -> None:
    """Deny copies that others brought under an identity which is this member's alone by its new profile."""
    profile = claimed(body)
    whose = whose_identities(tx, in_force, room, {author: profile})
    logs = [row.id for row in offers.logs_of_circle(tx, in_force.rooms, room)]
    for identity in map(str.lower, (profile.identity, *profile.identities)):
        if whose.get(identity) == author:
            copies = {row.seq: row for row in concerned(tx, identity, author, logs)}
            theirs = [row for row in copies.values() if whose.get(row.created_by) != row.author != author]
            deny(tx, base, room, theirs)


def deny_late(tx: Transaction, base: Base, room: Room, rules: Rules, stix_ids: Collection[str]) -> None:
    """Deny copies that the owner's own version, which came later, forbids."""
    for stix_id, rows in tx.items.find(sorted(set(stix_ids))).items():
        by = rules.claims.get(stix_id, ())
        if by:
            deny(tx, base, room, [row for row in rows if row.author not in by])


def deny(tx: Transaction, base: Base, room: Room, rows: list[ItemRow]) -> None:
    """Mark copies as not their author's to bring to this circle, and say so in our log.

    What other circles hold is another matter: a copy is denied as a whole only where no circle is left for it.
    """
    logs = {row.id: row for row in tx.logs.all()}
    before = denied_in(tx, room.key)
    for row in rows:
        entries = tx.payloads.of_item(row.seq)
        here = [each for each in entries if logs[each.log].circle == room.key]
        if not here or row.seq in before:
            continue
        deny_in(tx, room.key, row.seq)
        if all(row.seq in denied_in(tx, logs[each.log].circle) for each in entries):
            tx.items.save([structs.replace(row, state="denied", latest=False, top=False)])
            resettle(tx, [row.stix_id])
        for each in here if row.author != base.me else ():
            leaf = leaf_hash(tx.logs.leaves(each.log, each.index, each.index + 1)[0])
            named = {"forged-update": [(each.index, leaf)]}
            refuse(tx, base, room, origin_hash(logs[each.log].origin), named)


def refuse(
    tx: Transaction, base: Base, room: Room, log_hash: bytes, by_reason: Mapping[str, list[tuple[int, bytes]]]
) -> None:
    """Say in our own log which entries of a log we keep without their payload, by reason."""
    drafts: list[Draft] = []
    now = base.clock()
    for reason, entries in sorted(by_reason.items()):
        for at in range(0, len(entries), 256):
            body = REFUSED.make(log_hash, reason, sorted(entries[at : at + 256]))
            drafts.append(Draft(REFUSED.name, now, b"", body))
    if drafts:
        _, places = base.append(tx, room, drafts)
        for draft, place in zip(drafts, places, strict=True):
            file_act(tx, base.me, place.ref, REFUSED.name, now, canon.decode(draft.data))
