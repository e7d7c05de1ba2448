"""STIX objects go out: a bundle of objects as they came, and a redacted copy of one (STIX 2.1 sections 3 and 8)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from entente.core.errors import InvalidError, NotFoundError, RefusedError
from entente.formats.shapes import is_list, is_object
from entente.formats.stix.checks import precise_time
from entente.formats.stix.object import facts, top_level
from entente.formats.stix.strict.sco import SCO_RULES
from entente.formats.stix.strict.sdo import RULES
from entente.formats.stix.types import SCO_TYPES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_CHUNK: Final = 1 << 16
_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}").fullmatch
_RAWS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_SELECTORS: Final = "granular_markings"
_KEPT: Final = frozenset({"id", "type", "spec_version", "created", "modified", "object_marking_refs", _SELECTORS})
_WISHED: Final = {
    "indicator": ("name", "description"),
    "extension-definition": ("description",),
    "network-traffic": ("src_port", "dst_port"),
}
"""What strict exchange asks for beyond what the standard requires."""
_GONE: Final = object()
_Place = tuple[str | int, ...]


def bundle(objects: Iterable[bytes], *, rng_uuid: str) -> Iterator[bytes]:
    """Yield a STIX 2.1 bundle in chunks, its objects byte for byte as handed in; `rng_uuid` becomes its id.

    Raise InvalidError when `rng_uuid` is no UUID in lower case or a member is no JSON object.
    """
    if _UUID(rng_uuid) is None:
        raise InvalidError(f"{rng_uuid!r} is not a UUID for a bundle")
    parts = [b'{"type":"bundle","id":"bundle--', rng_uuid.encode(), b'"']
    size, before = 0, b',"objects":['
    for data in objects:
        if not (data.startswith(b"{") and data.endswith(b"}")):
            raise InvalidError("what goes into a bundle must be one JSON object")
        parts += (before, data)
        before = b","
        size += len(data)
        if size >= _CHUNK:
            yield b"".join(parts)
            parts, size = [], 0
    parts.append(b"]}" if before == b"," else b"}")
    yield b"".join(parts)


def redact(data: bytes, drop: Sequence[str], *, new_id: str, now: str) -> bytes:
    """Give a new object: `data` without the parts that `drop` names, under `new_id`, made at `now`, without its owner.

    A path is written as a selector is: `description`, `external_references.[0].url`, `labels.*`. What becomes empty
    goes too; other properties keep their bytes, and the markings stay. Raise NotFoundError when a path names nothing,
    RefusedError when the object would lack what its type needs, InvalidError when an argument is not well formed.
    """
    kind = _checked(data, new_id, now)
    raws = _RAWS.decode(data)
    paths = [path.replace("[", ".[").replace("..", ".").split(".") for path in drop]
    gone = {place for path in paths for place in _places(raws, path)}
    out: dict[str, object] = {}
    for name, raw in raws.items():
        touched = any(place[0] == name for place in gone)
        kept = _without(_value(raw), (name,), gone) if touched else raw
        if kept is not _GONE:
            out[name] = kept
    _need(kind, raws, out)
    if gone and _SELECTORS in raws:
        out[_SELECTORS] = _pointing(_value(raws[_SELECTORS]), gone)
    return _stamped(out, kind, new_id, now)


def _checked(data: bytes, new_id: str, now: str) -> str:
    """Check the arguments and give the object's type."""
    found = facts(data)
    names = top_level(data)
    if len(set(names)) != len(names):
        raise InvalidError("a property is given twice; the object cannot be redacted")
    if found.type == "marking-definition":
        raise RefusedError("a marking is passed on whole or not at all", code="redact-marking")
    kind, _, uuid = new_id.rpartition("--")
    if kind != found.type or _UUID(uuid) is None or new_id == found.id:
        raise InvalidError(f"{new_id!r} is not a new id for an object of type {found.type}")
    if why := precise_time(now):
        raise InvalidError(f"now {why}")
    return kind


def _value(raw: msgspec.Raw) -> object:
    """Decode one property, or raise InvalidError for what cannot be written again, such as a number without bounds."""
    try:
        return msgspec.json.decode(raw)
    except msgspec.DecodeError as error:
        raise InvalidError(f"a property cannot be redacted: {error}") from error


def _places(raws: dict[str, msgspec.Raw], path: Sequence[str]) -> list[_Place]:
    """Give the places that a path names, at least one; refuse what must stay."""
    name = path[0]
    if name in _KEPT:
        raise RefusedError(f"{name} stays; it cannot be dropped", code="redact-kept")
    found = _resolve(_value(raws[name]), path[1:]) if name in raws else []
    if not found:
        raise NotFoundError(f"there is nothing at {'.'.join(path)!r}")
    return [(name, *rest) for rest in found]


def _resolve(value: object, path: Sequence[str]) -> list[_Place]:
    """Give the places below `value` that a path names."""
    if not path:
        return [()]
    step, rest = path[0], path[1:]
    if is_object(value):
        return [(step, *tail) for tail in _resolve(value[step], rest)] if step in value else []
    if not is_list(value):
        return []
    index = _index(step)
    chosen = range(len(value)) if step in ("*", "[*]") else () if index is None else (index,)
    return [(at, *tail) for at in chosen if at < len(value) for tail in _resolve(value[at], rest)]


def _index(step: str) -> int | None:
    """Give the number in `[n]`, None for anything else."""
    return int(step[1:-1]) if step[:1] == "[" and step[-1:] == "]" and step[1:-1].isdecimal() else None


def _without(value: object, here: _Place, gone: set[_Place]) -> object:
    """Give `value` without the places in `gone`, or _GONE; a holder left empty joins `gone`."""
    if here in gone:
        return _GONE
    if is_object(value):
        pairs = {name: _without(inner, (*here, name), gone) for name, inner in value.items()}
        left: object = {name: inner for name, inner in pairs.items() if inner is not _GONE}
    elif is_list(value):
        members = [_without(inner, (*here, at), gone) for at, inner in enumerate(value)]
        left = [inner for inner in members if inner is not _GONE]
    else:
        return value
    if value and not left:
        gone.add(here)
        return _GONE
    return left


def _need(kind: str, before: dict[str, msgspec.Raw], after: dict[str, object]) -> None:
    """Refuse when something went that the type must have."""
    rule = RULES.get(kind) or SCO_RULES.get(kind)
    if rule is None:
        return
    lost = [name for name in rule.required if name in before and name not in after]
    lost = [name for name in lost if name not in _WISHED.get(kind, ())]
    if lost:
        raise RefusedError(f"{kind} needs {', '.join(lost)}", code="redact-required")
    if any(name in before for name in rule.some) and not any(name in after for name in rule.some):
        raise RefusedError(f"{kind} needs one of {', '.join(rule.some)}", code="redact-required")


def _pointing(markings: object, gone: set[_Place]) -> list[object]:
    """Give the granular markings that still mark something, their selectors counting what is left of each list."""
    kept = list[object]()
    for marking in markings if is_list(markings) else ():
        selectors = marking.get("selectors") if is_object(marking) else None
        if is_object(marking) and is_list(selectors):
            moved = [new for one in selectors if (new := _moved(str(one), gone))]
            if moved:
                kept.append({**marking, "selectors": moved})
        else:
            kept.append(marking)
    return kept


def _moved(selector: str, gone: set[_Place]) -> str:
    """Give the selector after the removals, "" when its part is gone."""
    steps = selector.split(".")
    place: _Place = tuple(step if (at := _index(step)) is None else at for step in steps)
    if any(place[:size] in gone for size in range(1, len(place) + 1)):
        return ""
    for size, step in enumerate(place):
        if isinstance(step, int):
            before = sum((*place[:size], lower) in gone for lower in range(step))
            steps[size] = f"[{step - before}]"
    return ".".join(steps)


def _stamped(out: dict[str, object], kind: str, new_id: str, now: str) -> bytes:
    """Write the object with its new id and times and without its owner."""
    out.pop("created_by_ref", None)
    out["id"] = new_id
    for name in ("created", "modified"):
        if name in out or kind not in SCO_TYPES:
            out[name] = now
    if out.get(_SELECTORS) == []:
        del out[_SELECTORS]
    return msgspec.json.encode(out)
