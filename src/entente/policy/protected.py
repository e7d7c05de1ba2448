"""What nothing may be done to: whether a step touches an address, network, domain or name that a member protects.

docs/protocol/12-plans.md, "Effects".
"""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TYPE_CHECKING, Final

from entente.core.errors import InvalidError

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_VALUES: Final = 100_000
MAX_VALUE: Final = 512
_WORD: Final = re.compile(r"[0-9A-Za-z_\-.:/@%\[\]]+")
_DOMAIN: Final = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")

Network = IPv4Network | IPv6Network


def read(text: str) -> list[str]:
    """Return the values of a list, one a line; empty lines and those that begin with # are left out.

    InvalidError if there are too many, or one is too long.
    """
    values = [line.strip() for line in text.splitlines()]
    values = [value for value in values if value and not value.startswith("#")]
    if len(values) > MAX_VALUES or any(len(value) > MAX_VALUE for value in values):
        raise InvalidError(f"A list has at most {MAX_VALUES} values of at most {MAX_VALUE} characters.")
    return sorted(set(values))


def touched(values: Iterable[str], texts: Iterable[str]) -> list[str]:
    """Return which of the protected values the texts of a step (targets, commands) would touch.

    An address touches its networks and the other way round; a domain its subdomains and its parents; anything else
    counts where it stands in a text as it is, whatever its case.
    """
    whole = "\n".join(texts).casefold()
    words = set(_WORD.findall(whole))
    networks = [network for word in words for network in _networks(word)]
    domains = {domain for word in words for domain in _DOMAIN.findall(word)}
    return [value for value in values if _touches(value.casefold(), whole, networks, domains)]


def _touches(value: str, whole: str, networks: list[Network], domains: set[str]) -> bool:
    own = _networks(value)
    if own:
        return any(_overlap(one, other) for one in own for other in networks)
    if _DOMAIN.fullmatch(value):
        return any(
            domain == value or domain.endswith(f".{value}") or value.endswith(f".{domain}") for domain in domains
        )
    return value in whole


def _overlap(one: Network, other: Network) -> bool:
    if isinstance(one, IPv4Network) and isinstance(other, IPv4Network):
        return one.overlaps(other)
    return isinstance(one, IPv6Network) and isinstance(other, IPv6Network) and one.overlaps(other)


def _networks(word: str) -> list[Network]:
    """Return the address or network that a word is or holds: plain, with a port, in brackets, or inside a URL."""
    found: list[Network] = []
    inside = word.split("://", 1)[-1].rsplit("@", maxsplit=1)[-1]
    host = inside.split("/", 1)[0]
    for text in {word, inside, host, host.rsplit(":", 1)[0], host.strip("[]"), host.rsplit(":", 1)[0].strip("[]")}:
        try:
            found.append(ip_network(text.rstrip(".,;"), strict=False))
        except ValueError:
            continue
    return found
