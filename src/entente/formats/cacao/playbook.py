"""A CACAO 2.0 playbook as a value: its bytes as they came, and typed access to what others need of them."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import msgspec

from entente.formats.cacao.strict_json import items, part, text, texts, whole

if TYPE_CHECKING:
    from collections.abc import Iterator

EXTENSION: Final = "extension-definition--0c202610-eee0-444e-8d44-597444a0255a"
"""The step extension of this project: {"limit": seconds, "undo": step id, "repeatable": bool}, each of them optional.

`limit`: so long the effect of an action stands before `undo` runs; `undo`: the action that takes the effect back;
`repeatable`: the action may run twice without harm.
"""
EXTENSION_DEFINITION: Final = MappingProxyType(
    {
        "type": "extension-definition",
        "name": "Entente step limits",
        "description": "How long the effect of an action stands, which action takes it back, and if it may run twice.",
        "created_by": "identity--7d5b0f0e-4f0d-4c39-9d63-5b8a0b1f6c52",
        "schema": "entente:step-limits",
        "version": "1.0.0",
    }
)
"""What stands under EXTENSION in the `extension_definitions` of a playbook that uses it."""

CONTROL: Final = frozenset({"start", "end", "parallel", "if-condition", "while-condition", "switch-condition"})
WORK: Final = frozenset({"action", "playbook-action"})
STEP_TYPES: Final = CONTROL | WORK


class Problem(msgspec.Struct, frozen=True):
    """What is wrong: a word for scripts, the step it is about ("" = the playbook), a sentence, error or warning."""

    code: str
    step: str
    text: str
    severity: str = "error"

    @property
    def line(self) -> str:
        """The problem in one line, with the step that it is about."""
        return f"{self.step}: {self.text}" if self.step else self.text


class Command(msgspec.Struct, frozen=True):
    """One command of an action: its type, and all of it as it stands in the file."""

    type: str
    raw: dict[str, object]


class Variable(msgspec.Struct, frozen=True):
    """A variable: its type, its first value (None = none yet), and whether it may change or comes from outside."""

    type: str
    value: str | None
    constant: bool
    external: bool


class Step(msgspec.Struct, frozen=True):
    """One step of a workflow; "" or () or an empty mapping where the file says nothing, times in milliseconds."""

    id: str
    type: str
    name: str
    description: str
    agent: str
    targets: tuple[str, ...]
    commands: tuple[Command, ...]
    in_args: tuple[str, ...]
    out_args: tuple[str, ...]
    variables: dict[str, Variable]
    timeout_ms: int
    delay_ms: int
    on_completion: str
    on_success: str
    on_failure: str
    on_true: str
    on_false: str
    condition: str
    switch: str
    cases: dict[str, str]
    next_steps: tuple[str, ...]
    playbook_id: str
    extension: dict[str, object]

    @property
    def next(self) -> str:
        """The step that follows when this one went well ("" = none)."""
        return self.on_completion or self.on_success

    @property
    def undo(self) -> str:
        """The step that takes the effect of this one back ("" = none)."""
        return text(self.extension.get("undo"))

    @property
    def limit(self) -> int:
        """For how many seconds the effect stands before it is taken back (0 = for good)."""
        return whole(self.extension.get("limit"))

    @property
    def repeatable(self) -> bool:
        """Whether the author says that this step may run twice."""
        return self.extension.get("repeatable") is True

    def flow(self) -> Iterator[str]:
        """Yield the steps that may follow in the same workflow, each once."""
        yield from dict.fromkeys(each for each in (self.on_completion, self.on_success, self.on_failure) if each)

    def branches(self) -> tuple[tuple[str, str], ...]:
        """Give the label and the first step of each branch below this step."""
        if self.type == "parallel":
            return tuple((str(number), each) for number, each in enumerate(self.next_steps, 1))
        if self.type == "switch-condition":
            return tuple(self.cases.items())
        on_true = self.on_true if self.type in {"if-condition", "while-condition"} else ""
        on_false = self.on_false if self.type == "if-condition" else ""
        return tuple((label, each) for label, each in (("true", on_true), ("false", on_false)) if each)


class Playbook(msgspec.Struct, frozen=True):
    """A playbook: `data` is the file as it came; `agents` and `targets` are its definitions by key."""

    data: bytes
    id: str
    name: str
    description: str
    start: str
    exception: str
    variables: dict[str, Variable]
    steps: dict[str, Step]
    agents: dict[str, dict[str, object]]
    targets: dict[str, dict[str, object]]
    raw: dict[str, object]
    warnings: tuple[Problem, ...] = ()


def build(data: bytes, raw: dict[str, object]) -> Playbook:
    """Give the playbook in `raw`, which was read from `data`; what is of a wrong type counts as not said."""
    return Playbook(
        data=data,
        id=text(raw.get("id")),
        name=text(raw.get("name")),
        description=text(raw.get("description")),
        start=text(raw.get("workflow_start")),
        exception=text(raw.get("workflow_exception")),
        variables=_variables(raw.get("playbook_variables")),
        steps={key: _step(key, dict(part(each))) for key, each in part(raw.get("workflow")).items()},
        agents={key: dict(part(each)) for key, each in part(raw.get("agent_definitions")).items()},
        targets={key: dict(part(each)) for key, each in part(raw.get("target_definitions")).items()},
        raw=raw,
    )


def _variables(value: object) -> dict[str, Variable]:
    return {name: _variable(part(each)) for name, each in part(value).items()}


def _variable(each: object) -> Variable:
    said = part(each)
    value = said.get("value")
    return Variable(
        type=text(said.get("type")),
        value=value if isinstance(value, str) else None,
        constant=said.get("constant") is True,
        external=said.get("external") is True,
    )


def _step(key: str, raw: dict[str, object]) -> Step:
    def said(name: str) -> str:
        return text(raw.get(name))

    return Step(
        id=key,
        type=said("type"),
        name=said("name"),
        description=said("description"),
        agent=said("agent"),
        targets=texts(raw.get("targets")),
        commands=tuple(Command(text(part(each).get("type")), dict(part(each))) for each in items(raw.get("commands"))),
        in_args=texts(raw.get("in_args")),
        out_args=texts(raw.get("out_args")),
        variables=_variables(raw.get("step_variables")),
        timeout_ms=whole(raw.get("timeout")),
        delay_ms=whole(raw.get("delay")),
        on_completion=said("on_completion"),
        on_success=said("on_success"),
        on_failure=said("on_failure"),
        on_true=said("on_true"),
        on_false=said("on_false"),
        condition=said("condition"),
        switch=said("switch"),
        cases={label: each for label, each in part(raw.get("cases")).items() if isinstance(each, str)},
        next_steps=texts(raw.get("next_steps")),
        playbook_id=said("playbook_id"),
        extension=dict(part(part(raw.get("step_extensions")).get(EXTENSION))),
    )
