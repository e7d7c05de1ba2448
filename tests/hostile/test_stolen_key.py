"""Somebody copied a home. Its member changes its keys; what the copy signs from then on counts nowhere."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from entente.core import note
from entente.core.ids import origin_hash
from entente.exchange.messages import Part
from entente.ledger.package import pack
from entente.node import Node
from entente.node.exchange.side import MemberSide
from stories.homes import House, agree, houses, pair, settle
from stories.story import bundle, id_of, indicator
from tools_loader import load

if TYPE_CHECKING:
    from pathlib import Path

    from entente.store.ports import LogRow

verify = load("verify")


def share(node: Node, circle: str, folder: Path, number: int) -> str:
    thing = indicator(number)
    path = folder / f"{number}.json"
    path.write_bytes(bundle(thing))
    node.items.import_files([path], tlp="TLP:GREEN", circle=circle)
    node.sharing.send([id_of(thing)], circle)
    return id_of(thing)


def held(node: Node) -> set[str]:
    return {item.id for item in node.items.list().items}


def copy(house: House, folder: Path) -> Node:
    """Copy a home file by file, as a thief does, and vouch for it."""
    target = folder / "stolen"
    shutil.copytree(house.home, target)
    thief = Node.open(target)
    thief.ledger.confirm()
    return thief


def log_of(node: Node, author: Node) -> LogRow:
    with node.base.store.read() as tx:
        return next(row for row in tx.logs.all() if row.member == author.base.me and row.circle)


def everything_after(thief: Node, size: int) -> Part:
    """Return what the thief's log has from `size` on, as it would send it."""
    row = log_of(thief, thief)
    with thief.base.store.read() as tx:
        return Part(origin_hash(row.origin), row.note, [pack(tx, row, size, row.size, 1 << 20)])


def test_a_thief_signs_nothing_after_the_keys_have_changed(tmp_path: Path) -> None:
    with houses(tmp_path, "Harbour", "Northwind", "Southsea") as (harbour, northwind, southsea):
        victim, north, south = harbour.node, northwind.node, southsea.node
        for one, other in ((victim, north), (victim, south), (north, south)):
            pair(one, other)
        circle = agree(victim, north, south)
        before = share(victim, circle, tmp_path, 1)
        settle(victim, north, south)
        proof = victim.ledger.proof(before)
        with copy(harbour, tmp_path) as thief:
            victim.keys.rotate(harbour.home.with_name("harbour.recovery"))
            settle(victim, north, south)
            honest = log_of(north, victim).size

            false = share(thief, circle, tmp_path, 2)
            share(thief, circle, tmp_path, 3)
            for done in thief.exchange.sync():
                assert "signature" in done.error.lower(), done.error
                assert done.sent.entries == 0
            part = everything_after(thief, honest)
            for node in (north, south):
                with node.base.store.write() as tx:
                    accepted = MemberSide(node.base).inbox.accept(tx, log_of(node, victim), part)
                assert accepted.failure is not None
                assert accepted.failure.code == "retired-key"
            settle(victim, north, south)

            after = share(victim, circle, tmp_path, 4)
            settle(victim, north, south)
            for node in (victim, north, south):
                assert held(node) == {before, after}
                assert false not in held(node)
                assert node.ledger.verify().ok
                assert node.ledger.evidence() == []
            for each in (proof, victim.ledger.proof(before), north.ledger.proof(after)):
                assert verify.judge(each, victim.member)[0] == "proof"

            stolen = thief.base.keys.secrets.seed("log")
            origin = log_of(thief, thief).origin
            with victim.base.store.read() as tx:
                history = victim.base.history(tx, victim.base.me)
            forged = note.sign_checkpoint(
                note.Checkpoint(origin, 99, bytes(32)), note.Signer(origin, note.ED25519, stolen)
            )
            assert history.retired(history.signer(note.Note.parse(forged)))


def test_a_card_of_before_brings_the_old_keys_nowhere_back(tmp_path: Path) -> None:
    with houses(tmp_path, "Harbour", "Northwind") as (harbour, northwind):
        pair(harbour.node, northwind.node)
        old = harbour.node.partners.card()
        with copy(harbour, tmp_path) as thief:
            harbour.node.keys.rotate(harbour.home.with_name("harbour.recovery"))
            settle(harbour.node, northwind.node)
            northwind.node.partners.add(old)
            assert "signature" in thief.exchange.sync()[0].error.lower()
        with northwind.node.base.store.read() as tx:
            assert northwind.node.base.history(tx, harbour.node.base.me).size == 2
