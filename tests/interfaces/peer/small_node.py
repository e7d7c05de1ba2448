"""A small real node behind the door, a server on a real socket, and a partner that calls it."""

from __future__ import annotations

import os
import queue
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

from entente.core import keys
from entente.core.errors import InvalidError, LimitError, NotFoundError, VerificationError
from entente.core.ids import Member
from entente.exchange import http_signature, tls
from entente.interfaces.http.serve import serve
from entente.interfaces.peer import app as peer_app
from timing import CEILING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from entente.exchange.transport import Client, HttpAnswer

HOST_SEED, FRIEND_SEED, KNOWN_SEED, STRANGER_SEED = (bytes([number]) * 32 for number in range(1, 5))
HOST, FRIEND, KNOWN, STRANGER = (
    Member(sha256(seed).digest()) for seed in (HOST_SEED, FRIEND_SEED, KNOWN_SEED, STRANGER_SEED)
)
SEEDS = {HOST: HOST_SEED, FRIEND: FRIEND_SEED, KNOWN: KNOWN_SEED, STRANGER: STRANGER_SEED}
CODES = ("042",)
NOW = 1_790_000_000


class Bell:
    """Notes for one partner."""

    def __init__(self, node: Node) -> None:
        self.notes: queue.Queue[bytes | None] = queue.Queue()
        self.closed = threading.Event()
        self._node = node

    def next(self, timeout: float) -> list[bytes] | None:
        try:
            note = self.notes.get(timeout=min(timeout, self._node.heartbeat))
        except queue.Empty:
            return []
        return None if note is None or self.closed.is_set() else [note]

    def close(self) -> None:
        self.closed.set()
        self.notes.put(None)
        if self in self._node.bells:
            self._node.bells.remove(self)


@dataclass
class Node:
    """Host with one partner, one known member, and nobody else."""

    member: Member = HOST
    heartbeat: float = 15.0
    calls: list[bytes] = field(default_factory=list)
    bells: list[Bell] = field(default_factory=list)
    tries: set[str] = field(default_factory=lambda: set(CODES))
    clock: float = 0.0
    fail: Exception | None = None

    def transport_seed(self) -> bytes:
        return SEEDS[self.member]

    def transport_key_of(self, member: Member) -> bytes:
        if member not in (FRIEND, KNOWN):
            raise NotFoundError("unknown")
        return keys.public_of(SEEDS[member])

    def is_paired(self, member: Member) -> bool:
        return member == FRIEND

    def now(self) -> float:
        return NOW + self.clock

    def random(self, size: int) -> bytes:
        return os.urandom(size)

    def handle_exchange(self, partner: Member, body: bytes) -> bytes:
        if self.fail is not None:
            raise self.fail
        self.calls.append(body)
        return partner[:4] + body[:100]

    def handle_pair(self, body: Mapping[str, object]) -> Mapping[str, object]:
        place = str(body.get("place"))
        if place not in self.tries:
            raise NotFoundError("This code is used up.")
        self.tries.remove(place)
        if body.get("pake") != "right":
            raise VerificationError("The code was wrong.")
        return {"ok": True}

    def handle_accept(self, member: Member, body: Mapping[str, object]) -> Mapping[str, object]:
        return {"accepted": member == KNOWN and body.get("accepted") is True}

    def handle_card(self, body: Mapping[str, object]) -> None:
        if body != {"card": "known"}:
            raise InvalidError("This is no card.")

    def handle_keys(self, member: Member) -> Mapping[str, object]:
        return {"card": member[:4].hex()}

    def subscribe(self, member: Member) -> Bell:
        if len(self.bells) >= 2:
            raise LimitError(f"{member[:2].hex()} listens twice already.")
        bell = Bell(self)
        self.bells.append(bell)
        return bell


@dataclass
class Running:
    """A node that listens."""

    node: Node
    url: str
    stop: threading.Event
    thread: threading.Thread
    pin: bytes | None = None


@contextmanager
def running(
    folder: Path | None = None, node: Node | None = None, patience: peer_app.Patience | None = None
) -> Iterator[Running]:
    """Serve a node on a free port; with TLS if a folder for its certificate is given."""
    node = node or Node()
    files, pin = None, None
    if folder is not None:
        certificate, key = tls.make_certificate("host", now=NOW)
        (folder / "tls.crt").write_bytes(certificate)
        (folder / "tls.key").write_bytes(key)
        files, pin = (str(folder / "tls.crt"), str(folder / "tls.key")), tls.pin_of(certificate)
    ready: queue.Queue[str] = queue.Queue()
    stop = threading.Event()
    app = peer_app.build(node, patience)
    thread = threading.Thread(
        target=serve, args=(app, "127.0.0.1", 0), kwargs={"tls": files, "ready": ready.put, "stop": stop}
    )
    thread.start()
    try:
        yield Running(node, ready.get(timeout=CEILING), stop, thread, pin)
    finally:
        stop.set()
        thread.join(CEILING)


@dataclass
class Partner:
    """A member that calls; every answer is verified."""

    client: Client
    host: Running
    member: Member = FRIEND

    def signed(self, method: str, path: str, body: bytes, receiver: Member = HOST, shift: int = 0) -> dict[str, str]:
        return http_signature.sign_request(
            method,
            path,
            "",
            body,
            sender=self.member,
            receiver=receiver,
            seed=SEEDS[self.member],
            created=NOW + shift,
            nonce=os.urandom(16),
        )

    def send(self, path: str, headers: dict[str, str], body: bytes) -> HttpAnswer:
        plain = path in (peer_app.ACCEPT_PATH, peer_app.PAIR_PATH, peer_app.KEYS_PATH)
        kind = "application/json" if plain else peer_app.MESSAGE_TYPE
        return self.client.post(
            self.host.url, path, {"content-type": kind, **headers}, body, pin=self.host.pin, limit=1 << 22
        )

    def call(self, path: str, body: bytes) -> HttpAnswer:
        headers = self.signed("POST", path, body)
        answer = self.send(path, headers, body)
        self.verify(answer.status, answer.headers, answer.body, headers)
        return answer

    def verify(self, status: int, headers: Mapping[str, str], body: bytes, asked: Mapping[str, str]) -> None:
        http_signature.verify_answer(
            status,
            headers,
            body,
            request_signature=http_signature.signature_of(asked),
            me=self.member,
            sender=HOST,
            key=keys.public_of(HOST_SEED),
        )
