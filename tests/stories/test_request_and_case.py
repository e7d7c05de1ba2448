"""Harbour asks, Northwind answers one and refuses one; both work on a case while cut off, and nothing is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entente.core.errors import RefusedError
from stories.homes import agree, houses, pair, settle
from stories.story import give, id_of, indicator

if TYPE_CHECKING:
    from pathlib import Path

HOUR = 3_600_000


def test_two_members_ask_answer_refuse_and_work_on_a_case(tmp_path: Path) -> None:
    with houses(tmp_path, "Harbour", "Northwind") as (harbour, northwind):
        one, two = harbour.node, northwind.node
        pair(one, two)
        circle = agree(one, two, name="Early warning")
        now = one.base.clock()

        # Two questions; the second one's date is past already, which both sides see.
        first = one.requests.ask(circle, "Which hosts called 192.0.2.7 in October?", now + HOUR, priority=1)
        second = one.requests.ask(circle, "Who is your source?", now - HOUR)
        settle(one, two)
        assert [each.state for each in two.requests.list()] == ["open", "overdue"]
        two.requests.answer(first.id, "Two build servers, on the 9th.")
        two.requests.answer(second.id, "We promised not to say.", refuse=True)
        with pytest.raises(RefusedError, match="final"):
            two.requests.answer(second.id, "Well, if you insist.")
        with pytest.raises(RefusedError, match="not asked"):
            one.requests.answer(first.id, "I answer myself.")
        settle(one, two)
        assert [(each.state, each.answers[0].text) for each in one.requests.list()] == [
            ("answered", "Two build servers, on the 9th."),
            ("refused", "We promised not to say."),
        ]

        # A case, on which both work while Northwind cannot be reached.
        opened = one.cases.open(circle, "Calls to 192.0.2.7").id
        give(one, circle, indicator(7))
        settle(one, two)
        northwind.rest()
        one.cases.link(opened, id_of(indicator(7)))
        mine = one.cases.task(opened, "Block the address at the gate.", owner="Harbour").task
        theirs = two.cases.task(opened, "Reinstall the two servers.", owner="Northwind", due=now + 24 * HOUR).task
        one.cases.event(opened, "First call.", now - 30 * HOUR)
        two.cases.event(opened, "Second call.", now - 29 * HOUR)
        one.cases.set(opened, owner="Harbour")
        two.cases.set(opened, owner="Northwind")
        two.cases.note(opened, "The image of the first server is kept.")
        northwind.serve()
        settle(one, two)
        settle(one, two)
        views = [node.cases.show(opened) for node in (one, two)]
        for found in views:
            assert [each.text for each in found.timeline] == ["First call.", "Second call."]
            assert {each.id: each.owner_name for each in found.tasks} == {mine: "Harbour", theirs: "Northwind"}
            assert [each.item for each in found.links] == [id_of(indicator(7))]
            assert [each.text for each in found.notes] == ["The image of the first server is kept."]
            (values,) = found.conflicts
            assert [each.field for each in values] == ["owner", "owner"]
        assert views[0].owner == views[1].owner
        two.cases.set(opened, theirs, state="done")
        one.cases.set(opened, state="closed", owner="Northwind")
        settle(one, two)
        final = two.cases.show(opened)
        assert (final.state, final.owner_name, final.conflicts) == ("closed", "Northwind", [])
        assert two.ledger.verify().ok
        assert one.ledger.verify().ok
