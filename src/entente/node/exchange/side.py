"""One member in rounds with its partners: what a partner gets, what is taken from it, what is said of forks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entente.core.ids import Member, origin_hash
from entente.node.exchange import strays
from entente.node.exchange.audience import RoundAudience
from entente.node.exchange.heads import signer_of
from entente.node.exchange.intake import Intake
from entente.node.exchange.judging import Judging
from entente.node.logs import evidence

if TYPE_CHECKING:
    from collections.abc import Collection

    from entente.exchange.messages import Part, Stopped
    from entente.exchange.side import Audience
    from entente.node.home.base import Base
    from entente.store.ports import LogRow, Transaction


class RoundForks:
    """What is found, and said, of logs whose author told two histories."""

    def __init__(self, base: Base, judging: Judging, audience: Audience) -> None:
        """Answer from this base; `audience` says which heads a partner may know."""
        self._base = base
        self._judging = judging
        self._audience = audience

    def compare(self, tx: Transaction, partner: Member, part: Part) -> bool:
        """Look whether a bare head contradicts what is held of its log; say whether the log is common to both."""
        rooms = self._judging.in_force(tx).rooms
        heads = self._audience.common(tx, partner).heads
        found = [row for row in heads if origin_hash(row.origin) == part.log]
        for row in found:
            if row.member != self._base.me and row.note:
                signer_of(self._base, tx, rooms.require(row.circle), row, part.note)
                evidence.compare(self._base, tx, row, part)
        return bool(found)

    def evidence(self, tx: Transaction, rows: Collection[LogRow]) -> list[bytes]:
        """Return the evidence held against these logs."""
        return evidence.offers(tx, rows)

    def told(self, tx: Transaction, row: LogRow, theirs: Stopped | None, most: int) -> Stopped:
        """Return what is held of a forked log, with at most `most` bytes of names if the partner differs."""
        return strays.told(tx, row, theirs, most)

    def strays(self, tx: Transaction, row: LogRow, names: bytes) -> bytes | None:
        """Return an offer of acts of a forked log that are not among these names, None if there are none."""
        return strays.offer(self._base, tx, self._judging.in_force(tx).rooms, row, names)


class MemberSide:
    """The side of one member in one round; `learns` is false where what a partner shows of our logs may be old."""

    def __init__(self, base: Base, *, learns: bool = True) -> None:
        """Answer from this base."""
        judging = Judging(base)
        self.me = base.me
        self.audience = RoundAudience(base, judging)
        self.inbox = Intake(base, judging, self.audience, learns=learns)
        self.forks = RoundForks(base, judging, self.audience)
