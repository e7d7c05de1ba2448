"""Seeded ways to break an object in one place or two."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from formats.strict_corpus import V5, Object, U

if TYPE_CHECKING:
    import random

_VALUES: list[Any] = [
    None,
    [],
    {},
    "",
    "x",
    0,
    -1,
    5,
    5.0,
    5.5,
    10**30,
    True,
    False,
    ["x"],
    [None],
    [[]],
    [1],
    {"x": 1},
    {"id": "x", "type": "y"},
    [{"id": f"tool--{U}", "type": "tool"}],
    "2026-13-01T00:00:00.000Z",
    "2026-02-30T00:00:00.000Z",
    "2026-02-01T00:00:60.000Z",
    "2026-02-01T00:00:00Z",
    "0000-02-01T00:00:00.000Z",
    "2025-02-01T00:00:00.000Z",
    "2026-03-02T10:00:00.123456789Z",
    "2026-02-01T00:00:00.000+00:00",
    "2026-02-01T00:00:00.000Z\n",
    "tool--" + U,
    "tool--" + V5,
    "Tool--" + U,
    "tool--" + U.upper(),
    "tool--0c7b5b88-8ff7-0a4d-aa9d-feb398cd0061",
    "relationship--" + U,
    "bundle--" + U,
    "marking-definition--" + U,
    "file--" + V5,
    "http://[::1]/",
    "http://a b/",
    "not a url",
    "mailto:a@b.example",
    "UPPER",
    "with space",
    "under_score",
    "é",
    "\ud7ff\u0000",
    "198.51.100.300",
    "01.2.3.4",
    "::1",
    "fe80::1%eth0",
    "::ffff:1.2.3.4",
    "a@b",
    "HKLM\\x",
    "2.0",
    "2.1",
    "en-GB",
    "stix",
    "unknown",
    "[a:b = 1]",
    "[file:name = 'x'",
    "[file:name = 'x'] AND",
    "[file:hashes.MD5 = 'x']",
    "[file:hashes.MD5 LIKE 'x']",
    "[file:hashes[0] = 'x']",
    "[ipv4-addr:value = 'x'] WITHIN -5 SECONDS",
    "[ipv4-addr:value = 'x'] WITHIN 5 SECONDS WITHIN 6 SECONDS",
    "[ipv4-addr:value == 'x' or ipv4-addr:value = 'y']",
]
_NAMES = [
    "x_custom",
    "foo",
    "Foo",
    "a",
    "ab_bin",
    "severity",
    "action",
    "lang",
    "name",
    "description",
    "confidence",
    "labels",
    "created",
    "modified",
    "created_by_ref",
    "revoked",
    "extensions",
    "granular_markings",
    "object_marking_refs",
    "external_references",
    "definition",
    "objects",
    "object_refs",
    "hashes",
    "body",
    "end",
    "url",
    "extension_properties",
    "pattern_version",
    "is_active",
    "x" * 251,
    "naïve",
    "with-hyphen",
]


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """List the paths of all parts of a value."""
    found = [path] if path else []
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        found += _places(inner, (*path, key))
    return found


def mutate(original: Object, rng: random.Random) -> Object:
    """Break one thing, sometimes two."""
    value = copy.deepcopy(original)
    for _ in range(1 + (rng.random() < 0.2)):
        place = rng.choice(_places(value) or [("type",)])
        holder = value
        for step in place[:-1]:
            holder = holder[step]
        key, kind = place[-1], rng.random()
        if kind < 0.2 and isinstance(holder, dict):
            holder.pop(key, None)
        elif kind < 0.45 and isinstance(holder, dict):
            holder[rng.choice(_NAMES)] = copy.deepcopy(rng.choice(_VALUES))
        elif kind < 0.6 and isinstance(holder.get(key) if isinstance(holder, dict) else holder[key], str):
            holder[key] = _spoil(holder[key], rng)
        else:
            holder[key] = copy.deepcopy(rng.choice(_VALUES))
    return value


def _spoil(text: str, rng: random.Random) -> str:
    """Change one place of a text."""
    at = rng.randrange(len(text) + 1)
    added = rng.choice(["", "'", " ", "A", "0", "-", "_", "\n", "é", "]", "(", "%", ".", "--", "\\", ":", "Z"])
    return rng.choice(
        [text[:at] + added + text[at + 1 :], text[:at] + added + text[at:], text[:at], text.upper(), text + added]
    )
