"""Ready-made terms, each with its agreement in plain words (`docs/protocol/3-kinds.md`, terms)."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from entente.core.errors import NotFoundError
from entente.policy import spelling
from entente.policy.agreement import Terms

if TYPE_CHECKING:
    from collections.abc import Mapping

_COMMON: Final = (
    "Whoever signs may use what it receives to protect itself and those it serves. "
    "The marking on each item says who may see it, and nobody widens a marking. "
    "What was received stays within the circle: nobody sends on what another member sent. "
    "Each member keeps its own records and answers for its own people. "
    "The agreement begins when every member has signed it."
)

TEMPLATES: Final[Mapping[str, Terms]] = MappingProxyType(
    {
        "standard": Terms(
            text="We share what helps us to detect, to investigate and to warn. " + _COMMON,
        ),
        "four-eyes": Terms(
            four_eyes=True,
            text=(
                "We share what helps us to detect, to investigate and to warn. "
                "Nothing leaves a member on one person's word: someone other than the person who brought an item "
                "releases it. " + _COMMON
            ),
        ),
        "warnings-only": Terms(
            purposes=("warning",),
            text="We warn each other, and share nothing for any other purpose. " + _COMMON,
        ),
    }
)
"""Terms by the name of their template."""


def terms_from(template: str | None, overrides: Mapping[str, object] | None) -> Terms:
    """Return the terms of a template (None: `standard`) with some of them replaced, limits and consents one by one.

    Raise NotFoundError for an unknown template, InvalidError naming a term that is not right.
    """
    name = template or "standard"
    if name not in TEMPLATES:
        raise NotFoundError(f"There is no template {name!r}.", hint=f"Templates: {', '.join(TEMPLATES)}.")
    base = TEMPLATES[name].to_dict()
    given = dict(overrides or {})
    for term in {"limits", "consent"} & given.keys():
        parts = spelling.mapping(given[term], f"term {term}")
        given[term] = spelling.mapping(base[term], f"term {term}") | parts
    return Terms.read(base | given)
