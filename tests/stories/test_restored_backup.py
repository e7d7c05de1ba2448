"""Yesterday's backup comes back elsewhere: it signs nothing until a partner has shown what was signed since.

Then it holds that again and signs on, and nobody ever sees two histories. Where no partner is left, a person vouches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entente.node import Node, backups
from entente.store.sqlite import snapshots
from stories.homes import House, agree, houses, pair, settle
from stories.story import give, id_of, indicator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def members(tmp_path: Path) -> Iterator[tuple[House, House, str]]:
    """Give two members with an agreement; the first has shared one item, made a backup and shared another."""
    with houses(tmp_path, "Anna", "Bora") as (anna, bora):
        pair(anna.node, bora.node)
        circle = agree(anna.node, bora.node)
        give(anna.node, circle, indicator(1))
        settle(anna.node, bora.node)
        anna.node.backup(tmp_path / "yesterday")
        give(anna.node, circle, indicator(2))
        settle(anna.node, bora.node)
        yield anna, bora, circle


def heads(node: Node) -> dict[str, int]:
    with node.base.store.read() as tx:
        return {row.origin: row.signed for row in tx.logs.all() if row.member == node.base.me}


def unsigned(node: Node) -> int:
    with node.base.store.read() as tx:
        return sum(row.size - row.signed for row in node.base.guard.unsigned(tx))


def numbers(node: Node) -> list[int]:
    return sorted(int(item.id[11:19], 16) for item in node.items.list().items)


def check(node: Node, name: str) -> bool:
    return {each.name: each.ok for each in node.doctor().checks}[name]


def test_restored_home_signs_nothing_before_a_partner_was_heard_and_forks_nothing_after(
    members: tuple[House, House, str], tmp_path: Path
) -> None:
    anna, bora, circle = members
    signed = heads(anna.node)
    anna.close()
    done = backups.restore(tmp_path / "yesterday", tmp_path / "elsewhere")
    assert done.name == "Anna"
    with Node.open(tmp_path / "elsewhere") as back:
        assert not check(back, "guard")
        old = heads(back)
        assert numbers(back) == [1]
        give(back, circle, indicator(3))
        assert heads(back) == old
        assert unsigned(back) == 1
        assert sum(signed.values()) == sum(old.values()) + 1

        (round_,) = back.exchange.sync()
        assert not round_.error
        assert numbers(back) == [1, 2, 3]
        assert check(back, "guard")
        assert unsigned(back) == 0
        assert all(heads(back)[origin] >= size for origin, size in signed.items())
        assert numbers(bora.node) == [1, 2, 3]

        give(back, circle, indicator(4))
        settle(back)
        assert numbers(bora.node) == [1, 2, 3, 4]
        for node in (back, bora.node):
            assert node.ledger.verify().ok
            assert not node.ledger.evidence()
    with Node.open(tmp_path / "elsewhere") as again:
        assert check(again, "guard")


def test_where_no_partner_is_left_a_person_vouches_and_that_is_recorded(
    members: tuple[House, House, str], tmp_path: Path
) -> None:
    anna, bora, circle = members
    anna.close()
    bora.rest()
    backups.restore(tmp_path / "yesterday", tmp_path / "elsewhere")
    with Node.open(tmp_path / "elsewhere") as back:
        give(back, circle, indicator(3))
        assert back.exchange.sync()[0].error
        assert unsigned(back) == 1
        assert not check(back, "guard")
        concerned = back.ledger.confirm().confirmed
        assert set(concerned) == set(heads(back))
        assert unsigned(back) == 0
        assert back.doctor().ok
        with back.base.store.read() as tx:
            ((_, said),) = tx.records.scan("vouched")
        assert back.operator.encode() in said


def test_the_old_home_beside_the_restored_one_is_found_out(members: tuple[House, House, str], tmp_path: Path) -> None:
    """Whoever vouches wrongly and signs on with both has forked; the partner keeps the evidence."""
    anna, bora, circle = members
    backups.restore(tmp_path / "yesterday", tmp_path / "elsewhere")
    with Node.open(tmp_path / "elsewhere") as back:
        back.ledger.confirm()
        give(back, circle, indicator(3))
        back.exchange.sync()
    assert [each.member for each in bora.node.ledger.evidence()] == [anna.node.member]
    found = {each.name: each for each in bora.node.doctor().checks}["evidence"]
    assert not found.ok
    assert "Anna" in found.text


@pytest.mark.parametrize("who", ["author", "holder"])
def test_erased_bytes_come_back_with_a_backup_only_until_the_first_exchange(tmp_path: Path, who: str) -> None:
    secret = b"zqvanishingxj"
    with houses(tmp_path, "Anna", "Bora") as (anna, bora):
        pair(anna.node, bora.node)
        circle = agree(anna.node, bora.node)
        gone = indicator(1, name=secret.decode())
        give(anna.node, circle, gone, indicator(2))
        settle(anna.node, bora.node)
        lost, other = (anna, bora) if who == "author" else (bora, anna)
        lost.node.backup(tmp_path / "yesterday")
        anna.node.recalls.withdraw(id_of(gone))
        settle(anna.node, bora.node)
        lost.close()
        home = tmp_path / "elsewhere"
        backups.restore(tmp_path / "yesterday", home)
        assert secret in (home / "entente.db").read_bytes()
        with Node.open(home) as back:
            assert numbers(back) == [1, 2]
            assert not back.exchange.sync()[0].error
            assert numbers(back) == [2]
            settle(back)
            assert back.items.search(secret.decode()).items == []
            assert check(back, "guard")
            assert back.base.store.purge()
            for node in (back, other.node):
                assert node.ledger.verify().ok
                assert not node.ledger.evidence()
                assert [m.state for recall in node.recalls.list() for m in recall.members] in (["erased"], [])
        assert [path.name for path in home.iterdir() if secret in path.read_bytes()] == []


def test_undone_upgrade_takes_back_what_was_signed_since(members: tuple[House, House, str]) -> None:
    anna, bora, circle = members
    snapshots.copy(anna.home / "entente.db", anna.home / "entente.db.before-2")  # as an upgrade keeps it
    give(anna.node, circle, indicator(3))
    settle(anna.node, bora.node)
    signed = heads(anna.node)
    anna.close()
    backups.undo_upgrade(anna.home)
    with Node.open(anna.home) as back:
        assert numbers(back) == [1, 2]
        assert not check(back, "guard")
        give(back, circle, indicator(4))
        assert unsigned(back) == 1
        assert not back.exchange.sync()[0].error
        assert check(back, "guard")
        assert all(heads(back)[origin] >= size for origin, size in signed.items())
        assert numbers(back) == numbers(bora.node) == [1, 2, 3, 4]
        for node in (back, bora.node):
            assert node.ledger.verify().ok
            assert not node.ledger.evidence()
