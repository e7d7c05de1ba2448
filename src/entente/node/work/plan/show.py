"""Plans as people see them: `show_plan` gives all of one, `line` its row in a list (docs/protocol/12-plans.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from entente.core.errors import ConflictError
from entente.core.ids import b32, unb32
from entente.core.recorded import refs_in
from entente.core.times import stamp
from entente.node.home.find import SHORTEST, find
from entente.node.logs import witnessed
from entente.node.work.acts import Vote
from entente.node.work.plan.jobs import is_armed
from entente.node.work.plan.values import Effect, PlanInfo, PlanLine, StepInfo
from entente.policy.approval import APPROVE
from entente.policy.deadline import in_time, is_over
from entente.policy.run import DONE, STARTED, UNSURE, Ready

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entente.core.kind import Act
    from entente.node.work.acts import Reader
    from entente.node.work.plan.jobs import Due
    from entente.node.work.plan.plan import Plan
    from entente.policy.run import StepState
    from entente.policy.workflow import SignedStep

SECOND = 1000
"""A cosignature states whole seconds: one that is only just in time is no ground for an objection."""


class Visit(Struct, frozen=True):
    """Which visit of a step may be reported now, and the references of the acts that the report comes after."""

    ready: Ready
    after: tuple[str, ...]


def step_named(plan: Plan, text: str) -> SignedStep:
    """Return the step meant by its id, the beginning of it or of its UUID, or its name; NotFoundError if none."""
    by_id = {signed.id.encode(): signed for signed in plan.signed}
    short = [signed for signed in plan.signed if len(text) >= SHORTEST and _uuid(signed).startswith(text)]
    if len(short) == 1:
        return short[0]
    return by_id[find(text, [(key, signed.id, _name(plan, signed.id)) for key, signed in by_id.items()], "step")]


def _uuid(signed: SignedStep) -> str:
    return signed.id.partition("--")[2]


def _name(plan: Plan, step: str) -> str:
    """Return the name of a step, "" where the file is not here."""
    found = plan.playbook.steps.get(step) if plan.playbook else None
    return found.name if found else ""


def visit_of(plan: Plan, signed: SignedStep) -> Visit:
    """Return the visit of a step that its owner may report now; ConflictError if it is not its turn."""
    run = plan.run
    for ready in (*run.ready, *run.stuck, *run.undoable):
        if ready.step == signed.id:
            if plan.halts() and ready not in run.undoable:
                raise ConflictError("The plan was stopped; no step is begun any more.", code="stopped")
            return Visit(ready, ready.because[-1:])
    for each in reversed(run.visits):
        if each.id == signed.id and each.state in {STARTED, UNSURE}:
            ready = Ready(each.id, each.visit, each.owner, each.because)
            return Visit(ready, (*each.because[-1:], *each.refs[-1:]))
    state = next((each.state for each in run.steps if each.id == signed.id), "not there")
    raise ConflictError(
        f"The step is {state}; it cannot be reported now.",
        code="not-ready",
        hint="The steps before it come first: see `entente plan show`.",
    )


def show_plan(plan: Plan, due: Due) -> PlanInfo:
    """Return what there is to see of a plan that was proposed; `due` knows why its steps wait."""
    reader, asked, state = plan.reader, plan.asked, plan.state
    votes = reader.votes(plan.act)
    return PlanInfo(
        plan=plan.id,
        name=plan.playbook.name if plan.playbook else "",
        hash=unb32(str(plan.act.body["hash"]), 32).hex(),
        circle=b32(plan.room.circle),
        proposer=b32(plan.act.author),
        state=state,
        deadline=stamp(asked.deadline) if asked.deadline else "",
        needed=asked.needed,
        approvals=[each for each in votes if each.answer == APPROVE],
        refusals=[each for each in votes if each.answer != APPROVE],
        steps=_steps(plan, due, state),
        effect=_effects(plan),
        stopped_by=[_vote(reader, each) for each in plan.halts()],
        objections=[_vote(reader, each) for each in _objections(plan)],
        doubts=doubts(plan),
        problems=[plan.problem] if plan.problem else plan.problems() if state == "proposed" else [],
        decision=str(plan.act.body["decision"]),
        armed=is_armed(plan),
        room="" if plan.is_current else "ended",
    )


def _steps(plan: Plan, due: Due, state: str) -> list[StepInfo]:
    run, types = plan.run, {signed.id: signed.type for signed in plan.signed}
    ready = {each.step: each for each in run.ready} if state in {"approved", "running"} else {}
    return [_step(plan, due, each, types[each.id], ready.get(each.id)) for each in run.steps]


def _step(plan: Plan, due: Due, step: StepState, type_: str, ready: Ready | None) -> StepInfo:
    """Return what there is to see of a step; `ready` where it may be begun now."""
    reader = plan.reader
    last = reader.in_force.view.acts[step.refs[-1]] if step.refs else None
    mine = ready is not None and ready.owner == b32(reader.me)
    return StepInfo(
        id=step.id,
        name=_name(plan, step.id),
        type=type_,
        owner=step.owner,
        owner_name=reader.name(unb32(step.owner, 32)),
        state=step.state if step.state != "ready" or ready else "waiting",
        visit=step.visit,
        result=step.result,
        text=plan.said(last) if last else "",
        time=stamp(last.time) if last else "",
        person=reader.person(last) if last else "",
        note=due.why_waiting(plan, ready) if ready and mine else "",
    )


def _effects(plan: Plan) -> list[Effect]:
    """Return what was said of the visits that are done, if anything was."""
    acts = plan.reader.in_force.view.acts
    ends = [(each, acts[each.ended]) for each in plan.run.visits if each.state == DONE and each.ended]
    told = [(each, end, plan.said(end)) for each, end in ends]
    return [Effect(each.id, each.owner, words, stamp(end.time)) for each, end, words in told if words]


def _objections(plan: Plan) -> Sequence[Act]:
    outcome = plan.outcome
    return [] if outcome is None else plan.reader.acts("objection/1", of=outcome.place.ref)


def doubts(plan: Plan) -> list[str]:
    """Return what in the outcome of a plan with a deadline does not fit what this member knows."""
    reader, outcome, deadline = plan.reader, plan.outcome, plan.asked.deadline
    if outcome is None or plan.act.author == reader.me:
        return []
    named = refs_in(outcome.body["counted"])
    found: list[str] = []
    for member, answer in sorted(reader.in_force.answers(plan.thing).items()):
        if answer.ref in named and is_over(deadline, answer.time):
            found.append(f"late: the approval of {reader.name(member)} claims a time after the deadline.")
        seen = witnessed.covered_ref(reader.tx, answer.ref, plan.act.author)
        sure = answer.answer == APPROVE and in_time(deadline, answer.time, seen + SECOND if seen else 0)
        if member == reader.me and sure and answer.ref not in named:
            found.append(f"left-out: the proposer had witnessed our approval at {stamp(seen)}.")
    return found


def _vote(reader: Reader, act: Act) -> Vote:
    """Return who halted or objected, with the reason and the words to it."""
    notes = [reader.words(note).text for note in reader.acts("note/1", of=act.place.ref)]
    words = [reader.words(act).text] if act.body.get("content") else []
    text, reason = "\n".join(filter(None, words + notes)), str(act.body["reason"])
    return Vote(b32(act.author), reader.name(act.author), reader.person(act), stamp(act.time), reason, text)


def line(plan: Plan) -> PlanLine:
    """Return a plan in one line; `mine` is how many of its steps wait for us."""
    state, deadline, me = plan.state, plan.asked.deadline, b32(plan.reader.me)
    mine = sum(ready.owner == me for ready in plan.run.ready) if state in {"approved", "running"} else 0
    until = stamp(deadline) if deadline else ""
    return PlanLine(plan.id, plan.name, b32(plan.room.circle), state, until, mine)
