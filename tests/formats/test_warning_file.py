"""A warning as a person writes it: JSON or front matter, everything named that is not right."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entente.core.errors import EntenteError, InvalidError, LimitError
from entente.formats.stix.joint.warning import Source, WarningText
from entente.formats.warning_file import MAX_FILE, read_warning_file

PLAIN: dict[str, object] = {
    "title": "Outage of the port systems is threatened",
    "text": "A group announces that it will stop the cranes.",
    "likelihood": "Very-Likely",
    "confidence": "moderate",
    "sources": [{"name": "Coast Courier", "url": "https://courier.example/quay", "grade": "b2", "original": "Port"}],
    "places": ["NO", "Baltic Quay, DE"],
    "actors": ["Crane Bandits"],
    "narratives": ["t0017"],
    "valid_until": "2026-12-01",
    "tlp": "TLP:GREEN",
}
MARKDOWN = """---
title: Outage of the port systems is threatened
likelihood: very likely
confidence: moderate
sources:
  - name: Coast Courier
    url: https://courier.example/quay
    grade: B2
    original: Port
places: [NO, "Baltic Quay, DE"]
actors:
  - Crane Bandits
narratives: T0017
valid_until: 2026-12-01
tlp: TLP:GREEN
---

A group announces that it will stop the cranes.
"""
READ = WarningText(
    title="Outage of the port systems is threatened",
    text="A group announces that it will stop the cranes.",
    likelihood="very likely",
    confidence="moderate",
    sources=(Source("Coast Courier", "https://courier.example/quay", "B2", "Port"),),
    places=("NO", "Baltic Quay, DE"),
    actors=("Crane Bandits",),
    narratives=("T0017",),
    valid_until="2026-12-01",
)


def as_json(**more: object) -> bytes:
    return json.dumps({name: value for name, value in (PLAIN | more).items() if value is not None}).encode()


@pytest.mark.parametrize(
    "data", [as_json(), MARKDOWN.encode(), b"\xef\xbb\xbf" + MARKDOWN.replace("\n", "\r\n").encode()]
)
def test_both_forms_say_the_same(data: bytes) -> None:
    assert read_warning_file(data) == (READ, "TLP:GREEN")


def test_front_matter_alone_may_hold_the_text() -> None:
    alone = MARKDOWN.replace("---\n\nA group announces that it will stop the cranes.\n", "text: |\n  A line.\n---\n")
    assert read_warning_file(alone.encode())[0].text == "A line."
    with pytest.raises(InvalidError, match="below it"):
        read_warning_file((alone + "More.").encode())


def test_every_value_of_front_matter_is_a_text() -> None:
    odd = MARKDOWN.replace("title: Outage of the port systems is threatened", "title: 2026-12-01")
    odd = odd.replace('[NO, "Baltic Quay, DE"]', "[NO, no, 7, true, null]")
    found, _ = read_warning_file(odd.encode())
    assert (found.title, found.places) == ("2026-12-01", ("NO", "no", "7", "true", "null"))


def test_a_source_without_a_grade_cannot_be_judged() -> None:
    found, _ = read_warning_file(as_json(sources=[{"name": "A bar"}]))
    assert found.sources == (Source("A bar", "", "F6", ""),)


WRONG: dict[str, tuple[bytes, str]] = {
    "no title": (as_json(title=None), "no title"),
    "no text": (as_json(text=" "), "no text"),
    "no likelihood": (as_json(likelihood=None), "likelihood"),
    "no confidence": (as_json(confidence=None), "confidence"),
    "an unknown field": (as_json(severity="high"), "severity"),
    "a likelihood of another scale": (as_json(likelihood="maybe"), "maybe"),
    "a grade of none": (as_json(sources=[{"name": "A bar", "grade": "Z9"}]), "Z9"),
    "a source without a name": (as_json(sources=[{"url": "https://courier.example"}]), "name"),
    "a source with more": (as_json(sources=[{"name": "A bar", "mood": "bad"}]), "source"),
    "sources that are no list": (as_json(sources={"name": "A bar"}), "sources"),
    "a title that is no text": (as_json(title=7), "title"),
    "a narrative that is none": (as_json(narratives=["cranes"]), "DISARM"),
    "too many places": (as_json(places=["NO"] * 65), "places"),
    "a title without end": (as_json(title="x" * 301), "title"),
    "broken JSON": (b'{"title": ', "JSON"),
    "neither": (b"A group announces.", "front"),
    "no end of the front matter": (b"---\ntitle: x\n", "front"),
    "not UTF-8": (b"---\ntitle: \xff\n---\n", "UTF-8"),
    "an alias": (b"---\ntitle: &a x\ntext: *a\n---\n", "alias"),
    "a field twice": (b"---\ntitle: x\ntitle: y\n---\n", "twice"),
    "no map": (b"---\n- x\n---\n", "name: value"),
    "broken YAML": (b"---\ntitle: [x\n---\n", "YAML"),
    "depth": (b"---\ntitle: " + b"[" * 5000 + b"\n---\n", "YAML"),
    "a control character": (b"---\ntitle: \x01\n---\n", "YAML"),
    "too large": (b" " * (MAX_FILE + 1), "KiB"),
    "too much in front": (b"---\ntitle: " + b"x" * 70_000 + b"\n---\n", "KiB"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_not_right_is_named(case: str) -> None:
    data, word = WRONG[case]
    with pytest.raises((InvalidError, LimitError)) as refusal:
        read_warning_file(data)
    assert word in refusal.value.message + refusal.value.hint


@given(st.text(alphabet="ab:-[]{}&*!|>#,'\"\n \t?%@0", max_size=60))
@settings(max_examples=150)
def test_odd_front_matter_is_refused_in_words(text: str) -> None:
    with pytest.raises(EntenteError):
        read_warning_file(f"---\n{text}\n---\n".encode())
