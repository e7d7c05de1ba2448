"""How agreements and circles come into force: `docs/protocol/3-kinds.md`, "In force"."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from entente.core.errors import InvalidError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from entente.core.ids import Member

APPROVE: Final = "approve"
REFUSE: Final = "refuse"

_LEAST: Final = 2


class State(StrEnum):
    """How far a proposal has come."""

    PROPOSED = "proposed"
    IN_FORCE = "in-force"
    REFUSED = "refused"
    EXPIRED = "expired"


def quorum(n: int, terms_quorum: int = 0) -> int:
    """Return how many of `n` members bind all: the number in the terms, or 1 + floor(2n/3) if that is 0.

    Raise InvalidError if there are no members or the number is not from more than half of them to all.
    """
    if n < 1:
        raise InvalidError("Nobody can decide where there are no members.")
    if terms_quorum == 0:
        return 1 + 2 * n // 3
    if not n < 2 * terms_quorum <= 2 * n:
        raise InvalidError(f"quorum: 0 or a number from {n // 2 + 1} to {n} is needed, not {terms_quorum}.")
    return terms_quorum


def standing(members: Collection[Member], answers: Mapping[Member, str]) -> State:
    """Return the state of a proposal from the first answer of each member; others' answers do not count.

    All members must have approved; one that refuses ends it. With fewer than two members it never comes into force.
    Raise InvalidError for an answer that is none.
    """
    concerned = set(members)
    given = {answers[member] for member in concerned if member in answers}
    if unknown := given - {APPROVE, REFUSE}:
        raise InvalidError(f"The answer to a proposal is {APPROVE} or {REFUSE}, not {min(unknown)[:40]!r}.")
    if REFUSE in given:
        return State.REFUSED
    if len(concerned) >= _LEAST and all(member in answers for member in concerned):
        return State.IN_FORCE
    return State.PROPOSED


def carried(
    voters: Collection[Member], needed: int, answers: Mapping[Member, str], must: Collection[Member] = ()
) -> State:
    """Return the state of what was asked of `voters`: in force with `needed` approvals, refused when out of reach.

    Those in `must` have to be among the approvers.
    """
    given = {voter: answers[voter] for voter in voters if voter in answers}
    yes, no = ({voter for voter, answer in given.items() if answer == word} for word in (APPROVE, REFUSE))
    if len(yes) >= needed and yes.issuperset(must):
        return State.IN_FORCE
    return State.REFUSED if len(set(voters)) - len(no) < needed or not no.isdisjoint(must) else State.PROPOSED
