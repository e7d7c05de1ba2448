"""Four eyes: another person than the one that brought an item has to release it (docs/protocol/6-release.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from entente.policy.agreement import Terms


def demanded(terms: Terms, *, node: bool) -> bool:
    """Say whether a second person is needed: the agreement says so, or the setting of this node (`node`)."""
    return terms.four_eyes or node


def lacks(brought_by: str, releaser: str) -> bool:
    """Say whether the second person is missing: nobody releases, nobody is known to have brought it, or it is one."""
    return not releaser or brought_by in {"", releaser}
