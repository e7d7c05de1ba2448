"""One request to an endpoint that this node's operator has allowed: no redirect, a time limit, a bounded answer."""

from __future__ import annotations

import http.client
import ssl
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from entente.core.errors import InvalidError, TransportError

if TYPE_CHECKING:
    from collections.abc import Mapping

METHODS: Final = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
MAX_ANSWER: Final = 256 << 10


def call(method: str, url: str, headers: Mapping[str, str], body: bytes | None, *, timeout: float) -> tuple[int, bytes]:
    """Send one request and return status and body, at most 256 KiB of it.

    A certificate is checked against the system's authorities. TransportError if there is no answer in time,
    InvalidError for a method or address that cannot be used.
    """
    parts = urlsplit(url)
    if method not in METHODS or parts.scheme not in {"http", "https"} or not parts.hostname:
        raise InvalidError(f"{method[:20]} {url[:200]} is not a request that can be sent.")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        context = ssl.create_default_context()
        connection = http.client.HTTPSConnection(parts.hostname, parts.port, timeout=timeout, context=context)
    else:
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
    try:
        connection.request(method, target, body=body, headers=dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.read(MAX_ANSWER)
    except (OSError, ValueError, http.client.HTTPException) as problem:
        raise TransportError(f"{parts.hostname} did not answer: {problem}"[:300]) from problem
    finally:
        connection.close()
