"""Partners that often send messages which cannot be read or do not verify: the node hears them less often.

docs/protocol/4-exchange.md, "Limits". Kept in memory: a restart forgives.
"""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from typing import TYPE_CHECKING

from entente.core.errors import LimitError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from entente.core.ids import Member

MOST = 16
WITHIN = 10 * 60 * 1000
PAUSE = 10 * 1000
CODE = "busy"
BAD = frozenset({"history", "invalid", "limit", "malformed", "quota", "signature", "verification"})
"""What no honest program sends, or (quota) sends again at once; not what comes too early, too late or from a fork."""


class Manners:
    """Remembers for each partner when its last bad messages came."""

    def __init__(self, clock: Callable[[], int], most: int = MOST) -> None:
        """Read the time, in milliseconds, from `clock`; so many bad messages in ten minutes are too many."""
        self.most = most
        self._clock = clock
        self._bad: dict[Member, deque[int]] = defaultdict(deque)
        self._lock = threading.Lock()

    def check(self, partner: Member) -> None:
        """Raise LimitError "busy" while a partner is not to be heard."""
        now = self._clock()
        with self._lock:
            bad = self._bad.get(partner)
            while bad and not 0 <= now - bad[0] < WITHIN:
                bad.popleft()
            if bad and len(bad) >= self.most and 0 <= now - bad[-1] < PAUSE:
                raise LimitError(
                    "Too much of what you sent in the last minutes did not verify.",
                    code=CODE,
                    hint="Send one message in ten seconds, and find out why this node refuses them.",
                )

    def bad(self, partner: Member) -> None:
        """Note that a message of this partner could not be read."""
        with self._lock:
            self._bad[partner].append(self._clock())
            while len(self._bad[partner]) > self.most:
                self._bad[partner].popleft()

    def judge(self, partner: Member, codes: Collection[str]) -> None:
        """Note what was refused in a message of this partner, by the codes of the refusals."""
        if not BAD.isdisjoint(codes):
            self.bad(partner)
