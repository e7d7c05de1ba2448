import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entente.core import canon
from entente.core.errors import InvalidError

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
KEYS = st.text(st.characters(max_codepoint=127), max_size=8)
SIMPLE = TEXT | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1)
VALUES = st.recursive(SIMPLE, lambda below: st.lists(below, max_size=4) | st.dictionaries(KEYS, below, max_size=4))
OBJECTS = st.dictionaries(KEYS, VALUES, max_size=5)


def nested(depth: int) -> dict[str, object]:
    value: dict[str, object] = {}
    for _ in range(depth - 1):
        value = {"a": value}
    return value


def test_string_of_the_standard_is_spelt_as_in_the_standard() -> None:
    """RFC 8785 section 3.2.2: the literal of its example, there with numbers beside it."""
    value = {"string": '\u20ac$\x0f\nA\'B"\\\\"/', "literals": [True, False]}
    assert canon.encode(value) == '{"literals":[true,false],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'.encode()


@settings(max_examples=100)
@given(value=OBJECTS)
def test_what_is_encoded_decodes_to_itself(value: dict[str, object]) -> None:
    data = canon.encode(value)
    assert canon.decode(data) == value
    assert (
        data == json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode() or b"\\u" in data
    )


@settings(max_examples=60)
@given(value=OBJECTS)
def test_second_spelling_is_refused(value: dict[str, object]) -> None:
    loose = json.dumps(value, sort_keys=True, indent=1).encode() + b"\n"
    with pytest.raises(InvalidError):
        canon.decode(loose)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b'"text"',
        b"1",
        b"null",
        b'{"a":null}',
        b'{"a":1.0}',
        b'{"a":1e3}',
        b'{"a":-0}',
        b'{"a":01}',
        b'{"a":9007199254740992}',
        b'{"a":-9007199254740992}',
        b'{"a":123456789012345678901234567890}',
        b'{"a":NaN}',
        b'{"a":1,"a":1}',
        b'{"a":1,"a":2}',
        b'{"b":1,"a":2}',
        b'{"a": 1}',
        b'{"a":1}\n',
        b'{"a":1}{}',
        b'{"a":"\\u0041"}',
        b'{"a":"\\/"}',
        b'{"a":"\\u000A"}',
        b'{"a":"\x01"}',
        b'{"a":"\xff"}',
        b'{"a":"\\ud800"}',
        b'\xef\xbb\xbf{"a":1}',
        '{"ä":1}'.encode(),
        b'{"a":' * 2000 + b"1" + b"}" * 2000,
    ],
)
def test_anything_but_the_canonical_spelling_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidError):
        canon.decode(data)


@pytest.mark.parametrize(
    "value",
    [None, 1.5, b"bytes", {1: 2}, {"ä": 1}, {"a": {"b": None}}, [[0.0]], 2**53, -(2**53), "\ud800", {1, 2}, object()],
)
def test_values_without_a_canonical_spelling_are_refused(value: object) -> None:
    with pytest.raises(InvalidError):
        canon.encode({"a": value})


def test_depth_of_thirty_two_is_the_limit() -> None:
    deepest = nested(32)
    assert canon.decode(canon.encode(deepest)) == deepest
    with pytest.raises(InvalidError, match="deeper"):
        canon.encode(nested(33))
    with pytest.raises(InvalidError, match="deeper"):
        canon.decode(b'{"a":' * 32 + b"{}" + b"}" * 32)


def test_size_limit_is_kept() -> None:
    data = canon.encode({"a": "x" * 100})
    assert canon.decode(data, limit=len(data))
    with pytest.raises(InvalidError, match="at most"):
        canon.decode(data, limit=len(data) - 1)
