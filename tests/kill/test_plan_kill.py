"""Members are killed in the middle of plans: no step is lost, no effect doubled, no late approval accepted.

What happens in a run stands in `plan_kill`; here the runs are started, and each must have kept everything.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

QUICK, CHUNK, ALL = 12, 50, 1000
TESTS = Path(__file__).resolve().parent.parent
CHUNKS = [
    (0, QUICK),
    *(pytest.param((first, min(first + CHUNK, ALL)), marks=pytest.mark.slow) for first in range(QUICK, ALL, CHUNK)),
]


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seeds", CHUNKS, ids=lambda seeds: f"{seeds[0]}-{seeds[1] - 1}")
def test_plans_survive_kill_nine_on_either_side(tmp_path: Path, seeds: tuple[int, int]) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "kill.plan_kill", str(tmp_path), *map(str, seeds)],
        cwd=TESTS,
        capture_output=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr.decode()[-4000:]
    runs = [json.loads(line) for line in told.stdout.splitlines()]
    assert [run["seed"] for run in runs] == list(range(*seeds))
    assert [run for run in runs if run["bad"]] == []
    assert all(run["kills"] for run in runs)
    assert {run["state"] for run in runs} <= {"done", "expired"}
    assert all(run["state"] == "expired" for run in runs if run["late"])
