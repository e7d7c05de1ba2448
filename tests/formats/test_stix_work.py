"""The STIX form of joint work passes both strict checks, reads back, and counts originals once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entente.core.grading import LIKELIHOOD
from entente.core.marking import Tlp
from entente.formats.stix.joint.extension import (
    EXTENSION,
    RECORDS,
    ObjectHead,
    definition,
    markings,
    member_identity,
    object_refs,
    problem,
    record_of,
)
from entente.formats.stix.joint.records import (
    CaseText,
    DecisionText,
    DisclosureText,
    RequestText,
    SessionText,
    VoteText,
    case_grouping,
    decision_note,
    disclosure_note,
    request_note,
    session_grouping,
)
from entente.formats.stix.joint.warning import (
    MOST,
    OpinionText,
    Source,
    WarningText,
    assessment_opinion,
    independent,
    read_opinion,
    read_warning,
    warning_objects,
)
from entente.formats.stix.strict.verdict import problems
from formats.strict_oracle import refusals

NOW = "2026-11-23T10:00:00.000Z"
MEMBER = "identity--00000000-0000-4000-8000-000000000001"
VOTE = VoteText(MEMBER, "approve", NOW, "Agreed.")
PRESS = Source("Coast Courier", "https://courier.example/quay?id=7", "B2", "Harbour Authority")


def head(number: int = 0, marking: Tlp = Tlp.GREEN) -> ObjectHead:
    return ObjectHead(noise=bytes([number]) * 16, by=MEMBER, now=NOW, marking=marking)


def warning(**more: object) -> WarningText:
    plain: dict[str, Any] = {"title": "A title", "text": "A text.", "likelihood": "likely", "confidence": "low"}
    return WarningText(**plain | {"sources": (PRESS,)} | more)


def report(**more: object) -> bytes:
    return warning_objects([head(), *(head(number) for number in range(1, 9))], warning(**more))[0].data


def changed(data: bytes, **record: object) -> bytes:
    """Return an object with other fields in our extension; None takes one out."""
    plain = json.loads(data)
    held = plain["extensions"][EXTENSION] | record
    plain["extensions"][EXTENSION] = {name: value for name, value in held.items() if value is not None}
    return json.dumps(plain).encode()


EVERYTHING = {
    "warning": [
        each.data
        for each in warning_objects(
            [head(n) for n in range(5)],
            warning(
                places=("NO", "Old quay"),
                actors=("Crane Bandits",),
                narratives=("T0017",),
                valid_until=NOW,
                basis="What we saw.",
            ),
            "report--00000000-0000-4000-8000-000000000009",
        )
    ],
    "assessment": [
        assessment_opinion(
            head(5), "report--00000000-0000-4000-8000-000000000009", OpinionText("disagree", "No.", (PRESS,))
        ).data
    ],
    "request": [
        request_note(
            head(6), [], RequestText(thing="abc", text="Who?", priority=1, due=NOW, state="open", to=[MEMBER])
        ).data
    ],
    "decision": [
        decision_note(
            head(7),
            [],
            DecisionText(
                thing="abc",
                session="def",
                text="We act.",
                state="decided",
                needed=2,
                votes=[VOTE],
                plan="ghi",
                owner=MEMBER,
                due=NOW,
            ),
        ).data
    ],
    "disclosure": [
        disclosure_note(
            head(8),
            [],
            DisclosureText(thing="abc", text="We know.", hash="0" * 64, state="approved", needed=2, votes=[VOTE]),
        ).data
    ],
    "session": [
        session_grouping(
            head(9),
            [MEMBER],
            SessionText(
                thing="abc",
                title="Monday",
                at=NOW,
                state="signed",
                needed=2,
                present=[MEMBER],
                signed_by=[MEMBER],
                minutes="We met.",
            ),
        ).data
    ],
    "case": [
        case_grouping(
            head(10), [], CaseText(thing="abc", title="Quay", state="open", tasks=[("Look", "done")], due=NOW)
        ).data
    ],
}


@pytest.mark.parametrize("record", RECORDS)
def test_every_record_is_strictly_valid_and_says_what_it_is(record: str) -> None:
    for data in EVERYTHING[record]:
        assert problems(data) == []
        assert refusals(data) == []
    said = record_of(EVERYTHING[record][0])
    assert said is not None
    assert said["record"] == record
    assert "" not in said.values()


def test_what_goes_along_is_strictly_valid() -> None:
    along = [*definition(), *markings(list(Tlp)[:4]), member_identity(MEMBER, "Harbour", NOW)]
    assert len(along) == 7
    for data in along:
        assert problems(data) == []
        assert refusals(data) == []


@given(
    st.builds(
        warning,
        likelihood=st.sampled_from(list(LIKELIHOOD)),
        confidence=st.sampled_from(["low", "moderate", "high"]),
        title=st.text(min_size=1, max_size=20),
        text=st.text(min_size=1),
        basis=st.text(max_size=20),
        places=st.lists(st.sampled_from(["NO", "de", "the quay", "Port, SE", "northern europe"]), max_size=4).map(
            tuple
        ),
        actors=st.lists(st.text(min_size=1, max_size=9), max_size=3).map(tuple),
        valid_until=st.sampled_from(["", NOW]),
    )
)
@settings(max_examples=60)
def test_a_warning_reads_back_as_it_was_written(found: WarningText) -> None:
    made = warning_objects([head(n) for n in range(12)], found)
    assert read_warning(made[0].data) == found
    assert [problems(each.data) for each in made] == [[]] * len(made)
    assert list(object_refs(made[0].data)) == [MEMBER, *(each.id for each in made[1:])]


def test_an_opinion_reads_back_and_stronger_words_are_read_as_plain_ones() -> None:
    for verdict in ("agree", "disagree"):
        found = OpinionText(verdict, "Because.", (PRESS,))
        data = assessment_opinion(head(), "report--00000000-0000-4000-8000-000000000009", found).data
        assert read_opinion(data) == found
        assert read_opinion(data.replace(f'"{verdict}"'.encode(), f'"strongly-{verdict}"'.encode())) == found
        assert read_opinion(data.replace(f'"opinion":"{verdict}"'.encode(), b'"opinion":"neutral"')) is None
        assert read_warning(data) is None


BARE: list[dict[str, object]] = [
    {"sources": None},
    {"sources": []},
    {"sources": None, "basis": " \n"},
    {"sources": ["Coast Courier"]},
    {"sources": [{"name": " "}]},
    {"sources": [{"url": "https://courier.example"}]},
    {"sources": {"name": "Coast Courier"}},
    {"sources": None, "basis": ["what we saw"]},
]


@pytest.mark.parametrize("record", BARE)
def test_a_warning_without_source_and_basis_is_told(record: dict[str, object]) -> None:
    bare = changed(report(), **record)
    assert problem(bare) == "no-source"
    assert read_warning(bare) is None
    hidden = bare.replace(b"extension-definition--b", b"extension-definition--\\u0062")
    assert problem(hidden) == "no-source"
    assert problem(changed(bare, basis="What we saw.")) == ""
    assert problem(changed(bare, record="assessment")) == ""


def test_what_is_no_warning_has_no_problem() -> None:
    for data in (b"", b"{", b"[]", b"7", b'{"extensions":[]}', json.dumps({"extensions": {EXTENSION: 7}}).encode()):
        assert problem(data) == ""
        assert record_of(data) is None
        assert read_warning(data) is None
        assert read_opinion(data) is None
    assert object_refs(b"{") == ()


UNREADABLE: list[dict[str, object]] = [
    {"likelihood": "certain"},
    {"likelihood": None},
    {"analytic_confidence": "likely"},
    {"sources": [{"name": "Coast Courier", "reliability": "Z"}]},
    {"sources": [{"name": "Coast Courier", "credibility": True}]},
]


@pytest.mark.parametrize("record", UNREADABLE)
def test_a_warning_that_does_not_read_is_none(record: dict[str, object]) -> None:
    assert read_warning(changed(report(), **record)) is None


def test_no_more_than_the_first_of_many_values_is_read() -> None:
    many = changed(report(), sources=[{"name": f"Source {n}"} for n in range(5000)], places=["NO"] * 5000)
    found = read_warning(many)
    assert found is not None
    assert (len(found.sources), len(found.places)) == (MOST, MOST)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["record", "sources", "name", "basis", "likelihood", EXTENSION]), inner, max_size=3
            )
        ),
        max_leaves=9,
    )
)
@settings(max_examples=150)
def test_whatever_a_partner_writes_nothing_is_raised(value: object) -> None:
    for plain in (
        {"type": "report", "extensions": value},
        {"type": "report", "extensions": {EXTENSION: value}},
        {"type": "opinion", "opinion": value, "extensions": {EXTENSION: {"record": "assessment", "sources": value}}},
        {"type": "report", "name": value, "extensions": {EXTENSION: {"record": "warning", "sources": value}}},
    ):
        data = json.dumps(plain).encode()
        assert problem(data) in {"", "no-source"}
        read_warning(data)
        read_opinion(data)


SAME: list[list[Source]] = [
    [PRESS, Source("Evening Post", "https://post.example/1", "C3", "harbour  AUTHORITY")],
    [Source("One", "https://www.agency.example/a/"), Source("Two", "http://agency.example/a?utm_source=x")],
    [Source("One", "https://agency.example/a?x=1&y=2"), Source("Two", "https://AGENCY.example:443/a?y=2&x=1#top")],
    [Source("One", original="https://agency.example/a"), Source("Agency", "https://agency.example/a")],
    [Source("One", original="Two"), Source("Two", original="Three"), Source("Three")],
    [Source("Courier", chain=("North Wire",)), Source("Tide Radio", original="north wire")],
]
APART: list[list[Source]] = [
    [],
    [Source("One")],
    [Source("One"), Source("Two")],
    [Source("One", "https://agency.example/a?id=1"), Source("Two", "https://agency.example/a?id=2")],
    [Source("One", "https://agency.example:8443/a"), Source("Two", "https://agency.example/a")],
    [Source("One", original="ftp://x"), Source("Two", original="https://["), Source("Three", original="https://")],
]


@pytest.mark.parametrize("sources", SAME)
def test_what_repeats_one_original_counts_once(sources: list[Source]) -> None:
    assert independent(sources) == 1


@pytest.mark.parametrize("sources", APART)
def test_what_has_nothing_in_common_counts_each(sources: list[Source]) -> None:
    assert independent(sources) == len(sources)


@given(
    st.lists(
        st.builds(
            Source, *(st.sampled_from(["a", "b", "c", "d"]),) * 2, st.just("F6"), st.sampled_from(["", "a", "e"])
        ),
        max_size=7,
    ),
    st.randoms(),
)
@settings(max_examples=100)
def test_the_count_depends_neither_on_order_nor_on_repetition(sources: list[Source], chance: Any) -> None:
    mixed = sources + sources[:2]
    chance.shuffle(mixed)
    assert independent(mixed) == independent(sources) <= len(sources)
