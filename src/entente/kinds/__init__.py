"""The kinds of entries, written out; each file is one kind and knows no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from entente.kinds import acknowledgement, agreement, approval, item, membership, person, profile, refused

if TYPE_CHECKING:
    from entente.core.kind import Kind

FOLDED: tuple[Kind[Any], ...] = (agreement.KIND, membership.KIND, approval.KIND, person.KIND, profile.KIND)
"""Acts that a view is folded from."""

BEFORE_FORCE = (agreement.KIND.name, membership.KIND.name, approval.KIND.name)
"""What a log admits before its circle is in force."""

FILED = (refused.KIND, acknowledgement.KIND)
"""Acts about single entries, kept by entry."""

KINDS = (*(kind.name for kind in FOLDED), *(kind.name for kind in FILED), item.NAME)
"""Every kind, by name; the key history's `key/1` belongs to the ledger."""
