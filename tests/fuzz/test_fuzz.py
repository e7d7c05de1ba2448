"""A short run over every parser of a partner's bytes; `python -m fuzz.run` is the long one."""

from __future__ import annotations

import random
import time

import pytest

from entente.core.errors import EntenteError, InvalidError
from fuzz.engine import Tally, attempt, run, seeds_of
from fuzz.mutate import mutated
from fuzz.targets import TARGETS, Target, WrongError


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_mutated_input_is_taken_or_refused_in_our_own_words(target: Target) -> None:
    found = run(target, seed=1, inputs=target.inputs)
    assert [finding.what for finding in found.findings] == []
    assert found.taken + found.refused >= target.inputs


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_the_corpus_is_valid_and_what_was_found_once_is_refused(target: Target) -> None:
    """A target whose seeds are all refused would fuzz nothing but its first check."""
    tally = Tally()
    for data in seeds_of(target):
        attempt(target, data, tally)
    assert [finding.what for finding in tally.findings] == []
    assert tally.taken > 0


def raise_(problem: Exception) -> None:
    raise problem


@pytest.mark.parametrize("problem", [ValueError("x"), RecursionError(), WrongError("y"), MemoryError()])
def test_every_other_error_is_a_finding(problem: Exception) -> None:
    tally = Tally()
    attempt(Target("broken", lambda _: raise_(problem)), b"", tally)
    assert len(tally.findings) == 1
    assert type(problem).__name__ in tally.findings[0].what


@pytest.mark.parametrize("problem", [EntenteError("x"), InvalidError("y")])
def test_an_error_of_ours_is_none(problem: Exception) -> None:
    tally = Tally()
    attempt(Target("strict", lambda _: raise_(problem)), b"", tally)
    assert (tally.refused, tally.findings) == (1, [])


def test_what_takes_too_long_or_too_much_memory_is_a_finding() -> None:
    def slow(_: bytes) -> None:
        end = time.process_time() + 0.05
        while time.process_time() < end:
            pass

    tally, peaks = Tally(), iter([100, 100, 100, 109])
    attempt(Target("slow", slow, seconds=0.01), b"", tally, lambda: next(peaks))
    attempt(Target("large", len, mebibytes=8), b"", tally, lambda: next(peaks))
    assert [finding.target for finding in tally.findings] == ["slow", "large"]
    assert tally.findings[1].what == "It took 9 MiB."


def test_the_same_seed_makes_the_same_inputs() -> None:
    made = [[mutated(b'{"a":[1,2]}', [b"xyz"], random.Random(5), 100) for _ in range(50)] for _ in range(2)]
    assert made[0] == made[1]
    assert all(len(data) <= 100 for data in made[0])
