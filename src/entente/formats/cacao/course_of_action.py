"""A playbook goes out as a STIX 2.1 course of action with the published extension for security playbooks."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Final

from entente.formats.cacao.strict_json import text, texts

if TYPE_CHECKING:
    from entente.formats.cacao.playbook import Playbook

PLAYBOOK_EXTENSION: Final = "extension-definition--1e1c1bd7-c527-4215-8e18-e199e74da57c"
_AUTHOR: Final = "identity--ae82a5e5-ec07-4863-ad88-6504b29f24e9"
_HOME: Final = "fovea-research/stix2.1-coa-playbook-extension"
_IDENTITY: Final = re.compile(
    "identity--[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
).fullmatch
_NUMBERS: Final = ("impact", "severity", "priority")
_TIMES: Final = (
    ("created", "playbook_creation_time"),
    ("modified", "playbook_modification_time"),
    ("valid_from", "playbook_valid_from"),
    ("valid_until", "playbook_valid_until"),
)


def stix_course_of_action(
    playbook: Playbook,
    *,
    id: str,  # noqa: A002
    created_by_ref: str,
    created: str,
    marking_ref: str,
) -> dict[str, object]:
    """Give the course-of-action that carries the whole playbook; `extension_definition()` goes beside it."""
    made: dict[str, object] = {
        "type": "course-of-action",
        "spec_version": "2.1",
        "id": id,
        "created_by_ref": created_by_ref,
        "created": created,
        "modified": created,
        "name": playbook.name,
        "object_marking_refs": [marking_ref],
        "extensions": {PLAYBOOK_EXTENSION: _extension(playbook, created)},
    }
    if playbook.description:
        made["description"] = playbook.description
    return made


def extension_definition() -> dict[str, object]:
    """Give the object that names the extension, with the published id, author and times, in our own words."""
    return {
        "type": "extension-definition",
        "spec_version": "2.1",
        "id": PLAYBOOK_EXTENSION,
        "created_by_ref": _AUTHOR,
        "created": "2022-01-18T23:22:03.933931Z",
        "modified": "2022-08-25T19:15:25.577633Z",
        "name": "Course of Action extension for Security Playbooks",
        "description": "A course of action carries a security playbook that machines can read, and what it is about.",
        "schema": f"https://raw.githubusercontent.com/{_HOME}/main/schema/course-of-action_playbook.json",
        "version": "3.0.0",
        "extension_types": ["property-extension"],
    }


def _extension(playbook: Playbook, created: str) -> dict[str, object]:
    raw, author = playbook.raw, text(playbook.raw.get("created_by"))
    made: dict[str, object] = {
        "type": "playbook",
        "extension_type": "property-extension",
        "playbook_id": playbook.id,
        "created": created,
        "modified": created,
        "revoked": raw.get("revoked") is True,
        "playbook_standard": "cacao",
        "playbook_abstraction": "executable",
        "playbook_bin": base64.b64encode(playbook.data).decode(),
    }
    if _IDENTITY(author):
        made["playbook_creator"] = author
    made.update({name: text(raw[said]) for said, name in _TIMES if said in raw})
    made.update({f"playbook_{name}": raw[name] for name in _NUMBERS if name in raw})
    for said, name in (("labels", "labels"), ("playbook_types", "playbook_type")):
        if texts(raw.get(said)):
            made[name] = list(texts(raw.get(said)))
    if playbook.description:
        made["description"] = playbook.description
    return made
