"""Whether each field of a CACAO 2.0 playbook has the right form, in the words of the OASIS specification's tables.

Fields that the specification does not know are left alone. Where the published JSON schemas and the specification
say nothing, or the schemas contradict themselves, the rule here is the stricter of what can still be satisfied.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from entente.formats.cacao.playbook import STEP_TYPES
from entente.formats.cacao.shape_rules import (
    UUID,
    Finding,
    Rule,
    at_most_one,
    base64,
    below,
    boolean,
    both,
    holds,
    identifier,
    ipv4,
    ipv6,
    listing,
    mac,
    mapping,
    nothing,
    number,
    one_needed,
    one_of,
    record,
    text,
    texts,
    timestamp,
    url,
    variable_name,
    without,
)
from entente.formats.cacao.strict_json import part
from entente.formats.cacao.strict_json import text as as_text
from entente.formats.shapes import words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LONGEST_MS: Final = 10 * 366 * 86_400_000
_REGIONS: Final = words(
    "africa eastern-africa middle-africa northern-africa southern-africa western-africa americas caribbean "
    "central-america latin-america-caribbean northern-america south-america asia central-asia eastern-asia "
    "southern-asia south-eastern-asia western-asia europe eastern-europe northern-europe southern-europe "
    "western-europe oceania antarctica australia-new-zealand melanesia micronesia polynesia"
)
_reference: Final = record(
    ("name",), name=text, description=text, source=text, url=text, external_id=text, reference_id=text
)
_references: Final = listing(_reference, 1)


def _extensions() -> Rule:
    return mapping(holds(re.compile(f"extension-definition--{UUID}").fullmatch, "an extension id"), record(), 1)


_variable: Final = record(
    ("type",),
    type=text,
    description=text,
    value=lambda value, at: nothing(value, at) if value is None else text(value, at),
    constant=boolean,
    external=boolean,
)
_variables: Final = mapping(variable_name, _variable)
_place: Final = record(
    **dict.fromkeys(
        words(
            "name description building_details network_details country administrative_area city street_address "
            "postal_code latitude longitude precision"
        ),
        text,
    ),
    region=one_of(*_REGIONS),
)
_named: Final = mapping(holds(re.compile("[a-zA-Z0-9_-]{0,250}").fullmatch, "a short word"), text)
_contact: Final = record(email=_named, phone=_named, contact_details=text)
_address: Final = record(
    url=listing(url),
    l2mac=listing(mac),
    ipv4=listing(ipv4),
    ipv6=listing(ipv6),
    vlan=listing(number(0, 4095)),
    dname=listing(text),
)

# Agents and targets.
_party: Final = record(
    ("type", "name"), type=text, name=text, description=text, location=_place, agent_target_extensions=_extensions()
)
_person: Final = record(contact=_contact)
_machine: Final = record(
    ("address",), address=_address, port=text, authentication_info=identifier, category=listing(text, 1)
)
_PARTIES: Final[Mapping[str, Rule]] = {
    **dict.fromkeys(("group", "individual", "organization"), _person),
    **dict.fromkeys(("http-api", "linux", "net-address", "ssh"), _machine),
    "location": record(logical=texts),
    "sector": record(("sector",), sector=text),
    "security-category": record(("category",), category=listing(text, 1)),
}
_login: Final = record(("type",), type=text, name=text, description=text, authentication_info_extensions=_extensions())
_kms: Final = {"kms": boolean, "kms_key_identifier": text}
_LOGINS: Final[Mapping[str, Rule]] = {
    "http-basic": record(user_id=text, password=text, **_kms),
    "oauth2": record(("oauth_header", "token"), oauth_header=text, token=text, **_kms),
    "user-auth": record(username=text, password=text, **_kms),
}

# Commands.
_command: Final = record(
    ("type",),
    type=text,
    description=text,
    version=text,
    playbook_activity=text,
    external_references=listing(_reference),
    command=text,
    command_b64=base64,
    content=text,
    content_b64=base64,
    headers=mapping(text, listing(text)),
)
_plain: Final = one_needed("command", "command_b64")
COMMANDS: Final[Mapping[str, Rule]] = {
    **dict.fromkeys(("manual", "bash", "caldera-cmd", "powershell", "ssh"), _plain),
    **dict.fromkeys(("elastic", "jupyter", "kestrel", "sigma", "yara"), record(("command_b64",))),
    "http-api": record(("command",)),
    "openc2-http": record(("command", "content_b64")),
    "openc2": record(("command", "content_b64")),
}
"""What each type of command needs; `openc2` is how older files spell `openc2-http`."""

# Steps.
_step: Final = record(
    ("type",),
    type=one_of(*sorted(STEP_TYPES)),
    name=text,
    description=text,
    external_references=_references,
    delay=number(1, _LONGEST_MS),
    timeout=number(1, _LONGEST_MS),
    step_variables=_variables,
    owner=identifier,
    on_completion=identifier,
    on_success=identifier,
    on_failure=identifier,
    step_extensions=_extensions(),
)
_arguments: Final[Mapping[str, Rule]] = {"in_args": texts, "out_args": texts}
_STEPS: Final[Mapping[str, Rule]] = {
    "start": without("on_success", "on_failure"),
    "end": without("on_completion", "on_success", "on_failure"),
    "action": record(
        ("commands", "agent"),
        commands=listing(_command, 1),
        agent=identifier,
        targets=listing(identifier, 1),
        **_arguments,
    ),
    "playbook-action": record(
        ("playbook_id",), playbook_id=identifier, playbook_version=timestamp, agent=identifier, **_arguments
    ),
    "parallel": record(("next_steps",), next_steps=listing(identifier, 2)),
    "if-condition": record(("condition", "on_true"), condition=text, on_true=identifier, on_false=identifier),
    "while-condition": record(("condition", "on_true"), condition=text, on_true=identifier),
    "switch-condition": record(
        ("switch", "cases"),
        switch=text,
        cases=mapping(holds(lambda word: 0 < len(word) <= 250, "a case of 1 to 250 characters"), identifier, 1),  # noqa: PLR2004
    ),
}

# Markings and signatures.
_marking: Final = record(
    ("type", "id", "created_by", "created"),
    id=identifier,
    name=text,
    description=text,
    created_by=identifier,
    created=timestamp,
    revoked=boolean,
    valid_from=timestamp,
    valid_until=timestamp,
    labels=texts,
    marking_extensions=_extensions(),
)
_IEP: Final = words(
    "encrypt_in_transit permitted_actions affected_party_notifications attribution unmodified_resale name description "
    "tlp"
)
_MARKINGS: Final[Mapping[str, Rule]] = {
    "marking-statement": record(("statement",), statement=text, external_references=_references),
    "marking-tlp": record(
        ("tlpv2_level",),
        tlpv2_level=one_of("TLP:RED", "TLP:AMBER", "TLP:AMBER+STRICT", "TLP:GREEN", "TLP:CLEAR"),
        external_references=_references,
    ),
    "marking-iep": record(
        (*_IEP, "iep_version", "start_date", "end_date", "external_references"),
        **dict.fromkeys(_IEP, text),
        iep_version=number(0, 1000),
        start_date=timestamp,
        end_date=lambda value, at: nothing(value, at) if value is None else timestamp(value, at),
        external_references=listing(lambda value, at: iter(()) if isinstance(value, str) else _reference(value, at)),
    ),
}
_times: Final = ("created", "modified", "valid_from", "valid_until", "related_version")


def _signature(value: object, at: str) -> Iterator[Finding]:
    yield from _SIGNATURE(value, at)
    if "signature" in part(value):
        yield from _signature(part(value)["signature"], below(at, "signature"))


_SIGNATURE: Final = both(
    record(
        (
            *("type", "id", "created", "modified", "signee", "related_to", "related_version"),
            *("hash_algorithm", "algorithm", "value"),
        ),
        type=one_of("jss"),
        id=identifier,
        created_by=identifier,
        revoked=boolean,
        related_to=identifier,
        public_cert_chain=texts,
        **dict.fromkeys(_times, timestamp),
        **dict.fromkeys(
            ("signee", "hash_algorithm", "algorithm", "public_key", "cert_url", "thumbprint", "value"), text
        ),
    ),
    at_most_one("public_key", "public_cert_chain", "cert_url", "thumbprint"),
)


def _kinds(common: Rule, rules: Mapping[str, Rule], *, closed: bool = False) -> Rule:
    """Make the rule for a thing whose key names its type: a known type in the key or in the thing asks for more."""

    def look(value: object, at: str) -> Iterator[Finding]:
        yield from common(value, at)
        prefix, said = at.rsplit(".", 1)[-1].rpartition("--")[0], as_text(part(value).get("type"))
        if (prefix in rules or closed) and said != prefix:
            yield below(at, "type"), f"must be {prefix}, as its key says"
        if said in rules or prefix in rules:
            yield from rules.get(said, nothing)(value, at)
        elif closed and said:
            yield below(at, "type"), f"must be one of {', '.join(rules)}"

    return look


def definitions(common: Rule, rules: Mapping[str, Rule], least: int = 0, *, closed: bool = False) -> Rule:
    """Make the rule for a dictionary of things under their identifiers."""
    return mapping(identifier, _kinds(common, rules, closed=closed), least)


PLAYBOOK: Final = record(
    ("type", "spec_version", "id", "name", "created_by", "created", "modified", "workflow_start", "workflow"),
    type=one_of("playbook"),
    spec_version=one_of("cacao-2.0"),
    **dict.fromkeys(("id", "created_by", "workflow_start", "workflow_exception"), identifier),
    **dict.fromkeys(("name", "description"), text),
    **dict.fromkeys(("created", "modified", "valid_from", "valid_until"), timestamp),
    **dict.fromkeys(("priority", "severity", "impact"), number(0, 100)),
    **dict.fromkeys(("derived_from", "related_to", "markings"), listing(identifier, 1)),
    **dict.fromkeys(("playbook_activities", "industry_sectors", "labels"), texts),
    playbook_types=listing(text),
    playbook_processing_summary=record(
        **dict.fromkeys(
            words(
                "manual_playbook external_playbooks parallel_processing if_logic while_logic switch_logic "
                "temporal_logic data_markings digital_signatures countersigned_signatures extensions"
            ),
            boolean,
        )
    ),
    revoked=boolean,
    external_references=_references,
    playbook_variables=_variables,
    workflow=definitions(_step, _STEPS, closed=True),
    playbook_extensions=_extensions(),
    authentication_info_definitions=definitions(_login, _LOGINS, 1),
    agent_definitions=definitions(_party, _PARTIES, 1),
    target_definitions=definitions(_party, _PARTIES, 1),
    extension_definitions=mapping(
        holds(re.compile(f"extension-definition--{UUID}").fullmatch, "an extension id"),
        record(
            ("type", "name", "created_by", "schema", "version"),
            **dict.fromkeys(("name", "description", "schema", "version"), text),
            type=one_of("extension-definition"),
            created_by=identifier,
            external_references=listing(_reference),
        ),
    ),
    data_marking_definitions=definitions(_marking, _MARKINGS, closed=True),
    signatures=listing(_signature, 1),
)
"""The rule for a whole playbook."""
