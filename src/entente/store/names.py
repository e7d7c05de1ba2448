"""STIX ids as the stores look them up: what stands before the dashes, what after them, and a short key for a UUID."""

from __future__ import annotations

from typing import Final, TypeAlias

UUID_LENGTH: Final = 36
KEY_DIGITS: Final = 16
KEY_BASE: Final = 1 << 63


Name: TypeAlias = "tuple[str, str, int | None]"
"""A STIX id in parts: up to and with its first `--` (empty if it has none), the rest, and the key of the rest.

The key is the first 64 bits of the UUID as a signed number that sorts like it; None if the rest is no UUID.
"""


def parts(stix_id: str) -> Name:
    """Return the parts of a STIX id."""
    lead, dashes, tail = stix_id.partition("--")
    if not dashes:
        lead, tail = "", stix_id
    digits = tail[:18].replace("-", "")
    if len(tail) == UUID_LENGTH and len(digits) == KEY_DIGITS and digits.isascii() and digits.isalnum():
        try:
            return lead + dashes, tail, int(digits, 16) - KEY_BASE
        except ValueError:
            pass
    return lead + dashes, tail, None


class Names(dict[str, Name]):
    """The parts of the STIX ids that were asked for, each taken apart once."""

    def __missing__(self, stix_id: str) -> Name:
        name = self[stix_id] = parts(stix_id)
        return name


def keys_from(start: str) -> tuple[int, int] | None:
    """Return the smallest and the largest key of the UUIDs that begin with `start`; None if none can."""
    digits = start.replace("-", "")[:KEY_DIGITS]
    if not set(digits) <= set("0123456789abcdefABCDEF"):
        return None
    return int(digits.ljust(KEY_DIGITS, "0"), 16) - KEY_BASE, int(digits.ljust(KEY_DIGITS, "f"), 16) - KEY_BASE
