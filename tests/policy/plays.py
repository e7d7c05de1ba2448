"""Plans in a few letters, and members who carry them out, without logs or nodes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from entente.core.ids import b32
from entente.policy.run import DONE, FAILED, STARTED, UNDONE, UNSURE, Ready, Run, StepAct, unfold
from entente.policy.workflow import CONDITIONS, WHILE, SignedStep, read_steps

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

ANNA, BORA = b32(b"a" * 32), b32(b"b" * 32)
LOOPS = 3
ENOUGH = 100


def bone(id_: str, type_: str, next_: str = "", *, owner: str = ANNA, **more: object) -> dict[str, object]:
    """Return a step as it stands in an act."""
    empty: dict[str, object] = {"failed": "", "branches": [], "undo": ""}
    return {"id": id_, "type": type_, "owner": owner, "next": next_} | empty | more


def act(id_: str, next_: str, *, owner: str = ANNA, **more: str) -> dict[str, object]:
    return bone(id_, "action", next_, owner=owner, **more)


def end(id_: str, *, owner: str = ANNA) -> dict[str, object]:
    return bone(id_, "end", owner=owner)


@dataclass
class Play:
    """A plan that is carried out: every act in the order in which it was written."""

    skeleton: tuple[SignedStep, ...]
    exception: str = ""
    acts: list[StepAct] = field(default_factory=list)
    written: dict[str, int] = field(default_factory=dict)

    @property
    def run(self) -> Run:
        return unfold(self.skeleton, self.exception, self.acts)

    def bone(self, id_: str) -> SignedStep:
        return next(each for each in self.skeleton if each.id == id_)

    def say(
        self, step: str, state: str = DONE, result: str = "", *, visit: int = 1, because: Sequence[str] = ()
    ) -> str:
        """Write an act and return its reference; its owner counts its acts."""
        owner = self.bone(step).owner
        at = self.written.get(owner, 0)
        self.written[owner] = at + 1
        ref = f"{owner[:4]}/{at}"
        self.acts.append(StepAct(ref, step, visit, state, result, tuple(because)))
        return ref

    def begin(self, ready: Ready, state: str = DONE, result: str = "") -> str:
        return self.say(ready.step, state, result, visit=ready.visit, because=ready.because)

    def do(self, *steps: str, state: str = DONE, result: str = "") -> str:
        """Let each of these steps, which must be ready, come to this; return the last reference."""
        ref = ""
        for step in steps:
            ref = self.begin(next(each for each in self.run.ready if each.step == step), state, result)
        return ref

    @property
    def ready(self) -> list[str]:
        return [each.step for each in self.run.ready]

    def state(self, id_: str) -> str:
        return next(each.state for each in self.run.steps if each.id == id_)


def play(*steps: dict[str, object], exception: str = "") -> Play:
    return Play(read_steps(steps), exception)


class Maker:
    """Makes a well-formed plan of nested steps by chance."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance
        self.steps: list[dict[str, object]] = []

    def make(self) -> tuple[SignedStep, ...]:
        self._new("start", self._chain(3))
        return read_steps(self.steps[::-1])

    def _new(self, type_: str, next_: str = "", **more: object) -> str:
        id_ = f"{type_}--{len(self.steps)}"
        self.steps.append(bone(id_, type_, next_, owner=self.chance.choice((ANNA, BORA)), **more))
        return id_

    def _chain(self, depth: int) -> str:
        """Make a sequence with its own end; return its first step."""
        first = self._new("end")
        for _ in range(self.chance.randint(1, 3)):
            first = self._block(depth, first)
        return first

    def _block(self, depth: int, next_: str) -> str:
        kind = (
            self.chance.choice(("action", "parallel", *CONDITIONS)) if depth and len(self.steps) < ENOUGH else "action"
        )
        if kind == "action":
            return self._action(next_)
        labels = {
            "parallel": ["1", "2", "3"][: self.chance.randint(1, 3)],
            WHILE: ["true"],
            "switch-condition": self.chance.choice((["x"], ["x", "y", "default"])),
        }.get(kind) or self.chance.choice((["true"], ["true", "false"]))
        return self._new(kind, next_, branches=[[label, self._chain(depth - 1)] for label in labels])

    def _action(self, next_: str) -> str:
        failed = self.chance.choice(("", "", next_, "more"))
        if failed == "more":
            failed = self._new("action", next_)
        undo = self._new("action") if not self.chance.randrange(4) else ""
        return self._new("action", next_, failed=failed, undo=undo)


class Owners:
    """The owners of a plan, who do what is ready in whatever order it happens."""

    def __init__(self, chance: Random, plan: Play) -> None:
        self.chance = chance
        self.play = plan
        self.open: dict[tuple[str, int], Ready] = {}

    def to_the_end(self) -> None:
        for _ in range(5000):
            run = self.play.run
            assert len({each.step for each in run.ready}) == len(run.ready)
            assert not {(each.step, each.visit) for each in run.ready} & self.open.keys()
            if not (run.ready or run.stuck or self.open):
                return
            self._something(run)
        raise AssertionError("the plan does not end")

    def _something(self, run: Run) -> None:
        """Begin something, or go on with what has begun."""
        fresh = [*run.ready, *run.stuck]
        if run.undoable and self.chance.random() < 0.2:
            self._take_back(run, self.chance.choice(run.undoable))
            return
        if self.open and (not fresh or self.chance.random() < 0.5):
            self._go_on(self.chance.choice(sorted(self.open)), run)
            return
        chosen = self.chance.choice(fresh)
        if self.chance.random() < 0.5:
            self.play.begin(chosen, STARTED)
            self.open[chosen.step, chosen.visit] = chosen
        else:
            self._finish(chosen)

    def _take_back(self, run: Run, chosen: Ready) -> None:
        """Begin an undo, and say of the step that it is undone: either of the two first, or one only."""
        done = next(each for each in run.visits if (each.ended,) == chosen.because)
        turn = self.chance.randrange(3)
        if turn == 0:
            self.play.say(done.id, UNDONE, visit=done.visit, because=done.because)
        if turn != 0 or self.chance.random() < 0.5:
            self.play.begin(chosen)
        if turn == 1:
            self.play.say(done.id, UNDONE, visit=done.visit, because=done.because)

    def _go_on(self, key: tuple[str, int], run: Run) -> None:
        last = next(each.state for each in run.visits if (each.id, each.visit) == key)
        said = self.chance.choice((UNSURE, "")) if last == STARTED else self.chance.choice((STARTED, "", ""))
        if said:
            self.play.begin(self.open[key], said)
        else:
            self._finish(self.open.pop(key))

    def _finish(self, chosen: Ready) -> None:
        bone_ = self.play.bone(chosen.step)
        if self.chance.random() < 0.15 and bone_.type != "end":
            self.play.begin(chosen, FAILED)
            return
        results = sorted(bone_.results())
        stop = bone_.type == WHILE and chosen.visit >= LOOPS
        self.play.begin(chosen, DONE, "" if stop else self.chance.choice(results))
