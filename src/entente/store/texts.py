"""The words of a document and of a question: what the full-text search of every store reads and is asked."""

from __future__ import annotations

from typing import Final, cast

import orjson

from entente.core.errors import LimitError

MAX_WORDS: Final = 64
"""Words in one question."""


def text_of(document: bytes) -> str:
    """Return all strings of a JSON document, one a line; nothing when it cannot be read.

    The index of a stored document is taken back by giving this text again, so what it returns for a document may only
    change together with a migration that builds the index anew.
    """
    try:
        waiting: list[object] = [orjson.loads(document)]
    except orjson.JSONDecodeError:
        return ""
    found: list[str] = []
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            found.append(value)
        elif isinstance(value, dict):
            waiting.extend(reversed(cast("dict[str, object]", value).values()))
        elif isinstance(value, list):
            waiting.extend(reversed(cast("list[object]", value)))
    return "\n".join(found).replace("\0", " ")


def words_of(question: str) -> list[str]:
    """Return the words that a person typed, whatever signs they hold; LimitError if there are more than 64."""
    words = question.encode("utf-8", "replace").decode("utf-8").replace("\0", " ").split()
    if len(words) > MAX_WORDS:
        raise LimitError(f"a search takes at most {MAX_WORDS} words, not {len(words)}", hint="search for fewer words")
    return words
