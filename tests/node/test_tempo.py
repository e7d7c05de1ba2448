"""The tempo: from one side's sighting or warning to the other's receipt, the decision, and its step done."""

from __future__ import annotations

from entente.core.ids import Member, b32
from entente.insight.tempo import Decided, Span, Stepped, WitnessedSignal, tempo
from network import Network
from playbooks import step_id, two_sides
from stories.story import DAY, give, id_of, indicator, stix

ONE, OTHER, THIRD = (Member(bytes([n]) * 32) for n in (1, 2, 3))


def test_spans_are_counted_from_cause_to_effect() -> None:
    seen = [
        WitnessedSignal(f"s{n}", ONE, 1000 * n, {OTHER: 1000 * n + 100 * n, THIRD: 1000 * n + 5000})
        for n in range(1, 21)
    ]
    decided = [Decided("d1", ["s1"], 4000), Decided("d2", ["nothing"], 9)]
    stepped = [Stepped(OTHER, 10_000, "d1"), Stepped(ONE, 11_000, "d1"), Stepped(OTHER, 5, "")]
    found = {(one.from_, one.to): one for one in tempo(seen, decided, stepped)}
    pair = found[b32(ONE), b32(OTHER)]
    assert pair.receipt == Span(20, 1.0, 1.9)
    assert pair.decision == Span(1, 2.9, 2.9)
    assert pair.step == Span(1, 6.0, 6.0)
    assert found[b32(ONE), b32(THIRD)].receipt == Span(20, 5.0, 5.0)
    assert found[b32(ONE), b32(THIRD)].step is None
    assert tempo([], [], []) == []


def test_time_before_its_cause_counts_as_nothing() -> None:
    found = tempo([WitnessedSignal("s", ONE, 9000, {OTHER: 8000})], [], [])
    assert found[0].receipt == Span(1, 0.0, 0.0)


def test_members_show_the_same_tempo_from_signed_and_witnessed_times() -> None:
    network = Network(3)
    one, other = network.add("Alder"), network.add("Birch")
    circle = network.agree(one, other)
    item = indicator(1)
    give(one, circle, item)
    sighting = stix("sighting", 7, name=None, sighting_of_ref=id_of(item), count=3, first_seen=DAY, last_seen=DAY)
    give(other, circle, sighting)
    network.now += 7_000
    network.settle()
    assert [(each.from_, each.to) for each in one.tempo.show().pairs] == [(other.member, one.member)]
    spans = one.tempo.show().pairs[0]
    assert spans.receipt is not None
    assert 7.0 <= spans.receipt.p50 < 8.0
    assert spans.decision is None
    assert other.tempo.show().pairs[0].receipt is not None
    session = one.sessions.open(circle, network.now, "Now").session
    network.settle()
    for node in (one, other):
        node.sessions.join(session)
    decision = one.sessions.decide(session, "We act.", about=[id_of(sighting)]).id
    one.sessions.vote(decision, yes=True)
    network.settle()
    network.now += 5_000
    other.sessions.vote(decision, yes=True)
    network.settle()
    found = one.tempo.show().pairs[0].decision
    assert found is not None
    assert 5.0 <= found.p50 < 7.0
    for follows in ("", decision):
        plan = one.plans.take(two_sides("Alder", "Birch"), circle, decision=follows).plan
        one.plans.propose(plan)
        one.plans.approve(plan)
        network.settle()
        other.plans.approve(plan)
        network.settle()
        one.plans.run(plan)
        network.now += 3_000
        one.plans.done(plan, step_id("action", "first"))
        network.settle()
        steps = one.tempo.show().pairs[0].step
        assert (steps is None) == (follows == ""), "a plan without a decision is nobody's answer to a sighting"
    assert steps is not None
    assert 6.0 <= steps.p50 < 7.0
    assert other.tempo.show().pairs[0].step == steps
