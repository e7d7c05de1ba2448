"""The STIX form of joint work: a standard object and one property-extension for each record (docs/protocol/13-stix.md).

Builders give bytes that pass a strict check; ids are made of randomness that is handed in. The warnings themselves are
in `stix_work_warning`, the notes and groupings of other records in `stix_work_records`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

import msgspec
from msgspec import Struct

from entente.core.marking import Tlp
from entente.formats.shapes import is_list, is_object
from entente.formats.stix.markings import TLP_IDS, tlp_object

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

EXTENSION: Final = "extension-definition--b5767b52-0084-4824-a559-e8c3811a6075"
"""The one extension of all our records."""

PRODUCT: Final = "identity--93a47387-fa83-4f1b-b5eb-d46f0c8c6a45"
"""Who defined it."""

RECORDS: Final = ("warning", "assessment", "decision", "session", "case", "request", "disclosure")

_KIND: Final = "property-extension"
_SINCE: Final = "2026-11-23T00:00:00.000Z"
_ID: Final = EXTENSION.encode()
_ESCAPE: Final = b"\\u00"
"""The id may hide behind escapes of its letters, which all readers undo."""


class ObjectHead(Struct, frozen=True, kw_only=True):
    """What every object of ours begins with.

    `noise` are 16 random bytes that become its id, `by` is the id of the member's identity, `now` RFC 3339 with
    milliseconds.
    """

    noise: bytes
    by: str
    now: str
    marking: Tlp


class Named(Struct, frozen=True):
    """An object that was made: its id and its bytes."""

    id: str
    data: bytes


class _Carrier(Struct):
    extensions: object = None
    object_refs: object = None


_CARRIER: Final = msgspec.json.Decoder(_Carrier)


def make(
    head: ObjectHead, kind: str, fields: Mapping[str, object], record: Mapping[str, object] | None = None
) -> Named:
    """Make an object of a standard type; `record` becomes our extension; empty values are left out."""
    id_ = f"{kind}--{UUID(bytes=head.noise, version=4)}"
    plain: dict[str, object] = {
        "type": kind,
        "spec_version": "2.1",
        "id": id_,
        "created_by_ref": head.by,
        "created": head.now,
        "modified": head.now,
        **full(fields),
        "object_marking_refs": [TLP_IDS[head.marking]],
    }
    if record is not None:
        plain["extensions"] = {EXTENSION: {"extension_type": _KIND, **full(record)}}
    return Named(id_, msgspec.json.encode(plain))


def full(fields: Mapping[str, object]) -> dict[str, object]:
    """Return the fields that say something: STIX has neither null nor empty lists."""
    return {name: value for name, value in fields.items() if value not in (None, "", [])}


def member_identity(id_: str, name: str, now: str) -> bytes:
    """Give the identity object that stands for a member."""
    return msgspec.json.encode(
        {
            "type": "identity",
            "spec_version": "2.1",
            "id": id_,
            "created": now,
            "modified": now,
            "name": name,
            "identity_class": "organization",
        }
    )


def definition() -> Sequence[bytes]:
    """Give the objects that explain our extension; they go along in every export."""
    times = {"spec_version": "2.1", "created": _SINCE, "modified": _SINCE}
    product: dict[str, object] = {
        "type": "identity",
        "id": PRODUCT,
        **times,
        "name": "Entente",
        "description": "Software with which organisations share intelligence and act on it together, as equals.",
        "identity_class": "system",
    }
    extension: dict[str, object] = {
        "type": "extension-definition",
        "id": EXTENSION,
        **times,
        "created_by_ref": PRODUCT,
        "name": "Entente joint work",
        "description": "What members decide together: warnings, assessments, requests, sessions, decisions, cases, "
        "public releases. The property `record` says which; the object can be read without it.",
        "schema": "docs/protocol/13-stix.md in the source of Entente, version 1 of its protocol",
        "version": "1.0.0",
        "extension_types": [_KIND],
    }
    return msgspec.json.encode(product), msgspec.json.encode(extension)


def markings(levels: Sequence[Tlp]) -> Sequence[bytes]:
    """Give the marking objects of these levels, each once."""
    return [tlp_object(tlp) for tlp in sorted(set(levels))]


def record_of(data: bytes) -> Mapping[str, object] | None:
    """Return what our extension says in an object, None if it does not carry it; nothing is raised."""
    if _ID not in data and _ESCAPE not in data:
        return None
    try:
        held = _CARRIER.decode(data).extensions
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    found = held.get(EXTENSION) if is_object(held) else None
    return found if is_object(found) else None


def object_refs(data: bytes) -> Sequence[str]:
    """Return the ids of what a report, note, opinion or grouping is about; none for other bytes."""
    try:
        held = _CARRIER.decode(data).object_refs
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ()
    return [each for each in held if isinstance(each, str)] if is_list(held) else ()


def problem(data: bytes) -> str:
    """Return "" or why no circle may hold this object: `no-source` for a warning without a source and a basis."""
    record = record_of(data)
    if record is None or record.get("record") != "warning":
        return ""
    basis, sources = record.get("basis"), record.get("sources")
    if isinstance(basis, str) and basis.strip():
        return ""
    return "" if is_list(sources) and any(_says_who(one) for one in sources) else "no-source"


def _says_who(source: object) -> bool:
    name = source.get("name") if is_object(source) else None
    return isinstance(name, str) and bool(name.strip())
