"""The terms of an agreement in words (`docs/protocol/3-kinds.md`, terms)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

from entente.interfaces.cli.terminal import text


def in_words(terms: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Yield each term as a name and a sentence, also terms that this version does not know."""
    for name, value in terms.items():
        if name == "text":
            continue
        if name == "limits" and isinstance(value, dict):
            yield "each member may send", _limits(cast("dict[str, object]", value))
        elif name == "consent" and isinstance(value, dict):
            yield from _consent(cast("dict[str, object]", value))
        else:
            yield _NAMES.get(name, name), _sentence(name, value)


_NAMES = {
    "kinds": "may be sent",
    "purposes": "for the purposes",
    "onward": "sending on",
    "retention_days": "kept for",
    "backlog": "a newcomer gets",
    "four_eyes": "release",
    "quorum": "later changes need",
    "escalation_hours": "overdue requests and plans escalate",
}
_WORDS = {
    "refused": "no onward dissemination",
    "consent": "onward dissemination with the signed consent of the originator only",
    "none": "no older items",
    "all": "the older items of every member",
}


def _sentence(name: str, value: object) -> str:
    if isinstance(value, list):
        return ", ".join(str(word) for word in cast("list[object]", value)) or "nothing"
    if isinstance(value, str):
        return _WORDS.get(value, value)
    number = int(value) if isinstance(value, int) else 0
    told = {
        "retention_days": text.count(number, "day") if number else "as long as each member likes",
        "four_eyes": "by another person than the one who brought the item" if number else "by any person who may share",
        "quorum": f"{number} members" if number else "more than two thirds of the members",
        "escalation_hours": f"after {text.count(number, 'hour')}" if number else "at once",
    }
    return told.get(name, str(value))


def _consent(consent: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Say whose approval each kind of joint work needs."""
    rules = {"all": "the approval of every member", "quorum": "the approval of the quorum"}
    for word, rule in consent.items():
        yield f"a {word} needs" if word != "minutes" else "minutes need", rules.get(str(rule), str(rule))


def _limits(limits: Mapping[str, object]) -> str:
    payload, entries, size = (int(str(limits.get(name, 0))) for name in ("payload", "entries_day", "bytes_day"))
    return f"{text.size(payload)} in one entry, {entries:,} entries and {text.size(size)} a day"
