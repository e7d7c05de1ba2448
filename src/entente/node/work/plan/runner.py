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

import msgspec
from msgspec import Struct

from entente.core.errors import EntenteError
from entente.core.ids import b32
from entente.formats.cacao.workflow import choose
from entente.kinds.outcome import EXPIRED, IN_FORCE
from entente.kinds.outcome import KIND as OUTCOME
from entente.kinds.plan import KIND as PLAN
from entente.node.work.acts import NOBODY, Reader, Writer
from entente.node.work.plan.due import EFFECT, WISH, Due, Job, carries, effect_key, same
from entente.node.work.plan.effects import Done, Order, perform
from entente.node.work.plan.plan import OUTPUT, Book
from entente.policy.run import DONE, FAILED, STARTED, UNDONE, UNSURE, Ready
from entente.policy.workflow import CONDITIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from entente.core.kind import Act
    from entente.node.home.base import Base
    from entente.store.ports import Transaction

MAX_ROUNDS: Final = 10_000
_log = logging.getLogger(__name__)


class Begun(Struct, frozen=True):
    """An effect that was begun: under which key, whether it may be done again, why it counts."""

    plan: str
    step: str
    visit: int
    key: str
    again: bool
    started: str


_begun = msgspec.json.Decoder(Begun)


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

    def ask_undo(self, tx: Transaction, plan: str, step: str) -> None:
        """Note that a person wants a step undone now."""
        tx.records.put(WISH, f"{plan}/{step}", b"1")

    def _do(self, job: Job) -> int:
        """Do one thing that is due; 0 if somebody else was first, or it cannot be done now."""
        try:
            if job.what in {"work", "undo"}:
                return self._work(job)
            with self._writing(job) as (writer, book, act):
                return self._decide(job, writer, book, act)
        except EntenteError as problem:
            _log.info("plan %s: %s", job.plan[-12:], problem.message)
            return 0

    @contextmanager
    def _writing(self, job: Job) -> Generator[tuple[Writer, Book, Act]]:
        base = self._base
        with base.commit() as tx:
            reader = Reader(base, tx)
            act = reader.find(PLAN.name, job.plan, "plan")
            writer = Writer(base, tx, reader.room_of(act), NOBODY)
            yield writer, Book(writer), act

    def _decide(self, job: Job, writer: Writer, book: Book, act: Act) -> int:
        """Append an outcome, the end of a control step, or that a step was undone."""
        if not any(same(job, each) for each in self.due.of(book, act)):
            return 0
        if job.what == "outcome":
            counted = self.due.counted(book, act)
            result = IN_FORCE if carries(book, act, counted) else EXPIRED
            body = {"of": b32(act.place.leaf), "result": result, "counted": counted}
            writer.act(OUTCOME.name, body, [act.place.ref])
            return 1
        if job.what == "undone":
            signed = next(each for each in book.signed(act) if each.undo == job.step)
            self._say(writer, book, act, Ready(signed.id, job.visit, signed.owner, job.because), UNDONE)
            writer.tx.records.delete(WISH, f"{book.id_of(act)}/{signed.id}")
            return 1
        playbook, _ = book.playbook(act)
        ready = next(each for each in book.run(act).ready if each.step == job.step)
        if playbook is None:
            return 0
        step, result = playbook.steps[job.step], ""
        if step.type in CONDITIONS:
            result = choose(step, book.variables(act, playbook, job.step))
        self._say(writer, book, act, ready, DONE, result)
        return 1

    def _say(
        self,
        writer: Writer,
        book: Book,
        act: Act,
        ready: Ready,
        state: str,
        result: str = "",
        outputs: tuple[str, ...] = (),
    ) -> Act:
        body: dict[str, object] = {
            "plan": act.place.ref,
            "step": ready.step,
            "visit": ready.visit,
            "state": state,
            "result": result,
            "because": list(ready.because),
            "force": book.force(act),
            "outputs": list(outputs),
        }
        return writer.act("step/1", body, ready.because[-3:])

    def _work(self, job: Job) -> int:
        """Begin an effect with its key, durably; carry it out; say what became of it."""
        with self._alone() as mine:
            if not mine:
                return 0
            with self._writing(job) as (writer, book, act):
                prepared = self._begin(job, writer, book, act)
            if prepared is None:
                return 0
            self._finish(*prepared)
        return 1

    def _begin(self, job: Job, writer: Writer, book: Book, act: Act) -> tuple[Begun, list[Order]] | None:
        playbook, _ = book.playbook(act)
        if playbook is None or not any(same(job, each) for each in self.due.of(book, act)):
            return None
        run = book.run(act)
        ready = next(each for each in (*run.ready, *run.undoable) if each.step == job.step)
        found = self.due.orders(book, act, playbook, ready)
        if not found:
            return None
        started = self._say(writer, book, act, ready, STARTED)
        again = playbook.steps[ready.step].repeatable or all(each.permit.repeatable for each in found)
        plan, key = book.id_of(act), effect_key(book.id_of(act), ready)
        made = Begun(plan, ready.step, ready.visit, key, again, started.place.ref)
        writer.tx.records.put(EFFECT, _place(made), msgspec.json.encode(made))
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
        with self._ending(made) as (writer, book, act, ready):
            outputs = [writer.put(words)] if words else []
            if variables and ok:
                outputs.append(writer.put(msgspec.json.encode({"variables": variables}), OUTPUT))
            self._say(writer, book, act, ready, DONE if ok else FAILED, "", tuple(outputs))

    @contextmanager
    def _ending(self, made: Begun) -> Generator[tuple[Writer, Book, Act, Ready]]:
        """Give a writer for the end of an effect, which is not open any more afterwards."""
        base = self._base
        with base.commit() as tx:
            started = base.in_force(tx).view.acts[made.started]
            act = Reader(base, tx).find(PLAN.name, str(started.body["plan"]), "plan")
            writer = Writer(base, tx, base.in_force(tx).rooms.require(act.circle), NOBODY)
            ready = Ready(made.step, made.visit, b32(base.me), (made.started,))
            yield writer, Book(writer), act, ready
            tx.records.delete(EFFECT, _place(made))

    def _recover(self) -> int:
        """Look at the effects that a process has begun and not ended: do them again, or leave them to a person."""
        with self._base.store.read() as tx:
            if not tx.records.scan(EFFECT):
                return 0
        with self._alone() as mine:
            if not mine:
                return 0
            with self._base.store.read() as tx:
                left = [_begun.decode(data) for _, data in tx.records.scan(EFFECT)]
                ready = [(each, self._again(tx, each)) for each in left]
            for made, found in ready:
                try:
                    self._resume(made, found)
                except EntenteError as problem:
                    _log.warning("the end of a step cannot be written: %s", problem.message)
                    with self._base.store.write() as tx:
                        tx.records.delete(EFFECT, _place(made))
            return len(left)

    def _resume(self, made: Begun, found: list[Order] | None) -> None:
        if found:
            self._finish(made, found)
            return
        with self._ending(made) as (writer, book, act, ready):
            self._say(writer, book, act, ready, UNSURE)

    def _again(self, tx: Transaction, made: Begun) -> list[Order] | None:
        """Return the commands of an effect that may be done a second time, None for one that a person looks at."""
        if not made.again:
            return None
        reader = Reader(self._base, tx)
        book = Book(reader)
        act = book.by_id().get(made.plan)
        playbook, _ = book.playbook(act) if act is not None else (None, "")
        if act is None or playbook is None or book.state(act) not in {"approved", "running"}:
            return None
        try:
            return self.due.orders(book, act, playbook, Ready(made.step, made.visit, "", ()))
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


def _place(made: Begun) -> str:
    return f"{made.plan}/{made.step}/{made.visit}"
