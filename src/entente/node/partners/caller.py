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
from entente.node.partners.cards import make_card, read_card, take_card

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from entente.core.ids import Member
    from entente.ledger.history import KeyRecord
    from entente.node.home.base import Base

MAX_JSON = 512 << 10
MAX_WITNESS = 64 << 10
WITNESS_SECONDS = 10.0
EXCHANGE = "/entente/v1/exchange"
EVENTS = "/entente/v1/events"
KEYS = "/entente/v1/keys"
MISMATCH = ("verification", "pin")
"""What a call ends with when one side has changed its keys or certificate, and the other does not know it yet."""


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

    def submit(self, url: str, path: str, body: bytes | None) -> tuple[int, str, bytes]:
        """Post a text to a witness (or get one, without a body); return status, content type and body."""
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

    def submit(self, url: str, path: str, body: bytes | None) -> tuple[int, str, bytes]:
        """Post a text to a witness (or get one, without a body); return status, content type and body."""
        limit, seconds = MAX_WITNESS, WITNESS_SECONDS
        if body is None:
            answer = self._client.get(url, path, {}, pin=None, limit=limit, unpinned=True, timeout=seconds)
        else:
            headers = {"content-type": "text/plain; charset=utf-8"}
            answer = self._client.post(url, path, headers, body, pin=None, limit=limit, unpinned=True, timeout=seconds)
        return answer.status, answer.headers.get("content-type", "").lower(), answer.body

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
            seed=self._base.keys.secrets.seed("transport"),
            created=self._base.clock() // 1000,
            nonce=self._base.random(16),
        )

    def _post(self, partner: Member, path: str, kind: str, body: bytes, limit: int) -> tuple[int, bytes]:
        """Post to a partner; when the keys do not fit, show it our newest ones, learn its own, and try once more."""
        try:
            return self._posted(partner, path, kind, body, limit)
        except EntenteError as problem:
            if problem.code not in MISMATCH or not self._greet(partner):
                raise
        return self._posted(partner, path, kind, body, limit)

    def _greet(self, partner: Member) -> bool:
        """Exchange cards with a partner over a connection that nothing vouches for: cards prove themselves."""
        record = self._record(partner)
        with self._base.store.read() as tx:
            own = make_card(self._base.history(tx, self._base.me))
        body = msgspec.json.encode({"card": msgspec.Raw(own)})
        signed = self._sign("POST", partner, KEYS, body)
        headers = {**signed, "content-type": "application/json"}
        try:
            answer = self._client.post(record.url, KEYS, headers, body, pin=None, limit=MAX_JSON, unpinned=True)
            shown = read_card(msgspec.json.encode(_document(answer.status, answer.body).get("card")))
            if shown.member != partner:
                return False
            with self._base.commit() as tx:
                take_card(tx, shown)
        except EntenteError:
            return False
        return True

    def _posted(self, partner: Member, path: str, kind: str, body: bytes, limit: int) -> tuple[int, bytes]:
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
