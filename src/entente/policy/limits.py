"""How much of one member's may be taken in a day: what still fits, and when more does (docs/protocol/4-exchange.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from entente.policy.agreement import Limits

DAY: Final = 24
"""Whole hours that count beside the present one, so that no 24 hours hold more than the limit."""


class Use(Struct, frozen=True, array_like=True):
    """What was taken in an hour: entries, and bytes of their payloads."""

    entries: int = 0
    bytes: int = 0

    def with_(self, entries: int, bytes_: int) -> Use:
        """Return it with so much more."""
        return Use(self.entries + entries, self.bytes + bytes_)


def used(hours: Mapping[int, Use], now: int) -> Use:
    """Return what counts in the hour `now`; hours that a clock has not reached do not."""
    total = Use()
    for hour, use in hours.items():
        if now - DAY <= hour <= now:
            total = total.with_(use.entries, use.bytes)
    return total


def fitting(limits: Limits, use: Use, sizes: Iterable[int]) -> int:
    """Return how many of these payloads, in order, may be taken now; the first always may while nothing counts."""
    taken = 0
    for size in sizes:
        more = use.with_(1, size)
        over = more.entries > limits.entries_day or more.bytes > limits.bytes_day
        if over and use.entries + use.bytes:
            break
        use, taken = more, taken + 1
    return taken


def opens(limits: Limits, hours: Mapping[int, Use], now: int, size: int) -> int:
    """Return the first hour from `now` on in which a payload of this size may be taken."""
    return next(hour for hour in range(now, now + DAY + 2) if fitting(limits, used(hours, hour), [size]))
