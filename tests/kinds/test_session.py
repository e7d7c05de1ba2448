"""Sessions, decisions, minutes, disclosures: who may say what, and the same view in whatever order acts arrive."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entente.core.ids import b32
from entente.core.kind import Act, Verdict
from entente.policy.approval import carried
from kinds.fold_world import ALL, ANNA, BORA, CARL, PERSON, Round, states, to_come

TEXT = f"{b32(bytes(32))}/0/{b32(bytes(32))}"
NOWHERE = to_come()
OTHER = b32(b"o" * 16)
VOTERS = sorted(map(b32, ALL))
BODY: dict[str, object] = {"person": PERSON, "after": []}


def convene(world: Round, author: bytes = ANNA, circle: bytes = b"", **more: object) -> Act:
    body = {**BODY, "content": TEXT, "at": 5000, "quorum": 0, **more}
    return world.write(author, circle or world.outer, "session/1", body)


def say(world: Round, kind: str, session: str, author: bytes = ANNA, circle: bytes = b"", **more: object) -> Act:
    fields: dict[str, dict[str, object]] = {
        "attendance/1": {},
        "delegation/1": {"head": PERSON, "deputy": OTHER, "reason": "named"},
        "point/1": {"content": TEXT, "priority": 3},
        "decision/1": {"content": TEXT, "plan": "", "about": [], "owner": "", "due": 0, "voters": VOTERS, "needed": 3},
        "minutes/1": {"content": TEXT, "voters": VOTERS, "needed": 3},
    }
    return world.write(author, circle or world.outer, kind, {**BODY, "session": session, **fields[kind], **more})


def disclose(world: Round, **more: object) -> Act:
    body = {**BODY, "content": TEXT, "hash": b32(bytes(32)), "voters": VOTERS, "needed": 3, **more}
    return world.write(ANNA, world.outer, "disclosure/1", body)


def verdict(world: Round, act: Act) -> str:
    """Return why an act does not count, "" if it does, and that it waits if it does."""
    view = world.view()
    if act.place.ref not in view.judged:
        return "waits"
    judged = view.judged[act.place.ref]
    return judged.detail.partition(":")[0] if judged.verdict is Verdict.DENY else ""


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("quorum", 0, ""),
        ("quorum", 1, "quorum"),
        ("quorum", 2, ""),
        ("quorum", 3, ""),
        ("quorum", 4, "quorum"),
        ("quorum", -1, "malformed"),
        ("at", 0, "malformed"),
        ("content", "", "malformed"),
        ("after", [NOWHERE], "waits"),
    ],
)
def test_a_session_is_judged(field: str, value: object, expected: str) -> None:
    world = Round()
    assert verdict(world, convene(world, **{field: value})) == expected


@pytest.mark.parametrize(
    ("kind", "field", "value", "expected"),
    [
        ("attendance/1", "session", NOWHERE, "waits"),
        ("delegation/1", "deputy", "", ""),
        ("delegation/1", "deputy", PERSON, "malformed"),
        ("delegation/1", "head", "", "malformed"),
        ("delegation/1", "reason", "because", "malformed"),
        ("delegation/1", "reason", "succession", "succession"),
        ("point/1", "priority", 5, ""),
        ("point/1", "priority", 6, "malformed"),
        ("point/1", "content", "", "malformed"),
        ("decision/1", "plan", b32(b"p" * 32), ""),
        ("decision/1", "plan", "p", "malformed"),
        ("decision/1", "owner", b32(BORA), ""),
        ("decision/1", "owner", b32(b"z" * 32), "owner"),
        ("decision/1", "owner", "anna", "malformed"),
        ("decision/1", "due", -1, "malformed"),
        ("decision/1", "about", [NOWHERE], ""),
        ("decision/1", "about", [TEXT] * 2, "malformed"),
        ("decision/1", "needed", 2, "voters"),
        ("decision/1", "voters", VOTERS[:2], "voters"),
        ("decision/1", "voters", VOTERS[::-1], "voters"),
        ("minutes/1", "needed", 2, "voters"),
        ("minutes/1", "voters", [], "voters"),
        ("minutes/1", "person", "", "malformed"),
    ],
)
def test_what_is_said_at_a_session_is_judged(kind: str, field: str, value: object, expected: str) -> None:
    world = Round()
    session = convene(world).place.ref
    assert verdict(world, say(world, kind, session)) == ""
    fields: dict[str, object] = {"session": session, field: value}
    assert verdict(world, say(world, kind, str(fields.pop("session")), author=BORA, **fields)) == expected


def test_a_decision_needs_the_quorum_of_its_session_at_least() -> None:
    world = Round()
    session = convene(world, quorum=3).place.ref
    assert verdict(world, say(world, "decision/1", session, needed=3)) == ""
    low = convene(world, quorum=2).place.ref
    assert verdict(world, say(world, "decision/1", low, needed=2)) == "voters"  # the agreement's quorum is 3 of 3
    assert verdict(world, say(world, "decision/1", low, needed=3)) == ""


def test_another_session_another_room_another_kind() -> None:
    world = Round()
    session = convene(world)
    point = say(world, "point/1", session.place.ref)
    assert verdict(world, say(world, "attendance/1", point.place.ref)) == "wrong-thing"
    world.open()
    inner = say(world, "attendance/1", session.place.ref, circle=world.inner)
    assert verdict(world, inner) == "wrong-room"


def test_only_the_deputy_named_last_succeeds_and_only_for_its_own_member() -> None:
    world = Round()
    session = convene(world).place.ref
    say(world, "delegation/1", session, author=BORA)
    assert verdict(world, say(world, "delegation/1", session, head=OTHER, deputy="", reason="succession")) == (
        "succession"
    )
    say(world, "delegation/1", session)
    assert verdict(world, say(world, "delegation/1", session, head=OTHER, deputy="", reason="succession")) == ""
    assert verdict(world, say(world, "delegation/1", session, head=OTHER, deputy="", reason="succession")) == (
        "succession"
    )


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("hash", b32(b"h" * 32), ""),
        ("hash", "h", "malformed"),
        ("needed", 2, "voters"),
        ("voters", VOTERS[1:], "voters"),
        ("content", "", "malformed"),
    ],
)
def test_a_disclosure_is_judged(field: str, value: object, expected: str) -> None:
    world = Round()
    assert verdict(world, disclose(world, **{field: value})) == expected


def full(answers: tuple[str, ...]) -> tuple[Round, Act]:
    world = Round()
    session = convene(world).place.ref
    for author in ALL:
        say(world, "attendance/1", session, author=author)
    say(world, "delegation/1", session, author=CARL)
    say(world, "delegation/1", session, author=CARL, head=OTHER, deputy="", reason="succession")
    point = say(world, "point/1", session, author=BORA)
    decision = say(world, "decision/1", session, author=BORA, about=[point.place.ref])
    for author, answer in zip(ALL, answers, strict=True):
        world.answer(author, answer, decision.place.ref, of=b32(decision.place.leaf))
    say(world, "minutes/1", session, author=CARL, after=[decision.place.ref])
    return world, decision


@settings(max_examples=60, deadline=None)
@given(st.data(), st.tuples(*[st.sampled_from(["approve", "refuse"])] * 3))
def test_order_of_arrival_changes_nothing(data: st.DataObject, answers: tuple[str, ...]) -> None:
    world, decision = full(answers)
    whole = world.view()
    assert whole.waiting == {}
    waiting, view = list(world.acts), world.view([])
    while waiting:  # the logs arrive in any order among each other, each in pieces
        log = data.draw(st.sampled_from(sorted({act.place.log for act in waiting})))
        mine = [act for act in waiting if act.place.log == log]
        piece = mine[: data.draw(st.integers(1, len(mine)))]
        waiting = [act for act in waiting if act not in piece]
        view = view.extended(piece)
    assert states(view) == states(whole)
    assert view.judged == whole.judged
    asked, given_ = whole.things[decision.place.leaf], whole.states["approval/1"][decision.place.leaf]
    state = carried(asked.voters, asked.needed, {member: each.answer for member, each in given_.items()})
    assert state.value == ("in-force" if set(answers) == {"approve"} else "refused")
