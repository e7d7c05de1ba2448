"""Signed requests and answers: RFC 9421 and RFC 9530 vectors, a good round, and everything that must be refused."""

from __future__ import annotations

import base64
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entente.core import ids, keys
from entente.core.errors import EntenteError, InvalidError, NotFoundError, VerificationError
from entente.core.ids import Member
from entente.exchange import http_signature

NOW = 1_790_000_000
ALICE_SEED, BOB_SEED = b"\x01" * 32, b"\x02" * 32
ALICE, BOB = Member(sha256(b"alice").digest()), Member(sha256(b"bob").digest())
PATH = "/entente/v1/exchange"
BODY = b"message"


def key_of(member: Member) -> bytes:
    seeds = {ALICE: ALICE_SEED, BOB: BOB_SEED}
    if member not in seeds:
        raise NotFoundError("unknown")
    return keys.public_of(seeds[member])


def request(body: bytes = BODY, created: int = NOW) -> dict[str, str]:
    return http_signature.sign_request(
        "POST", PATH, "", body, sender=ALICE, receiver=BOB, seed=ALICE_SEED, created=created, nonce=b"n" * 16
    )


def verify(headers: dict[str, str], body: bytes = BODY, *, method="POST", path=PATH, query="", me=BOB, now=float(NOW)):
    return http_signature.verify_request(method, path, query, headers, body, me=me, key_of=key_of, now=now)


def answer(headers: dict[str, str], body: bytes = b"answer", status: int = 200) -> dict[str, str]:
    return http_signature.sign_answer(
        status,
        body,
        request_signature=http_signature.signature_of(headers),
        sender=BOB,
        receiver=ALICE,
        seed=BOB_SEED,
        created=NOW,
        nonce=b"m" * 16,
    )


def verify_answer(asked: dict[str, str], headers: dict[str, str], body: bytes = b"answer", status: int = 200) -> None:
    http_signature.verify_answer(
        status,
        headers,
        body,
        request_signature=http_signature.signature_of(asked),
        me=ALICE,
        sender=BOB,
        key=key_of(BOB),
    )


def test_rfc_9421_example_b_2_6_has_our_signature_base():
    public = base64.urlsafe_b64decode("JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs=")
    seed = base64.urlsafe_b64decode("n4Ni-HpISpVObnQMW0wOhCKROaIKqKtW_2ZYb2p9KcU=")
    signature = base64.b64decode(
        "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw=="
    )
    base = http_signature.signature_base(
        [
            ('"date"', "Tue, 20 Apr 2021 02:07:55 GMT"),
            ('"@method"', "POST"),
            ('"@path"', "/foo"),
            ('"@authority"', "example.com"),
            ('"content-type"', "application/json"),
            ('"content-length"', "18"),
        ],
        ';created=1618884473;keyid="test-key-ed25519"',
    )

    keys.verify(public, base, signature)
    assert keys.public_of(seed) == public
    assert keys.sign(seed, base) == signature


def test_rfc_9530_digest_is_ours():
    headers = request(b'{"hello": "world"}')

    assert headers["content-digest"] == "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"


def test_request_is_spelt_as_the_protocol_says():
    headers = request()

    assert headers["signature-input"] == (
        'entente=("@method" "@path" "@query" "content-digest" "entente-from" "entente-to")'
        f';created={NOW};nonce="bm5ubm5ubm5ubm5ubm5ubg==";keyid="{ids.b32(ALICE)}";alg="ed25519";tag="entente/v1"'
    )
    assert headers["entente-from"] == ids.b32(ALICE)
    assert headers["entente-to"] == ids.b32(BOB)


def test_good_request_tells_its_caller():
    headers = request()

    caller = verify(headers)

    assert caller.member == ALICE
    assert caller.signature == http_signature.signature_of(headers)


def test_good_answer_is_accepted():
    asked = request()
    caller = verify(asked)

    headers = answer(asked)

    assert caller.signature == http_signature.signature_of(asked)
    verify_answer(asked, headers)


def test_wrong_receiver_is_refused():
    with pytest.raises(VerificationError, match="another member"):
        verify(request(), me=ALICE)


@pytest.mark.parametrize("away", [-301, 301, -86_400])
def test_stale_or_early_request_is_refused(away: int):
    with pytest.raises(VerificationError, match="300 seconds"):
        verify(request(), now=NOW + away)


@pytest.mark.parametrize("away", [-300, 0, 300])
def test_request_within_the_window_is_accepted(away: int):
    assert verify(request(), now=NOW + away).member == ALICE


def test_replay_gets_the_same_verdict():
    headers = request()

    assert verify(headers) == verify(headers)


def test_unknown_sender_is_refused():
    stranger = Member(b"\x09" * 32)
    headers = http_signature.sign_request(
        "POST", PATH, "", BODY, sender=stranger, receiver=BOB, seed=b"\x09" * 32, created=NOW, nonce=b"n" * 16
    )

    with pytest.raises(VerificationError, match="not known"):
        verify(headers)


def test_other_body_is_refused():
    with pytest.raises(VerificationError, match="body"):
        verify(request(), body=b"massage")


@pytest.mark.parametrize(
    "change", [{"method": "PUT"}, {"path": "/entente/v1/accept"}, {"query": "a=b"}, {"path": "/a b"}, {"path": ""}]
)
def test_other_target_is_refused(change: dict[str, str]):
    with pytest.raises(VerificationError):
        verify(request(), **change)


def test_signature_of_another_member_is_refused():
    headers = http_signature.sign_request(
        "POST", PATH, "", BODY, sender=ALICE, receiver=BOB, seed=BOB_SEED, created=NOW, nonce=b"n" * 16
    )

    with pytest.raises(VerificationError):
        verify(headers)


@pytest.mark.parametrize("name", ["content-digest", "entente-from", "entente-to", "signature-input", "signature"])
def test_missing_or_repeated_field_is_refused(name: str):
    headers = request()
    missing = {key: value for key, value in headers.items() if key != name}
    repeated = http_signature.combine([*headers.items(), (name.title(), headers[name])])

    for changed in (missing, repeated):
        with pytest.raises(VerificationError):
            verify(changed)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"@method" ', ""),
        ('"@method" "@path"', '"@path" "@method"'),
        ('alg="ed25519"', 'alg="rsa-v1_5-sha256"'),
        (';alg="ed25519"', ""),
        ("tag=", "expires=1;tag="),
        ("entente=(", "entente= ("),
        (f"created={NOW}", f"created=0{NOW}"),
        (f"created={NOW}", f"created={NOW + 1}"),
        ('tag="entente/v1"', 'tag="entente/v1", sig2=()'),
        (ids.b32(ALICE), ids.b32(BOB)),
        ("bg==", "bh=="),
    ],
)
def test_other_spelling_of_the_parameters_is_refused(old: str, new: str):
    headers = request()
    headers["signature-input"] = headers["signature-input"].replace(old, new)

    with pytest.raises(VerificationError):
        verify(headers)


def test_answer_to_another_request_is_refused():
    first, second = request(), request(created=NOW + 1)

    with pytest.raises(VerificationError):
        verify_answer(second, answer(first))


def test_answer_of_another_status_body_or_sender_is_refused():
    asked = request()
    headers = answer(asked)

    with pytest.raises(VerificationError):
        verify_answer(asked, headers, status=500)
    with pytest.raises(VerificationError):
        verify_answer(asked, headers, body=b"answer!")
    with pytest.raises(VerificationError):
        verify_answer(asked, asked)


@pytest.mark.parametrize("size", [0, 15, 17])
def test_nonce_of_another_size_is_not_signed(size: int):
    with pytest.raises(InvalidError):
        http_signature.sign_request(
            "POST", PATH, "", BODY, sender=ALICE, receiver=BOB, seed=ALICE_SEED, created=NOW, nonce=b"n" * size
        )


@given(st.data())
def test_any_flipped_bit_in_a_signed_field_or_body_is_refused(data: st.DataObject):
    headers = request()
    name = data.draw(st.sampled_from([*sorted(headers), "body"]))
    value = bytearray(BODY if name == "body" else headers[name].encode())
    value[data.draw(st.integers(0, len(value) - 1))] ^= 1 << data.draw(st.integers(0, 6))
    body = bytes(value) if name == "body" else BODY
    if name != "body":
        headers[name] = value.decode("latin-1")

    with pytest.raises(VerificationError):
        verify(headers, body)


@given(st.data())
def test_any_flipped_bit_in_an_answer_is_refused(data: st.DataObject):
    asked = request()
    headers = answer(asked)
    name = data.draw(st.sampled_from(sorted(headers)))
    value = bytearray(headers[name].encode())
    value[data.draw(st.integers(0, len(value) - 1))] ^= 1 << data.draw(st.integers(0, 6))
    headers[name] = value.decode("latin-1")

    with pytest.raises(VerificationError):
        verify_answer(asked, headers)


@given(st.dictionaries(st.sampled_from(sorted(request())), st.text(max_size=200)), st.text(max_size=20))
def test_garbage_is_refused_with_an_error_of_ours(fields: dict[str, str], path: str):
    with pytest.raises(EntenteError):
        verify({**request(), "signature": "", **fields}, path=path)


@given(st.binary(max_size=100), st.sampled_from(["GET", "POST"]), st.from_regex(r"[a-z=&0-9]{0,20}", fullmatch=True))
def test_whatever_is_signed_verifies(body: bytes, method: str, query: str):
    headers = http_signature.sign_request(
        method, PATH, query, body, sender=ALICE, receiver=BOB, seed=ALICE_SEED, created=NOW, nonce=b"n" * 16
    )

    assert verify(headers, body, method=method, query=query).digest == sha256(body).digest()
