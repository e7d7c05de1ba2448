"""Which logs of a room go between two members: one table for every way in which they can stand to each other."""

from __future__ import annotations

from hashlib import sha256

import pytest

from entente.core.ids import Member
from entente.policy.audience import Between, exchanged

ME, PARTNER, THIRD, NEW = (Member(sha256(name).digest()) for name in (b"me", b"partner", b"third", b"new"))
EVERYBODY = {"me": ME, "partner": PARTNER, "third": THIRD, "new": NEW}


def served(
    unsigned: frozenset[Member] = frozenset(),
    left: frozenset[Member] = frozenset(),
    *,
    removed: bool = False,
    over: bool = False,
    suspended: frozenset[tuple[Member, Member]] = frozenset(),
) -> set[str]:
    """Return whose logs are exchanged."""
    pair = Between(ME, PARTNER, unsigned, left, removed, over, lambda author, whom: (author, whom) in suspended)
    return {name for name, member in EVERYBODY.items() if exchanged(pair, member)}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {"me", "partner", "third", "new"}),
        ({"over": True}, set()),
        ({"left": frozenset({PARTNER})}, set()),
        ({"left": frozenset({ME})}, {"me"}),
        ({"unsigned": frozenset({PARTNER})}, {"partner"}),
        ({"unsigned": frozenset({ME})}, {"me"}),
        ({"unsigned": frozenset({ME, PARTNER})}, {"me", "partner"}),
        ({"unsigned": frozenset({PARTNER}), "left": frozenset({PARTNER})}, set()),
        ({"removed": True}, {"me", "third", "new"}),
        ({"suspended": frozenset({(ME, PARTNER)})}, set()),
        ({"suspended": frozenset({(PARTNER, ME)})}, {"me", "third", "new"}),
        ({"suspended": frozenset({(PARTNER, PARTNER)})}, {"me", "third", "new"}),
        ({"suspended": frozenset({(THIRD, PARTNER)})}, {"me", "partner", "new"}),
        ({"suspended": frozenset({(THIRD, ME)})}, {"me", "partner", "third", "new"}),
        ({"suspended": frozenset({(ME, PARTNER)}), "unsigned": frozenset({PARTNER})}, set()),
    ],
)
def test_whose_logs_go_between_two_members(given: dict[str, object], expected: set[str]) -> None:
    assert served(**given) == expected  # type: ignore[arg-type]
