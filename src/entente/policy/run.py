"""The run of an action plan, worked out from the set of acts on its steps: what is done, what may be begun now.

docs/protocol/12-plans.md, "The run". A *token* stands at a step that the run has come to, and names the acts that
brought it there. The acts of a visit that name exactly these take it; when the visit is done or failed, it moves on.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import Struct

from entente.policy.workflow import END, PARALLEL, WHILE, SignedStep, read_steps, signed_steps

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["Ready", "Run", "SignedStep", "StepAct", "StepState", "follows", "read_steps", "signed_steps", "unfold"]

WAITING, READY = "waiting", "ready"
STARTED, UNSURE, DONE, FAILED, UNDONE = "started", "unsure", "done", "failed", "undone"
SAID: Final = (STARTED, UNSURE, DONE, FAILED, UNDONE)
"""What the owner of a step may say of a visit."""

RUNNING, OVER = "running", "done"
_NEXT: Final = {
    "": {STARTED, DONE, FAILED},
    STARTED: {DONE, FAILED, UNSURE},
    UNSURE: {STARTED, DONE, FAILED},
    DONE: {UNDONE},
}
_ENDED: Final = frozenset({DONE, FAILED, UNDONE})
_MAIN, _EXCEPTION, _UNDO = "main", "exception", "undo"
_FLOW, _AGAIN, _BACK = "flow", "again", "back"


def follows(before: str, said: str) -> bool:
    """Say whether an owner may say `said` of a visit of which it said `before` last ("" = nothing yet)."""
    return said in _NEXT.get(before, ())


def ended(state: str) -> bool:
    """Say whether a visit that has come to this is over, so that the next one may begin."""
    return state in _ENDED


class StepAct(Struct, frozen=True):
    """What one allowed `step/1` says, and its reference."""

    ref: str
    step: str
    visit: int
    state: str
    result: str
    because: tuple[str, ...]


class StepState(Struct, frozen=True):
    """How far one visit of a step has come: waiting, ready, started, unsure, done, failed or undone.

    `because` are the acts that made it ready, `refs` its acts in their order, `ended` the one of them that said done
    or failed ("" while there is none), `result` what that said.
    """

    id: str
    visit: int
    owner: str
    state: str
    result: str
    because: tuple[str, ...]
    refs: tuple[str, ...]
    ended: str


class Ready(Struct, frozen=True):
    """A visit that its owner may begin now, and what its act has to name in `because`."""

    step: str
    visit: int
    owner: str
    because: tuple[str, ...]


class Run(Struct, frozen=True):
    """How far a plan has come.

    `state`: running, or done (an end outside all branches is done). `steps`: each step of the plan, in its order, in
    its newest visit (0 = never came to it). `visits`: every visit that counts, after what made it ready.
    `ready`: what is to be begun, each step once. `stuck`: steps that failed with no way on; people may begin them anew.
    `undoable`: undo steps that may be begun, for a visit that is done (its ending act is in `because`).
    `early`: references of acts that do not count, because they do not name what made their step ready.
    """

    state: str
    steps: tuple[StepState, ...]
    visits: tuple[StepState, ...]
    ready: tuple[Ready, ...]
    stuck: tuple[Ready, ...]
    undoable: tuple[Ready, ...]
    early: tuple[str, ...]


def unfold(workflow: Sequence[SignedStep], exception: str, acts: Iterable[StepAct]) -> Run:
    """Return the run of a plan; `acts` in any order that keeps the order of each owner's log."""
    walk = _Walk(workflow, exception, acts)
    walk.go()
    return walk.run()


@dataclass(slots=True, eq=False)
class _Opened:
    """The branches that a step has opened, and by which act each has ended."""

    step: SignedStep
    place: _Place
    ends: list[str]


class _Place(NamedTuple):
    """Where a token is: on the main way, that of the exception or of an undo; in which branch of what."""

    way: str
    inside: _Opened | None = None
    branch: int = 0


class _Token(NamedTuple):
    step: str
    because: tuple[str, ...]
    place: _Place
    why: str = _FLOW

    @property
    def key(self) -> tuple[str, frozenset[str]]:
        return self.step, frozenset(self.because)


class _Walk:
    """One working out of a run; every token is looked at once."""

    def __init__(self, workflow: Sequence[SignedStep], exception: str, acts: Iterable[StepAct]) -> None:
        self.steps = {signed.id: signed for signed in workflow}
        self.exception = exception
        self.visits: dict[tuple[str, int], list[StepAct]] = {}
        for act in acts:
            self.visits.setdefault((act.step, act.visit), []).append(act)
        self.last: dict[str, int] = {}
        self.named: dict[tuple[str, frozenset[str]], int] = {}
        for (step, visit), said in sorted(self.visits.items(), key=lambda each: each[0]):
            self.last[step] = visit
            self.named.setdefault((step, frozenset(said[0].because)), visit)
        self.queue = deque([_Token(workflow[0].id, (), _Place(_MAIN))])
        self.seen = {self.queue[0].key}
        self.pending: list[_Token] = []
        self.counted: dict[tuple[str, int], StepState] = {}
        self.over = False

    def go(self) -> None:
        """Move every token as far as the acts take it."""
        while self.queue:
            token = self.queue.popleft()
            visit = self.named.get(token.key)
            if visit is None:
                self.pending.append(token)
            else:
                self._move(token, visit)

    def _move(self, token: _Token, visit: int) -> None:
        """Count the visit that takes a token, and move on if it is over."""
        signed, said = self.steps[token.step], self.visits[token.step, visit]
        end = next((act for act in said if act.state in {DONE, FAILED}), None)
        ref, result = (end.ref, end.result) if end else ("", "")
        refs = tuple(act.ref for act in said)
        last = said[-1].state
        self.counted[token.step, visit] = StepState(
            signed.id, visit, signed.owner, last, result, token.because, refs, ref
        )
        if end is None:
            return
        if end.state == FAILED:
            self._failed(token, signed, ref)
            return
        if signed.undo:
            self._put(_Token(signed.undo, (ref,), _Place(_UNDO), _BACK))
        self._done(token.place, signed, end)

    def _failed(self, token: _Token, signed: SignedStep, ref: str) -> None:
        if signed.failed:
            self._put(_Token(signed.failed, (ref,), token.place))
        elif self.exception and token.place.way == _MAIN:
            self._put(_Token(self.exception, (ref,), _Place(_EXCEPTION)))
        else:
            self._put(_Token(signed.id, (ref,), token.place, _AGAIN))

    def _done(self, place: _Place, signed: SignedStep, end: StepAct) -> None:
        if signed.type == END:
            self._end(place, end.ref)
            return
        opened = [step for label, step in signed.branches if signed.type == PARALLEL or label == end.result]
        inside = _Opened(signed, place, [""] * len(opened))
        for number, step in enumerate(opened):
            self._put(_Token(step, (end.ref,), _Place(place.way, inside, number)))
        if not opened and signed.next:
            self._put(_Token(signed.next, (end.ref,), place))

    def _end(self, place: _Place, ref: str) -> None:
        """End a branch, and go on behind it when it was the last; or end the run."""
        if place.inside is None:
            self.over = self.over or place.way != _UNDO
            return
        opened = place.inside
        opened.ends[place.branch] = ref
        if all(opened.ends):
            onward = opened.step.id if opened.step.type == WHILE else opened.step.next
            self._put(_Token(onward, tuple(opened.ends), opened.place))

    def _put(self, token: _Token) -> None:
        if token.step in self.steps and token.key not in self.seen:
            self.seen.add(token.key)
            self.queue.append(token)

    def run(self) -> Run:
        """Return what has been worked out."""
        order = {step: number for number, step in enumerate(self.steps)}
        undone = {(each.ended,) for each in self.counted.values() if each.state == UNDONE}
        pending = sorted(self.pending, key=lambda token: (order[token.step], token.because))
        going = [token for token in pending if token.place.way == _UNDO or not self.over]
        first = {token.step: token for token in reversed(going) if token.why == _FLOW}
        ready = {each.step: each for each in self._free(first[step] for step in order if step in first)}
        newest = {step: state for (step, _), state in sorted(self.counted.items())}
        late = [key for key in self.visits if key not in self.counted]
        late.sort(key=lambda key: (order.get(key[0], len(order)), key))
        return Run(
            state=OVER if self.over else RUNNING,
            steps=tuple(_shown(signed, newest.get(signed.id), ready.get(signed.id)) for signed in self.steps.values()),
            visits=tuple(self.counted.values()),
            ready=tuple(ready.values()),
            stuck=tuple(self._free(token for token in going if token.why == _AGAIN)),
            undoable=tuple(self._free(token for token in going if token.why == _BACK and token.because not in undone)),
            early=tuple(act.ref for key in late for act in self.visits[key]),
        )

    def _free(self, tokens: Iterable[_Token]) -> Iterator[Ready]:
        """Yield what may be begun at these tokens: no step while a visit of it is not over."""
        for token in tokens:
            last = self.last.get(token.step, 0)
            if not last or ended(self.visits[token.step, last][-1].state):
                yield Ready(token.step, last + 1, self.steps[token.step].owner, token.because)


def _shown(signed: SignedStep, newest: StepState | None, ready: Ready | None) -> StepState:
    """Return the one state of a step that people see: of its newest visit, begun or to be begun."""
    if ready is not None:
        return StepState(signed.id, ready.visit, signed.owner, READY, "", ready.because, (), "")
    return newest or StepState(signed.id, 0, signed.owner, WAITING, "", (), (), "")
