"""Cases and their changes: what fits a field, which values stand, and the same in whatever order acts arrive."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entente.core.ids import b32
from entente.core.kind import Act, Verdict
from entente.kinds import case
from kinds.circles import ANNA, BORA, CARL, PERSON, Circles, states, to_come

TEXT = f"{b32(bytes(32))}/0/{b32(bytes(32))}"
NOWHERE = to_come()
ITEM = "indicator--00000001-0000-4000-8000-0000000000aa"


def begin(circles: Circles, author: bytes = ANNA, circle: bytes = b"") -> Act:
    body: dict[str, object] = {"content": TEXT, "person": PERSON, "after": []}
    return circles.write(author, circle or circles.outer, "case/1", body)


def change(circles: Circles, author: bytes, of: Act, field: str, circle: bytes = b"", **more: object) -> Act:
    body: dict[str, object] = {
        "case": of.place.ref,
        "field": field,
        "target": "",
        "value": "",
        "time": 0,
        "content": "",
        "person": PERSON,
        "after": [],
    }
    return circles.write(author, circle or circles.outer, "change/1", body | more)


def task(circles: Circles, author: bytes, of: Act) -> Act:
    return change(circles, author, of, "task", content=TEXT)


def verdict(circles: Circles, act: Act) -> str:
    view = circles.view()
    if act.place.ref not in view.judged:
        return "waits"
    judged = view.judged[act.place.ref]
    return judged.detail.partition(":")[0] if judged.verdict is Verdict.DENY else ""


@pytest.mark.parametrize(
    ("field", "more", "expected"),
    [
        ("event", {"time": 1, "content": TEXT}, ""),
        ("event", {"content": TEXT}, "value"),
        ("event", {"time": 1}, "value"),
        ("event", {"time": 1, "content": TEXT, "value": "x"}, "value"),
        ("event", {"time": -1, "content": TEXT}, "malformed"),
        ("task", {"content": TEXT}, ""),
        ("task", {}, "value"),
        ("task", {"content": TEXT, "time": 1}, "value"),
        ("link", {"value": ITEM}, ""),
        ("link", {"value": ITEM, "content": TEXT}, ""),
        ("link", {"value": "indicator--x"}, "value"),
        ("link", {"content": TEXT}, "value"),
        ("title", {"content": TEXT}, ""),
        ("title", {}, "value"),
        ("title", {"content": TEXT, "value": "x"}, "value"),
        ("state", {"value": "closed"}, ""),
        ("state", {"value": "done"}, "value"),
        ("state", {"value": ""}, "value"),
        ("state", {"value": "open", "content": TEXT}, "value"),
        ("owner", {"value": b32(CARL)}, ""),
        ("owner", {"value": ""}, ""),
        ("owner", {"value": b32(b"z" * 32)}, "value"),
        ("due", {"time": 1}, ""),
        ("due", {"time": 0}, ""),
        ("due", {"value": "1"}, "value"),
        ("mood", {}, "malformed"),
        ("state", {"value": "open", "after": [NOWHERE]}, "waits"),
        ("state", {"value": "open", "case": NOWHERE}, "waits"),
        ("state", {"value": "open", "target": NOWHERE}, "waits"),
        ("state", {"value": "open", "case": ""}, "malformed"),
    ],
)
def test_a_change_fits_its_field(field: str, more: dict[str, object], expected: str) -> None:
    circles = Circles()
    assert verdict(circles, change(circles, BORA, begin(circles), field, **more)) == expected


@pytest.mark.parametrize(
    ("field", "more", "expected"),
    [
        ("state", {"value": "doing"}, ""),
        ("state", {"value": "dropped"}, ""),
        ("state", {"value": "closed"}, "value"),
        ("owner", {"value": b32(ANNA)}, ""),
        ("title", {"content": TEXT}, ""),
        ("due", {"time": 9}, ""),
        ("event", {"time": 1, "content": TEXT}, "value"),
        ("task", {"content": TEXT}, "value"),
        ("link", {"value": ITEM}, "value"),
    ],
)
def test_a_change_of_a_task_fits_a_task(field: str, more: dict[str, object], expected: str) -> None:
    circles = Circles()
    opened = begin(circles)
    made = task(circles, ANNA, opened)
    assert verdict(circles, change(circles, BORA, opened, field, target=made.place.ref, **more)) == expected


def test_the_target_is_a_task_of_the_same_case() -> None:
    circles = Circles()
    opened, other = begin(circles), begin(circles, BORA)
    foreign = task(circles, ANNA, other)
    event = change(circles, ANNA, opened, "event", time=1, content=TEXT)
    found = [
        change(circles, CARL, opened, "state", target=each.place.ref, value="done") for each in (foreign, event, opened)
    ]
    assert [verdict(circles, each) for each in found] == ["wrong-thing"] * 3


def test_a_change_stands_in_the_room_of_its_case() -> None:
    circles = Circles()
    opened, inner = begin(circles), begin(circles, circle=circles.inner)
    assert (
        verdict(circles, change(circles, BORA, opened, "state", circle=circles.inner, value="closed")) == "wrong-room"
    )
    assert verdict(circles, change(circles, BORA, inner, "owner", circle=circles.inner, value=b32(CARL))) == "value"
    assert verdict(circles, change(circles, BORA, inner, "owner", circle=circles.inner, value=b32(ANNA))) == ""


def test_of_two_changes_that_know_nothing_of_each_other_both_stand_and_the_next_replaces_both() -> None:
    circles = Circles()
    opened = begin(circles)
    one = change(circles, BORA, opened, "state", value="closed")
    other = change(circles, ANNA, opened, "state", value="open")
    later = change(circles, ANNA, opened, "state", value="closed", after=[other.place.ref])
    assert case.standing([one, other]) == sorted([one, other], key=lambda each: each.author)
    assert case.standing([later, other, one]) == sorted([one, later], key=lambda each: each.author)
    settled = change(circles, CARL, opened, "state", value="open", after=[one.place.ref, later.place.ref])
    assert case.standing([one, settled, later, other]) == [settled]
    assert verdict(circles, settled) == ""


def test_of_one_author_the_earlier_value_stands_first() -> None:
    circles = Circles()
    opened = begin(circles)
    made = [change(circles, ANNA, opened, "due", time=at) for at in (9, 3, 5)]
    assert case.standing(made[::-1]) == made


def full() -> Circles:
    circles = Circles()
    opened = begin(circles)
    made = task(circles, BORA, opened)
    one = change(circles, ANNA, opened, "state", target=made.place.ref, value="doing")
    change(circles, CARL, opened, "state", target=made.place.ref, value="done", after=[one.place.ref])
    change(circles, BORA, opened, "owner", value=b32(CARL), after=[opened.place.ref])
    change(circles, CARL, opened, "owner", value="nobody")
    change(circles, ANNA, opened, "link", value=ITEM)
    change(circles, ANNA, begin(circles, CARL), "state", target=made.place.ref, value="done")
    return circles


FULL = full()


@given(st.permutations(FULL.acts))
@settings(max_examples=60)
def test_order_of_arrival_changes_nothing(acts: list[Act]) -> None:
    view, expected = FULL.view(acts), FULL.view()
    assert states(view) == states(expected)
    assert view.judged == expected.judged
    assert view.waiting == {}
