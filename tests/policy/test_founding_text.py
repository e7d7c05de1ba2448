"""Agreements: terms and founding texts."""

from __future__ import annotations

from hashlib import sha256

import msgspec
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entente.core.errors import EntenteError, InvalidError, NotFoundError
from entente.core.ids import Member, b32
from entente.core.marking import Tlp
from entente.policy.agreement import FoundingText, Limits, Terms
from entente.policy.circle import problems
from entente.policy.templates import TEMPLATES, terms_from

MEMBERS = tuple(Member(bytes([number]) * 32) for number in (200, 3, 77))
NONCE, SECRET = b"n" * 32, b"s" * 32

DEFAULTS = {
    "kinds": [
        "acknowledgement/1",
        "case/1",
        "disclosure/1",
        "item/1",
        "plan/1",
        "request/1",
        "session/1",
        "warning/1",
    ],
    "purposes": ["detection", "investigation", "warning"],
    "onward": "refused",
    "retention_days": 0,
    "backlog": "none",
    "four_eyes": False,
    "quorum": 0,
    "consent": {"plan": "all", "decision": "quorum", "minutes": "all", "disclosure": "all"},
    "escalation_hours": 24,
    "limits": {"payload": 2097152, "entries_day": 5000000, "bytes_day": 21474836480},
    "text": "",
}


def made(**changes: object) -> FoundingText:
    plain = {"name": "North", "members": MEMBERS, "terms": Terms(), "nonce": NONCE, "secret": SECRET}
    return FoundingText.make(**(plain | changes))


def text(**changes: object) -> dict[str, object]:
    return made().to_dict() | changes


def test_defaults_are_those_of_the_page() -> None:
    assert Terms().to_dict() == DEFAULTS
    assert Terms.read({}) == Terms.read(DEFAULTS) == Terms()


@pytest.mark.parametrize(
    ("term", "value"),
    [
        ("kinds", "item/1"),
        ("kinds", ["item"]),
        ("kinds", ["item/1", "item/1"]),
        ("kinds", [1]),
        ("kinds", [f"k{'a' * n}/1" for n in range(70)]),
        ("purposes", ["two words"]),
        ("purposes", None),
        ("onward", "allowed"),
        ("onward", ["refused"]),
        ("retention_days", -1),
        ("retention_days", 36501),
        ("retention_days", True),
        ("retention_days", 1.0),
        ("backlog", "some"),
        ("backlog", True),
        ("four_eyes", 1),
        ("four_eyes", "no"),
        ("quorum", -1),
        ("quorum", "3"),
        ("limits", []),
        ("limits.payload", 0),
        ("limits.payload", 2**31),
        ("limits.entries_day", True),
        ("limits.bytes_day", 2**53),
        ("limits.extra", 1),
        ("text", 5),
        ("text", "é" * 16385),
        ("for_eyes", True),
    ],
)
def test_wrong_term_is_named(term: str, value: object) -> None:
    name, _, inner = term.partition(".")
    with pytest.raises(InvalidError, match=term):
        Terms.read({name: {inner: value} if inner else value})


def test_terms_in_range_are_read_as_they_are() -> None:
    given = DEFAULTS | {"kinds": [], "purposes": ["x"], "onward": "consent", "retention_days": 36500, "four_eyes": True}
    given |= {"limits": {"payload": 1, "entries_day": 1, "bytes_day": 1}, "text": "é" * 16384, "quorum": 9}
    assert Terms.read(given).to_dict() == given


def test_founding_text_is_the_page_s_and_its_hash_the_id() -> None:
    founding = made()
    expected = {
        "v": 1,
        "name": "North",
        "members": sorted(b32(member) for member in MEMBERS),
        "nonce": b32(NONCE),
        "terms": DEFAULTS,
        "circle": {
            "v": 1,
            "name": "North",
            "members": sorted(b32(member) for member in MEMBERS),
            "ceiling": "TLP:AMBER",
            "secret": b32(SECRET),
        },
    }
    assert founding.encode() == orjson.dumps(expected, option=orjson.OPT_SORT_KEYS)
    assert founding.to_dict() == expected
    assert founding.id == sha256(founding.encode()).digest()
    circle = orjson.dumps(expected["circle"], option=orjson.OPT_SORT_KEYS)
    assert founding.circle.id(founding.id) == sha256(b"entente/circle/v1\0" + founding.id + circle).digest()
    assert problems(founding.circle, founding) == []


def test_text_read_from_bytes_or_object_is_the_same() -> None:
    founding = made(circle_name="All", ceiling=Tlp.GREEN)
    assert FoundingText.read(founding.encode()) == FoundingText.read(founding.to_dict()) == founding
    assert founding.circle.name == "All"
    assert founding.circle.ceiling is Tlp.GREEN


def test_term_that_was_left_out_keeps_the_id() -> None:
    short = text(terms={"four_eyes": True})
    founding = FoundingText.read(short)
    assert founding.terms == Terms(four_eyes=True)
    assert founding.to_dict() == short
    assert FoundingText.read(founding.encode()).id == founding.id == sha256(founding.encode()).digest()


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2},
        {"v": True},
        {"v": "1"},
        {"name": ""},
        {"name": 5},
        {"name": "a\u202eb"},
        {"members": "x"},
        {"members": [1, 2]},
        {"members": [b32(MEMBERS[1])] * 2},
        {"members": sorted((b32(member) for member in MEMBERS), reverse=True)},
        {"members": [b32(MEMBERS[1]).upper(), b32(MEMBERS[0])]},
        {"nonce": b32(b"n" * 31)},
        {"nonce": 5},
        {"terms": []},
        {"terms": {"quorum": 1}},
        {"terms": {"quorum": 4}},
        {"terms": {"extra": 1}},
        {"circle": {}},
        {"circle": []},
        {"extra": 1},
    ],
)
def test_broken_founding_text_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(InvalidError):
        FoundingText.read(text(**change))


@pytest.mark.parametrize("field", ["v", "name", "members", "nonce", "terms", "circle"])
def test_missing_field_is_named(field: str) -> None:
    whole = text()
    del whole[field]
    with pytest.raises(InvalidError, match=field):
        FoundingText.read(whole)


def test_second_spelling_is_refused() -> None:
    data = made().encode()
    for other in (
        data + b"\n",
        data.replace(b'"v":1', b'"v": 1'),
        data[:-1] + b',"v":1}',
        b"\xef\xbb\xbf" + data,
        b"[]",
    ):
        with pytest.raises(InvalidError):
            FoundingText.read(other)


def test_text_that_no_act_could_carry_is_refused() -> None:
    many = [Member(sha256(bytes([n % 256, n // 256])).digest()) for n in range(800)]
    with pytest.raises(InvalidError, match="bytes"):
        made(members=many)


@pytest.mark.parametrize(
    "change",
    [
        {"members": ()},
        {"members": MEMBERS[:1]},
        {"members": (MEMBERS[0], MEMBERS[0])},
        {"ceiling": Tlp.RED},
        {"nonce": b""},
        {"secret": b"short"},
        {"terms": Terms(quorum=1)},
        {"terms": Terms(retention_days=-5)},
        {"name": "x" * 81},
    ],
)
def test_agreement_that_could_never_hold_is_not_made(change: dict[str, object]) -> None:
    with pytest.raises(InvalidError):
        made(**change)


def test_quorum_from_more_than_half_to_all_is_accepted() -> None:
    assert [made(terms=Terms(quorum=number)).terms.quorum for number in (0, 2, 3)] == [0, 2, 3]


def test_order_and_repetition_of_members_make_no_other_agreement() -> None:
    assert made(members=MEMBERS[::-1] + MEMBERS).id == made().id


def test_every_template_is_readable_and_speaks_plainly() -> None:
    assert {"standard", "four-eyes", "warnings-only"} <= set(TEMPLATES)
    for name, terms in TEMPLATES.items():
        assert 100 < len(terms.text) < 2000
        assert Terms.read(terms.to_dict()) == terms == terms_from(name, None)
        assert made(terms=terms).terms == terms
    assert len({terms.text for terms in TEMPLATES.values()}) == len(TEMPLATES)
    assert TEMPLATES["four-eyes"].four_eyes
    assert TEMPLATES["warnings-only"].purposes == ("warning",)


def test_overrides_replace_terms_of_a_template() -> None:
    terms = terms_from("four-eyes", {"retention_days": 30, "limits": {"payload": 1000}})
    assert terms == msgspec.structs.replace(TEMPLATES["four-eyes"], retention_days=30, limits=Limits(payload=1000))
    assert terms_from(None, {}) == TEMPLATES["standard"]


def test_unknown_template_and_term_are_refused() -> None:
    with pytest.raises(NotFoundError, match="friendly") as caught:
        terms_from("friendly", None)
    assert "standard" in caught.value.hint
    with pytest.raises(InvalidError, match="colour"):
        terms_from(None, {"colour": "red"})
    with pytest.raises(InvalidError, match="limits"):
        terms_from(None, {"limits": 5})


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=8), below, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from([*DEFAULTS, "v", "name", "members", "nonce", "terms", "circle"]), _JSON)
@settings(max_examples=200)
def test_strange_values_are_read_exactly_or_refused(field: str, value: object) -> None:
    whole = text(terms=DEFAULTS | {field: value}) if field in DEFAULTS else text(**{field: value})
    try:
        founding = FoundingText.read(whole)
    except EntenteError:
        return
    assert founding.to_dict() == whole
    assert FoundingText.read(founding.encode()) == founding


@given(st.binary(max_size=60))
@settings(max_examples=100)
def test_strange_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidError):
        FoundingText.read(data)
