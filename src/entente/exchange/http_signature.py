"""Signed requests and answers between members: RFC 9421 signatures and RFC 9530 digests in the one form of page 4.

Structured fields have many spellings; the protocol fixes one. A message is read with one pattern per field, and what
is spelt otherwise is refused. Ed25519 verdicts are those of `entente.core.keys`.
"""

from __future__ import annotations

import re
from binascii import a2b_base64, b2a_base64
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from entente.core import ids, keys
from entente.core.errors import InvalidError, NotFoundError, VerificationError
from entente.core.ids import Member

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

MAX_SKEW: Final = 300
"""Seconds that a request's `created` may be away from the receiver's clock, either way."""
NONCE_SIZE: Final = 16

_FROM: Final = "entente-from"
_TO: Final = "entente-to"
_DIGEST: Final = "content-digest"
_INPUT: Final = "signature-input"
_SIGNATURE: Final = "signature"
_OF_REQUEST: Final = '"signature";req;key="entente"'
_REQUEST: Final = ('"@method"', '"@path"', '"@query"', f'"{_DIGEST}"', f'"{_FROM}"', f'"{_TO}"')
_ANSWER: Final = ('"@status"', f'"{_DIGEST}"', f'"{_FROM}"', f'"{_TO}"', _OF_REQUEST)

_METHOD_FORM: Final = re.compile(r"[A-Z]{1,16}")
_PATH_FORM: Final = re.compile(r"/[!-~]{0,1023}")
_QUERY_FORM: Final = re.compile(r"[!-~]{0,1024}")
_DIGEST_FORM: Final = re.compile(r"sha-256=:([A-Za-z0-9+/]{43}=):")
_SIGNATURE_FORM: Final = re.compile(r"entente=:([A-Za-z0-9+/]{86}==):")
_PARAMETERS_FORM: Final = re.compile(
    r';created=(0|[1-9][0-9]{0,14});nonce="([A-Za-z0-9+/]{22}==)";keyid="([a-z2-7]{52})";alg="ed25519";tag="entente/v1"'
)


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """Who signed a request, the signature that the answer must cover, and the digest that the body must have."""

    member: Member
    signature: bytes
    digest: bytes


@dataclass(frozen=True, slots=True)
class _Signed:
    """The signature fields of a message, well formed but not verified."""

    sender: Member
    created: int
    parameters: str
    signature: bytes
    digest: bytes


def combine(fields: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return header fields by lower-case name; fields that occur twice are joined, so that no pattern fits them."""
    result: dict[str, str] = {}
    for name, value in fields:
        key = name.lower()
        result[key] = f"{result[key]}, {value}" if key in result else value
    return result


def sign_request(
    method: str,
    path: str,
    query: str,
    body: bytes,
    *,
    sender: Member,
    receiver: Member,
    seed: bytes,
    created: int,
    nonce: bytes,
) -> dict[str, str]:
    """Return the header fields that make a request of `sender` to `receiver` provable; `query` has no question mark.

    Raises InvalidError for a method, path, query or nonce that cannot be signed.
    """
    _check_target(method, path, query)
    digest = _binary("sha-256", sha256(body).digest())
    values = (method, path, f"?{query}", digest, ids.b32(sender), ids.b32(receiver))
    return _sign(_REQUEST, values, digest, sender=sender, receiver=receiver, seed=seed, created=created, nonce=nonce)


def verify_request(
    method: str,
    path: str,
    query: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    me: Member,
    key_of: Callable[[Member], bytes],
    now: float,
) -> SignedRequest:
    """Return who made a request; raise VerificationError unless it was signed for `me`, now, with exactly this body."""
    caller = verify_head(method, path, query, headers, me=me, key_of=key_of, now=now)
    verify_body(caller, body)
    return caller


def verify_head(
    method: str,
    path: str,
    query: str,
    headers: Mapping[str, str],
    *,
    me: Member,
    key_of: Callable[[Member], bytes],
    now: float,
) -> SignedRequest:
    """Return who signed the head of a request, before its body is read; `headers` as `combine` gives them.

    Raises VerificationError for another receiver, an unknown sender, a `created` that is too far off or a signature
    that does not hold. `key_of` raises NotFoundError for a member without a known transport key.
    """
    try:
        _check_target(method, path, query)
    except InvalidError as error:
        raise VerificationError(error.message) from error
    if headers.get(_TO) != ids.b32(me):
        raise VerificationError("The request is addressed to another member.", hint="Check the partner's address.")
    signed = _read(headers, _REQUEST)
    if abs(now - signed.created) > MAX_SKEW:
        raise VerificationError(
            f"The request claims a time that is more than {MAX_SKEW} seconds away from this clock.",
            hint="Set the clocks of both members, for example by NTP.",
        )
    try:
        key = key_of(signed.sender)
    except NotFoundError as error:
        raise VerificationError("The sender of this request is not known here.") from error
    values = (method, path, f"?{query}", headers[_DIGEST], headers[_FROM], headers[_TO])
    keys.verify(key, signature_base(_pairs(_REQUEST, values), signed.parameters), signed.signature)
    return SignedRequest(signed.sender, signed.signature, signed.digest)


def verify_body(caller: SignedRequest, body: bytes) -> None:
    """Accept the body that the caller signed; raise VerificationError for any other."""
    if sha256(body).digest() != caller.digest:
        raise VerificationError("The body is not the one that was signed.")


def sign_answer(
    status: int,
    body: bytes,
    *,
    request_signature: bytes,
    sender: Member,
    receiver: Member,
    seed: bytes,
    created: int,
    nonce: bytes,
) -> dict[str, str]:
    """Return the header fields that make an answer of `sender` provable and bind it to one request."""
    digest = _binary("sha-256", sha256(body).digest())
    values = (str(status), digest, ids.b32(sender), ids.b32(receiver), _base64(request_signature))
    return _sign(_ANSWER, values, digest, sender=sender, receiver=receiver, seed=seed, created=created, nonce=nonce)


def verify_answer(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    request_signature: bytes,
    me: Member,
    sender: Member,
    key: bytes,
) -> None:
    """Accept the answer of `sender` to the request with this signature; raise VerificationError for any other.

    The request's signature makes the answer fresh, so its claimed time is not judged: a member with a wrong clock can
    still read why it was refused.
    """
    if headers.get(_TO) != ids.b32(me) or headers.get(_FROM) != ids.b32(sender):
        raise VerificationError("The answer is not signed by the member that was asked, for the one that asked.")
    signed = _read(headers, _ANSWER)
    if sha256(body).digest() != signed.digest:
        raise VerificationError("The body of the answer is not the one that was signed.")
    values = (str(status), headers[_DIGEST], headers[_FROM], headers[_TO], _base64(request_signature))
    keys.verify(key, signature_base(_pairs(_ANSWER, values), signed.parameters), signed.signature)


def signature_of(headers: Mapping[str, str]) -> bytes:
    """Return the signature (64 bytes) in header fields made by `sign_request`, for `verify_answer`."""
    return _bytes_of(_SIGNATURE_FORM, headers.get(_SIGNATURE, ""), _SIGNATURE)


def signature_base(components: Sequence[tuple[str, str]], parameters: str) -> bytes:
    """Return the bytes that a signature covers (RFC 9421 section 2.5): identifiers with values, then the parameters.

    `components` holds serialised identifiers (with their quotes); `parameters` begins at the first semicolon.
    """
    lines = [f"{name}: {value}" for name, value in components]
    covered = " ".join(name for name, _ in components)
    return "\n".join([*lines, f'"@signature-params": ({covered}){parameters}']).encode("ascii")


def _sign(
    names: Sequence[str],
    values: Sequence[str],
    digest: str,
    *,
    sender: Member,
    receiver: Member,
    seed: bytes,
    created: int,
    nonce: bytes,
) -> dict[str, str]:
    if len(nonce) != NONCE_SIZE or created < 0:
        raise InvalidError(f"A signed message needs a nonce of {NONCE_SIZE} bytes and a time after 1970.")
    parameters = (
        f';created={created};nonce="{b2a_base64(nonce, newline=False).decode()}"'
        f';keyid="{ids.b32(sender)}";alg="ed25519";tag="entente/v1"'
    )
    signature = keys.sign(seed, signature_base(_pairs(names, values), parameters))
    return {
        _DIGEST: digest,
        _FROM: ids.b32(sender),
        _TO: ids.b32(receiver),
        _INPUT: f"entente=({' '.join(names)}){parameters}",
        _SIGNATURE: _binary("entente", signature),
    }


def _read(headers: Mapping[str, str], names: Sequence[str]) -> _Signed:
    """Read the signature fields; raise VerificationError unless each stands there once, in its one spelling."""
    covered = f"entente=({' '.join(names)})"
    text = headers.get(_INPUT, "")
    match = _PARAMETERS_FORM.fullmatch(text.removeprefix(covered)) if text.startswith(covered) else None
    if match is None:
        raise VerificationError("The message is not signed in the form of the protocol (field signature-input).")
    created, nonce, key_id = match.groups()
    _canonical(nonce, "nonce")
    try:
        sender = Member(ids.unb32(headers.get(_FROM, ""), ids.ID_SIZE))
    except InvalidError as error:
        raise VerificationError(f"The field {_FROM} is not a member id.") from error
    if key_id != headers[_FROM]:
        raise VerificationError("The message is signed by another member than the one that it comes from.")
    signature = signature_of(headers)
    digest = _bytes_of(_DIGEST_FORM, headers.get(_DIGEST, ""), _DIGEST)
    return _Signed(sender, int(created), match.group(), signature, digest)


def _check_target(method: str, path: str, query: str) -> None:
    if not (_METHOD_FORM.fullmatch(method) and _PATH_FORM.fullmatch(path) and _QUERY_FORM.fullmatch(query)):
        raise InvalidError("The method, path or query of this request cannot be signed.")


def _bytes_of(form: re.Pattern[str], text: str, field: str) -> bytes:
    match = form.fullmatch(text)
    if match is None:
        raise VerificationError(f"The message is not signed in the form of the protocol (field {field}).")
    return _canonical(match.group(1), field)


def _canonical(text: str, field: str) -> bytes:
    """Decode base64, refusing trailing bits that would give one value two spellings."""
    data = a2b_base64(text)
    if b2a_base64(data, newline=False).decode() != text:
        raise VerificationError(f"The base64 in {field} is not spelt canonically.")
    return data


def _pairs(names: Sequence[str], values: Sequence[str]) -> list[tuple[str, str]]:
    return list(zip(names, values, strict=True))


def _binary(label: str, data: bytes) -> str:
    return f"{label}={_base64(data)}"


def _base64(data: bytes) -> str:
    """Return a byte sequence as a structured field spells it."""
    return f":{b2a_base64(data, newline=False).decode()}:"
