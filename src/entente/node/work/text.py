"""What people typed, before it goes on record: texts that say something, and titles of one line."""

from __future__ import annotations

from entente.core.errors import InvalidError

MAX_TITLE = 200


def check_text(text: str, what: str) -> str:
    """Return the text without the space around it; InvalidError if it says nothing."""
    found = text.strip()
    if not found:
        raise InvalidError(f"The text of the {what} is empty.", hint="Say it in words.")
    return found


def check_title(text: str, what: str) -> str:
    """Return the title without the space around it; InvalidError unless it is one line of 1 to 200 characters."""
    found = check_text(text, what)
    if len(found) > MAX_TITLE or len(found.splitlines()) > 1:
        raise InvalidError(
            f"The title of the {what} is longer than one line of {MAX_TITLE} characters.",
            hint="Shorten it, and put the rest in a note.",
        )
    return found
