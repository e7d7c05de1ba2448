"""The HTTP endpoints of page 4 and 5 of the protocol: exchange, events, pair and accept.

The head of a request is verified before its body is read, bodies are bounded while they come in, and whatever goes
wrong is answered in one form, signed where the caller is known. Node calls run in worker threads.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar, cast

import anyio
import anyio.to_thread
import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from entente.core.errors import (
    EntenteError,
    InvalidError,
    LimitError,
    NotFoundError,
    RefusedError,
    VerificationError,
)
from entente.exchange import http_signature
from entente.interfaces import errors
from entente.interfaces.http.events import EventStream, Streams
from entente.interfaces.http.gate import BUSY, Lanes, Strangers

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.types import ASGIApp

    from entente.exchange.http_signature import SignedRequest
    from entente.interfaces.http.events import Subscription
    from entente.interfaces.peer.asks import PeerNode

EXCHANGE_PATH: Final = "/entente/v1/exchange"
EVENTS_PATH: Final = "/entente/v1/events"
PAIR_PATH: Final = "/entente/v1/pair"
ACCEPT_PATH: Final = "/entente/v1/accept"
KEYS_PATH: Final = "/entente/v1/keys"

MESSAGE_TYPE: Final = "application/vnd.entente.message"
JSON_TYPE: Final = "application/json"
EVENTS_TYPE: Final = "text/event-stream"

MAX_MESSAGE: Final = 4 * 1024 * 1024
MAX_PAIRING: Final = 384 * 1024
"""A card of 256 KiB in a box, in base64, in JSON."""
MAX_ACCEPT: Final = 4 * 1024
MAX_STRANGERS: Final = 8
"""Pairing requests of strangers that are read at one time; more are asked to come later."""

RETRY: Final = 10
"""Seconds after which whoever asked too much at one time comes again."""

_AUTHENTICATING: Final = 4
_WORKING: Final = 8

_log = logging.getLogger("entente.peer")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds for the body of a partner (4 MiB at 70 kB/s) and of pairing; pairings a minute from one address."""

    partner: float = 60.0
    pairing: float = 15.0
    strangers: int = 60


class _RefusalError(Exception):
    """Ends the handling of a request with an error that is sent, and its status."""

    def __init__(self, error: EntenteError, status: int | None = None) -> None:
        super().__init__(error.message)
        self.error = error
        self.status = errors.status(error) if status is None else status


@dataclass(slots=True)
class _Turn:
    """One request on its way: who made it, once known, and whether all of its body was read."""

    request: Request
    headers: dict[str, str]
    caller: SignedRequest | None = None
    drained: bool = False


@dataclass(frozen=True, slots=True)
class _Reply:
    """What is answered when everything went well."""

    body: bytes
    media_type: str


def build(
    node: PeerNode, patience: Patience | None = None, *, beside: Mapping[str, ASGIApp] | None = None
) -> Starlette:
    """Return the application that serves `node` to other members; `app.state.streams.close()` ends its streams.

    `beside` are other applications by the path below which they answer.
    """
    door = _Door(node, patience or Patience())
    routes = [
        Route(EXCHANGE_PATH, door.exchange, methods=["POST"]),
        Route(PAIR_PATH, door.pair, methods=["POST"]),
        Route(ACCEPT_PATH, door.accept, methods=["POST"]),
        Route(KEYS_PATH, door.keys, methods=["POST"]),
        Route(EVENTS_PATH, door.events, methods=["GET"]),
        *(Mount(path, other) for path, other in (beside or {}).items()),
    ]
    app = Starlette(routes=routes, exception_handlers={HTTPException: _no_such_endpoint})
    app.router.redirect_slashes = False
    app.state.streams = door.streams
    return app


class _Door:
    """The endpoints, bound to one node."""

    def __init__(self, node: PeerNode, patience: Patience) -> None:
        self.node = node
        self._patience = patience
        self.streams = Streams()
        self._me = node.member
        self._authenticating = anyio.CapacityLimiter(_AUTHENTICATING)
        self._working = anyio.CapacityLimiter(_WORKING)
        self._strangers = 0
        self._lanes = Lanes()
        self._callers = Strangers(patience.strangers)

    async def exchange(self, request: Request) -> Response:
        """Take a partner's message and answer with ours."""
        return await self._serve(request, self._exchange)

    async def pair(self, request: Request) -> Response:
        """Take a step of pairing from anybody."""
        return await self._serve(request, self._pair)

    async def accept(self, request: Request) -> Response:
        """Take the word of a known member that it confirmed us."""
        return await self._serve(request, self._accept)

    async def keys(self, request: Request) -> Response:
        """Take the newer keys of a known member, and answer with ours."""
        return await self._serve(request, self._keys)

    async def events(self, request: Request) -> Response:
        """Open a stream of new heads for a partner."""
        return await self._serve(request, self._events)

    async def _exchange(self, turn: _Turn) -> _Reply:
        caller = await self._authenticate(turn, paired=True)
        _check_type(turn, MESSAGE_TYPE)
        async with self._lanes.enter(caller.member) as lane:
            body = await _body(turn, MAX_MESSAGE, self._patience.partner)
            lane.begin()

            def work() -> bytes:
                _check_body(caller, body)
                return self.node.handle_exchange(caller.member, body)

            return _Reply(await self._work(work), MESSAGE_TYPE)

    def _count(self, turn: _Turn) -> None:
        """Count a caller that anybody can be."""
        client = turn.request.client
        self._callers.count(client.host if client else "", self.node.now())

    async def _accept(self, turn: _Turn) -> _Reply:
        self._count(turn)
        caller = await self._authenticate(turn, paired=False)
        _check_type(turn, JSON_TYPE)
        body = await _body(turn, MAX_ACCEPT, self._patience.pairing)

        def work() -> Mapping[str, object]:
            _check_body(caller, body)
            return self.node.handle_accept(caller.member, _object(body))

        return _Reply(orjson.dumps(await self._work(work)), JSON_TYPE)

    async def _keys(self, turn: _Turn) -> _Reply:
        """Read the card first, for it says which key signs the request; it proves itself."""
        _check_type(turn, JSON_TYPE)
        if self._strangers >= MAX_STRANGERS:
            raise _RefusalError(LimitError("Too many strangers at one time.", hint="Try again in a minute."), 429)
        self._strangers += 1
        try:
            body = await _body(turn, MAX_PAIRING, self._patience.pairing)
            await self._work(lambda: self.node.handle_card(_object(body)))
        finally:
            self._strangers -= 1
        caller = await self._authenticate(turn, paired=False)

        def work() -> Mapping[str, object]:
            _check_body(caller, body)
            return self.node.handle_keys(caller.member)

        return _Reply(orjson.dumps(await self._work(work)), JSON_TYPE)

    async def _pair(self, turn: _Turn) -> _Reply:
        self._count(turn)
        _check_type(turn, JSON_TYPE)
        if self._strangers >= MAX_STRANGERS:
            raise _RefusalError(LimitError("Too many pairings at one time.", hint="Try again in a minute."), 429)
        self._strangers += 1
        try:
            body = await _body(turn, MAX_PAIRING, self._patience.pairing)
            return _Reply(orjson.dumps(await self._work(lambda: self._paired(body))), JSON_TYPE)
        finally:
            self._strangers -= 1

    def _paired(self, body: bytes) -> Mapping[str, object]:
        try:
            return self.node.handle_pair(_object(body))
        except NotFoundError as error:
            raise _RefusalError(error, 410) from error

    async def _events(self, turn: _Turn) -> EventStream:
        if turn.request.method != "GET":
            raise _RefusalError(InvalidError("This endpoint does not know the method.", code="method"), 405)
        caller = await self._authenticate(turn, paired=True)
        _check_body(caller, b"")
        subscription = await self._work(partial(self._subscribe, caller))
        try:
            headers = await self._work(partial(self._signature, caller, 200, b""))
        except BaseException:
            subscription.close()
            raise
        return EventStream(subscription, self.streams, {**headers, "content-type": EVENTS_TYPE})

    def _subscribe(self, caller: SignedRequest) -> Subscription:
        try:
            return self.node.subscribe(caller.member)
        except LimitError as error:
            raise _RefusalError(error, 429) from error

    async def _serve(self, request: Request, handle: Callable[[_Turn], Awaitable[_Reply | EventStream]]) -> Response:
        """Handle one request; the one place where every error becomes an answer."""
        turn = _Turn(request, http_signature.combine(_fields(request)))
        try:
            reply = await handle(turn)
            if isinstance(reply, EventStream):
                return reply
            return await self._answer(turn, 200, reply.body, reply.media_type)
        except ClientDisconnect:
            return Response(status_code=400)
        except _RefusalError as refusal:
            error, status = refusal.error, refusal.status
        except EntenteError as failure:
            error, status = failure, 429 if failure.code == BUSY else errors.status(failure)
        except Exception as failure:  # noqa: BLE001 - the door: no input may end the node, and nobody is told its insides
            error, status = _unexpected(request, failure), 500
        return await self._refuse(turn, status, error)

    async def _refuse(self, turn: _Turn, status: int, error: EntenteError) -> Response:
        if status >= 500:  # noqa: PLR2004 - the server's own failures tell nothing about its insides
            _log.error("%s failed: %s: %s", turn.request.url.path, type(error).__name__, error.message)
            error = EntenteError("The node of this member cannot do that now.", code="unavailable", hint="Try later.")
        body = orjson.dumps(errors.document(error))
        try:
            return await self._answer(turn, status, body, JSON_TYPE)
        except Exception as failure:  # noqa: BLE001 - an answer that cannot be signed is still an answer
            _log.error("An answer could not be signed: %s", type(failure).__name__)
            turn.caller = None
            return await self._answer(turn, status, body, JSON_TYPE)

    async def _answer(self, turn: _Turn, status: int, body: bytes, media_type: str) -> Response:
        """Make the answer, signed if the caller is known; a body that was not read to its end ends the connection."""
        headers: dict[str, str] = {}
        if turn.caller is not None:
            headers = await self._work(partial(self._signature, turn.caller, status, body))
        if not turn.drained and turn.request.method != "GET":
            headers["connection"] = "close"
        if status == 429:  # noqa: PLR2004 - the one status that says when to come again
            headers["retry-after"] = str(RETRY)
        return Response(body, status, headers, media_type)

    def _signature(self, caller: SignedRequest, status: int, body: bytes) -> dict[str, str]:
        return http_signature.sign_answer(
            status,
            body,
            request_signature=caller.signature,
            sender=self._me,
            receiver=caller.member,
            seed=self.node.transport_seed(),
            created=int(self.node.now()),
            nonce=self.node.random(http_signature.NONCE_SIZE),
        )

    async def _authenticate(self, turn: _Turn, *, paired: bool) -> SignedRequest:
        """Find out who calls, by the head alone; raise _RefusalError for strangers, and who is not paired if asked."""

        def check() -> bool:
            request = turn.request
            turn.caller = http_signature.verify_head(
                request.method,
                cast("bytes", request.scope["raw_path"]).decode("ascii", "replace"),
                cast("bytes", request.scope["query_string"]).decode("ascii", "replace"),
                turn.headers,
                me=self._me,
                key_of=self.node.transport_key_of,
                now=self.node.now(),
            )
            return not paired or self.node.is_paired(turn.caller.member)

        try:
            entitled = await anyio.to_thread.run_sync(check, limiter=self._authenticating)
        except VerificationError as error:
            raise _RefusalError(error, 401) from error
        if turn.caller is None or not entitled:
            raise RefusedError(
                "This node is not paired with you.", code="not-entitled", hint="Both sides confirm each other's words."
            )
        return turn.caller

    async def _work(self, call: Callable[[], _T]) -> _T:
        return await anyio.to_thread.run_sync(call, limiter=self._working)


def _check_body(caller: SignedRequest, body: bytes) -> None:
    """Refuse another body like a bad signature."""
    try:
        http_signature.verify_body(caller, body)
    except VerificationError as error:
        raise _RefusalError(error, 401) from error


def _check_type(turn: _Turn, expected: str) -> None:
    given = turn.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given != expected:
        raise _RefusalError(InvalidError(f"The body must be {expected}.", code="content-type"), 415)


async def _body(turn: _Turn, limit: int, seconds: float) -> bytes:
    """Return the body; raise _RefusalError as soon as it is known to be too large, or when the time is over."""
    too_large = _RefusalError(LimitError(f"The body has more than {limit} bytes."), 413)
    announced = turn.headers.get("content-length", "0")
    if not announced.isdecimal() or int(announced) > limit:
        raise too_large
    body = bytearray()
    try:
        with anyio.fail_after(seconds):
            async for part in turn.request.stream():
                body += part
                if len(body) > limit:
                    raise too_large
    except TimeoutError as error:
        raise _RefusalError(LimitError("The body did not arrive in time.", code="timeout"), 408) from error
    turn.drained = True
    return bytes(body)


def _object(body: bytes) -> dict[str, object]:
    try:
        value: object = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidError("The body is not JSON.") from error
    if not isinstance(value, dict):
        raise InvalidError("The body is not a JSON object.")
    return cast("dict[str, object]", value)


def _fields(request: Request) -> list[tuple[str, str]]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw]


def _unexpected(request: Request, failure: Exception) -> EntenteError:
    """Turn what nobody foresaw into an error; the trace is for whoever runs the node and asks for it."""
    _log.debug("%s failed", request.url.path, exc_info=failure)
    return EntenteError(f"{type(failure).__name__}: {failure}", code="internal")


async def _no_such_endpoint(_request: Request, failure: Exception) -> Response:
    """Answer what the router refuses: a path or method that does not exist."""
    status = failure.status_code if isinstance(failure, HTTPException) else 404
    what = "method" if status == 405 else "endpoint"  # noqa: PLR2004 - the two statuses that a router gives
    error = NotFoundError(f"There is no such {what} here.", code=f"no-{what}", hint="See page 4 of the protocol.")
    headers = {"connection": "close"}
    return Response(orjson.dumps(errors.document(error)), status, headers, JSON_TYPE)
