"""The bytes of a bundle: what one member signed for another is read back, and nothing else is."""

from __future__ import annotations

from functools import cache
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from entente.core import canon, keys
from entente.core.errors import EntenteError, LimitError, RefusedError, VerificationError
from entente.core.ids import Member
from entente.exchange import bundle
from entente.exchange.bundle import BundleManifest, Parser
from entente.exchange.messages import MAX_BODY, Head, Message, encode
from network import Network

READER = Member(bytes(range(32)))
MESSAGES = [Message(full=True, heads=[Head(bytes(32), 0, bytes(32))]), Message(offers=[b"x" * 300]), Message(more=True)]


@cache
def made() -> tuple[BundleManifest, bytes, bytes]:
    """Return a manifest, the transport seed of its sender, and the bundle."""
    node = Network().add("Harbour")
    with node.base.store.read() as tx:
        history = node.base.history(tx, node.base.me)
    manifest = BundleManifest(
        sender=node.base.me,
        reader=READER,
        created=1_790_000_000_000,
        nonce=b"n" * 16,
        answers=b"",
        unsure=False,
        keys=history,
    )
    seed = node.base.keys.secrets.seed("transport")
    return manifest, seed, b"".join(bundle.write(manifest, seed, map(encode, MESSAGES)))


def read(data: bytes, step: int = 1 << 20, **caps: int) -> tuple[list[BundleManifest], list[Message]]:
    """Return what a reader takes out of these bytes, fed `step` at a time."""
    manifests: list[BundleManifest] = []
    messages: list[Message] = []

    def admit(manifest: BundleManifest) -> bytes:
        manifests.append(manifest)
        return manifest.keys.current.transport

    parser = Parser(admit, lambda _, message: messages.append(message), **caps)
    for at in range(0, len(data), step):
        parser.feed(data[at : at + step])
    parser.close()
    return manifests, messages


def signed(head: bytes, seed: bytes) -> bytes:
    """Return the head with a valid end."""
    head += bytes(4)
    return head + keys.sign(seed, b"entente/bundle-end/v1\0" + sha256(head).digest())


def framed(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def test_what_was_written_is_read() -> None:
    manifest, _, data = made()
    assert read(data) == ([manifest], MESSAGES)


def test_a_manifest_has_one_spelling_and_one_bundle_follows_from_it() -> None:
    manifest, seed, data = made()
    assert BundleManifest.read(manifest.body()) == manifest
    assert b"".join(bundle.write(manifest, seed, map(encode, MESSAGES))) == data


@given(step=st.integers(1, 4096))
@settings(max_examples=25, deadline=None)
def test_it_does_not_matter_in_which_pieces_the_bytes_come(step: int) -> None:
    manifest, _, data = made()
    assert read(data, step) == ([manifest], MESSAGES)


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_flipped_bit_is_refused_wherever_it_is(draw: st.DataObject) -> None:
    data = bytearray(made()[2])
    data[draw.draw(st.integers(0, len(data) - 1))] ^= 1 << draw.draw(st.integers(0, 7))
    with pytest.raises((VerificationError, LimitError)):
        read(bytes(data))


@given(cut=st.integers(0, 1 << 20))
@settings(max_examples=100, deadline=None)
def test_a_truncated_bundle_is_refused(cut: int) -> None:
    data = made()[2]
    with pytest.raises(VerificationError):
        read(data[: cut % len(data)])


def test_bytes_behind_the_end_are_refused() -> None:
    with pytest.raises(VerificationError, match="follows"):
        read(made()[2] + b"\0")
    with pytest.raises(VerificationError, match="follows"):
        read(made()[2] + b"\0", step=1)


@given(junk=st.binary(max_size=400))
@settings(max_examples=200, deadline=None)
def test_junk_is_refused_by_an_error_of_ours(junk: bytes) -> None:
    for data in (junk, bundle.MAGIC + junk, bundle.MAGIC + framed(junk)):
        with pytest.raises(EntenteError):
            read(data)


def test_a_frame_that_was_left_out_or_moved_is_refused() -> None:
    frames = [framed(encode(message)) for message in MESSAGES]
    data = made()[2]
    head, tail = data[: data.index(frames[0])], data[-68:]
    assert head + b"".join(frames) + tail == data
    for other in (frames[1:], frames[:-1], frames[::-1], [*frames, frames[0]]):
        with pytest.raises(VerificationError, match="signature"):
            read(head + b"".join(other) + tail)


def test_a_signed_frame_that_is_no_message_is_refused() -> None:
    manifest, seed, _ = made()
    head = next(bundle.write(manifest, seed, ()))
    for junk in (b"junk", encode(MESSAGES[0])[:-1], encode(structs.replace(MESSAGES[0], version=2))):
        with pytest.raises(VerificationError, match="message in the bundle"):
            read(signed(head + framed(junk), seed))


def test_the_beginning_of_one_bundle_does_not_fit_the_end_of_another() -> None:
    manifest, seed, data = made()
    other = b"".join(bundle.write(structs.replace(manifest, nonce=b"m" * 16), seed, map(encode, MESSAGES)))
    with pytest.raises(VerificationError, match="signature"):
        read(data[:-68] + other[-68:])


def test_another_members_signature_is_refused_before_a_message_is_read() -> None:
    manifest, _, _ = made()
    forged = b"".join(bundle.write(manifest, b"t" * 32, map(encode, MESSAGES)))
    taken: list[bytes] = []
    parser = Parser(lambda given: given.keys.current.transport, lambda body, _: taken.append(body))
    with pytest.raises(VerificationError, match="signature"):
        parser.feed(forged)
    assert not taken


def test_who_is_not_admitted_is_refused_by_the_first_bytes() -> None:
    def refuse(_: BundleManifest) -> bytes:
        raise RefusedError("no", code="not-entitled")

    manifest, _, data = made()
    parser = Parser(refuse, lambda _body, _message: pytest.fail("a message was taken"))
    with pytest.raises(RefusedError):
        parser.feed(data[: len(bundle.MAGIC) + 4 + len(manifest.body())])


def test_a_manifest_with_other_fields_or_foreign_keys_is_refused() -> None:
    manifest, _, _ = made()
    stranger = structs.replace(manifest, sender=READER)
    body = canon.decode(manifest.body())
    odd = [
        {**body, "more": 1},
        {key: value for key, value in body.items() if key != "unsure"},
        {**body, "entente-bundle": 2},
        {**body, "created": -1},
        {**body, "created": True},
        {**body, "unsure": 0},
        {**body, "nonce": ""},
        {**body, "answers": "AAAA"},
        {**body, "to": "short"},
        {**body, "keys": {}},
    ]
    for data in (stranger.body(), *(canon.encode(each) for each in odd), manifest.body() + b" ", b"{}"):
        with pytest.raises(VerificationError):
            BundleManifest.read(data)


def test_lengths_and_counts_are_capped_before_anything_is_kept() -> None:
    manifest, seed, data = made()
    head = next(bundle.write(manifest, seed, ()))
    with pytest.raises(LimitError):
        read(head + (MAX_BODY + 1).to_bytes(4, "big"))
    with pytest.raises(VerificationError):
        read(bundle.MAGIC + (bundle.MAX_MANIFEST + 1).to_bytes(4, "big"))
    with pytest.raises(VerificationError):
        read(bundle.MAGIC + bytes(4))
    with pytest.raises(LimitError):
        read(data, max_frames=2)
    with pytest.raises(LimitError):
        read(data, max_bytes=len(data) - 1)
    assert read(data, max_frames=3, max_bytes=len(data))[1] == MESSAGES


def test_a_message_that_no_reader_would_take_is_not_written() -> None:
    manifest, seed, _ = made()
    with pytest.raises(LimitError):
        list(bundle.write(manifest, seed, [bytes(MAX_BODY + 1)]))
