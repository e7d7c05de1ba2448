"""After any loss, reordering, partition, crash and duplicate, members who may see the same hold the same."""

from __future__ import annotations

from collections import Counter

import pytest

from simulator import run

QUICK = 60
ALL = 2_000
CHUNK = 50


@pytest.mark.parametrize("seed", range(QUICK))
def test_members_come_to_the_same_end(seed: int) -> None:
    run(seed)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("start", range(0, ALL, CHUNK))
def test_members_come_to_the_same_end_in_two_thousand_runs(start: int) -> None:
    for seed in range(start, start + CHUNK):
        run(seed)


def test_runs_have_everything_in_them() -> None:
    happened: Counter[str] = Counter()
    for seed in range(6):
        happened += run(seed)
    wanted = ("lost", "doubled", "replayed", "partition", "crash", "shared", "acknowledge", "profile", "trips")
    assert not [what for what in wanted if happened[what] < 5]
