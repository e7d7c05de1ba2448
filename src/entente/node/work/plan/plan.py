"""Plans as the acts of a room make them: their file, their state, what brought them into force, how far a run is.

docs/protocol/12-plans.md.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Final, cast

import msgspec

from entente.core.errors import EntenteError, WaitingError
from entente.core.ids import Member, b32
from entente.core.recorded import refs_in
from entente.formats import cacao
from entente.formats.cacao.checks import scope
from entente.formats.cacao.workflow import agent_owners, flow_steps, owners
from entente.kinds import plan as plans
from entente.kinds import step as steps
from entente.node.work.acts import AWAITED, ERASED, HELD, order
from entente.policy import protected
from entente.policy.approval import APPROVE, State, carried
from entente.policy.run import Run, unfold
from entente.policy.workflow import SignedStep, signed_steps

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entente.core.kind import Act
    from entente.core.recorded import Acts
    from entente.formats.cacao.playbook import Playbook, Step
    from entente.node.work.acts import Reader

MEDIA: Final = "application/cacao+json"
OUTPUT: Final = "application/json"
SMALL: Final = 32 << 10
FINAL: Final = ("done", "stopped", "refused", "expired")
_CONTROL: Final = ("start", "end", "parallel", "if-condition", "while-condition", "switch-condition")


class Book:
    """The plans of one home."""

    def __init__(self, reader: Reader) -> None:
        """Read with `reader`."""
        self.reader = reader
        self.tx = reader.tx
        self.me = reader.me
        self._runs: dict[str, tuple[list[Act], Run]] = {}

    def all(self) -> list[Act]:
        """Return the acts that proposed plans, oldest first."""
        return self.reader.acts(plans.KIND.name)

    @property
    def held(self) -> Acts:
        """Return the acts that proposed plans, by reference."""
        found: Acts = self.reader.in_force.view.states[plans.KIND.name]
        return found

    def by_id(self) -> dict[str, Act]:
        """Return the acts that proposed plans by plan id; the newest of several."""
        return {self.id_of(act): act for act in self.all()}

    def get(self, id_: str) -> Act | None:
        """Return the act that proposed the plan with this id, the newest of several."""
        return max(self.held.saying(plans.ID, id_), key=order, default=None)

    def ids(self) -> list[str]:
        """Return the ids of all plans."""
        return [value for name, value in self.held.said if name == plans.ID]

    def id_of(self, act: Act) -> str:
        """Return the plan id."""
        return b32(plans.id_of(act))

    def signed(self, act: Act) -> tuple[SignedStep, ...]:
        """Return the signed workflow that the act carries."""
        return tuple(signed_steps(act).values())

    def data(self, act: Act) -> tuple[bytes, str]:
        """Return the bytes of a plan's file; none and why, where it is not here or not the one that was signed."""
        found, state = self.reader.document(act, str(act.body["content"]))
        if found is None:
            words = {ERASED: "The file of the plan was erased.", AWAITED: "The file of the plan has not arrived yet."}
            return b"", words.get(state, "The file of the plan is not where its proposer says.")
        if b32(sha256(found.data).digest()) != act.body["hash"]:
            return b"", "The file is not the one whose hash was proposed."
        return found.data, ""

    def name(self, act: Act) -> str:
        """Return the name of a plan, "" where its file is not here."""
        try:
            return msgspec.json.decode(self.data(act)[0] or b"{}", type=Titled).name
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            return ""

    def playbook(self, act: Act) -> tuple[Playbook | None, str]:
        """Return the playbook; None and why, where its file is not here or not the one that was signed."""
        data, problem = self.data(act)
        if problem:
            return None, problem
        return _small(data) if len(data) <= SMALL else _read(data)

    def problems(self, act: Act) -> list[str]:
        """Return why a member should not approve the plan: its file and the signed steps must be the same."""
        playbook, problem = self.playbook(act)
        if playbook is None:
            return [problem]
        given = self.signed(act)
        said = {signed.id: signed.owner for signed in given}
        by_agent: dict[str, set[str]] = {}
        for step in playbook.steps.values():
            if step.agent and step.id in said:
                by_agent.setdefault(step.agent, set()).add(said[step.id])
        found = [f"The agent {agent} has several owners." for agent, of in by_agent.items() if len(of) > 1]
        chosen = {agent: min(of) for agent, of in by_agent.items()}
        members = {b32(each): self.reader.name(each) for each in self.reader.room_of(act).members}
        try:
            for agent, owner in agent_owners(playbook, members, {}).items():
                if chosen.get(agent, owner) != owner:
                    found.append(f"The agent {agent} is named after another member than its steps are given to.")
            made = signed_workflow(playbook, chosen, b32(act.author))
        except EntenteError as wrong:
            return [*found, wrong.message]
        if list(made) != list(given) or act.body["exception"] != playbook.exception:
            found.append("The steps that are to be signed are not those of the file.")
        return found + cacao.secrets(playbook)

    def steps(self, act: Act) -> list[Act]:
        """Return what owners have said about the steps of a plan, each log in its order."""
        return steps.acts_on(self.reader.in_force.view.states[steps.KIND.name], act.place.ref)

    def run(self, act: Act) -> Run:
        """Return how far the run is, worked out from the set of acts."""
        acts = self.steps(act)
        known = self._runs.get(act.place.ref)
        if known is None or known[0] != acts:
            known = acts, unfold(self.signed(act), str(act.body["exception"]), map(steps.said, acts))
            self._runs[act.place.ref] = known
        return known[1]

    def halts(self, act: Act) -> list[Act]:
        """Return who stopped it."""
        return self.reader.acts("halt/1", plan=act.place.ref)

    def state(self, act: Act, run: Run | None = None) -> str:
        """Return proposed, approved, running, done, stopped, refused or expired."""
        standing = self.reader.state(act)
        current = self.reader.in_force.rooms.is_current(self.reader.room_of(act))
        if standing is not State.IN_FORCE:
            return "expired" if standing is State.PROPOSED and not current else standing.value
        if self.halts(act):
            return "stopped"
        run = run or self.run(act)
        if run.state == "done":
            return "done"
        if not current:
            return "stopped"
        return "running" if self.steps(act) else "approved"

    def force(self, act: Act) -> list[str]:
        """Return the references of what brought a plan into force."""
        thing = act.place.leaf
        asked = self.reader.in_force.view.things[thing]
        if asked.deadline:
            outcome = cast("Act", self.reader.in_force.view.states["outcome/1"][thing])
            return [outcome.place.ref]
        given = {
            member: each.ref for member, each in self.reader.in_force.answers(thing).items() if each.answer == APPROVE
        }
        chosen = [*sorted(asked.must), *sorted(given.keys() - asked.must)]
        named: dict[Member, str] = {}
        for member in chosen:
            named[member] = given[member]
            if carried(asked.voters, asked.needed, dict.fromkeys(named, APPROVE), asked.must) is State.IN_FORCE:
                break
        return list(named.values())

    def variables(self, act: Act, playbook: Playbook, step: str) -> dict[str, str]:
        """Return the values that a step sees: those of the file, then what steps before it reported, in order."""
        declared = scope(playbook, step)
        known = {name: each.value for name, each in declared.items() if each.value is not None}
        for done in sorted(self.steps(act), key=order):
            if done.body["state"] != "done":
                continue
            reporter = playbook.steps.get(str(done.body["step"]))
            for ref in refs_in(done.body["outputs"]):
                reported = self._reported(done, ref)
                allowed = set(reporter.out_args) if reporter is not None else set[str]()
                known |= {
                    name: value
                    for name, value in reported.items()
                    if name in allowed and name in declared and not declared[name].constant
                }
        return known

    def _reported(self, act: Act, ref: str) -> dict[str, str]:
        found, _ = self.reader.document(act, ref)
        if found is None or found.media != OUTPUT:
            return {}
        try:
            return msgspec.json.decode(found.data, type=Output).variables
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            return {}

    def said(self, act: Act) -> str:
        """Return the words that an owner reported with a step."""
        texts: list[str] = []
        for ref in refs_in(act.body["outputs"]):
            found, _ = self.reader.document(act, ref)
            if found is not None and found.media != OUTPUT:
                texts.append(found.text)
        return "\n".join(filter(None, texts))

    def protected(self, act: Act) -> dict[Member, list[str]]:
        """Return what each member of the room protects, by its newest list.

        WaitingError for a list that is not here, InvalidError for one that cannot be read: nobody knows what it names.
        """
        newest = {each.author: each for each in self.reader.acts(plans.PROTECTED.name) if each.circle == act.circle}
        found: dict[Member, list[str]] = {}
        for member, each in newest.items():
            words = self.reader.words(each)
            if words.state != HELD:
                raise WaitingError(f"The list of what {self.reader.name(member)} protects is {words.state}.")
            found[member] = protected.read(words.text)
        return found

    def is_complete(self, act: Act) -> bool:
        """Say whether the file of a plan and everything that was reported with its steps is here, or erased."""
        reported = [(each, ref) for each in self.steps(act) for ref in refs_in(each.body["outputs"])]
        there = all(self.reader.content(each, ref)[1] in {HELD, ERASED} for each, ref in reported)
        return there and self.playbook(act)[0] is not None


def _read(data: bytes) -> tuple[Playbook | None, str]:
    """Return the playbook, or None and why the file cannot be run."""
    try:
        return cacao.read(data), ""
    except EntenteError as problem:
        return None, f"The file cannot be run: {problem.message}"


_small = lru_cache(maxsize=128)(_read)
"""The same; small files are read once."""


class Titled(msgspec.Struct, frozen=True):
    """A playbook of which only the name is read."""

    name: str = ""


class Output(msgspec.Struct, frozen=True):
    """A document that sets variables."""

    variables: dict[str, str] = {}


def signed_workflow(playbook: Playbook, owner_of_agent: Mapping[str, str], proposer: str) -> tuple[SignedStep, ...]:
    """Return the signed steps of a playbook with their owners; InvalidError if an agent has none."""
    owned = owners(playbook, owner_of_agent, proposer)
    return tuple(
        SignedStep(each.id, each.type, owned[each.id], each.next, _failed(playbook, each.id), each.branches, each.undo)
        for each in flow_steps(playbook)
    )


def _failed(playbook: Playbook, step: str) -> str:
    found = playbook.steps[step]
    return found.on_failure or (found.on_completion if is_work(found) else "")


def is_work(step: Step) -> bool:
    """Say whether somebody has something to do in this step."""
    return step.type not in _CONTROL


def is_bounded(playbook: Playbook, step: Step) -> bool:
    """Say whether an effect has a time limit and an undo, or is one itself; else only a person may bring it about."""
    return bool(step.limit and step.undo) or step.id in {each.undo for each in playbook.steps.values()}
