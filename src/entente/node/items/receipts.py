"""Receipts: how far an item has come with each member, from cosignatures and acknowledgements."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entente.core.ids import Member, b32, origin_hash, unb32
from entente.core.times import stamp
from entente.ledger import witness
from entente.ledger.witness import Stage
from entente.node.items.values import Receipt
from entente.node.rooms.filed import ACKNOWLEDGED, REFUSED

if TYPE_CHECKING:
    from entente.node.home.base import Base
    from entente.node.rooms.in_force import InForce
    from entente.store.ports import ItemRow, LogRow, Transaction


_ORDER = [Stage.WITNESSED, Stage.STORED, Stage.READ, Stage.USED]


def receipts_of(base: Base, tx: Transaction, in_force: InForce, row: ItemRow) -> list[Receipt]:
    """Return the farthest stage that each other member has reached with any entry of this item."""
    logs = {each.id: each for each in tx.logs.all()}
    best: dict[Member, tuple[int, str]] = {}
    for each in tx.payloads.of_item(row.seq):
        log = logs[each.log]
        for member, stage, time in _stages(tx, log, each.index):
            known = best.get(member)
            if member in in_force.rooms.members(log.circle) and (known is None or _ORDER.index(stage) > known[0]):
                best[member] = (_ORDER.index(stage), time)
    return [
        Receipt(b32(member), _ORDER[at].value, time) for member, (at, time) in sorted(best.items()) if member != base.me
    ]


def _stages(tx: Transaction, log: LogRow, index: int) -> list[tuple[Member, Stage, str]]:
    """Return what each member has stated about one entry."""
    hashed = origin_hash(log.origin)
    about = f"{b32(hashed)}/{index:012d}/"
    refusals, acknowledged = REFUSED.all(tx, about), ACKNOWLEDGED.all(tx, about)
    leaf = b32(tx.logs.node(log.id, 0, index)) if refusals or acknowledged else ""
    refused = {key.split("/")[2] for key, act in refusals if act.leaf == leaf}
    found: list[tuple[Member, Stage, str]] = []
    for each in witness.of_log(tx, hashed):
        stage = Stage(each.stage)
        if each.size > index and not (stage is Stage.STORED and b32(each.member) in refused):
            found.append((Member(each.member), stage, stamp(witness.time_of(each) * 1000)))
    for key, act in acknowledged:
        if act.leaf == leaf:
            found.append((Member(unb32(key.split("/")[2], 32)), Stage(act.what), stamp(act.time)))
    return found
