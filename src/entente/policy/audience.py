"""Which logs of a room go between two of its members now (docs/protocol/4-exchange.md and 7-changes.md)."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from entente.core.ids import Member


class Between(Struct, frozen=True):
    """How two members of a room stand to each other: `me`, whose home asks, and `partner`.

    `unsigned` and `left` are those of the two that have not signed the room's revision yet, and that have left the
    agreement. `removed`: the partner is no member of the newest epoch. `over`: nothing of the agreement is known now.
    `suspends(author, whom)` says whether a member serves another nothing.
    """

    me: Member
    partner: Member
    unsigned: frozenset[Member]
    left: frozenset[Member]
    removed: bool
    over: bool
    suspends: Callable[[Member, Member], bool]


def exchanged(pair: Between, author: Member) -> bool:
    """Say whether the log of `author`, a member of the room, is exchanged between the two."""
    me, partner = pair.me, pair.partner
    if pair.over or partner in pair.left or pair.suspends(me, partner):
        return False
    if pair.unsigned:  # a newcomer signs in its own log, before it gets the others
        return author in pair.unsigned
    if me in pair.left:  # who has left owes what it signed, nothing else
        return author == me
    if author == partner:  # what a removed partner adds to its log comes by others only
        return not pair.removed and not pair.suspends(partner, partner) and not pair.suspends(partner, me)
    return not pair.suspends(author, partner)
