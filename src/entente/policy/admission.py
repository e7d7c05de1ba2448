"""Whether the terms of an agreement let a kind of entry be sent (docs/protocol/3-kinds.md, "Founding text")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection

    from entente.policy.agreement import Terms

ONWARD: Final = "onward"
"""The family of what asks for onward release: the term of this name admits it, not the term `kinds`."""


def admits(terms: Terms, families: Collection[str]) -> bool:
    """Say whether these terms let a kind of these families be sent; over a kind of none they have no say."""
    return not families or any(family in terms.kinds or _by_consent(terms, family) for family in families)


def _by_consent(terms: Terms, family: str) -> bool:
    return family == ONWARD and terms.onward == "consent"
