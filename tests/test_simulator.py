"""After any loss, reordering, partition, crash and duplicate, members who may see the same hold the same."""

from __future__ import annotations

from collections import Counter

import pytest

import liar
from simulator import run

QUICK = 40
WITH_LIAR = 40
ALL = 2_000
LIARS = 5_000
CHUNK = 50
EVERYDAY = ("answer", "approve", "ask", "assess", "change", "convene", "decide", "join", "open_case", "propose", "run",
            "sign_minutes", "task", "vote", "warn")  # fmt: skip
SELDOM = ("delegate", "object", "point", "report", "stop", "tick")


@pytest.mark.parametrize("seed", range(QUICK))
def test_members_come_to_the_same_end(seed: int) -> None:
    run(seed)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("start", range(0, ALL, CHUNK))
def test_members_come_to_the_same_end_in_two_thousand_runs(start: int) -> None:
    for seed in range(start, start + CHUNK):
        run(seed)


@pytest.mark.parametrize("seed", range(WITH_LIAR))
def test_honest_members_agree_and_hold_evidence_whatever_a_liar_does(seed: int) -> None:
    liar.run(seed)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("start", range(0, LIARS, CHUNK))
def test_honest_members_agree_in_five_thousand_runs_with_a_liar(start: int) -> None:
    for seed in range(start, start + CHUNK):
        liar.run(seed)


def test_liars_do_all_that_they_can() -> None:
    happened: Counter[str] = Counter()
    told: set[str] = set()
    for seed in range(12):
        simulator = liar.run(seed)
        happened += simulator.counts
        told |= {f"perjury {lie.__name__}" for lie in simulator.perjury.lies()}
    lies = ("alter_payload", "drop_proof", "other_note", "swap_logs", "withhold", "invent")
    assert not [lie for lie in lies if not happened[f"lie {lie}"]]
    assert not [lie for lie in told if not happened[lie]]
    assert happened["forks told"] > 3


def test_runs_have_everything_in_them() -> None:
    happened: Counter[str] = Counter()
    for seed in range(12):
        happened += run(seed)
    wanted = (
        "lost",
        "doubled",
        "replayed",
        "partition",
        "crash",
        "shared",
        "acknowledge",
        "profile",
        "amend",
        "suspend",
        "trips",
        *(f"work {what}" for what in EVERYDAY),
    )
    assert not [what for what in wanted if happened[what] < 5]
    assert not [what for what in SELDOM if not happened[f"work {what}"]]
