"""The file of a plan: `read_playbook` parses it, `title` reads its name, `signed_workflow` gives the signed steps.

docs/protocol/12-plans.md, "Acts".
"""

from __future__ import annotations

from copy import copy
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import msgspec

from entente.core.errors import EntenteError
from entente.formats import cacao
from entente.formats.cacao.workflow import flow_steps, owners
from entente.policy.workflow import SignedStep

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entente.formats.cacao.playbook import Playbook, Step

MEDIA: Final = "application/cacao+json"
SMALL: Final = 32 << 10
"""Files up to this size are kept parsed, 128 of them; of larger ones the last."""

_CONTROL: Final = ("start", "end", "parallel", "if-condition", "while-condition", "switch-condition")


class Titled(msgspec.Struct, frozen=True):
    """A playbook of which only the name is read."""

    name: str = ""


def title(data: bytes) -> str:
    """Return the name of a playbook, "" where the file has none that can be read."""
    try:
        return msgspec.json.decode(data or b"{}", type=Titled).name
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return ""


def read_playbook(data: bytes) -> Playbook:
    """Return the playbook in a file; the same bytes are parsed once.

    InvalidError that lists what is wrong with it, LimitError for a file that is too large or too deep.
    """
    found = _small(data) if len(data) <= SMALL else _large(data)
    if isinstance(found, EntenteError):
        raise copy(found)
    return found


def _read(data: bytes) -> Playbook | EntenteError:
    """Return the playbook, or why the file cannot be used; a copy of the error holds no frames."""
    try:
        return cacao.read(data)
    except EntenteError as problem:
        return copy(problem)


_small = lru_cache(maxsize=128)(_read)
_large = lru_cache(maxsize=1)(_read)


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
