"""Whatever comes over the network, the node answers in one form, stays up, and serves the next honest round.

A real node on a real socket gets garbage from strangers on every endpoint, and signed garbage from a paired partner:
bombs, wrong hashes, bodies that are no messages, requests that are replayed, moved, or signed by somebody else.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec
import pytest
import zstandard

from entente.core import merkle
from entente.core.ids import origin_hash
from entente.exchange.http_signature import sign_request, signature_of, verify_answer
from entente.exchange.messages import CONTENT_TYPE, Cosignature, Delivery, Head, Message, Part, Want, encode
from entente.ledger.package import Package
from stories.homes import House, agree, houses, pair, settle
from stories.story import give, holds, id_of, indicator
from timing import CEILING, Stopwatch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entente.core.ids import Member

EXCHANGE, EVENTS, PAIR, ACCEPT = (f"/entente/v1/{name}" for name in ("exchange", "events", "pair", "accept"))
JSON = "application/json"
ZEROS = zstandard.ZstdCompressor(level=19).compress(bytes(64 << 20))
GARBAGE: dict[str, bytes] = {
    "nothing": b"",
    "a byte": b"\0",
    "text": b"hello",
    "not UTF-8": b'{"v":\xff\xfe}',
    "null": b"null",
    "an array": b"[]",
    "a number": b"1e999",
    "deep arrays": b"[" * 100_000,
    "deep objects": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "twice the same key": b'{"v":1,"v":2}',
    "a lone surrogate": b'{"v":"\\ud800"}',
    "random": os.urandom(3_000),
    "a bomb": ZEROS,
}


@dataclass
class Reply:
    """An answer as it came."""

    status: int
    headers: dict[str, str]
    body: bytes

    def error(self) -> dict[str, str]:
        """Return the error in the one form of every error."""
        document = json.loads(self.body)
        assert set(document) == {"error"}
        assert set(document["error"]) == {"code", "message", "hint"}
        assert "Traceback" not in self.body.decode()
        return dict(document["error"])


class Scene:
    """Harbour listens; Northwind is its partner and has a second face that sends whatever it likes."""

    def __init__(self, harbour: House, northwind: House) -> None:
        self.harbour, self.northwind = harbour.node, northwind.node
        self.port = harbour.port
        pair(self.harbour, self.northwind)
        self.circle = agree(self.harbour, self.northwind)
        self._number = 0

    def send(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Reply:
        """Send one request as it is."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=CEILING)
        try:
            line.request(method, path, body, headers)
            answer = line.getresponse()
            return Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            line.close()

    def signed(
        self, method: str, path: str, body: bytes, *, shift: int = 0, to: Member | None = None
    ) -> dict[str, str]:
        """Return the headers that make a request Northwind's."""
        base = self.northwind.base
        return sign_request(
            method,
            path,
            "",
            body,
            sender=base.me,
            receiver=to or self.harbour.base.me,
            seed=base.keys.secrets.seed("transport"),
            created=base.clock() // 1000 + shift,
            nonce=os.urandom(16),
        )

    def say(self, path: str, body: bytes, kind: str = CONTENT_TYPE) -> Reply:
        """Send a signed request; the answer must be signed too, also when it is an error."""
        headers = self.signed("POST", path, body)
        reply = self.send("POST", path, body, {**headers, "content-type": kind})
        with self.northwind.base.store.read() as tx:
            key = self.northwind.base.history(tx, self.harbour.base.me).current.transport
        verify_answer(
            reply.status,
            reply.headers,
            reply.body,
            request_signature=signature_of(headers),
            me=self.northwind.base.me,
            sender=self.harbour.base.me,
            key=key,
        )
        return reply

    def honest(self) -> None:
        """See that the node still serves: an honest item arrives both ways."""
        self._number += 1
        there, back = indicator(1000 + self._number), indicator(5000 + self._number)
        give(self.northwind, self.circle, there)
        give(self.harbour, self.circle, back)
        settle(self.northwind)
        assert holds(self.harbour, id_of(there))
        assert holds(self.northwind, id_of(back))
        assert self.harbour.ledger.verify().ok


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with houses(tmp_path_factory.mktemp("doors"), "Harbour", "Northwind") as found:
        for house in found:
            house.node.exchange.manners.most = 1_000_000  # nearly all that is sent here does not verify
        yield Scene(*found)


@pytest.mark.parametrize("path", [EXCHANGE, PAIR, ACCEPT, EVENTS])
@pytest.mark.parametrize("body", list(GARBAGE))
def test_a_stranger_is_refused_in_one_form(scene: Scene, path: str, body: str) -> None:
    method = "GET" if path == EVENTS else "POST"
    kind = CONTENT_TYPE if path == EXCHANGE else JSON
    reply = scene.send(method, path, GARBAGE[body], {"content-type": kind})
    assert reply.error()["message"]
    expected = {400, 413} if path == PAIR else {401}
    assert reply.status in expected


def test_the_node_serves_after_all_strangers(scene: Scene) -> None:
    scene.honest()


@pytest.mark.parametrize("body", list(GARBAGE))
def test_signed_garbage_of_a_partner_is_refused_and_the_refusal_is_signed(scene: Scene, body: str) -> None:
    for path, kind in ((EXCHANGE, CONTENT_TYPE), (ACCEPT, JSON)):
        reply = scene.say(path, GARBAGE[body], kind)
        assert reply.status in {400, 413}
        assert reply.error()["code"]


def packed(value: object) -> bytes:
    return zstandard.ZstdCompressor().compress(msgspec.msgpack.encode(value))


def frame(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


BOMBS: dict[str, bytes] = {
    "16 MiB and a byte": frame(bytes((16 << 20) + 1)),
    "64 MiB of zeros in a small frame": ZEROS,
    "many frames": frame(bytes(1 << 20)) * 200,
    "a frame that promises too much": b"\x28\xb5\x2f\xfd\xe0" + b"\xff" * 8 + b"\x01\x00\x00",
    "a window of 2 GiB": b"\x28\xb5\x2f\xfd\x00\xa8" + b"\x01\x00\x00",
    "a frame cut short": frame(b"x" * 1000)[:-3],
    "deep arrays": frame(b"\x91" * 1_000_000),
    "deep maps": frame(b"\x81\xa1a" * 300_000),
    "an array that promises four thousand million": frame(b"\xdd\xff\xff\xff\xff"),
    "a text that promises four thousand million": frame(b"\x9b\x01\xc2\x90\xc6\xff\xff\xff\xff"),
    "an extension": frame(b"\xc7\x01\x05\x00"),
    "a text that is not UTF-8": packed([1, False, [], b"", [], [], [], [], [], [[b"x", b"y", b"z"]], False]),
    "a map": packed({"version": 1}),
    "another version": packed([2]),
    "too few fields, of wrong types": packed([1, 2, 3, 4]),
    "heads without end": packed([1, True, [[bytes(32), 0, bytes(32)]] * 5_000]),
    "wants without end": packed([1, True, [], b"", [], [], [], [[bytes(32), list(range(5_000))]]]),
    "a head that is negative": packed([1, True, [[bytes(32), -1, bytes(32)]]]),
    "a head beyond every size": packed([1, True, [[bytes(32), (1 << 64) - 1, bytes(32)]]]),
    "hashes of another length": packed([1, True, [[bytes(31), 0, bytes(32)]]]),
    "an offer without end": packed([1, False, [], b"", [b"x" * (2 << 20 | 1)]]),
}


@pytest.mark.parametrize("bomb", list(BOMBS))
def test_a_bomb_is_refused_quickly(scene: Scene, bomb: str) -> None:
    with Stopwatch() as watch:
        reply = scene.say(EXCHANGE, BOMBS[bomb])
    assert reply.status in {400, 413}
    assert reply.error()["message"]
    assert watch.seconds < 5


def messages(scene: Scene) -> dict[str, Message]:
    """Return messages that read well and say what is not so."""
    mine = scene.northwind.base
    with mine.store.read() as tx:
        room = mine.find_circle(mine.in_force(tx), scene.circle)
        row = tx.logs.get(room.origin(mine.me))
        theirs = tx.logs.get(room.origin(scene.harbour.base.me))
        assert row is not None
        assert theirs is not None
        rows = {"ours": row, "theirs": theirs}
    ours, log = origin_hash(rows["ours"].origin), origin_hash(rows["theirs"].origin)
    package = Package(row.size, ["item/1"], b"\0", [1], [3], bytes(16), b"abc", [], [])
    line = f"— {mine.me.hex()} {'A' * 40}\n"
    return {
        "a log that nobody knows": Message(parts=[Part(bytes(32), row.note, [package])]),
        "the receiver's own log": Message(parts=[Part(log, theirs.note, [package])]),
        "a note that is none": Message(parts=[Part(ours, b"\xff\xfe", [package])]),
        "a note of another log": Message(parts=[Part(ours, theirs.note, [package])]),
        "a note that covers less": Message(parts=[Part(ours, row.note, [package])]),
        "a package with a gap": Message(parts=[Part(ours, row.note, [msgspec.structs.replace(package, start=99)])]),
        "a size below zero": Message(parts=[Part(ours, row.note, [msgspec.structs.replace(package, sizes=[-1])])]),
        "columns of two lengths": Message(parts=[Part(ours, row.note, [msgspec.structs.replace(package, times=[])])]),
        "a kind that is not listed": Message(
            parts=[Part(ours, row.note, [msgspec.structs.replace(package, kinds=[])])]
        ),
        "a bare leaf that is none": Message(
            parts=[Part(ours, row.note, [msgspec.structs.replace(package, sizes=[0], payloads=b"", bare=[(0, b"x")])])]
        ),
        "an offer that is none": Message(offers=[b"{}", b"\xff", b"[" * 60_000, b'{"v":1,"agreement":"x"}']),
        "cosignatures that are none": Message(
            cosignatures=[
                Cosignature(log, mine.me, stage, 1, bytes(32), line) for stage in ("witnessed", "stored", "x")
            ]
        ),
        "a cosignature of a stranger": Message(
            cosignatures=[Cosignature(log, bytes(32), "witnessed", 1, bytes(32), line)]
        ),
        "payloads that nobody asked for": Message(
            deliveries=[Delivery(ours, index, bytes(16), b"x") for index in (0, -1, 1 << 62)]
        ),
        "payloads that nobody has": Message(wants=[Want(log, [-1, 0, 1 << 62]), Want(bytes(32), [0])]),
        "heads of logs that nobody knows": Message(
            full=True, heads=[Head(bytes([at]) * 32, at, merkle.EMPTY_ROOT) for at in range(200)]
        ),
    }


def test_messages_that_say_what_is_not_so_change_nothing(scene: Scene) -> None:
    for name, message in messages(scene).items():
        before = [(log.origin, log.size) for log in scene.harbour.ledger.verify().logs]
        reply = scene.say(EXCHANGE, encode(message))
        assert reply.status in {200, 400, 403}, (name, reply.body)
        report = scene.harbour.ledger.verify()
        assert report.ok, name
        assert [(log.origin, log.size) for log in report.logs] == before, name


def test_the_node_serves_after_all_garbage(scene: Scene) -> None:
    scene.honest()


def test_a_head_that_nobody_signed_is_no_reason_for_doubt(scene: Scene) -> None:
    """A partner may claim to hold more of our log than there is; without our own signature that stops nothing."""
    mine = scene.northwind.base
    with mine.store.read() as tx:
        room = mine.find_circle(mine.in_force(tx), scene.circle)
    head = Head(origin_hash(room.origin(scene.harbour.base.me)), 1_000_000, bytes(32))
    assert scene.say(EXCHANGE, encode(Message(full=True, heads=[head]))).status == 200
    assert scene.harbour.ledger.verify().problems == []
    scene.honest()


def test_a_request_for_somebody_else_is_refused(scene: Scene) -> None:
    body = encode(Message(full=True))
    other = scene.northwind.base.me
    headers = {"content-type": CONTENT_TYPE}
    cases = {
        "for another member": {**scene.signed("POST", EXCHANGE, body, to=other), **headers},
        "of an hour ago": {**scene.signed("POST", EXCHANGE, body, shift=-3600), **headers},
        "of an hour ahead": {**scene.signed("POST", EXCHANGE, body, shift=3600), **headers},
        "for another endpoint": {**scene.signed("POST", ACCEPT, body), **headers},
        "for another body": {**scene.signed("POST", EXCHANGE, body + b"x"), **headers},
        "without a digest": {
            key: value
            for key, value in {**scene.signed("POST", EXCHANGE, body), **headers}.items()
            if key.lower() != "content-digest"
        },
    }
    for name, given in cases.items():
        reply = scene.send("POST", EXCHANGE, body, given)
        assert reply.status == 401, name
        assert reply.error()["message"]


def test_a_replayed_request_changes_nothing(scene: Scene) -> None:
    give(scene.northwind, scene.circle, indicator(700))
    with scene.northwind.base.store.read() as tx:
        room = scene.northwind.base.find_circle(scene.northwind.base.in_force(tx), scene.circle)
        row = tx.logs.get(room.origin(scene.northwind.base.me))
    assert row is not None
    body = encode(Message(full=True))
    headers = {**scene.signed("POST", EXCHANGE, body), "content-type": CONTENT_TYPE}
    first, second = (scene.send("POST", EXCHANGE, body, headers) for _ in range(2))
    assert first.status == second.status == 200
    scene.honest()


RAW = {
    "not HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),
    "a line without end": b"POST " + b"a" * 100_000,
    "headers without end": b"POST /entente/v1/pair HTTP/1.1\r\n" + b"x-a: b\r\n" * 20_000,
    "a length below zero": b"POST /entente/v1/pair HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n",
    "two lengths": b"POST /entente/v1/pair HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
    "length and chunks": b"POST /entente/v1/pair HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\ntransfer-encoding: chunked"
    b"\r\n\r\n0\r\n\r\n",
    "a chunk that promises too much": b"POST /entente/v1/pair HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
    b"ffffffffffffffff\r\n",
    "a huge length": b"POST /entente/v1/pair HTTP/1.1\r\nhost: a\r\ncontent-length: 99999999999999\r\n\r\n",
    "a null byte in the path": b"GET /entente/v1/\0events HTTP/1.1\r\nhost: a\r\n\r\n",
    "an old version": b"GET /entente/v1/events HTTP/0.9\r\n\r\n",
    "a request cut short": b"POST /entente/v1/pair HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nab",
}


@pytest.mark.parametrize("raw", list(RAW))
def test_what_is_hardly_http_ends_the_connection_only(scene: Scene, raw: str) -> None:
    with socket.create_connection(("127.0.0.1", scene.port), timeout=CEILING) as line:
        try:
            line.sendall(RAW[raw])
            line.shutdown(socket.SHUT_WR)
            answer = line.recv(65_536)
        except OSError:  # it was cut off while we spoke
            answer = b""
    assert answer == b"" or answer.startswith(b"HTTP/1.1 4")
    reply = scene.send("GET", "/nosuch", b"", {})
    assert reply.status == 404


@pytest.mark.parametrize(
    "path", ["/", "/entente", "/entente/v1", "/entente/v1/exchange/", "/entente/v2/exchange", "/%00", "/../etc"]
)
def test_an_endpoint_that_does_not_exist_is_told_so(scene: Scene, path: str) -> None:
    reply = scene.send("POST", path, b"{}", {"content-type": JSON})
    assert reply.status == 404
    assert reply.error()["code"] == "no-endpoint"


@pytest.mark.parametrize("path", [EXCHANGE, PAIR, ACCEPT])
def test_a_wrong_method_is_told_so(scene: Scene, path: str) -> None:
    assert scene.send("GET", path, b"", {}).status == 405


def test_pairing_with_garbage_spoils_no_code_that_it_does_not_name(scene: Scene) -> None:
    invitation = scene.harbour.partners.invite()
    place = invitation.code[:3]
    other = f"{(int(place) + 1) % 1000:03}"
    for body in (
        {"v": 2, "place": place, "pake": "AAAA"},
        {"v": 1, "place": other, "pake": "AAAA"},
        {"v": 1, "place": place},
        {"v": 1, "place": place, "box": "AAAA"},
        {"v": 1, "place": 7, "pake": "AAAA"},
        {"v": True, "place": place, "pake": "AAAA"},
        {"v": 1, "place": "٣٤٥", "pake": "AAAA"},
    ):
        reply = scene.send("POST", PAIR, json.dumps(body).encode(), {"content-type": JSON})
        assert reply.status in {400, 403, 410}, body
        assert reply.error()["message"]
    assert urlsplit(invitation.url).port == scene.port
    reply = scene.send(
        "POST", PAIR, json.dumps({"v": 1, "place": place, "pake": "!!!"}).encode(), {"content-type": JSON}
    )
    assert reply.status in {400, 403}
    spoilt = {"v": 1, "place": place, "pake": "AAAA"}
    assert scene.send("POST", PAIR, json.dumps(spoilt).encode(), {"content-type": JSON}).status in {400, 403, 410}
    scene.honest()
