"""Requests and replies: who may say what, and the same view in whatever order the acts arrive."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entente.core.ids import b32
from entente.core.kind import Act, Verdict
from entente.kinds import request
from kinds.circles import ALL, ANNA, BORA, CARL, PERSON, Circles, states, to_come

TEXT = f"{b32(bytes(32))}/0/{b32(bytes(32))}"
NOWHERE = to_come()


def ask(circles: Circles, author: bytes = ANNA, circle: bytes = b"", **more: object) -> Act:
    body: dict[str, object] = {"content": TEXT, "to": [], "priority": 3, "due": 5000, "person": PERSON, "after": []}
    return circles.write(author, circle or circles.outer, "request/1", body | more)


def reply(
    circles: Circles, author: bytes, of: str, answer: str = "answered", circle: bytes = b"", **more: object
) -> Act:
    body: dict[str, object] = {"of": of, "answer": answer, "content": TEXT, "person": PERSON, "after": []}
    return circles.write(author, circle or circles.outer, "reply/1", body | more)


def verdict(circles: Circles, act: Act) -> str:
    """Return why an act does not count, "" if it does, and what it waits for if it waits."""
    view = circles.view()
    if act.place.ref not in view.judged:
        return "waits"
    judged = view.judged[act.place.ref]
    return judged.detail.partition(":")[0] if judged.verdict is Verdict.DENY else ""


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("to", [], ""),
        ("to", sorted([b32(BORA), b32(CARL)]), ""),
        ("to", [b32(ANNA)], "to"),
        ("to", [b32(b"z" * 32)], "to"),
        ("to", sorted([b32(BORA), b32(CARL)], reverse=True), "malformed"),
        ("to", [b32(BORA), b32(BORA)], "malformed"),
        ("to", ["x"], "malformed"),
        ("priority", 1, ""),
        ("priority", 5, ""),
        ("priority", 0, "malformed"),
        ("priority", 6, "malformed"),
        ("due", 0, "malformed"),
        ("due", -1, "malformed"),
        ("content", "", "malformed"),
        ("after", [NOWHERE], "waits"),
    ],
)
def test_a_request_is_judged(field: str, value: object, expected: str) -> None:
    circles = Circles()
    assert verdict(circles, ask(circles, **{field: value})) == expected


def test_in_an_inner_circle_only_its_members_can_be_asked() -> None:
    circles = Circles()
    assert verdict(circles, ask(circles, circle=circles.inner, to=[b32(BORA)])) == ""
    assert verdict(circles, ask(circles, circle=circles.inner, to=[b32(CARL)])) == "to"


def test_only_who_was_asked_answers_and_once() -> None:
    circles = Circles()
    asked = ask(circles, to=[b32(BORA)])
    others = [reply(circles, member, asked.place.ref) for member in (ANNA, CARL)]
    first = reply(circles, BORA, asked.place.ref, "refused")
    second = reply(circles, BORA, asked.place.ref)
    assert [verdict(circles, each) for each in others] == ["concerned", "concerned"]
    assert [verdict(circles, each) for each in (first, second)] == ["", "answered"]


def test_an_answer_is_about_a_request_of_the_same_room_that_is_there() -> None:
    circles = Circles()
    asked = ask(circles)
    elsewhere = reply(circles, BORA, asked.place.ref, circle=circles.inner)
    given_ = reply(circles, BORA, asked.place.ref)
    to_reply = reply(circles, CARL, given_.place.ref)
    odd = reply(circles, CARL, asked.place.ref, "perhaps")
    early = reply(circles, ANNA, NOWHERE)
    found = [verdict(circles, each) for each in (elsewhere, given_, to_reply, odd, early)]
    assert found == ["wrong-room", "", "wrong-thing", "malformed", "waits"]


@pytest.mark.parametrize(
    ("to", "answers", "expected"),
    [
        ([], {}, "open"),
        ([], {BORA: "answered"}, "answered"),
        ([], {BORA: "refused"}, "open"),
        ([], {BORA: "refused", CARL: "refused"}, "refused"),
        ([], {BORA: "refused", CARL: "answered"}, "answered"),
        ([b32(BORA)], {BORA: "refused"}, "refused"),
    ],
)
def test_one_answer_is_enough_and_a_refusal_takes_all(to: list[str], answers: dict[bytes, str], expected: str) -> None:
    circles = Circles()
    asked = ask(circles, to=to)
    replies = [reply(circles, member, asked.place.ref, answer) for member, answer in answers.items()]
    assert [verdict(circles, each) for each in replies] == [""] * len(replies)
    assert request.state(asked, ALL, replies) == expected


def full() -> Circles:
    circles = Circles()
    first, second = ask(circles), ask(circles, BORA, to=[b32(ANNA)])
    for member in (BORA, CARL, ANNA):
        reply(circles, member, first.place.ref, "refused" if member == BORA else "answered")
    reply(circles, ANNA, second.place.ref, after=[first.place.ref])
    reply(circles, CARL, second.place.ref)
    reply(circles, ANNA, second.place.ref, "refused")
    return circles


FULL = full()


@given(st.permutations(FULL.acts))
@settings(max_examples=60)
def test_order_of_arrival_changes_nothing(acts: list[Act]) -> None:
    view, expected = FULL.view(acts), FULL.view()
    assert states(view) == states(expected)
    assert view.judged == expected.judged
    assert view.waiting == {}
