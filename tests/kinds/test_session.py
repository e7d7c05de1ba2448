"""Sessions, decisions, minutes, disclosures: who may say what, and the same view in whatever order acts arrive."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entente.core.ids import b32
from entente.core.kind import Act, Verdict
from entente.policy.approval import carried
from kinds.circles import ALL, ANNA, BORA, CARL, PERSON, Circles, states, to_come

TEXT = f"{b32(bytes(32))}/0/{b32(bytes(32))}"
NOWHERE = to_come()
OTHER = b32(b"o" * 16)
VOTERS = sorted(map(b32, ALL))
BODY: dict[str, object] = {"person": PERSON, "after": []}


def convene(circles: Circles, author: bytes = ANNA, circle: bytes = b"", **more: object) -> Act:
    body = {**BODY, "content": TEXT, "at": 5000, "quorum": 0, **more}
    return circles.write(author, circle or circles.outer, "session/1", body)


def say(circles: Circles, kind: str, session: str, author: bytes = ANNA, circle: bytes = b"", **more: object) -> Act:
    fields: dict[str, dict[str, object]] = {
        "attendance/1": {},
        "delegation/1": {"head": PERSON, "deputy": OTHER, "reason": "named"},
        "point/1": {"content": TEXT, "priority": 3},
        "decision/1": {"content": TEXT, "plan": "", "about": [], "owner": "", "due": 0, "voters": VOTERS, "needed": 3},
        "minutes/1": {"content": TEXT, "voters": VOTERS, "needed": 3},
    }
    return circles.write(author, circle or circles.outer, kind, {**BODY, "session": session, **fields[kind], **more})


def disclose(circles: Circles, **more: object) -> Act:
    body = {**BODY, "content": TEXT, "hash": b32(bytes(32)), "voters": VOTERS, "needed": 3, **more}
    return circles.write(ANNA, circles.outer, "disclosure/1", body)


def verdict(circles: Circles, act: Act) -> str:
    """Return why an act does not count, "" if it does, and that it waits if it does."""
    view = circles.view()
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
    circles = Circles()
    assert verdict(circles, convene(circles, **{field: value})) == expected


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
    circles = Circles()
    session = convene(circles).place.ref
    assert verdict(circles, say(circles, kind, session)) == ""
    fields: dict[str, object] = {"session": session, field: value}
    assert verdict(circles, say(circles, kind, str(fields.pop("session")), author=BORA, **fields)) == expected


def test_a_decision_needs_the_quorum_of_its_session_at_least() -> None:
    circles = Circles()
    session = convene(circles, quorum=3).place.ref
    assert verdict(circles, say(circles, "decision/1", session, needed=3)) == ""
    low = convene(circles, quorum=2).place.ref
    assert verdict(circles, say(circles, "decision/1", low, needed=2)) == "voters"  # the agreement's quorum is 3 of 3
    assert verdict(circles, say(circles, "decision/1", low, needed=3)) == ""


def test_another_session_another_room_another_kind() -> None:
    circles = Circles()
    session = convene(circles)
    point = say(circles, "point/1", session.place.ref)
    assert verdict(circles, say(circles, "attendance/1", point.place.ref)) == "wrong-thing"
    circles.open()
    inner = say(circles, "attendance/1", session.place.ref, circle=circles.inner)
    assert verdict(circles, inner) == "wrong-room"


def test_only_the_deputy_named_last_succeeds_and_only_for_its_own_member() -> None:
    circles = Circles()
    session = convene(circles).place.ref
    say(circles, "delegation/1", session, author=BORA)
    assert verdict(circles, say(circles, "delegation/1", session, head=OTHER, deputy="", reason="succession")) == (
        "succession"
    )
    say(circles, "delegation/1", session)
    assert verdict(circles, say(circles, "delegation/1", session, head=OTHER, deputy="", reason="succession")) == ""
    assert verdict(circles, say(circles, "delegation/1", session, head=OTHER, deputy="", reason="succession")) == (
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
    circles = Circles()
    assert verdict(circles, disclose(circles, **{field: value})) == expected


def full(answers: tuple[str, ...]) -> tuple[Circles, Act]:
    circles = Circles()
    session = convene(circles).place.ref
    for author in ALL:
        say(circles, "attendance/1", session, author=author)
    say(circles, "delegation/1", session, author=CARL)
    say(circles, "delegation/1", session, author=CARL, head=OTHER, deputy="", reason="succession")
    point = say(circles, "point/1", session, author=BORA)
    decision = say(circles, "decision/1", session, author=BORA, about=[point.place.ref])
    for author, answer in zip(ALL, answers, strict=True):
        circles.answer(author, answer, decision.place.ref, of=b32(decision.place.leaf))
    say(circles, "minutes/1", session, author=CARL, after=[decision.place.ref])
    return circles, decision


@settings(max_examples=60, deadline=None)
@given(st.data(), st.tuples(*[st.sampled_from(["approve", "refuse"])] * 3))
def test_order_of_arrival_changes_nothing(data: st.DataObject, answers: tuple[str, ...]) -> None:
    circles, decision = full(answers)
    whole = circles.view()
    assert whole.waiting == {}
    waiting, view = list(circles.acts), circles.view([])
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
