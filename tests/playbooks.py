"""Playbooks for tests: CACAO 2.0 files made of a few words."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING

from entente.formats.cacao import EXTENSION, EXTENSION_DEFINITION
from entente.node.work.plan.plan import plan_by_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from entente.node.work.acts import Reader
    from entente.node.work.plan.plan import Plan

_SPACE = uuid.UUID("6f5a1f3e-9d0c-4b39-8a4e-0f5a9f0f7a11")


def plan_in(reader: Reader, id_: str) -> Plan:
    """Return the plan with this id, which was proposed."""
    found = plan_by_id(reader, id_)
    assert found is not None
    return found


def step_id(kind: str, name: str) -> str:
    """Return the id of a step of this type and name."""
    return f"{kind}--{uuid.uuid5(_SPACE, kind + name)}"


def action(
    agent: str, then: str, *, name: str = "", command: Mapping[str, object] | None = None, **more: object
) -> dict[str, object]:
    """Return an action of an agent that a person does, unless `command` says what is sent."""
    return {
        "type": "action",
        "name": name,
        "agent": agent_id(agent),
        "commands": [dict(command or {"type": "manual", "command": f"Do {name}."})],
        "on_completion": then,
        **more,
    }


def agent_id(name: str) -> str:
    """Return the key of the agent of this name."""
    return f"organization--{uuid.uuid5(_SPACE, name)}"


def playbook(
    steps: Mapping[str, Mapping[str, object]],
    *,
    agents: Sequence[str],
    start: str,
    targets: Mapping[str, Mapping[str, object]] | None = None,
    variables: Mapping[str, object] | None = None,
    name: str = "Close the gap",
) -> bytes:
    """Return the file: a start that leads to `start`, these steps, agents by member name, one end step `end()`."""
    whole: dict[str, object] = {
        "type": "playbook",
        "spec_version": "cacao-2.0",
        "id": f"playbook--{uuid.uuid5(_SPACE, name + json.dumps(dict(steps), sort_keys=True, default=dict))}",
        "name": name,
        "created_by": f"identity--{uuid.uuid5(_SPACE, 'author')}",
        "created": "2026-11-01T08:00:00.000Z",
        "modified": "2026-11-01T08:00:00.000Z",
        "workflow_start": step_id("start", ""),
        "workflow": {
            step_id("start", ""): {"type": "start", "on_completion": start},
            **{id_: dict(step) for id_, step in steps.items()},
            end(): {"type": "end"},
        },
        "agent_definitions": {agent_id(each): {"type": "organization", "name": each} for each in agents},
    }
    if targets:
        whole["target_definitions"] = {id_: dict(each) for id_, each in targets.items()}
    if variables:
        whole["playbook_variables"] = dict(variables)
    if any("step_extensions" in step for step in steps.values()):
        whole["extension_definitions"] = {EXTENSION: dict(EXTENSION_DEFINITION)}
    return json.dumps(whole, indent=2).encode()


def end() -> str:
    """Return the id of the end step."""
    return step_id("end", "")


def bounded(limit: int, undo: str, *, repeatable: bool = False) -> dict[str, object]:
    """Return the extension of a step that acts by itself."""
    return {EXTENSION: {"limit": limit, "undo": undo, "repeatable": repeatable}}


def two_sides(one: str, other: str) -> bytes:
    """Return a plan with one step on each side, done one after the other by people."""
    first, second = step_id("action", "first"), step_id("action", "second")
    return playbook(
        {first: action(one, second, name="first"), second: action(other, end(), name="second")},
        agents=[one, other],
        start=first,
    )
