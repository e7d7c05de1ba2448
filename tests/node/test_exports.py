"""Joint work as STIX: every export passes a strict check, and both sides write the same ids."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from formats.strict_oracle import refusals
from network import Network
from playbooks import two_sides

if TYPE_CHECKING:
    from entente.node import Node


class Watch:
    """Two members with one of each thing."""

    def __init__(self) -> None:
        self.network = Network(9)
        self.one, self.other = self.network.add("Alder"), self.network.add("Birch")
        self.circle = self.network.agree(self.one, self.other)
        self.request = self.one.requests.ask(self.circle, "Who prints it?", self.network.now + 10**8).id
        self.case = self.one.cases.open(self.circle, "The letter").id
        self.one.cases.task(self.case, "Ask the printer")
        self.one.cases.link(self.case, "report--5a3c8a51-7c55-4a57-9f0a-0d7c1a6f6f01")
        self.session = self.one.sessions.open(self.circle, self.network.now, "Today").session
        self.network.settle()
        for node in (self.one, self.other):
            node.sessions.join(self.session)
        self.network.settle()
        self.plan = self.one.plans.take(two_sides("Alder", "Birch"), self.circle).plan
        self.one.plans.propose(self.plan)
        self.decision = self.one.sessions.decide(self.session, "We act.", plan=self.plan).id
        self.network.settle()
        self.one.sessions.vote(self.decision, yes=True)
        self.other.sessions.vote(self.decision, yes=False, text="Too soon for us.")
        self.network.settle()


def written(node: Node, watch: Watch) -> dict[str, bytes]:
    return {
        "request": node.exports.request(watch.request),
        "case": node.exports.case(watch.case),
        "session": node.exports.session(watch.session),
        "plan": node.plans.stix(watch.plan),
    }


@pytest.fixture(scope="module")
def watch() -> Watch:
    return Watch()


@pytest.mark.parametrize("what", ["request", "case", "session", "plan"])
def test_export_is_strictly_valid_and_the_same_on_both_sides(watch: Watch, what: str) -> None:
    mine, theirs = written(watch.one, watch)[what], written(watch.other, watch)[what]
    assert mine == theirs
    for each in json.loads(mine)["objects"]:
        assert refusals(json.dumps(each).encode()) == [], each["id"]


def test_session_shows_the_decision_its_votes_and_the_plan(watch: Watch) -> None:
    objects: list[dict[str, Any]] = json.loads(watch.one.exports.session(watch.session))["objects"]
    by_type = {each["type"]: each for each in objects}
    note, grouping, course = by_type["note"], by_type["grouping"], by_type["course-of-action"]
    assert note["content"] == "We act."
    assert note["id"] in grouping["object_refs"]
    assert note["object_refs"] == [course["id"]]
    record = next(iter(note["extensions"].values()))
    assert [vote["answer"] for vote in record["votes"]].count("approve") == 1
    assert "Too soon for us." in json.dumps(record)
