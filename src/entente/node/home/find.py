"""What people mean by an id, the beginning of one, or a unique name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entente.core.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable

SHORTEST = 4
"""Characters of an id that name it, if no other begins so."""


def find(text: str, options: Iterable[tuple[bytes, str, str]], what: str) -> bytes:
    """Return the key whose id begins with `text` or whose name is `text`; NotFoundError if none or several."""
    wanted = text.strip()
    known = list(options)
    found = [key for key, id_, _ in known if id_ == wanted.lower()]
    found = found or [key for key, _, name in known if wanted and name.casefold() == wanted.casefold()]
    if not found and len(wanted) >= SHORTEST:
        found = [key for key, id_, _ in known if id_.startswith(wanted.lower())]
    if len(found) == 1:
        return found[0]
    if not found:
        raise NotFoundError(
            f"There is no {what} {text!r}.", hint=f"List the {what}s, and use an id, its beginning, or a unique name."
        )
    raise NotFoundError(
        f"{text!r} is the beginning of {len(found)} {what}s.", code="ambiguous", hint="Use more of the id."
    )
