"""What every format asks of a parsed value: is it an object, is it a list; and words of one line as a set."""

from __future__ import annotations

from typing import TypeGuard


def is_object(value: object) -> TypeGuard[dict[str, object]]:
    """Say whether a decoded value is a JSON object."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[object]]:
    """Say whether a decoded value is a JSON array."""
    return isinstance(value, list)


def words(text: str) -> tuple[str, ...]:
    """Give the words of a list that is written as running text."""
    return tuple(text.split())
