"""The workflow of an action plan: its steps without what they do, as the members sign it.

docs/protocol/12-plans.md, "Acts".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final, cast

from msgspec import Struct

from entente.core.errors import InvalidError
from entente.core.ids import unb32

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from entente.core.kind import Act

START, END, PARALLEL = "start", "end", "parallel"
IF, WHILE, SWITCH = "if-condition", "while-condition", "switch-condition"
ACTIONS: Final = ("action", "playbook-action")
CONDITIONS: Final = (IF, WHILE, SWITCH)
TYPES: Final = (START, END, PARALLEL, *CONDITIONS, *ACTIONS)
TRUE, FALSE, DEFAULT = "true", "false", "default"

MAX_STEPS: Final = 400
MAX_BRANCHES: Final = 64
MAX_ID: Final = 100
MAX_LABEL: Final = 256
_FIELDS: Final = ("id", "type", "owner", "next", "failed", "undo")
_PAIR: Final = 2


class SignedStep(Struct, frozen=True):
    """One step of a signed workflow: its owner (b32 of the member) and the steps that follow; "" stands for none.

    `branches` are (label, first step): 1, 2, ... of a parallel, true and false of an if, true of a while, the cases
    of a switch.
    """

    id: str
    type: str
    owner: str
    next: str
    failed: str
    branches: tuple[tuple[str, str], ...]
    undo: str

    def to_dict(self) -> dict[str, object]:
        """Return it as it stands in an act."""
        named: dict[str, object] = {name: getattr(self, name) for name in _FIELDS}
        return named | {"branches": [list(branch) for branch in self.branches]}

    def flow(self) -> Iterator[str]:
        """Yield every step that this one leads to in the run."""
        yield from (each for each in (self.next, self.failed, *(step for _, step in self.branches)) if each)

    def results(self) -> frozenset[str]:
        """Return what this step may come to when it is done: the label of a branch that it takes, "" for none."""
        if self.type not in CONDITIONS:
            return frozenset({""})
        labels = {label for label, _ in self.branches}
        return frozenset(labels if (DEFAULT if self.type == SWITCH else FALSE) in labels else labels | {""})


def read_steps(steps: Sequence[object]) -> tuple[SignedStep, ...]:
    """Read the steps of a plan; InvalidError unless well formed, with one start first, and every named step there."""
    if not 1 <= len(steps) <= MAX_STEPS:
        raise InvalidError(f"A plan has 1 to {MAX_STEPS} steps.")
    found = tuple(_step(each) for each in steps)
    known = {step.id: step for step in found}
    if len(known) != len(found):
        raise InvalidError("Two steps of the plan have the same id.")
    if [step.id for step in found if step.type == START] != [found[0].id]:
        raise InvalidError("The first step of a plan is its start, and it has one start only.")
    undos = {step.undo for step in found if step.undo}
    led = {each for step in found for each in step.flow()}
    if missing := sorted((undos | led) - known.keys()):
        raise InvalidError(f"The plan names the step {missing[0]}, which it does not have.")
    if found[0].id in undos | led or undos & led:
        raise InvalidError("No step leads to the start, and an undo is no part of the flow.")
    for step in found:
        _check_ways(step, is_undo=step.id in undos)
    if any(known[each].type not in ACTIONS for each in undos):
        raise InvalidError("An undo is an action.")
    return found


def _step(value: object) -> SignedStep:
    """Read one step with its values."""
    given: Mapping[str, object] = cast("dict[str, object]", value) if isinstance(value, dict) else {}
    if given.keys() != {*_FIELDS, "branches"}:
        raise InvalidError(f"A step of a plan has exactly {', '.join(_FIELDS)} and branches.")
    texts = {name: _text(given[name], name) for name in _FIELDS}
    if not texts["id"] or texts["type"] not in TYPES:
        raise InvalidError(f"A step has an id, and its type is one of {', '.join(TYPES)}.")
    unb32(texts["owner"], 32)
    branches = given["branches"]
    if not isinstance(branches, list):
        raise InvalidError("The branches of a step are a list.")
    return SignedStep(branches=tuple(map(_branch, cast("list[object]", branches))), **texts)


def _text(value: object, name: str, most: int = MAX_ID) -> str:
    if not isinstance(value, str) or len(value) > most:
        raise InvalidError(f"{name}: a text of at most {most} characters is needed.")
    return value


def _branch(value: object) -> tuple[str, str]:
    pair = cast("list[object]", value) if isinstance(value, list) else []
    if len(pair) != _PAIR or not all(pair):
        raise InvalidError("A branch is its label and its first step.")
    return _text(pair[0], "label", MAX_LABEL), _text(pair[1], "branch")


def _check_ways(step: SignedStep, *, is_undo: bool) -> None:
    """Raise InvalidError unless the ways on from a step are those of its type."""
    labels = [label for label, _ in step.branches]
    right = {
        PARALLEL: labels == [str(number) for number in range(1, len(labels) + 1)] and labels != [],
        IF: labels in ([TRUE], [FALSE], [TRUE, FALSE], [FALSE, TRUE]),
        WHILE: labels == [TRUE],
        SWITCH: labels != [] and len(set(labels)) == len(labels),
    }.get(step.type, not labels)
    if not right or len(labels) > MAX_BRANCHES:
        raise InvalidError(f"The step {step.id} has other branches than a step of type {step.type} can have.")
    if step.undo and (step.type not in ACTIONS or is_undo):
        raise InvalidError(f"The step {step.id} cannot have an undo.")
    if step.type == END and (step.next or step.failed):
        raise InvalidError(f"Nothing follows the end step {step.id}.")
    if step.type != END and not step.next and not is_undo:
        raise InvalidError(f"Nothing follows the step {step.id}; every way ends with an end step.")


@dataclass(frozen=True, slots=True)
class _Signed:
    """A plan by its reference, which fixes its content."""

    ref: str
    steps: Sequence[object] = field(compare=False)


def signed_steps(plan: Act) -> Mapping[str, SignedStep]:
    """Return the steps of an allowed `plan/1` by id, in their order; parsed once for each plan."""
    return _parsed(_Signed(plan.place.ref, cast("list[object]", plan.body["steps"])))


@lru_cache(maxsize=256)
def _parsed(plan: _Signed) -> Mapping[str, SignedStep]:
    return {step.id: step for step in read_steps(plan.steps)}
