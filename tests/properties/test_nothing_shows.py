"""Whoever is not entitled gets the same bytes with and without what it is not entitled to.

docs/protocol/6-release.md, "What others can see". A script is played from the same state, noise and time without hidden
steps and with them; everything that Cato receives, holds and can ask for is compared byte for byte.

Two rules let what a member holds decide what it sends, and what they concern is not among the hidden steps: an item
that names a hidden one is held back (`reference`), and so are bytes that a partner sent under another circle
(`onward`). The last tests show both.
"""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

import pytest

from entente.core.ids import identity_id
from entente.core.marking import Tlp
from entente.policy import release
from entente.policy.agreement import Limits, Terms
from entente.policy.approval import State
from network import Network
from policy.circle_and_items import ANNA, BORA, ME, PERSON, circle, facts, stix
from properties.hidden_steps import Author, cases, finish, prepare, sizes
from properties.taped_sockets import SocketNetwork, doors

if TYPE_CHECKING:
    from pathlib import Path

    from entente.node import Node

SCRIPTS, HIDDEN = 4, 5
CASES = SCRIPTS * HIDDEN
"""Of each network: so many scripts are played, each with so many hidden steps."""
CHUNK = 6
QUICK_NETWORKS = 30
ALL_NETWORKS = 500
PURE = 10_000
PURE_STEP = 1_000


def check(seed: int) -> int:
    """Compare all cases of one random network; return in how many the hidden reached those entitled."""
    prepared = prepare(seed)
    effective = 0
    for script in range(SCRIPTS):
        for case in cases(prepared, f"{seed}/{script}", HIDDEN):
            assert not case.difference, (seed, script, case.hidden, case.difference)
            effective += case.effective
    return effective


@pytest.mark.parametrize("start", range(0, QUICK_NETWORKS, CHUNK))
def test_hidden_steps_show_to_nobody_else(start: int) -> None:
    effective = sum(check(seed) for seed in range(start, start + CHUNK))
    assert effective * 3 > CHUNK * CASES


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("start", range(0, ALL_NETWORKS, 20))
def test_hidden_steps_show_to_nobody_else_in_ten_thousand_cases(start: int) -> None:
    for seed in range(start, start + 20):
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
            network = SocketNetwork(seed, folder / name, standing)
            try:
                prepared = prepare(seed, network)
                author = Author(prepared, random.Random(seed))
                steps = author.script()
                hidden = author.hidden(steps)
                for place, step in enumerate(steps):
                    network.play([extra for at, extra in hidden if at == place and name == "hidden"])
                    network.play([step])
                finish(network, steps)
                reached.append(sizes(network))
                tapes.append((network.received(), network.tape.bytes))
            finally:
                network.close()
        assert tapes[0] == tapes[1], (seed, hidden)
        assert tapes[0][0]
        return reached[0] != reached[1]


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


def _made(number: int, *named: int) -> bytes:
    """Make an indicator, or a report that names others."""
    made: dict[str, object] = {
        "type": "report" if named else "indicator",
        "spec_version": "2.1",
        "id": stix(number, "report" if named else "indicator"),
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "name": "name",
    }
    if named:
        made |= {"published": made["created"], "object_refs": [stix(each) for each in named]}
    else:
        made |= {"pattern": "[file:size = 1]", "pattern_type": "stix", "valid_from": made["created"]}
    return json.dumps(made).encode()


def _three() -> tuple[Network, list[Node], str]:
    network = Network(1)
    nodes = [network.add(name) for name in ("Arve", "Bora", "Cato")]
    network.agree(*nodes)
    return network, nodes, network.circle(nodes[0], nodes[1], agreement="Agreement", name="Inner")


def test_item_that_names_a_hidden_one_stays_at_home() -> None:
    _, (arve, _, _), inner = _three()
    arve.items.import_files([("made", _made(1))], tlp="TLP:GREEN", circle=inner)
    done = arve.items.import_files([("made", _made(2, 1))], tlp="TLP:GREEN", circle="Agreement")
    assert (done.shared, done.refused) == (0, {"reference": 1})


def test_bytes_that_a_partner_sent_under_another_circle_stay_at_home() -> None:
    network, (arve, bora, _), inner = _three()
    bora.items.import_files([("made", _made(1))], tlp="TLP:GREEN", circle=inner)
    network.settle()
    done = arve.items.import_files([("made", _made(1))], tlp="TLP:GREEN", circle="Agreement")
    assert (done.shared, done.refused) == (0, {"onward": 1})


def test_owner_in_one_circle_takes_nothing_from_another() -> None:
    network = Network(1)
    arve, bora, cato = (network.add(name) for name in ("Arve", "Bora", "Cato"))
    network.agree(arve, bora, name="Two")
    network.agree(arve, cato, name="Other")
    arve.items.import_files([("made", _made(1))], tlp="TLP:GREEN", circle="Two")
    network.settle()
    owned = json.loads(_made(1)) | {"created_by_ref": identity_id(bora.base.me), "name": "the owner's"}
    assert bora.items.import_files([("made", json.dumps(owned).encode())], tlp="TLP:GREEN", circle="Two").shared == 1
    network.settle()
    assert arve.sharing.send([stix(1)], "Other").shared == 1
    network.settle()
    assert [len(node.items.list(circle="Other").items) for node in (arve, cato)] == [1, 1]
    assert {copy.state for copy in arve.items.show(stix(1)).copies} == {"held"}
