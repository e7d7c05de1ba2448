"""Messages are bounded before anything in them is believed; whatever comes, only our own errors come out."""

from __future__ import annotations

import struct

import msgspec
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from entente.core.errors import EntenteError, InvalidError, LimitError
from entente.exchange.messages import (
    MAX_BODY,
    MAX_COSIGNATURES,
    MAX_HEADS,
    MAX_INFLATED,
    MAX_OFFER,
    MAX_OFFERS,
    MAX_PARTS,
    MAX_WANTED,
    Delivery,
    Head,
    Message,
    Part,
    Refusal,
    Want,
    decode,
    encode,
)
from entente.ledger.package import Package
from entente.ledger.witness import Cosignature

ID = bytes(32)
HEAD = Head(ID, 1, ID)
PACKAGE = Package(0, ["item/1"], b"\0", [1], [1], bytes(16), b"x", [], [])
FULL = Message(
    full=True,
    heads=[HEAD],
    tally=ID,
    offers=[b"{}"],
    parts=[Part(ID, b"note", [PACKAGE], ID, [ID])],
    cosignatures=[Cosignature(ID, ID, "stored", 1, ID, "line")],
    wants=[Want(ID, [1, 2])],
    deliveries=[Delivery(ID, 1, bytes(16), b"payload")],
    refusals=[Refusal("limit", "subject", "Too large.")],
    more=True,
)


def packed(value: object) -> bytes:
    return zstandard.compress(msgspec.msgpack.encode(value))


def rows() -> list[object]:
    """Return the message as plain values, to be spoilt."""
    found: list[object] = msgspec.msgpack.decode(msgspec.msgpack.encode(FULL))
    return found


def test_message_comes_back_as_it_was() -> None:
    assert decode(encode(FULL)) == FULL
    assert decode(encode(Message())) == Message()


def test_message_is_the_array_of_the_page() -> None:
    assert rows()[0] == 1
    assert len(rows()) == 13


def test_empty_message_takes_no_room_and_asks_nothing() -> None:
    assert Message().empty()
    assert not Message().changes()
    assert len(encode(Message())) < 40


@pytest.mark.parametrize("field", ["full", "heads", "offers", "parts", "cosignatures", "wants", "deliveries", "more"])
def test_anything_in_it_makes_a_message_that_is_not_empty(field: str) -> None:
    assert not Message(**{field: getattr(FULL, field)}).empty()


@pytest.mark.parametrize("field", ["offers", "parts", "cosignatures", "deliveries"])
def test_what_a_receiver_stores_is_known_as_a_change(field: str) -> None:
    assert Message(**{field: getattr(FULL, field)}).changes()


def test_refusals_alone_are_the_end_of_a_round() -> None:
    assert Message(refusals=FULL.refusals).empty()


def test_body_that_is_too_large_is_refused_unread() -> None:
    with pytest.raises(LimitError):
        decode(bytes(MAX_BODY + 1))


def test_bomb_is_refused_at_the_limit() -> None:
    with pytest.raises(LimitError):
        decode(zstandard.compress(bytes(MAX_INFLATED + 1), level=19))


def test_bomb_that_hides_its_size_is_refused_at_the_limit() -> None:
    compressor = zstandard.ZstdCompressor(write_content_size=False).compressobj()
    body = compressor.compress(bytes(200 << 20)) + compressor.flush()
    assert len(body) < 100_000
    with pytest.raises(EntenteError):
        decode(body)


def test_window_larger_than_the_limit_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=27, enable_ldm=True, write_content_size=False)
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    body = compressor.compress(bytes(1 << 20)) + compressor.flush()
    with pytest.raises(EntenteError):
        decode(body)


def test_cut_frame_is_refused() -> None:
    body = encode(FULL)
    for end in (0, 1, 4, len(body) // 2, len(body) - 1):
        with pytest.raises(EntenteError):
            decode(body[:end])


@pytest.mark.parametrize("depth", [100, 1_000, 100_000, 1_000_000])
@pytest.mark.parametrize("opening", [b"\x91", b"\x81\xa0", b"\xdd\0\0\0\1"])
def test_deep_nesting_is_refused(opening: bytes, depth: int) -> None:
    with pytest.raises(EntenteError):
        decode(zstandard.compress(b"\x9b\x01\xc2" + opening * depth))


def test_count_that_no_body_could_hold_is_refused() -> None:
    with pytest.raises(EntenteError):
        decode(zstandard.compress(b"\x9b\x01\xc2" + b"\xdd" + struct.pack(">I", 2**32 - 1)))


@pytest.mark.parametrize("place", range(11))
@pytest.mark.parametrize("value", [None, "text", b"bytes", -1, 2**63, 1.5, {}, [1], [[]], [[None]]])
def test_wrong_type_anywhere_is_refused(place: int, value: object) -> None:
    spoilt = rows()
    if type(spoilt[place]) is type(value) and value == b"bytes":
        return
    spoilt[place] = value
    with pytest.raises(InvalidError):
        decode(packed(spoilt))


@pytest.mark.parametrize("version", [0, 2, -1, 2**40])
def test_other_versions_are_refused(version: int) -> None:
    with pytest.raises(InvalidError):
        decode(packed([version, *rows()[1:]]))


TOO_MANY = {
    "heads": [HEAD] * (MAX_HEADS + 1),
    "offers": [b""] * (MAX_OFFERS + 1),
    "one large offer": [bytes(MAX_OFFER + 1)],
    "parts": [Part(number.to_bytes(32, "big"), b"", []) for number in range(MAX_PARTS + 1)],
    "cosignatures": [Cosignature(ID, ID, "", 1, ID, "")] * (MAX_COSIGNATURES + 1),
    "wants": [Want(ID, [])] * (MAX_PARTS + 1),
    "many wanted": [Want(ID, [1] * MAX_WANTED), Want(ID, [1])],
    "deliveries": [Delivery(ID, 1, b"", b"")] * (MAX_WANTED + 1),
    "refusals": [Refusal("", "", "")] * (MAX_PARTS + 1),
}
FIELDS = {"one large offer": "offers", "many wanted": "wants"}


@pytest.mark.parametrize("case", TOO_MANY)
def test_one_too_many_is_refused(case: str) -> None:
    with pytest.raises(LimitError):
        decode(encode(Message(**{FIELDS.get(case, case): TOO_MANY[case]})))


def test_two_parts_of_one_log_are_refused() -> None:
    """Each would cost a look at a note: with a thousand of them one message kept a node busy for seconds."""
    with pytest.raises(InvalidError, match="two parts"):
        decode(encode(Message(parts=[Part(ID, b"", []), Part(ID, b"x", [])])))


@pytest.mark.parametrize("case", [case for case in TOO_MANY if case not in FIELDS])
def test_as_many_as_are_allowed_are_read(case: str) -> None:
    assert decode(encode(Message(**{case: TOO_MANY[case][1:]})))


SHORT = b"x" * 31
ODD = {
    "head log": {"heads": [Head(SHORT, 1, ID)]},
    "head root": {"heads": [Head(ID, 1, SHORT)]},
    "part": {"parts": [Part(SHORT, b"", [])]},
    "want": {"wants": [Want(SHORT, [])]},
    "delivery": {"deliveries": [Delivery(SHORT, 1, b"", b"")]},
    "cosigned log": {"cosignatures": [Cosignature(SHORT, ID, "", 1, ID, "")]},
    "cosigner": {"cosignatures": [Cosignature(ID, SHORT, "", 1, ID, "")]},
    "cosigned root": {"cosignatures": [Cosignature(ID, ID, "", 1, SHORT, "")]},
    "negative size": {"heads": [Head(ID, -1, ID)]},
    "impossible size": {"heads": [Head(ID, 2**63, ID)]},
}


@pytest.mark.parametrize("case", ODD)
def test_odd_ids_and_sizes_are_refused(case: str) -> None:
    with pytest.raises(InvalidError):
        decode(encode(Message(**ODD[case])))


@given(st.binary(max_size=300))
@settings(max_examples=300)
def test_arbitrary_bytes_raise_nothing_but_our_errors(body: bytes) -> None:
    with pytest.raises(EntenteError):
        decode(body)


@given(st.binary(max_size=300))
@settings(max_examples=300)
def test_arbitrary_bytes_in_a_frame_raise_nothing_but_our_errors(data: bytes) -> None:
    try:
        decode(zstandard.compress(data))
    except EntenteError:
        return


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=5) | st.binary(max_size=40),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(PLAIN, max_size=11))
@settings(max_examples=300)
def test_arbitrary_values_raise_nothing_but_our_errors(values: list[object]) -> None:
    try:
        decode(packed([1, *values]))
    except EntenteError:
        return


@given(st.data())
@settings(max_examples=300)
def test_flipped_byte_of_a_good_message_raises_nothing_but_our_errors(data: st.DataObject) -> None:
    body = bytearray(msgspec.msgpack.encode(FULL))
    body[data.draw(st.integers(0, len(body) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        decode(zstandard.compress(bytes(body)))
    except EntenteError:
        return


def test_nothing_may_follow_the_frame() -> None:
    body = encode(Message(full=True))
    for more in (b"\0", b"more", body):
        with pytest.raises(InvalidError):
            decode(body + more)
