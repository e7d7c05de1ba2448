"""The pieces that shape rules of CACAO 2.0 are made of: each looks at a value and yields where it is wrong, and why."""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from ipaddress import IPv4Address, IPv6Address
from typing import Final, TypeAlias

from entente.formats.cacao.condition import is_name
from entente.formats.cacao.strict_json import items, part
from entente.formats.shapes import is_list, is_object

Finding: TypeAlias = tuple[str, str]
"""Where in the file, and what is wrong there."""
Rule: TypeAlias = Callable[[object, str], Iterator[Finding]]

UUID: Final = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-5][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}"
_IDENTIFIER: Final = re.compile(f"[a-z][a-z0-9-]+[a-z0-9]--{UUID}", re.ASCII).fullmatch
_TIMESTAMP: Final = re.compile(
    r"\d{4}-(?:0[1-9]|1[012])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d{1,12})?Z",
    re.ASCII,
).fullmatch
_MAC: Final = re.compile("[a-fA-F0-9]{2}(?::[a-fA-F0-9]{2}){5}").fullmatch


def record(required: Sequence[str] = (), /, **fields: Rule) -> Rule:
    """Make the rule for an object: these fields must be there, and those that are there must be right."""

    def look(value: object, at: str) -> Iterator[Finding]:
        if not is_object(value):
            yield at, "must be an object"
            return
        said = part(value)
        for name in required:
            if name not in said:
                yield at, f"lacks {name}"
        for name, rule in fields.items():
            if name in said:
                yield from rule(said[name], below(at, name))

    return look


def mapping(key: Rule, each: Rule, least: int = 0) -> Rule:
    """Make the rule for an object whose keys are free."""

    def look(value: object, at: str) -> Iterator[Finding]:
        if not is_object(value):
            yield at, "must be an object"
            return
        said = part(value)
        if len(said) < least:
            yield at, "must not be empty"
        for name, inner in said.items():
            yield from key(name, below(at, name))
            yield from each(inner, below(at, name))

    return look


def listing(each: Rule, least: int = 0) -> Rule:
    """Make the rule for a list of at least `least` values."""

    def look(value: object, at: str) -> Iterator[Finding]:
        if not is_list(value):
            yield at, "must be a list"
            return
        found = items(value)
        if len(found) < least:
            yield at, f"must hold at least {least}"
        for number, inner in enumerate(found):
            yield from each(inner, f"{at}[{number}]")

    return look


def both(*rules: Rule) -> Rule:
    """Make the rule that asks for all of these."""

    def look(value: object, at: str) -> Iterator[Finding]:
        for rule in rules:
            yield from rule(value, at)

    return look


def holds(test: Callable[[str], object], wanted: str) -> Rule:
    """Make the rule for a text that passes `test`."""

    def look(value: object, at: str) -> Iterator[Finding]:
        if not isinstance(value, str) or not test(value):
            yield at, f"must be {wanted}"

    return look


def one_of(*words: str) -> Rule:
    """Make the rule for a closed list of words."""
    return holds(frozenset(words).__contains__, f"one of {', '.join(words)}")


def number(least: int, most: int) -> Rule:
    """Make the rule for a whole number."""

    def look(value: object, at: str) -> Iterator[Finding]:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            yield at, f"must be a whole number from {least} to {most}"

    return look


def boolean(value: object, at: str) -> Iterator[Finding]:
    """Ask for true or false."""
    if not isinstance(value, bool):
        yield at, "must be true or false"


def nothing(_value: object, _at: str) -> Iterator[Finding]:
    """Ask for nothing."""
    return iter(())


def one_needed(*names: str) -> Rule:
    """Make the rule for an object that must have one of these fields."""

    def look(value: object, at: str) -> Iterator[Finding]:
        if is_object(value) and not any(name in part(value) for name in names):
            yield at, f"lacks {' or '.join(names)}"

    return look


def at_most_one(*names: str) -> Rule:
    """Make the rule for an object that must have exactly one of these fields."""

    def look(value: object, at: str) -> Iterator[Finding]:
        if is_object(value) and sum(name in part(value) for name in names) != 1:
            yield at, f"must have exactly one of {', '.join(names)}"

    return look


def without(*names: str) -> Rule:
    """Make the rule for an object that must not have these fields."""

    def look(value: object, at: str) -> Iterator[Finding]:
        for name in names:
            if name in part(value):
                yield below(at, name), "must not be here"

    return look


def below(at: str, name: str) -> str:
    """Name a place inside another."""
    shown = name if name.isprintable() and len(name) <= 80 else f"{name[:40]!r}"  # noqa: PLR2004
    return f"{at}.{shown}" if at else shown


def _is_time(value: str) -> bool:
    try:
        return _TIMESTAMP(value) is not None and date.fromisoformat(value[:10]).year > 0
    except ValueError:
        return False


def _is_variable(value: str) -> bool:
    return is_name(value.removesuffix(":value"))


def _is_address(kind: type[IPv4Address | IPv6Address]) -> Callable[[str], bool]:
    def test(value: str) -> bool:
        try:
            return _is_variable(value) or bool(str(kind(value)))
        except ValueError:
            return False

    return test


def _is_base64(value: str) -> bool:
    try:
        return len(binascii.a2b_base64(value, strict_mode=True)) > 0
    except ValueError:
        return False


def _is_url(value: str) -> bool:
    return 0 < len(value) <= 2000 and not any(sign.isspace() or not sign.isprintable() for sign in value)  # noqa: PLR2004


text: Final = holds(lambda _: True, "a text")
identifier: Final = holds(_IDENTIFIER, "an identifier, a word and a UUID joined by --")
timestamp: Final = holds(_is_time, "a time as 2026-01-31T12:00:00.000Z")
base64: Final = holds(_is_base64, "base64")
url: Final = holds(_is_url, "an address without spaces")
mac: Final = holds(lambda value: _is_variable(value) or _MAC(value), "a MAC address, six pairs joined by :")
ipv4: Final = holds(_is_address(IPv4Address), "an IPv4 address")
ipv6: Final = holds(_is_address(IPv6Address), "an IPv6 address")
variable_name: Final = holds(is_name, "a variable name, written __name__")
texts: Final = listing(text, 1)
