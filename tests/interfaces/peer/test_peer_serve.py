"""Listening: TLS with the pinned key, ports, deadlines, and an end that does not wait for anybody."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from entente.core.errors import InvalidError, TransportError
from entente.exchange.transport import Client
from entente.interfaces.http.serve import serve
from entente.interfaces.peer import app as peer_app
from entente.interfaces.peer.app import EVENTS_PATH, EXCHANGE_PATH
from interfaces.peer.small_node import FRIEND, Node, Partner, Running, running
from timing import CEILING, Stopwatch

if TYPE_CHECKING:
    from pathlib import Path


def dial(host: Running) -> socket.socket:
    parts = urlsplit(host.url)
    return socket.create_connection((parts.hostname or "", parts.port or 0), timeout=CEILING)


def refused(host: str, port: int, tls: tuple[str, str] | None = None) -> None:
    serve(peer_app.build(Node()), host, port, tls=tls, ready=lambda _: None, stop=threading.Event())


def test_partner_is_served_over_tls(tmp_path: Path, client: Client):
    with running(tmp_path) as host:
        answer = Partner(client, host).call(EXCHANGE_PATH, b"hello")

    assert host.url.startswith("https://127.0.0.1:")
    assert answer.body == FRIEND[:4] + b"hello"


def test_end_comes_soon_although_streams_and_connections_are_open(tmp_path: Path):
    with running(tmp_path) as host, Client() as client:
        partner = Partner(client, host)
        partner.call(EXCHANGE_PATH, b"kept alive")
        stream = client.stream(host.url, EVENTS_PATH, partner.signed("GET", EVENTS_PATH, b""), pin=host.pin)
        silent = dial(host)

        with Stopwatch() as watch:
            host.stop.set()
            events = list(stream)
            host.thread.join(CEILING)
        silent.close()

    assert events == []
    assert not host.thread.is_alive()
    assert watch.seconds < 3


def test_after_the_end_nobody_listens(client: Client):
    with running() as host:
        pass

    with pytest.raises(TransportError, match="Nobody listens"):
        client.post(host.url, EXCHANGE_PATH, {}, b"", pin=None, limit=100)


def test_taken_port_is_an_error_of_ours():
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(TransportError, match="cannot listen"):
        refused("127.0.0.1", taken.getsockname()[1])


def test_foreign_host_and_impossible_port_are_errors_of_ours():
    with pytest.raises(TransportError):
        refused("192.0.2.1", 0)
    with pytest.raises(TransportError):
        refused("127.0.0.1", 70_000)


def test_unusable_certificate_is_an_error_of_ours(tmp_path: Path):
    (tmp_path / "x").write_text("none")

    with pytest.raises(InvalidError, match="certificate"):
        refused("127.0.0.1", 0, (str(tmp_path / "x"), str(tmp_path / "x")))
    with pytest.raises(InvalidError, match="certificate"):
        refused("127.0.0.1", 0, (str(tmp_path / "y"), str(tmp_path / "y")))


@pytest.mark.slow
@pytest.mark.parametrize("head", [b"", b"POST / HTTP/1.1\r\n"])
def test_connection_without_a_head_is_ended(head: bytes):
    with running() as host, dial(host) as sock:
        sock.sendall(head)
        with Stopwatch() as watch:
            while not watch.passed(CEILING):
                try:
                    sock.sendall(b"x" if head else b"")
                    sock.settimeout(1)
                    if not sock.recv(1):
                        break
                except TimeoutError:
                    continue
                except OSError:
                    break

    assert watch.elapsed > 9
    assert watch.seconds < 13


@pytest.mark.slow
def test_partner_that_does_not_read_is_cut_off(client: Client):
    with running() as host:
        partner = Partner(client, host)
        headers = partner.signed("GET", EVENTS_PATH, b"")
        stream = client.stream(host.url, EVENTS_PATH, headers, pin=None)
        bell = host.node.bells[-1]
        for _ in range(400):
            bell.notes.put(b"x" * 60_000)

        assert bell.closed.wait(CEILING)
        stream.close()
