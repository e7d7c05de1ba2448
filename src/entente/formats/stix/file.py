"""A file of STIX objects becomes rows: a bundle, one object, an array, or one object a line (STIX 2.1 section 8).

Each row keeps its bytes exactly as they stand in the file. What cannot be read is listed with its place and reason;
only a file of which nothing can be made is refused as a whole.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

import msgspec

from entente.core.errors import EntenteError, InvalidError
from entente.formats.stix.markings import Marking, by_content, strictest
from entente.formats.stix.object import Facts, facts_in, top_level

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_BOM: Final = b"\xef\xbb\xbf"
_SAMPLE: Final = 20


class Row(msgspec.Struct, frozen=True, gc=False):
    """One object: its place in the file (from 1; the line if there is one object a line), its bytes, its facts."""

    position: int
    data: bytes
    facts: Facts


class RejectedObject(msgspec.Struct, frozen=True):
    """One object that could not be read: its place (from 1), its id where one could be seen, and the reason."""

    position: int
    id: str
    reason: str


class Reading(msgspec.Struct, frozen=True):
    """All that came out of one file."""

    rows: list[Row]
    rejected: list[RejectedObject]


class _Head(msgspec.Struct):
    type: object = None
    spec_version: object = None
    id: object = None
    objects: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class _Id(msgspec.Struct):
    id: object = None


_HEAD: Final = msgspec.json.Decoder(_Head)
_RAWS: Final = msgspec.json.Decoder(list[msgspec.Raw])
_IDS: Final = msgspec.json.Decoder(_Id)


def read(data: bytes, name: str) -> Reading:
    """Give all rows and all refusals of the file `name`; raise InvalidError as `iter_rows` does."""
    rows, rejected = list[Row](), list[RejectedObject]()
    for found in iter_rows(data, name):
        if isinstance(found, Row):
            rows.append(found)
        else:
            rejected.append(found)
    return Reading(rows, rejected)


def iter_rows(data: bytes, name: str, *, pointers: bool = True) -> Iterator[Row | RejectedObject]:
    """Yield the objects of the file `name` one after the other, in order, each read or refused.

    Without `pointers` the `refs` of their facts are left empty.

    Raise InvalidError, naming the file and the place, when the file as a whole cannot be read.
    """
    parts, inherited = _split(data.removeprefix(_BOM), name)
    markings = _markings(parts)
    for position, part in enumerate(parts, 1):
        if slice_ := bytes(part):
            yield _row(position, slice_, inherited, markings, pointers=pointers)


def _row(
    position: int, data: bytes, inherited: str, markings: Mapping[str, Marking], *, pointers: bool
) -> Row | RejectedObject:
    """Read one object, or say why not."""
    try:
        found = facts_in(data, inherited, markings, pointers=pointers)
    except EntenteError as error:
        return RejectedObject(position, _seen_id(data), error.message)
    if found.type == "bundle":
        return RejectedObject(position, found.id, "a bundle inside a bundle is not an object")
    return Row(position, data, found)


def _seen_id(data: bytes) -> str:
    """Give the id of an object that was refused, "" where none can be seen."""
    try:
        found = _IDS.decode(data).id
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
    return found[:300] if isinstance(found, str) else ""


def _markings(parts: Iterable[bytes | msgspec.Raw]) -> dict[str, Marking]:
    """Give what the marking definitions of this file say; two of one id count as both."""
    found: dict[str, Marking] = {}
    for part in parts:
        data = bytes(part)
        if b'"marking-definition"' not in data:
            continue
        try:
            one = by_content(data)
        except InvalidError:
            continue
        if one is not None:
            found[one[0]] = strictest(found.get(one[0], one[1]), one[1])
    return found


def _split(data: bytes, name: str) -> tuple[list[bytes] | list[msgspec.Raw], str]:
    """Give the slices of the objects and the version that a 2.0 bundle gives to them."""
    start = data.lstrip()[:1] if len(data) < 1 << 16 else data[: 1 << 16].lstrip()[:1]
    if start not in (b"{", b"["):
        raise InvalidError(f"{name}: not JSON: it starts with neither an object nor an array", hint=_hint(data))
    try:
        if start == b"[":
            return _RAWS.decode(data), ""
        head = _HEAD.decode(data)
    except RecursionError as error:
        raise InvalidError(f"{name}: nested too deeply to be read") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        lines = _lines(data) if start == b"{" else []
        if lines:
            return lines, ""
        raise InvalidError(_whole(data, name, error)) from error
    return _objects(data, head, name)


def _objects(data: bytes, head: _Head, name: str) -> tuple[list[bytes] | list[msgspec.Raw], str]:
    """Give the objects of a decoded bundle or envelope, or the file itself as the one object."""
    if head.type != "bundle" and not (head.type is None and head.id is None and head.objects is not msgspec.UNSET):
        return [data.strip(b" \t\r\n")], ""
    inner = b"" if head.objects is msgspec.UNSET else bytes(head.objects)
    _check_head(data, inner, name)
    inherited = head.spec_version if isinstance(head.spec_version, str) else ""
    if head.objects is msgspec.UNSET:
        return [], inherited
    try:
        return _RAWS.decode(inner), inherited
    except msgspec.DecodeError as error:
        raise InvalidError(f"{name}: the bundle's objects are not an array") from error


def _check_head(data: bytes, inner: bytes, name: str) -> None:
    """Refuse a bundle that gives twice what decides how its `inner` objects are read."""
    start = data.find(inner)
    try:
        keys = top_level(data[:start] + data[start + len(inner) :], len(data))
    except EntenteError as error:
        raise InvalidError(f"{name}: {error.message}") from error
    for key in ("type", "objects", "spec_version"):
        if keys.count(key) > 1:
            raise InvalidError(f"{name}: the bundle gives {key} twice")


def _lines(data: bytes) -> list[bytes]:
    """Give the lines (empty ones as they stand) when the file looks like one object a line, else nothing."""
    lines = [line.strip(b" \t\r") for line in data.split(b"\n")]
    sample = list(islice((line for line in lines if line), _SAMPLE))
    whole = sum(line.startswith(b"{") and line.endswith(b"}") for line in sample)
    return lines if len(sample) > 1 and whole * 2 >= len(sample) else []


def _whole(data: bytes, name: str, error: Exception) -> str:
    """Say what is wrong with the file and where."""
    try:
        str(data, "utf-8")
    except UnicodeDecodeError as broken:
        line = data.count(b"\n", 0, broken.start) + 1
        return f"{name}: not UTF-8 at byte {broken.start} (line {line})"
    text = str(error)
    place = text.rpartition("(byte ")[2].rstrip(")")
    lines = data.count(b"\n", 0, int(place)) + 1 if place.isdigit() else data.count(b"\n") + 1
    return f"{name}: {text[:1].lower()}{text[1:]} (line {lines})"


def _hint(data: bytes) -> str:
    """Say what a file may be that is no JSON."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "it looks like UTF-16; save it as UTF-8"
    return "give a STIX bundle, an object, an array of objects, or one object a line"
