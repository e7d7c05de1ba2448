"""What a round asks of the member for which it runs: which logs, what to take, what to say of forks.

docs/protocol/4-exchange.md, "Round"; `node.exchange.side` answers. Everything happens inside the given transaction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from entente.store.ports import LogRow

if TYPE_CHECKING:
    from collections.abc import Collection

    from entente.core.ids import Member
    from entente.exchange.messages import Delivery, Head, Part, Stopped
    from entente.ledger.log import Accepted
    from entente.ledger.witness import Cosignature
    from entente.store.ports import Transaction


class CommonLogs(Struct, frozen=True):
    """The logs that two members have in common, as one of them sees them.

    `rows` are exchanged now. `withheld` (origin hashes) are not, though both may read them: suspended, left, stopped.
    `stopped` are those that evidence has stopped; `heads` are those whose head both may know in any case.
    """

    rows: list[LogRow]
    withheld: list[bytes]
    stopped: list[LogRow]
    heads: list[LogRow]


def forked(common: CommonLogs) -> list[LogRow]:
    """Return the logs that evidence has stopped and that are exchanged now."""
    shared = {row.origin for row in common.rows}
    return [row for row in common.stopped if row.origin in shared]


class Audience(Protocol):
    """What a partner is to get: logs, and offers of what it does not know yet."""

    def common(self, tx: Transaction, partner: Member) -> CommonLogs:
        """Return what is exchanged with this partner now, and what is kept back of what both may read."""
        ...

    def unborn(self, tx: Transaction, rows: Collection[LogRow], shown: Collection[bytes]) -> set[bytes]:
        """Return the logs of an epoch that a partner which holds something of these logs has not begun yet."""
        ...

    def offers(self, tx: Transaction, partner: Member, lacking: set[bytes]) -> list[bytes]:
        """Return offers for circles with this partner in which it lacks our log (`lacking`: origin hashes)."""
        ...

    def full(self, partner: Member, row: LogRow, *, now: bool = False) -> bool:
        """Say whether the partner takes no more of this log for a while; with `now` it has just said so."""
        ...


class Inbox(Protocol):
    """What is taken from a partner, and what is signed in return."""

    def accept(self, tx: Transaction, row: LogRow, part: Part) -> Accepted:
        """Verify, judge and store entries of this log."""
        ...

    def deliver(self, tx: Transaction, row: LogRow, delivery: Delivery) -> bool:
        """Store a payload that was awaited; say whether it was."""
        ...

    def take_offer(self, tx: Transaction, partner: Member, offer: bytes) -> bool:
        """Take notice of an offered agreement or circle; say whether it was new."""
        ...

    def take_cosignature(self, tx: Transaction, row: LogRow, given: Cosignature) -> bool:
        """Verify and keep a cosignature; say whether it was newer."""
        ...

    def cosign(self, tx: Transaction, row: LogRow) -> list[Cosignature]:
        """State what is held of this log now."""
        ...

    def shown(self, tx: Transaction, row: LogRow, head: Head) -> None:
        """Learn how far the partner holds one of our own logs (the guard)."""
        ...


class Forks(Protocol):
    """What is found, and said, of logs whose author told two histories."""

    def compare(self, tx: Transaction, partner: Member, part: Part) -> bool:
        """Look whether a bare head contradicts what is held of its log; say whether the log is common to both."""
        ...

    def evidence(self, tx: Transaction, rows: Collection[LogRow]) -> list[bytes]:
        """Return the evidence held against these logs."""
        ...

    def told(self, tx: Transaction, row: LogRow, theirs: Stopped | None, most: int) -> Stopped:
        """Return what is held of a forked log, with at most `most` bytes of names if the partner differs."""
        ...

    def strays(self, tx: Transaction, row: LogRow, names: bytes) -> bytes | None:
        """Return an offer of acts of a forked log that are not among these names, None if there are none."""
        ...


class Side(Protocol):
    """One member in a round."""

    @property
    def me(self) -> Member:
        """Return whose side it is."""
        ...

    @property
    def audience(self) -> Audience:
        """Return what a partner is to get."""
        ...

    @property
    def inbox(self) -> Inbox:
        """Return what is taken from a partner."""
        ...

    @property
    def forks(self) -> Forks:
        """Return what is found and said of forked logs."""
        ...
