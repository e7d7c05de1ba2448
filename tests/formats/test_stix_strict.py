"""Our strict verdict never lets through what the validator of OASIS refuses, and rarely refuses what it accepts."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entente.core.marking import Tlp
from entente.formats.stix import KNOWN_TYPES, MAX_OBJECT, read
from entente.formats.stix.markings import tlp_object
from entente.formats.stix.strict import vocab
from entente.formats.stix.strict.verdict import problems
from formats.strict_corpus import TIME, VALID, U, dump, sco, sdo
from formats.strict_mutations import mutate
from formats.strict_oracle import refusals
from formats.test_stix_facts import objects_of, shared_files

if TYPE_CHECKING:
    from pathlib import Path


def names(value: dict[str, object]) -> str:
    """Name a corpus object in test reports."""
    return str(value["type"])


@pytest.mark.parametrize("value", VALID, ids=names)
def test_a_good_object_of_every_type_stands_for_both(value: dict[str, object]) -> None:
    assert problems(dump(value)) == []
    assert refusals(dump(value)) == []


def test_the_corpus_has_every_type() -> None:
    assert {str(value["type"]) for value in VALID} >= KNOWN_TYPES


@pytest.mark.parametrize("tlp", list(Tlp))
def test_our_tlp_objects_stand(tlp: Tlp) -> None:
    assert problems(tlp_object(tlp)) == []
    assert refusals(tlp_object(tlp)) == []


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (sdo("tool"), "name is missing"),
        (sdo("tool", name=5), "expected `str`"),
        (sdo("tool", name="t", foo=1), "foo is not a property"),
        (sdo("tool", name="t", labels=[]), "labels"),
        (sdo("tool", name="t", created="2016-01-01T00:00:00Z"), "milliseconds"),
        (sdo("tool", name="t", created="2027-01-01T00:00:00.000Z"), "modified must not be before created"),
        (sdo("tool", name="t", tool_types=["hammer"]), "the tool types"),
        (sdo("tool", name="t", confidence=101), "confidence"),
        (sdo("tool", name="t", id="tool--0c7b5b88-8ff7-5a4d-aa9d-feb398cd0061"), "version 4"),
        (sco("url", value="https://a.example/", id=f"url--{U}"), "version 5"),
        (sdo("tool", name="t", external_references=[{"source_name": "x", "url": "https://x.example/"}]), "hashes"),
        (sdo("indicator", pattern="[file:name = 'x']", pattern_type="stix", valid_from=TIME), "description is missing"),
        (sdo("x-foo", name="x"), "not brought by an extension"),
        (sco("process", pid=1, id="process--0c7b5b88-8ff7-5a4d-aa9d-feb398cd0061"), "version 4"),
        ({"type": "bundle", "id": f"bundle--{U}", "objects": []}, "bundle"),
    ],
)
def test_a_refusal_says_why_and_the_validator_agrees(value: dict[str, object], reason: str) -> None:
    found = problems(dump(value))
    assert any(reason in why for why in found), found
    assert refusals(dump(value)) or value["type"] == "bundle"


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"\xff", b"[" * 9999, b" " * (MAX_OBJECT + 1)])
def test_bytes_that_are_no_object_are_a_problem_not_an_exception(data: bytes) -> None:
    assert len(problems(data)) == 1


@given(
    st.recursive(st.none() | st.text(max_size=3) | st.integers(), lambda s: st.lists(s) | st.dictionaries(st.text(), s))
)
def test_any_value_anywhere_is_judged_without_an_exception(inner: object) -> None:
    for value in VALID[::7]:
        for name in value:
            assert isinstance(problems(json.dumps(value | {name: inner}).encode()), list)


def test_names_of_other_registries_are_known_to_the_validator() -> None:
    from stix2validator.v21 import enums

    assert set(vocab.MEDIA) <= set(enums.media_types())
    assert set(vocab.CHARSET) <= set(enums.char_sets())
    assert set(vocab.PROTOCOL) <= set(enums.protocols())
    assert set(vocab.REQUEST_HEADER) <= set(enums.HTTP_REQUEST_HEADERS)
    assert set(vocab.SOCKET_OPTION) <= set(enums.SOCKET_OPTIONS)
    assert set(enums.COUNTRY_CODES) >= vocab.COUNTRY
    assert set(enums.LANG_CODES) >= vocab.LANG
    for source, kind, target in vocab.RELATIONS:
        assert target in enums.RELATIONSHIPS[source][kind]


def compare(values: list[dict[str, object]], seed: int, count: int) -> tuple[int, list[bytes]]:
    """Judge `count` seeded mutations: how many we accept, and which of these the validator refuses."""
    rng = random.Random(seed)
    accepted, wrong = 0, list[bytes]()
    for _ in range(count):
        data = dump(mutate(rng.choice(values), rng))
        if not problems(data):
            accepted += 1
            if refusals(data):
                wrong.append(data)
    return accepted, wrong


def judge(values: list[bytes]) -> tuple[list[bytes], int]:
    """Judge objects as they are: what we alone accept, and how many verdicts are equal."""
    wrong, equal = list[bytes](), 0
    for data in values:
        ours, theirs = bool(problems(data)), bool(refusals(data))
        equal += ours == theirs
        if theirs and not ours:
            wrong.append(data)
    return wrong, equal


def test_no_mutation_of_a_good_object_is_wrongly_accepted() -> None:
    accepted, wrong = compare(VALID, seed=20261123, count=3000)
    assert wrong == []
    assert accepted > 300


def test_a_sample_of_the_shared_objects_gets_the_same_verdict(shared_data: Path) -> None:
    every = [row.data for path in shared_files(shared_data)[2:3] for row in read(path.read_bytes(), path.name).rows]
    small = [dump(one) for path in shared_files(shared_data)[3:] for one in objects_of(json.loads(path.read_bytes()))]
    wrong, equal = judge(every[::20] + small)
    assert wrong == []
    assert equal >= 0.99 * len(every[::20] + small)


@pytest.mark.slow
def test_all_shared_objects_get_the_same_verdict(shared_data: Path) -> None:
    values = [dump(one) for path in shared_files(shared_data) for one in objects_of(json.loads(path.read_bytes()))]
    wrong, equal = judge(values)
    assert wrong == []
    assert equal >= 0.99 * len(values)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_no_mutation_of_shared_objects_is_wrongly_accepted(shared_data: Path, seed: int) -> None:
    values = [one for path in shared_files(shared_data) for one in objects_of(json.loads(path.read_bytes()))]
    good = [one for one in values if not problems(dump(one))]
    for chosen in (values, good, VALID):
        assert compare(chosen, seed, 5000)[1] == []
