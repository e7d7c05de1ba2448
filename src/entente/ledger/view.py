"""Fold acts into states: the same result for the same set of acts, in whatever order they arrived.

Each log's acts are judged in their order. One that depends on something that has not arrived waits, and what stands
behind it in its log waits with it, so nothing that counted is ever undone by what arrives later. Acts of a kind that
stands apart wait for those of their own kind only: nothing else bears on them, nor they on anything else.
"""

from __future__ import annotations

from collections import defaultdict
from copy import copy
from typing import TYPE_CHECKING, Any, Protocol

from entente.core.errors import InvalidError
from entente.core.ids import unb32
from entente.core.kind import (
    Act,
    Answering,
    Apart,
    Asking,
    Asks,
    Context,
    Contrary,
    Deciding,
    Given,
    Judgement,
    Kind,
    Membership,
    Revisions,
    Verdict,
    deny,
)
from entente.core.layers import Layers

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from entente.core.ids import Member


class Circles(Membership, Revisions, Protocol):
    """What is known of rooms before any act is read."""

    def logs(self, circle: bytes) -> frozenset[str]:
        """Return the logs of this room: the origin hash of each member's, in text."""
        ...


Lane = tuple[bytes, str]
"""Acts of one log (origin hash) that are judged in their order: of one kind that stands apart, or ("") the rest."""


class View:
    """The states after a fold: by kind, with every judgement and what still waits for which entry."""

    def __init__(
        self,
        kinds: Sequence[Kind[Any]],  # Any: each kind has a state of its own
        circles: Circles,
        stopped: frozenset[bytes] = frozenset(),
    ) -> None:
        """Start empty; `extended` fills it. `stopped` are logs (origin hashes) that take no more entries."""
        self.kinds = {kind.name: kind for kind in kinds}
        self.circles = circles
        self.stopped = stopped
        self._roles = _Roles(kinds)
        self._context = _Context(circles, self, self._roles)
        self.states: dict[str, Any] = {kind.name: kind.start() for kind in kinds}
        self.judged: Layers[str, Judgement] = Layers()
        self.acts: Layers[str, Act] = Layers()
        self.things: Layers[bytes, Asks] = Layers()
        self._queues: dict[Lane, list[Act]] = {}
        self._blocked: dict[str, list[Lane]] = {}
        self._held: set[str] = set()
        self._aside: set[str] = set()

    @property
    def waiting(self) -> dict[str, list[Act]]:
        """Return the acts that wait, by the reference of the entry that each one waits for."""
        return {ref: [self._queues[lane][-1] for lane in lanes] for ref, lanes in self._blocked.items() if lanes}

    @property
    def outdated(self) -> bool:
        """Say whether all has to be folded anew: what acts of a forked log waited for in vain has come since."""
        return any(ref in self.judged for ref in self._aside)

    def judge(self, act: Act) -> Judgement:
        """Say what would become of `act` now, without changing anything."""
        kind = self.kinds[act.kind]
        try:
            kind.check(act.body)
        except InvalidError as problem:
            return deny(f"malformed: {problem.message}")
        if act.author not in self.circles.members(act.circle):
            return deny("not-a-member")
        self._context.logs = self.circles.logs(act.circle)
        judgement = kind.judge(self.states[act.kind], act, self._context)
        if judgement.verdict is Verdict.UNKNOWN and not self._context.is_here(judgement.detail):
            return deny("wrong-room")  # who is not in that other room could never judge it
        return judgement

    def copy(self) -> View:
        """Return a view of the same acts that goes its own way; what is in a state is never changed, only replaced."""
        other = View((), self.circles, self.stopped)
        other.kinds, other._roles = self.kinds, self._roles
        other._context = _Context(self.circles, other, self._roles)
        other.states = {name: copy(state) for name, state in self.states.items()}
        other.judged, other.acts, other.things = copy(self.judged), copy(self.acts), copy(self.things)
        other._queues = {lane: list(queue) for lane, queue in self._queues.items() if queue}
        other._blocked = {ref: list(lanes) for ref, lanes in self._blocked.items() if lanes}
        other._held, other._aside = set(self._held), set(self._aside)
        return other

    def extended(self, acts: Iterable[Act]) -> View:
        """Return the view of these acts too; of each log they must stand behind those that are in this view."""
        other = self.copy()
        other.extend(acts)
        return other

    def settled(self, refs: Iterable[str]) -> View:
        """Return the view in which nothing waits for these entries: they are held, and are no acts that count."""
        other = self.copy()
        other.settle(refs)
        return other

    def settle(self, refs: Iterable[str]) -> None:
        """Let nothing wait for these entries; see `settled`."""
        for ref in refs:
            self.judged[ref] = deny("no-act")
            self._go_on(self._blocked.pop(ref, []))

    def extend(self, acts: Iterable[Act]) -> None:
        """Take in further acts; see `extended`."""
        fresh: dict[Lane, list[Act]] = defaultdict(list)
        for act in sorted(acts, key=lambda act: (act.place.log, act.place.index, act.place.leaf), reverse=True):
            fresh[act.place.log, act.kind if act.kind in self._roles.apart else ""].append(act)
        if self.stopped:
            self._held |= {act.place.ref for acts_ in fresh.values() for act in acts_}
        waits = {lane for lanes in self._blocked.values() for lane in lanes}
        for lane, later in fresh.items():
            self._queues[lane] = later + self._queues.get(lane, [])
        self._go_on(lane for lane in fresh if lane not in waits)
        before = set(self._aside)
        while stuck := self._stuck():
            self._set_aside(stuck)
        self._aside = before | {ref for ref in self._aside if ref not in self.judged}

    def _stuck(self) -> list[tuple[str, Lane]]:
        """Return the lanes of forked logs that wait, each with what it waits for."""
        found = self._blocked.items() if self.stopped else ()
        return [(ref, lane) for ref, lanes in found for lane in lanes if lane[0] in self.stopped]

    def _set_aside(self, stuck: list[tuple[str, Lane]]) -> None:
        """Deny for now the acts of forked logs whose references are not here, and judge what stands behind them."""
        self._aside |= {ref for ref, _ in stuck}
        freed: list[Lane] = []
        for ref, lane in stuck:
            self._blocked[ref].remove(lane)
            act = self._queues[lane].pop()
            self.judged[act.place.ref] = deny("forked")
            freed += [lane, *self._blocked.pop(act.place.ref, [])]
        self._go_on(freed)

    def _go_on(self, lanes: Iterable[Lane]) -> None:
        """Judge these lanes, and those that wait for what stands in them, as far as they go."""
        ready = sorted(lanes, reverse=True)
        while ready:
            ready += self._advance(ready.pop())

    def _advance(self, lane: Lane) -> list[Lane]:
        """Judge one lane as far as it goes; return the lanes that may go on because of it."""
        queue, freed = self._queues[lane], list[Lane]()
        while queue:
            act = queue[-1]
            judgement = self.judge(act)
            if judgement.verdict is Verdict.UNKNOWN and self._never(judgement.detail):
                judgement = deny("forked")
            if judgement.verdict is Verdict.UNKNOWN:
                self._blocked.setdefault(judgement.detail, []).append(lane)
                break
            queue.pop()
            ref = act.place.ref
            if judgement.verdict is Verdict.ALLOW:
                self._take(ref, act)
            self.judged[ref] = judgement
            freed += self._blocked.pop(ref, [])
        return freed

    def _never(self, ref: str) -> bool:
        """Say whether this entry does not come any more."""
        return unb32(ref.partition("/")[0], 32) in self.stopped and ref not in self._held

    def _take(self, ref: str, act: Act) -> None:
        """Change the states by an act that was allowed."""
        kind = self.kinds[act.kind]
        kind.apply(self.states[act.kind], act)
        self.acts[ref] = act
        asking = self._roles.asking.get(act.kind)
        asked = None if asking is None else asking.asks(act, self._context)
        if asked is not None:
            self.things[asked.thing] = asked


class _Roles:
    """Which kinds do more than change their own state."""

    def __init__(self, kinds: Sequence[Kind[Any]]) -> None:
        self.asking = {kind.name: kind for kind in kinds if isinstance(kind, Asking)}
        self.apart = {kind.name for kind in kinds if isinstance(kind, Apart) and kind.apart}
        self.answering = next((kind for kind in kinds if isinstance(kind, Answering)), None)
        self.deciding = next((kind for kind in kinds if isinstance(kind, Deciding)), None)


class _Context:
    """What is known of the circles, and which entries of the room whose act is being judged have been judged."""

    def __init__(self, circles: Circles, view: View, roles: _Roles) -> None:
        self.logs: frozenset[str] = frozenset()
        self.members = circles.members
        self.agreement = circles.agreement
        self.founding = circles.founding
        self.revision = circles.revision
        self.epoch = circles.epoch
        self.public = circles.public
        self.newcomers = circles.newcomers
        self.needed = circles.needed
        self.terms = circles.terms
        self._view = view
        self._answering = roles.answering
        self._deciding = roles.deciding

    def known(self, ref: str) -> bool:
        return ref in self._view.judged and self.is_here(ref)

    def is_here(self, ref: str) -> bool:
        """Say whether an entry stands in a log of this room."""
        return ref.partition("/")[0] in self.logs

    def thing(self, of: bytes) -> Asks | None:
        return self._view.things.get(of)

    def act(self, ref: str) -> Act | None:
        return self._view.acts.get(ref)

    def answers(self, of: bytes) -> Mapping[Member, Given]:
        kind = self._answering
        return {} if kind is None else kind.answers(self._view.states[kind.name], of)

    def decided(self, of: bytes) -> tuple[bool, str] | None:
        kind = self._deciding
        return None if kind is None else kind.decided(self._view.states[kind.name], of)


def fold(
    kinds: Sequence[Kind[Any]], acts: Iterable[Act], circles: Circles, stopped: frozenset[bytes] = frozenset()
) -> View:
    """Return the view of these acts; acts of other kinds than `kinds` must not be among them.

    `stopped` are logs (origin hashes) that are forked: `acts` has all that are held of them, of every history, and what
    depends on another one does not wait for it, and holds up nothing behind it.
    """
    view = View(kinds, circles, stopped)
    view.extend(_outweighing(view, acts) if stopped else acts)
    return view


def _outweighing(view: View, acts: Iterable[Act]) -> list[Act]:
    """Leave out, of what one author said about one thing in several histories, all but what weighs most."""
    said: dict[tuple[bytes, str, str], list[tuple[int, Act]]] = defaultdict(list)
    kept: list[Act] = []
    for act in acts:
        kind = view.kinds[act.kind]
        if act.place.log in view.stopped and isinstance(kind, Contrary):
            about, weight = kind.weigh(act.body)
            said[act.place.log, act.kind, about].append((weight, act))
        else:
            kept.append(act)
    for each in said.values():
        most = max(weight for weight, _ in each)
        kept += [act for weight, act in each if weight == most]
    return kept


def missing(context: Context, after: Sequence[str]) -> str:
    """Return the first reference in an act's `after` that is not known yet, "" if all are."""
    return next((ref for ref in after if not context.known(ref)), "")
