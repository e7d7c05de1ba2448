"""The witness over real HTTP: the published tables of answers, odd requests, and what a kill leaves."""

from __future__ import annotations

import http.client
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from entente.core import merkle, note
from entente.core.errors import StoreError
from entente.interfaces.http.serve import serve
from entente.interfaces.peer import app as peer
from entente.interfaces.run import serve as serve_all
from entente.interfaces.witness.app import PREFIX, WitnessApp
from entente.ledger import cosigner
from entente.node import Node
from timing import CEILING, until
from witness.asking_logs import LEAVES, Log
from witness.test_cosigner import MALFORMED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from entente.ledger.cosigner import WitnessAnswer

SIZE = "text/x.tlog.size"
TEXT = "text/plain; charset=utf-8"
LEAF = merkle.leaf_hash(b"leaf")


class Witness:
    """One served home and a client for it."""

    def __init__(self, node: Node, url: str) -> None:
        self.node = node
        self.port = urlsplit(url).port or 0
        self.numbers = iter(range(1_000_000))

    def ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, str, bytes]:
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=CEILING)
        try:
            client.request(method, PREFIX + path, body or None)
            answer = client.getresponse()
            return answer.status, answer.headers["content-type"], answer.read()
        finally:
            client.close()

    def add(self, body: bytes) -> tuple[int, str, bytes]:
        return self.ask("POST", "/add-checkpoint", body)

    def head(self, log: Log) -> tuple[int, str, bytes]:
        return self.ask("GET", f"/{sha256(log.origin.encode()).hexdigest()}/checkpoint")

    def log(self) -> Log:
        """Return a new log that this witness knows."""
        log = Log(f"log.example/{next(self.numbers)}")
        self.node.witness.name(log.vkey)
        return log

    def size(self, log: Log) -> int:
        return next(each.size for each in self.node.witness.logs() if each.origin == log.origin)


@contextmanager
def serving(run: object, *arguments: object, **named: object) -> Iterator[str]:
    ready: queue.Queue[str] = queue.Queue()
    stop = threading.Event()
    assert callable(run)
    thread = threading.Thread(target=run, args=arguments, kwargs={**named, "ready": ready.put, "stop": stop})
    thread.start()
    try:
        yield ready.get(timeout=CEILING)
    finally:
        stop.set()
        thread.join(CEILING)
        assert not thread.is_alive()


@pytest.fixture(scope="module")
def witness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Witness]:
    home = tmp_path_factory.mktemp("witness") / "tower"
    Node.init(home, name="Watch tower", url="http://localhost:9")
    with Node.open(home) as node, serving(serve_all, node, "127.0.0.1", 0) as url:
        yield Witness(node, url)


def test_answers_are_those_of_the_standard(witness: Witness) -> None:
    log, verifier = witness.log(), note.Verifier.parse(witness.node.witness.vkey)
    fork, stranger = log.other(3), Log(log.origin, bytes([9]) * 32)
    unknown = Log("log.example/nobody")
    assert witness.head(log)[0] == 404
    assert witness.add(unknown.body(0, 5))[0] == 404
    assert witness.add(stranger.body(0, 5))[0] == 403
    assert witness.add(log.body(9, 5, []))[0] == 400
    assert witness.add(log.body(4, 5)) == (409, SIZE, b"0\n")
    status, kind, body = witness.add(log.body(0, 5))
    assert (status, kind) == (200, TEXT)
    assert note.verify_cosignature(log.checkpoint(5), body.decode(), verifier)
    assert witness.add(log.body(0, 9)) == (409, SIZE, b"5\n")
    assert witness.add(fork.body(5, 9))[0] == 422
    assert witness.add(fork.body(5, 5))[:2] == (422, TEXT)
    assert witness.add(log.body(5, 9, log.proof(5, 9)[1:]))[0] == 422
    assert witness.size(log) == 5
    assert witness.add(log.body(5, 9))[0] == 200
    status, kind, body = witness.head(log)
    assert (status, kind) == (200, TEXT)
    assert note.open_checkpoint(body, log.signer.verifier) == log.checkpoint(9)
    assert len(note.verify(note.Note.parse(body), (log.signer.verifier, verifier))) == 2


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_body_is_400(witness: Witness, name: str) -> None:
    assert witness.add(MALFORMED[name])[0] == (413 if name == "too large" else 400)


# FiloSottile/torchwood, TestTooManyProofs and TestZeroSize: what is known, old, new, root, proof, answer.
EMPTY = merkle.EMPTY_ROOT


@pytest.mark.parametrize(
    ("known", "old", "new", "root", "proof", "status"),
    [
        (0, 0, 1, LEAF, [LEAF] * 64, 400),
        (0, 0, 0, EMPTY, [], 200),
        (0, 0, 0, LEAF, [], 422),
        (0, 0, 0, bytes(32), [], 422),
        (0, 0, 0, EMPTY, [LEAF], 422),
        (0, 0, 1, LEAF, [], 200),
        (0, 0, 1, LEAF, [LEAF], 422),
        (1, 0, 1, LEAF, [LEAF], 409),
        (1, 1, 0, EMPTY, [], 400),
    ],
)
def test_published_table_of_odd_sizes(
    witness: Witness, known: int, old: int, new: int, root: bytes, proof: list[bytes], status: int
) -> None:
    log = Log(f"odd.example/{next(witness.numbers)}", leaves=[b"leaf"])
    witness.node.witness.name(log.vkey)
    if known:
        assert witness.add(log.body(0, 1))[0] == 200
    head = note.sign_checkpoint(note.Checkpoint(log.origin, new, root), log.signer)
    body = cosigner.submission(old, proof, head)
    for again in (False, True):
        if again and status == 200:
            body = cosigner.submission(new, proof, head)
        answer = witness.add(body)
        assert answer[0] == status
        assert ("—".encode() in answer[2]) == (status == 200)
    assert witness.size(log) == (new if status == 200 else known)


def test_what_is_no_endpoint_is_refused(witness: Witness) -> None:
    log = witness.log()
    hashed = sha256(log.origin.encode()).hexdigest()
    assert witness.ask("GET", "/add-checkpoint")[0] == 405
    assert witness.ask("PUT", f"/{hashed}/checkpoint", b"x")[0] == 405
    for path in ("/", "/add-checkpoint/", f"/{hashed.upper()}/checkpoint", f"/{hashed}", "/../witness/add-checkpoint"):
        assert witness.ask("POST", path, log.body(0, 5))[0] == 404, path
    assert witness.size(log) == 0


def test_body_without_end_is_cut_off(witness: Witness) -> None:
    with socket.create_connection(("127.0.0.1", witness.port), timeout=CEILING) as line:
        line.sendall(b"POST /witness/add-checkpoint HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
        sent = 0
        try:
            while sent < 50 << 20:
                line.sendall(b"10000\r\n" + b"a" * 0x10000 + b"\r\n")
                sent += 0x10000
        except OSError:
            pass
        assert sent < 50 << 20
    assert witness.add(Log("log.example/nobody").body(0, 1))[0] == 404


def test_caller_that_leaves_changes_nothing_for_others(witness: Witness) -> None:
    log = witness.log()
    with socket.create_connection(("127.0.0.1", witness.port), timeout=CEILING) as line:
        line.sendall(b"POST /witness/add-checkpoint HTTP/1.1\r\nhost: x\r\ncontent-length: 999\r\n\r\nold 0\n")
    assert witness.add(log.body(0, 5))[0] == 200


def test_many_connections_get_the_answers_that_they_asked_for(witness: Witness) -> None:
    logs = [witness.log() for _ in range(12)]
    verifier, wrong = note.Verifier.parse(witness.node.witness.vkey), []

    def run(log: Log) -> None:
        client = http.client.HTTPConnection("127.0.0.1", witness.port, timeout=CEILING)
        for size in range(1, LEAVES + 1):
            client.request("POST", f"{PREFIX}/add-checkpoint", log.body(size - 1, size))
            answer = client.getresponse()
            body = answer.read().decode()
            try:
                note.verify_cosignature(log.checkpoint(size), body, verifier)
            except Exception as problem:  # noqa: BLE001 - all of it is shown
                wrong.append((log.origin, size, answer.status, body, problem))
        client.close()

    threads = [threading.Thread(target=run, args=(log,)) for log in logs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert {witness.size(log) for log in logs} == {LEAVES}


class Slow:
    """A node that holds every run until it may go on, then fails or answers."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.runs: list[int] = []
        self.fail: Exception | None = None

    def add(self, bodies: Sequence[bytes]) -> list[WitnessAnswer]:
        assert self.go.wait(CEILING)
        self.runs.append(len(bodies))
        if self.fail is not None:
            raise self.fail
        return [cosigner.WitnessAnswer(cosigner.WitnessVerdict.STALE, f"{body.decode()}\n") for body in bodies]

    def head(self, hashed: str) -> bytes | None:
        raise StoreError(hashed)


class Nobody:
    """No member stands behind this server."""

    member = b""


def test_what_waits_shares_a_run_and_a_failure_tells_nothing() -> None:
    slow, answers = Slow(), {}
    app = WitnessApp(slow)
    built = peer.build(Nobody(), beside={PREFIX: app})
    with serving(serve, built, "127.0.0.1", 0, tls=None) as url:
        witness = Witness(None, url)

        def run(number: int) -> None:
            answers[number] = witness.add(b"%d" % number)

        threads = [threading.Thread(target=run, args=(number,)) for number in range(20)]
        for thread in threads:
            thread.start()
        until(lambda: len(app._waiting) > 1, "more than one waits while the first run is held")
        slow.go.set()
        for thread in threads:
            thread.join()
        assert answers == {number: (409, SIZE, b"%d\n" % number) for number in range(20)}
        assert sum(slow.runs) == 20
        assert max(slow.runs) > 1
        for slow.fail in (StoreError("the disk of 7"), RuntimeError("secret")):
            status, _, body = witness.add(b"1")
            assert status == 503
            assert b"disk" not in body
            assert b"secret" not in body
        assert witness.ask("GET", f"/{'0' * 64}/checkpoint")[0] == 503


def test_what_was_answered_outlives_a_kill(tmp_path: Path) -> None:
    home, logs = tmp_path / "tower", [Log(f"log.example/{at}") for at in range(4)]
    Node.init(home, name="Watch tower", url="http://localhost:9")
    with Node.open(home) as node:
        for log in logs:
            node.witness.name(log.vkey)
    command = [sys.executable, "-m", "entente.interfaces.run", "--home", str(home), "up", "--port", "0"]
    answered = [0] * len(logs)
    for _ in range(3):
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            url = process.stdout.readline().decode().split()[1]
            before = sum(answered)
            threads = [threading.Thread(target=_press, args=(url, at, logs[at], answered)) for at in range(len(logs))]
            for thread in threads:
                thread.start()
            until(lambda: sum(answered) > before or not any(each.is_alive() for each in threads))  # noqa: B023
            time.sleep(0.15)
            process.send_signal(signal.SIGKILL)
            for thread in threads:
                thread.join()
            process.wait(CEILING)
        with Node.open(home) as node:
            held = {each.origin: each for each in node.witness.logs()}
            for at, log in enumerate(logs):
                assert held[log.origin].size >= answered[at]
                served = node.witness.head(sha256(log.origin.encode()).hexdigest())
                if held[log.origin].size:
                    assert served is not None
                    size = held[log.origin].size
                    assert note.open_checkpoint(served, log.signer.verifier) == log.checkpoint(size)
                answered[at] = held[log.origin].size
    assert sum(answered) > 0


def _press(url: str, at: int, log: Log, answered: list[int]) -> None:
    """Submit head after head until the other side is gone, and note what was answered."""
    client = http.client.HTTPConnection("127.0.0.1", urlsplit(url).port or 0, timeout=CEILING)
    try:
        for size in range(answered[at] + 1, LEAVES + 1):
            client.request("POST", f"{PREFIX}/add-checkpoint", log.body(size - 1, size))
            answer = client.getresponse()
            answer.read()
            assert answer.status == 200
            answered[at] = size
    except (OSError, http.client.HTTPException):
        pass
    finally:
        client.close()
