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
from entente.node.logs import witnessed as timing
from entente.node.work.acts import Vote
from entente.node.work.plan.due import ARMED
from entente.node.work.plan.plan import FINAL, skeleton_of
from entente.node.work.plan.values import Effect, PlanInfo, PlanLine, StepInfo
from entente.policy.approval import APPROVE
from entente.policy.run import DONE, STARTED, UNSURE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Protocol

    from entente.core.kind import Act
    from entente.formats.cacao.playbook import Playbook
    from entente.node.work.acts import Board
    from entente.node.work.plan.plan import Book
    from entente.node.work.plan.runner import Runner
    from entente.policy.run import Run, StepState
    from entente.policy.workflow import Bone

    class Draft(Protocol):
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


def step_named(book: Book, act: Act, text: str) -> Bone:
    """Return the step meant by its id, the beginning of it or of its UUID, or its name; NotFoundError if none."""
    bones = book.bones(act)
    playbook, _ = book.playbook(act)
    names = {bone.id: playbook.steps[bone.id].name if playbook and bone.id in playbook.steps else "" for bone in bones}
    by_id = {bone.id.encode(): bone for bone in bones}
    short = [bone for bone in bones if len(text) >= SHORTEST and bone.id.partition("--")[2].startswith(text)]
    if len(short) == 1:
        return short[0]
    return by_id[find(text, [(bone.id.encode(), bone.id, names[bone.id]) for bone in bones], "step")]


def visit_of(book: Book, act: Act, bone: Bone) -> Visit:
    """Return the visit of a step that its owner may report now; ConflictError if it is not its turn."""
    run = book.run(act)
    for ready in (*run.ready, *run.stuck, *run.undoable):
        if ready.step == bone.id:
            if book.halts(act) and ready not in run.undoable:
                raise ConflictError("The plan was stopped; no step is begun any more.", code="stopped")
            return Visit(ready.visit, ready.because)
    for each in reversed(run.visits):
        if each.id == bone.id and each.state in {STARTED, UNSURE}:
            return Visit(each.visit, each.because, each.refs[-1:])
    shown = next((each for each in run.steps if each.id == bone.id), None)
    state = shown.state if shown else "not there"
    raise ConflictError(
        f"The step is {state}; it cannot be reported now.",
        code="not-ready",
        hint="The steps before it come first: see `entente plan show`.",
    )


def info(book: Book, act: Act, runner: Runner) -> PlanInfo:
    """Return what there is to see of a plan that was proposed."""
    board = book.board
    asked = board.world.view.things[act.place.leaf]
    playbook, problem = book.playbook(act)
    run = book.run(act)
    state = book.state(act, run)
    votes = board.votes(act)
    room = board.room(act)
    return PlanInfo(
        plan=book.id_of(act),
        name=playbook.name if playbook else "",
        hash=unb32(str(act.body["hash"]), 32).hex(),
        circle=b32(room.id),
        proposer=b32(act.author),
        state=state,
        deadline=stamp(asked.deadline) if asked.deadline else "",
        needed=asked.needed,
        approvals=[each for each in votes if each.answer == APPROVE],
        refusals=[each for each in votes if each.answer != APPROVE],
        steps=_steps(book, act, run, playbook, runner, state),
        effect=_effects(book, act, run, playbook),
        stopped_by=[_vote(board, each, str(each.body["reason"])) for each in book.halts(act)],
        objections=[_vote(board, each, str(each.body["reason"])) for each in _objections(book, act)],
        doubts=doubts(book, act),
        problems=[problem] if problem else book.problems(act) if state == "proposed" else [],
        decision=str(act.body["decision"]),
        armed=board.tx.records.get(ARMED, book.id_of(act)) is not None,
        room="" if board.world.charters.is_current(room) else "ended",
    )


def _steps(book: Book, act: Act, run: Run, playbook: Playbook | None, runner: Runner, state: str) -> list[StepInfo]:
    found: list[StepInfo] = []
    ready = {each.step: each for each in run.ready} if state in {"approved", "running"} else {}
    for each in run.steps:
        last = book.board.world.view.acts[each.refs[-1]] if each.refs else None
        waits = ready.get(each.id)
        mine = waits is not None and waits.owner == b32(book.me)
        found.append(
            StepInfo(
                id=each.id,
                name=playbook.steps[each.id].name if playbook and each.id in playbook.steps else "",
                type=next(bone.type for bone in book.bones(act) if bone.id == each.id),
                owner=each.owner,
                owner_name=book.board.name(unb32(each.owner, 32)),
                state=each.state if each.state != "ready" or waits else "waiting",
                visit=each.visit,
                result=each.result,
                text=book.said(last) if last else "",
                time=stamp(last.time) if last else "",
                person=book.board.person(last) if last else "",
                note=runner.due.why_waiting(book, act, waits) if waits and mine else "",
            )
        )
    return found


def _effects(book: Book, act: Act, run: Run, playbook: Playbook | None) -> list[Effect]:
    del act, playbook
    found: list[Effect] = []
    for each in run.visits:
        if each.state == DONE and (said := _words(book, each)):
            end = book.board.world.view.acts[each.ended]
            found.append(Effect(each.id, each.owner, said, stamp(end.time)))
    return found


def _words(book: Book, visit: StepState) -> str:
    return book.said(book.board.world.view.acts[visit.ended]) if visit.ended else ""


def _objections(book: Book, act: Act) -> Sequence[Act]:
    states: Mapping[str, Mapping[bytes, Act]] = book.board.world.view.states
    outcome = states["outcome/1"].get(act.place.leaf)
    return [] if outcome is None else book.board.acts("objection/1", of=outcome.place.ref)


def doubts(book: Book, act: Act) -> list[str]:
    """Return what in the outcome of a plan with a deadline does not fit what this member knows."""
    board = book.board
    states: Mapping[str, Mapping[bytes, Act]] = board.world.view.states
    outcome = states["outcome/1"].get(act.place.leaf)
    asked = board.world.view.things[act.place.leaf]
    if outcome is None or act.author == board.me:
        return []
    named = refs_in(outcome.body["counted"])
    found: list[str] = []
    for member, answer in sorted(board.world.answers(act.place.leaf).items()):
        if answer.ref in named and answer.time > asked.deadline:
            found.append(f"late: the approval of {board.name(member)} claims a time after the deadline.")
        seen = timing.covered_ref(board.tx, answer.ref, act.author)
        in_time = answer.answer == APPROVE and answer.time <= asked.deadline and 0 < seen <= asked.deadline - SECOND
        if member == board.me and in_time and answer.ref not in named:
            found.append(f"left-out: the proposer had witnessed our approval at {stamp(seen)}.")
    return found


def _vote(board: Board, act: Act, word: str) -> Vote:
    notes = [board.words(note).text for note in board.acts("note/1", of=act.place.ref)]
    words = [board.words(act).text] if act.body.get("content") else []
    text = "\n".join(filter(None, words + notes))
    return Vote(b32(act.author), board.name(act.author), board.person(act), stamp(act.time), word, text)


def line(book: Book, act: Act) -> PlanLine:
    """Return a plan in one line; `mine` is how many of its steps wait for us."""
    run = book.run(act)
    state = book.state(act, run)
    deadline = book.board.world.view.things[act.place.leaf].deadline
    mine = 0 if state in FINAL else sum(ready.owner == b32(book.me) for ready in run.ready)
    return PlanLine(
        book.id_of(act),
        book.name(act),
        b32(book.board.room(act).id),
        state,
        stamp(deadline) if deadline else "",
        mine if state in {"approved", "running"} else 0,
    )


def draft_info(board: Board, plan: str, draft: Draft) -> PlanInfo:
    """Return what there is to see of a plan that was not proposed yet."""
    playbook = cacao.read(draft.data)
    bones = skeleton_of(playbook, draft.agents, b32(board.me))
    steps = [
        StepInfo(
            bone.id,
            playbook.steps[bone.id].name,
            bone.type,
            bone.owner,
            board.name(unb32(bone.owner, 32)),
            "waiting",
            0,
        )
        for bone in bones
    ]
    return PlanInfo(
        plan=plan,
        name=playbook.name,
        hash=sha256(draft.data).hexdigest(),
        circle=draft.circle,
        proposer=b32(board.me),
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
