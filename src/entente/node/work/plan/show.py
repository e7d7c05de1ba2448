"""Plans as people see them: states, approvals, steps and what was reported (docs/protocol/12-plans.md)."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from msgspec import Struct

from entente.core.errors import ConflictError
from entente.core.ids import b32, unb32
from entente.core.recorded import refs_in
from entente.core.times import stamp
from entente.formats import cacao
from entente.node.home.find import SHORTEST, find
from entente.node.logs import witnessed
from entente.node.work.acts import Vote
from entente.node.work.plan.due import ARMED
from entente.node.work.plan.plan import FINAL, signed_workflow
from entente.node.work.plan.values import Effect, PlanInfo, PlanLine, StepInfo
from entente.policy.approval import APPROVE
from entente.policy.run import DONE, STARTED, UNSURE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Protocol

    from entente.core.kind import Act
    from entente.formats.cacao.playbook import Playbook
    from entente.node.work.acts import Reader
    from entente.node.work.plan.plan import Book
    from entente.node.work.plan.runner import Runner
    from entente.policy.run import Run, StepState
    from entente.policy.workflow import SignedStep

    class Drafted(Protocol):
        """A plan that was taken in."""

        @property
        def circle(self) -> str:
            """The circle that it is for."""
            ...

        @property
        def data(self) -> bytes:
            """The file."""
            ...

        @property
        def agents(self) -> dict[str, str]:
            """Whose agents are."""
            ...

        @property
        def decision(self) -> str:
            """The decision that asks for it."""
            ...


SECOND = 1000
"""A cosignature states whole seconds: one that is only just in time is no ground for an objection."""


class Visit(Struct, frozen=True):
    """Which visit of a step may be reported now, what made it ready, and what was said of it last."""

    visit: int
    because: tuple[str, ...]
    last: tuple[str, ...] = ()


def step_named(book: Book, act: Act, text: str) -> SignedStep:
    """Return the step meant by its id, the beginning of it or of its UUID, or its name; NotFoundError if none."""
    all_signed = book.signed(act)
    playbook, _ = book.playbook(act)
    names = {
        signed.id: playbook.steps[signed.id].name if playbook and signed.id in playbook.steps else ""
        for signed in all_signed
    }
    by_id = {signed.id.encode(): signed for signed in all_signed}
    short = [signed for signed in all_signed if len(text) >= SHORTEST and signed.id.partition("--")[2].startswith(text)]
    if len(short) == 1:
        return short[0]
    return by_id[find(text, [(signed.id.encode(), signed.id, names[signed.id]) for signed in all_signed], "step")]


def visit_of(book: Book, act: Act, signed: SignedStep) -> Visit:
    """Return the visit of a step that its owner may report now; ConflictError if it is not its turn."""
    run = book.run(act)
    for ready in (*run.ready, *run.stuck, *run.undoable):
        if ready.step == signed.id:
            if book.halts(act) and ready not in run.undoable:
                raise ConflictError("The plan was stopped; no step is begun any more.", code="stopped")
            return Visit(ready.visit, ready.because)
    for each in reversed(run.visits):
        if each.id == signed.id and each.state in {STARTED, UNSURE}:
            return Visit(each.visit, each.because, each.refs[-1:])
    shown = next((each for each in run.steps if each.id == signed.id), None)
    state = shown.state if shown else "not there"
    raise ConflictError(
        f"The step is {state}; it cannot be reported now.",
        code="not-ready",
        hint="The steps before it come first: see `entente plan show`.",
    )


def info(book: Book, act: Act, runner: Runner) -> PlanInfo:
    """Return what there is to see of a plan that was proposed."""
    reader = book.reader
    asked = reader.in_force.view.things[act.place.leaf]
    playbook, problem = book.playbook(act)
    run = book.run(act)
    state = book.state(act, run)
    votes = reader.votes(act)
    room = reader.room_of(act)
    return PlanInfo(
        plan=book.id_of(act),
        name=playbook.name if playbook else "",
        hash=unb32(str(act.body["hash"]), 32).hex(),
        circle=b32(room.circle),
        proposer=b32(act.author),
        state=state,
        deadline=stamp(asked.deadline) if asked.deadline else "",
        needed=asked.needed,
        approvals=[each for each in votes if each.answer == APPROVE],
        refusals=[each for each in votes if each.answer != APPROVE],
        steps=_steps(book, act, run, playbook, runner, state),
        effect=_effects(book, act, run, playbook),
        stopped_by=[_vote(reader, each, str(each.body["reason"])) for each in book.halts(act)],
        objections=[_vote(reader, each, str(each.body["reason"])) for each in _objections(book, act)],
        doubts=doubts(book, act),
        problems=[problem] if problem else book.problems(act) if state == "proposed" else [],
        decision=str(act.body["decision"]),
        armed=reader.tx.records.get(ARMED, book.id_of(act)) is not None,
        room="" if reader.in_force.rooms.is_current(room) else "ended",
    )


def _steps(book: Book, act: Act, run: Run, playbook: Playbook | None, runner: Runner, state: str) -> list[StepInfo]:
    found: list[StepInfo] = []
    ready = {each.step: each for each in run.ready} if state in {"approved", "running"} else {}
    for each in run.steps:
        last = book.reader.in_force.view.acts[each.refs[-1]] if each.refs else None
        waits = ready.get(each.id)
        mine = waits is not None and waits.owner == b32(book.me)
        found.append(
            StepInfo(
                id=each.id,
                name=playbook.steps[each.id].name if playbook and each.id in playbook.steps else "",
                type=next(signed.type for signed in book.signed(act) if signed.id == each.id),
                owner=each.owner,
                owner_name=book.reader.name(unb32(each.owner, 32)),
                state=each.state if each.state != "ready" or waits else "waiting",
                visit=each.visit,
                result=each.result,
                text=book.said(last) if last else "",
                time=stamp(last.time) if last else "",
                person=book.reader.person(last) if last else "",
                note=runner.due.why_waiting(book, act, waits) if waits and mine else "",
            )
        )
    return found


def _effects(book: Book, act: Act, run: Run, playbook: Playbook | None) -> list[Effect]:
    del act, playbook
    found: list[Effect] = []
    for each in run.visits:
        if each.state == DONE and (said := _words(book, each)):
            end = book.reader.in_force.view.acts[each.ended]
            found.append(Effect(each.id, each.owner, said, stamp(end.time)))
    return found


def _words(book: Book, visit: StepState) -> str:
    return book.said(book.reader.in_force.view.acts[visit.ended]) if visit.ended else ""


def _objections(book: Book, act: Act) -> Sequence[Act]:
    states: Mapping[str, Mapping[bytes, Act]] = book.reader.in_force.view.states
    outcome = states["outcome/1"].get(act.place.leaf)
    return [] if outcome is None else book.reader.acts("objection/1", of=outcome.place.ref)


def doubts(book: Book, act: Act) -> list[str]:
    """Return what in the outcome of a plan with a deadline does not fit what this member knows."""
    reader = book.reader
    states: Mapping[str, Mapping[bytes, Act]] = reader.in_force.view.states
    outcome = states["outcome/1"].get(act.place.leaf)
    asked = reader.in_force.view.things[act.place.leaf]
    if outcome is None or act.author == reader.me:
        return []
    named = refs_in(outcome.body["counted"])
    found: list[str] = []
    for member, answer in sorted(reader.in_force.answers(act.place.leaf).items()):
        if answer.ref in named and answer.time > asked.deadline:
            found.append(f"late: the approval of {reader.name(member)} claims a time after the deadline.")
        seen = witnessed.covered_ref(reader.tx, answer.ref, act.author)
        in_time = answer.answer == APPROVE and answer.time <= asked.deadline and 0 < seen <= asked.deadline - SECOND
        if member == reader.me and in_time and answer.ref not in named:
            found.append(f"left-out: the proposer had witnessed our approval at {stamp(seen)}.")
    return found


def _vote(reader: Reader, act: Act, word: str) -> Vote:
    notes = [reader.words(note).text for note in reader.acts("note/1", of=act.place.ref)]
    words = [reader.words(act).text] if act.body.get("content") else []
    text = "\n".join(filter(None, words + notes))
    return Vote(b32(act.author), reader.name(act.author), reader.person(act), stamp(act.time), word, text)


def line(book: Book, act: Act) -> PlanLine:
    """Return a plan in one line; `mine` is how many of its steps wait for us."""
    run = book.run(act)
    state = book.state(act, run)
    deadline = book.reader.in_force.view.things[act.place.leaf].deadline
    mine = 0 if state in FINAL else sum(ready.owner == b32(book.me) for ready in run.ready)
    return PlanLine(
        book.id_of(act),
        book.name(act),
        b32(book.reader.room_of(act).circle),
        state,
        stamp(deadline) if deadline else "",
        mine if state in {"approved", "running"} else 0,
    )


def draft_info(reader: Reader, plan: str, draft: Drafted) -> PlanInfo:
    """Return what there is to see of a plan that was not proposed yet."""
    playbook = cacao.read(draft.data)
    all_signed = signed_workflow(playbook, draft.agents, b32(reader.me))
    steps = [
        StepInfo(
            signed.id,
            playbook.steps[signed.id].name,
            signed.type,
            signed.owner,
            reader.name(unb32(signed.owner, 32)),
            "waiting",
            0,
        )
        for signed in all_signed
    ]
    return PlanInfo(
        plan=plan,
        name=playbook.name,
        hash=sha256(draft.data).hexdigest(),
        circle=draft.circle,
        proposer=b32(reader.me),
        state="draft",
        deadline="",
        needed=0,
        approvals=[],
        refusals=[],
        steps=steps,
        effect=[],
        stopped_by=[],
        objections=[],
        doubts=[],
        problems=cacao.secrets(playbook),
        decision=draft.decision,
        armed=False,
    )
