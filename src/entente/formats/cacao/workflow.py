"""A playbook's graph without commands, which partners sign, and the member that each step belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from entente.core.errors import InvalidError
from entente.formats.cacao.condition import evaluate, parse, switch
from entente.formats.cacao.graph import reached
from entente.formats.cacao.strict_json import text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entente.formats.cacao.playbook import Playbook, Step


class FlowStep(msgspec.Struct, frozen=True):
    """One step without what it does: what follows it when it went well or failed, its branches, and its undo.

    `branches` are (label, first step): 1, 2, ... of a parallel, true and false of an if, true of a while, and the
    cases of a switch. "" stands for none.
    """

    id: str
    type: str
    agent: str
    next: str
    failed: str
    branches: tuple[tuple[str, str], ...]
    undo: str


def flow_steps(playbook: Playbook) -> tuple[FlowStep, ...]:
    """Give all steps breadth first from the start; the workflow exception follows, undo steps come last."""
    return tuple(_step(playbook.steps[id_]) for id_ in reached(playbook))


def _step(step: Step) -> FlowStep:
    return FlowStep(step.id, step.type, step.agent, step.next, step.on_failure, step.branches(), step.undo)


def choose(step: Step, variables: Mapping[str, str]) -> str:
    """Give the label of the branch that an if, while or switch step takes, "" when it takes none and goes on.

    A switch takes `default` for a value that is no case. Raise InvalidError when a variable has no value.
    """
    if step.type == "switch-condition":
        value = switch(step.switch, variables)
        label = value if value in step.cases else "default"
    else:
        label = "true" if evaluate(parse(step.condition), variables) else "false"
    return label if label in dict(step.branches()) else ""


def agent_owners(playbook: Playbook, members: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """Give the member that each agent belongs to, of those agents where one can be told.

    `members` are names by member id. An agent belongs to the member whose id or name its own name or key is, in
    capitals or not, or to the member id that `given` has for its key or name. Raise InvalidError (code `owner`) when
    `given` names no agent or no member, says something else than the file, or when the name fits several members.
    """
    _check_given(playbook, members, given)
    found = dict[str, str]()
    for key, agent in playbook.agents.items():
        words = {key.casefold(), text(agent.get("name")).casefold()} - {""}
        named = {id_ for id_, name in members.items() if not words.isdisjoint((id_.casefold(), name.casefold()))}
        said = {given[word] for word in (key, text(agent.get("name"))) if word in given}
        if len(named | said) > 1:
            several = ", ".join(sorted(named | said))
            raise InvalidError(f"The agent {key} would belong to several members: {several}.", code="owner")
        found.update((key, id_) for id_ in named | said)
    return found


def _check_given(playbook: Playbook, members: Mapping[str, str], given: Mapping[str, str]) -> None:
    known = {*playbook.agents, *(text(agent.get("name")) for agent in playbook.agents.values())}
    for agent, member in given.items():
        if agent not in known:
            raise InvalidError(f"The playbook has no agent {agent:.100}.", code="owner")
        if member not in members:
            raise InvalidError(f"{member:.100} is no member here, so the agent {agent} cannot be theirs.", code="owner")


def owners(playbook: Playbook, owner_of_agent: Mapping[str, str], proposer: str) -> dict[str, str]:
    """Give the owner of every step: of a step with an agent the agent's, of any other that of the step before it.

    The start, and a workflow exception without an agent, are the proposer's. Raise InvalidError (code `no-owner`) when
    a step's agent has no owner.
    """
    found = dict[str, str]()
    for id_, before in reached(playbook).items():
        agent = playbook.steps[id_].agent
        if not agent:
            found[id_] = found.get(before, proposer)
        elif agent in owner_of_agent:
            found[id_] = owner_of_agent[agent]
        else:
            name = text(playbook.agents.get(agent, {}).get("name"))
            raise InvalidError(
                f"The agent {agent} ({name}) of the step {id_} belongs to no member.",
                code="no-owner",
                hint=f"Say whose it is: --owner {agent}=MEMBER",
            )
    return found
