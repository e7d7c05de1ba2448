from hashlib import sha256
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entente.core import ids
from entente.core.errors import InvalidError
from entente.core.wordlist import WORDS

HASHES = st.binary(min_size=32, max_size=32)
MEMBER = ids.member_id(b"\x01" * 32)
AGREEMENT = ids.agreement_id(b"{}")
CIRCLE = ids.circle_id(AGREEMENT, b"circle")


@pytest.mark.parametrize(
    ("data", "text"),
    [(b"", ""), (b"f", "my"), (b"fo", "mzxq"), (b"foo", "mzxw6"), (b"foob", "mzxw6yq"), (b"foobar", "mzxw6ytboi")],
)
def test_base32_is_that_of_the_standard_in_lower_case(data: bytes, text: str) -> None:
    """RFC 4648 section 10."""
    assert ids.b32(data) == text
    assert ids.unb32(text, len(data)) == data


@settings(max_examples=80)
@given(data=st.binary(max_size=40))
def test_base32_reads_back_and_has_one_spelling(data: bytes) -> None:
    text = ids.b32(data)
    assert ids.unb32(text, len(data)) == data
    for other in (text.upper(), text + "=", text + "a", text + "\n", " " + text, text[:-1]):
        if other != text:
            with pytest.raises(InvalidError):
                ids.unb32(other, len(data))


@pytest.mark.parametrize(
    "text", ["mz", "mzxr", "m1", "m0", "mzxw6ytboj", "\u017f" * 2, "\u0131" * 8, "\u20ac", "a\x00"]
)
def test_base32_with_spare_bits_or_strange_letters_is_refused(text: str) -> None:
    for length in range(7):
        with pytest.raises(InvalidError):
            ids.unb32(text, length)


def test_ids_are_the_hashes_of_the_protocol_text() -> None:
    """Worked out here from the words of docs/protocol/1-values.md, and pinned."""
    secret = b"\x02" * 32
    assert sha256(b"\x01" * 32).digest() == MEMBER
    assert sha256(b"{}").digest() == AGREEMENT
    assert sha256(b"entente/circle/v1\0" + AGREEMENT + b"circle").digest() == CIRCLE
    hashed = sha256(MEMBER + CIRCLE + b"\0\0\0\x01" + secret).digest()
    assert ids.origin(MEMBER, CIRCLE, 1, secret) == "entente/v1/" + ids.b32(hashed)
    assert ids.origin(MEMBER, CIRCLE, 1, secret) == "entente/v1/7qxj26m7y2m4pfokm6pwkrp6azrb36t7ej7pqk45odub6cq5iqyq"
    assert ids.keys_origin(MEMBER) == "entente/v1/5535c7q7egoyjdqqcr4ysmnrjlvbo672ipzn6m3xzirdz6guvmdq"
    assert ids.b32(MEMBER) == "olgw5bbcyqd7w3ijq2ipceylpxwx5qxx6xq5gc6z2uq7afjwg6jq"
    assert ids.identity_id(MEMBER) == "identity--918baee4-9e8a-4b07-8f40-7b36bc7a7618"
    assert ids.words(MEMBER) == ("quickly", "deepness", "emotion", "area", "engross", "bonanza")
    assert ids.short(MEMBER) == "olgw5bbc"
    assert ids.witness_name(MEMBER) == "entente/v1/witness/" + ids.b32(MEMBER)
    assert ids.store_name(MEMBER) == "entente/v1/store/" + ids.b32(MEMBER)


@settings(max_examples=60)
@given(member=HASHES, circle=HASHES, secret=HASHES, epoch=st.integers(0, 2**32 - 1))
def test_origin_is_read_back_and_differs_by_every_part(member: bytes, circle: bytes, secret: bytes, epoch: int) -> None:
    origin = ids.origin(ids.Member(member), ids.Circle(circle), epoch, secret)
    assert ids.origin_of(ids.origin_hash(origin)) == origin
    assert origin != ids.origin(ids.Member(member), ids.Circle(circle), epoch ^ 1, secret)
    assert origin != ids.origin(ids.Member(member), ids.Circle(circle), epoch, sha256(secret).digest())
    assert UUID(ids.identity_id(ids.Member(member)).removeprefix("identity--")).version == 4


@pytest.mark.parametrize("text", ["", "entente/v1/", "entente/v2/" + "a" * 52, "entente/v1/" + "A" * 52, "a" * 52])
def test_foreign_origin_is_refused(text: str) -> None:
    with pytest.raises(InvalidError):
        ids.origin_hash(text)


def test_parts_of_another_length_are_refused() -> None:
    for short in (b"", MEMBER[:31], MEMBER + b"\0"):
        for call in (ids.keys_origin, ids.words, ids.short, ids.origin_of, ids.witness_name, ids.identity_id):
            with pytest.raises(InvalidError):
                call(short)
        with pytest.raises(InvalidError):
            ids.origin(MEMBER, CIRCLE, 1, short)
        with pytest.raises(InvalidError):
            ids.circle_id(ids.Agreement(short), b"circle")
    for epoch in (-1, 2**32):
        with pytest.raises(InvalidError):
            ids.origin(MEMBER, CIRCLE, epoch, bytes(32))


def test_words_are_the_digits_of_the_first_sixteen_bytes() -> None:
    assert ids.words(bytes(32)) == (WORDS[0],) * 6
    assert ids.words((7776).to_bytes(16, "big") + b"\xff" * 16) == (WORDS[0],) * 4 + (WORDS[1], WORDS[0])
    assert ids.words((7776**6 - 1).to_bytes(16, "big") + bytes(16)) == (WORDS[-1],) * 6
    assert ids.words((7776**6).to_bytes(16, "big") + bytes(16)) == (WORDS[0],) * 6


@settings(max_examples=60)
@given(
    identifier=HASHES, separators=st.lists(st.sampled_from([" ", ",", ", ", "\n", "\t", "  "]), min_size=5, max_size=5)
)
def test_words_are_read_back_however_they_are_written(identifier: bytes, separators: list[str]) -> None:
    spoken = ids.words(identifier)
    text = "".join(word.upper() + gap for word, gap in zip(spoken, [*separators, " "], strict=True))
    assert ids.parse_words(text) == spoken


def test_hyphen_inside_a_word_survives() -> None:
    assert ids.parse_words("Yo-Yo t-shirt drop-down felt-tip zoom abacus")[0] == "yo-yo"


def test_unknown_word_is_named_and_five_words_are_not_six() -> None:
    with pytest.raises(InvalidError, match="'abakus'"):
        ids.parse_words("zoom zoom zoom abakus zoom zoom")
    for text in ("", "zoom " * 5, "zoom " * 7):
        with pytest.raises(InvalidError, match="6 words"):
            ids.parse_words(text)
