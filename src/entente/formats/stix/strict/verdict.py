"""Our own verdict whether an object stands up to a strict STIX 2.1 check, warnings counted as errors (STIX 2.1, all).

The verdict is a gate for what leaves the house: what is doubtful is refused. It runs without any other library, and
the tests compare it with the validator of OASIS, which must accept all that passes here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from entente.core.errors import EntenteError
from entente.formats.shapes import is_list, is_object, words
from entente.formats.stix import pattern as stix_pattern
from entente.formats.stix.checks import (
    EXTENSION_KEY,
    PROPERTY,
    Check,
    binary,
    fields,
    hexes,
    one_of,
    parse_time,
    present,
)
from entente.formats.stix.markings import TLP1_IDS, TLP_WORDS
from entente.formats.stix.object import facts
from entente.formats.stix.strict import vocab
from entente.formats.stix.strict.sco import SCO_EXTENSIONS, SCO_RULES
from entente.formats.stix.strict.sdo import CORE, CORE_REQUIRED, OBSERVABLE, RULES, TypeRule
from entente.formats.stix.types import SCO_TYPES

if TYPE_CHECKING:
    from collections.abc import Callable

_Object = dict[str, object]
_DECODE: Final = msgspec.json.Decoder(dict[str, object]).decode
_ALL_RULES: Final = RULES | SCO_RULES
_CUSTOM: Final = TypeRule(CORE, CORE_REQUIRED)
_CUSTOM_OBSERVABLE: Final = TypeRule(OBSERVABLE, ("type", "id"))
_TYPE: Final = re.compile("[a-z][a-z0-9]*(?:-[a-z0-9]+)*").fullmatch
_LANGUAGE_KEY: Final = re.compile("[a-z0-9_]{3,250}").fullmatch
_SHORTEST: Final = 3
_UUID_VERSION: Final = -22
_RESERVED: Final = ("severity", "action", "username", "phone_numbers")
_FREE_KEYS: Final = frozenset(
    words(
        "hashes file_header_hashes request_header additional_header_fields document_info_dict exif_tags ipfix "
        "options environment_variables key startup_info"
    )
)
_TLP1_WORDS: Final = {id_: TLP_WORDS[tlp].replace("clear", "white") for tlp, id_ in TLP1_IDS.items()}
_TLP1_CREATED: Final = "2017-01-20T00:00:00.000Z"
_TLP1_KEYS: Final = frozenset(words("id type spec_version name created definition definition_type"))
_extension_type: Final = fields(
    {"extension_type": one_of(vocab.EXTENSION, "the extension types")}, ("extension_type",), closed=False
)


def problems(data: bytes) -> list[str]:
    """Give all reasons why a strict check would refuse the object in `data`; an empty list means that it stands.

    Nothing is raised: bytes that are no object at all are a problem too.
    """
    try:
        found = facts(data)
        value = _DECODE(data)
    except EntenteError as error:
        return [error.message]
    except (msgspec.MsgspecError, RecursionError) as error:
        return [str(error)]
    try:
        return _problems(value, found.type)
    except EntenteError as error:
        return [error.message]


def _problems(value: _Object, kind: str) -> list[str]:
    """Collect what every group of rules says."""
    rule = _rule_for(value, kind)
    found = [*_properties(value, rule, kind), *_identifier(value, kind), *_shape(value), *_extensions(value, kind)]
    if found:
        return found
    return [*_order(value, rule), *_selectors(value), *_lower_keys(value, kind), *_SPECIAL.get(kind, _nothing)(value)]


def _rule_for(value: _Object, kind: str) -> TypeRule:
    """Give the rule of the type, or the one for custom types."""
    known = _ALL_RULES.get(kind)
    if known is not None:
        return known
    return _CUSTOM if "created" in value or "modified" in value else _CUSTOM_OBSERVABLE


def _nothing(_: _Object) -> list[str]:
    return []


def _extension_types(value: _Object) -> set[object]:
    """Give the kinds of extension that the object uses."""
    held = value.get("extensions")
    inner = held.values() if is_object(held) else ()
    return {one.get("extension_type") for one in inner if is_object(one) and isinstance(one.get("extension_type"), str)}


def _properties(value: _Object, rule: TypeRule, kind: str) -> list[str]:
    """Check every property against the rule of its type; a custom one needs an extension that brings it."""
    found = [f"{name} is missing" for name in rule.required if name not in value]
    if rule.some and not any(name in value for name in rule.some):
        found.append(f"one of {', '.join(rule.some)} is missing")
    used = _extension_types(value)
    free = "toplevel-property-extension" in used or kind not in _ALL_RULES
    for name, inner in value.items():
        known = rule.fields.get(name)
        if known is None and (not free or name in CORE):
            found.append(f"{name} is not a property of {kind} and no extension brings it")
            continue
        why = (known or _custom)(inner)
        if why:
            found.append(f"{name} {why}" if why[0] not in ".[" else f"{name}{why}")
    if kind not in _ALL_RULES and (
        not _TYPE(kind) or len(kind) < _SHORTEST or not used & {"new-sdo", "new-sco", "new-sro"}
    ):
        found.append(f"the type {kind} is not brought by an extension")
    return found


def _custom(value: object) -> str:
    """Check the value of a custom property; one that looks like an object of its own is refused."""
    if is_list(value) and any(is_object(one) and "id" in one and "type" in one for one in value):
        return "holds objects inside an object"
    return present(value)


def _identifier(value: _Object, kind: str) -> list[str]:
    """Check the version of the UUID: 5 for observables but processes, 4 for all others."""
    id_ = value.get("id")
    wanted = "5" if kind in SCO_TYPES and kind != "process" else "4"
    if isinstance(id_, str) and id_[_UUID_VERSION] == wanted:
        return []
    return [f"the id's UUID must be of version {wanted}"]


def _shape(value: _Object) -> list[str]:
    """Check the names of properties, and values whose names promise an encoding."""
    found = [f"{name} is reserved" for name in _RESERVED if name in value]
    for name, inner in value.items():
        check = _encoded(name)
        if not PROPERTY(name):
            found.append(f"{name} is no name for a property")
        elif check is not None and (why := check(inner)):
            found.append(f"{name} {why}")
    return found


def _encoded(name: str) -> Check | None:
    """Give the check that a property's ending asks for."""
    if name.endswith("_bin"):
        return binary
    return hexes if name.endswith("_hex") else None


def _extensions(value: _Object, kind: str) -> list[str]:
    """Check predefined extensions by their rules, others by the shape that all have."""
    held = value.get("extensions")
    if held is None:
        return []
    if not is_object(held) or not held:
        return ["extensions must be an object with content"]
    predefined = SCO_EXTENSIONS.get(kind, {})
    found = list[str]()
    for key, inner in held.items():
        check = predefined.get(key)
        why = check(inner) if check else _foreign(key, inner)
        if why:
            found.append(f"extensions.{key} {why}")
    foreign = held.keys() - predefined.keys()
    if predefined and foreign and "property-extension" not in _extension_types(value):
        found.append("an extension of an observable must be a property-extension")
    return found


def _foreign(key: str, value: object) -> str:
    """Check an extension that an extension definition describes."""
    if not EXTENSION_KEY(key):
        return "is no extension of this type"
    if why := _extension_type(value):
        return why
    inner = _shape(value) if is_object(value) else []
    return "; ".join(inner)


def _order(value: _Object, rule: TypeRule) -> list[str]:
    """Check which time follows which; where digits beyond microseconds differ the texts must agree too."""
    found = list[str]()
    for later, earlier, equal in (*rule.order, ("modified", "created", True)):
        after, before = value.get(later), value.get(earlier)
        one, other = parse_time(after), parse_time(before)
        if one is None or other is None:
            continue
        fits = one > other or (equal and one == other)
        if max(len(str(after)), len(str(before))) > len("2026-01-31T12:00:00.000000Z"):
            fits = fits and (str(after) > str(before) or (equal and after == before))
        if not fits:
            found.append(f"{later} must {'not be before' if equal else 'be after'} {earlier}")
    return found


def _selectors(value: _Object) -> list[str]:
    """Check that every selector of a granular marking leads somewhere."""
    held = value.get("granular_markings")
    found = list[str]()
    for marking in held if is_list(held) else ():
        selectors = marking.get("selectors") if is_object(marking) else None
        for selector in selectors if is_list(selectors) else ():
            if not _leads(value, str(selector)):
                found.append(f"the selector {selector} leads nowhere")
    return found


def _leads(value: object, selector: str) -> bool:
    """Say whether a selector names a part of the object."""
    for step in selector.split("."):
        if is_object(value) and step in value:
            value = value[step]
        elif is_list(value) and step[:1] == "[" and step[1:-1].isdecimal() and int(step[1:-1]) < len(value):
            value = value[int(step[1:-1])]
        else:
            return False
    return True


def _lower_keys(value: _Object, kind: str) -> list[str]:
    """Check that an observable's dictionaries have lower-case keys, but where their names come from elsewhere."""
    if kind not in SCO_TYPES:
        return []
    found = [f"{name} must be in lower case" for name in value if name != name.lower()]
    for name, inner in value.items():
        if is_object(inner) and name not in _FREE_KEYS:
            found += _lower_keys(inner, kind)
    return found


def _indicator(value: _Object) -> list[str]:
    if value["pattern_type"] != "stix":
        return []
    if value.get("pattern_version", "2.1") != "2.1":
        return ["pattern_version must be 2.1 for a STIX pattern"]
    stix_pattern.check(str(value["pattern"]))
    return []


def _relationship(value: _Object) -> list[str]:
    kind = str(value["relationship_type"])
    source, target = (str(value[name]).partition("--")[0] for name in ("source_ref", "target_ref"))
    if kind in vocab.COMMON_RELATIONS or (source, kind, target) in vocab.RELATIONS:
        return []
    return [f"{source} {kind} {target} is not a relationship of the standard"]


def _location(value: _Object) -> list[str]:
    if ("latitude" in value) != ("longitude" in value):
        return ["latitude and longitude must come together"]
    return ["precision needs latitude and longitude"] if "precision" in value and "latitude" not in value else []


def _malware(value: _Object) -> list[str]:
    return ["a malware family needs a name"] if value["is_family"] and "name" not in value else []


def _language_content(value: _Object) -> list[str]:
    found = list[str]()
    contents = value["contents"]
    for tag, named in contents.items() if is_object(contents) else ():
        if tag not in vocab.LANG:
            found.append(f"contents.{tag} is no language tag")
        if not is_object(named) or not all(_LANGUAGE_KEY(name) for name in named):
            found.append(f"contents.{tag} must be an object of properties")
    return found


def _marking_definition(value: _Object) -> list[str]:
    refs = value.get("object_marking_refs")
    parts = value.get("granular_markings")
    marked = [*(refs if is_list(refs) else ()), *(parts if is_list(parts) else ())]
    if any(one == value["id"] or (is_object(one) and one.get("marking_ref") == value["id"]) for one in marked):
        return ["a marking must not mark itself"]
    kind, content = value.get("definition_type"), value.get("definition")
    if kind is None:
        return [] if "extensions" in value else ["a marking needs an extension or a definition"]
    if kind == "tlp":
        return [] if _is_tlp1(value) else ["a tlp definition must be one of the four of the standard"]
    if kind != "statement":
        return ["definition_type must be statement or tlp"]
    good = is_object(content) and isinstance(content.get("statement"), str)
    return [] if good else ["a statement must say its statement"]


def _is_tlp1(value: _Object) -> bool:
    """Say whether this is one of the four older TLP objects to the letter."""
    word = _TLP1_WORDS.get(str(value["id"]), "")
    return (
        value.keys() == _TLP1_KEYS
        and value["name"] == f"TLP:{word.upper()}"
        and value["created"] == _TLP1_CREATED
        and value["definition"] == {"tlp": word}
    )


def _extension_definition(value: _Object) -> list[str]:
    types = value["extension_types"]
    top = is_list(types) and "toplevel-property-extension" in types
    if top != ("extension_properties" in value):
        return ["extension_properties belong to a toplevel-property-extension, and only there"]
    return []


def _artifact(value: _Object) -> list[str]:
    found = list[str]()
    if ("payload_bin" in value) == ("url" in value) or ("url" in value and "hashes" not in value):
        found.append("an artifact needs either payload_bin, or url with hashes")
    if "decryption_key" in value and "encryption_algorithm" not in value:
        found.append("decryption_key needs encryption_algorithm")
    return found


def _email_message(value: _Object) -> list[str]:
    wrong = "body" if value["is_multipart"] else "body_multipart"
    return [f"{wrong} does not go with is_multipart"] if wrong in value else []


def _network_traffic(value: _Object) -> list[str]:
    return ["what is active has no end"] if value.get("is_active") and "end" in value else []


_SPECIAL: Final[dict[str, Callable[[_Object], list[str]]]] = {
    "indicator": _indicator,
    "relationship": _relationship,
    "location": _location,
    "malware": _malware,
    "language-content": _language_content,
    "marking-definition": _marking_definition,
    "extension-definition": _extension_definition,
    "artifact": _artifact,
    "email-message": _email_message,
    "network-traffic": _network_traffic,
}
