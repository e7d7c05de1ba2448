"""The limits of a day: count what is taken of each member under an agreement, and leave the rest for later.

docs/protocol/4-exchange.md, "Limits". The counters cost one record for each member, agreement and hour.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from msgspec import Struct, structs

from entente.core.errors import LimitError
from entente.core.ids import b32
from entente.ledger.log import Judged
from entente.policy import limits as rules
from entente.policy.agreement import Limits
from entente.policy.limits import Use
from entente.store import shelf

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from entente.ledger.package import Column
    from entente.node.rooms.room import Room
    from entente.store.ports import LogRow, Transaction

USED = shelf.msgpack("quota", Use)
"""By agreement, member and hour: what was taken."""
CODE = "quota"
HOUR = 60 * 60 * 1000
PAUSE = 10 * 60 * 1000
"""How long a log is not sent to a partner that has said "quota"."""


class Account(Struct, frozen=True):
    """What counts for one member under one agreement, and what its limits leave."""

    prefix: str
    limits: Limits
    hours: dict[int, Use]
    hour: int

    def fitting(self, sizes: Sequence[int]) -> int:
        """Return how many of these payloads may be taken now."""
        return rules.fitting(self.limits, rules.used(self.hours, self.hour), sizes)

    def problem(self, size: int) -> LimitError | None:
        """Return why a payload of this size is not taken now, None if it is."""
        at = rules.opens(self.limits, self.hours, self.hour, size)
        if at == self.hour:
            return None
        until = datetime.fromtimestamp(at * HOUR / 1000, UTC).strftime("%Y-%m-%dT%H:%MZ")
        return LimitError(
            f"The agreement allows {self.limits.entries_day} entries and {self.limits.bytes_day} bytes a day; "
            f"this node takes more of this member's from {until} on.",
            code=CODE,
            hint="Nothing is lost: the rest comes later. The members can amend the agreement's limits.",
        )


def account(tx: Transaction, room: Room, row: LogRow, now: int) -> Account:
    """Return the account of a log's author under its agreement; `now` in milliseconds."""
    prefix = f"{b32(room.agreement)}/{b32(row.member)}/"
    hours = {int(key.removeprefix(prefix)): use for key, use in USED.all(tx, prefix)}
    return Account(prefix, room.terms.limits, hours, now // HOUR)


def charge(tx: Transaction, held: Account, entries: int, bytes_: int) -> None:
    """Count what was taken, and forget the hours that count no more."""
    if not entries and not bytes_:
        return
    use = held.hours.get(held.hour, Use()).with_(entries, bytes_)
    USED.put(tx, _key(held, held.hour), use)
    for hour in held.hours:
        if not held.hour - rules.DAY <= hour <= held.hour:
            USED.drop(tx, _key(held, hour))


def _key(held: Account, hour: int) -> str:
    return f"{held.prefix}{hour:012d}"


def problem(tx: Transaction, room: Room, row: LogRow, now: int, size: int = 0) -> LimitError | None:
    """Return why one more entry with a payload of this size is not taken now (code "quota"), None if it is."""
    return account(tx, room, row, now).problem(size)


def measured(
    tx: Transaction,
    room: Room,
    row: LogRow,
    now: int,
    columns: Sequence[Column],
    judge: Callable[[int], Judged],
) -> Judged:
    """Judge as many entries of a run as may be taken now, and count those that were.

    `judge` is asked about that many, from the first on.
    """
    held = account(tx, room, row, now)
    sizes = [len(each.payload or b"") for each in columns]
    fits = held.fitting(sizes)
    if fits == 0 and sizes:
        return Judged(0, [], [], [], _said(held, sizes[0]), CODE)
    judged = judge(fits)
    charge(tx, held, judged.taken, sum(sizes[: judged.taken]))
    if judged.taken == fits < len(sizes) and not judged.waits:
        held = account(tx, room, row, now)
        judged = structs.replace(judged, waits=_said(held, sizes[fits]), code=CODE)
    return judged


def _said(held: Account, size: int) -> str:
    found = held.problem(size)
    return found.message if found else ""
