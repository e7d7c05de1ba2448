"""The client against servers that err on purpose: pins, deadlines, limits, broken answers, kept connections."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from entente.core.errors import LimitError, TransportError
from entente.exchange import tls
from entente.exchange.transport import Client
from timing import CEILING, Stopwatch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NOW = 1_790_000_000.0
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"


class Fake:
    """A server that does with each connection what a test wants, and keeps what came."""

    def __init__(self, serve: Callable[[socket.socket, Fake], None], context: ssl.SSLContext | None = None) -> None:
        self.received: list[bytes] = []
        self.connections = 0
        self._serve = serve
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        scheme = "https" if context else "http"
        self.url = f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._one, args=(sock,))
            self._threads.append(thread)
            thread.start()

    def _one(self, sock: socket.socket) -> None:
        try:
            with sock if self._context is None else self._context.wrap_socket(sock, server_side=True) as line:
                line.settimeout(5)
                self._serve(line, self)
        except OSError:
            sock.close()

    def take(self, sock: socket.socket) -> bytes:
        """Read one request with a short body."""
        data = b""
        while b"\r\n\r\n" not in data:
            part = sock.recv(65536)
            if not part:
                return b""
            data += part
        head, _, body = data.partition(b"\r\n\r\n")
        fields = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:])
        length = int(fields.get(b"content-length", b"0"))
        while len(body) < min(length, 1 << 20):  # a socket closed over unread bytes resets the connection
            part = sock.recv(65536)
            if not part:
                break
            body += part
        self.received.append(data)
        return data

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(CEILING)


@contextmanager
def fake(serve: Callable[[socket.socket, Fake], None], context: ssl.SSLContext | None = None) -> Iterator[Fake]:
    server = Fake(serve, context)
    try:
        yield server
    finally:
        server.close()


@contextmanager
def stalled() -> Iterator[Fake]:
    """Give a server that takes connections and then does nothing."""
    over = threading.Event()
    with fake(lambda _sock, _server: over.wait(CEILING) and None) as server:
        try:
            yield server
        finally:
            over.set()


def always(data: bytes) -> Callable[[socket.socket, Fake], None]:
    """Answer every request on a connection with the same bytes."""

    def serve(sock: socket.socket, server: Fake) -> None:
        while server.take(sock):
            sock.sendall(data)

    return serve


def once(data: bytes) -> Callable[[socket.socket, Fake], None]:
    """Answer one request and close."""

    def serve(sock: socket.socket, server: Fake) -> None:
        server.take(sock)
        sock.sendall(data)

    return serve


def trickle(data: bytes, each: float) -> Callable[[socket.socket, Fake], None]:
    """Answer a byte at a time."""

    def serve(sock: socket.socket, server: Fake) -> None:
        server.take(sock)
        for number in range(len(data)):
            sock.sendall(data[number : number + 1])
            time.sleep(each)

    return serve


@pytest.fixture
def client() -> Iterator[Client]:
    with Client(timeout=CEILING) as opened:
        yield opened


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, bytes]:
    folder: Path = tmp_path_factory.mktemp("tls")
    certificate, key = tls.make_certificate("fake", now=NOW)
    (folder / "crt").write_bytes(certificate)
    (folder / "key").write_bytes(key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "crt", folder / "key")
    return context, tls.pin_of(certificate)


def post(client: Client, server: Fake, pin: bytes | None = None, limit: int = 1000, timeout: float | None = None):
    return client.post(server.url, "/x", {"a": "b"}, b"body", pin=pin, limit=limit, timeout=timeout)


def test_answer_comes_back(client: Client):
    with fake(always(OK.replace(b"\r\n\r\n", b"\r\nX-A: 1\r\nx-a: 2\r\n\r\n"))) as server:
        answer = post(client, server)
        client.close()

    assert (answer.status, answer.body) == (200, b"ok")
    assert answer.headers["x-a"] == "1, 2"
    assert server.received[0].startswith(b"POST /x HTTP/1.1\r\n")


def test_right_pin_is_served(client: Client, certified: tuple[ssl.SSLContext, bytes]):
    context, pin = certified
    with fake(always(OK), context) as server:
        answers = [post(client, server, pin).body for _ in range(3)]
        client.close()

    assert answers == [b"ok"] * 3
    assert server.connections == 1


def test_wrong_pin_is_refused_before_a_byte_is_sent(client: Client, certified: tuple[ssl.SSLContext, bytes]):
    context, _ = certified
    with fake(always(OK), context) as server, pytest.raises(TransportError, match="another key") as caught:
        post(client, server, bytes(32))

    assert caught.value.code == "pin"
    assert server.received == []


def test_https_without_a_pin_needs_to_be_asked_for(client: Client, certified: tuple[ssl.SSLContext, bytes]):
    context, _ = certified
    with fake(always(OK), context) as server:
        with pytest.raises(TransportError, match="not known"):
            post(client, server)
        answer = client.post(server.url, "/x", {}, b"", pin=None, limit=10, unpinned=True)
        client.close()

    assert answer.body == b"ok"
    assert len(server.received) == 1


def test_connections_of_other_pins_are_not_shared(client: Client, certified: tuple[ssl.SSLContext, bytes]):
    context, pin = certified
    with fake(always(OK), context) as server:
        client.post(server.url, "/x", {}, b"", pin=None, limit=10, unpinned=True)
        post(client, server, pin)
        with pytest.raises(TransportError):
            post(client, server, bytes(32))
        client.close()

    assert server.connections == 3


def test_old_tls_is_refused(client: Client, certified: tuple[ssl.SSLContext, bytes]):
    assert client._context.minimum_version == ssl.TLSVersion.TLSv1_2
    with fake(lambda sock, _: sock.sendall(OK)) as server, pytest.raises(TransportError, match="no secure connection"):
        client.post(server.url.replace("http:", "https:"), "/x", {}, b"", pin=certified[1], limit=10)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org",
        "http://192.0.2.1:80",
        "http://127.1:80",
        "http://127.0.0.1.example.org",
        "http://[2001:db8::1]",
        "ftp://127.0.0.1",
        "//127.0.0.1",
        "127.0.0.1:80",
        "http://user@127.0.0.1",
        "http://127.0.0.1/path",
        "http://127.0.0.1?x=1",
        "http://127.0.0.1#x",
        "http://127.0.0.1:99999",
        "http://[::1",
        "http://exämple",
        "http://",
        "",
    ],
)
def test_address_that_may_not_be_called_is_refused_with_a_hint(client: Client, url: str):
    with pytest.raises(TransportError) as caught:
        client.post(url, "/x", {}, b"", pin=None, limit=10)

    assert caught.value.hint


def test_connection_is_kept_for_the_next_request(client: Client):
    with fake(always(OK)) as server:
        for _ in range(5):
            post(client, server)
        client.close()

    assert server.connections == 1


def test_connection_closed_meanwhile_is_opened_again(client: Client):
    with fake(once(OK)) as server:
        first = post(client, server)
        time.sleep(0.1)
        second = post(client, server)

    assert (first.body, second.body) == (b"ok", b"ok")
    assert server.connections == 2


def test_connection_closed_at_the_next_request_is_opened_again(client: Client):
    def serve(sock: socket.socket, server: Fake) -> None:
        server.take(sock)
        sock.sendall(OK)
        sock.recv(1)

    with fake(serve) as server:
        post(client, server)
        answer = post(client, server)
        client.close()

    assert answer.body == b"ok"
    assert server.connections == 2


def test_server_that_never_answers_is_tried_once_only(client: Client):
    with fake(once(b"")) as server, pytest.raises(TransportError, match="without an answer"):
        post(client, server)

    assert server.connections == 1


def test_slow_answer_ends_at_the_deadline(client: Client):
    with fake(trickle(OK, 0.05)) as server, Stopwatch() as watch, pytest.raises(TransportError, match="in time"):
        post(client, server, timeout=0.5)

    assert watch.elapsed > 0.4
    assert watch.seconds < 1.5


def test_server_that_does_not_read_ends_at_the_deadline(client: Client):
    with stalled() as server, pytest.raises(TransportError, match="in time"):
        client.post(server.url, "/x", {}, bytes(64 * 1024 * 1024), pin=None, limit=10, timeout=0.5)


def test_handshake_that_stalls_ends_at_the_deadline(client: Client, certified: tuple[ssl.SSLContext, bytes]):
    with stalled() as server, pytest.raises(TransportError, match="in time"):
        client.post(server.url.replace("http:", "https:"), "/x", {}, b"", pin=certified[1], limit=10, timeout=0.3)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 2000\r\n\r\n" + bytes(2000),
        b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n7d0\r\n" + bytes(2000) + b"\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n" + bytes(2000),
    ],
)
def test_answer_over_the_limit_is_refused(client: Client, answer: bytes):
    with fake(once(answer)) as server, pytest.raises(LimitError):
        post(client, server)


@pytest.mark.parametrize(
    "answer",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab",
        b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * 100_000 + b"\r\n\r\n",
    ],
)
def test_broken_answer_is_an_error_of_ours(client: Client, answer: bytes):
    with fake(once(answer)) as server, pytest.raises(TransportError) as caught:
        post(client, server)

    assert caught.value.hint


def test_early_refusal_is_read_although_the_body_was_not_taken(client: Client):
    def serve(sock: socket.socket, server: Fake) -> None:
        server.take(sock)
        sock.sendall(b"HTTP/1.1 413 Large\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno")

    with fake(serve) as server:
        answer = client.post(server.url, "/x", {}, bytes(32 * 1024 * 1024), pin=None, limit=10)

    assert (answer.status, answer.body) == (413, b"no")


def test_redirect_is_not_followed(client: Client):
    with fake(once(b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n")) as server:
        assert post(client, server).status == 302


@pytest.mark.parametrize("headers", [{"a": "b\r\nc: d"}, {"a\r\nb": "c"}])
def test_header_that_would_smuggle_is_not_sent(client: Client, headers: dict[str, str]):
    with fake(always(OK)) as server, pytest.raises(TransportError):
        client.post(server.url, "/x", headers, b"", pin=None, limit=10)


def test_many_threads_share_a_client(client: Client):
    with fake(always(OK)) as server:
        found: list[bytes] = []
        threads = [threading.Thread(target=lambda: found.append(post(client, server).body)) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        client.close()

    assert found == [b"ok"] * 20


def test_events_arrive_and_the_end_is_clean(client: Client):
    with fake(once(STREAM + b": hello\n\nevent: head\ndata: a\ndata: b\n\n")) as server:
        stream = client.stream(server.url, "/events", {}, pin=None)
        events = list(stream)

    assert [(event.name, event.data) for event in events] == [("head", b"a\nb")]
    assert stream.status == 200
    assert stream.headers["content-type"] == "text/event-stream"


def test_silent_stream_is_given_up(client: Client):
    def serve(sock: socket.socket, server: Fake) -> None:
        server.take(sock)
        sock.sendall(STREAM)
        sock.recv(1)

    with fake(serve) as server:
        stream = client.stream(server.url, "/events", {}, pin=None, heartbeat=0.2)
        with pytest.raises(TransportError, match="in time"):
            next(stream)
        assert list(stream) == []


def test_stream_that_trickles_without_a_line_is_given_up(client: Client):
    with fake(trickle(STREAM + b"x" * 40, 0.02)) as server:
        stream = client.stream(server.url, "/events", {}, pin=None, heartbeat=0.2)
        with pytest.raises(TransportError, match="in time"):
            next(stream)


def test_endless_event_is_refused(client: Client):
    with fake(once(STREAM + b"data: x\n" * 200_000)) as server:
        stream = client.stream(server.url, "/events", {}, pin=None)
        with pytest.raises(LimitError):
            next(stream)


def test_stream_cut_in_the_middle_is_an_error(client: Client):
    chunked = STREAM.replace(b"\r\n\r\n", b"\r\ntransfer-encoding: chunked\r\n\r\n")
    with fake(once(chunked + b"20\r\nevent: head\n")) as server:
        stream = client.stream(server.url, "/events", {}, pin=None)
        with pytest.raises(TransportError):
            next(stream)


@pytest.mark.parametrize("secure", [False, True])
def test_stream_is_closed_from_another_thread(client: Client, certified: tuple[ssl.SSLContext, bytes], *, secure: bool):
    def serve(sock: socket.socket, server: Fake) -> None:
        server.take(sock)
        sock.sendall(STREAM + b"data: a\n\n")
        sock.recv(1)

    context, pin = certified
    with fake(serve, context if secure else None) as server:
        stream = client.stream(server.url, "/events", {}, pin=pin if secure else None)
        assert next(stream).data == b"a"
        timer = threading.Timer(0.2, stream.close)
        timer.start()
        with Stopwatch() as watch:
            rest = list(stream)
        timer.join()

    assert rest == []
    assert watch.seconds < 2
