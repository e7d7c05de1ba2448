"""The kinds of entries, written out; each file is one kind and knows no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
    from entente.core.kind import Kind

FOLDED: tuple[Kind[Any], ...] = (
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
)
"""Acts that a view is folded from."""

BEFORE_FORCE = (
    agreement.KIND.name,
    membership.KIND.name,
    approval.KIND.name,
    epoch.CLOSED.name,
    epoch.OPENED.name,
)
"""What a log admits before its circle is in force."""

HEADS = ("request/1", "warning/1", "session/1", "plan/1", "case/1", "disclosure/1")
"""The first kind of each family of joint work; the terms name these."""

FAMILIES: dict[str, tuple[str, ...]] = {
    **{head: (head,) for head in HEADS},
    **dict.fromkeys(("note/1", "document/1"), HEADS),
    "reply/1": ("request/1",),
    "assessment/1": ("warning/1",),
    **dict.fromkeys(("attendance/1", "delegation/1", "point/1", "decision/1", "minutes/1"), ("session/1",)),
    **dict.fromkeys(("step/1", "halt/1", "outcome/1", "objection/1", "protected/1"), ("plan/1",)),
    "change/1": ("case/1",),
}
"""Kinds of joint work, by name: the terms must admit one of these families."""

FILED = (refused.KIND, acknowledgement.KIND, erase.KIND, erased.KIND, released.KIND, passed.KIND)
"""Acts about single entries, kept by entry."""

CONTENT = frozenset({item.NAME, document.NAME})
"""What can be erased; everything else is an act."""

KINDS = (*(kind.name for kind in FOLDED), *(kind.name for kind in FILED), item.NAME, document.NAME)
"""Every kind, by name; the key history's `key/1` belongs to the ledger."""
