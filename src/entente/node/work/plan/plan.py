"""One plan as the acts of its room make it: its file, its state, what brought it into force, how far its run is.

`Plan(reader, act)` is a plan, `plans_of(reader)` gives all of them. docs/protocol/12-plans.md.
"""

from __future__ import annotations

from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Final

import msgspec

from entente.core.errors import EntenteError, NotFoundError, WaitingError
from entente.core.ids import Member, b32
from entente.core.recorded import refs_in
from entente.formats import cacao
from entente.formats.cacao.checks import scope
from entente.formats.cacao.workflow import agent_owners
from entente.kinds import plan as kinds
from entente.kinds import step as steps
from entente.node.work.acts import AWAITED, ERASED, HELD, order
from entente.node.work.plan.playbook import read_playbook, signed_workflow, title
from entente.policy import protected
from entente.policy.approval import APPROVE, State, carried
from entente.policy.run import DONE, OVER, Run, unfold
from entente.policy.workflow import signed_steps

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from entente.core.kind import Act, Asks
    from entente.core.recorded import Acts
    from entente.formats.cacao.playbook import Playbook
    from entente.node.rooms.room import Room
    from entente.node.work.acts import Reader
    from entente.policy.workflow import SignedStep

OUTPUT: Final = "application/json"
FINAL: Final = ("done", "stopped", "refused", "expired")


class Output(msgspec.Struct, frozen=True):
    """A document that sets variables."""

    variables: dict[str, str] = {}


class Plan:
    """One plan: the act that proposed it, and what its reader sees of what became of it.

    `ref` is the reference of that act, `thing` its leaf hash, `id` the plan id (b32).
    """

    def __init__(self, reader: Reader, act: Act) -> None:
        """Bind the act that proposed the plan to a reader."""
        self.reader = reader
        self.act = act
        self.ref = act.place.ref
        self.thing = act.place.leaf
        self._unfolded: tuple[list[Act], Run] | None = None

    @property
    def id(self) -> str:
        """Return the plan id."""
        return b32(kinds.id_of(self.act))

    @property
    def room(self) -> Room:
        """Return the room in which it was proposed."""
        return self.reader.room_of(self.act)

    @property
    def is_current(self) -> bool:
        """Say whether its room is that of the agreement as it is now."""
        return self.reader.in_force.rooms.is_current(self.room)

    @property
    def asked(self) -> Asks:
        """Return what it asks of whom, and by when."""
        return self.reader.in_force.view.things[self.thing]

    @property
    def signed(self) -> tuple[SignedStep, ...]:
        """Return the steps as the act carries them, in their order."""
        return tuple(signed_steps(self.act).values())

    @property
    def name(self) -> str:
        """Return its name, "" where its file is not here."""
        return title(self._data[0])

    @property
    def playbook(self) -> Playbook | None:
        """Return its playbook; None where its file is not here, cannot be used, or is not the one that was signed."""
        return self._file[0]

    @property
    def problem(self) -> str:
        """Say why there is no playbook, "" if there is one."""
        return self._file[1]

    def read(self) -> Playbook:
        """Return its playbook; NotFoundError that says why there is none."""
        if self.playbook is None:
            raise NotFoundError(self.problem)
        return self.playbook

    @cached_property
    def _data(self) -> tuple[bytes, str]:
        """The bytes of the file; none and why, where it is not here or not the one that was signed."""
        found, state = self.reader.document(self.act, str(self.act.body["content"]))
        if found is None:
            words = {ERASED: "The file of the plan was erased.", AWAITED: "The file of the plan has not arrived yet."}
            return b"", words.get(state, "The proposer never sent the file of the plan.")
        if b32(sha256(found.data).digest()) != self.act.body["hash"]:
            return b"", "The file is not the one whose hash was proposed."
        return found.data, ""

    @cached_property
    def _file(self) -> tuple[Playbook | None, str]:
        data, problem = self._data
        if problem:
            return None, problem
        try:
            return read_playbook(data), ""
        except EntenteError as wrong:
            return None, f"The file cannot be run: {wrong.message}"

    def problems(self) -> list[str]:
        """Return why a member should not approve it: its file and the signed steps must be the same."""
        playbook = self.playbook
        if playbook is None:
            return [self.problem]
        owners = self._owners_of_agents(playbook)
        found = [f"The agent {agent} has several owners." for agent, of in owners.items() if len(of) > 1]
        chosen = {agent: min(of) for agent, of in owners.items()}
        try:
            found += self._misnamed(playbook, chosen)
            made = signed_workflow(playbook, chosen, b32(self.act.author))
        except EntenteError as wrong:
            return [*found, wrong.message]
        if made != self.signed or self.act.body["exception"] != playbook.exception:
            found.append("The signed steps are not those of the file.")
        return found + cacao.secrets(playbook)

    def _owners_of_agents(self, playbook: Playbook) -> dict[str, set[str]]:
        """Return by agent the members that its steps were given to."""
        owners = {signed.id: signed.owner for signed in self.signed}
        found: dict[str, set[str]] = {}
        for step in playbook.steps.values():
            if step.agent and step.id in owners:
                found.setdefault(step.agent, set()).add(owners[step.id])
        return found

    def _misnamed(self, playbook: Playbook, chosen: Mapping[str, str]) -> list[str]:
        members = {b32(each): self.reader.name(each) for each in self.room.members}
        return [
            f"The agent {agent} has the name of one member, but its steps are given to another."
            for agent, owner in agent_owners(playbook, members, {}).items()
            if chosen.get(agent, owner) != owner
        ]

    def step_acts(self) -> list[Act]:
        """Return what owners have said about its steps, each log in its order."""
        return steps.acts_on(self.reader.in_force.view.states[steps.KIND.name], self.ref)

    @property
    def run(self) -> Run:
        """Return how far the run is, worked out from the set of acts."""
        return self._unfold()[1]

    def _unfold(self) -> tuple[list[Act], Run]:
        """Return what owners have said and the run that comes of it; worked out anew when there are other acts."""
        acts = self.step_acts()
        if self._unfolded is None or self._unfolded[0] != acts:
            run = unfold(self.signed, str(self.act.body["exception"]), map(steps.said, acts))
            self._unfolded = acts, run
        return self._unfolded

    def halts(self) -> list[Act]:
        """Return the acts that stopped it, by claimed time, author and index."""
        return self.reader.acts(kinds.HALT.name, plan=self.ref)

    @property
    def outcome(self) -> Act | None:
        """Return what its proposer decided after the deadline, None while nothing is decided."""
        found: Mapping[bytes, Act] = self.reader.in_force.view.states["outcome/1"]
        return found.get(self.thing)

    @property
    def is_open(self) -> bool:
        """Say whether answers to it are still awaited."""
        return self.reader.state(self.act) is State.PROPOSED and self.is_current

    @property
    def state(self) -> str:
        """Return proposed, approved, running, done, stopped, refused or expired."""
        standing = self.reader.state(self.act)
        if standing is not State.IN_FORCE:
            return "expired" if standing is State.PROPOSED and not self.is_current else standing.value
        if self.halts():
            return "stopped"
        acts, run = self._unfold()
        if run.state == OVER:
            return "done"
        if not self.is_current:
            return "stopped"
        return "running" if acts else "approved"

    def force(self) -> list[str]:
        """Return the references of what brought it into force; without an outcome none for a plan with a deadline."""
        asked, outcome = self.asked, self.outcome
        if asked.deadline:
            return [] if outcome is None else [outcome.place.ref]
        answers = self.reader.in_force.answers(self.thing).items()
        given = {member: each.ref for member, each in answers if each.answer == APPROVE}
        named: dict[Member, str] = {}
        for member in [*sorted(asked.must), *sorted(given.keys() - asked.must)]:
            named[member] = given[member]
            if carried(asked.voters, asked.needed, dict.fromkeys(named, APPROVE), asked.must) is State.IN_FORCE:
                break
        return list(named.values())

    def variables(self, step: str) -> dict[str, str]:
        """Return the values that a step sees: those of the file, then what steps before it reported, in order.

        NotFoundError where there is no playbook.
        """
        playbook = self.read()
        declared = scope(playbook, step)
        known = {name: each.value for name, each in declared.items() if each.value is not None}
        free = {name for name, each in declared.items() if not each.constant}
        for done in sorted(self.step_acts(), key=order):
            reporter = playbook.steps.get(str(done.body["step"]))
            if done.body["state"] == DONE and reporter is not None:
                may = free.intersection(reporter.out_args)
                known |= {name: value for name, value in self._reported(done).items() if name in may}
        return known

    def _reported(self, done: Act) -> dict[str, str]:
        """Return the values that were reported with a step."""
        found: dict[str, str] = {}
        for ref in refs_in(done.body["outputs"]):
            document, _ = self.reader.document(done, ref)
            if document is not None and document.media == OUTPUT:
                found |= _values(document.data)
        return found

    def said(self, act: Act) -> str:
        """Return the words that an owner reported with a step."""
        texts: list[str] = []
        for ref in refs_in(act.body["outputs"]):
            found, _ = self.reader.document(act, ref)
            if found is not None and found.media != OUTPUT:
                texts.append(found.text)
        return "\n".join(filter(None, texts))

    def protected(self) -> dict[Member, list[str]]:
        """Return what each member of the room protects, by its newest list.

        WaitingError for a list that is not here, InvalidError for one that cannot be read: nobody knows what it names.
        """
        lists = self.reader.acts(kinds.PROTECTED.name)
        newest = {each.author: each for each in lists if each.circle == self.act.circle}
        found: dict[Member, list[str]] = {}
        for member, each in newest.items():
            words = self.reader.words(each)
            if words.state != HELD:
                raise WaitingError(f"The list of what {self.reader.name(member)} protects is {words.state}.")
            found[member] = protected.read(words.text)
        return found

    def is_complete(self) -> bool:
        """Say whether its file and everything that was reported with its steps is here, or erased."""
        reported = [(each, ref) for each in self.step_acts() for ref in refs_in(each.body["outputs"])]
        there = all(self.reader.content(each, ref)[1] in {HELD, ERASED} for each, ref in reported)
        return there and self.playbook is not None


def _values(data: bytes) -> dict[str, str]:
    """Return the values in a document that sets variables, none where it cannot be read."""
    try:
        return msgspec.json.decode(data, type=Output).variables
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return {}


def plans_of(reader: Reader) -> Iterator[Plan]:
    """Yield every plan that a reader sees, oldest first; a plan that is let go keeps no file in memory."""
    return (Plan(reader, act) for act in reader.acts(kinds.KIND.name))


def plan_at(reader: Reader, ref: str) -> Plan:
    """Return the plan that the act with this reference proposed; KeyError if there is none."""
    return Plan(reader, held(reader)[ref])


def plan_by_id(reader: Reader, id_: str) -> Plan | None:
    """Return the plan with this id, the newest of several; None if none was proposed."""
    act = max(held(reader).saying(kinds.ID, id_), key=order, default=None)
    return None if act is None else Plan(reader, act)


def plan_ids(reader: Reader) -> list[str]:
    """Return the ids of all plans that were proposed."""
    return [value for name, value in held(reader).said if name == kinds.ID]


def held(reader: Reader) -> Acts:
    """Return the acts that proposed plans, by reference."""
    found: Acts = reader.in_force.view.states[kinds.KIND.name]
    return found
