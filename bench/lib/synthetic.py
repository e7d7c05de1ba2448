"""Synthetic indicators for the benches: about 645 bytes, all of it follows from seed and number."""

import random

import orjson

SEED = 20_261_123
GREEN = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
AUTHOR = "identity--6d2c60f5-0e2b-4a53-8a57-2f9d9d3f1f10"
LANDS = ("example", "invalid", "test")


def uuid(chance):
    """Return a random UUID of version 4."""
    text = f"{chance.getrandbits(128) & ~(0xF << 76) & ~(0x3 << 62) | 0x4 << 76 | 0x2 << 62:032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def pattern(chance):
    """Return a pattern: two in five an address, three a domain, else a link or a hash."""
    kind = chance.randrange(20)
    if kind < 8:
        return "ipv4", f"[ipv4-addr:value = '{'.'.join(str(chance.randrange(1, 255)) for _ in range(4))}']"
    host = f"{chance.getrandbits(56):014x}.{chance.choice(LANDS)}"
    if kind < 14:
        return "domain", f"[domain-name:value = '{host}']"
    if kind < 17:
        return "url", f"[url:value = 'http://{host}/{chance.getrandbits(64):016x}.php']"
    return "sha256", f"[file:hashes.'SHA-256' = '{chance.getrandbits(256):064x}']"


def indicator(number):
    """Return indicator `number` as the bytes of one JSON object."""
    chance = random.Random(SEED << 32 | number)
    kind, what = pattern(chance)
    second = number * 7 + chance.randrange(7)
    time = (
        f"2026-{second // 2_419_200 % 9 + 1:02}-{second // 86_400 % 28 + 1:02}"
        f"T{second // 3600 % 24:02}:{second // 60 % 60:02}:{second % 60:02}.{chance.randrange(1000):03}Z"
    )
    return orjson.dumps(
        {
            "type": "indicator",
            "spec_version": "2.1",
            "id": f"indicator--{uuid(chance)}",
            "created_by_ref": AUTHOR,
            "created": time,
            "modified": time,
            "name": f"Synthetic {kind} {number}",
            "description": f"Seen in campaign {chance.randrange(97)} by sensor {chance.randrange(311)}, test range",
            "indicator_types": ["malicious-activity"],
            "pattern": what,
            "pattern_type": "stix",
            "pattern_version": "2.1",
            "valid_from": time,
            "confidence": chance.randrange(101),
            "labels": [f"feed-{chance.randrange(13)}"],
            "object_marking_refs": [GREEN],
        }
    )


def lines(start, stop):
    """Return the indicators of a range as one object a line."""
    return b"\n".join([indicator(number) for number in range(start, stop)])
