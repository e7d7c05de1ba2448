"""The endpoints over real sockets: who may call, what is refused with which status, and what is signed."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
import tracemalloc
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entente.core.errors import ConflictError, RefusedError, StoreError, VerificationError
from entente.exchange.http_signature import signature_of
from entente.interfaces.peer import app as peer_app
from entente.interfaces.peer.app import (
    ACCEPT_PATH,
    EVENTS_PATH,
    EXCHANGE_PATH,
    KEYS_PATH,
    MAX_MESSAGE,
    MAX_PAIRING,
    PAIR_PATH,
)
from interfaces.peer.small_node import FRIEND, KNOWN, STRANGER, Partner, Running, running
from timing import CEILING, Stopwatch, until

if TYPE_CHECKING:
    from entente.core.ids import Member
    from entente.exchange.transport import Client, HttpAnswer


def code(body: bytes) -> str:
    error = json.loads(body)["error"]
    assert set(error) == {"code", "message", "hint"}
    return error["code"]


def dial(host: Running) -> socket.socket:
    parts = urlsplit(host.url)
    return socket.create_connection((parts.hostname or "", parts.port or 0), timeout=CEILING)


def raw(host: Running, data: bytes) -> bytes:
    """Send bytes and return everything until the other side closes."""
    with dial(host) as sock:
        sock.sendall(data)
        return drain(sock)


def drain(sock: socket.socket) -> bytes:
    received = b""
    try:
        while part := sock.recv(65536):
            received += part
    except ConnectionResetError:
        pass
    return received


def test_partner_gets_a_signed_answer(partner: Partner):
    answer = partner.call(EXCHANGE_PATH, b"hello")

    assert (answer.status, answer.body) == (200, FRIEND[:4] + b"hello")
    assert answer.headers["content-type"] == peer_app.MESSAGE_TYPE
    assert "server" not in answer.headers


def test_largest_message_is_taken(partner: Partner):
    body = os.urandom(MAX_MESSAGE)

    partner.call(EXCHANGE_PATH, body)

    assert partner.host.node.calls == [body]


def test_replay_gets_the_same_verdict(partner: Partner):
    headers = partner.signed("POST", EXCHANGE_PATH, b"again")

    answers = [partner.send(EXCHANGE_PATH, headers, b"again") for _ in range(2)]

    assert [answer.status for answer in answers] == [200, 200]
    assert answers[0].body == answers[1].body


@pytest.mark.parametrize("change", ["receiver", "stale", "early", "body", "signature", "stranger", "unsigned"])
def test_what_is_not_signed_as_agreed_is_answered_401(partner: Partner, change: str):
    body = b"hello"
    receiver = KNOWN if change == "receiver" else partner.host.node.member
    partner.member = STRANGER if change == "stranger" else FRIEND
    headers = partner.signed("POST", EXCHANGE_PATH, body, receiver, {"stale": -400, "early": 400}.get(change, 0))
    if change == "signature":
        headers["signature"] = partner.signed("POST", EXCHANGE_PATH, body)["signature"]
    if change == "unsigned":
        headers = {}

    answer = partner.send(EXCHANGE_PATH, headers, b"hellO" if change == "body" else body)

    assert (answer.status, code(answer.body)) == (401, "verification")
    assert partner.host.node.calls == []


def test_answer_changed_on_the_way_is_refused_by_the_caller(partner: Partner):
    headers = partner.signed("POST", EXCHANGE_PATH, b"hello")
    answer = partner.send(EXCHANGE_PATH, headers, b"hello")

    with pytest.raises(VerificationError):
        partner.verify(answer.status, answer.headers, answer.body + b"!", headers)
    with pytest.raises(VerificationError):
        partner.verify(201, answer.headers, answer.body, headers)


def test_known_member_that_is_not_paired_is_refused_with_a_signature(partner: Partner):
    partner.member = KNOWN

    answer = partner.call(EXCHANGE_PATH, b"hello")

    assert (answer.status, code(answer.body)) == (403, "not-entitled")


@pytest.mark.parametrize(
    ("failure", "status", "word"),
    [
        (RefusedError("No.", code="not-entitled"), 403, "not-entitled"),
        (ConflictError("Twice."), 409, "conflict"),
        (StoreError("/secret/path is broken"), 503, "unavailable"),
        (ValueError("/secret/path"), 500, "unavailable"),
    ],
)
def test_error_of_the_node_is_signed_and_tells_no_insides(partner: Partner, failure, status: int, word: str):
    partner.host.node.fail = failure

    answer = partner.call(EXCHANGE_PATH, b"hello")

    assert (answer.status, code(answer.body)) == (status, word)
    assert b"secret" not in answer.body
    assert b"Traceback" not in answer.body


def test_oversized_message_is_refused_with_a_signature(partner: Partner):
    answer = partner.call(EXCHANGE_PATH, bytes(MAX_MESSAGE + 1))

    assert (answer.status, code(answer.body)) == (413, "limit")


def test_oversized_pairing_is_refused(partner: Partner):
    answer = partner.send(PAIR_PATH, {}, bytes(MAX_PAIRING + 1))

    assert (answer.status, code(answer.body)) == (413, "limit")


def test_memory_stays_flat_when_a_hundred_megabytes_are_sent(partner: Partner):
    headers = partner.signed("POST", EXCHANGE_PATH, b"") | {"content-type": peer_app.MESSAGE_TYPE, "host": "x"}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    piece = b"10000\r\n" + bytes(65536) + b"\r\n"
    tracemalloc.start()
    try:
        with dial(partner.host) as sock:
            sock.sendall(f"POST {EXCHANGE_PATH} HTTP/1.1\r\n{head}transfer-encoding: chunked\r\n\r\n".encode())
            sent = send_until_refused(sock, piece, 1600)
            received = drain(sock)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert b" 413 " in received
    assert sent < 1600
    assert peak < 16 * 1024 * 1024
    assert partner.call(EXCHANGE_PATH, b"alive").status == 200


def send_until_refused(sock: socket.socket, piece: bytes, times: int) -> int:
    for number in range(times):
        try:
            sock.sendall(piece)
        except OSError:
            return number
    return times


def test_stranger_is_refused_before_its_body_is_sent(host: Running):
    head = f"POST {EXCHANGE_PATH} HTTP/1.1\r\nhost: x\r\ncontent-length: 4000000\r\n\r\n"

    with Stopwatch() as watch:
        received = raw(host, head.encode())

    assert b" 401 " in received
    assert watch.seconds < 2


@pytest.mark.parametrize("path", [EXCHANGE_PATH, ACCEPT_PATH, PAIR_PATH])
def test_other_content_type_is_refused(partner: Partner, path: str):
    answer = partner.send(path, partner.signed("POST", path, b"{}") | {"content-type": "text/plain"}, b"{}")

    assert (answer.status, code(answer.body)) == (415, "content-type")


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json", EXCHANGE_PATH + "/", "/entente/v2/exchange"])
def test_unknown_path_is_answered_404(partner: Partner, path: str):
    answer = partner.send(path, {}, b"")

    assert (answer.status, code(answer.body)) == (404, "no-endpoint")


@pytest.mark.parametrize(("method", "path"), [("GET", EXCHANGE_PATH), ("POST", EVENTS_PATH), ("HEAD", EVENTS_PATH)])
def test_wrong_method_is_answered_405(host: Running, method: str, path: str):
    received = raw(host, f"{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode())

    assert received.startswith(b"HTTP/1.1 405 ")


def test_pairing_answers_200_then_410(partner: Partner):
    body = json.dumps({"v": 1, "place": "042", "pake": "right"}).encode()

    answers = [partner.send(PAIR_PATH, {}, body) for _ in range(2)]

    assert [answer.status for answer in answers] == [200, 410]
    assert json.loads(answers[0].body) == {"ok": True}
    assert code(answers[1].body) == "not-found"


def test_wrong_code_answers_403(partner: Partner):
    answer = partner.send(PAIR_PATH, {}, b'{"v": 1, "place": "042", "pake": "wrong"}')

    assert (answer.status, code(answer.body)) == (403, "verification")


def test_a_hundred_tries_at_pairing_have_one_chance(partner: Partner):
    body = b'{"v": 1, "place": "042", "pake": "wrong"}'

    statuses = [partner.send(PAIR_PATH, {}, body).status for _ in range(100)]

    assert statuses == [403] + [410] * 99


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b"[" * 2000, b"1"])
def test_pairing_body_that_is_no_object_is_refused(partner: Partner, body: bytes):
    answer = partner.send(PAIR_PATH, {}, body)

    assert (answer.status, code(answer.body)) == (400, "invalid")


def unless(status: int, answer: HttpAnswer) -> HttpAnswer | None:
    """Return an answer unless it has the status of a moment before."""
    return None if answer.status == status else answer


def test_strangers_who_hold_their_bodies_back_are_bounded(host: Running, client: Client):
    head = f"POST {PAIR_PATH} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n"
    held = [dial(host) for _ in range(peer_app.MAX_STRANGERS)]
    try:
        for sock in held:
            sock.sendall(head.encode())
        answer = until(lambda: unless(410, Partner(client, host).send(PAIR_PATH, {}, b"{}")))

        assert (answer.status, code(answer.body)) == (429, "limit")
        assert Partner(client, host).call(EXCHANGE_PATH, b"partner").status == 200
    finally:
        for sock in held:
            sock.close()
    assert until(lambda: unless(429, Partner(client, host).send(PAIR_PATH, {}, b"{}"))).status == 410


def test_known_member_may_accept(partner: Partner):
    partner.member = KNOWN

    answer = partner.call(ACCEPT_PATH, b'{"accepted": true}')

    assert (answer.status, json.loads(answer.body)) == (200, {"accepted": True})


def test_stranger_may_not_accept(partner: Partner):
    partner.member = STRANGER

    answer = partner.send(
        ACCEPT_PATH, partner.signed("POST", ACCEPT_PATH, b'{"accepted": true}'), b'{"accepted": true}'
    )

    assert answer.status == 401


@pytest.mark.parametrize("member", [FRIEND, KNOWN], ids=["friend", "known"])
def test_known_member_shows_its_new_keys_and_gets_ours(partner: Partner, member: Member):
    partner.member = member

    answer = partner.call(KEYS_PATH, b'{"card": "known"}')

    assert (answer.status, json.loads(answer.body)) == (200, {"card": member[:4].hex()})


def test_card_is_read_before_the_signature_and_both_have_to_hold(partner: Partner):
    body = b'{"card": "known"}'
    spoilt = partner.send(KEYS_PATH, partner.signed("POST", KEYS_PATH, b"{}"), b"{}")
    other = partner.send(KEYS_PATH, partner.signed("POST", KEYS_PATH, body + b" "), body)
    partner.member = STRANGER
    stranger = partner.send(KEYS_PATH, partner.signed("POST", KEYS_PATH, body), body)

    assert (spoilt.status, other.status, stranger.status) == (400, 401, 401)
    assert b"card" not in other.body + stranger.body


def test_slow_body_times_out():
    head = f"POST {PAIR_PATH} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n"

    with running(patience=peer_app.Patience(pairing=0.3)) as host:
        received = raw(host, head.encode() + b"{")

    assert b" 408 " in received
    assert b'"timeout"' in received


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x00\xa5\x01\x00\x00",
        b"GET\r\n\r\n",
        b"GET / HTTP/x\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\nx: " + b"y" * 100_000,
        f"POST {PAIR_PATH} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n".encode()
        + b"transfer-encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_garbage_is_answered_400_and_the_node_stays_up(host: Running, data: bytes, caplog: pytest.LogCaptureFixture):
    received = raw(host, data)

    assert received.startswith(b"HTTP/1.1 400 ")
    assert received.endswith(b'"hint":""}}')
    assert "Traceback" not in caplog.text
    assert raw(host, b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").startswith(b"HTTP/1.1 404 ")


@settings(max_examples=30)
@given(st.binary(max_size=300))
def test_no_bytes_end_the_node(server: Running, data: bytes):
    with dial(server) as sock:
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        drain(sock)

    assert server.thread.is_alive()


def open_stream(partner: Partner):
    headers = partner.signed("GET", EVENTS_PATH, b"")
    stream = partner.client.stream(partner.host.url, EVENTS_PATH, headers, pin=partner.host.pin)
    return stream, headers


def test_head_arrives_within_a_tenth_of_a_second(partner: Partner):
    stream, headers = open_stream(partner)
    partner.verify(stream.status, stream.headers, b"", headers)
    note = "origin\n7\nroot\n\n— origin sig\n".encode()

    with Stopwatch() as watch:
        partner.host.node.bells[-1].notes.put(note)
        event = next(stream)
    stream.close()

    assert (event.name, event.data) == ("head", note)
    assert watch.seconds < 0.1


def test_stream_closed_by_the_partner_ends_its_subscription(partner: Partner):
    stream, _ = open_stream(partner)
    bell = partner.host.node.bells[-1]

    stream.close()

    assert bell.closed.wait(CEILING)
    assert list(stream) == []


def test_stream_is_closed_while_another_thread_waits_in_it(partner: Partner):
    stream, _ = open_stream(partner)
    found: list[object] = []
    reader = threading.Thread(target=lambda: found.extend(stream))
    reader.start()
    time.sleep(0.1)

    stream.close()
    reader.join(CEILING)

    assert not reader.is_alive()
    assert found == []


def test_stream_ended_by_the_node_ends_cleanly(partner: Partner):
    stream, _ = open_stream(partner)

    partner.host.node.bells[-1].close()

    assert list(stream) == []


def test_idle_stream_shows_that_it_lives(partner: Partner):
    partner.host.node.heartbeat = 0.05
    stream, _ = open_stream(partner)
    threading.Timer(0.4, lambda: partner.host.node.bells[-1].notes.put(b"late")).start()

    event = next(stream)
    lines = stream._reader.lines
    stream.close()

    assert event.data == b"late"
    assert lines > 6


def test_third_stream_is_answered_429_with_a_signature(partner: Partner):
    first, _ = open_stream(partner)
    second, _ = open_stream(partner)

    third, headers = open_stream(partner)

    assert third.status == 429
    assert code(third.body) == "limit"
    partner.verify(third.status, third.headers, third.body, headers)
    assert list(third) == []
    first.close()
    second.close()


def test_stream_is_for_partners_only(partner: Partner):
    partner.member = KNOWN

    stream, headers = open_stream(partner)

    assert stream.status == 403
    partner.verify(stream.status, stream.headers, stream.body, headers)


def test_signature_of_a_request_is_what_the_answer_covers(partner: Partner):
    first = partner.signed("POST", EXCHANGE_PATH, b"a")
    second = partner.signed("POST", EXCHANGE_PATH, b"a")
    answer = partner.send(EXCHANGE_PATH, first, b"a")

    assert signature_of(first) != signature_of(second)
    with pytest.raises(VerificationError):
        partner.verify(answer.status, answer.headers, answer.body, second)
