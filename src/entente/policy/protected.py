"""What nothing may be done to: whether a step touches an address, network, domain or name that a member protects.

docs/protocol/12-plans.md, "Effects".
"""

from __future__ import annotations

import re
import unicodedata
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address, ip_network, summarize_address_range
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

    An address touches its networks and the other way round, in whatever spelling; a domain its subdomains and its
    parents; anything else counts where it stands in a text as it is, whatever its case.
    """
    whole = unicodedata.normalize("NFKC", "\n".join(texts)).casefold().replace("\u3002", ".")
    words = set(_WORD.findall(whole))
    networks = [network for word in words for network in _networks(word)]
    domains = {domain for word in words for domain in _DOMAIN.findall(word)}
    return [value for value in values if _touches(_plain(value), whole, networks, domains)]


def _plain(value: str) -> str:
    plain = unicodedata.normalize("NFKC", value).casefold()
    return plain.rstrip(".") or plain


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
    one, other = _as_v4(one), _as_v4(other)
    if isinstance(one, IPv4Network) and isinstance(other, IPv4Network):
        return one.overlaps(other)
    return isinstance(one, IPv6Network) and isinstance(other, IPv6Network) and one.overlaps(other)


def _as_v4(network: Network) -> Network:
    """Return the IPv4 network that one of IPv6 stands for (::ffff:0:0/96), else itself."""
    mapped = network.network_address.ipv4_mapped if isinstance(network, IPv6Network) else None
    return network if mapped is None else ip_network((mapped, max(network.prefixlen - 96, 0)), strict=False)


def _range(word: str) -> list[Network]:
    """Return the networks between two addresses that are written with a hyphen, none for other words."""
    try:
        first, last = (ip_address(text) for text in word.rstrip(".").split("-"))
        return list(summarize_address_range(first, last))  # TypeError unless of one version
    except (ValueError, TypeError):
        return []


def _number(host: str) -> str:
    """Return an address that is written as one number in a URL as others write it, anything else as it is."""
    try:
        value = int(host, 0) if host[:1].isdigit() else -1
    except ValueError:
        return host
    return str(IPv4Address(value)) if 0 <= value < 1 << 32 else host


def _networks(word: str) -> list[Network]:
    """Return the address or network that a word is or holds: plain, a range, with a port, in brackets, in a URL."""
    found: list[Network] = _range(word)
    inside = word.split("://", 1)[-1].rsplit("@", maxsplit=1)[-1]
    host = inside.split("/", 1)[0]
    bare = host.rsplit(":", 1)[0]
    as_number = {_number(bare)} if "://" in word else set[str]()
    for text in {word, inside, host, bare, host.strip("[]"), bare.strip("[]"), *as_number}:
        try:
            found.append(ip_network(text.rstrip(".,;"), strict=False))
        except ValueError:
            continue
    return found
