"""What a batch of objects would give away by naming: `docs/protocol/6-release.md`, rule `reference` and "Batch".

An id that stands in a shared object tells its readers that this member holds the object behind it. So an object goes
only with the objects that it names, unless the readers have them already. Time is linear in the number of references.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from collections.abc import Set as AbstractSet

    Lookup = Callable[[Collection[str]], AbstractSet[str]]
    """Takes ids and returns those of them that are there."""


class Trace(msgspec.Struct, frozen=True):
    """For each object of a batch: the ids that hold it back, and the ids that nobody here knows."""

    missing: list[tuple[str, ...]]
    unknown: list[tuple[str, ...]]
    brought: frozenset[str]


def trace(
    ids: Sequence[str], refs: Sequence[tuple[str, ...]], standing: Sequence[bool], held: Lookup, there: Lookup
) -> Trace:
    """Follow the references of a batch; `standing` says which of its objects no other rule refuses.

    `held` says which ids this member holds in whatever state, `there` which ids the circle holds. Several objects of
    a batch may be versions of one id; any of them that goes satisfies a reference.
    """
    brought = frozenset(ids)
    named = frozenset[str]().union(*refs)
    mine = (named & brought) | (named & held(named - brought))
    hidden = mine - there(mine)
    alive = Counter(id_ for id_, stands in zip(ids, standing, strict=True) if stands)
    lost = _settle(ids, _reverse(refs, hidden), list(standing), alive)
    foreign = named - mine
    return Trace(
        [_among(found, lost, own) for own, found in zip(ids, refs, strict=True)],
        [_among(found, foreign, own) for own, found in zip(ids, refs, strict=True)],
        brought,
    )


def _reverse(refs: Sequence[tuple[str, ...]], hidden: AbstractSet[str]) -> dict[str, list[int]]:
    """List for each hidden id the places of the objects that name it."""
    result: dict[str, list[int]] = {id_: [] for id_ in hidden}
    if hidden:
        for place, found in enumerate(refs):
            for ref in found:
                if ref in result:
                    result[ref].append(place)
    return result


def _settle(ids: Sequence[str], named_by: dict[str, list[int]], standing: list[bool], alive: Counter[str]) -> set[str]:
    """Take back what names an id that does not go, until nothing changes; return the hidden ids that do not go."""
    lost = {id_ for id_ in named_by if not alive[id_]}
    queue = list(lost)
    while queue:
        gone = queue.pop()
        for place in named_by[gone]:
            own = ids[place]
            if not standing[place]:
                continue
            standing[place] = False
            alive[own] -= 1
            if not alive[own] and own in named_by:
                lost.add(own)
                queue.append(own)
    return lost


def _among(found: tuple[str, ...], those: AbstractSet[str], own: str) -> tuple[str, ...]:
    """Return the ids of `found` that are among `those`, in order of the alphabet, without the object's own."""
    if not those or those.isdisjoint(found):
        return ()
    return tuple(sorted(ref for ref in set(found) if ref in those and ref != own))
