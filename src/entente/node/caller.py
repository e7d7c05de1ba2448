"""Call partners: signed requests out, verified answers in (docs/protocol/4-exchange.md)."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

import msgspec

from entente.core.errors import EntenteError, InvalidError, NotFoundError, RefusedError, TransportError
from entente.core.shape import part
from entente.exchange.http_signature import sign_request, signature_of, verify_answer
from entente.exchange.messages import CONTENT_TYPE, MAX_BODY
from entente.exchange.transport import Client, Stream

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from entente.core.ids import Member
    from entente.ledger.history import KeyRecord
    from entente.node.base import Base

MAX_JSON = 512 << 10
EXCHANGE = "/entente/v1/exchange"
EVENTS = "/entente/v1/events"


class Caller(Protocol):
    """The ways in which a node reaches others."""

    def plain(self, url: str, path: str, body: Mapping[str, object]) -> dict[str, object]:
        """Post JSON to somebody who is not known yet."""
        ...

    def json(self, partner: Member, path: str, body: Mapping[str, object]) -> dict[str, object]:
        """Post signed JSON to a partner and return its signed answer."""
        ...

    def exchange(self, partner: Member, body: bytes) -> bytes:
        """Post a message to a partner and return the message that answers it."""
        ...

    def close(self) -> None:
        """Release what is kept open."""
        ...


class HttpCaller:
    """Calls over HTTP; answers are verified before anything in them is read."""

    def __init__(self, base: Base, client: Client | None = None) -> None:
        """Sign with this base's transport key."""
        self._base = base
        self._client = client or Client()

    def close(self) -> None:
        """End the connections that are kept."""
        self._client.close()

    def plain(self, url: str, path: str, body: Mapping[str, object]) -> dict[str, object]:
        """Post JSON to somebody who is not known yet."""
        headers = {"content-type": "application/json"}
        answer = self._client.post(
            url, path, headers, msgspec.json.encode(body), pin=None, limit=MAX_JSON, unpinned=True
        )
        return _document(answer.status, answer.body)

    def json(self, partner: Member, path: str, body: Mapping[str, object]) -> dict[str, object]:
        """Post signed JSON to a partner and return its signed answer."""
        status, data = self._post(partner, path, "application/json", msgspec.json.encode(body), MAX_JSON)
        return _document(status, data)

    def exchange(self, partner: Member, body: bytes) -> bytes:
        """Post a message to a partner and return the message that answers it."""
        status, data = self._post(partner, EXCHANGE, CONTENT_TYPE, body, MAX_BODY)
        if status != HTTPStatus.OK:
            _document(status, data)
        return data

    def _record(self, partner: Member) -> KeyRecord:
        with self._base.store.read() as tx:
            record = self._base.history(tx, partner).current
        if not record.url:
            raise TransportError(f"{record.name} has no address.", hint="It calls you, or sends a new card.")
        return record

    def _sign(self, method: str, partner: Member, path: str, body: bytes) -> dict[str, str]:
        return sign_request(
            method,
            path,
            "",
            body,
            sender=self._base.me,
            receiver=partner,
            seed=self._base.secrets.seed("transport"),
            created=self._base.clock() // 1000,
            nonce=self._base.random(16),
        )

    def _post(self, partner: Member, path: str, kind: str, body: bytes, limit: int) -> tuple[int, bytes]:
        record = self._record(partner)
        signed = self._sign("POST", partner, path, body)
        headers = {**signed, "content-type": kind}
        answer = self._client.post(record.url, path, headers, body, pin=record.tls or None, limit=limit)
        if answer.status != HTTPStatus.OK and "signature" not in answer.headers:
            _document(answer.status, answer.body)
        verify_answer(
            answer.status,
            answer.headers,
            answer.body,
            request_signature=signature_of(signed),
            me=self._base.me,
            sender=partner,
            key=record.transport,
        )
        return answer.status, answer.body

    def stream(self, partner: Member) -> Stream:
        """Open a partner's stream of signed heads; its head is verified before this returns."""
        record = self._record(partner)
        signed = self._sign("GET", partner, EVENTS, b"")
        headers = {**signed, "accept": "text/event-stream"}
        stream = self._client.stream(record.url, EVENTS, headers, pin=record.tls or None)
        try:
            if stream.status != HTTPStatus.OK:
                _document(stream.status, stream.body)
            verify_answer(
                stream.status,
                stream.headers,
                b"",
                request_signature=signature_of(signed),
                me=self._base.me,
                sender=partner,
                key=record.transport,
            )
        except EntenteError:
            stream.close()
            raise
        return stream

    def heads(self, stream: Stream) -> Iterator[str]:
        """Return the origins of the heads that a stream announces, as they come."""
        for event in stream:
            if event.name == "head":
                yield event.data.partition(b"\n")[0].decode()


def _document(status: int, body: bytes) -> dict[str, object]:
    """Return the JSON object of an answer; raise what an error answer says."""
    try:
        document = msgspec.json.decode(body, type=dict[str, object])
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as problem:
        raise TransportError(f"The partner answered {status} with something that is not JSON.") from problem
    if status == HTTPStatus.OK:
        return document
    said = {key: str(value)[:500] for key, value in part({"error": {}, **document}, "error").items()}
    message, code, hint = said.get("message", f"status {status}"), said.get("code", "refused"), said.get("hint", "")
    if status in {HTTPStatus.GONE, HTTPStatus.NOT_FOUND}:
        raise NotFoundError(f"The partner says: {message}", code=code, hint=hint)
    if status in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY}:
        raise InvalidError(f"The partner says: {message}", code=code, hint=hint)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise TransportError(f"The partner says: {message}", code=code, hint=hint)
    raise RefusedError(f"The partner says: {message}", code=code, hint=hint)
