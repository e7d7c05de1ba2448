"""Names are readable and never pass for ids."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entente.core.errors import InvalidError
from entente.core.ids import b32
from entente.core.names import MAX_NAME, check_name


@pytest.mark.parametrize(
    "name", ["CERT North", "é", "警察庁", "פיקוד", "a" * 25, "A-1 (SOC)", "x" * 20 + "-" + "y" * 20]
)
def test_plain_names_are_returned(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "1 to 80"),
        ("x y" * 27, "1 to 80"),
        ("a\nb", "U\\+000A"),
        ("a\x1b[31mb", "U\\+001B"),
        ("a\x85b", "U\\+0085"),
        ("a\u2028b", "U\\+2028"),
        ("a\ud800b", "U\\+D800"),
        ("abc\u202egpj", "U\\+202E"),
        ("a\u2066b", "U\\+2066"),
        ("a\u200fb", "U\\+200F"),
        (" a", "space"),
        ("a\u00a0", "space"),
        ("a" * 26, "id"),
        ("member " + "Q7" * 13, "id"),
    ],
)
def test_names_that_deceive_are_refused(name: str, why: str) -> None:
    with pytest.raises(InvalidError, match=why):
        check_name(name)


@given(st.binary(min_size=16, max_size=32), st.text("ab -", max_size=10), st.booleans())
def test_no_id_is_a_name(identifier: bytes, around: str, upper: bool) -> None:
    text = b32(identifier)
    with pytest.raises(InvalidError):
        check_name(around + (text.upper() if upper else text) + around)


@given(st.text(max_size=100))
def test_any_text_is_returned_unchanged_or_refused(text: str) -> None:
    try:
        assert check_name(text) == text
    except InvalidError:
        return
    assert text.strip() == text
    assert 0 < len(text) <= MAX_NAME
    assert text.isascii() is False or text.isprintable()
