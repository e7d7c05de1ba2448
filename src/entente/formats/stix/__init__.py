"""STIX 2.1 and 2.0 in one place: read files and objects, write bundles and redacted copies (STIX 2.1 sections 2 to 8).

The parts live beside it: `stix_facts` (one object), `stix_file` (one file), `stix_write` (what goes out). The verdict
for export is `stix_strict.problems`, the shared marking objects are in `stix_markings`.
"""

from __future__ import annotations

from entente.formats.stix.file import Reading, RejectedObject, Row, iter_rows, read
from entente.formats.stix.object import MAX_DEPTH, MAX_OBJECT, Facts, facts, pointers
from entente.formats.stix.types import KNOWN_TYPES, SCO_TYPES, SDO_TYPES
from entente.formats.stix.write import bundle, redact

__all__ = [
    "KNOWN_TYPES",
    "MAX_DEPTH",
    "MAX_OBJECT",
    "SCO_TYPES",
    "SDO_TYPES",
    "Facts",
    "Reading",
    "RejectedObject",
    "Row",
    "bundle",
    "facts",
    "iter_rows",
    "pointers",
    "read",
    "redact",
]
