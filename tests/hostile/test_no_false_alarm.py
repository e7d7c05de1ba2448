"""Honest members are never accused: whatever the network does, no evidence, no stopped log, no doubt is left."""

from __future__ import annotations

import pytest

from simulator import Simulator

RUNS = 30
MANY = 1000
ENDED_WHILE_TOLD = 60_048
"""One message brought entries and the end of what entitled to them; answering it raised."""


def calm(seed: int) -> None:
    """Run honest members through chaos and look for anything that speaks against one of them."""
    simulator = Simulator(seed)
    simulator.chaos()
    simulator.heal()
    for node in simulator.network.nodes.values():
        assert node.ledger.evidence() == [], f"seed {seed}: an honest member is accused"
        assert node.exchange.manners._bad == {}, f"seed {seed}: an honest member is held back"
        with node.base.store.read() as tx:
            assert not node.base.guard.doubted(tx), f"seed {seed}: an honest home is in doubt"
            assert [row.origin for row in tx.logs.all() if row.stopped] == [], f"seed {seed}: a log is stopped"
            assert tx.records.scan("split") == []


@pytest.mark.parametrize("seed", [*range(50_000, 50_000 + RUNS), ENDED_WHILE_TOLD])
def test_an_honest_run_leaves_no_evidence_no_stopped_log_and_no_doubt(seed: int) -> None:
    calm(seed)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("tens", range(MANY // 10))
def test_a_thousand_honest_runs_leave_nothing_either(tens: int) -> None:
    for seed in range(10):
        calm(60_000 + 10 * tens + seed)
