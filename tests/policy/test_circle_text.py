"""Circles: their texts, and why some come into force for nobody."""

from __future__ import annotations

import pytest

from entente.core.errors import InvalidError
from entente.core.ids import Member, b32
from entente.core.marking import Tlp
from entente.policy.agreement import FoundingText, Terms
from entente.policy.circle import CircleText, problems

ANNA, BORA, CARL, OUTSIDER = (Member(letter * 32) for letter in (b"a", b"b", b"c", b"o"))
SECRET = b"s" * 32
FOUNDING = FoundingText.make("North", [ANNA, BORA, CARL], Terms(), nonce=b"n" * 32, secret=SECRET)


def text(**changes: object) -> dict[str, object]:
    return CircleText.make("Pair", [BORA, ANNA], SECRET).to_dict() | changes


def written(*members: Member) -> list[str]:
    return sorted(b32(member) for member in members)


def test_circle_is_read_as_it_was_made() -> None:
    circle = CircleText.make("Pair", [BORA, ANNA], SECRET, Tlp.AMBER_STRICT)
    assert CircleText.read(circle.encode()) == CircleText.read(circle.to_dict()) == circle
    assert set(circle.members) == {ANNA, BORA}
    assert problems(circle, FOUNDING) == []


def test_secret_does_not_stand_in_the_representation() -> None:
    assert b32(SECRET) not in repr(FOUNDING)
    assert repr(SECRET) not in repr(FOUNDING)


def test_same_circle_has_another_id_in_another_agreement() -> None:
    circle = CircleText.make("Pair", [BORA, ANNA], SECRET)
    other = FoundingText.make("North", [ANNA, BORA, CARL], Terms(), nonce=b"m" * 32, secret=SECRET)
    assert circle.id(FOUNDING.id) != circle.id(other.id)


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ((), "has 0"),
        ((ANNA,), "has 1"),
        ((OUTSIDER,), "not in the agreement"),
        ((ANNA, OUTSIDER), "not in the agreement"),
        ((ANNA, BORA, CARL, OUTSIDER), "not in the agreement"),
    ],
)
def test_broken_circle_is_read_but_has_problems(members: tuple[Member, ...], why: str) -> None:
    circle = CircleText.read(text(members=written(*members)))
    assert why in " ".join(problems(circle, FOUNDING))


def test_red_ceiling_is_a_problem_and_is_not_made() -> None:
    circle = CircleText.read(text(ceiling="TLP:RED"))
    assert "TLP:RED" in problems(circle, FOUNDING)[0]
    with pytest.raises(InvalidError, match="TLP:RED"):
        CircleText.make("Pair", [BORA, ANNA], SECRET, Tlp.RED)


def test_founding_circle_must_be_all_members() -> None:
    whole = FOUNDING.to_dict() | {"circle": text(members=written(ANNA, BORA))}
    founding = FoundingText.read(whole)
    assert "not in its founding circle" in problems(founding.circle, founding)[0]
    wider = FoundingText.read(FOUNDING.to_dict() | {"members": written(ANNA, BORA)})
    assert "not in the agreement" in problems(wider.circle, wider)[0]


@pytest.mark.parametrize("members", [(), (ANNA,)])
def test_circle_without_a_reader_is_not_made(members: tuple[Member, ...]) -> None:
    with pytest.raises(InvalidError, match="2 or more"):
        CircleText.make("Pair", members, SECRET)


@pytest.mark.parametrize(
    "change",
    [
        {"v": 0},
        {"name": " x"},
        {"members": None},
        {"members": written(ANNA, BORA)[::-1]},
        {"members": written(ANNA) * 2},
        {"ceiling": "tlp:amber"},
        {"ceiling": "AMBER"},
        {"ceiling": "TLP:WHITE"},
        {"ceiling": "TLP:PINK"},
        {"ceiling": 2},
        {"secret": ""},
        {"secret": b32(b"s" * 33)},
        {"epoch": 1},
    ],
)
def test_broken_circle_text_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(InvalidError):
        CircleText.read(text(**change))
