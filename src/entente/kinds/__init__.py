"""The kinds of entries, written out; each file is one kind or a small family of them, and knows no other.

`KINDS` is the list; what else stands here follows from what each kind says of itself (`core.kind.Traits`). A new kind
is a file here, an import and a name in `KINDS`; beside that it has its part of the node, its door and its pages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from entente.core.kind import EVERY, Sort
from entente.kinds import (
    acknowledgement,
    agreement,
    amendment,
    approval,
    case,
    disclosure,
    document,
    epoch,
    erase,
    erased,
    item,
    membership,
    note,
    onward,
    outcome,
    passed,
    person,
    plan,
    profile,
    refused,
    rekeyed,
    released,
    request,
    session,
    step,
    succession,
    suspension,
    warning,
)
from entente.kinds import exit as leaving

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entente.core.filed import Filed
    from entente.core.kind import Content, Kind

KINDS: tuple[Kind[Any] | Filed | Content, ...] = (
    agreement.KIND,
    membership.KIND,
    approval.KIND,
    person.KIND,
    profile.KIND,
    amendment.KIND,
    suspension.KIND,
    leaving.KIND,
    epoch.CLOSED,
    epoch.OPENED,
    rekeyed.KIND,
    succession.KIND,
    onward.KIND,
    note.KIND,
    outcome.KIND,
    outcome.OBJECTION,
    request.KIND,
    request.REPLY,
    case.KIND,
    case.CHANGE,
    session.KIND,
    session.ATTENDANCE,
    session.DELEGATION,
    session.POINT,
    session.DECISION,
    session.MINUTES,
    disclosure.KIND,
    warning.KIND,
    warning.ASSESSMENT,
    plan.KIND,
    plan.HALT,
    plan.PROTECTED,
    step.KIND,
    refused.KIND,
    acknowledgement.KIND,
    erase.KIND,
    erased.KIND,
    released.KIND,
    passed.KIND,
    item.KIND,
    document.KIND,
)
"""Every kind; the key history's `key/1` and `key/2` belong to the ledger."""

FOLDED = tuple(cast("Kind[Any]", kind) for kind in KINDS if kind.traits.sort is Sort.FOLDED)
"""Acts that a view is folded from."""

FILED = tuple(cast("Filed", kind) for kind in KINDS if kind.traits.sort is Sort.FILED)
"""Acts about single entries, kept by entry."""

CONTENT = frozenset(kind.name for kind in KINDS if kind.traits.sort is Sort.CONTENT)
"""What can be erased; everything else is an act."""

ACTS: Mapping[str, Kind[Any] | Filed] = {
    **{kind.name: kind for kind in FOLDED},
    **{kind.name: kind for kind in FILED},
}
"""Every kind of act, by name."""

BEFORE_FORCE = frozenset(kind.name for kind in KINDS if kind.traits.early)
"""What a log admits before its circle is in force."""

HEADS = tuple(kind.name for kind in FOLDED if kind.traits.family == kind.name)
"""The first kind of each family of joint work; the terms name these."""

FAMILIES: Mapping[str, tuple[str, ...]] = {
    kind.name: HEADS if family == EVERY else (family,) if family else ()
    for kind in KINDS
    for family in [kind.traits.family]
}
"""To which families each kind belongs, by name: `policy.admission.admits` compares them with the terms."""

WORK = frozenset(name for name, families in FAMILIES.items() if not set(HEADS).isdisjoint(families))
"""Kinds of joint work: those of its families."""


def check(kind: str, body: Mapping[str, object]) -> None:
    """Raise InvalidError unless this is a well-formed body of an act of this kind."""
    ACTS[kind].check(body)
