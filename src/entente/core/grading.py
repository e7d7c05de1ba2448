"""How good a source is, how likely a judgement is, and how sure its author: three scales that are never mixed.

Sources: the Admiralty system (NATO AJP-2.1), a letter for the source and a digit for what it says, each judged alone.
Likelihood: the seven steps of the yardstick of ICD 203 (US Intelligence Community Directive 203, section D.6.e.2.a).
Analytic confidence: low, moderate or high, as the same directive keeps it apart from likelihood.
"""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct
from typing_extensions import override

from entente.core.errors import InvalidError

RELIABILITY: Final[dict[str, str]] = {
    "A": "completely reliable",
    "B": "usually reliable",
    "C": "fairly reliable",
    "D": "not usually reliable",
    "E": "unreliable",
    "F": "cannot be judged",
}
"""What each letter says of a source, from its past."""

CREDIBILITY: Final[dict[int, str]] = {
    1: "confirmed by other sources",
    2: "probably true",
    3: "possibly true",
    4: "doubtful",
    5: "improbable",
    6: "cannot be judged",
}
"""What each digit says of one piece of information, from what else is known."""

LIKELIHOOD: Final[dict[str, tuple[int, int]]] = {
    "almost no chance": (1, 5),
    "very unlikely": (5, 20),
    "unlikely": (20, 45),
    "roughly even chance": (45, 55),
    "likely": (55, 80),
    "very likely": (80, 95),
    "almost certain": (95, 99),
}
"""Each word with its range in percent."""

SAME: Final[dict[str, str]] = {
    "remote": "almost no chance",
    "highly improbable": "very unlikely",
    "improbable": "unlikely",
    "roughly even odds": "roughly even chance",
    "probable": "likely",
    "highly probable": "very likely",
    "nearly certain": "almost certain",
}
"""The second row of words of the yardstick, which mean the same."""

CONFIDENCE: Final[dict[str, int]] = {"low": 15, "moderate": 50, "high": 85}
"""Each word with the number that stands for it in STIX (2.1, appendix A: low, medium, high)."""

_GRADE: Final = re.compile(r"([A-F])[ -]?([1-6])", re.ASCII)


class Grade(Struct, frozen=True):
    """A source's letter and its information's digit."""

    reliability: str
    credibility: int

    @override
    def __str__(self) -> str:
        """Return it as people write it, such as `B2`."""
        return f"{self.reliability}{self.credibility}"


def parse_grade(text: str) -> Grade:
    """Read a grade such as `B2`, in any case; raise InvalidError with what the letters and digits mean."""
    found = _GRADE.fullmatch(text.strip().upper())
    if found is None:
        letters = ", ".join(f"{letter} {what}" for letter, what in RELIABILITY.items())
        digits = ", ".join(f"{digit} {what}" for digit, what in CREDIBILITY.items())
        raise InvalidError(
            f"{text[:80]!r} is no grade such as B2.", hint=f"The source: {letters}. What it says: {digits}."
        )
    return Grade(found[1], int(found[2]))


def parse_likelihood(text: str) -> str:
    """Return the word of the scale; raise InvalidError with the words and their ranges.

    Hyphens, underscores and case do not matter.
    """
    word = " ".join(re.split(r"[\s_-]+", text.strip().lower()))
    word = SAME.get(word, word)
    if word not in LIKELIHOOD:
        words = ", ".join(f"{each} ({low}-{high} %)" for each, (low, high) in LIKELIHOOD.items())
        raise InvalidError(f"{text[:80]!r} is no word for a likelihood.", hint=f"The words are {words}.")
    return word


def parse_confidence(text: str) -> str:
    """Return low, moderate or high; raise InvalidError for anything else."""
    word = text.strip().lower()
    if word not in CONFIDENCE:
        raise InvalidError(
            f"{text[:80]!r} is no analytic confidence.",
            hint="It is low, moderate or high: how sure you are of the judgement, not how likely it is.",
        )
    return word
