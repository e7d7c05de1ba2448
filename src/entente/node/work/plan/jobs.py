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
from entente.node.work.plan.plan import FINAL, Plan, held, plan_at
from entente.node.work.plan.playbook import is_bounded, is_work
from entente.policy import protected
from entente.policy.approval import APPROVE, State, carried
from entente.policy.deadline import in_time
from entente.policy.run import DONE, Ready, Run
from entente.policy.workflow import START, SignedStep
from entente.store import shelf

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from entente.core.kind import Act
    from entente.formats.cacao.playbook import Step
    from entente.node.home.base import Base
    from entente.store.ports import Transaction

ARMED: Final = shelf.text("plan-armed")
"""By plan: the person who let this node begin its own steps."""


WISH: Final = shelf.raw("plan-undo")
"""By plan and step: a person wants it undone now."""

UNARMED: Final = "Nobody has said `plan run` here."


class Begun(Struct, frozen=True):
    """An effect that was begun: under which key, whether it may be done again, why it counts."""

    plan: str
    step: str
    visit: int
    key: str
    again: bool
    started: str


EFFECT: Final = shelf.json("plan-effect", Begun)
"""By plan, step and visit: effects that were begun and have not ended."""

PROTECTED_HERE: Final = shelf.text("protected")
"""Under `OWN`: what this member protects, a value a line."""

OWN: Final = "own"


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
        self._me = b32(base.me)
        self._closed: set[str] = set()
        self._quiet: dict[str, NothingDue] = {}
        self._around: object = None
        self.next_look = 0

    def jobs(self, tx: Transaction, only: str = "") -> list[Job]:
        """Return what is due in all plans that are not over, outcomes first, and note when to look again.

        The transaction only reads. With `only` (a reference) look at that plan alone.
        """
        reader = Reader(self._base, tx, still=True)
        if only:
            return self.of(plan_at(reader, only))
        self.next_look = 0
        plans = [Plan(reader, act) for act in self._not_over(reader)]
        if urgent := [job for plan in plans for job in self._outcome_due(plan)]:
            return urgent
        if (around := _surroundings(reader)) != self._around:
            self._quiet.clear()
            self._around = around
        return [job for plan in plans for job in self._look(plan)]

    def _not_over(self, reader: Reader) -> list[Act]:
        """Return the acts that proposed plans in rooms of today, without those known to be over, oldest first."""
        acts = sorted((act for ref, act in held(reader).items() if ref not in self._closed), key=order)
        rooms = reader.in_force.rooms
        return [act for act in acts if rooms.is_current(reader.room_of(act))]

    def _look(self, plan: Plan) -> list[Job]:
        """Return what is due in one plan; nothing is worked out where nothing can have changed since the last look."""
        mark, quiet, look = _mark(plan), self._quiet.get(plan.ref), self.next_look
        if quiet is None or quiet.mark != mark or 0 < quiet.until <= self._base.clock():
            self.next_look = 0
            found, until = self.of(plan), self.next_look
            self.next_look = look
            if found:
                return found
            if plan.state in FINAL and not self._may_undo(plan):
                self._closed.add(plan.ref)
                return []
            quiet = NothingDue(mark, until)
            if plan.is_complete():
                self._quiet[plan.ref] = quiet
        if quiet.until:
            self.next_look = min(look or quiet.until, quiet.until)
        return []

    def of(self, plan: Plan) -> list[Job]:
        """Return what is due in one plan."""
        if plan.is_open:
            return self._outcome_due(plan)
        found = self._undo_due(plan)
        return [*found, *self._steps_due(plan)] if plan.state in {"approved", "running"} else found

    def _steps_due(self, plan: Plan) -> Iterator[Job]:
        """Yield the steps of ours that this node begins now."""
        playbook = plan.playbook
        if playbook is None:
            return
        for ready in plan.run.ready:
            step = playbook.steps[ready.step]
            if ready.owner == self._me and self._is_due(plan, ready, step):
                yield Job("work" if is_work(step) else "control", plan.ref, ready.step, ready.visit)

    def _is_due(self, plan: Plan, ready: Ready, step: Step) -> bool:
        """Say whether this node begins a step of ours that is ready now."""
        if begun(plan, ready.step) or self.why_waiting(plan, ready):
            return False
        return not step.delay_ms or self._over(_ready_at(plan, ready) + step.delay_ms)

    def _over(self, time: int) -> bool:
        """Say whether this time is past; else look again by then."""
        if time <= self._base.clock():
            return True
        self.next_look = min(self.next_look or time, time)
        return False

    def _outcome_due(self, plan: Plan) -> list[Job]:
        asked = plan.asked
        if not asked.deadline or asked.proposer != self._base.me or not plan.is_open:
            return []
        if carries(plan, self.counted(plan)) or self._over(asked.deadline + 1):
            return [Job("outcome", plan.ref)]
        return []

    def counted(self, plan: Plan) -> list[str]:
        """Return the approvals that were in time: claimed by the deadline, and witnessed by us by then."""
        reader, deadline = plan.reader, plan.asked.deadline
        found: list[str] = []
        for member, answer in sorted(reader.in_force.answers(plan.thing).items()):
            ours = member == self._base.me
            seen = answer.time if ours else witnessed.covered_ref(reader.tx, answer.ref, self._base.me)
            if answer.answer == APPROVE and in_time(deadline, answer.time, seen):
                found.append(answer.ref)
        return found

    def _undo_due(self, plan: Plan) -> list[Job]:
        """Return which effects of ours have stood for as long as they may, or are not wanted any more."""
        mine = {signed.undo: signed for signed in plan.signed if signed.undo and signed.owner == self._me}
        return [*_undone(plan, mine), *self._to_undo(plan, mine)] if mine else []

    def _to_undo(self, plan: Plan, mine: Mapping[str, SignedStep]) -> list[Job]:
        """Return the undo steps (`mine`, by their id) that are to be begun."""
        playbook, acts = plan.playbook, plan.reader.in_force.view.acts
        if playbook is None:
            return []
        jobs: list[Job] = []
        for ready in plan.run.undoable:
            signed = mine.get(ready.step)
            if signed is None or begun(plan, ready.step):
                continue
            done, limit = acts[ready.because[0]], playbook.steps[signed.id].limit
            due = _is_wished(plan, signed.id) or (limit and self._over(done.time + limit * 1000))
            if due and not self.why_waiting(plan, ready):
                jobs.append(Job("undo", plan.ref, ready.step, ready.visit, ready.because))
        return jobs

    def _may_undo(self, plan: Plan) -> bool:
        return any(ready.owner == self._me for ready in plan.run.undoable)

    def _touched(self, plan: Plan, step: str) -> str:
        """Say what a step would touch that a member protects, "" for nothing."""
        playbook, reader = plan.read(), plan.reader
        said = texts(playbook, playbook.steps[step], plan.variables(step))
        own = protected.read(PROTECTED_HERE.get(reader.tx, OWN) or "")
        for member, values in {self._base.me: list[str](), **plan.protected()}.items():
            extra = own if member == self._base.me else []
            if hit := protected.touched([*values, *extra], said):
                return f"It touches {hit[0]}, which {reader.name(member)} protects."
        return ""

    def orders(self, plan: Plan, ready: Ready) -> list[Order] | None:
        """Return the commands of a step as this node may carry them out, None where it may not."""
        playbook = plan.read()
        key, allowed = effect_key(plan.id, ready), permits(plan.reader.tx)
        return orders(playbook, playbook.steps[ready.step], plan.variables(ready.step), allowed, key)

    def why_waiting(self, plan: Plan, ready: Ready) -> str:
        """Say in words why a step of ours that is ready is not begun by this node, "" if it is."""
        playbook = plan.playbook
        if playbook is None or ready.step not in playbook.steps:
            return plan.problem
        step, armed = playbook.steps[ready.step], is_armed(plan)
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
            why = self._held_back(plan, ready)
        return why

    def _held_back(self, plan: Plan, ready: Ready) -> str:
        """Say why an effect is not brought about here, "" if it is; what cannot be worked out holds it back too."""
        try:
            if why := self._touched(plan, ready.step):
                return why
            return "" if self.orders(plan, ready) else "No permit on this node covers it."
        except EntenteError as problem:
            return f"The step cannot be done as the plan says: {problem.message}"


def _mark(plan: Plan) -> object:
    """Return what decides about one plan beside its surroundings."""
    answers = plan.reader.in_force.answers(plan.thing)
    return plan.step_acts(), plan.halts(), answers, plan.asked, is_armed(plan)


def _surroundings(reader: Reader) -> object:
    """Return what decides about all plans: what was begun, wished, allowed and protected here, and by others."""
    newest = {(each.circle, each.author): each for each in reader.acts(PROTECTED.name)}
    told = {key: reader.words(each) for key, each in newest.items()}
    own = PROTECTED_HERE.get(reader.tx, OWN)
    return EFFECT.all(reader.tx), WISH.keys(reader.tx), permits(reader.tx), own, told


def _ready_at(plan: Plan, ready: Ready) -> int:
    """Return the claimed time (ms) at which a step became ready."""
    return max((plan.reader.in_force.view.acts[ref].time for ref in ready.because), default=0)


def _undone(plan: Plan, mine: Mapping[str, SignedStep]) -> list[Job]:
    """Return the steps of ours whose undo step (`mine`, by its id) is done, and that are not said to be undone yet."""
    jobs: list[Job] = []
    for visit in plan.run.visits:
        if visit.id in mine and visit.state == DONE:
            done = plan.reader.in_force.view.acts[visit.because[0]]
            if _stands(plan.run, done):
                jobs.append(Job("undone", plan.ref, visit.id, number(done.body["visit"]), (visit.ended,)))
    return jobs


def _stands(run: Run, done: Act) -> bool:
    """Say whether the step that this act ended was not undone."""
    named = (done.body["step"], done.body["visit"])
    return any((each.id, each.visit) == named and each.state == DONE for each in run.visits)


def is_armed(plan: Plan) -> bool:
    """Say whether a person let this node begin its own steps of a plan."""
    return ARMED.holds(plan.reader.tx, plan.id)


def begun(plan: Plan, step: str) -> bool:
    """Say whether an effect of this step was begun here and has not ended."""
    return bool(EFFECT.keys(plan.reader.tx, f"{plan.id}/{step}/"))


def _is_wished(plan: Plan, step: str) -> bool:
    """Say whether a person wants this step undone now."""
    return WISH.holds(plan.reader.tx, f"{plan.id}/{step}")


def effect_key(plan: str, ready: Ready) -> str:
    """Return the key of the effect of one visit of a step; `plan` is the plan id."""
    said = canon.encode({"step": ready.step, "visit": ready.visit})
    return b32(sha256(b"entente/effect/v1\0" + unb32(plan, 32) + said).digest())


def same(job: Job, other: Job) -> bool:
    """Say whether two jobs are about the same thing."""
    return (job.what, job.plan, job.step, job.visit) == (other.what, other.plan, other.step, other.visit)


def carries(plan: Plan, counted: list[str]) -> bool:
    """Say whether these approvals bring a plan into force."""
    asked, acts = plan.asked, plan.reader.in_force.view.acts
    by = {acts[ref].author: APPROVE for ref in counted}
    return carried(asked.voters, asked.needed, by, asked.must) is State.IN_FORCE
