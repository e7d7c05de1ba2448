"""What is due in the plans of a home now: outcomes, control steps, effects, and what has stood for long enough.

docs/protocol/12-plans.md. This only reads; `node.work.plan.runner` does it.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from entente.core import canon
from entente.core.errors import EntenteError
from entente.core.ids import b32, unb32
from entente.core.recorded import number
from entente.kinds.plan import PROTECTED
from entente.node.logs import witnessed
from entente.node.work.acts import Reader, order
from entente.node.work.plan.effects import Order, is_manual, orders, permits, texts
from entente.node.work.plan.plan import FINAL, Book, is_bounded, is_work
from entente.policy import protected
from entente.policy.approval import APPROVE, State, carried
from entente.policy.run import DONE, Ready, Run
from entente.policy.workflow import START

if TYPE_CHECKING:
    from entente.core.kind import Act
    from entente.formats.cacao.playbook import Playbook
    from entente.node.home.base import Base
    from entente.store.ports import Transaction

ARMED: Final = "plan-armed"
"""By plan: the person who let this node begin its own steps."""

EFFECT: Final = "plan-effect"
"""By plan, step and visit: effects that were begun and have not ended."""

WISH: Final = "plan-undo"
"""By plan and step: a person wants it undone now."""

UNARMED: Final = "Nobody has said `plan run` here."


class Job(Struct, frozen=True):
    """Something that is due: what, for which plan (reference), for which step and why."""

    what: str
    plan: str
    step: str = ""
    visit: int = 0
    because: tuple[str, ...] = ()


class NothingDue(Struct, frozen=True):
    """A plan in which nothing was due: when it had this mark, and until when (ms, 0 for ever)."""

    mark: object
    until: int


class Due:
    """Looks through the plans of one home; `next_look` is when something may be due by time alone (ms, 0 never)."""

    def __init__(self, base: Base) -> None:
        """Work on this base."""
        self._base = base
        self._closed: set[str] = set()
        self._quiet: dict[str, NothingDue] = {}
        self._around: object = None
        self.next_look = 0

    def jobs(self, tx: Transaction, only: str = "") -> list[Job]:
        """Return what is due in all plans that are not over, outcomes first, and note when to look again.

        With `only` (a reference) look at that plan alone.
        """
        book = Book(Reader(self._base, tx))
        if only:
            return self.of(book, book.held[only])
        self.next_look = 0
        plans = sorted((act for ref, act in book.held.items() if ref not in self._closed), key=order)
        rooms = book.reader.in_force.rooms
        plans = [act for act in plans if rooms.is_current(book.reader.room_of(act))]
        if urgent := [job for act in plans for job in self._outcome_due(book, act)]:
            return urgent
        if (around := self._surroundings(book)) != self._around:
            self._quiet.clear()
            self._around = around
        return [job for act in plans for job in self._look(book, act)]

    def _look(self, book: Book, act: Act) -> list[Job]:
        """Return what is due in one plan; nothing is worked out where nothing can have changed since the last look."""
        mark, quiet, look = self._mark(book, act), self._quiet.get(act.place.ref), self.next_look
        if quiet is None or quiet.mark != mark or 0 < quiet.until <= self._base.clock():
            self.next_look = 0
            found, until = self.of(book, act), self.next_look
            self.next_look = look
            if found:
                return found
            if book.state(act) in FINAL and not self._may_undo(book, act):
                self._closed.add(act.place.ref)
                return []
            quiet = NothingDue(mark, until)
            if book.is_complete(act):
                self._quiet[act.place.ref] = quiet
        if quiet.until:
            self.next_look = min(look or quiet.until, quiet.until)
        return []

    def _mark(self, book: Book, act: Act) -> object:
        """Return what decides about one plan beside its surroundings."""
        view = book.reader.in_force.view
        answers = book.reader.in_force.answers(act.place.leaf)
        return book.steps(act), book.halts(act), answers, view.things[act.place.leaf], self._armed(book, act)

    def _surroundings(self, book: Book) -> object:
        """Return what decides about all plans: what was begun, wished, allowed and protected here, and by others."""
        records, reader = book.tx.records, book.reader
        newest = {(each.circle, each.author): each for each in reader.acts(PROTECTED.name)}
        told = {key: reader.words(each) for key, each in newest.items()}
        own = records.get("protected", "own")
        return records.scan(EFFECT), records.scan(WISH), permits(book.tx), own, told

    def of(self, book: Book, act: Act) -> list[Job]:
        """Return what is due in one plan."""
        state = book.state(act)
        if state == "proposed":
            return self._outcome_due(book, act)
        jobs = self._undo_due(book, act)
        if state not in {"approved", "running"}:
            return jobs
        playbook, _ = book.playbook(act)
        for ready in book.run(act).ready if playbook is not None else ():
            if ready.owner != b32(self._base.me) or playbook is None:
                continue
            step = playbook.steps[ready.step]
            if begun(book.tx, book.id_of(act), ready.step) or self.why_waiting(book, act, ready):
                continue
            if step.delay_ms and not self._over(self._ready_at(book, ready) + step.delay_ms):
                continue
            jobs.append(Job("work" if is_work(step) else "control", act.place.ref, ready.step, ready.visit))
        return jobs

    def _ready_at(self, book: Book, ready: Ready) -> int:
        return max((book.reader.in_force.view.acts[ref].time for ref in ready.because), default=0)

    def _over(self, time: int) -> bool:
        """Say whether this time is past; else look again by then."""
        if time <= self._base.clock():
            return True
        self.next_look = min(self.next_look or time, time)
        return False

    def _outcome_due(self, book: Book, act: Act) -> list[Job]:
        asked = book.reader.in_force.view.things[act.place.leaf]
        if not asked.deadline or asked.proposer != self._base.me or book.state(act) != "proposed":
            return []
        counted = self.counted(book, act)
        if carries(book, act, counted) or self._over(asked.deadline + 1):
            return [Job("outcome", act.place.ref)]
        return []

    def counted(self, book: Book, act: Act) -> list[str]:
        """Return the approvals that were in time: claimed by the deadline, and witnessed by us by then."""
        asked = book.reader.in_force.view.things[act.place.leaf]
        found: list[str] = []
        for member, answer in sorted(book.reader.in_force.answers(act.place.leaf).items()):
            if answer.answer != APPROVE or answer.time > asked.deadline:
                continue
            seen = answer.time if member == self._base.me else witnessed.covered_ref(book.tx, answer.ref, self._base.me)
            if 0 < seen <= asked.deadline:
                found.append(answer.ref)
        return found

    def _undo_due(self, book: Book, act: Act) -> list[Job]:
        """Return which effects of ours have stood for as long as they may, or are not wanted any more."""
        run, plan = book.run(act), book.id_of(act)
        undone_by = {
            signed.undo: signed for signed in book.signed(act) if signed.undo and signed.owner == b32(self._base.me)
        }
        playbook, _ = book.playbook(act) if undone_by else (None, "")
        jobs: list[Job] = []
        for visit in run.visits if undone_by else ():
            if visit.id in undone_by and visit.state == DONE:
                done = book.reader.in_force.view.acts[visit.because[0]]
                if self._stands(run, done):
                    jobs.append(Job("undone", act.place.ref, visit.id, number(done.body["visit"]), (visit.ended,)))
        for ready in run.undoable if playbook is not None else ():
            signed = undone_by.get(ready.step)
            if signed is None or playbook is None or begun(book.tx, plan, ready.step):
                continue
            done, limit = book.reader.in_force.view.acts[ready.because[0]], playbook.steps[signed.id].limit
            wish = book.tx.records.get(WISH, f"{plan}/{signed.id}") is not None
            if (wish or (limit and self._over(done.time + limit * 1000))) and not self.why_waiting(book, act, ready):
                jobs.append(Job("undo", act.place.ref, ready.step, ready.visit, ready.because))
        return jobs

    def _stands(self, run: Run, done: Act) -> bool:
        """Say whether the step that this act ended was not undone."""
        named = (done.body["step"], done.body["visit"])
        return any((each.id, each.visit) == named and each.state == DONE for each in run.visits)

    def _may_undo(self, book: Book, act: Act) -> bool:
        return any(ready.owner == b32(self._base.me) for ready in book.run(act).undoable)

    def _armed(self, book: Book, act: Act) -> bool:
        return book.tx.records.get(ARMED, book.id_of(act)) is not None

    def _touched(self, book: Book, act: Act, playbook: Playbook, step: str) -> str:
        """Say what a step would touch that a member protects, "" for nothing."""
        found = playbook.steps[step]
        said = texts(playbook, found, book.variables(act, playbook, step))
        own = (book.tx.records.get("protected", "own") or b"").decode()
        for member, values in {self._base.me: protected.read(own), **book.protected(act)}.items():
            extra = protected.read(own) if member == self._base.me else []
            if hit := protected.touched([*values, *extra], said):
                return f"It touches {hit[0]}, which {book.reader.name(member)} protects."
        return ""

    def orders(self, book: Book, act: Act, playbook: Playbook, ready: Ready) -> list[Order] | None:
        """Return the commands of a step as this node may carry them out, None where it may not."""
        step = playbook.steps[ready.step]
        variables = book.variables(act, playbook, ready.step)
        return orders(playbook, step, variables, permits(book.tx), effect_key(book.id_of(act), ready))

    def why_waiting(self, book: Book, act: Act, ready: Ready) -> str:
        """Say in words why a step of ours that is ready is not begun by this node, "" if it is."""
        playbook, problem = book.playbook(act)
        if playbook is None or ready.step not in playbook.steps:
            return problem
        step, armed = playbook.steps[ready.step], self._armed(book, act)
        why = ""
        if not is_work(step):
            why = "" if armed or step.type != START else UNARMED
        elif is_manual(step):
            why = "A person does this step."
        elif not is_bounded(playbook, step):
            why = "It has no time limit and undo: a person does it."
        elif not armed:
            why = UNARMED
        else:
            why = self._held_back(book, act, playbook, ready)
        return why

    def _held_back(self, book: Book, act: Act, playbook: Playbook, ready: Ready) -> str:
        """Say why an effect is not brought about here, "" if it is; what cannot be worked out holds it back too."""
        try:
            if why := self._touched(book, act, playbook, ready.step):
                return why
            return "" if self.orders(book, act, playbook, ready) else "Nothing on this node is allowed to do it."
        except EntenteError as problem:
            return f"It cannot be done as it stands: {problem.message}"


def begun(tx: Transaction, plan: str, step: str) -> bool:
    """Say whether an effect of this step was begun here and has not ended."""
    return bool(tx.records.scan(EFFECT, f"{plan}/{step}/"))


def effect_key(plan: str, ready: Ready) -> str:
    """Return the key of the effect of one visit of a step."""
    said = canon.encode({"step": ready.step, "visit": ready.visit})
    return b32(sha256(b"entente/effect/v1\0" + unb32(plan, 32) + said).digest())


def same(job: Job, other: Job) -> bool:
    """Say whether two jobs are about the same thing."""
    return (job.what, job.plan, job.step, job.visit) == (other.what, other.plan, other.step, other.visit)


def carries(book: Book, act: Act, counted: list[str]) -> bool:
    """Say whether these approvals bring a plan into force."""
    view = book.reader.in_force.view
    asked = view.things[act.place.leaf]
    by = {view.acts[ref].author: APPROVE for ref in counted}
    return carried(asked.voters, asked.needed, by, asked.must) is State.IN_FORCE
