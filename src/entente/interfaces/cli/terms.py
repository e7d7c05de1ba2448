"""The terms of an agreement in words (`docs/protocol/3-kinds.md`, terms)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

from entente.interfaces.cli import text


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
    "backlog": "who joins later gets",
    "four_eyes": "release",
    "quorum": "later changes need",
    "escalation_hours": "what is overdue escalates",
}
_WORDS = {
    "refused": "nobody sends on what another member sent",
    "consent": "only with the signed consent of who sent it",
    "none": "nothing of before",
    "all": "what each member had brought before",
}


def _sentence(name: str, value: object) -> str:
    if isinstance(value, list):
        return ", ".join(str(word) for word in cast("list[object]", value)) or "nothing"
    match name, value:
        case _, str():
            return _WORDS.get(value, value)
        case "retention_days", int():
            return text.count(value, "day") if value else "as long as each member likes"
        case "four_eyes", bool():
            return "by another person than who brought the item" if value else "by any person who may share"
        case "quorum", int():
            return f"{value} members" if value else "more than two thirds of the members"
        case "escalation_hours", int():
            return f"after {text.count(value, 'hour')}" if value else "at once"
        case _:
            return str(value)


def _consent(consent: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Say whose approval each kind of joint work needs."""
    rules = {"all": "the approval of every member", "quorum": "the approval of the quorum"}
    for word, rule in consent.items():
        yield f"a {word} needs" if word != "minutes" else "minutes need", rules.get(str(rule), str(rule))


def _limits(limits: Mapping[str, object]) -> str:
    payload, entries, size = (int(str(limits.get(name, 0))) for name in ("payload", "entries_day", "bytes_day"))
    return f"{text.size(payload)} in one entry, {entries:,} entries and {text.size(size)} a day"
