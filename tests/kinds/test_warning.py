"""Warnings and assessments: what is well formed, who may say it, and the same view in whatever order acts arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entente.core.errors import EntenteError
from entente.core.ids import b32
from entente.core.kind import Verdict
from entente.kinds.warning import ASSESSMENT, KIND
from kinds.circles import ALL, ANNA, BORA, CARL, PERSON, Circles, states

if TYPE_CHECKING:
    from entente.core.ids import Member
    from entente.core.kind import Act

NOWHERE = f"{b32(bytes(32))}/0/{b32(bytes(32))}"


class Warned(Circles):
    """The circles, with members that warn in its outer circle."""

    def item(self, author: Member, circle: bytes = b"") -> str:
        """Write an act in place of an item, and return its reference."""
        return self.profile(author, circle=circle).place.ref

    def warn(self, author: Member = ANNA, circle: bytes = b"", **more: object) -> Act:
        circle = circle or self.outer
        body: dict[str, object] = {
            "item": more.pop("item", "") or self.item(author, circle),
            "likelihood": "likely",
            "confidence": "low",
            "until": 0,
            "replaces": "",
            "person": PERSON,
            "after": [],
        }
        return self.write(author, circle, "warning/1", body | more)

    def assess(self, author: Member, of: Act, circle: bytes = b"", **more: object) -> Act:
        body: dict[str, object] = {
            "of": of.place.ref,
            "verdict": "agree",
            "item": "",
            "person": PERSON,
            "after": [of.place.ref],
        }
        return self.write(author, circle or self.outer, "assessment/1", body | more)

    def reason(self, act: Act) -> str:
        """Return why an act is denied, "" if it is allowed."""
        judged = self.view().judged[act.place.ref]
        assert (judged.verdict is Verdict.ALLOW) == (judged.detail == "")
        return judged.detail


def test_a_warning_and_what_others_say_of_it_count() -> None:
    circles = Warned()
    first = circles.warn()
    second = circles.warn(replaces=first.place.ref, until=5, likelihood="almost certain")
    said = circles.assess(BORA, second, item=circles.item(BORA))
    again = circles.assess(BORA, second, verdict="disagree")
    view = circles.view()
    assert set(view.states["warning/1"]) == {first.place.ref, second.place.ref}
    assert set(view.states["assessment/1"]) == {said.place.ref, again.place.ref}


def test_nobody_replaces_a_warning_of_another() -> None:
    circles = Warned()
    assert circles.reason(circles.warn(BORA, replaces=circles.warn().place.ref)) == "owner"


def test_the_item_stands_before_the_act_in_the_same_log() -> None:
    circles = Warned()
    of = circles.warn()
    theirs, mine = circles.item(CARL), circles.item(BORA)
    log, index, leaf = mine.split("/")
    later = f"{log}/{int(index) + 9}/{leaf}"
    assert [circles.reason(circles.warn(BORA, item=ref)) for ref in (theirs, later, mine)] == ["item", "item", ""]
    assert [circles.reason(circles.assess(BORA, of, item=ref)) for ref in (theirs, later, mine)] == ["item", "item", ""]


def test_nobody_assesses_its_own_warning() -> None:
    circles = Warned()
    assert circles.reason(circles.assess(ANNA, circles.warn())) == "own"


def test_what_is_assessed_or_replaced_is_a_warning_in_the_same_room() -> None:
    circles = Warned()
    of, other = circles.warn(), circles.profile(CARL)
    inner = circles.warn(circle=circles.inner)
    assert circles.reason(circles.assess(BORA, other)) == "wrong-thing"
    assert circles.reason(circles.assess(BORA, of, circle=circles.inner)) == "wrong-room"
    assert circles.reason(circles.warn(replaces=inner.place.ref)) == "wrong-room"
    assert circles.reason(circles.warn(replaces=other.place.ref)) == "wrong-thing"


def test_an_assessment_waits_for_its_warning() -> None:
    circles = Warned()
    of = circles.warn()
    said = circles.assess(BORA, of)
    view = circles.view([said])
    assert view.waiting == {of.place.ref: [said]}
    assert circles.view([said, *circles.acts[:-1]]).waiting == {}


WRONG = [
    ("warning/1", "likelihood", "certain"),
    ("warning/1", "likelihood", "Likely"),
    ("warning/1", "confidence", "likely"),
    ("warning/1", "until", -1),
    ("warning/1", "until", 2**53),
    ("warning/1", "until", True),
    ("warning/1", "item", ""),
    ("warning/1", "item", "x"),
    ("warning/1", "replaces", "x"),
    ("warning/1", "person", "somebody"),
    ("warning/1", "text", "words"),
    ("assessment/1", "verdict", "neutral"),
    ("assessment/1", "of", ""),
    ("assessment/1", "item", "x"),
    ("assessment/1", "after", [NOWHERE] * 4),
]


@pytest.mark.parametrize(("kind", "field", "value"), WRONG)
def test_what_is_not_well_formed_is_refused(kind: str, field: str, value: object) -> None:
    circles = Warned()
    of = circles.warn()
    act = {"warning/1": of, "assessment/1": circles.assess(BORA, of)}[kind]
    check = {"warning/1": KIND.check, "assessment/1": ASSESSMENT.check}[kind]
    check(act.body)
    with pytest.raises(EntenteError):
        check({**act.body, field: value})


def full() -> Warned:
    """Make warnings that replace each other, assessments of all, and some of each that do not count."""
    circles = Warned()
    warned = {member: circles.warn(member) for member in ALL}
    newer = circles.warn(ANNA, replaces=warned[ANNA].place.ref)
    for member in (BORA, CARL):
        circles.assess(member, newer, item=circles.item(member))
        circles.assess(member, newer, verdict="disagree")
    circles.assess(ANNA, newer)
    circles.warn(CARL, replaces=newer.place.ref)
    return circles


FULL = full()


@given(st.permutations(FULL.acts))
@settings(max_examples=60)
def test_order_of_arrival_changes_nothing(acts: list[Act]) -> None:
    view, expected = FULL.view(acts), FULL.view()
    assert states(view) == states(expected)
    assert view.judged == expected.judged
    assert sorted(each.detail for each in view.judged.values() if each.detail) == ["own", "owner"]
