"""A receiver denies that it read something: it restarts its log without the receipt, and that is proven against it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostile.peer import Scene, verified
from stories.story import give, id_of, indicator

if TYPE_CHECKING:
    from pathlib import Path


def test_a_log_without_the_receipt_that_it_held_is_proven_a_fork(scene: Scene, tmp_path: Path) -> None:
    harbour, _ = scene.honest
    give(harbour, scene.circle, indicator(1))
    scene.settle()
    before = scene.summit.twin()
    scene.summit.node.items.acknowledge([id_of(indicator(1))], "used")
    scene.settle()
    said = {receipt.stage for receipt in harbour.items.show(id_of(indicator(1))).receipts}
    assert "used" in said
    scene.summit.become(before)
    give(before, scene.circle, indicator(2))
    before.exchange.sync(harbour.member)
    (found,) = harbour.ledger.evidence()
    assert (found.kind, found.member) == ("fork", before.member)
    assert verified(harbour.ledger.evidence_file(found.id), tmp_path)["verified"] is True
    assert "used" in {receipt.stage for receipt in harbour.items.show(id_of(indicator(1))).receipts}, "it stays said"
