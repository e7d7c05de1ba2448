"""The fold of real kinds: whatever comes in whatever pieces, the view is that of all acts at once."""

from __future__ import annotations

import random
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entente.core.ids import b32
from entente.core.kind import Verdict
from entente.core.recorded import consent_needed, voters
from entente.kinds import FOLDED
from entente.ledger.view import fold
from kinds.circles import ALL, ANNA, BORA, CARL, PERSON, Circles, Seen, states, to_come
from kinds.plan_office import FILE, HASH, skeleton

if TYPE_CHECKING:
    from collections.abc import Callable

    from entente.core.ids import Member
    from entente.core.kind import Act
    from entente.ledger.view import View

BEGIN = ("request/1", "session/1", "case/1", "warning/1", "plan/1", "disclosure/1", "protected/1")
ABOUT = {
    "reply/1": "request/1",
    "attendance/1": "session/1",
    "delegation/1": "session/1",
    "point/1": "session/1",
    "decision/1": "session/1",
    "minutes/1": "session/1",
    "assessment/1": "warning/1",
    "change/1": "case/1",
    "halt/1": "plan/1",
    "step/1": "plan/1",
    "outcome/1": "plan/1",
    "objection/1": "outcome/1",
    "note/1": "",
}
ASKING = ("decision/1", "minutes/1", "disclosure/1", "plan/1")


class Office:
    """Members who say whatever comes to their minds, right or wrong, about whatever was said."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.circles = Circles()
        self.context = self.circles.view([])._context
        for _ in range(self.chance.randint(5, 40)):
            self.speak()

    @property
    def acts(self) -> list[Act]:
        return self.circles.acts

    def speak(self) -> None:
        room = self.chance.choice([self.circles.outer, self.circles.inner])
        author = self.chance.choice(ALL if self.chance.random() < 0.1 else sorted(self.circles.members_of(room)))
        kind = self.chance.choice([*BEGIN, *ABOUT, *["approval/1"] * 4, *["step/1", "outcome/1"] * 2])
        about = self.some(ABOUT[kind], room) if kind in ABOUT else self.some(self.chance.choice(ASKING), room)
        if about is not None or kind in BEGIN:
            act = self.say(author, room, kind, about)
            if kind == "plan/1":
                self.carry_out(act)

    def carry_out(self, plan: Act) -> None:
        """Let most members do what belongs to a plan; what they forget makes the rest wrong."""
        for member in sorted(self.circles.members_of(plan.circle)):
            if self.chance.random() < 0.9:
                self.say(member, plan.circle, "approval/1", plan)
        for kind in ("outcome/1", "step/1", "step/1", "objection/1"):
            about = self.some("outcome/1", plan.circle) if kind == "objection/1" else plan
            if about is not None and self.chance.random() < 0.8:
                self.say(plan.author if kind == "outcome/1" else ANNA, plan.circle, kind, about)

    def say(self, author: Member, room: bytes, kind: str, about: Act | None) -> Act:
        after = [about.place.ref] if about is not None and self.chance.random() < 0.9 else []
        if self.chance.random() < 0.1:
            after = [each.place.ref for each in self.chance.sample(self.acts, min(2, len(self.acts)))]
        body = self.body(kind, room, about) | {"person": PERSON, "after": after}
        if kind == "warning/1":
            mine = [act.place.ref for act in self.acts if (act.author, act.circle) == (author, room)]
            body["item"] = self.chance.choice(mine or [FILE])
        if kind in ASKING:
            word = kind.partition("/")[0]
            body |= {"voters": voters(room, self.context), "needed": consent_needed(word, room, self.context)}
        return self.circles.write(author, room, kind, body)

    def some(self, kind: str, room: bytes) -> Act | None:
        """Return an act of a kind, of this room most of the time."""
        found = [act for act in self.acts if kind in ("", act.kind)]
        here = [act for act in found if act.circle == room]
        return self.chance.choice((here if self.chance.random() < 0.95 else found) or [None])

    def refs(self, kind: str, thing: Act) -> list[str]:
        """Return references of acts of a kind that name this thing, most of the time."""
        named = (thing.place.ref, b32(thing.place.leaf))
        found = [act for act in self.acts if act.kind == kind and {act.body.get("of"), act.body.get("plan")} & {*named}]
        return sorted({act.place.ref for act in found if self.chance.random() < 0.95})

    def body(self, kind: str, room: bytes, about: Act | None) -> dict[str, object]:
        ref = about.place.ref if about else ""
        make: dict[str, Callable[[], dict[str, object]]] = {
            "request/1": lambda: {"content": FILE, "to": [], "priority": 1, "due": 5},
            "reply/1": lambda: {"of": ref, "answer": self.chance.choice(["answered", "refused"]), "content": FILE},
            "session/1": lambda: {"content": FILE, "at": 7, "quorum": self.chance.choice([0, 2, 3])},
            "attendance/1": lambda: {"session": ref},
            "delegation/1": lambda: {"session": ref} | self.delegation(),
            "point/1": lambda: {"session": ref, "content": FILE, "priority": 2},
            "decision/1": lambda: {"session": ref, "content": FILE, "plan": "", "about": [], "owner": "", "due": 0},
            "minutes/1": lambda: {"session": ref, "content": FILE},
            "disclosure/1": lambda: {"content": FILE, "hash": b32(HASH)},
            "case/1": lambda: {"content": FILE},
            "change/1": lambda: self.change(ref),
            "warning/1": lambda: {
                "item": FILE,
                "likelihood": "likely",
                "confidence": "low",
                "until": 0,
                "replaces": "",
            },
            "assessment/1": lambda: {"of": ref, "verdict": "agree", "item": ""},
            "protected/1": lambda: {"content": FILE},
            "plan/1": lambda: self.plan(room),
            "halt/1": lambda: {"plan": ref, "reason": "other"},
            "step/1": lambda: self.step(about),
            "outcome/1": lambda: self.outcome(about),
            "objection/1": lambda: {"of": ref, "reason": "late", "content": ""},
            "note/1": lambda: {"of": ref, "content": FILE},
            "approval/1": lambda: {
                "of": b32(about.place.leaf) if about else "",
                "revision": b32(self.circles.agreement_id),
                "answer": self.chance.choice([*["approve"] * 9, "refuse"]),
            },
        }
        return make[kind]()

    def delegation(self) -> dict[str, object]:
        one, other = (b32(letter * 16) for letter in (b"q", b"r"))
        return self.chance.choice(
            [{"head": one, "deputy": other, "reason": "named"}, {"head": other, "deputy": "", "reason": "succession"}]
        )

    def change(self, case: str) -> dict[str, object]:
        empty: dict[str, object] = {"case": case, "target": "", "value": "", "time": 0, "content": ""}
        return empty | self.chance.choice(
            [{"field": "task", "content": FILE}, {"field": "state", "value": "closed"}, {"field": "due", "time": 3}]
        )

    def plan(self, room: bytes) -> dict[str, object]:
        nonce = sha256(bytes([self.chance.randrange(6)])).digest()[:16]
        second = self.chance.choice([ANNA, BORA, CARL] if room == self.circles.outer else [ANNA, BORA])
        return {
            "nonce": b32(nonce),
            "content": FILE,
            "hash": b32(HASH),
            "decision": "",
            "steps": skeleton(second),
            "exception": "",
            "deadline": self.chance.choice([0, 5000]),
        }

    def step(self, plan: Act | None) -> dict[str, object]:
        assert plan is not None
        bones = [each for each in skeleton() if self.chance.random() < 0.5 or each["id"] == "start"]
        before = [act.place.ref for act in self.acts if act.kind == "step/1" and act.body["plan"] == plan.place.ref]
        kind = "outcome/1" if plan.body["deadline"] else "approval/1"
        return {
            "plan": plan.place.ref,
            "step": self.chance.choice(bones)["id"],
            "visit": self.chance.choice([1, 1, 2]),
            "state": self.chance.choice(["started", "done", "failed", "undone"]),
            "result": "",
            "because": sorted(set(self.chance.sample(before, min(len(before), self.chance.randrange(3))))),
            "force": self.refs(kind, plan),
            "outputs": [],
        }

    def outcome(self, plan: Act | None) -> dict[str, object]:
        assert plan is not None
        result = self.chance.choice(["in-force", "in-force", "in-force", "expired"])
        return {"of": b32(plan.place.leaf), "result": result, "counted": self.refs("approval/1", plan)}

    def pieces(self, seed: int) -> list[list[Act]]:
        """Return all acts in pieces; of each log they come in its order, of different logs in any."""
        chance = random.Random(seed)
        logs: dict[bytes, list[Act]] = {act.place.log: [] for act in self.acts}
        for act in self.acts:
            logs[act.place.log].append(act)
        found: list[list[Act]] = []
        while any(logs.values()):
            piece: list[Act] = []
            for log in chance.sample(sorted(logs), chance.randint(1, len(logs))):
                count = chance.randint(0, 4)
                piece += logs[log][:count]
                logs[log] = logs[log][count:]
            chance.shuffle(piece)
            found.append(piece)
        return found


def shown(view: View) -> tuple[object, ...]:
    """Return everything that a view says."""
    return states(view), view.judged, view.things, view.waiting, set(view.acts)


@given(st.integers(0, 2**32), st.lists(st.integers(0, 2**32), min_size=1, max_size=3))
@settings(max_examples=150, deadline=None)
def test_pieces_make_the_view_of_the_whole(seed: int, orders: list[int]) -> None:
    office = Office(seed)
    whole = shown(office.circles.view())
    for order in orders:
        view = fold(FOLDED, [], Seen(office.circles))
        for piece in office.pieces(order):
            before = shown(view)
            later = view.extended(piece)
            assert shown(view) == before, "a view is never changed by the next one"
            assert before[1].items() <= later.judged.items(), "what was judged stays as it was judged"
            view = later
        assert shown(view) == whole


def test_these_members_say_enough_of_everything() -> None:
    """A property over acts that are all refused would say nothing."""
    allowed: dict[str, int] = {}
    denied: set[str] = set()
    for seed in range(150):
        view = Office(seed).circles.view()
        for act in view.acts.values():
            allowed[act.kind] = allowed.get(act.kind, 0) + 1
        denied |= {each.detail for each in view.judged.values() if each.verdict is Verdict.DENY}
    assert {*BEGIN, *ABOUT, "approval/1"} <= allowed.keys()
    assert not [kind for kind in (*BEGIN, "approval/1", "step/1", "outcome/1") if allowed[kind] < 8]
    assert {"wrong-room", "nothing-asked", "answered", "force", "owner", "counted", "order", "decided"} <= denied


def answered(circles: Circles, *after: str) -> tuple[Act, Act]:
    """Return a disclosure of Anna, and an approval of it by Bora that names these in `after`."""
    asked = voters(circles.outer, circles.view([])._context)
    body = {"content": FILE, "hash": b32(HASH), "person": PERSON, "after": [], "voters": asked, "needed": 3}
    thing = circles.write(ANNA, circles.outer, "disclosure/1", body)
    return thing, circles.answer(BORA, "approve", *(after or [thing.place.ref]), of=b32(thing.place.leaf))


def test_an_answer_that_does_not_name_what_it_answers_counts_for_nobody() -> None:
    """Else it would count for whoever has the question already, and for nobody else."""
    circles = Circles()
    thing, right = answered(circles)
    assert circles.view().judged[right.place.ref].detail == ""
    for after in ([], [circles.person(CARL, "operator").place.ref]):
        wrong = circles.answer(CARL, "approve", *after, of=b32(thing.place.leaf))
        alone = circles.view([act for act in circles.acts if act.author == CARL])
        assert alone.judged[wrong.place.ref] == circles.view().judged[wrong.place.ref]
        assert alone.judged[wrong.place.ref].detail == "nothing-asked"


@pytest.mark.parametrize("known", [True, False])
def test_what_names_another_room_is_denied_by_those_that_see_it_and_those_that_do_not(known: bool) -> None:
    """Carl is not in the inner circle: what it cannot see must not decide for it alone."""
    circles = Circles()
    inner = circles.write(ANNA, circles.inner, "case/1", {"content": FILE, "person": PERSON, "after": []})
    note = {"of": inner.place.ref, "content": FILE, "person": PERSON}
    acts = [circles.write(BORA, circles.outer, "note/1", note | {"after": []})]
    acts.append(
        circles.write(BORA, circles.outer, "case/1", {"content": FILE, "person": PERSON, "after": [inner.place.ref]})
    )
    last = circles.write(BORA, circles.outer, "case/1", {"content": FILE, "person": PERSON, "after": []})
    view = circles.view([*acts, last, *([inner] if known else [])])
    assert [view.judged[act.place.ref].detail for act in (*acts, last)] == ["wrong-room", "wrong-room", ""]
    assert view.waiting == {}


def test_what_is_held_and_is_no_act_is_not_waited_for() -> None:
    circles = Circles()
    ref = to_come(ANNA)
    body = {"content": FILE, "person": PERSON}
    named = circles.write(BORA, circles.outer, "case/1", body | {"after": [ref]})
    note = circles.write(CARL, circles.outer, "note/1", body | {"of": ref, "after": []})
    behind = circles.write(CARL, circles.outer, "note/1", body | {"of": named.place.ref, "after": []})
    view = circles.view()
    assert view.judged == {}
    later = view.settled([ref])
    assert view.judged == {}
    told = [later.judged[act.place.ref].detail for act in (named, note, behind)]
    assert told == ["", "wrong-thing", ""]
    assert later.waiting == {}
