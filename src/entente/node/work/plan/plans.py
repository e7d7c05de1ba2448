"""Action plans: taken in, proposed, approved, run by every side for its own steps, stopped by any.

docs/protocol/12-plans.md. What a node does by itself for a plan is in `node.work.plan.runner`.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final

from entente.core.errors import ConflictError, InvalidError, NotFoundError, RefusedError, WaitingError
from entente.core.ids import b32, origin_hash, unb32
from entente.core.times import DAY, stamp
from entente.formats import cacao
from entente.formats.cacao.workflow import agent_owners
from entente.kinds.plan import HALT, PROTECTED, id_of, plan_id
from entente.kinds.plan import KIND as PLAN
from entente.node.home.find import find
from entente.node.home.people import operator
from entente.node.work import stix
from entente.node.work.acts import Reader, reading, writing
from entente.node.work.plan.draft import (
    KeptDraft,
    PlanDraft,
    draft_by_id,
    draft_ids,
    draft_line,
    drafts,
    drop,
    keep,
    show_draft,
)
from entente.node.work.plan.effects import Permits, is_manual
from entente.node.work.plan.jobs import ARMED, OWN, PROTECTED_HERE, begun
from entente.node.work.plan.plan import Plan, plan_at, plan_by_id, plan_ids, plans_of
from entente.node.work.plan.playbook import MEDIA, is_bounded, is_work, read_playbook, signed_workflow
from entente.node.work.plan.runner import Runner
from entente.node.work.plan.show import line, show_plan, step_named, visit_of
from entente.node.work.plan.values import PlanInfo, PlanLine, PlanMade, Protected
from entente.node.work.plan.write import PlanWriter, writing_plan
from entente.policy import protected
from entente.policy.deadline import is_over
from entente.policy.run import DONE, FAILED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from entente.formats.cacao.playbook import Playbook
    from entente.node.home.base import Base
    from entente.node.rooms.room import Room
    from entente.node.work.acts import Writer
    from entente.policy.workflow import SignedStep
    from entente.store.ports import Transaction

MAX_DEADLINE_DAYS: Final = 366


class Plans:
    """What a member does about plans; `permits` is what plans may do on this node, `runner` does what is due.

    A plan is named by its id (b32) or the beginning of one. NotFoundError where there is none, or several begin so.
    `person` is the id, its beginning or the name of a person of this member, "" for its operator; NotFoundError for
    anybody else. What is done to a plan returns the plan as it is then.
    """

    def __init__(self, base: Base, runner: Runner | None = None) -> None:
        """Work on this base."""
        self._base = base
        self._me = b32(base.me)
        self.permits = Permits(base)
        self.runner = runner or Runner(base)

    def take(self, data: bytes, circle: str, given: Mapping[str, str] | None = None, decision: str = "") -> PlanMade:
        """Take in a CACAO 2.0 playbook (the bytes of its file) for a circle, as a draft.

        `circle` is an id, its beginning or a name. `given` says whose agents are: the key or the name of an agent to
        the id or the name of a member. `decision` is the id or the reference of the decision that asks for the plan.
        InvalidError naming every step that is wrong, LimitError for a file that is too large or too deep, RefusedError
        (`no-owner`) for an agent that belongs to nobody, NotFoundError for an unknown circle, member or decision.
        """
        playbook = read_playbook(data)
        base = self._base
        with base.store.write() as tx:
            room = base.find_circle(base.in_force(tx), circle)
            agents = self._agents(tx, room, playbook, given or {})
            steps = _assigned(playbook, agents, self._me)
            asks = Reader(base, tx).find("decision/1", decision, "decision").place.ref if decision else ""
            nonce, hash_ = base.random(16), sha256(data).digest()
            kept = KeptDraft(b32(nonce), b32(room.circle), data, agents, asks, base.clock())
            draft = PlanDraft(b32(plan_id(origin_hash(room.origin(base.me)), nonce, hash_)), kept)
            keep(tx, draft)
        owned = {signed.id: signed.owner for signed in steps}
        return PlanMade(draft.id, hash_.hex(), playbook.name, owned, _warnings(playbook))

    def _agents(self, tx: Transaction, room: Room, playbook: Playbook, given: Mapping[str, str]) -> dict[str, str]:
        """Return by agent the id of the member that it belongs to."""
        base = self._base
        members = {b32(each): base.name_of(tx, each) for each in room.members}
        named = {agent: b32(base.find_member(tx, member)) for agent, member in given.items()}
        return agent_owners(playbook, members, named)

    def propose(self, id_: str, deadline: int = 0, person: str = "") -> PlanInfo:
        """Propose a draft to its circle; with a `deadline` (ms since 1970) approvals count that we have by then.

        InvalidError for a deadline that is past or more than 366 days away, RefusedError (`secret`) while a secret
        stands in the file, ConflictError for a plan that was proposed before.
        """
        base = self._base
        with base.store.read() as tx:
            draft = self._find_draft(tx, id_)
        if deadline and not 0 < deadline - base.clock() <= MAX_DEADLINE_DAYS * DAY:
            raise InvalidError(f"A deadline lies in the next {MAX_DEADLINE_DAYS} days.")
        _check_secrets(draft)
        with writing(base, draft.kept.circle, person) as writer:
            act = writer.act(PLAN.name, self._body(writer, draft, deadline))
            drop(writer.tx, draft)
        return self.show(b32(id_of(act)))

    def _body(self, writer: Writer, draft: PlanDraft, deadline: int) -> dict[str, object]:
        """Return what the act that proposes a draft says; its file is appended first."""
        kept, steps = draft.kept, draft.steps(self._me)
        return {
            "nonce": kept.nonce,
            "content": writer.put(kept.data, MEDIA),
            "hash": b32(sha256(kept.data).digest()),
            "decision": kept.decision,
            "steps": [signed.to_dict() for signed in steps],
            "exception": draft.read().exception,
            "deadline": deadline,
            "voters": writer.voters(),
            "needed": writer.needed("plan"),
        }

    def approve(self, id_: str, *, refuse: str = "", person: str = "") -> PlanInfo:
        """Give our one final answer; `refuse` is the reason for a no, in words that all members can read.

        RefusedError when the deadline is past (`late`) or the file does not say what is to be signed (`plan`),
        ConflictError when the plan is over or we gave another answer before, WaitingError for a draft.
        """
        plan_id_, ref = self._find(id_)
        with writing_plan(self._base, ref, person) as plan:
            if self._base.me not in plan.reader.in_force.answers(plan.thing):
                self._check_answer(plan, refuse=bool(refuse))
            plan.writer.answer(plan.act, refuse=bool(refuse), text=refuse)
        self.runner.tick(ref)
        return self.show(plan_id_)

    def _check_answer(self, plan: Plan, *, refuse: bool) -> None:
        """Raise RefusedError or ConflictError where a first answer is not possible any more, or not wise."""
        deadline = plan.asked.deadline
        if not refuse and is_over(deadline, self._base.clock()):
            text = f"The deadline was {stamp(deadline)}."
            raise RefusedError(text, code="late", hint="Its proposer can propose it again.")
        if plan.state not in {"proposed", "approved"}:
            raise ConflictError(f"The plan is {plan.state}; there is nothing to answer.")
        if not refuse and (problems := plan.problems()):
            raise RefusedError(
                "; ".join(problems)[:1000], code="plan", hint="Its proposer must mend it and propose it again."
            )

    def run(self, id_: str, person: str = "") -> PlanInfo:
        """Let this node begin its own steps as they become ready, and begin the run if it is ours to begin.

        WaitingError until the plan is in force (`not-approved`; `draft` for a draft), RefusedError when it cannot come
        into force any more, or was stopped; the code is then its state.
        """
        plan_id_, ref = self._find(id_)
        base = self._base
        with base.commit() as tx:
            who = operator(tx, person)
            _check_runs(plan_at(Reader(base, tx), ref).state)
            ARMED.put(tx, plan_id_, who)
        self.runner.tick(ref)
        return self.show(plan_id_)

    def done(
        self, id_: str, step: str, *, text: str = "", failed: bool = False, person: str = "",
        variables: Mapping[str, str] | None = None,
    ) -> PlanInfo:  # fmt: skip
        """Say that a step of ours is done (or failed), in words and with the values of its variables, by their names.

        `step` is the id of the step, the beginning of it, or its name. ConflictError unless it is ready or begun;
        RefusedError (`owner`) for a step of another member; WaitingError while the plan is not in force.
        """
        plan_id_, ref = self._find(id_)
        with writing_plan(self._base, ref, person) as plan:
            signed = step_named(plan, step)
            if signed.owner != self._me:
                name = plan.reader.name(unb32(signed.owner, 32))
                raise RefusedError(f"The step belongs to {name}.", code="owner", hint="Its owner reports it.")
            _report(plan, signed, FAILED if failed else DONE, text, variables or {})
        self.runner.tick(ref)
        return self.show(plan_id_)

    def undo(self, id_: str, step: str, person: str = "") -> PlanInfo:
        """Begin what undoes a step of ours that is done, now instead of when its time is over.

        `step` is as in `done`. RefusedError (`owner`) for a step of another member, InvalidError for a step without an
        undo, WaitingError for a draft.
        """
        plan_id_, ref = self._find(id_)
        with writing_plan(self._base, ref, person) as plan:
            signed = step_named(plan, step)
            if signed.owner != self._me:
                raise RefusedError("The step belongs to another member.", code="owner")
            if not signed.undo:
                raise InvalidError("The plan has no undo for this step.")
            self.runner.ask_undo(plan, signed.id)
        self.runner.tick(ref)
        return self.show(plan_id_)

    def stop(self, id_: str, reason: str = "other", text: str = "", person: str = "") -> PlanInfo:
        """Stop a plan, alone: whoever learns of it begins no further step.

        `reason` is danger, error, overtaken or other; `text` is in words. ConflictError for a plan that is over,
        InvalidError for another reason, WaitingError for a draft.
        """
        plan_id_, ref = self._find(id_)
        with writing_plan(self._base, ref, person) as plan:
            if (state := plan.state) in {"done", "refused", "expired"}:
                raise ConflictError(f"The plan is {state}; there is nothing to stop.")
            made = plan.writer.act(HALT.name, {"plan": ref, "reason": reason}, [ref])
            if text:
                note = {"of": made.place.ref, "content": plan.writer.put(text)}
                plan.writer.act("note/1", note, [made.place.ref])
        return self.show(plan_id_)

    def object(self, id_: str, reason: str, text: str = "", person: str = "") -> PlanInfo:
        """Put on record that the outcome of a plan with a deadline is not what we know.

        `reason` is left-out, late or other; `text` is in words. WaitingError while the proposer has not decided,
        InvalidError for another reason.
        """
        plan_id_, ref = self._find(id_)
        with writing_plan(self._base, ref, person) as plan:
            if (outcome := plan.outcome) is None:
                raise WaitingError("The proposer has not decided yet.")
            content = plan.writer.put(text) if text else ""
            body = {"of": outcome.place.ref, "reason": reason, "content": content}
            plan.writer.act("objection/1", body, [outcome.place.ref])
        return self.show(plan_id_)

    def show(self, id_: str) -> PlanInfo:
        """Return a plan or a draft with its approvals, its steps and what they reported."""
        with reading(self._base) as reader:
            found = _named(reader, id_)
            return show_draft(reader, found) if isinstance(found, PlanDraft) else show_plan(found, self.runner.due)

    def list(self) -> Sequence[PlanLine]:
        """Return every plan in one line, oldest first, then every draft by plan id."""
        with reading(self._base) as reader:
            return [*map(line, plans_of(reader)), *map(draft_line, drafts(reader.tx))]

    def file(self, id_: str) -> bytes:
        """Return the bytes of a plan's file as they were proposed; NotFoundError where they are not here."""
        with reading(self._base) as reader:
            found = _named(reader, id_)
            return found.kept.data if isinstance(found, PlanDraft) else found.read().data

    def stix(self, id_: str) -> bytes:
        """Return a STIX 2.1 bundle (JSON) with the plan as a course-of-action that carries the playbook.

        NotFoundError where its file is not here.
        """
        with reading(self._base) as reader:
            found = _named(reader, id_)
            if isinstance(found, PlanDraft):
                by, time = reader.me, self._base.clock()
            else:
                by, time = found.act.author, found.act.time
            return stix.plan(found.read(), found.id, stix.Author(by, reader.name(by), time))

    def protect(self, text: str, circle: str = "", person: str = "") -> Protected:
        """Name what nothing may be done to, one value a line; with a circle its members learn it and heed it too.

        Without one the list stays here and is looked at before each step of ours. Return how many values there are.
        InvalidError for too many values, or one that is too long.
        """
        values = protected.read(text)
        lines = "\n".join(values)
        if circle:
            with writing(self._base, circle, person) as writer:
                writer.act(PROTECTED.name, {"content": writer.put(lines)})
            return Protected(len(values))
        with self._base.store.write() as tx:
            PROTECTED_HERE.put(tx, OWN, lines)
        return Protected(len(values))

    def _find(self, id_: str) -> tuple[str, str]:
        """Return the id and the reference of a plan that was proposed."""
        with reading(self._base) as reader:
            found = _named(reader, id_)
            if isinstance(found, PlanDraft):
                raise WaitingError("The plan is a draft.", code="draft", hint="Propose it: `entente plan propose`.")
            return found.id, found.ref

    def _find_draft(self, tx: Transaction, id_: str) -> PlanDraft:
        """Return a draft; ConflictError where a plan is meant that was proposed."""
        known = {draft.id: draft for draft in drafts(tx)}
        try:
            return known[_choose(id_, known)]
        except NotFoundError:
            if _choose(id_, plan_ids(Reader(self._base, tx))):
                raise ConflictError("This plan was proposed before.") from None
            raise


def _named(reader: Reader, text: str) -> Plan | PlanDraft:
    """Return the plan or the draft meant."""
    known = draft_ids(reader.tx)
    id_ = text if text in known or plan_by_id(reader, text) else _choose(text, [*plan_ids(reader), *known])
    found = plan_by_id(reader, id_) or draft_by_id(reader.tx, id_)
    if found is None:
        raise NotFoundError(f"There is no plan {text!r}.")
    return found


def _choose(text: str, ids: Sequence[str] | Mapping[str, object]) -> str:
    return find(text, [(id_.encode(), id_, "") for id_ in dict.fromkeys(ids)], "plan").decode()


def _assigned(playbook: Playbook, agents: Mapping[str, str], proposer: str) -> tuple[SignedStep, ...]:
    """Return the signed steps; RefusedError for an agent that belongs to nobody."""
    try:
        return signed_workflow(playbook, agents, proposer)
    except InvalidError as problem:
        if problem.code != "no-owner":
            raise
        raise RefusedError(problem.message, code=problem.code, hint=problem.hint) from problem


def _check_secrets(draft: PlanDraft) -> None:
    """Raise RefusedError if a secret stands in the file."""
    if secrets := cacao.secrets(draft.read()):
        raise RefusedError(
            f"The file holds a secret: {'; '.join(secrets)[:500]}",
            code="secret",
            hint="Take it out; the owner of a step keeps its secrets on its own node (`plan permit --headers`).",
        )


def _check_runs(state: str) -> None:
    """Raise an error unless a plan in this state is in force or was carried out."""
    if state == "proposed":
        raise WaitingError(
            "Not all needed approvals of the plan are there yet.",
            code="not-approved",
            hint="The others must approve it: `entente plan approve`; see `entente plan show`.",
        )
    if state in {"refused", "expired", "stopped"}:
        raise RefusedError(f"The plan is {state}; no step of it runs.", code=state)


def _report(plan: PlanWriter, signed: SignedStep, state: str, text: str, variables: Mapping[str, str]) -> None:
    """Append what a person did of a step of ours; an error where it cannot be reported now."""
    if plan.state == "proposed":
        raise WaitingError("The plan does not have all approvals yet.", code="not-approved")
    found = visit_of(plan, signed)
    if begun(plan, signed.id):
        raise ConflictError("This node is carrying out the step right now.", hint="Wait for its end.")
    outputs = plan.put_outputs(text, variables)
    plan.report(found.ready, state, outputs=outputs, after=found.after)


def _warnings(playbook: Playbook) -> list[str]:
    """Return what a member should know before it proposes this."""
    found = list(cacao.secrets(playbook))
    found += [
        f"{step.name or step.id}: it has no time limit or no undo, so a person must do it."
        for step in playbook.steps.values()
        if step.type == "action" and is_work(step) and not is_manual(step) and not is_bounded(playbook, step)
    ]
    return found
