"""Requests and replies: who may say what, and the same view in whatever order the acts arrive."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entente.core.ids import b32
from entente.core.kind import Act, Verdict
from entente.kinds import request
from kinds.fold_world import ALL, ANNA, BORA, CARL, PERSON, Round, states, to_come

TEXT = f"{b32(bytes(32))}/0/{b32(bytes(32))}"
NOWHERE = to_come()


def ask(world: Round, author: bytes = ANNA, circle: bytes = b"", **more: object) -> Act:
    body: dict[str, object] = {"content": TEXT, "to": [], "priority": 3, "due": 5000, "person": PERSON, "after": []}
    return world.write(author, circle or world.outer, "request/1", body | more)


def reply(world: Round, author: bytes, of: str, answer: str = "answered", circle: bytes = b"", **more: object) -> Act:
    body: dict[str, object] = {"of": of, "answer": answer, "content": TEXT, "person": PERSON, "after": []}
    return world.write(author, circle or world.outer, "reply/1", body | more)


def verdict(world: Round, act: Act) -> str:
    """Return why an act does not count, "" if it does, and what it waits for if it waits."""
    view = world.view()
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
    world = Round()
    assert verdict(world, ask(world, **{field: value})) == expected


def test_in_an_inner_circle_only_its_members_can_be_asked() -> None:
    world = Round()
    assert verdict(world, ask(world, circle=world.inner, to=[b32(BORA)])) == ""
    assert verdict(world, ask(world, circle=world.inner, to=[b32(CARL)])) == "to"


def test_only_who_was_asked_answers_and_once() -> None:
    world = Round()
    asked = ask(world, to=[b32(BORA)])
    others = [reply(world, member, asked.place.ref) for member in (ANNA, CARL)]
    first = reply(world, BORA, asked.place.ref, "refused")
    second = reply(world, BORA, asked.place.ref)
    assert [verdict(world, each) for each in others] == ["concerned", "concerned"]
    assert [verdict(world, each) for each in (first, second)] == ["", "answered"]


def test_an_answer_is_about_a_request_of_the_same_room_that_is_there() -> None:
    world = Round()
    asked = ask(world)
    elsewhere = reply(world, BORA, asked.place.ref, circle=world.inner)
    given_ = reply(world, BORA, asked.place.ref)
    to_reply = reply(world, CARL, given_.place.ref)
    odd = reply(world, CARL, asked.place.ref, "perhaps")
    early = reply(world, ANNA, NOWHERE)
    found = [verdict(world, each) for each in (elsewhere, given_, to_reply, odd, early)]
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
    world = Round()
    asked = ask(world, to=to)
    replies = [reply(world, member, asked.place.ref, answer) for member, answer in answers.items()]
    assert [verdict(world, each) for each in replies] == [""] * len(replies)
    assert request.state(asked, ALL, replies) == expected


def full() -> Round:
    world = Round()
    first, second = ask(world), ask(world, BORA, to=[b32(ANNA)])
    for member in (BORA, CARL, ANNA):
        reply(world, member, first.place.ref, "refused" if member == BORA else "answered")
    reply(world, ANNA, second.place.ref, after=[first.place.ref])
    reply(world, CARL, second.place.ref)
    reply(world, ANNA, second.place.ref, "refused")
    return world


FULL = full()


@given(st.permutations(FULL.acts))
@settings(max_examples=60)
def test_order_of_arrival_changes_nothing(acts: list[Act]) -> None:
    view, expected = FULL.view(acts), FULL.view()
    assert states(view) == states(expected)
    assert view.judged == expected.judged
    assert view.waiting == {}
