"""When an answer to what has a deadline comes too late (docs/protocol/11-joint-work.md).

The proposer's outcome decides; it counts an answer that claims a time by the deadline and that the proposer had
witnessed by then. All times are milliseconds since 1970.
"""

from __future__ import annotations


def is_over(deadline: int, now: int) -> bool:
    """Say whether it is too late to answer; never without a deadline (0)."""
    return bool(deadline) and now > deadline


def in_time(deadline: int, claimed: int, witnessed: int) -> bool:
    """Say whether an answer counts: by the time that it claims, and by when it was witnessed (0: it was not)."""
    return claimed <= deadline and 0 < witnessed <= deadline
