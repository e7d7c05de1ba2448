"""What a node does by itself for plans: decide outcomes, evaluate control steps, bring about and undo effects.

docs/protocol/12-plans.md. The entries decide; this only asks what is due and appends what became of it. An effect is
begun in one transaction with its key, carried out, and ended in another: after a crash between the two its step is
`unsure`, unless doing it again is harmless.
"""

from __future__ import annotations

import fcntl
import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from entente.core.errors import EntenteError
from entente.core.ids import b32
from entente.formats.cacao.workflow import choose
from entente.kinds.outcome import EXPIRED, IN_FORCE
from entente.kinds.outcome import KIND as OUTCOME
from entente.node.work.acts import NOBODY, Reader
from entente.node.work.plan.effects import Done, Order, perform
from entente.node.work.plan.jobs import EFFECT, WISH, Begun, Due, Job, carries, effect_key, same
from entente.node.work.plan.plan import Plan, plan_by_id
from entente.node.work.plan.write import PlanWriter, writing_plan
from entente.policy.run import DONE, FAILED, STARTED, UNDONE, UNSURE, Ready
from entente.policy.workflow import CONDITIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from entente.node.home.base import Base
    from entente.store.ports import Transaction

MAX_ROUNDS: Final = 10_000
_log = logging.getLogger(__name__)


class Runner:
    """Brings forward the plans of one home."""

    def __init__(self, base: Base, carry_out: Callable[[Order], Done] = perform) -> None:
        """Work on this base; `carry_out` does what a command of a step asks for."""
        self._base = base
        self._carry_out = carry_out
        self.due = Due(base)

    def tick(self, only: str = "") -> int:
        """Do what is due now, or of the plan `only` (its reference) alone; return how much that was.

        A locked home does nothing.
        """
        if self._base.keys.locked:
            return 0
        done = self._recover()
        for _ in range(MAX_ROUNDS):
            with self._base.store.read() as tx:
                jobs = self.due.jobs(tx, only)
            moved = sum(self._do(job) for job in jobs)
            if not moved:
                break
            done += moved
        return done

    def ask_undo(self, plan: Plan, step: str) -> None:
        """Note that a person wants a step undone now."""
        WISH.put(plan.reader.tx, f"{plan.id}/{step}", b"1")

    def _do(self, job: Job) -> int:
        """Do one thing that is due; 0 if somebody else was first, or it cannot be done now."""
        try:
            if job.what in {"work", "undo"}:
                return self._work(job)
            with writing_plan(self._base, job.plan, NOBODY) as plan:
                return self._decide(job, plan)
        except EntenteError as problem:
            _log.info("plan %s: %s", job.plan[-12:], problem.message)
            return 0

    def _is_due(self, job: Job, plan: Plan) -> bool:
        return any(same(job, each) for each in self.due.of(plan))

    def _decide(self, job: Job, plan: PlanWriter) -> int:
        """Append an outcome, the end of a control step, or that a step was undone; 0 if it is not due any more."""
        if not self._is_due(job, plan):
            return 0
        if job.what == "outcome":
            self._decide_outcome(plan)
        elif job.what == "undone":
            _say_undone(job, plan)
        else:
            _evaluate(job, plan)
        return 1

    def _decide_outcome(self, plan: PlanWriter) -> None:
        counted = self.due.counted(plan)
        result = IN_FORCE if carries(plan, counted) else EXPIRED
        body = {"of": b32(plan.thing), "result": result, "counted": counted}
        plan.writer.act(OUTCOME.name, body, [plan.ref])

    def _work(self, job: Job) -> int:
        """Begin an effect with its key, durably; carry it out; say what became of it."""
        with self._alone() as mine:
            if not mine:
                return 0
            with writing_plan(self._base, job.plan, NOBODY) as plan:
                prepared = self._begin(job, plan)
            if prepared is None:
                return 0
            self._finish(*prepared)
        return 1

    def _begin(self, job: Job, plan: PlanWriter) -> tuple[Begun, list[Order]] | None:
        """Append that a step is begun; return what that was and its commands, None if it is not due any more."""
        if not self._is_due(job, plan):
            return None
        run = plan.run
        ready = next(each for each in (*run.ready, *run.undoable) if each.step == job.step)
        found = self.due.orders(plan, ready)
        if not found:
            return None
        started = plan.report(ready, STARTED)
        again = plan.read().steps[ready.step].repeatable or all(each.permit.repeatable for each in found)
        made = Begun(plan.id, ready.step, ready.visit, effect_key(plan.id, ready), again, started.place.ref)
        EFFECT.put(plan.writer.tx, _place(made), made)
        return made, found

    def _finish(self, made: Begun, found: list[Order]) -> None:
        """Carry out the commands of a step, one after the other until one fails, and append what became of them."""
        told: list[Done] = []
        for order in found:
            told.append(self._carry_out(order))
            if not told[-1].ok:
                break
        ok = told[-1].ok
        words = "\n".join(each.text for each in told if each.text)
        variables = {name: value for each in told for name, value in each.variables.items()}
        with self._ending(made) as (plan, ready):
            outputs = plan.put_outputs(words, variables if ok else {})
            plan.report(ready, DONE if ok else FAILED, outputs=outputs)

    @contextmanager
    def _ending(self, made: Begun) -> Generator[tuple[PlanWriter, Ready]]:
        """Give the plan of an effect, to say how it ended; the effect is not open any more afterwards."""
        with self._base.store.read() as tx:
            ref = str(self._base.in_force(tx).view.acts[made.started].body["plan"])
        with writing_plan(self._base, ref, NOBODY) as plan:
            yield plan, Ready(made.step, made.visit, b32(self._base.me), (made.started,))
            EFFECT.drop(plan.writer.tx, _place(made))

    def _recover(self) -> int:
        """Look at the effects that a process has begun and not ended: do them again, or leave them to a person."""
        with self._base.store.read() as tx:
            if not EFFECT.keys(tx):
                return 0
        with self._alone() as mine:
            if not mine:
                return 0
            with self._base.store.read() as tx:
                left = EFFECT.values(tx)
                ready = [(each, self._again(tx, each)) for each in left]
            for made, found in ready:
                try:
                    self._resume(made, found)
                except EntenteError as problem:
                    _log.warning("the end of a step cannot be written: %s", problem.message)
                    with self._base.store.write() as tx:
                        EFFECT.drop(tx, _place(made))
            return len(left)

    def _resume(self, made: Begun, found: list[Order] | None) -> None:
        if found:
            self._finish(made, found)
            return
        with self._ending(made) as (plan, ready):
            plan.report(ready, UNSURE)

    def _again(self, tx: Transaction, made: Begun) -> list[Order] | None:
        """Return the commands of an effect that may be done a second time, None for one that a person looks at."""
        plan = plan_by_id(Reader(self._base, tx), made.plan) if made.again else None
        if plan is None or plan.playbook is None or plan.state not in {"approved", "running"}:
            return None
        try:
            return self.due.orders(plan, Ready(made.step, made.visit, "", ()))
        except EntenteError:
            return None

    @contextmanager
    def _alone(self) -> Generator[bool]:
        """Say whether no other process of this home carries out effects, and keep it so inside the block."""
        if self._base.home is None:
            yield True
            return
        with (self._base.home.path / "effects.lock").open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                yield False
                return
            yield True


def _say_undone(job: Job, plan: PlanWriter) -> None:
    """Append that the step is undone whose undo step was done."""
    signed = next(each for each in plan.signed if each.undo == job.step)
    plan.report(Ready(signed.id, job.visit, signed.owner, job.because), UNDONE)
    WISH.drop(plan.writer.tx, f"{plan.id}/{signed.id}")


def _evaluate(job: Job, plan: PlanWriter) -> None:
    """Append that a control step is done, and which way it goes on."""
    ready = next(each for each in plan.run.ready if each.step == job.step)
    step = plan.read().steps[job.step]
    result = choose(step, plan.variables(job.step)) if step.type in CONDITIONS else ""
    plan.report(ready, DONE, result=result)


def _place(made: Begun) -> str:
    return f"{made.plan}/{made.step}/{made.visit}"
