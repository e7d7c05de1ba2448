"""One STIX object's bytes become the few facts that rules ask for (STIX 2.1 sections 2, 3 and 7; 2.0 is taken too).

The bytes are never rewritten. Custom types and properties are kept and passed; what two readers could understand
differently (a property given twice, broken UTF-8) is refused.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from entente.core.errors import InvalidError, LimitError
from entente.core.marking import Pap, Tlp, stricter
from entente.formats.shapes import words
from entente.formats.stix.markings import PAP_IDS, WELL_KNOWN, Marking
from entente.formats.stix.refs import ID, refs
from entente.formats.stix.types import KNOWN_TYPES, SCO_TYPES

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_OBJECT: Final = 2 * 1024 * 1024
MAX_DEPTH: Final = 64
TITLE: Final = 120


class Facts(msgspec.Struct, frozen=True, gc=False):
    """What the house knows about an object without opening it again.

    Times are microseconds since 1970 (UTC). `refs` are all STIX ids that occur anywhere in the object but its own id
    and the TLP and PAP markings. `tlp` and `pap` are the strictest named for the object or any part of it.
    """

    id: str
    type: str
    spec_version: str
    created: int
    modified: int
    created_by_ref: str
    revoked: bool
    name: str
    tlp: Tlp | None
    pap: Pap | None
    refs: tuple[str, ...]
    warnings: tuple[str, ...]


_Time = Annotated[datetime, msgspec.Meta(tz=True)]


class _Granular(msgspec.Struct, gc=False):
    marking_ref: str = ""


class _Plain(msgspec.Struct, gc=False):
    id: str
    type: str
    spec_version: str = ""
    created: _Time | msgspec.UnsetType = msgspec.UNSET
    modified: _Time | msgspec.UnsetType = msgspec.UNSET
    created_by_ref: str = ""
    revoked: bool = False
    object_marking_refs: list[str] = []
    granular_markings: list[_Granular] = []


class _Wire(_Plain, gc=False):
    name: str = ""
    value: str = ""
    pattern: str = ""
    content: str = ""
    description: str = ""


class _Titles(msgspec.Struct):
    name: object = ""
    value: object = ""
    pattern: object = ""
    content: object = ""
    description: object = ""


class _Times(msgspec.Struct):
    created: object = ""
    modified: object = ""


_DECODE: Final = msgspec.json.Decoder(_Wire).decode
_DECODE_PLAIN: Final = msgspec.json.Decoder(_Plain).decode
_DECODE_TITLES: Final = msgspec.json.Decoder(_Titles).decode
_DECODE_TIMES: Final = msgspec.json.Decoder(_Times).decode
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_UUID_LENGTH: Final = 38
_HIDDEN: Final = re.compile(r"\\u00[2-7][0-9a-fA-F]").search
_TOKEN: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]]', re.DOTALL)
_TIME: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d):(\d\d)(?:\.(\d+))?(Z|z|[+-]\d\d:\d\d)", re.ASCII
).fullmatch
_LOWER_HEX: Final = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_QUOTED: Final = re.compile(f'"([a-z][a-z0-9-]*--{_LOWER_HEX})"').findall
_COLON: Final = re.compile(rb"[ \t\r\n]*:").match
_WATCHED: Final = words(
    "id type spec_version created modified created_by_ref revoked object_marking_refs granular_markings"
)
_NO_MARKINGS: Final[Mapping[str, Marking]] = {}


def facts(data: bytes | memoryview, *, pointers: bool = True) -> Facts:
    """Give the facts of the one object in `data`; without `pointers` its `refs` are left empty.

    Raise InvalidError with the reason when it is no STIX object that everybody reads alike, LimitError when it is
    larger than MAX_OBJECT or nested deeper than MAX_DEPTH.
    """
    return facts_in(data if isinstance(data, bytes) else bytes(data), "", _NO_MARKINGS, pointers=pointers)


def pointers(data: bytes, id_: str, created_by_ref: str) -> tuple[tuple[str, ...], Pap | None]:
    """Give the `refs` and the strictest PAP of an object that `facts` has read before: its id and creator are known."""
    text = str(data, "utf-8")
    found = _QUOTED(text)
    if len(found) == text.count("--") and "\\" not in text:  # every id stands alone in a text of its own
        named = [WELL_KNOWN[each].pap for each in found if each in WELL_KNOWN]
        others = dict.fromkeys(each for each in found if each != id_ and each not in WELL_KNOWN)
    else:
        named = [pap for pap, ids in PAP_IDS.items() if any(each in text for each in ids)]
        others = dict.fromkeys(refs(text, id_, created_by_ref))
    return tuple(others), max((pap for pap in named if pap is not None), default=None)


def facts_in(data: bytes, inherited: str, markings: Mapping[str, Marking], *, pointers: bool = True) -> Facts:
    """Give the facts of an object that stands in a file, as `facts` does.

    `inherited` is the bundle's spec_version, "" if it has none; `markings` are the file's marking definitions.
    """
    if len(data) > MAX_OBJECT:
        raise LimitError(f"the object has {len(data)} bytes, the limit is {MAX_OBJECT}")
    text, wire = _decode(data)
    id_, kind = wire.id, wire.type
    if ID(id_) is None:
        raise InvalidError(f"{_shown(id_)} is not an id")
    if id_[:-_UUID_LENGTH] != kind:
        raise InvalidError(f"the id {id_} does not belong to the type {_shown(kind)}")
    if _doubtful(text, wire):
        _check_closely(data)
    warnings: list[str] = []
    version = wire.spec_version
    if version != "2.1":
        version = _version(wire, inherited, warnings)
    if kind not in KNOWN_TYPES:
        warnings.append("custom-type")
    lower = id_.lower()
    if lower != id_:
        warnings.append("upper-case-id")
    created = 0 if wire.created is msgspec.UNSET else (wire.created - _EPOCH) // _MICROSECOND
    tlp, pap = _marked(wire, markings, warnings)
    return Facts(
        lower,
        kind,
        version,
        created,
        created
        if wire.modified is msgspec.UNSET or wire.modified == wire.created
        else (wire.modified - _EPOCH) // _MICROSECOND,
        wire.created_by_ref and _owner(wire.created_by_ref),
        wire.revoked,
        wire.name or wire.value or wire.pattern[:TITLE] or wire.content[:TITLE] or wire.description[:TITLE],
        tlp,
        pap,
        refs(text, lower, wire.created_by_ref) if pointers else (),
        tuple(warnings),
    )


def _decode(data: bytes) -> tuple[str, _Wire]:
    """Give the text and the wanted fields; what the quick decoder refuses may be fine and goes the slow way.

    The quick one says what is wrong first, not that the rest is no JSON: the slow way may find that out.
    """
    try:
        text = str(data, "utf-8")
        try:
            return text, _DECODE(data)
        except msgspec.ValidationError as error:
            wire = _leap(data) if "RFC3339" in str(error) else _custom(data)
            if wire is None:
                raise
            return text, wire
    except UnicodeDecodeError as error:
        raise InvalidError(f"not UTF-8 at byte {error.start}") from error
    except RecursionError as error:
        raise LimitError(f"nested deeper than {MAX_DEPTH}") from error
    except msgspec.DecodeError as error:
        raise InvalidError(_reason(error)) from error


def _custom(data: bytes) -> _Wire | None:
    """Decode an object of a custom type, whose title may be anything; None if it is not that."""
    try:
        wire = _DECODE_PLAIN(data)
    except msgspec.ValidationError:
        return None
    if wire.type in KNOWN_TYPES:
        return None
    titles = msgspec.structs.asdict(_DECODE_TITLES(data))
    texts: dict[str, str] = {name: value for name, value in titles.items() if isinstance(value, str)}
    return msgspec.convert(msgspec.structs.asdict(wire) | texts, _Wire, strict=False)


def _reason(error: Exception) -> str:
    """Say in our words why the decoder refused, with its place."""
    text = str(error)
    if "missing required field" in text:
        return f"no {text.partition('`')[2].partition('`')[0]}"
    if "Expected `object`" in text and "$" not in text:
        return "not a JSON object"
    return text[:1].lower() + text[1:]


def _leap(data: bytes) -> _Wire | None:
    """Decode an object with a second 60, which counts as the next minute's first instant; None if it is not that."""
    times = _DECODE_TIMES(data)
    changed = data
    for text in (times.created, times.modified):
        match = _TIME(text) if isinstance(text, str) else None
        if match is None or match[3] != "60":
            continue
        try:
            start = datetime.fromisoformat(f"{match[1]}T{match[2]}:59{'+00:00' if match[5] in 'Zz' else match[5]}")
            after = (start + timedelta(seconds=1)).isoformat()
        except (ValueError, OverflowError):
            return None
        changed = changed.replace(f'"{text}"'.encode(), f'"{after}"'.encode())
    try:
        return _DECODE(changed) if changed != data else None
    except msgspec.MsgspecError:
        return None


def _shown(text: str) -> str:
    """Quote foreign text shortly."""
    return repr(text if len(text) <= TITLE else text[:TITLE] + "…")


def _doubtful(text: str, wire: _Wire) -> bool:
    """Say whether the object could be too deep or give a property twice; counting is quick and errs to yes."""
    return (
        text.count("{") + text.count("[") > MAX_DEPTH
        or text.count('"id"') > 1
        or text.count('"type"') > 1
        or text.count('"modified"') > 1
        or text.count('"created') > (wire.created is not msgspec.UNSET) + (wire.created_by_ref != "")
        or text.count("_marking") > (wire.object_marking_refs != []) + (wire.granular_markings != [])
        or ("\\" in text and "\\u00" in text and _HIDDEN(text) is not None)
    )


def _check_closely(data: bytes) -> None:
    """Refuse deep nesting and properties that are given twice."""
    keys = top_level(data)
    for key in _WATCHED:
        if keys.count(key) > 1:
            raise InvalidError(f"the property {key} is given twice")


def top_level(data: bytes, limit: int = MAX_DEPTH) -> list[str]:
    """Give the names of the top-level properties in order, with repetitions.

    Raise LimitError beyond `limit`, InvalidError for a name that is no text.
    """
    depth, keys = 0, list[str]()
    for match in _TOKEN.finditer(data):
        token = match[0]
        if token in b"{[":
            depth += 1
            if depth > limit:
                raise LimitError(f"nested deeper than {limit} at byte {match.start()}")
        elif token in b"}]":
            depth -= 1
        elif depth == 1 and _COLON(data, match.end()):
            keys.append(_name(token, match.start()))
    return keys


def _name(token: bytes, place: int) -> str:
    try:
        return msgspec.json.decode(token, type=str)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidError(f"the name of a property is no text, at byte {place}") from error


def _version(wire: _Wire, inherited: str, warnings: list[str]) -> str:
    """Give the version of the standard for an object that does not say 2.1, noting what is unusual."""
    version = wire.spec_version or inherited
    if not version:
        if wire.type in SCO_TYPES or (wire.created is msgspec.UNSET and wire.modified is msgspec.UNSET):
            return "2.1"
        warnings.append("no-spec-version")
        version = "2.0"
    if version == "2.1" and not wire.spec_version:
        return version
    if version != "2.0":
        raise InvalidError(f"spec_version {_shown(version)} is neither 2.0 nor 2.1")
    warnings.append("stix-2.0")
    return version


def _marked(wire: _Wire, markings: Mapping[str, Marking], warnings: list[str]) -> tuple[Tlp | None, Pap | None]:
    """Give the strictest TLP and PAP of all markings; note the older TLP and ids which nobody explained."""
    tlp: Tlp | None = None
    pap: Pap | None = None
    marked = wire.object_marking_refs
    if wire.granular_markings:
        marked = marked + [part.marking_ref for part in wire.granular_markings if part.marking_ref]
    for ref in marked:
        found = WELL_KNOWN.get(ref) or _explained(ref, markings, warnings)
        if found.tlp1 and "tlp-1" not in warnings:
            warnings.append("tlp-1")
        tlp = stricter(tlp, found.tlp)
        if found.pap is not None and (pap is None or found.pap > pap):
            pap = found.pap
    return tlp, pap


def _explained(ref: str, markings: Mapping[str, Marking], warnings: list[str]) -> Marking:
    """Give what the file says that a marking means; one that nobody explains means nothing and is noted."""
    id_ = ref.lower()
    if ID(id_) is None:
        raise InvalidError(f"{_shown(ref)} is not the id of a marking")
    found = WELL_KNOWN.get(id_) or markings.get(id_)
    if found is None and (note := f"unknown-marking {id_}") not in warnings:
        warnings.append(note)
    return found or Marking()


@lru_cache(maxsize=1024)
def _owner(ref: str) -> str:
    """Give the id in created_by_ref in its one spelling, or raise InvalidError."""
    if ID(ref) is None:
        raise InvalidError(f"created_by_ref {_shown(ref)} is not an id")
    return ref.lower()
