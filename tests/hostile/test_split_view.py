"""A cosigner signs a root that is not the log's: refused, kept as evidence against one of two, and nothing stops."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from entente.core import canon
from entente.core.errors import VerificationError
from entente.exchange.messages import Message
from entente.ledger import splits
from hostile.peer import Scene, codes, row_of, verified
from stories.story import give, holds, id_of, indicator

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("less", [0, 1], ids=["of the newest head", "of an earlier size"])
@pytest.mark.parametrize("stage", ["witnessed", "stored"])
def test_a_false_root_is_refused_and_kept_as_evidence(scene: Scene, tmp_path: Path, less: int, stage: str) -> None:
    harbour, northwind = scene.honest
    give(harbour, scene.circle, indicator(1), indicator(2), indicator(3))
    assert harbour.exchange.sync(northwind.member)[0].error == ""
    row = row_of(northwind, scene.circle, harbour.base.me)
    lie = scene.summit.cosigns(row, row.size - less, b"\x66" * 32, stage)
    answer = scene.summit.say(northwind, Message(cosignatures=[lie]))
    assert codes(answer) == ["split-view"]
    (found,) = northwind.ledger.evidence()
    assert (found.kind, found.member, found.other) == ("split-view", harbour.member, scene.summit.node.member)
    file = northwind.ledger.evidence_file(found.id)
    said = verified(file, tmp_path)
    assert said["type"] == "split-view"
    assert "split-view" in {check.name for check in northwind.doctor().checks if not check.ok}
    assert set(said["members"]) == {harbour.member, scene.summit.node.member}
    give(harbour, scene.circle, indicator(4))
    assert harbour.exchange.sync(northwind.member)[0].error == ""
    assert holds(northwind, id_of(indicator(4))), "a lie about a log does not stop it"
    assert {receipt.member for receipt in harbour.ledger.receipts(id_of(indicator(1)))} == {northwind.member}


def test_a_hundred_lies_of_one_cosigner_about_one_log_leave_one_piece_of_evidence(scene: Scene) -> None:
    harbour, northwind = scene.honest
    give(harbour, scene.circle, indicator(1))
    assert harbour.exchange.sync(northwind.member)[0].error == ""
    row = row_of(northwind, scene.circle, harbour.base.me)
    lies = [scene.summit.cosigns(row, row.size, bytes([number]) * 32) for number in range(100)]
    assert set(codes(scene.summit.say(northwind, Message(cosignatures=lies)))) == {"split-view"}
    assert len(northwind.ledger.evidence()) == 1


def test_a_changed_file_shows_nothing(scene: Scene) -> None:
    harbour, northwind = scene.honest
    give(harbour, scene.circle, indicator(1), indicator(2))
    assert harbour.exchange.sync(northwind.member)[0].error == ""
    row = row_of(northwind, scene.circle, harbour.base.me)
    scene.summit.say(northwind, Message(cosignatures=[scene.summit.cosigns(row, row.size - 1, b"\x66" * 32)]))
    file = northwind.ledger.evidence_file(northwind.ledger.evidence()[0].id)
    whole = json.loads(file)
    honest = row_of(harbour, scene.circle)
    changes = {
        "seen": whole["root"],
        "root": whole["seen"],
        "size": whole["size"] + 1,
        "proof": [],
        "line": whole["line"].replace("A", "B"),
        "member": whole["other"],
        "other": whole["member"],
        "note": row_of(harbour, scene.circle).note.decode().replace(str(honest.size), str(honest.size + 1)),
    }
    for name, value in changes.items():
        with pytest.raises(VerificationError):
            splits.from_json(canon.encode({**whole, name: value}))
    assert splits.to_json(splits.from_json(file)) == file


def test_a_fork_that_explains_it_takes_its_place(scene: Scene) -> None:
    """Harbour's log is forked: Summit's cosignature was honest, and only the fork is shown afterwards."""
    harbour, northwind = scene.honest
    first, second = scene.summit.node, scene.summit.twin()
    give(first, scene.circle, indicator(1))
    first.exchange.sync(harbour.member)
    scene.summit.become(second)
    give(second, scene.circle, indicator(2))
    second.exchange.sync(northwind.member)
    for _ in range(2):
        harbour.exchange.sync(northwind.member)
        northwind.exchange.sync(harbour.member)
    for node in scene.honest:
        assert {each.kind for each in node.ledger.evidence()} == {"fork"}
