"""What the demonstration shares: an invented intrusion set, its tools and traces, as STIX 2.1 objects.

Everything is fictional: names are ours, domains end in .example (RFC 2606), addresses come from the documentation
ranges (RFC 5737, RFC 3849), file hashes are those of sentences written here. The same member gets the same objects.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

import msgspec

from entente.core.marking import Tlp
from entente.formats.stix.markings import TLP_IDS

HARBOUR: Final = "Harbour CERT"
NORTHWIND: Final = "Northwind Sector ISAC"
AGREEMENT: Final = "Harbour and Northwind, early warning"
INDICATORS: Final = 300

Stix = dict[str, object]

_BEGIN: Final = datetime(2026, 10, 5, 8, 0, tzinfo=UTC)
_TECHNIQUES: Final = (
    (
        "Invoice with a calendar file",
        "A message about a late invoice carries a calendar file whose link fetches a script.",
    ),
    ("Borrowed update service", "The script registers itself as an update service and starts with the machine."),
    ("Slow upload in small pieces", "Files leave in pieces of a few kilobytes between two and four in the morning."),
)


class Corpus:
    """The objects of one member, made from its STIX identity."""

    def __init__(self, identity: str, name: str) -> None:
        self.identity = identity
        self.name = name

    def bundle(self) -> bytes:
        """Return the report of the demonstration with everything that it names, and one object for named persons."""
        return _bundle([*self._report(), self._for_named_persons()])

    def update(self) -> bytes:
        """Return a newer version of the first indicator."""
        newer = self._indicator(0) | {
            "modified": _time(60 * 24),
            "confidence": 95,
            "description": "Seen again from a second network: the confidence is higher now.",
        }
        return _bundle([newer])

    def sighting(self, indicator: str) -> bytes:
        """Return what this member saw of another member's indicator."""
        seen = self._object("sighting", "first answer") | {
            "sighting_of_ref": indicator,
            "where_sighted_refs": [self.identity],
            "first_seen": _time(60 * 26),
            "last_seen": _time(60 * 27),
            "count": 3,
            "summary": False,
        }
        return _bundle([self._identity(), seen])

    def first_indicator(self) -> str:
        """Return the id of the indicator that `update` changes."""
        return _id("indicator", f"{self.identity} 0")

    def first_sighting(self) -> str:
        """Return the id of what `sighting` gives."""
        return _id("sighting", f"{self.identity} first answer")

    def _report(self) -> Iterator[Stix]:
        """Yield the identity, the actors, the indicators, what links them, and the report that names them all."""
        actors = [self._intrusion_set(), self._malware(), *self._techniques()]
        indicators = [self._indicator(number) for number in range(INDICATORS)]
        links = [*self._links(actors), *self._indicates(indicators, str(actors[1]["id"]))]
        yield self._identity()
        yield from actors
        yield from indicators
        yield from links
        yield self._object("report", "Lantern Quay") | {
            "name": "Lantern Quay turns to port operators",
            "description": "Since early October an intrusion set that we call Lantern Quay writes to port operators "
            "about late invoices. We list what we have seen and how it may be found.",
            "report_types": ["threat-report"],
            "published": _time(120),
            "object_refs": [str(one["id"]) for one in (*actors, *indicators, *links)],
        }

    def _identity(self) -> Stix:
        return {
            "type": "identity",
            "spec_version": "2.1",
            "id": self.identity,
            "created": _time(0),
            "modified": _time(0),
            "name": self.name,
            "identity_class": "organization",
            "object_marking_refs": [TLP_IDS[Tlp.CLEAR]],
        }

    def _intrusion_set(self) -> Stix:
        return self._object("intrusion-set", "Lantern Quay") | {
            "name": "Lantern Quay",
            "description": "Patient, works in the early morning, interested in cargo manifests.",
            "goals": ["cargo manifests"],
            "resource_level": "organization",
            "primary_motivation": "organizational-gain",
        }

    def _malware(self) -> Stix:
        return self._object("malware", "Tidewrack") | {
            "name": "Tidewrack",
            "description": "A remote-access tool that hides in a service for updates.",
            "malware_types": ["remote-access-trojan"],
            "is_family": True,
        }

    def _techniques(self) -> Iterator[Stix]:
        for name, description in _TECHNIQUES:
            yield self._object("attack-pattern", name) | {"name": name, "description": description}

    def _indicator(self, number: int) -> Stix:
        name, pattern = _trace(number)
        return self._object("indicator", str(number)) | {
            "name": name,
            "description": "Seen on the way to or from a machine that Tidewrack had taken.",
            "indicator_types": ["malicious-activity"],
            "pattern": pattern,
            "pattern_type": "stix",
            "pattern_version": "2.1",
            "valid_from": _time(number),
            "valid_until": _time(60 * 24 * 180),
            "confidence": 70 + number % 20,
        }

    def _links(self, actors: list[Stix]) -> Iterator[Stix]:
        intrusion_set, malware, *techniques = (str(one["id"]) for one in actors)
        yield self._link(intrusion_set, "uses", malware)
        for technique in techniques:
            yield self._link(intrusion_set, "uses", technique)

    def _indicates(self, indicators: list[Stix], malware: str) -> Iterator[Stix]:
        for indicator in indicators:
            yield self._link(str(indicator["id"]), "indicates", malware)

    def _link(self, source: str, verb: str, target: str) -> Stix:
        return self._object("relationship", f"{source} {verb} {target}") | {
            "relationship_type": verb,
            "source_ref": source,
            "target_ref": target,
        }

    def _for_named_persons(self) -> Stix:
        """Return an object that no circle may get: TLP:RED is for named persons."""
        return self._object("note", "how we know", Tlp.RED) | {
            "abstract": "How we know of Lantern Quay",
            "content": "The first hint came from a person whose name stays between two desks.",
            "object_refs": [_id("intrusion-set", f"{self.identity} Lantern Quay")],
        }

    def _object(self, kind: str, what: str, tlp: Tlp = Tlp.AMBER) -> Stix:
        """Return what every object of this member has in common."""
        return {
            "type": kind,
            "spec_version": "2.1",
            "id": _id(kind, f"{self.identity} {what}"),
            "created_by_ref": self.identity,
            "created": _time(60),
            "modified": _time(60),
            "object_marking_refs": [TLP_IDS[tlp]],
        }


def _trace(number: int) -> tuple[str, str]:
    """Return the name and the pattern of a domain, an address of either version, or a file, in turn."""
    place = number // 5
    match number % 5:
        case 0 | 1:
            domain = f"berth-{place}{'ab'[number % 5]}.lantern-quay.example"
            return f"Control server {domain}", f"[domain-name:value = '{domain}']"
        case 2:
            address = f"{('192.0.2', '198.51.100', '203.0.113')[place % 3]}.{1 + place}"
            return f"Control server {address}", f"[ipv4-addr:value = '{address}']"
        case 3:
            address = f"2001:db8:4::{place + 1:x}"
            return f"Control server {address}", f"[ipv6-addr:value = '{address}']"
        case _:
            digest = sha256(f"This stands for file {place} of the invented tool Tidewrack.".encode()).hexdigest()
            return f"Tidewrack, build {place}", f"[file:hashes.'SHA-256' = '{digest}']"


def _time(minutes: int) -> str:
    return (_BEGIN + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _id(kind: str, what: str) -> str:
    """Return an id in the layout of a random UUID, the same for the same words."""
    digits = sha256(f"entente demonstration {kind} {what}".encode()).hexdigest()
    variant = "89ab"[int(digits[16], 16) % 4]
    return f"{kind}--{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:32]}"


def _bundle(objects: list[Stix]) -> bytes:
    head = {"type": "bundle", "id": _id("bundle", str(objects[0]["id"])), "objects": objects}
    return msgspec.json.encode(head)
