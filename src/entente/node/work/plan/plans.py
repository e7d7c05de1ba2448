"""Action plans: taken in, proposed, approved, run by every side for its own steps, stopped by any.

docs/protocol/12-plans.md. What a node does by itself for a plan is in `node.work.plan.runner`.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from entente.core.errors import ConflictError, InvalidError, NotFoundError, RefusedError, WaitingError
from entente.core.ids import b32, origin_hash, unb32
from entente.core.times import stamp
from entente.formats import cacao
from entente.formats.cacao.workflow import agent_owners
from entente.kinds.plan import KIND as PLAN
from entente.kinds.plan import PROTECTED, id_of, plan_id
from entente.node.home.find import find
from entente.node.home.people import operator
from entente.node.work import stix
from entente.node.work.acts import Reader, reading, writing, writing_about
from entente.node.work.plan.due import ARMED, begun
from entente.node.work.plan.effects import Permits, is_manual
from entente.node.work.plan.plan import MEDIA, Book, is_bounded, is_work, signed_workflow
from entente.node.work.plan.runner import Runner
from entente.node.work.plan.show import draft_info, info, line, step_named, visit_of
from entente.node.work.plan.values import PlanInfo, PlanLine, PlanMade
from entente.policy import protected

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from entente.core.kind import Act
    from entente.formats.cacao.playbook import Playbook
    from entente.node.home.base import Base
    from entente.store.ports import Transaction

DRAFT: Final = "plan-draft"
OWN: Final = ("protected", "own")
MAX_DEADLINE_DAYS: Final = 366
DAY: Final = 86_400_000


class PlanDraft(Struct, frozen=True):
    """A plan that was taken in and not proposed yet; it is nobody else's business."""

    nonce: str
    circle: str
    data: bytes
    agents: dict[str, str]
    decision: str
    time: int


_draft = msgspec.json.Decoder(PlanDraft)


class Plans:
    """What a member does about plans; `permits` is what plans may do on this node."""

    def __init__(self, base: Base, runner: Runner | None = None) -> None:
        """Work on this base."""
        self._base = base
        self.permits = Permits(base)
        self.runner = runner or Runner(base)

    def take(self, data: bytes, circle: str, given: Mapping[str, str] | None = None, decision: str = "") -> PlanMade:
        """Take in a CACAO 2.0 playbook for a circle, as a draft; `given` says whose agents are, by id or name.

        InvalidError naming every step that is wrong, RefusedError (`no-owner`) for an agent that belongs to nobody.
        """
        playbook = cacao.read(data)
        base = self._base
        with base.store.write() as tx:
            in_force = base.in_force(tx)
            room = base.find_circle(in_force, circle)
            members = {b32(each): base.name_of(tx, each) for each in room.members}
            named = {agent: b32(base.find_member(tx, member)) for agent, member in (given or {}).items()}
            agents = agent_owners(playbook, members, named)
            try:
                made = signed_workflow(playbook, agents, b32(base.me))
            except InvalidError as problem:
                if problem.code != "no-owner":
                    raise
                raise RefusedError(problem.message, code=problem.code, hint=problem.hint) from problem
            made_by = Reader(base, tx).find("decision/1", decision, "decision").place.ref if decision else ""
            nonce, hash_ = base.random(16), sha256(data).digest()
            id_ = b32(plan_id(origin_hash(room.origin(base.me)), nonce, hash_))
            draft = PlanDraft(b32(nonce), b32(room.circle), data, agents, made_by, base.clock())
            tx.records.put(DRAFT, id_, msgspec.json.encode(draft))
        owned = {signed.id: signed.owner for signed in made}
        return PlanMade(id_, hash_.hex(), playbook.name, owned, _warnings(playbook))

    def propose(self, id_: str, deadline: int = 0, person: str = "") -> PlanInfo:
        """Propose a draft to its circle; with a `deadline` (ms) approvals count that we have by then.

        RefusedError while a secret stands in the file.
        """
        base = self._base
        with base.store.read() as tx:
            plan = self._draft_id(tx, id_)
            draft = _draft.decode(tx.records.get(DRAFT, plan) or b"")
        if deadline and not 0 < deadline - base.clock() <= MAX_DEADLINE_DAYS * DAY:
            raise InvalidError(f"A deadline lies in the next {MAX_DEADLINE_DAYS} days.")
        playbook = cacao.read(draft.data)
        if secrets := cacao.secrets(playbook):
            raise RefusedError(
                f"The file holds a secret: {'; '.join(secrets)[:500]}",
                code="secret",
                hint="Take it out; the owner of a step keeps its secrets on its own node (`plan permit --headers`).",
            )
        with writing(base, draft.circle, person) as writer:
            made = signed_workflow(playbook, draft.agents, b32(base.me))
            body: dict[str, object] = {
                "nonce": draft.nonce,
                "content": writer.put(draft.data, MEDIA),
                "hash": b32(sha256(draft.data).digest()),
                "decision": draft.decision,
                "steps": [signed.to_dict() for signed in made],
                "exception": playbook.exception,
                "deadline": deadline,
                "voters": writer.voters(),
                "needed": writer.needed("plan"),
            }
            act = writer.act(PLAN.name, body)
            writer.tx.records.delete(DRAFT, plan)
        return self.show(b32(id_of(act)))

    def approve(self, id_: str, *, refuse: str = "", person: str = "") -> PlanInfo:
        """Give our one final answer; `refuse` is the reason for a no.

        RefusedError when the deadline is past, or the file does not say what is to be signed.
        """
        plan, ref = self._find(id_)
        with writing_about(self._base, PLAN.name, ref, "plan", person) as (writer, act):
            given = writer.in_force.answers(act.place.leaf).get(self._base.me)
            deadline = writer.in_force.view.things[act.place.leaf].deadline
            book = Book(writer)
            if given is None and not refuse and deadline and self._base.clock() > deadline:
                raise RefusedError(
                    f"The deadline was {stamp(deadline)}.", code="late", hint="Its proposer can propose it again."
                )
            if given is None and book.state(act) not in {"proposed", "approved"}:
                raise ConflictError(f"The plan is {book.state(act)}; there is nothing to answer.")
            if given is None and not refuse and (problems := book.problems(act)):
                raise RefusedError("; ".join(problems)[:1000], code="plan", hint="Its proposer mends and proposes it.")
            writer.answer(act, refuse=bool(refuse), text=refuse)
        self.runner.tick(ref)
        return self.show(plan)

    def run(self, id_: str, person: str = "") -> PlanInfo:
        """Let this node begin its own steps as they become ready, and begin the run if it is ours to begin.

        WaitingError until the plan is in force; RefusedError when it cannot come into force any more, or was stopped.
        """
        plan, ref = self._find(id_)
        base = self._base
        with base.store.write() as tx:
            reader = Reader(base, tx)
            who = operator(tx, person)
            book = Book(reader)
            state = book.state(reader.find(PLAN.name, ref, "plan"))
            if state == "proposed":
                raise WaitingError(
                    "The plan is not in force: not every side whose consent is needed has approved.",
                    code="not-approved",
                    hint="They approve it with `entente plan approve`; see `entente plan show`.",
                )
            if state in {"refused", "expired", "stopped"}:
                raise RefusedError(f"The plan is {state}; nothing of it runs.", code=state)
            tx.records.put(ARMED, plan, who.encode())
        base.changed.set()
        self.runner.tick(ref)
        return self.show(plan)

    def done(
        self, id_: str, step: str, *, text: str = "", failed: bool = False, person: str = "",
        variables: Mapping[str, str] | None = None,
    ) -> PlanInfo:  # fmt: skip
        """Say that a step of ours is done (or failed), in words and with the values of its variables.

        ConflictError unless it is ready or begun; RefusedError for a step of another member.
        """
        plan, ref = self._find(id_)
        with writing_about(self._base, PLAN.name, ref, "plan", person) as (writer, act):
            book = Book(writer)
            signed = step_named(book, act, step)
            if signed.owner != b32(self._base.me):
                name = writer.name(unb32(signed.owner, 32))
                raise RefusedError(f"The step belongs to {name}.", code="owner", hint="Its owner reports it.")
            if book.state(act) == "proposed":
                raise WaitingError("The plan is not in force yet.", code="not-approved")
            found = visit_of(book, act, signed)
            if begun(writer.tx, plan, signed.id):
                raise ConflictError("This node is carrying out the step right now.", hint="Wait for its end.")
            outputs = [writer.put(text)] if text else []
            if variables:
                outputs.append(writer.put(msgspec.json.encode({"variables": dict(variables)}), "application/json"))
            body: dict[str, object] = {
                "plan": act.place.ref,
                "step": signed.id,
                "visit": found.visit,
                "state": "failed" if failed else "done",
                "result": "",
                "because": list(found.because),
                "force": book.force(act),
                "outputs": outputs,
            }
            writer.act("step/1", body, [*found.because[-1:], *found.last])
        self.runner.tick(ref)
        return self.show(plan)

    def undo(self, id_: str, step: str, person: str = "") -> PlanInfo:
        """Begin what undoes a step of ours that is done, now instead of when its time is over."""
        plan, ref = self._find(id_)
        with writing_about(self._base, PLAN.name, ref, "plan", person) as (writer, act):
            book = Book(writer)
            signed = step_named(book, act, step)
            if signed.owner != b32(self._base.me):
                raise RefusedError("The step belongs to another member.", code="owner")
            if not signed.undo:
                raise InvalidError("The plan has no undo for this step.")
            self.runner.ask_undo(writer.tx, plan, signed.id)
        self.runner.tick(ref)
        return self.show(plan)

    def stop(self, id_: str, reason: str = "other", text: str = "", person: str = "") -> PlanInfo:
        """Stop a plan, alone: whoever learns of it begins no further step."""
        plan, ref = self._find(id_)
        with writing_about(self._base, PLAN.name, ref, "plan", person) as (writer, act):
            state = Book(writer).state(act)
            if state in {"done", "refused", "expired"}:
                raise ConflictError(f"The plan is {state}; there is nothing to stop.")
            made = writer.act("halt/1", {"plan": act.place.ref, "reason": reason}, [act.place.ref])
            if text:
                writer.act("note/1", {"of": made.place.ref, "content": writer.put(text)}, [made.place.ref])
        return self.show(plan)

    def object(self, id_: str, reason: str, text: str = "", person: str = "") -> PlanInfo:
        """Put on record that the outcome of a plan with a deadline is not what we know: left-out, late or other."""
        plan, ref = self._find(id_)
        with writing_about(self._base, PLAN.name, ref, "plan", person) as (writer, act):
            outcome: Act | None = writer.in_force.view.states["outcome/1"].get(act.place.leaf)
            if outcome is None:
                raise WaitingError("The proposer has not decided yet.")
            body = {"of": outcome.place.ref, "reason": reason, "content": writer.put(text) if text else ""}
            writer.act("objection/1", body, [outcome.place.ref])
        return self.show(plan)

    def show(self, id_: str) -> PlanInfo:
        """Return a plan with its approvals, its steps and what they reported."""
        with reading(self._base) as reader:
            book = Book(reader)
            found, act, draft = _named(book, id_)
            if act is not None:
                return info(book, act, self.runner)
            return draft_info(reader, found, _draft.decode(draft))

    def list(self) -> Sequence[PlanLine]:
        """Return every plan and draft, oldest first."""
        with reading(self._base) as reader:
            book = Book(reader)
            drafts = reader.tx.records.scan(DRAFT)
            mine = [
                PlanLine(id_, cacao.read(each.data).name, each.circle, "draft", "", 0)
                for id_, each in ((id_, _draft.decode(data)) for id_, data in drafts)
            ]
            return [*(line(book, act) for act in book.all()), *mine]

    def file(self, id_: str) -> bytes:
        """Return the bytes of a plan's file as they were proposed; NotFoundError if they are not here."""
        with reading(self._base) as reader:
            book = Book(reader)
            _, act, draft = _named(book, id_)
            if act is None:
                return _draft.decode(draft).data
            playbook, problem = book.playbook(act)
            if playbook is None:
                raise NotFoundError(problem)
            return playbook.data

    def stix(self, id_: str) -> bytes:
        """Return a STIX 2.1 bundle with the plan as a course-of-action that carries the playbook."""
        data = self.file(id_)
        with reading(self._base) as reader:
            found, act, _ = _named(Book(reader), id_)
            by, time = (act.author, act.time) if act is not None else (reader.me, self._base.clock())
            return stix.plan(cacao.read(data), found, stix.Author(by, reader.name(by), time))

    def protect(self, text: str, circle: str = "", person: str = "") -> int:
        """Name what nothing may be done to, one value a line; with a circle its members learn it and heed it too.

        Without one the list stays here and is looked at before each step of ours. Return how many values there are.
        """
        values = protected.read(text)
        lines = "\n".join(values)
        if circle:
            with writing(self._base, circle, person) as writer:
                writer.act(PROTECTED.name, {"content": writer.put(lines)})
            return len(values)
        with self._base.store.write() as tx:
            tx.records.put(*OWN, lines.encode())
        return len(values)

    def _find(self, id_: str) -> tuple[str, str]:
        """Return the id and the reference of a plan that was proposed."""
        with reading(self._base) as reader:
            found, act, _ = _named(Book(reader), id_)
            if act is None:
                raise WaitingError("The plan is a draft.", code="draft", hint="Propose it: `entente plan propose`.")
            return found, act.place.ref

    def _draft_id(self, tx: Transaction, id_: str) -> str:
        drafts = [key for key, _ in tx.records.scan(DRAFT)]
        try:
            return _choose(id_, drafts)
        except NotFoundError:
            if _choose(id_, Book(Reader(self._base, tx)).ids()):
                raise ConflictError("This plan was proposed before.") from None
            raise


def _named(book: Book, text: str) -> tuple[str, Act | None, bytes]:
    """Return the id of the plan meant, and the act that proposed it or the draft as it is kept."""
    drafts = dict(book.tx.records.scan(DRAFT))
    id_ = text if text in drafts or book.get(text) else _choose(text, [*book.ids(), *drafts])
    return id_, book.get(id_), drafts.get(id_, b"")


def _choose(text: str, ids: Sequence[str] | Mapping[str, object]) -> str:
    return find(text, [(id_.encode(), id_, "") for id_ in dict.fromkeys(ids)], "plan").decode()


def _warnings(playbook: Playbook) -> list[str]:
    """Return what a member should know before it proposes this."""
    found = list(cacao.secrets(playbook))
    found += [
        f"{step.name or step.id}: no time limit and undo, so a person has to do it."
        for step in playbook.steps.values()
        if step.type == "action" and is_work(step) and not is_manual(step) and not is_bounded(playbook, step)
    ]
    return found
