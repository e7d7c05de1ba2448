"""C2SP tlog-witness over HTTP: `add-checkpoint`, and the last cosigned head of each log (docs/protocol/8-witness.md).

Anybody may call. Bodies are bounded while they come in, and requests that wait share one transaction of the node:
each is answered after its commit.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

import anyio
import anyio.to_thread

from entente.core.errors import EntenteError
from entente.ledger.cosigner import MAX_BODY, WitnessAnswer, WitnessVerdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.types import Receive, Scope, Send

PREFIX: Final = "/witness"
TEXT: Final = b"text/plain; charset=utf-8"
SIZE: Final = b"text/x.tlog.size"

MAX_WAITING: Final = 512
"""Submissions that wait for their turn; more are asked to come later."""
BATCH: Final = 64
"""Submissions in one transaction, so that other writers have their turn soon."""
PATIENCE: Final = 15.0
"""Seconds for a whole body."""

_HEAD: Final = re.compile(r"/([0-9a-f]{64})/checkpoint")
_STATUS: Final = {
    WitnessVerdict.MALFORMED: 400,
    WitnessVerdict.UNKNOWN: 404,
    WitnessVerdict.UNSIGNED: 403,
    WitnessVerdict.BACKWARDS: 400,
    WitnessVerdict.STALE: 409,
    WitnessVerdict.INCONSISTENT: 422,
    WitnessVerdict.COSIGNED: 200,
    WitnessVerdict.UNSURE: 503,
}
_log = logging.getLogger("entente.witness")
_T = TypeVar("_T")


class WitnessNode(Protocol):
    """A node as logs reach it; every call comes from a worker thread."""

    def add(self, bodies: Sequence[bytes]) -> list[WitnessAnswer]:
        """Judge submissions in their order; what is answered is durable."""
        ...

    def head(self, hashed: str) -> bytes | None:
        """Return the last cosigned head of the log whose origin has this SHA-256 (hex), None if there is none."""
        ...


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: bytes
    kind: bytes = TEXT
    last: bool = False


_NO_ENDPOINT: Final = _Answer(404, b"There is no such endpoint here.\n", last=True)
_NO_METHOD: Final = _Answer(405, b"This endpoint does not know the method.\n", last=True)
_NO_HEAD: Final = _Answer(404, b"This witness has cosigned no head of such a log.\n")
_TOO_LARGE: Final = _Answer(413, b"A submission is not as large as that.\n", last=True)
_TOO_SLOW: Final = _Answer(408, b"The body did not arrive in time.\n", last=True)
_BUSY: Final = _Answer(503, b"Too many submissions wait; try again later.\n")
_FAILED: Final = _Answer(503, b"This witness cannot do that now; try again later.\n")


class WitnessApp:
    """The ASGI application; mount it at `PREFIX`."""

    def __init__(self, node: WitnessNode) -> None:
        """Answer for this node."""
        self._node = node
        self._waiting: deque[tuple[bytes, asyncio.Future[_Answer]]] = deque()
        self._worker: asyncio.Task[None] | None = None
        self._writing = anyio.CapacityLimiter(1)
        self._reading = anyio.CapacityLimiter(2)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; nothing that a caller sends raises."""
        if scope["type"] != "http":
            return
        path, method = str(scope["path"]).removeprefix(str(scope.get("root_path", ""))), str(scope["method"])
        head = _HEAD.fullmatch(path)
        if path == "/add-checkpoint":
            answer = await self._add(scope, receive) if method == "POST" else _NO_METHOD
        elif head is not None:
            answer = await self._head(head[1]) if method == "GET" else _NO_METHOD
        else:
            answer = _NO_ENDPOINT
        if answer is not None:
            await _send(send, answer)

    async def _head(self, hashed: str) -> _Answer:
        found = await _safely(self._reading, lambda: self._node.head(hashed))
        if isinstance(found, _Answer):
            return found
        return _NO_HEAD if found is None else _Answer(200, found)

    async def _add(self, scope: Scope, receive: Receive) -> _Answer | None:
        """Take one submission and wait for its turn; None if the caller has left."""
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if not length.isdigit() or len(length) > len(str(MAX_BODY)) or int(length) > MAX_BODY:
            return _TOO_LARGE
        if len(self._waiting) >= MAX_WAITING:
            return _Answer(_BUSY.status, _BUSY.body, last=True)
        try:
            async with asyncio.timeout(PATIENCE):
                body = await _body(receive)
        except TimeoutError:
            return _TOO_SLOW
        if body is None or len(body) > MAX_BODY:
            return None if body is None else _TOO_LARGE
        answer: asyncio.Future[_Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((body, answer))
        if self._worker is None:
            self._worker = asyncio.create_task(self._work())
        return await answer

    async def _work(self) -> None:
        """Bring what waits before the node, many in one transaction, until nothing waits."""
        try:
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
                answers = await self._judge([body for body, _ in batch])
                for (_, waiting), answer in zip(batch, answers, strict=True):
                    if not waiting.done():
                        waiting.set_result(answer)
        finally:
            self._worker = None

    async def _judge(self, bodies: list[bytes]) -> list[_Answer]:
        judged = await _safely(self._writing, lambda: self._node.add(bodies))
        return [judged] * len(bodies) if isinstance(judged, _Answer) else [_answer(each) for each in judged]


async def _safely(limiter: anyio.CapacityLimiter, work: Callable[[], _T]) -> _T | _Answer:
    """Return what the node says, or an answer that tells nothing of why it could not."""
    try:
        return await anyio.to_thread.run_sync(work, limiter=limiter)
    except EntenteError as failure:
        _log.error("The witness failed: %s", failure.message)
    except Exception as failure:  # noqa: BLE001 - the door: nothing may end the node, and nobody is told its insides
        _log.error("The witness failed: %s", type(failure).__name__)
    return _FAILED


def _answer(judged: WitnessAnswer) -> _Answer:
    body = judged.text if judged.text.endswith("\n") else f"{judged.text}\n"
    return _Answer(_STATUS[judged.verdict], body.encode(), SIZE if judged.verdict is WitnessVerdict.STALE else TEXT)


async def _body(receive: Receive) -> bytes | None:
    """Return the body, cut off soon after what is too much; None if the caller has left."""
    body = b""
    while len(body) <= MAX_BODY:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if not message.get("more_body", False):
            break
    return body


async def _send(send: Send, answer: _Answer) -> None:
    headers = [
        (b"content-type", answer.kind),
        (b"content-length", b"%d" % len(answer.body)),
        (b"cache-control", b"no-store"),
    ]
    if answer.last:  # the body was not read to its end
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
