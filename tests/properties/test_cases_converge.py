"""Whatever members write into a case, and in whatever order they meet: all show the same, and nothing is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from network import Network

if TYPE_CHECKING:
    from entente.node import Node
    from entente.node.work.case.values import CaseInfo

SEEN = 1_789_000_000_000
NAMES = ("Harbour", "Northwind", "Summit")
ADDED = ("note", "event", "task", "link")
SET = {
    "": {"state": ("open", "closed"), "owner": (*NAMES, "none"), "due": (0, SEEN, SEEN + 1), "title": ("One", "Two")},
    "task": {
        "state": ("open", "doing", "done", "dropped"),
        "owner": (*NAMES, "none"),
        "due": (0, SEEN),
        "title": ("Other", "Another"),
    },
}

members = st.integers(0, 2)
adding = st.tuples(st.just("add"), members, st.sampled_from(ADDED), st.integers(0, 5))
setting = st.tuples(st.just("set"), members, st.sampled_from(("state", "owner", "due", "title")), st.integers(-1, 3))
meeting = st.tuples(st.just("meet"), members, st.sampled_from(("one", "two")), st.just(0))
scripts = st.lists(st.one_of(adding, setting, meeting), max_size=24)


class Workshop:
    """Three members with a case each of which plays its part of a script."""

    def __init__(self) -> None:
        self.network = Network(45)
        self.nodes = [self.network.add(name) for name in NAMES]
        self.circle = self.network.agree(*self.nodes)
        self.case = self.nodes[0].cases.open(self.circle, "A case").id
        self.network.settle()
        self.written: dict[str, set[str]] = {kind: set() for kind in (*ADDED, "set")}

    def play(self, word: str, who: int, what: str, number: int) -> None:
        node = self.nodes[who]
        if word == "meet":
            other = self.nodes[(who + (1 if what == "one" else 2)) % 3]
            node.exchange.sync(other.member)
        elif word == "add":
            self.written[what].add(self._add(node, what, number))
        else:
            self.written["set"] |= set(self._set(node, what, number))

    def _add(self, node: Node, what: str, number: int) -> str:
        match what:
            case "note":
                return node.cases.note(self.case, f"Note {number}").note
            case "event":
                return node.cases.event(self.case, f"Event {number}", SEEN + number).event
            case "task":
                return node.cases.task(self.case, f"Task {number}").task
            case _:
                return node.cases.link(self.case, f"indicator--{number:08x}-0000-4000-8000-0000000000aa").link

    def _set(self, node: Node, field: str, number: int) -> list[str]:
        """Set a field of the case (-1), or of one of the tasks that this member sees."""
        tasks = node.cases.show(self.case).tasks
        task = tasks[number % len(tasks)].id if tasks and number >= 0 else ""
        values: tuple[object, ...] = SET["task" if task else ""][field]
        value = values[(number + 1) % len(values)]
        return node.cases.set(self.case, task, **{field: value}).changes  # type: ignore[arg-type]


def masked(found: CaseInfo) -> bytes:
    """Return a case as bytes, without what is local: the names of one's own persons."""
    return msgspec.json.encode(_without_persons(msgspec.to_builtins(found)))


def _without_persons(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_persons(each) for key, each in value.items() if key != "person"}
    return [_without_persons(each) for each in value] if isinstance(value, list) else value


@given(scripts, st.permutations(range(3)))
@settings(max_examples=25, deadline=None)
def test_all_show_the_same_and_nothing_is_lost(script: list[tuple[str, int, str, int]], order: list[int]) -> None:
    shop = Workshop()
    for word, who, what, number in script:
        shop.play(word, who, what, number)
    nodes = [shop.nodes[at] for at in order]
    shop.network.settle(*nodes)
    shop.network.settle(*nodes)
    views = [node.cases.show(shop.case) for node in nodes]
    assert len({masked(found) for found in views}) == 1
    assert len({msgspec.json.encode(_without_persons(msgspec.to_builtins(node.cases.list()))) for node in nodes}) == 1
    found = views[0]
    assert {each.id for each in found.notes} == shop.written["note"]
    assert {each.id for each in found.timeline} == shop.written["event"]
    assert {each.id for each in found.tasks} == shop.written["task"]
    assert {each.id for each in found.links} == shop.written["link"]
    assert shop.written["set"] <= {each.id for each in found.history}
    shown = [*found.notes, *found.timeline, *found.tasks, *found.links, *found.history]
    assert {each.text_state for each in shown} <= {"held"}
