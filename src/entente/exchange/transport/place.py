"""Where a partner may be called, and how a connection to it is opened: TLS to its pin, or plainly to this machine."""

from __future__ import annotations

import ipaddress
import re
import socket
import ssl
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from typing_extensions import override

from entente.core.errors import InvalidError, TransportError
from entente.exchange import tls
from entente.exchange.transport.connection import Connection, Line, explained, seconds_left

CONNECT_TIMEOUT: Final = 10.0
"""Seconds for each address of a name; the system resolves names in its own time."""

_PORTS: Final = {"http": 80, "https": 443}
_HOST_FORM: Final = re.compile(r"[a-z0-9._:-]{1,253}")
_URL_HINT: Final = "An address looks like https://name.example:8443, without a path."


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a partner is called, and by which key it is known; also the name under which connections are kept."""

    secure: bool
    host: str
    port: int
    pin: bytes | None

    @property
    def authority(self) -> str:
        """Return host and port as the Host field spells them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @override
    def __str__(self) -> str:
        return f"{'https' if self.secure else 'http'}://{self.authority}"


def read_place(url: str, pin: bytes | None, *, unpinned: bool) -> Endpoint:
    """Read the address of a partner; raise TransportError unless it may be called as asked."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise TransportError(f"{url[:200]!r} is not an address.", hint=_URL_HINT) from error
    plain = parts.path in ("", "/") and not parts.query and not parts.fragment and "@" not in parts.netloc
    if parts.scheme not in _PORTS or _HOST_FORM.fullmatch(host) is None or not plain:
        raise TransportError(f"{url[:200]!r} is not the address of a member.", hint=_URL_HINT)
    secure = parts.scheme == "https"
    place = Endpoint(secure, host, port or _PORTS[parts.scheme], pin)
    if not secure and host != "localhost" and not _is_loopback(host):
        raise TransportError(
            f"{url[:200]!r} would be called without TLS; that is allowed on this machine only.",
            hint="Ask the partner for an https address.",
        )
    if secure and pin is None and not unpinned:
        raise TransportError(
            f"The key of {url[:200]!r} is not known, so nothing is sent.",
            hint="Pair with this member, or read its card.",
        )
    return place


def connect(place: Endpoint, context: ssl.SSLContext, deadline: float) -> Connection:
    """Open a connection; raise TransportError unless it leads to the key that is pinned, or to this machine."""
    try:
        sock = _dial(place, deadline)
    except (OSError, ValueError) as error:
        raise explained(error, str(place)) from error
    try:
        if place.secure:
            sock.settimeout(seconds_left(deadline))
            secured = context.wrap_socket(sock, server_hostname=place.host)
            sock = secured
            _check_pin(place, secured.getpeercert(binary_form=True))
        else:
            _check_peer(place, str(sock.getpeername()[0]))
    except (OSError, ValueError) as error:
        sock.close()
        raise explained(error, str(place)) from error
    except BaseException:
        sock.close()
        raise
    return Connection(Line(sock, deadline), str(place), place.authority)


def _dial(place: Endpoint, deadline: float) -> socket.socket:
    """Try the addresses of a host one after the other."""
    failure: OSError = OSError("the name has no address")
    for family, kind, protocol, _, address in socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(min(CONNECT_TIMEOUT, seconds_left(deadline)))
            sock.connect(address)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            sock.close()
            failure = error
        else:
            return sock
    raise failure


def _check_peer(place: Endpoint, address: str) -> None:
    """Refuse a name for this machine that leads elsewhere."""
    if not _is_loopback(address):
        raise TransportError(f"{place} is not on this machine, so it is not called without TLS.")


def _check_pin(place: Endpoint, certificate: bytes | None) -> None:
    if place.pin is None:
        return
    try:
        found = tls.pin_of_der(certificate or b"")
    except InvalidError:
        found = b""
    if found != place.pin:
        raise TransportError(
            f"{place} has another key than the one that its member published, so nothing was sent.",
            code="pin",
            hint="If the partner renewed its certificate, it must publish the new key; ask it by another way.",
        )


def make_context() -> ssl.SSLContext:
    """Make a context that accepts any certificate, because the pin decides."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
