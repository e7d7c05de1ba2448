"""Every store keeps the same promises about logs: leaves, subtrees, truncation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from entente.core import merkle
from entente.core.errors import ConflictError, LimitError, NotFoundError, StoreError
from entente.store.ports import LogRow
from store.rows import item, leaves_and_hashes, log, open_log, payload

if TYPE_CHECKING:
    from entente.store.ports import Store


def test_a_log_is_kept_with_all_its_columns(store: Store) -> None:
    with store.write() as tx:
        first = tx.logs.add(log("o1", circle=b"", peaks=b"p" * 32))
        second = tx.logs.add(log("o2"))
        assert first == log("o1", id=first.id, circle=b"", peaks=b"p" * 32)
        changed = LogRow(
            id=second.id, origin="o2", member=b"m2", circle=b"c2", epoch=3, size=4, peaks=b"x", signed=2, note=b"n",
            stopped="fork",
        )  # fmt: skip
        tx.logs.save(changed)
    with store.read() as tx:
        assert tx.logs.all() == [first, changed]
        assert tx.logs.get("o1") == first
        assert tx.logs.get("o3") is None


def test_an_origin_has_one_log(store: Store) -> None:
    open_log(store)
    with pytest.raises(ConflictError), store.write() as tx:
        tx.logs.add(log("o1", epoch=2))


def test_an_unknown_log_takes_nothing(store: Store) -> None:
    with pytest.raises(NotFoundError), store.write() as tx:
        tx.logs.save(log("o1", id=9))
    with pytest.raises(StoreError), store.write() as tx:
        tx.logs.append(9, 0, [b"a"], [b"h" * 32])
    with pytest.raises(StoreError), store.write() as tx:
        tx.payloads.put(9, [payload(0)])
    with pytest.raises(StoreError), store.write() as tx:
        tx.payloads.await_(9, [0])
    with store.read() as tx:
        assert tx.logs.leaves(9, 0, 5) == []


@pytest.mark.parametrize("parts", [[600], [1] * 20, [255, 1, 1], [256, 256], [100, 300, 400], [0, 3, 0]])
def test_leaves_and_subtrees_are_read_as_they_were_appended(store: Store, parts: list[int]) -> None:
    number, total = open_log(store), sum(parts)
    leaves, hashes = leaves_and_hashes(total)
    start = 0
    for part in parts:
        with store.write() as tx:
            tx.logs.append(number, start, leaves[start : start + part], hashes[start : start + part])
        start += part
    with store.read() as tx:
        assert tx.logs.leaves(number, 0, total + 100) == leaves
        for first, last in [(0, 1), (250, 260), (255, 256), (256, 513), (total, total + 1), (5, 5), (9, 3)]:
            assert tx.logs.leaves(number, first, last) == leaves[first : max(first, last)]
        tree = merkle.reader(hashes)
        for level in range(total.bit_length()):
            assert [tx.logs.node(number, level, n) for n in range(total >> level)] == [
                tree(level, n) for n in range(total >> level)
            ]
            with pytest.raises(NotFoundError):
                tx.logs.node(number, level, total >> level)


def test_leaves_begin_where_the_log_ends(store: Store) -> None:
    number = open_log(store)
    leaves, hashes = leaves_and_hashes(300)
    with store.write() as tx:
        tx.logs.append(number, 0, leaves, hashes)
    for start in (0, 299, 301):
        with pytest.raises(StoreError, match="300"), store.write() as tx:
            tx.logs.append(number, start, leaves[:1], hashes[:1])
    with pytest.raises(LimitError), store.write() as tx:
        tx.logs.append(number, 300, [b"x" * 65536], hashes[:1])
    with pytest.raises(LimitError), store.write() as tx:
        tx.logs.append(number, 300, leaves[:2], hashes[:1])


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 512, 600])
def test_a_truncated_log_goes_on_as_if_nothing_had_been_there(store: Store, size: int) -> None:
    number, other = open_log(store), open_log(store, "o2")
    leaves, hashes = leaves_and_hashes(600)
    more, more_hashes = leaves_and_hashes(300, b"more")
    with store.write() as tx:
        for of in (number, other):
            tx.logs.append(of, 0, leaves, hashes)
            (seq,) = tx.items.add([item(1, own=True)])
            tx.payloads.put(of, [payload(0), payload(599, kind="item/1", item=seq)])
            tx.payloads.await_(of, [1, 598])
    with store.write() as tx:
        tx.logs.truncate(number, size)
        tx.logs.append(number, size, more, more_hashes)
    tree = merkle.reader(hashes[:size] + more_hashes)
    with store.read() as tx:
        assert tx.logs.leaves(number, 0, 2000) == leaves[:size] + more
        for level in range((size + 300).bit_length()):
            for n in range((size + 300) >> level):
                assert tx.logs.node(number, level, n) == tree(level, n)
        kept = [index for index in (0, 599) if index < size]
        assert [row.index for row in tx.payloads.get(number, 0, 2000)] == kept
        assert [row.index for row in tx.payloads.acts(["approval/1"]) if row.log == number] == [
            i for i in kept if not i
        ]
        assert tx.payloads.awaited(number) == [index for index in (1, 598) if index < size]
        assert tx.items.count() == 2
        assert tx.logs.leaves(other, 0, 2000) == leaves
        assert [row.index for row in tx.payloads.get(other, 0, 2000)] == [0, 599]


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(st.integers(0, 400), min_size=1, max_size=6), cut=st.integers(0, 1200))
def test_any_way_of_growing_a_log_gives_the_same_tree(store: Store, parts: list[int], cut: int) -> None:
    leaves, hashes = leaves_and_hashes(sum(parts))
    with store.write() as tx:
        number = tx.logs.add(log(f"o{len(tx.logs.all())}")).id
        start = 0
        for part in parts:
            tx.logs.append(number, start, leaves[start : start + part], hashes[start : start + part])
            start += part
        cut = min(cut, start)
        tx.logs.truncate(number, cut)
        tx.logs.append(number, cut, leaves[cut:], hashes[cut:])
        tree = merkle.reader(hashes)
        for level in range(start.bit_length()):
            assert all(tx.logs.node(number, level, n) == tree(level, n) for n in range(start >> level))
        assert tx.logs.leaves(number, 0, start) == leaves
