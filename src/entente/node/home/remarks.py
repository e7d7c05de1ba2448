"""Reasons in a person's own words: the act carries a word of a list, the words themselves stay at home."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entente.core.errors import InvalidError
from entente.store import shelf

if TYPE_CHECKING:
    from collections.abc import Collection

    from entente.store.ports import Transaction

REMARKS = shelf.text("remark")
MAX_REMARK = 500


def coded(reason: str, words: Collection[str], otherwise: str) -> tuple[str, str]:
    """Return the word that an act carries and what stays at home; InvalidError for an empty or very long reason."""
    if not 0 < len(reason) <= MAX_REMARK:
        raise InvalidError(f"A reason has 1 to {MAX_REMARK} characters.")
    return (reason, "") if reason in words else (otherwise, reason)


def keep(tx: Transaction, key: str, text: str) -> None:
    """Keep a remark of ours beside what it is about."""
    if text:
        REMARKS.put(tx, key, text)


def of(tx: Transaction, key: str) -> str:
    """Return our remark about something, "" if there is none."""
    return REMARKS.get(tx, key) or ""
