"""Tempo: how long it takes, for each pair of members, from one side's sighting to the other side's step.

Signed times of entries, and the times at which members witnessed them; nobody's word about itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import ceil
from typing import TYPE_CHECKING, Final

from msgspec import Struct, field

from entente.core.ids import Member, b32

if TYPE_CHECKING:
    from collections.abc import Iterable

RECEIPT, DECISION, STEP = "receipt", "decision", "step"
STAGES: Final = (RECEIPT, DECISION, STEP)


class WitnessedSignal(Struct, frozen=True):
    """A sighting or a warning: its reference, its author, when it was signed (ms), when each member witnessed it."""

    ref: str
    author: Member
    time: int
    witnessed: Mapping[Member, int]


class Decided(Struct, frozen=True):
    """A decision in force: its reference, what it is about (references), since when (ms)."""

    ref: str
    about: Sequence[str]
    time: int


class Stepped(Struct, frozen=True):
    """A step that is done: whose, when (ms), and the decision that its plan follows ("" for none)."""

    owner: Member
    time: int
    decision: str


class Span(Struct, frozen=True):
    """How many times something was measured, and half and 95 % of them in seconds (nearest rank)."""

    n: int
    p50: float
    p95: float


class Pair(Struct, frozen=True):
    """From one member's sighting or warning to the other's receipt, on to the decision, on to that member's step.

    Members are ids; a span is None where nothing was measured.
    """

    from_: str = field(name="from")
    to: str
    receipt: Span | None = None
    decision: Span | None = None
    step: Span | None = None


def tempo(seen: Iterable[WitnessedSignal], decided: Iterable[Decided], stepped: Iterable[Stepped]) -> list[Pair]:
    """Return the tempo of each pair for which anything was measured, by ids; a time before its cause counts as 0."""
    found: dict[tuple[Member, Member], dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    decisions: dict[str, list[Decided]] = defaultdict(list)
    for each in decided:
        for ref in each.about:
            decisions[ref].append(each)
    steps: dict[tuple[str, Member], list[int]] = defaultdict(list)
    for done in stepped:
        steps[done.decision, done.owner].append(done.time)
    for one in seen:
        for member, witnessed in one.witnessed.items():
            spans = found[one.author, member]
            spans[RECEIPT].append(max(0, witnessed - one.time))
            for decision in decisions.get(one.ref, ()):
                spans[DECISION].append(max(0, decision.time - witnessed))
                spans[STEP] += [max(0, time - decision.time) for time in steps.get((decision.ref, member), ())]
    return [
        Pair(b32(one), b32(other), **{stage: _span(spans[stage]) for stage in STAGES if spans[stage]})
        for (one, other), spans in sorted(found.items())
    ]


def _span(times: list[int]) -> Span:
    ordered = sorted(times)
    return Span(len(ordered), _rank(ordered, 50), _rank(ordered, 95))


def _rank(ordered: Sequence[int], percent: int) -> float:
    """Return the nearest rank of a percentage, in seconds."""
    return round(ordered[max(0, ceil(len(ordered) * percent / 100) - 1)] / 1000, 3)
