"""Grades, likelihood and confidence are three scales, read strictly, with the published ranges."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from entente.core.errors import InvalidError
from entente.core.grading import (
    CONFIDENCE,
    CREDIBILITY,
    LIKELIHOOD,
    RELIABILITY,
    SAME,
    Grade,
    parse_confidence,
    parse_grade,
    parse_likelihood,
)

if TYPE_CHECKING:
    from pathlib import Path


def test_every_grade_reads_back() -> None:
    for letter in RELIABILITY:
        for digit in CREDIBILITY:
            assert parse_grade(f" {letter.lower()}{digit} ") == Grade(letter, digit)
            assert str(parse_grade(f"{letter}-{digit}")) == f"{letter}{digit}"


@pytest.mark.parametrize("text", ["", "B", "2", "B0", "B7", "G1", "2B", "B22", "B٢", "reliable"])
def test_what_is_no_grade_is_refused_with_the_scale(text: str) -> None:
    with pytest.raises(InvalidError) as refusal:
        parse_grade(text)
    assert "usually reliable" in refusal.value.hint


@pytest.mark.parametrize("text", ["very likely", "Very-Likely", "very_likely", " VERY  LIKELY ", "highly probable"])
def test_a_likelihood_is_read_in_any_spelling(text: str) -> None:
    assert parse_likelihood(text) == "very likely"


@pytest.mark.parametrize("text", ["", "maybe", "80 %", "highly likely", "moderate"])
def test_a_word_of_another_scale_is_refused_with_the_words(text: str) -> None:
    with pytest.raises(InvalidError) as refusal:
        parse_likelihood(text)
    assert "likely (55-80 %)" in refusal.value.hint


def test_confidence_is_no_likelihood() -> None:
    assert [parse_confidence(word.upper()) for word in CONFIDENCE] == ["low", "moderate", "high"]
    with pytest.raises(InvalidError):
        parse_confidence("likely")


def test_the_ranges_meet_and_cover_all_that_is_not_certain() -> None:
    ranges = list(LIKELIHOOD.values())
    assert all(one[1] == other[0] for one, other in pairwise(ranges))
    assert (ranges[0][0], ranges[-1][1]) == (1, 99)
    assert set(SAME.values()) == set(LIKELIHOOD)


def test_the_scale_is_the_published_one(shared_data: Path) -> None:
    published = json.loads((shared_data / "vocab/taxonomies/estimative-language.json").read_text("utf-8"))
    steps = next(each["entry"] for each in published["values"] if each["predicate"] == "likelihood-probability")
    ranges = {}
    for step in steps:
        low, _, high = step["expanded"].rpartition(" - ")[2].rstrip("%").partition("-")
        ranges[parse_likelihood(step["value"])] = (int(low), int(high))
    assert ranges == LIKELIHOOD
