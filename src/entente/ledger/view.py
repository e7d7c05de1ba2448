"""Fold acts into states: the same result for the same set of acts, in whatever order they arrived.

Each log's acts are judged in their order. One that depends on something that has not arrived waits, and what stands
behind it in its log waits with it, so nothing that counted is ever undone by what arrives later.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Protocol

from entente.core.errors import InvalidError
from entente.core.kind import Act, Context, Judgement, Kind, Verdict, deny

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from entente.core.ids import Member


class World(Protocol):
    """What is known of circles before any act is read."""

    def members(self, circle: bytes) -> frozenset[Member]:
        """Return the members that the circle's text names; empty for a circle that is not known."""
        ...

    def agreement(self, circle: bytes) -> bytes:
        """Return the agreement of this circle."""
        ...

    def founding(self, circle: bytes) -> bool:
        """Say whether this is its agreement's founding circle."""
        ...


class View:
    """The states after a fold: by kind, with every judgement and what still waits for which entry."""

    def __init__(self, kinds: Sequence[Kind[Any]], world: World) -> None:  # Any: each kind has a state of its own
        """Start empty; `fold` fills it."""
        self.kinds = {kind.name: kind for kind in kinds}
        self._context = _Context(world, self)
        self.states: dict[str, Any] = {kind.name: kind.start() for kind in kinds}
        self.judged: dict[str, Judgement] = {}
        self.waiting: dict[str, list[Act]] = {}

    def judge(self, act: Act) -> Judgement:
        """Say what would become of `act` now, without changing anything."""
        kind = self.kinds[act.kind]
        try:
            kind.check(act.body)
        except InvalidError as problem:
            return deny(f"malformed: {problem.message}")
        if act.author not in self._context.members(act.circle):
            return deny("not-a-member")
        return kind.judge(self.states[act.kind], act, self._context)


class _Context:
    """The world, and which entries have been judged."""

    def __init__(self, world: World, view: View) -> None:
        self.members = world.members
        self.agreement = world.agreement
        self.founding = world.founding
        self._view = view

    def known(self, ref: str) -> bool:
        return ref in self._view.judged


def fold(kinds: Sequence[Kind[Any]], acts: Iterable[Act], world: World) -> View:
    """Return the view of these acts; acts of other kinds than `kinds` must not be among them."""
    view = View(kinds, world)
    queues: dict[bytes, list[Act]] = defaultdict(list)
    for act in sorted(acts, key=lambda act: (act.place.log, act.place.index), reverse=True):
        queues[act.place.log].append(act)
    blocked: dict[str, list[bytes]] = defaultdict(list)
    ready = sorted(queues, reverse=True)
    while ready:
        log = ready.pop()
        ready += _advance(view, queues[log], log, blocked)
    view.waiting = {ref: [queues[log][-1] for log in logs] for ref, logs in blocked.items() if logs}
    return view


def _advance(view: View, queue: list[Act], log: bytes, blocked: dict[str, list[bytes]]) -> list[bytes]:
    """Judge one log as far as it goes; return the logs that may go on because of it."""
    freed: list[bytes] = []
    while queue:
        act = queue[-1]
        judgement = view.judge(act)
        if judgement.verdict is Verdict.UNKNOWN:
            blocked[judgement.detail].append(log)
            break
        queue.pop()
        if judgement.verdict is Verdict.ALLOW:
            view.kinds[act.kind].apply(view.states[act.kind], act)
        view.judged[act.place.ref] = judgement
        freed += blocked.pop(act.place.ref, [])
    return freed


def missing(context: Context, after: Sequence[str]) -> str:
    """Return the first reference in an act's `after` that is not known yet, "" if all are."""
    return next((ref for ref in after if not context.known(ref)), "")
