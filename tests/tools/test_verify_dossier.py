"""Dossiers: what the independent verifier says of them, and no spoilt one passes it or the product's own reader."""

from __future__ import annotations

import json
import subprocess
import sys
from base64 import b64encode
from functools import cache
from typing import TYPE_CHECKING

import pytest

from entente.core.errors import VerificationError, WaitingError
from entente.ledger.dossier import read_dossier, write_dossier
from entente.node.work.acts import reading
from entente.node.work.disclosure.dossiers import _proof
from network import START, Network
from playbooks import two_sides
from tools_loader import ROOT, load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

verify = load("verify")
TOOL = ROOT / "tools" / "verify.py"
AT = START + 1_000_000


def passes(data: bytes) -> bool:
    """Say whether a dossier passes; both readers must agree."""
    try:
        name, _ = verify.judge(data, "")
    except (verify.NotVerifiedError, LookupError):
        with pytest.raises(VerificationError):
            read_dossier(data)
        return False
    read_dossier(data)
    return bool(name == "dossier")


@cache
def made() -> dict[str, bytes]:
    """Return a dossier of a decision of three (two of them approve), of minutes and of a disclosure."""
    network = Network(11)
    nodes = [network.add(name) for name in ("Harbour", "Northwind", "Summit")]
    circle = network.agree(*nodes, quorum=2)
    harbour, northwind, _ = nodes
    session = harbour.sessions.open(circle, AT, "The quay", quorum=2).session
    network.settle()
    for node in nodes:
        node.sessions.join(session)
    decision = harbour.sessions.decide(session, "We close the quay.\nproof AAAA\n").id
    network.settle()
    harbour.sessions.vote(decision, yes=True)
    northwind.sessions.vote(decision, yes=True)
    told = harbour.disclosures.propose(circle, b"A quay is closed.")
    network.settle()
    minutes = harbour.minutes.sign(session).minutes
    network.settle()
    for node in nodes:
        if node is not harbour:
            node.minutes.sign(session)
        node.disclosures.approve(told.disclosure)
    network.settle()
    files = {
        "decision": northwind.dossiers.write(decision),
        "minutes": harbour.dossiers.write(minutes[:16]),
        "disclosure": harbour.disclosures.export(told.disclosure),
    }
    with reading(harbour.base) as board:
        act = board.find("disclosure/1", told.disclosure, "disclosure")
        files["foreign"] = _proof(board, board.in_force.answers(act.place.leaf)[harbour.base.me].ref)
        files["note"] = _proof(board, board.acts("attendance/1")[0].place.ref)
    return files


def regions(data: bytes) -> Iterator[int]:
    """Yield places all over a file: every byte before the proofs, and some of each proof."""
    start = len(split(data)[0])
    yield from range(start + 8)
    yield from range(start + 8, len(data), max(1, (len(data) - start) // 150))
    yield from range(len(data) - 6, len(data))


@pytest.mark.parametrize("name", ["decision", "minutes", "disclosure"])
def test_a_flipped_bit_in_any_region_is_refused(name: str) -> None:
    data = made()[name]
    assert passes(data)
    places = list(regions(data))
    assert len(places) > 150
    step = 1 if name != "minutes" else 9
    for number, at in enumerate(places[::step]):
        spoilt = data[:at] + bytes([data[at] ^ 1 << number % 8]) + data[at + 1 :]
        assert not passes(spoilt), f"byte {at}"


def test_lines_dropped_doubled_or_exchanged_are_refused() -> None:
    data = made()["decision"]
    head, rows = split(data)
    assert len(rows) == 4
    assert passes(head + b"".join(rows))
    for at in range(4):
        assert not passes(head + b"".join(rows[:at] + rows[at + 1 :])), "an approval of two is not enough"
        assert not passes(head + b"".join([*rows, rows[at]]))
    assert not passes(head + b"".join([rows[1], rows[0], *rows[2:]]))
    assert not passes(data + b"\n")
    assert not passes(data[:-1])
    assert not passes(head)


def test_a_proof_of_something_else_is_no_approval() -> None:
    files = made()
    head, rows = split(files["decision"])
    for other in ("note", "foreign"):
        row = b"proof " + b64encode(files[other]) + b"\n"
        assert not passes(head + b"".join([*rows[:3], row]))
        assert not passes(head + b"".join([*rows, row]))


def test_the_proofs_of_one_text_do_not_carry_another() -> None:
    files = made()
    _, rows = split(files["decision"])
    other, _ = split(files["disclosure"])
    assert not passes(other + b"".join(rows))
    head, _ = split(files["decision"])
    assert not passes(head.replace(b"decision/1", b"minutes/1") + b"".join(rows))


def test_what_does_not_hold_is_not_written() -> None:
    files = made()
    with pytest.raises(VerificationError):
        write_dossier("decision/1", b"Another text.", [files["note"], files["foreign"], files["note"]])


@cache
def plans() -> dict[str, bytes]:
    """Return the dossier of a plan with a deadline, and of one without."""
    network = Network(12)
    alder, birch = network.add("Alder"), network.add("Birch")
    circle = network.agree(alder, birch)
    found: dict[str, bytes] = {}
    for name, deadline in (("with", network.now + 3_600_000), ("without", 0)):
        plan = alder.plans.take(two_sides("Alder", "Birch"), circle).plan
        alder.plans.propose(plan, deadline)
        network.settle()
        with pytest.raises(WaitingError):
            alder.dossiers.write(plan)
        for node in (alder, birch):
            node.plans.approve(plan)
            network.settle()
        alder.plans.runner.tick()
        network.settle()
        found[name] = birch.dossiers.write(plan)
    return found


@pytest.mark.parametrize(("name", "count"), [("with", 5), ("without", 4)])
def test_a_plan_leaves_with_its_outcome(name: str, count: int) -> None:
    data = plans()[name]
    assert passes(data)
    head, rows = split(data)
    assert len(rows) == count
    for at in range(count):
        assert not passes(head + b"".join(rows[:at] + rows[at + 1 :])), f"without proof {at}"
    if name == "with":  # the outcome stands before the approvals
        assert not passes(head + b"".join([*rows[:2], *rows[3:], rows[2]]))


def test_an_outcome_of_another_plan_brings_nothing_into_force() -> None:
    (head, one), (_, two) = split(plans()["without"]), split(plans()["with"])
    assert not passes(head + b"".join([*one[:2], two[2], *one[2:]]))


def split(data: bytes) -> tuple[bytes, list[bytes]]:
    """Return a dossier up to its proofs, and their lines."""
    size = int(data.split(b"\n")[2].removeprefix(b"bytes "))
    end = data.index(b"\n\n") + 2 + size + 1
    return data[:end], data[end:].splitlines(keepends=True)


def test_it_is_told_in_one_line_and_in_json(tmp_path: Path) -> None:
    path = tmp_path / "decision.dossier"
    path.write_bytes(made()["decision"])
    run = [sys.executable, str(TOOL), str(path)]
    done = subprocess.run(run, capture_output=True, text=True, check=False, encoding="utf-8")
    assert (done.returncode, done.stdout.count("\n")) == (0, 1)
    assert done.stdout.startswith('verified: decision of "Harbour" (')
    assert "approved by 2 of 2 needed: " in done.stdout
    assert "; text SHA-256 " in done.stdout
    facts = json.loads(subprocess.run([*run, "--json"], capture_output=True, text=True, check=True).stdout)
    assert (facts["type"], facts["about"], facts["needed"]) == ("dossier", "decision/1", 2)
    assert len(facts["approved_by"]) == 2
    path.write_bytes(made()["decision"].replace(b"close", b"open "))
    assert subprocess.run(run, capture_output=True, check=False).returncode == 5
