"""Whose objects are whose in a circle, from the profiles and the entries that it holds (docs/protocol/3-kinds.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entente.core import canon
from entente.core.ids import Member, identity_id
from entente.core.shape import listed
from entente.kinds.item import Rules
from entente.kinds.profile import KIND as PROFILE
from entente.node.rooms import gaps, offers
from entente.policy.ownership import Identities, owners

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entente.node.rooms.in_force import InForce
    from entente.node.rooms.room import Room
    from entente.store.ports import ItemRow, Transaction


def claimed(body: Mapping[str, object]) -> Identities:
    """Return the identities that a profile claims."""
    return Identities(str(body["identity"]), tuple(map(str, listed(body, "identities"))))


def concerned(tx: Transaction, identity: str, author: Member, logs: list[int]) -> list[ItemRow]:
    """Return copies under an identity, of its own object, and of what its member brought under it to these logs."""
    under = tx.items.by_creator(identity)
    mine = [row for row in under if row.author == author]
    here = tx.items.placed([row.seq for row in mine], logs)
    found = tx.items.find(sorted({row.stix_id for row in mine if row.seq in here} | {identity}))
    return [*under, *(row for rows in found.values() for row in rows)]


def rules_for(
    tx: Transaction,
    in_force: InForce,
    room: Room,
    known: Mapping[str, list[ItemRow]],
    newer: Mapping[Member, Identities | None] | None = None,
) -> Rules:
    """Return what the judge of items knows: whose identities are whose in this circle, and who owns which ids.

    `newer` profiles stand before those of the view.
    """
    whose = whose_identities(tx, in_force, room, newer)
    logs = [row.id for row in offers.logs_of_circle(tx, in_force.rooms, room)]
    claiming = [row for rows in known.values() for row in rows if whose.get(row.created_by) == row.author]
    here = tx.items.placed([row.seq for row in claiming], logs) if claiming else set[int]()
    claims: dict[str, set[Member]] = {}
    for row in claiming:
        if row.seq in here:
            claims.setdefault(row.stix_id, set()).add(Member(row.author))
    terms = room.terms
    return Rules(room.text.ceiling, terms.purposes, terms.limits.payload, whose, claims)


def whose_identities(
    tx: Transaction, in_force: InForce, room: Room, newer: Mapping[Member, Identities | None] | None = None
) -> dict[str, Member]:
    """Return whose each STIX identity is in this circle; `newer` profiles stand before those that are held."""
    profiles = in_force.view.states[PROFILE.name].get(room.key, {})
    mine: dict[Member, Identities | None] = {
        member: Identities(found.identity, found.identities) if (found := profiles.get(member)) else None
        for member in room.members
    }
    return owners({**mine, **_not_folded(tx, room), **(newer or {})})


def _not_folded(tx: Transaction, room: Room) -> dict[Member, Identities | None]:
    """Return profiles that are held and not in the view, for an act before them has not come.

    A profile depends on nothing: whose an identity is must not hang on when other acts arrive.
    """
    found: dict[Member, Identities | None] = {}
    for member in room.members:
        row = tx.logs.get(room.origin(member))
        if row is None:
            continue
        gap = gaps.first(tx, row)
        behind = [] if gap == gaps.NONE else tx.payloads.acts_of(row.id, [PROFILE.name], gap)
        bodies = [canon.decode(each.data) for each in behind]
        right = [body for body in bodies if body["identity"] == identity_id(member)]
        if right:
            found[member] = claimed(right[-1])
    return found
