"""Lies about joint work: each is judged alike by every honest member, nothing of it is shown as true, others go on.

The hostile member signs whatever it likes into its own log; the entries travel by the real exchange over real sockets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entente.core import canon
from entente.core.ids import b32
from entente.node.work.acts import reading
from hostile import peer
from hostile.joint import (
    FIRST,
    HOUR,
    NOWHERE,
    PERSON,
    Told,
    change_body,
    decision_body,
    delegation_body,
    due,
    due_ref,
    head,
    item,
    mine,
    minutes_body,
    own_outcome,
    plan_body,
    proposed_twice,
    refused_and_begun,
    session_body,
    voted_twice,
)
from hostile.peer import row_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from entente.core.kind import Place


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    with peer.scene(tmp_path_factory.mktemp("joint")) as found:
        for node in (*found.honest, found.summit.node):
            node.exchange.manners.most = 1_000_000
        yield Told(found)


@pytest.fixture(autouse=True)
def others_go_on(told: Told) -> Iterator[None]:
    """Whatever was said: honest members' work goes on, and nobody was told a lie about it."""
    yield
    told.scene.settle()
    for node in told.honest:
        node.plans.runner.tick()
        assert node.plans.show(told.plan).state == "approved"
        assert node.plans.show(told.other).state == node.plans.show(told.timed).state == "proposed"
        assert (node.requests.show(told.request).state, node.requests.show(told.request).answers) == ("open", [])


DOCUMENTS: dict[str, tuple[bytes, str]] = {
    "above the ceiling": (head(marking="TLP:AMBER+STRICT") + b"x", "ceiling"),
    "red": (head(marking="TLP:RED") + b"x", "red"),
    "a terminal's escape": (head() + b"\x1b[2J", "malformed"),
    "a carriage return": (head() + b"a\rb", "malformed"),
    "a C1 control": (head() + "\x9b2J".encode(), "malformed"),
    "a line separator": (head() + "a\u2028b".encode(), "malformed"),
    "no UTF-8": (head() + b"\xff", "malformed"),
    "half a surrogate pair": (head() + b"\xed\xa0\x80", "malformed"),
    "larger than the limit": (head("application/octet-stream") + bytes(2 * 1024 * 1024 + 1), "size"),
    "no header": (b"just words", "malformed"),
    "a header without an end": (head()[:-1], "malformed"),
    "a header that is not canonical": (head().replace(b":", b": ", 1) + b"x", "malformed"),
    "a header with more": (b'{"marking":"TLP:GREEN","media":"text/plain","person":"%s","x":1}\nx', "malformed"),
    "a marking that is none": (head(marking="TLP:PINK") + b"x", "malformed"),
    "no media type": (head(media="text") + b"x", "malformed"),
    "nobody's": (head().replace(PERSON.encode(), b"abc") + b"x", "malformed"),
    "nothing at all": (b"", "malformed"),
}


@pytest.mark.parametrize("what", list(DOCUMENTS))
def test_a_document_that_may_not_be_here_is_refused_and_not_kept(told: Told, what: str) -> None:
    payload, reason = DOCUMENTS[what]
    place = told.entry("document/1", payload)
    named = told.act("case/1", {"content": place.ref})
    assert told.verdicts(place) == {reason}
    assert told.verdicts(named) == {""}, "no judge of an act reads content"
    for node in told.honest:
        row = row_of(node, told.circle, told.summit.base.me)
        with node.base.store.read() as tx:
            assert tx.payloads.get(row.id, place.index, place.index + 1) == []
        assert node.cases.show(b32(named.leaf)).title == ""


LIES: dict[str, tuple[Callable[[Told], Place], str]] = {
    "an answer to what others were asked": (
        lambda told: told.act(
            "reply/1",
            {"of": told.find("request/1", told.request).place.ref, "answer": "answered", "content": told.text()},
        ),
        "concerned",
    ),
    "a note to a thing of another room": (
        lambda told: told.act("note/1", {"of": told.strange.ref, "content": told.text()}),
        "wrong-room",
    ),
    "a case that stands behind a thing of another room": (
        lambda told: told.act("case/1", {"content": told.text()}, told.strange.ref),
        "wrong-room",
    ),
    "a note to an item": (
        lambda told: told.act("note/1", {"of": item(told), "content": told.text()}),
        "wrong-thing",
    ),
    "attendance at a request": (
        lambda told: told.act("attendance/1", {"session": told.find("request/1", told.request).place.ref}),
        "wrong-thing",
    ),
    "a second vote": (voted_twice, "answered"),
    "a vote that does not name what it is about": (
        lambda told: told.answer(b32(told.find("decision/1", told.decision).place.leaf)),
        "nothing-asked",
    ),
    "a vote on nothing": (lambda told: told.answer(NOWHERE), "nothing-asked"),
    "a decision that fewer would decide": (
        lambda told: told.ask("decision/1", decision_body(told), 1),
        "voters",
    ),
    "minutes that one signs": (
        lambda told: told.ask("minutes/1", minutes_body(told), 1, [told.summit.member]),
        "voters",
    ),
    "a disclosure that nobody is asked about": (
        lambda told: told.ask("disclosure/1", {"content": told.text(), "hash": NOWHERE}, 0, []),
        "voters",
    ),
    "a step of another owner": (lambda told: told.step(told.plan, FIRST), "owner"),
    "a step that the plan has not": (lambda told: told.step(told.plan, "action--x"), "step"),
    "a step of a plan that is not in force": (
        lambda told: mine(told)[1](force=[]),
        "force",
    ),
    "a step in force by approvals of another plan": (
        lambda told: mine(told)[1](force=told.force(told.plan)),
        "force",
    ),
    "a step in force by a refusal": (
        refused_and_begun,
        "force",
    ),
    "an outcome of somebody else's plan": (
        lambda told: told.act("outcome/1", due(told), due_ref(told)),
        "not-proposer",
    ),
    "an outcome of a plan without a deadline": (
        lambda told: told.act("outcome/1", plan_body(told), told.planned(told.other).place.ref),
        "no-deadline",
    ),
    "an outcome that counts an approval of another plan": (
        lambda told: own_outcome(told, counted=told.force(told.plan)),
        "counted",
    ),
    "an outcome that counts its own plan as an approval": (
        lambda told: own_outcome(told, itself=True),
        "counted",
    ),
    "an outcome in force that counts nothing": (own_outcome, "counted"),
    "an outcome that names its plan in words only": (
        lambda told: told.act("outcome/1", plan_body(told), told.find("request/1", told.request).place.ref),
        "malformed",
    ),
    "a plan with lowered needs": (lambda told: mine(told, needed=1)[0], "voters"),
    "a plan that fewer are asked about": (lambda told: mine(told, voters=[told.summit.member])[0], "voters"),
    "a plan of steps of a stranger": (lambda told: mine(told, owner=NOWHERE)[0], "owner"),
    "the same plan once more": (proposed_twice, "plan"),
    "a plan of 401 steps": (lambda told: mine(told, count=401)[0], "malformed"),
    "a plan that is larger than an act": (lambda told: mine(told, count=390, pad=100)[0], "malformed"),
    "a plan that comes back to its start": (lambda told: mine(told, next="start")[0], "malformed"),
    "a reference with an index of 5,000 digits": (
        lambda told: told.act("note/1", {"of": f"{NOWHERE}/{'1' * 5000}/{NOWHERE}", "content": told.text()}),
        "malformed",
    ),
    "a priority beyond all": (
        lambda told: told.act("request/1", {"content": told.text(), "to": [], "priority": 0, "due": told.now + HOUR}),
        "malformed",
    ),
    # The liar's own node could not read these back as acts; a kind that is filed by entry goes through the same check.
    "deep JSON": (
        lambda told: told.entry("acknowledgement/1", b'{"after":' * 3000 + b"1" + b"}" * 3000),
        "malformed",
    ),
    "a body of 70 KiB": (
        lambda told: told.entry("acknowledgement/1", b'{"content":"' + b"x" * 70_000 + b'"}'),
        "malformed",
    ),
    "a number with a fraction": (
        lambda told: told.entry(
            "acknowledgement/1", canon.encode(session_body(told)).replace(b'"quorum":0', b'"quorum":0.5')
        ),
        "malformed",
    ),
    "a quorum of half": (lambda told: told.act("session/1", session_body(told) | {"quorum": 1}), "quorum"),
    "a delegation by succession from nobody": (
        lambda told: told.act("delegation/1", delegation_body(told)),
        "succession",
    ),
    "a task of a stranger": (
        lambda told: told.act("change/1", change_body(told) | {"field": "owner", "value": NOWHERE}),
        "value",
    ),
    "a warning about an item of another log": (
        lambda told: told.act(
            "warning/1",
            {"item": told.strange.ref, "likelihood": "likely", "confidence": "low", "until": 0, "replaces": ""},
        ),
        "item",
    ),
    "an objection to what is no outcome": (
        lambda told: told.act("objection/1", {"of": due_ref(told), "reason": "late", "content": ""}),
        "wrong-thing",
    ),
}


@pytest.mark.parametrize("lie", list(LIES))
def test_a_lie_is_judged_alike_by_all_and_counts_for_nobody(told: Told, lie: str) -> None:
    make, expected = LIES[lie]
    place = make(told)
    assert told.verdicts(place) == {expected}
    for node in told.honest:
        with reading(node.base) as board:
            assert place.ref not in board.in_force.view.acts


@pytest.mark.parametrize("together", [True, False])
def test_what_names_a_refused_act_is_judged_alike_whether_it_came_with_it_or_later(told: Told, together: bool) -> None:
    """A refused act leaves its leaf only; nobody may wait for it for ever, or the rest of the log would wait too."""
    refused = told.step(told.plan, FIRST)
    if not together:
        told.harbour.exchange.sync(told.summit.member)
    note = told.act("note/1", {"of": refused.ref, "content": told.text()})
    behind = told.act("case/1", {"content": told.text("Behind it")}, refused.ref)
    assert told.verdicts(refused) == {"owner"}
    assert told.verdicts(note) == {"wrong-thing"}
    assert told.verdicts(behind) == {""}
    assert [node.cases.show(b32(behind.leaf)).title for node in told.honest] == ["Behind it"] * 2


def test_the_honest_members_still_work_together_and_their_ledgers_hold(told: Told) -> None:
    asked = told.harbour.requests.ask(told.circle, "Still there?", told.now + HOUR, to=[told.northwind.member]).id
    plan = told.in_force()
    told.northwind.requests.answer(asked, "Still here.")
    told.harbour.plans.run(plan)
    told.harbour.plans.done(plan, FIRST)
    told.scene.settle()
    assert told.harbour.requests.show(asked).state == "answered"
    assert {node.plans.show(plan).steps[1].state for node in told.honest} == {"done"}
    assert all(node.ledger.verify().ok for node in told.honest)
