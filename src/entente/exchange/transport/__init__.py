"""Call other members over HTTP/1.1 (RFC 9112): the only package of the lower floors that opens sockets.

A certificate is not judged by an authority but by its pin, before a byte is sent; plain HTTP goes to loopback only.
Every request ends at one deadline, however slowly the other side trickles. Decision record 0007 says why this stands
on `http.client`.
"""

from entente.exchange.transport.client import Client, HttpAnswer, Stream

__all__ = ["Client", "HttpAnswer", "Stream"]
