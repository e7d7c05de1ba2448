"""How many callers come in at one time: one lane for each partner, and for strangers a count by address.

docs/protocol/4-exchange.md, "Limits". Everything here runs on the event loop, so nothing is locked.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING, Final

import anyio

from entente.core.errors import LimitError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from entente.core.ids import Member

WAITING: Final = 3
BUSY: Final = "busy"
"""The code of what is not done now only because of how much was asked; `retry-after` says when to come again."""

_SHARE: Final = 0.25
_RECENT: Final = 2.0
_LONGEST: Final = 5.0
_PAUSE: Final = 1.0
_LATE: Final = 16
_MINUTE: Final = 60
_ADDRESSES: Final = 4096
_PREFIX: Final = 8


@dataclass(slots=True)
class Lane:
    """One partner's way in."""

    present: int = 0
    late: int = 0
    left: float = 0.0
    began: float = 0.0
    credit: float = 0.0
    counted: float = 0.0
    working: anyio.Lock = field(default_factory=anyio.Lock)

    def begin(self) -> None:
        """Say that all of the request is here: from now on it takes our time."""
        self.began = anyio.current_time()


class Lanes:
    """Lets each partner do one exchange at a time, and no partner take the time of the others.

    While others are there too, a partner that has used up its credit waits for its answer until a quarter of the time
    would have paid for the work: so nobody gets more of the node than that, however much it asks.
    """

    def __init__(self, credit: float = 0.5) -> None:
        """Begin with nobody in; `credit` is the work, in seconds, that a partner may ask for at once."""
        self._credit = credit
        self._lanes: dict[Member, Lane] = {}

    @asynccontextmanager
    async def enter(self, member: Member) -> AsyncGenerator[Lane]:
        """Wait for this partner's turn; raise LimitError "busy", after a while, if too many of its requests wait."""
        lane = self._lanes.setdefault(member, Lane(credit=self._credit, counted=anyio.current_time()))
        if lane.present > WAITING:
            await self._hold_up(lane)
            raise LimitError("You have too many exchanges open here.", code=BUSY, hint="Finish one of them first.")
        lane.present += 1
        try:
            async with lane.working:
                lane.began = 0.0
                try:
                    yield lane
                except LimitError as error:
                    if error.code == BUSY:
                        await anyio.sleep(_PAUSE)
                    raise
                finally:
                    await self._pace(member, lane)
        finally:
            lane.present -= 1
            lane.left = anyio.current_time()

    async def _hold_up(self, lane: Lane) -> None:
        """Let somebody wait who asks without listening, unless very many do."""
        if lane.late < _LATE:
            lane.late += 1
            try:
                await anyio.sleep(_PAUSE)
            finally:
                lane.late -= 1

    async def _pace(self, member: Member, lane: Lane) -> None:
        now = anyio.current_time()
        took = now - lane.began if lane.began else 0.0
        lane.credit = min(self._credit, lane.credit + (now - lane.counted) * _SHARE) - took
        lane.counted = now
        others = [each for key, each in self._lanes.items() if key != member]
        if lane.credit < 0 and any(each.present or now - each.left < _RECENT for each in others):
            await anyio.sleep(min(-lane.credit / _SHARE, _LONGEST))


class Strangers:
    """Counts what comes from each address in a minute, before anything of it is read."""

    def __init__(self, most: int) -> None:
        """Allow so many requests a minute."""
        self._most = most
        self._counts: dict[str, tuple[int, int]] = {}

    def count(self, host: str, now: float) -> None:
        """Count a request; raise LimitError "busy" if there were too many in this minute."""
        minute, place = int(now) // _MINUTE, _network(host)
        since, count = self._counts.pop(place, (minute, 0))
        count = count + 1 if since == minute else 1
        self._counts[place] = (minute, count)
        while len(self._counts) > _ADDRESSES:
            del self._counts[next(iter(self._counts))]
        if count > self._most:
            raise LimitError(
                f"More than {self._most} requests in a minute came from your address.",
                code=BUSY,
                hint="Try again in a minute.",
            )


def _network(host: str) -> str:
    """Return what one caller can be told by: its address, of IPv6 the network of 64 bits."""
    try:
        address = ip_address(host)
    except ValueError:
        return host[:64]
    return address.packed[:_PREFIX].hex() if isinstance(address, IPv6Address) else str(address)
