"""Whoever is not entitled gets the same bytes with and without what it is not entitled to (page 6, "What others can see").

Without a hidden step and with it the same script is played from the same state, noise and time; everything that Cato
receives, holds and can ask for is compared byte for byte. Two things are no leak and are not among the hidden steps: an
item that names a hidden one is held back by the rule `reference`, and bytes that a partner sent under another circle are
not sent on (`onward`). Both keep something from Cato, and a test below shows the first.
"""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import pytest

from entente.core.ids import Member
from entente.core.marking import Tlp
from entente.node import Node
from entente.policy import release
from entente.policy.agreement import Limits, Terms
from entente.policy.approval import State
from policy.release_world import ANNA, BORA, ME, PERSON, circle, facts, stix
from properties.hidden_world import Author, cases, finish, prepare
from properties.socket_world import SocketWorld, doors
from world import World

if TYPE_CHECKING:
    from pathlib import Path

SCRIPTS, HIDDEN = 4, 5
CASES = SCRIPTS * HIDDEN
"""Of each world: so many scripts are played, each with so many hidden steps."""
QUICK_WORLDS = 8
ALL_WORLDS = 500
PURE = 10_000
PURE_STEP = 1_000


def check(seed: int) -> int:
    """Compare all cases of one random world; return in how many the hidden reached those entitled."""
    prepared = prepare(seed)
    effective = 0
    for script in range(SCRIPTS):
        for case in cases(prepared, f"{seed}/{script}", HIDDEN):
            assert not case.difference, (seed, script, case.hidden, case.difference)
            effective += case.effective
    return effective


def test_hidden_steps_show_to_nobody_else() -> None:
    effective = sum(check(seed) for seed in range(QUICK_WORLDS))
    assert effective * 3 > QUICK_WORLDS * CASES


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("start", range(QUICK_WORLDS, ALL_WORLDS, 12))
def test_hidden_steps_show_to_nobody_else_in_ten_thousand_cases(start: int) -> None:
    for seed in range(start, min(start + 12, ALL_WORLDS)):
        check(seed)


@pytest.mark.parametrize("start", range(0, PURE, PURE_STEP))
def test_decisions_do_not_depend_on_what_nobody_names(start: int) -> None:
    """The rules by themselves: what this member holds elsewhere, or sends along in vain, changes no other decision."""
    for seed in range(start, start + PURE_STEP):
        rng = random.Random(seed)
        asked = {"circle": _circle(rng), "person": rng.choice(["", PERSON]), "purpose": rng.choice(["", "detection"])}
        batch = [_candidate(rng, number) for number in rng.sample(range(20), rng.randint(1, 8))]
        held = {stix(number) for number in rng.sample(range(30), 12)}
        there = {stix(number) for number in rng.sample(range(30), 8)}
        plain = release.release(batch, **asked, held=held.intersection, in_circle=there.intersection)
        hidden = [_candidate(rng, number, tlp=Tlp.RED) for number in rng.sample(range(50, 60), 2)]
        more = held | {each.item for each in hidden} | {stix(70), stix(71)}
        mixed = [*hidden, *batch]
        rng.shuffle(mixed)
        given = release.release(mixed, **asked, held=more.intersection, in_circle=there.intersection)
        seen = {decision.item: decision for decision in given}
        assert [seen[decision.item] for decision in plain] == plain
        assert not any(seen[each.item].allowed for each in hidden)


def _circle(rng: random.Random) -> release.Circle:
    terms = Terms(
        purposes=tuple(sorted(rng.sample(["detection", "investigation", "warning"], rng.randint(1, 3)))),
        onward=rng.choice(["refused", "consent"]),
        four_eyes=rng.random() < 0.2,
        limits=Limits(payload=rng.choice([500, 1 << 20])),
    )
    return circle(
        terms=terms,
        ceiling=rng.choice([Tlp.CLEAR, Tlp.GREEN, Tlp.AMBER, Tlp.AMBER_STRICT]),
        members=rng.choice([(ME, ANNA), (ME, ANNA, BORA)]),
        circle_state=rng.choice([State.IN_FORCE, State.IN_FORCE, State.PROPOSED]),
        claims={stix(rng.randrange(20)): {rng.choice([ME, ANNA])}},
    )


def _candidate(rng: random.Random, number: int, tlp: Tlp | None = None) -> release.Candidate:
    named = tuple(stix(other) for other in rng.sample(range(30), rng.randint(0, 3)) if other != number)
    return release.Candidate(
        stix(number),
        facts(number, *named),
        tlp or rng.choice([None, Tlp.CLEAR, Tlp.GREEN, Tlp.AMBER]),
        rng.choice([ME, ANNA]),
        own=rng.random() < 0.8,
        person=rng.choice(["", PERSON, "q" * 26]),
        size=rng.choice([400, 600]),
    )


def socket_case(seed: int, folder: Path) -> bool:
    """Play one script with and without a hidden step between real nodes; return whether the hidden reached anybody."""
    with doors() as standing:
        tapes, reached = [], []
        for name in ("plain", "hidden"):
            world = SocketWorld(seed, folder / name, standing)
            try:
                prepared = prepare(seed, world)
                author = Author(prepared, random.Random(seed))
                steps = author.script()
                hidden = author.hidden(steps)
                for place, step in enumerate(steps):
                    world.play([extra for at, extra in hidden if at == place and name == "hidden"])
                    world.play([step])
                finish(world, steps)
                reached.append(world.reach())
            finally:
                world.close()
            tapes.append((world.received(), world.tape.bytes))
        assert tapes[0] == tapes[1], (seed, hidden)
        assert tapes[0][0]
        return reached[0] != reached[1]


@pytest.mark.serial
@pytest.mark.parametrize("seed", range(1, 4))
def test_hidden_steps_show_in_no_byte_of_a_socket(seed: int, tmp_path: Path) -> None:
    socket_case(seed, tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_hidden_steps_show_in_no_byte_of_a_socket_in_fifty_cases(tmp_path: Path) -> None:
    reached = 0
    for seed in range(50):
        (tmp_path / str(seed)).mkdir()
        reached += socket_case(seed, tmp_path / str(seed))
    assert reached > 15
