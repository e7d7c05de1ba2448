"""Find every STIX id that an object's bytes mention, wherever and however it is spelled (STIX 2.1 section 2.9).

A release is decided by what an object points to, so nothing may hide: ids count in reference properties, inside any
text or property name, in upper case, and behind JSON escapes.
"""

from __future__ import annotations

import re
from typing import Final

from entente.formats.stix.markings import WELL_KNOWN
from entente.formats.stix.types import KNOWN_TYPES

HEX: Final = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
ID: Final = re.compile(f"[a-z][a-z0-9-]{{0,249}}--{HEX}").fullmatch
_UUID_AT: Final = re.compile(f"--{HEX}").match
_UUIDS: Final = re.compile(f"--{HEX}").finditer
_PREFIX: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*\Z").search
_ESCAPE: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)
_LENGTH: Final = 38
"""Of the two hyphens and the UUID."""
_REACH: Final = 250
_MANY: Final = 64


def refs(text: str, own: str, owner: str) -> tuple[str, ...]:
    """Give the ids in the JSON `text`, lower case, each once, in order, without `own` and the TLP and PAP markings.

    `owner` is an id, or "", which is known to be one; knowing it makes the search quicker.
    """
    found: dict[str, None] = {}
    at, left = text.find("--"), _MANY
    while at >= 0 and left:
        end = at + _LENGTH
        id_ = text[text.rfind('"', at - _REACH if at > _REACH else 0, at) + 1 : end]
        if id_ in (own, owner) or ID(id_):
            found[id_.lower()] = None
        elif _UUID_AT(text, at):
            _note(text, at, found)
        else:
            end = at + 1
        at, left = text.find("--", end), left - 1
    if at >= 0:
        for match in _UUIDS(text, at):
            _note(text, match.start(), found)
    if "\\" in text and "\\u00" in text:
        plain = _ESCAPE.sub(_plain, text)
        for match in _UUIDS(plain):
            _note(plain, match.start(), found)
    found.pop(own, None)
    return tuple(id_ for id_ in found if id_ not in WELL_KNOWN)


def _note(text: str, at: int, found: dict[str, None]) -> None:
    """Note the id whose UUID's hyphens are at `at`, unless no type stands before it."""
    low = at - _REACH if at > _REACH else 0
    quote = text.rfind('"', low, at) + 1
    head = text[quote or low : at]
    if head not in KNOWN_TYPES:
        prefix = _PREFIX(_ESCAPE.sub(_plain, head) if "\\" in head else head)
        if prefix is None:
            return
        head = prefix[0]
    found[(head + text[at : at + _LENGTH]).lower()] = None


def _plain(match: re.Match[str]) -> str:
    """Give the character that an escape spells by number; other escapes become a space, which ends an id."""
    return chr(int(match[1], 16)) if match[1] else " "
