"""What a partner is to get from this home: which logs, and which offers of what it does not know yet.

docs/protocol/4-exchange.md and 7-changes.md; `policy.audience` decides for each log.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from entente.core.ids import Member, keys_origin, origin_hash
from entente.exchange.messages import MAX_OFFERS
from entente.exchange.side import CommonLogs
from entente.node.agreements.epochs import history_offer
from entente.node.exchange import quota
from entente.node.logs import evidence
from entente.node.rooms import offers
from entente.policy.audience import Between, exchanged

if TYPE_CHECKING:
    from collections.abc import Collection

    from entente.node.exchange.judging import Judging
    from entente.node.home.base import Base
    from entente.node.rooms.in_force import InForce
    from entente.node.rooms.room import Room
    from entente.store.ports import LogRow, Transaction


class RoundAudience:
    """Which logs and offers go to a partner in a round."""

    def __init__(self, base: Base, judging: Judging) -> None:
        """Answer from this base, with what `judging` knows to be in force."""
        self._base = base
        self._me = base.me
        self._judging = judging

    def common(self, tx: Transaction, partner: Member) -> CommonLogs:
        """Return what is exchanged with a partner now, and what is kept back of what both may read."""
        in_force = self._judging.in_force(tx)
        by_origin = {row.origin: row for row in tx.logs.all()}
        given = {name: by_origin[name] for name in map(keys_origin, (self._me, partner)) if name in by_origin}
        audience: list[LogRow] = []
        bound: set[str] = set()
        for room in in_force.rooms:
            if partner not in room.members or self._me not in room.members:
                continue
            names = [*map(room.origin, room.members), *map(keys_origin, room.members)]
            rows = [by_origin[name] for name in names if name in by_origin]
            pair = self._pair(in_force, room, partner)
            given |= {row.origin: row for row in rows if not row.circle or exchanged(pair, Member(row.member))}
            if not pair.unsigned:
                audience += [row for row in rows if row.circle]
            if not pair.left:
                bound |= {row.origin for row in rows if row.circle}
        told = [*audience, *(row for row in given.values() if not row.circle)]
        return CommonLogs(
            rows=sorted(given.values(), key=lambda row: (row.circle, row.origin)),
            withheld=[origin_hash(row.origin) for row in audience if row.origin not in given or row.stopped],
            stopped=[row for row in told if row.stopped == evidence.TOLD],
            heads=[row for row in audience if row.origin in bound],
        )

    def _pair(self, in_force: InForce, room: Room, partner: Member) -> Between:
        """Return how this member and a partner stand to each other in a room."""
        both = {self._me, partner}
        now = in_force.rooms.founding_of(room.agreement)
        return Between(
            me=self._me,
            partner=partner,
            unsigned=frozenset(each for each in both if not in_force.signed(room, each)),
            left=in_force.exited(in_force.rooms.founding_room(room)) & both,
            removed=now is not None and partner not in now.members,
            over=now is None,
            suspends=lambda author, whom: now is not None and in_force.suspends(now, author, whom),
        )

    def unborn(self, tx: Transaction, rows: Collection[LogRow], shown: Collection[bytes]) -> set[bytes]:
        """Return the logs of epochs after the first of which the partner shows nothing: it has not switched yet.

        A newcomer's own log is never among them: its approval stands there.
        """
        rooms = offers.load(tx)
        later: dict[bytes, set[bytes]] = defaultdict(set)
        newcomers: set[bytes] = set()
        for row in rows:
            room = rooms.get(row.circle)
            if room is not None and room.epoch > 1:
                later[room.revision].add(origin_hash(row.origin))
                newcomers |= {origin_hash(row.origin)} if row.member in room.newcomers else set()
        return {log for logs in later.values() if logs.isdisjoint(shown) for log in logs} - newcomers

    def offers(self, tx: Transaction, partner: Member, lacking: set[bytes]) -> list[bytes]:
        """Return offers for what this partner lacks of circles with it; agreements first, then as they came to be."""
        in_force = self._judging.in_force(tx)
        firsts: list[Room] = []
        later: dict[tuple[int, bytes], bytes] = {}
        for room in in_force.rooms:
            both = partner in room.members and self._me in room.members
            if not both or lacking.isdisjoint({origin_hash(room.origin(each)) for each in (self._me, partner)}):
                continue
            if room.first:
                firsts.append(room)
            elif not in_force.signed(room, partner):
                later |= {(0, each): each for each in history_offer(self._base, tx, in_force, room)}
            else:
                later[room.epoch, room.revision] = in_force.rooms.revisions[room.revision].offer()
        for each in in_force.rooms.revisions.values():
            founding = in_force.rooms.founding_of(each.text.agreement)
            if founding is not None and founding.revision == each.text.base and partner in founding.members:
                later |= {(each.text.epoch, each.text.id): each.offer()} if partner in each.text.members else {}
        first = [room.offer() for room in sorted(firsts, key=lambda room: not room.founding)]
        return [*first, *(later[key] for key in sorted(later))][:MAX_OFFERS]

    def full(self, partner: Member, row: LogRow, *, now: bool = False) -> bool:
        """Say whether a partner takes no more of this log for a while (page 4, "Limits"); `now`: it just said so."""
        until = self._base.full_until
        if now:
            until[partner, row.origin] = self._base.clock() + quota.PAUSE
        return until.get((partner, row.origin), 0) > self._base.clock()
