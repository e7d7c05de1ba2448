"""A pattern is well formed by the grammar of the standard, or refused with its place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stix2patterns.validator import run_validator

from entente.core.errors import EntenteError, InvalidError, LimitError
from entente.formats.stix.pattern import check
from formats.strict_corpus import PATTERNS

TOKENS = st.sampled_from(
    [
        *("[", "]", "(", ")", "=", "!=", "<", ">=", ",", ".", ":", "*", "[0]", "[*]", "AND", "OR", "NOT", "IN", "LIKE"),
        *(
            "MATCHES",
            "ISSUBSET",
            "FOLLOWEDBY",
            "WITHIN",
            "SECONDS",
            "REPEATS",
            "TIMES",
            "START",
            "STOP",
            "5",
            "-5",
            "1.5",
        ),
        *(
            "'x'",
            "t'2026-01-01T00:00:00Z'",
            "h'00'",
            "true",
            "file:name",
            "file",
            "name",
            "hashes",
            "MD5",
            "a-b",
            "EXISTS",
        ),
        *("[file:name = 'x']", "file:hashes.MD5", "'79054025255fb1a26e4bc422aef54eb4'", "/* c */", "'", "\\", "\n"),
    ]
)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_good_pattern_stands_for_both(pattern: str) -> None:
    check(pattern)
    assert run_validator(pattern, "2.1") == []


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "file:name = 'x'",
        "[file:name = 'x'",
        "[file:name = 'x']]",
        "[file:name = x]",
        "[file:name = 'x\\y']",
        "[file:name]",
        "[file = 'x']",
        "[file:na-me = 'x']",
        "[file:name = 'x'] AND",
        "[file:name = 'x'] WITHIN -5 SECONDS",
        "[file:name = 'x'] WITHIN 5 SECONDS WITHIN 6 SECONDS",
        "[file:name = 'x'] REPEATS 1.5 TIMES",
        "[file:name = 'x'] START '2026-01-01T00:00:00Z' STOP t'2026-01-01T00:00:00Z'",
        "[file:name < true]",
        "[file:name LIKE 5]",
        "[file:name IN ()]",
        "[file:hashes.MD5 = 'x']",
        "[file:hashes.'SHA-256' = '79054025255fb1a26e4bc422aef54eb4']",
        "[file:hashes[0] = 'x']",
        "[x:name = 'x']",
        "[file:n\u00e4me = 'x']",
        "[x-foo:id = 'x']",
        "[file:name = h'']",
        "[file:name = b'']",
    ],
)
def test_a_bad_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(InvalidError, match="pattern"):
        check(pattern)


def test_the_refusal_names_the_place() -> None:
    with pytest.raises(InvalidError, match="cannot be read at character 14"):
        check("[file:name = % 5]")
    with pytest.raises(InvalidError, match="at character 14"):
        check("[file:name = x]")


def test_deep_nesting_is_refused() -> None:
    check("(" * 40 + "[file:name = 'x']" + ")" * 40)
    with pytest.raises(LimitError):
        check("(" * 5000 + "[file:name = 'x']" + ")" * 5000)
    with pytest.raises(LimitError):
        check("[" + "(" * 5000 + "file:name = 'x'" + ")" * 5000 + "]")


@given(st.lists(TOKENS, max_size=12).map(" ".join), st.sampled_from(PATTERNS), st.integers(0, 60))
def test_what_we_take_the_reference_parser_takes(inner: str, pattern: str, place: int) -> None:
    for text in (
        inner,
        f"[{inner}]",
        f"[file:name {inner}]",
        f"{pattern} {inner}",
        pattern[:place] + inner + pattern[place:],
    ):
        try:
            check(text)
        except EntenteError:
            continue
        assert run_validator(text, "2.1") == []
