"""The names of all object types of the standard (STIX 2.1 sections 4 to 7)."""

from __future__ import annotations

from typing import Final

from entente.formats.shapes import words

SCO_TYPES: Final = frozenset(
    words(
        "artifact autonomous-system directory domain-name email-addr email-message file ipv4-addr ipv6-addr mac-addr "
        "mutex network-traffic process software url user-account windows-registry-key x509-certificate"
    )
)
SDO_TYPES: Final = frozenset(
    words(
        "attack-pattern campaign course-of-action grouping identity incident indicator infrastructure intrusion-set "
        "location malware malware-analysis note observed-data opinion report threat-actor tool vulnerability"
    )
)
KNOWN_TYPES: Final = (
    SCO_TYPES
    | SDO_TYPES
    | {"relationship", "sighting", "marking-definition", "language-content", "extension-definition"}
)
