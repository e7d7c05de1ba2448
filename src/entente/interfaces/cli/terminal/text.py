"""Text from others made safe to show: nothing that a partner writes may steer a terminal or turn a line around."""

from __future__ import annotations

import os
import re
import unicodedata
from typing import Final

from entente.core import safe_text as safe

_STIX_ID: Final = re.compile(r"([a-z0-9-]+--[0-9a-f]{8})-[0-9a-f-]{27}")
_MEMBER_ID: Final = re.compile(r"[a-z2-7]{52}")
_WORD_START: Final = 12


shown = safe.shown
file_name = safe.file_name


def lines(text: str) -> list[str]:
    """Return the lines of `text`, each as `shown` gives it."""
    return [shown(line) for line in text.splitlines()]


def json_text(document: bytes) -> bytes:
    """Return JSON with the same characters spelled out, which in JSON can only stand inside a text."""
    return safe.UNSAFE.sub(_escaped, document.decode()).encode()


def program() -> str:
    """Return how people start this program here: as `entente`, unless what started it says otherwise."""
    return os.environ.get("ENTENTE_COMMAND") or "entente"


def short(id_: str) -> str:
    """Return the beginning of an id that is enough to name it: `indicator--1234abcd`, or 12 letters of a member."""
    if match := _STIX_ID.fullmatch(id_):
        return match[1]
    return id_[:_WORD_START] if _MEMBER_ID.fullmatch(id_) else id_


def width(text: str) -> int:
    """Return how many columns of a terminal `text` takes."""
    if text.isascii():
        return len(text)
    return sum(_columns(character) for character in text)


def pad(text: str, columns: int) -> str:
    """Return `text` with spaces behind it, up to that many columns."""
    return text + " " * max(0, columns - width(text))


def count(number: int, one: str, many: str = "") -> str:
    """Return the number with its noun: `1 item`, `300 items`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def size(number: int) -> str:
    """Return a number of bytes for people."""
    amount = float(number)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:  # noqa: PLR2004  # decimal prefixes
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"


def _escaped(match: re.Match[str]) -> str:
    return match[0] if match[0] == "\n" else f"\\u{ord(match[0]):04x}"


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
