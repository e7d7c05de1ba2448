"""CACAO 2.0 playbooks: read without loss, judged by form and by meaning, and taken apart for those who run them.

The parts live beside it: `cacao_shape` (fields), `cacao_graph` (the workflow), `cacao_checks` (what is named), and
`cacao_condition`. The codes of problems are `json`, `shape`, `start`, `missing-step`, `unreachable`, `loop`, `no-end`,
`next`, `shared-step`, `escapes`, `agent`, `target`, `authentication`, `command`, `command-type`, `variable`,
`condition`, `time`, `extension`, `undo`, `secret` and `limit`.
"""

from __future__ import annotations

from typing import Final

import msgspec

from entente.core.errors import InvalidError
from entente.formats.cacao import checks as cacao_checks
from entente.formats.cacao import graph as cacao_graph
from entente.formats.cacao import shape as cacao_shape
from entente.formats.cacao import strict_json as cacao_json
from entente.formats.cacao.checks import scope
from entente.formats.cacao.playbook import (
    EXTENSION,
    EXTENSION_DEFINITION,
    Command,
    Playbook,
    Problem,
    Step,
    Variable,
    build,
)
from entente.formats.cacao.strict_json import MAX_DEPTH, MAX_SIZE
from entente.formats.cacao.workflow import FlowStep, agent_owners, choose, flow_steps, owners

__all__ = [
    "EXTENSION",
    "EXTENSION_DEFINITION",
    "MAX_DEPTH",
    "MAX_SIZE",
    "Command",
    "FlowStep",
    "Playbook",
    "Problem",
    "Step",
    "Variable",
    "agent_owners",
    "choose",
    "examine",
    "flow_steps",
    "owners",
    "problems",
    "read",
    "scope",
    "secrets",
    "write",
]
_SHOWN: Final = 10


def read(data: bytes) -> Playbook:
    """Give the playbook in `data`; it may have `warnings`, but nothing is wrong with it.

    Raise InvalidError that lists up to ten problems, with the code of the first, or LimitError when it is too large or
    too deep.
    """
    playbook = examine(data)
    wrong = problems(playbook)
    if wrong:
        listed = "\n".join(f"- {problem.line}" for problem in wrong[:_SHOWN])
        more = f"\n- and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        raise InvalidError(
            f"The playbook cannot be used:\n{listed}{more}",
            code=wrong[0].code,
            hint="Its author must mend it; nothing was changed here.",
        )
    return playbook


def examine(data: bytes) -> Playbook:
    """Give the playbook in `data` as far as it can be understood, whatever `problems` will say of it.

    Raise InvalidError (code `json`) when it is no JSON object, LimitError when it is too large or too deep.
    """
    playbook = build(data, cacao_json.load(data))
    return msgspec.structs.replace(playbook, warnings=tuple(cacao_checks.warnings(playbook)))


def write(playbook: Playbook) -> bytes:
    """Give the file: byte for byte what was read."""
    return playbook.data


def problems(playbook: Playbook) -> list[Problem]:
    """Give everything that is wrong with the playbook: its fields first, then its workflow, then what it names."""
    found = [_placed(at, what) for at, what in cacao_shape.PLAYBOOK(playbook.raw, "")]
    found += cacao_graph.find(playbook)
    if not any(problem.code == "limit" for problem in found):
        found += cacao_checks.find(playbook)
    return list(dict.fromkeys(found))


def secrets(playbook: Playbook) -> list[str]:
    """Give the places where secrets stand in the file; a playbook that has any must not leave."""
    return [problem.line for problem in playbook.warnings if problem.code == "secret"]


def _placed(at: str, what: str) -> Problem:
    """Name the step if the place is inside one."""
    outer, _, rest = at.partition(".")
    step, _, field = rest.partition(".")
    if outer == "workflow" and step:
        return Problem("shape", step, f"{field or 'the step'} {what}.")
    return Problem("shape", "", f"{at or 'the playbook'} {what}.")
