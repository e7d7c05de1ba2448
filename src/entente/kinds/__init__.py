"""The kinds of entries, written out; each file is one kind and knows no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from entente.kinds import (
    acknowledgement,
    agreement,
    amendment,
    approval,
    epoch,
    erase,
    erased,
    item,
    leaving,
    membership,
    onward,
    passed,
    person,
    profile,
    refused,
    rekeyed,
    released,
    succession,
    suspension,
)

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

FILED = (refused.KIND, acknowledgement.KIND, erase.KIND, erased.KIND, released.KIND, passed.KIND)
"""Acts about single entries, kept by entry."""

CONTENT = frozenset({item.NAME})
"""What can be erased; everything else is an act."""

KINDS = (*(kind.name for kind in FOLDED), *(kind.name for kind in FILED), item.NAME)
"""Every kind, by name; the key history's `key/1` belongs to the ledger."""
