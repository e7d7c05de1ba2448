"""Fold acts into states: the same result for the same set of acts, in whatever order they arrived.

Each log's acts are judged in their order. One that depends on something that has not arrived waits, and what stands
behind it in its log waits with it, so nothing that counted is ever undone by what arrives later.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Protocol

from entente.core.errors import InvalidError
from entente.core.ids import unb32
from entente.core.kind import Act, Asking, Asks, Context, Judgement, Kind, Verdict, deny

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from entente.core.ids import Member


class World(Protocol):
    """What is known of circles before any act is read; see `core.kind.Context`, which asks the same."""

    def members(self, circle: bytes) -> frozenset[Member]:
        """Return the members of this room; empty for one that is not known."""
        ...

    def agreement(self, circle: bytes) -> bytes:
        """Return the agreement of this room."""
        ...

    def founding(self, circle: bytes) -> bool:
        """Say whether it is of its agreement's founding circle."""
        ...

    def revision(self, circle: bytes) -> bytes:
        """Return the revision that this room lives under."""
        ...

    def epoch(self, circle: bytes) -> int:
        """Return the epoch of this room."""
        ...

    def public(self, circle: bytes) -> bytes:
        """Return the id of the circle that this room belongs to."""
        ...

    def newcomers(self, circle: bytes) -> frozenset[Member]:
        """Return the members that came with this room's revision."""
        ...

    def needed(self, circle: bytes, voters: int) -> int:
        """Return how many of so many voters bind all under the terms of this room."""
        ...

    def terms(self, circle: bytes) -> Mapping[str, object]:
        """Return the terms of this room, every one written out."""
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
        self.things: dict[bytes, Asks] = {}

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

    def take(self, act: Act) -> None:
        """Change the states by an act that was allowed."""
        kind = self.kinds[act.kind]
        kind.apply(self.states[act.kind], act)
        asked = kind.asks(act, self._context) if isinstance(kind, Asking) else None
        if asked is not None:
            self.things[asked.thing] = asked


class _Context:
    """The world, and which entries have been judged."""

    def __init__(self, world: World, view: View) -> None:
        self.members = world.members
        self.agreement = world.agreement
        self.founding = world.founding
        self.revision = world.revision
        self.epoch = world.epoch
        self.public = world.public
        self.newcomers = world.newcomers
        self.needed = world.needed
        self.terms = world.terms
        self._view = view

    def known(self, ref: str) -> bool:
        return ref in self._view.judged

    def thing(self, of: bytes) -> Asks | None:
        return self._view.things.get(of)


def fold(
    kinds: Sequence[Kind[Any]], acts: Iterable[Act], world: World, stopped: frozenset[bytes] = frozenset()
) -> View:
    """Return the view of these acts; acts of other kinds than `kinds` must not be among them.

    `stopped` are logs (origin hashes) that take no more entries: what depends on one that they lack does not wait for
    it for ever, and holds up nothing behind it.
    """
    view = View(kinds, world)
    queues: dict[bytes, list[Act]] = defaultdict(list)
    for act in sorted(acts, key=lambda act: (act.place.log, act.place.index), reverse=True):
        queues[act.place.log].append(act)
    held = {act.place.ref for queue in queues.values() for act in queue} if stopped else set[str]()
    blocked: dict[str, list[bytes]] = defaultdict(list)
    ready = sorted(queues, reverse=True)
    while ready:
        log = ready.pop()
        ready += _advance(view, queues[log], log, blocked, lambda ref: _log_of(ref) in stopped and ref not in held)
    view.waiting = {ref: [queues[log][-1] for log in logs] for ref, logs in blocked.items() if logs}
    return view


def _log_of(ref: str) -> bytes:
    return unb32(ref.partition("/")[0], 32)


def _advance(
    view: View, queue: list[Act], log: bytes, blocked: dict[str, list[bytes]], never: Callable[[str], bool]
) -> list[bytes]:
    """Judge one log as far as it goes; return the logs that may go on because of it.

    `never` says which entries do not come any more.
    """
    freed: list[bytes] = []
    while queue:
        act = queue[-1]
        judgement = view.judge(act)
        if judgement.verdict is Verdict.UNKNOWN and never(judgement.detail):
            judgement = deny("forked")
        if judgement.verdict is Verdict.UNKNOWN:
            blocked[judgement.detail].append(log)
            break
        queue.pop()
        if judgement.verdict is Verdict.ALLOW:
            view.take(act)
        view.judged[act.place.ref] = judgement
        freed += blocked.pop(act.place.ref, [])
    return freed


def missing(context: Context, after: Sequence[str]) -> str:
    """Return the first reference in an act's `after` that is not known yet, "" if all are."""
    return next((ref for ref in after if not context.known(ref)), "")
