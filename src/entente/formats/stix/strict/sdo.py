"""What strict exchange asks of domain, relationship and meta objects, type by type (STIX 2.1 sections 3 to 5 and 7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from entente.formats.shapes import is_object
from entente.formats.stix.checks import (
    Check,
    boolean,
    dictionary,
    fields,
    hashes,
    integer,
    many,
    matching,
    number,
    one_of,
    precise_time,
    ref,
    ref_but,
    slug,
    text,
    time,
    url,
)
from entente.formats.stix.strict import vocab
from entente.formats.stix.types import SCO_TYPES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class TypeRule:
    """The properties of one type: how each is checked, which must be there, which times follow which."""

    fields: Mapping[str, Check]
    required: tuple[str, ...] = ()
    some: tuple[str, ...] = ()
    order: tuple[tuple[str, str, bool], ...] = ()
    """(later, earlier, whether both may be equal)"""


selector: Final = matching(r"id|[a-z0-9_-]{3,249}(?:\.(?:\[\d+\]|[a-z0-9_-]{1,250}))*", "a selector")
granular: Final = fields(
    {"selectors": many(selector), "marking_ref": ref("marking-definition")}, ("selectors", "marking_ref")
)
language: Final = one_of(vocab.LANG, "the language tags")
_reference: Final = fields(
    {"source_name": text, "description": text, "url": url, "external_id": text, "hashes": hashes},
    ("source_name",),
    ("external_id", "description", "url"),
)
_cve: Final = matching(r"CVE-\d{4}-(?:0\d{3}|[1-9]\d{3,})", "a CVE number")
_capec: Final = matching(r"CAPEC-\d+", "a CAPEC number")


def reference(value: object) -> str:
    """Take an external reference; a link needs the hash of what it leads to, CVE and CAPEC numbers their source."""
    why = _reference(value)
    if why or not is_object(value):
        return why
    if "url" in value and "hashes" not in value:
        return "has a url without hashes"
    name, number_ = value["source_name"], value.get("external_id", "")
    if name in ("cve", "capec"):
        return (_cve if name == "cve" else _capec)(number_)
    return "has a number that needs the source cve or capec" if str(number_).startswith(("CVE-", "CAPEC-")) else ""


_EVERY: Final[dict[str, Check]] = {
    "type": text,
    "spec_version": one_of(["2.1"], "2.1 only"),
    "id": ref(),
    "object_marking_refs": many(ref("marking-definition")),
    "granular_markings": many(granular),
}
META: Final[dict[str, Check]] = _EVERY | {
    "created": precise_time,
    "modified": precise_time,
    "created_by_ref": ref("identity"),
    "revoked": boolean,
    "labels": many(text),
    "external_references": many(reference),
    "lang": language,
    "confidence": integer(0, 100),
    "extensions": dictionary,
}
CORE: Final[dict[str, Check]] = META | {"description": text}
CORE_REQUIRED: Final = ("type", "spec_version", "id", "created", "modified")
OBSERVABLE: Final[dict[str, Check]] = _EVERY | {"extensions": dictionary, "defanged": boolean}

_texts: Final = many(text)
_seen: Final[dict[str, Check]] = {"first_seen": time, "last_seen": time}
_seen_order: Final = (("last_seen", "first_seen", True),)
_phase: Final = fields({"kill_chain_name": slug, "phase_name": slug}, ("kill_chain_name", "phase_name"))
_phases: Final[dict[str, Check]] = {"kill_chain_phases": many(_phase)}
_aliases: Final[dict[str, Check]] = {"aliases": _texts}
_motivation: Final = one_of(vocab.MOTIVATION, "the motivations")
_objects: Final[dict[str, Check]] = {"object_refs": many(ref())}
_NOT_RELATED: Final = ("relationship", "sighting", "bundle", "marking-definition", "language-content")
_related: Final = ref_but(*_NOT_RELATED, "extension-definition")


def _words(words: Sequence[str], what: str) -> Check:
    return many(one_of(words, what))


def _observed(value: object) -> str:
    """Take the id of an observable, a relationship, a sighting or a custom object."""
    why = ref()(value)
    kind = str(value).partition("--")[0]
    if why or kind in SCO_TYPES or kind in ("relationship", "sighting") or kind.startswith("x-"):
        return why
    return "must refer to an observable"


def _country(value: object) -> str:
    """Take an ISO 3166-1 code of two letters in either case."""
    return "" if isinstance(value, str) and value.upper() in vocab.COUNTRY else "must be an ISO 3166-1 code"


def _named(more: Mapping[str, Check], order: tuple[tuple[str, str, bool], ...] = ()) -> TypeRule:
    """Make the rule of a type that needs a name."""
    return TypeRule({**CORE, "name": text, **more}, (*CORE_REQUIRED, "name"), order=order)


def _plain(more: Mapping[str, Check], *required: str, order: tuple[tuple[str, str, bool], ...] = ()) -> TypeRule:
    """Make the rule of a type without a description."""
    return TypeRule({**META, **more}, (*CORE_REQUIRED, *required), order=order)


_actor: Final[dict[str, Check]] = {
    **_aliases,
    **_seen,
    "goals": _texts,
    "resource_level": one_of(vocab.RESOURCE_LEVEL, "the resource levels"),
    "primary_motivation": _motivation,
    "secondary_motivations": many(_motivation),
}

RULES: Final[dict[str, TypeRule]] = {
    "attack-pattern": _named({**_aliases, **_phases}),
    "campaign": _named({**_aliases, **_seen, "objective": text}, _seen_order),
    "course-of-action": _named({}),
    "grouping": TypeRule(
        {**CORE, **_objects, "name": text, "context": one_of(vocab.GROUPING_CONTEXT, "the grouping contexts")},
        (*CORE_REQUIRED, "context", "object_refs"),
    ),
    "identity": _named(
        {
            "roles": _texts,
            "identity_class": one_of(vocab.IDENTITY_CLASS, "the identity classes"),
            "sectors": _words(vocab.SECTOR, "the industry sectors"),
            "contact_information": text,
        }
    ),
    "incident": _named({}),
    "indicator": TypeRule(
        {
            **CORE,
            **_phases,
            "name": text,
            "indicator_types": _words(vocab.INDICATOR, "the indicator types"),
            "pattern": text,
            "pattern_type": one_of(vocab.PATTERN, "the pattern types"),
            "pattern_version": text,
            "valid_from": time,
            "valid_until": time,
        },
        (*CORE_REQUIRED, "name", "description", "pattern", "pattern_type", "valid_from"),
        order=(("valid_until", "valid_from", False),),
    ),
    "infrastructure": _named(
        {**_aliases, **_phases, **_seen, "infrastructure_types": _words(vocab.INFRASTRUCTURE, "the types")},
        _seen_order,
    ),
    "intrusion-set": _named(_actor, _seen_order),
    "location": TypeRule(
        {
            **CORE,
            "name": text,
            "latitude": number(-90, 90),
            "longitude": number(-180, 180),
            "precision": number(0, float("inf")),
            "region": one_of(vocab.REGION, "the regions"),
            "country": _country,
            **dict.fromkeys(("administrative_area", "city", "street_address", "postal_code"), text),
        },
        CORE_REQUIRED,
        ("region", "country", "latitude"),
    ),
    "malware": TypeRule(
        {
            **CORE,
            **_aliases,
            **_phases,
            **_seen,
            "name": text,
            "is_family": boolean,
            "malware_types": _words(vocab.MALWARE, "the malware types"),
            "operating_system_refs": many(ref("software")),
            "architecture_execution_envs": _words(vocab.PROCESSOR, "the processor architectures"),
            "implementation_languages": _words(vocab.LANGUAGE, "the implementation languages"),
            "capabilities": _words(vocab.CAPABILITY, "the capabilities"),
            "sample_refs": many(ref("artifact", "file")),
        },
        (*CORE_REQUIRED, "is_family"),
        order=_seen_order,
    ),
    "malware-analysis": TypeRule(
        {
            **META,
            "product": matching("[a-z0-9-]+", "lower case with hyphens"),
            **dict.fromkeys(("version", "configuration_version", "result_name"), text),
            **dict.fromkeys(("analysis_engine_version", "analysis_definition_version"), text),
            **dict.fromkeys(("submitted", "analysis_started", "analysis_ended"), time),
            "modules": _texts,
            "result": one_of(vocab.VERDICT, "the results"),
            "host_vm_ref": ref("software"),
            "operating_system_ref": ref("software"),
            "analysis_sco_refs": many(ref()),
            "sample_ref": ref("artifact", "file", "network-traffic"),
        },
        (*CORE_REQUIRED, "product"),
        ("result", "analysis_sco_refs"),
    ),
    "note": _plain({**_objects, "abstract": text, "content": text, "authors": _texts}, "content", "object_refs"),
    "observed-data": _plain(
        {
            "first_observed": time,
            "last_observed": time,
            "number_observed": integer(1, 999_999_999),
            "object_refs": many(_observed),
        },
        *("first_observed", "last_observed", "number_observed", "object_refs"),
        order=(("last_observed", "first_observed", True),),
    ),
    "opinion": _plain(
        {**_objects, "explanation": text, "authors": _texts, "opinion": one_of(vocab.OPINION, "the opinions")},
        *("object_refs", "opinion"),
    ),
    "report": TypeRule(
        {**CORE, **_objects, "name": text, "report_types": _words(vocab.REPORT, "the report types"), "published": time},
        (*CORE_REQUIRED, "name", "object_refs", "published"),
    ),
    "threat-actor": _named(
        {
            **_actor,
            "threat_actor_types": _words(vocab.ACTOR, "the threat actor types"),
            "roles": _words(vocab.ACTOR_ROLE, "the threat actor roles"),
            "sophistication": one_of(vocab.SOPHISTICATION, "the levels of sophistication"),
            "personal_motivations": many(_motivation),
        },
        _seen_order,
    ),
    "tool": _named({**_aliases, **_phases, "tool_types": _words(vocab.TOOL, "the tool types"), "tool_version": text}),
    "vulnerability": _named({}),
    "relationship": TypeRule(
        {
            **CORE,
            "relationship_type": matching("[a-z0-9-]+", "lower case with hyphens"),
            "source_ref": _related,
            "target_ref": _related,
            "start_time": time,
            "stop_time": time,
        },
        (*CORE_REQUIRED, "relationship_type", "source_ref", "target_ref"),
        order=(("stop_time", "start_time", False),),
    ),
    "sighting": TypeRule(
        {
            **CORE,
            **_seen,
            "count": integer(0, 999_999_999),
            "sighting_of_ref": ref_but(*_NOT_RELATED),
            "observed_data_refs": many(ref("observed-data")),
            "where_sighted_refs": many(ref("identity", "location")),
            "summary": boolean,
        },
        (*CORE_REQUIRED, "sighting_of_ref"),
        order=_seen_order,
    ),
    "language-content": TypeRule(
        {name: check for name, check in META.items() if name != "lang"}
        | {"object_ref": ref_but("bundle", "language-content"), "object_modified": time, "contents": dictionary},
        (*CORE_REQUIRED, "object_ref", "contents"),
    ),
    "marking-definition": TypeRule(
        {name: check for name, check in META.items() if name not in ("modified", "revoked", "labels", "confidence")}
        | {"created": time, "name": text, "definition_type": text, "definition": fields({}, closed=False)},
        ("type", "spec_version", "id", "created"),
    ),
    "extension-definition": TypeRule(
        {name: check for name, check in CORE.items() if name not in ("lang", "confidence", "extensions")}
        | {
            **dict.fromkeys(("name", "schema", "version"), text),
            "extension_types": _words(vocab.EXTENSION, "the extension types"),
            "extension_properties": _texts,
        },
        (*CORE_REQUIRED, "name", "description", "schema", "version", "extension_types"),
    ),
}
