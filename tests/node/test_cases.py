"""Cases between nodes: everybody writes, nothing is lost, what is set at the same time is shown and can be settled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from entente.core.errors import InvalidError, NotFoundError, RefusedError
from network import Network
from stories.story import give, id_of, indicator

if TYPE_CHECKING:
    from entente.node import Node

DAY = 86_400_000
SEEN = 1_789_000_000_000


class Duo:
    """Two members with a case."""

    def __init__(self) -> None:
        self.network = Network(43)
        self.a, self.b = self.network.add("Harbour"), self.network.add("Northwind")
        self.circle = self.network.agree(self.a, self.b)
        self.case = self.a.cases.open(self.circle, "Scans of the quay gate").id
        self.network.settle()

    def same(self) -> None:
        """Exchange; both sides must then show the same."""
        self.network.settle()
        self.network.settle()
        assert shown(self.a, self.case) == shown(self.b, self.case)


def shown(node: Node, id_: str) -> bytes:
    """Return a case as bytes, without what is local: the names of one's own persons."""
    found: object = msgspec.to_builtins(node.cases.show(id_))
    return msgspec.json.encode(_masked(found))


def _masked(value: object) -> object:
    if isinstance(value, dict):
        return {key: "" if key == "person" else _masked(each) for key, each in value.items()}
    return [_masked(each) for each in value] if isinstance(value, list) else value


def test_what_both_write_is_there_for_both() -> None:
    duo = Duo()
    duo.a.cases.note(duo.case, "Began on Monday.")
    duo.b.cases.event(duo.case, "First scan seen.", SEEN)
    duo.a.cases.event(duo.case[:10], "Before that: a login.", SEEN - DAY)
    task = duo.b.cases.task(duo.case, "Block the range.", owner="Harbour", due=SEEN + DAY).task
    give(duo.a, duo.circle, indicator(1))
    duo.network.settle()
    duo.b.cases.link(duo.case, id_of(indicator(1)), "The address of the scanner.")
    duo.same()
    for node in (duo.a, duo.b):
        found = node.cases.show(duo.case)
        assert (found.title, found.state, found.owner, found.due) == ("Scans of the quay gate", "open", "", "")
        assert [each.text for each in found.timeline] == ["Before that: a login.", "First scan seen."]
        assert [each.text for each in found.notes] == ["Began on Monday."]
        assert [(each.item, each.text) for each in found.links] == [
            (id_of(indicator(1)), "The address of the scanner.")
        ]
        (one,) = found.tasks
        assert (one.id, one.text, one.state) == (task, "Block the range.", "open")
        assert (one.owner, one.owner_name, one.by.member) == (duo.a.member, "Harbour", duo.b.member)
        (row,) = node.cases.list()
        assert (row.id, row.tasks, row.tasks_open, row.conflicts) == (duo.case, 1, 1, 0)


def test_a_later_value_replaces_the_one_that_its_author_saw() -> None:
    duo = Duo()
    task = duo.a.cases.task(duo.case, "Block the range.").task
    duo.same()
    duo.b.cases.set(duo.case, task, state="doing", owner="Northwind", due=SEEN)
    duo.same()
    duo.a.cases.set(duo.case, "block the range.", state="done", owner="none", due=0, title="Block 192.0.2.0/24")
    duo.a.cases.set(duo.case, title="Scans of all gates", state="closed", owner="Harbour", due=SEEN)
    duo.same()
    found = duo.b.cases.show(duo.case)
    assert (found.title, found.state, found.owner) == ("Scans of all gates", "closed", duo.a.member)
    (one,) = found.tasks
    assert (one.text, one.state, one.owner, one.due) == ("Block 192.0.2.0/24", "done", "", "")
    assert found.conflicts == []
    assert [(each.field, each.value) for each in found.history if each.task == task and each.field == "state"] == [
        ("state", "doing"),
        ("state", "done"),
    ]
    assert duo.a.cases.list()[0].tasks_open == 0


def test_what_both_set_without_knowing_is_shown_and_settled_by_either() -> None:
    duo = Duo()
    duo.a.cases.set(duo.case, title="Gate scans, Harbour's view")
    duo.b.cases.set(duo.case, title="Gate scans, Northwind's view")
    duo.same()
    found = duo.a.cases.show(duo.case)
    ((first, second),) = found.conflicts
    assert found.title == first.value
    assert [each.by.member for each in (first, second)] == [
        node.member for node in sorted((duo.a, duo.b), key=lambda each: each.base.me)
    ]
    assert {first.value, second.value} == {"Gate scans, Harbour's view", "Gate scans, Northwind's view"}
    duo.b.cases.set(duo.case, title="Gate scans")
    duo.same()
    found = duo.a.cases.show(duo.case)
    assert (found.title, found.conflicts, len(found.history)) == ("Gate scans", [], 3)


def test_the_same_value_set_twice_is_no_conflict() -> None:
    duo = Duo()
    for node in (duo.a, duo.b):
        node.cases.set(duo.case, state="closed")
    duo.same()
    assert (duo.a.cases.show(duo.case).state, duo.a.cases.show(duo.case).conflicts) == ("closed", [])


def test_six_values_at_once_are_settled_by_one_command() -> None:
    network = Network(44)
    nodes = [network.add(name) for name in ("Harbour", "Northwind", "Summit", "Valley", "Meadow", "Quay")]
    circle = network.agree(*nodes)
    opened = nodes[0].cases.open(circle, "Six at once").id
    network.settle()
    for at, node in enumerate(nodes):
        node.cases.set(opened, due=SEEN + at)
    network.settle()
    network.settle()
    views = [node.cases.show(opened) for node in nodes]
    assert {len(found.conflicts[0]) for found in views} == {6}
    nodes[3].cases.set(opened, due=SEEN + DAY)
    found = nodes[3].cases.show(opened)
    assert (found.conflicts, found.due) == ([], "2026-09-11T00:26:40.000Z")
    network.settle()
    network.settle()
    assert {shown(node, opened) for node in nodes} == {shown(nodes[3], opened)}


def test_what_does_not_fit_is_refused_and_nothing_is_written() -> None:
    duo = Duo()
    stranger = duo.network.add("Summit")
    duo.network.pair(duo.a, stranger)
    task = duo.a.cases.task(duo.case, "Block the range.").task
    before = shown(duo.a, duo.case)
    cases = duo.a.cases
    with pytest.raises(InvalidError, match="cannot be 'done'"):
        cases.set(duo.case, state="done", title="Not kept")
    with pytest.raises(InvalidError, match="cannot be 'closed'"):
        cases.set(duo.case, task, title="Not kept", state="closed")
    with pytest.raises(RefusedError, match="not a member"):
        cases.set(duo.case, task, title="Not kept", owner="Summit")
    with pytest.raises(RefusedError, match="not a member"):
        cases.task(duo.case, "Not kept", owner="Summit")
    with pytest.raises(InvalidError, match="Nothing is to be set"):
        cases.set(duo.case)
    for odd in ("", "  "):
        with pytest.raises(InvalidError, match="empty"):
            cases.note(duo.case, odd)
    with pytest.raises(InvalidError, match="one line"):
        cases.set(duo.case, title="two\nlines")
    with pytest.raises(InvalidError, match="1970"):
        cases.event(duo.case, "Long ago.", 0)
    with pytest.raises(NotFoundError, match="no task"):
        cases.set(duo.case, "nowhere", state="done")
    with pytest.raises(NotFoundError, match="no case"):
        cases.note("nowhere", "text")
    assert shown(duo.a, duo.case) == before
    assert stranger.cases.list() == []


def test_a_link_tells_nobody_of_an_item_that_was_not_shared() -> None:
    duo = Duo()
    give(duo.a, "", indicator(1))
    with pytest.raises(RefusedError, match="is not shared in") as caught:
        duo.a.cases.link(duo.case, id_of(indicator(1)))
    assert (caught.value.code, "share send" in caught.value.hint) == ("not-shared", True)
    assert duo.a.sharing.send([id_of(indicator(1))], duo.circle).shared == 1
    duo.a.cases.link(duo.case, id_of(indicator(1))[:20])
    duo.b.cases.link(duo.case, id_of(indicator(2)))  # nothing is known of it here, so nothing is told
    with pytest.raises(NotFoundError):
        duo.b.cases.link(duo.case, "indicator--what")
    duo.same()
    assert {each.item for each in duo.b.cases.show(duo.case).links} == {id_of(indicator(1)), id_of(indicator(2))}


def test_work_goes_on_while_the_other_cannot_be_reached() -> None:
    duo = Duo()
    wire = duo.network.wires[duo.a.base.me]
    wire.cut.add(duo.b.base.me)
    duo.network.wires[duo.b.base.me].cut.add(duo.a.base.me)
    for node, name in ((duo.a, "Harbour"), (duo.b, "Northwind")):
        for number in range(4):
            node.cases.note(duo.case, f"{name} {number}")
    duo.network.settle()
    assert len(duo.a.cases.show(duo.case).notes) == 4
    wire.cut.clear()
    duo.network.wires[duo.b.base.me].cut.clear()
    duo.same()
    assert len(duo.a.cases.show(duo.case).notes) == 8
