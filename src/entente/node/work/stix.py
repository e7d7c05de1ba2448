"""Joint work as STIX 2.1: bundles that pass a strict check, with the same ids whoever exports them.

docs/protocol/13-stix.md.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final
from uuid import UUID

import msgspec
from msgspec import Struct

from entente.core.ids import Member, identity_id
from entente.core.marking import Tlp
from entente.core.times import stamp
from entente.formats.cacao.course_of_action import extension_definition, stix_course_of_action
from entente.formats.stix.joint.extension import ObjectHead, definition, markings, member_identity
from entente.formats.stix.markings import TLP_IDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from entente.formats.cacao.playbook import Playbook
    from entente.formats.stix.joint.extension import Named

DEFAULT: Final = Tlp.AMBER
FIRST: Final = 1_767_225_600_000
EPOCH: Final = stamp(FIRST)
"""`created` of the identity object of a member in an export: a member is older than all that it does."""


class Author(Struct, frozen=True):
    """Whose an object is, its name, and since when it is (ms)."""

    member: Member
    name: str
    time: int


def noise(thing: str) -> bytes:
    """Return the 16 bytes that the STIX id of a thing is made of: the same at every member."""
    return sha256(b"entente/stix/v1\0" + thing.encode()).digest()[:16]


def head(author: Author, thing: str, marking: Tlp = DEFAULT) -> ObjectHead:
    """Return what an object about a thing begins with."""
    return ObjectHead(noise=noise(thing), by=identity_id(author.member), now=stamp(author.time), marking=marking)


def bundle(objects: Iterable[bytes], authors: Iterable[Author], levels: Iterable[Tlp], thing: str) -> bytes:
    """Return a bundle of these objects with the identities, markings and definitions that they need."""
    identities = {each.member: each for each in authors}
    rows: Sequence[bytes] = [
        *definition(),
        *(member_identity(identity_id(each.member), each.name, EPOCH) for each in identities.values()),
        *markings(list(levels)),
        *objects,
    ]
    whole = {
        "type": "bundle",
        "id": f"bundle--{UUID(bytes=noise('bundle ' + thing), version=4)}",
        "objects": [msgspec.Raw(row) for row in rows],
    }
    return msgspec.json.format(msgspec.json.encode(whole), indent=2) + b"\n"


def of_named(found: Iterable[Named], authors: Iterable[Author], marking: Tlp, thing: str) -> bytes:
    """Return a bundle of objects that `formats.stix.joint.extension` made."""
    return bundle((each.data for each in found), authors, [marking], thing)


def plan(playbook: Playbook, id_: str, author: Author, marking: Tlp = DEFAULT) -> bytes:
    """Return a bundle with a plan as a course-of-action that carries the whole playbook."""
    return bundle(course_objects(playbook, id_, author, marking), [author], [marking], id_)


def course_id(plan: str) -> str:
    """Return the STIX id of a plan."""
    return f"course-of-action--{UUID(bytes=noise(plan), version=4)}"


def course_objects(playbook: Playbook, id_: str, author: Author, marking: Tlp) -> list[bytes]:
    """Return the course-of-action that carries a playbook, behind the definition of its extension."""
    course = stix_course_of_action(
        playbook,
        id=course_id(id_),
        created_by_ref=identity_id(author.member),
        created=stamp(author.time),
        marking_ref=TLP_IDS[marking],
    )
    return [msgspec.json.encode(extension_definition()), msgspec.json.encode(course)]
