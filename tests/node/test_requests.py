"""Requests between nodes: asked, answered or refused once, overdue and escalated at both sides alike."""

from __future__ import annotations

import msgspec
import pytest

from entente.core.errors import ConflictError, InvalidError, NotFoundError, RefusedError
from network import Network

HOUR = 3_600_000
TEXT = "Which addresses scanned the quay gate last night?"


class Trio:
    """Three members in one circle, and an inner circle of the first two."""

    def __init__(self, **terms: object) -> None:
        self.network = Network(41)
        self.a, self.b, self.c = (self.network.add(name) for name in ("Harbour", "Northwind", "Summit"))
        self.circle = self.network.agree(self.a, self.b, self.c, **terms)

    def ask(self, *to: str, hours: int = 48, priority: int = 3) -> str:
        due = self.network.now + hours * HOUR
        made = self.a.requests.ask(self.circle, TEXT, due, to=to, priority=priority)
        self.network.settle()
        return made.id


def test_a_request_reaches_all_others_with_its_words() -> None:
    trio = Trio()
    asked = trio.ask(priority=1)
    for node in (trio.a, trio.b, trio.c):
        (found,) = node.requests.list()
        assert (found.id, found.text, found.text_state) == (asked, TEXT, "held")
        assert (found.from_, found.name, found.priority, found.state) == (trio.a.member, "Harbour", 1, "open")
        assert found.to == sorted([trio.b.member, trio.c.member])
        assert (found.circle, found.answers, found.escalated, found.ended) == (trio.circle, [], False, False)
        assert msgspec.json.decode(msgspec.json.encode(found))["from"] == trio.a.member


def test_one_answer_is_enough_and_all_see_it() -> None:
    trio = Trio()
    asked = trio.ask()
    assert trio.b.requests.answer(asked[:10], "We log no gate.", refuse=True).state == "open"
    trio.network.settle()
    assert trio.c.requests.answer(asked, "192.0.2.7 and nobody else.").state == "answered"
    trio.network.settle()
    shown = [node.requests.show(asked) for node in (trio.a, trio.b, trio.c)]
    assert [[(each.member, each.answer, each.text) for each in found.answers] for found in shown] == [
        [
            (trio.b.member, "refused", "We log no gate."),
            (trio.c.member, "answered", "192.0.2.7 and nobody else."),
        ]
    ] * 3
    assert {found.state for found in shown} == {"answered"}


def test_refused_when_all_that_were_asked_have_refused() -> None:
    trio = Trio()
    asked = trio.ask("Northwind")
    assert trio.a.requests.show(asked).to == [trio.b.member]
    assert trio.b.requests.answer(asked, "Our counsel says no.", refuse=True).state == "refused"
    trio.network.settle()
    assert trio.a.requests.show(asked).state == "refused"
    trio.network.now += 1000 * HOUR
    assert (trio.a.requests.show(asked).state, trio.a.requests.show(asked).escalated) == ("refused", False)


def test_an_open_one_becomes_overdue_and_escalates_as_the_agreement_says_and_a_late_answer_counts() -> None:
    trio = Trio(escalation_hours=2)
    asked = trio.ask(hours=1)
    for hours, state, escalated in ((0, "open", False), (1, "overdue", False), (2, "overdue", True)):
        trio.network.now += hours * HOUR
        for node in (trio.a, trio.b):
            found = node.requests.show(asked)
            assert (found.state, found.escalated) == (state, escalated)
    trio.b.requests.answer(asked, "Late, sorry: nobody did.")
    trio.network.settle()
    assert (trio.a.requests.show(asked).state, trio.a.requests.show(asked).escalated) == ("answered", False)


def test_who_was_not_asked_and_who_has_answered_are_refused_and_nothing_is_kept() -> None:
    trio = Trio()
    asked = trio.ask("Northwind")
    sizes = [[log.size for log in node.ledger.verify().logs] for node in (trio.a, trio.c)]
    for node in (trio.c, trio.a):
        with pytest.raises(RefusedError, match="not asked") as caught:
            node.requests.answer(asked, "Let me tell you.")
        assert caught.value.code == "concerned"
    assert [[log.size for log in node.ledger.verify().logs] for node in (trio.a, trio.c)] == sizes
    trio.b.requests.answer(asked, "Nobody.")
    with pytest.raises(RefusedError, match="final") as caught:
        trio.b.requests.answer(asked, "Or rather somebody.")
    assert caught.value.code == "answered"


def test_what_cannot_be_asked_is_refused_before_anything_is_written() -> None:
    trio = Trio()
    inner = trio.network.circle(
        trio.a, trio.b, agreement=next(each.id for each in trio.a.agreements.list()), name="Inner"
    )
    due = trio.network.now + HOUR
    for to in ("Harbour", "Summit"):
        with pytest.raises(RefusedError, match="members of the circle") as caught:
            trio.a.requests.ask(inner, TEXT, due, to=[to])
        assert caught.value.code == "to"
    for text, priority in ((" \n", 3), (TEXT, 0), (TEXT, 6)):
        with pytest.raises(InvalidError):
            trio.a.requests.ask(inner, text, due, priority=priority)
    with pytest.raises(RefusedError, match="well formed"):
        trio.a.requests.ask(inner, "a bell: \a", due)
    with pytest.raises(NotFoundError):
        trio.a.requests.ask("nowhere", TEXT, due)
    with pytest.raises(NotFoundError, match="no request"):
        trio.a.requests.show("abcdefgh")
    assert trio.a.requests.list() == []


def test_an_agreement_that_does_not_admit_requests_takes_none() -> None:
    trio = Trio(kinds=["item/1"])
    with pytest.raises(RefusedError, match="does not admit"):
        trio.ask()


def test_an_inner_circle_keeps_its_requests_to_itself() -> None:
    trio = Trio()
    agreement = next(each.id for each in trio.a.agreements.list())
    inner = trio.network.circle(trio.a, trio.b, agreement=agreement, name="Inner")
    asked = trio.a.requests.ask(inner, TEXT, trio.network.now + HOUR)
    trio.network.settle()
    assert [each.id for each in trio.b.requests.list("Inner")] == [asked.id]
    assert trio.b.requests.list(trio.circle) == []
    assert trio.c.requests.list() == []


def test_with_the_room_a_request_ends() -> None:
    trio = Trio()
    asked = trio.ask()
    agreement = next(each.id for each in trio.a.agreements.list())
    amended = trio.a.agreements.changes.amend(agreement, terms={"escalation_hours": 5})
    for node in (trio.a, trio.b, trio.c):
        trio.network.settle()
        node.agreements.sign(amended.amendment)
    trio.network.settle()
    assert trio.b.requests.list() == []
    (found,) = trio.b.requests.list(ended=True)
    assert (found.id, found.ended, found.text) == (asked, True, TEXT)
    with pytest.raises(ConflictError, match="when the agreement changed"):
        trio.b.requests.answer(asked, "Too late.")
