"""Small checks of one value each, from which the rules of every STIX type are put together (STIX 2.1 section 2).

A check takes a decoded JSON value and gives the reason why it is refused, or "" when it may stand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from ipaddress import AddressValueError, IPv6Address
from typing import Final
from unicodedata import normalize

from entente.formats.shapes import is_list, is_object

Check = Callable[[object], str]

_UUID: Final = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-5][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}"
IDENTIFIER: Final = re.compile(f"([a-z][a-z0-9-]+[a-z0-9])--{_UUID}").fullmatch
_HOST_LENGTH: Final = 253
_LABEL_LENGTH: Final = 40
EXTENSION_KEY: Final = re.compile(f"extension-definition--{_UUID}").fullmatch
PROPERTY: Final = re.compile("id|[a-z][a-z0-9_]{2,249}").fullmatch
_KEY: Final = re.compile("[a-zA-Z0-9_-]{1,250}").fullmatch
_TIME: Final = re.compile(r"([0-9]{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.([0-9]{1,9}))?Z", re.ASCII).fullmatch
_LABEL: Final = re.compile("[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?").fullmatch
_IPV6: Final = re.compile("([0-9A-Fa-f:]+)(/(?:12[0-8]|1[01][0-9]|[1-9]?[0-9]))?").fullmatch
_IPV4: Final = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_ASCII_LETTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")
_PCHAR: Final = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})"
_URL: Final = re.compile(
    rf"""[A-Za-z][A-Za-z0-9+.-]*:(?:
    //(?:(?:[A-Za-z0-9._~!$&'()*+,;=:-]|%[0-9A-Fa-f]{{2}})*@)?
    (?:\[(?P<v6>[0-9A-Fa-f:]+)\]|(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{{2}})*)(?::[0-9]*)?(?:/{_PCHAR}*)*
    |{_PCHAR}+(?:/{_PCHAR}*)*
    )(?:\?(?:{_PCHAR}|[/?])*)?(?:\#(?:{_PCHAR}|[/?])*)?""",
    re.VERBOSE | re.ASCII,
).fullmatch
_HASHES: Final[Mapping[str, str]] = {
    "MD5": "[a-fA-F0-9]{32}",
    "SHA-1": "[a-fA-F0-9]{40}",
    "SHA-256": "[a-fA-F0-9]{64}",
    "SHA-512": "[a-fA-F0-9]{128}",
    "SHA3-256": "[a-fA-F0-9]{64}",
    "SHA3-512": "[a-fA-F0-9]{128}",
    "SSDEEP": "[a-zA-Z0-9/+:.]{1,128}",
    "TLSH": "[a-zA-Z0-9]{70}",
}


def present(value: object) -> str:
    """Take anything but null and the empty list, which the standard forbids."""
    if value is None:
        return "must not be null"
    return "must not be an empty list" if value == [] else ""


def text(value: object) -> str:
    """Take a string."""
    return "" if isinstance(value, str) else "must be a string"


def boolean(value: object) -> str:
    """Take true or false."""
    return "" if isinstance(value, bool) else "must be true or false"


def number(low: float, high: float) -> Check:
    """Make a check that takes a number between both bounds."""

    def check(value: object) -> str:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return "must be a number"
        return "" if low <= value <= high else f"must lie between {low} and {high}"

    return check


def integer(low: int | None = None, high: int | None = None) -> Check:
    """Make a check that takes a whole number between the bounds."""

    def check(value: object) -> str:
        if isinstance(value, bool) or not isinstance(value, int):
            return "must be a whole number"
        if (low is not None and value < low) or (high is not None and value > high):
            return "is out of its range"
        return ""

    return check


def matching(pattern: str, what: str) -> Check:
    """Make a check that takes a string which the whole `pattern` matches; `what` names it in the reason."""
    match = re.compile(pattern, re.ASCII).fullmatch

    def check(value: object) -> str:
        return "" if isinstance(value, str) and match(value) else f"must be {what}"

    return check


def one_of(words: Collection[str], what: str) -> Check:
    """Make a check that takes one of `words`."""
    allowed = frozenset(words)

    def check(value: object) -> str:
        return "" if isinstance(value, str) and value in allowed else f"must be from {what}"

    return check


def many(item: Check, least: int = 1) -> Check:
    """Make a check that takes a list of at least `least` values which `item` takes."""

    def check(value: object) -> str:
        if not is_list(value):
            return "must be a list"
        if len(value) < least:
            return f"must have at least {least} member"
        return next((f"[{place}] {why}" for place, why in enumerate(map(item, value)) if why), "")

    return check


def ref(*types: str) -> Check:
    """Make a check that takes an id of one of `types`, or any id when none is named."""

    def check(value: object) -> str:
        match = IDENTIFIER(value) if isinstance(value, str) else None
        if match is None:
            return "must be an id"
        return "" if not types or match[1] in types else f"must refer to {' or '.join(types)}"

    return check


def ref_but(*types: str) -> Check:
    """Make a check that takes an id of any type but `types`."""

    def check(value: object) -> str:
        match = IDENTIFIER(value) if isinstance(value, str) else None
        if match is None:
            return "must be an id"
        return f"must not refer to {match[1]}" if match[1] in types else ""

    return check


def parse_time(value: object) -> datetime | None:
    """Give the instant of a STIX timestamp, None when it is not one; digits beyond microseconds are cut."""
    match = _TIME(value) if isinstance(value, str) else None
    if match is None:
        return None
    try:
        return datetime.fromisoformat(f"{match[1]}.{(match[2] or '')[:6]:0<6}").replace(tzinfo=UTC)
    except ValueError:
        return None


def time(value: object) -> str:
    """Take a timestamp in UTC that a calendar knows."""
    return "must be a timestamp such as 2026-01-31T12:00:00.000Z" if parse_time(value) is None else ""


def precise_time(value: object) -> str:
    """Take a timestamp that gives at least milliseconds, as `created` and `modified` must."""
    if parse_time(value) is None or re.search(r"\.\d{3,}Z\Z", str(value)) is None:
        return "must be a timestamp with at least milliseconds"
    return ""


def fields(
    table: Mapping[str, Check], required: Collection[str] = (), some: Collection[str] = (), *, closed: bool = True
) -> Check:
    """Make a check that takes an object with the properties of `table`.

    `required` must be there, and one of `some`; other properties are refused when `closed`.
    """

    def check(value: object) -> str:
        if not is_object(value) or not value:
            return "must be an object with content"
        lacking = [name for name in required if name not in value]
        if lacking:
            return f"must have {', '.join(lacking)}"
        if some and not any(name in value for name in some):
            return f"must have one of {', '.join(some)}"
        for name, inner in value.items():
            known = table.get(name)
            why = (known or present)(inner) if known or not closed else "is not known here"
            if why:
                return f".{name} {why}"
        return ""

    return check


def dictionary(value: object) -> str:
    """Take a dictionary with plain keys and no empty values."""
    if not is_object(value) or not value:
        return "must be a dictionary with content"
    for key, inner in value.items():
        why = present(inner) if _KEY(key) else "is no key for a dictionary"
        if why:
            return f".{key} {why}"
    return ""


def dictionary_of(key: Check, inner: Check) -> Check:
    """Make a check that takes a dictionary whose keys `key` takes and whose values `inner` takes."""

    def check(value: object) -> str:
        if why := dictionary(value):
            return why
        pairs = value.items() if is_object(value) else ()
        return next((f".{name} {why}" for name, held in pairs if (why := key(name) or inner(held))), "")

    return check


hashes: Final = fields({name: matching(shape, f"a {name} value") for name, shape in _HASHES.items()})
hexes: Final = matching("(?:[a-fA-F0-9]{2})+", "pairs of hexadecimal digits")
binary: Final = matching(
    "(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)", "base64 with padding"
)
slug: Final = matching(r"[^A-Z_ \s]*[a-z][^A-Z_ \s]*", "lower case with hyphens between words")
ipv4: Final = matching(rf"{_IPV4}(?:\.{_IPV4}){{3}}(?:/(?:3[0-2]|[12]?[0-9]))?", "an IPv4 address or network")
mac: Final = matching("[0-9a-f]{2}(?::[0-9a-f]{2}){5}", "a MAC address in lower case with colons")
email: Final = matching("[a-zA-Z0-9_.+-]+@[a-zA-Z0-9-]+[.][a-zA-Z0-9.-]+", "an e-mail address")


def url(value: object) -> str:
    """Take a URL or URN as RFC 3986 spells it, in ASCII."""
    match = _URL(value) if isinstance(value, str) else None
    good = match is not None and (match["v6"] is None or not ipv6(match["v6"]))
    return "" if good else "must be a URL as in RFC 3986"


def ipv6(value: object) -> str:
    """Take an IPv6 address or network, without zone and without dotted digits."""
    match = _IPV6(value) if isinstance(value, str) else None
    try:
        IPv6Address("" if match is None else match[1])
    except AddressValueError:
        return "must be an IPv6 address or network"
    return ""


def domain(value: object) -> str:
    """Take a host name, also one with letters beyond ASCII (RFC 5891); what is doubtful is refused."""
    if not isinstance(value, str) or len(value) > _HOST_LENGTH:
        return "must be a host name"
    good = all(map(_is_label, value.removesuffix(".").split(".")))
    return "" if good else "must be a host name"


def _is_label(label: str) -> bool:
    """Say whether one part of a host name is safe to call valid."""
    if label.startswith("xn--"):
        try:
            decoded = label[4:].encode("ascii").decode("punycode")
        except UnicodeError:
            return False
        return not decoded.isascii() and decoded.encode("punycode").decode() == label[4:] and _is_label(decoded)
    if label.isascii():
        return _LABEL(label) is not None and label[2:4] != "--"
    return (
        len(label) <= _LABEL_LENGTH
        and label[0] != "-" != label[-1]
        and label[2:4] != "--"
        and normalize("NFKC", label).lower() == label
        and all(map(_is_letter, label.replace("-", "a")))
    )


def _is_letter(sign: str) -> bool:
    """Say whether a sign may stand in a host name, of the scripts that are read from left to right."""
    return (
        sign in _ASCII_LETTERS
        or "\u00df" <= sign <= "\u017f"
        or "\u03ac" <= sign <= "\u03ce"
        or "\u0430" <= sign <= "\u045f"
        or "\u4e00" <= sign <= "\u9fa5"
        or "\uac00" <= sign <= "\ud7a3"
    ) and sign != "\u00f7"
