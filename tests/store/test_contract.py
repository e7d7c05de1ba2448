"""Every store keeps the same promises: transactions, logs, payloads, small documents."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from entente.core.errors import NotFoundError, StoreError
from entente.store.memory.store import MemoryStore
from entente.store.ports import PayloadRow
from store.rows import HEAD, item, leaves_and_hashes, log, open_log, payload

if TYPE_CHECKING:
    from entente.store.ports import Store, Transaction


class StopHere(Exception):  # noqa: N818 - nothing is wrong, a test stops
    """Ends a block in a test."""


def everything(store: Store) -> list[object]:
    """Return what a store holds, as far as the ports tell."""
    with store.read() as tx:
        logs = tx.logs.all()
        return [
            logs,
            [tx.logs.leaves(row.id, 0, 10_000) for row in logs],
            [tx.payloads.get(row.id, 0, 10_000) for row in logs],
            [tx.payloads.awaited(row.id) for row in logs],
            list(tx.payloads.acts(["approval/1"])),
            tx.items.get(range(1, 100)),
            tx.items.count(),
            tx.records.scan("partner"),
        ]


def fill(tx: Transaction, origin: str) -> None:
    """Write something through every port."""
    number = tx.logs.add(log(origin)).id
    leaves, hashes = leaves_and_hashes(5, origin.encode())
    tx.logs.append(number, 0, leaves, hashes)
    (seq,) = tx.items.add([item(7, origin)])
    tx.payloads.put(number, [payload(0, kind="item/1", item=seq), payload(1)])
    tx.payloads.await_(number, [2, 3])
    tx.items.index()
    tx.records.put("partner", origin, b"1")


# Transactions


def test_what_was_written_is_read_in_the_next_transaction(store: Store) -> None:
    with store.write() as tx:
        fill(tx, "o1")
        tx.records.put("partner", "o1", b"2")
        assert tx.records.get("partner", "o1") == b"2"
    with store.read() as tx:
        assert tx.records.get("partner", "o1") == b"2"
        assert tx.items.count() == 1


def test_an_exception_leaves_no_trace(store: Store) -> None:
    with store.write() as tx:
        fill(tx, "o1")
    before = everything(store)
    with pytest.raises(StopHere), store.write() as tx:  # noqa: PT012 - all of it is undone
        fill(tx, "o2")
        tx.payloads.drop(1, 0)
        tx.payloads.drop(1, 1)
        tx.logs.truncate(1, 2)
        tx.payloads.settle(1, [2])
        tx.logs.save(replace(tx.logs.all()[0], stopped="fork"))
        tx.items.clear()
        tx.records.delete("partner", "o1")
        raise StopHere
    assert everything(store) == before
    with store.write() as tx:
        fill(tx, "o2")
    assert everything(store) != before


def test_a_transaction_cannot_be_used_after_its_end(store: Store) -> None:
    with store.write() as tx:
        fill(tx, "o1")
        acts = tx.payloads.acts(["approval/1"])
    with pytest.raises(StoreError, match="over"):
        tx.records.get("partner", "o1")
    with store.read() as reading:
        pass
    with pytest.raises(StoreError, match="over"):
        reading.items.count()
    assert acts is not None


def test_a_read_transaction_cannot_write(store: Store) -> None:
    with pytest.raises(StoreError), store.read() as tx:
        tx.records.put("partner", "a", b"1")
    with pytest.raises(StoreError), store.read() as tx:
        tx.items.add([item(1)])
    with store.read() as tx:
        assert tx.items.count() == 0


def test_a_write_inside_a_write_of_the_same_thread_is_refused(store: Store) -> None:
    with pytest.raises(StoreError, match="already"), store.write() as tx, store.write():
        tx.records.put("partner", "a", b"1")
    with store.write() as tx:
        assert tx.records.get("partner", "a") is None


def test_a_reader_sees_one_state_while_others_commit(store: Store) -> None:
    with store.write() as tx:
        fill(tx, "o1")
    with ThreadPoolExecutor(1) as pool, store.read() as tx:
        before = tx.items.count(), tx.logs.all()

        def write() -> None:
            with store.write() as other:
                fill(other, "o2")

        pool.submit(write).result(timeout=30)
        assert (tx.items.count(), tx.logs.all()) == before
        with store.read() as later:
            assert later.items.count() == 2


def test_writers_in_threads_come_one_after_the_other(store: Store) -> None:
    start = threading.Barrier(4)

    def count_up() -> None:
        start.wait()
        for _ in range(25):
            with store.write() as tx:
                value = int(tx.records.get("count", "n") or b"0")
                tx.records.put("count", "n", b"%d" % (value + 1))

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(count_up) for _ in range(4)]:
            done.result(timeout=60)
    with store.read() as tx:
        assert tx.records.get("count", "n") == b"100"


def test_version_changes_with_each_commit_and_only_then(store: Store) -> None:
    versions = [store.version(), store.version()]
    for n in range(3):
        with store.write() as tx:
            tx.records.put("partner", "a", b"%d" % n)
        versions += [store.version(), store.version()]
    with pytest.raises(StopHere), store.write() as tx:  # noqa: PT012 - all of it is undone
        tx.records.put("partner", "a", b"x")
        raise StopHere
    with store.read() as tx:
        tx.records.get("partner", "a")
    versions.append(store.version())
    assert len(set(versions)) == 4
    assert [versions[n] for n in (0, 2, 4, 6)] == [versions[n] for n in (1, 3, 5, 8)]


def test_a_closed_store_refuses_everything(store: Store) -> None:
    store.close()
    store.close()
    with pytest.raises(StoreError, match="closed"), store.write():
        pass
    with pytest.raises(StoreError, match="closed"), store.read():
        pass
    with pytest.raises(StoreError, match="closed"):
        store.version()


# Payloads


def test_payloads_come_back_by_index_and_without_gaps_filled(store: Store) -> None:
    number = open_log(store)
    with store.write() as tx:
        (seq,) = tx.items.add([item(1, "bytes of the item")])
        tx.payloads.put(
            number, [payload(9, b"\0nine", head=b"h\n"), payload(3, kind="item/1", item=seq), payload(2**40)]
        )
    with store.read() as tx:
        of_item = PayloadRow(number, 3, "item/1", 1003, b"\x03" * 16, HEAD, item(1, "bytes of the item").data, seq)
        nine = PayloadRow(number, 9, "approval/1", 1009, b"\x09" * 16, b"h\n", b"\0nine")
        assert tx.payloads.get(number, 0, 10) == [of_item, nine]
        assert tx.payloads.get(number, 4, 10) == [nine]
        assert [row.index for row in tx.payloads.get(number, 9, 2**41)] == [9, 2**40]
        assert tx.payloads.get(number, 9, 9) == tx.payloads.get(number, 10, 2) == []
        assert tx.payloads.of_item(seq) == [of_item]
        assert tx.payloads.of_item(seq + 1) == tx.payloads.of_item(0) == []


def test_a_payload_is_put_once(store: Store) -> None:
    number = open_log(store)
    with store.write() as tx:
        tx.payloads.put(number, [payload(0, b"first"), payload(0, b"second")])
    with store.write() as tx:
        (seq,) = tx.items.add([item(1)])
        tx.payloads.put(number, [payload(0, b"third"), payload(1, b"new")])
        tx.payloads.put(number, [payload(0, kind="item/1", item=seq)])
        tx.payloads.put(number, [])
    with store.read() as tx:
        assert [row.data for row in tx.payloads.get(number, 0, 9)] == [b"first", b"new"]
        assert [row.data for row in tx.payloads.acts(["approval/1", "item/1"])] == [b"first", b"new"]


def test_a_payload_of_an_unknown_item_is_refused(store: Store) -> None:
    number = open_log(store)
    with pytest.raises(NotFoundError), store.write() as tx:
        tx.payloads.put(number, [payload(0, item=5)])


def test_acts_are_found_by_kind_in_order(store: Store) -> None:
    second, first = open_log(store, "o2"), open_log(store, "o1")
    with store.write() as tx:
        (seq,) = tx.items.add([item(1)])
        tx.payloads.put(first, [payload(5, kind="plan/1"), payload(1, kind="vote/1"), payload(2, kind="plan/1")])
        tx.payloads.put(second, [payload(n, kind="plan/1") for n in range(1200)])
        tx.payloads.put(second, [payload(1200, kind="vote/1"), payload(1201, kind="plan/1", item=seq)])
    with store.read() as tx:
        acts = [(row.log, row.index, row.kind) for row in tx.payloads.acts(["vote/1", "plan/1", "vote/1", "none/1"])]
        plans = [(second, n, "plan/1") for n in range(1200)]
        assert acts == [
            *plans,
            (second, 1200, "vote/1"),
            (first, 1, "vote/1"),
            (first, 2, "plan/1"),
            (first, 5, "plan/1"),
        ]
        assert list(tx.payloads.acts([])) == list(tx.payloads.acts(["none/1"])) == []


def test_awaited_entries_are_taken_off_by_payloads_and_refusals(store: Store) -> None:
    number, other = open_log(store), open_log(store, "o2")
    with store.write() as tx:
        tx.payloads.await_(number, [9, 3, 5, 3])
        tx.payloads.await_(other, [3])
        tx.payloads.await_(number, [7])
        tx.payloads.put(number, [payload(3)])
        tx.payloads.settle(number, [7, 8])
    with store.read() as tx:
        assert tx.payloads.awaited(number) == [5, 9]
        assert tx.payloads.awaited(number, 1) == [5]
        assert tx.payloads.awaited(number, 0) == []
        assert tx.payloads.awaited(other) == [3]


def test_a_dropped_payload_is_gone_and_may_be_put_again(store: Store) -> None:
    number = open_log(store)
    with store.write() as tx:
        tx.payloads.put(number, [payload(0, b"zero"), payload(1, b"one")])
        tx.payloads.drop(number, 0)
        tx.payloads.drop(number, 5)
    with store.read() as tx:
        assert [row.index for row in tx.payloads.get(number, 0, 9)] == [1]
        assert [row.index for row in tx.payloads.acts(["approval/1"])] == [1]
    with store.write() as tx:
        tx.payloads.put(number, [payload(0, b"again")])
    with store.read() as tx:
        assert [row.data for row in tx.payloads.get(number, 0, 9)] == [b"again", b"one"]


# Records


def test_records_are_found_by_space_and_beginning(store: Store) -> None:
    keys = ["", "a", "a%", "aB", "ab", "a\U0010ffffz", "b", "é"]
    with store.write() as tx:
        for key in reversed(keys):
            tx.records.put("partner", key, key.encode())
            tx.records.put("offer", key, b"other")
        tx.records.put("partner", "b", b"\0new")
        tx.records.delete("partner", "é")
        tx.records.delete("partner", "unknown")
    with store.read() as tx:
        assert tx.records.get("partner", "b") == b"\0new"
        assert tx.records.get("partner", "é") is None
        assert tx.records.get("offer", "é") == b"other"
        assert [key for key, _ in tx.records.scan("partner")] == keys[:-1]
        assert [key for key, _ in tx.records.scan("partner", "a")] == keys[1:6]
        assert tx.records.scan("partner", "a%") == [("a%", b"a%")]
        assert tx.records.scan("partner", "c") == tx.records.scan("none") == []


@given(st.dictionaries(st.text(max_size=4), st.binary(max_size=4), max_size=8), st.text(max_size=2))
def test_scan_finds_what_begins_so_in_memory(rows: dict[str, bytes], start: str) -> None:
    store = MemoryStore()
    with store.write() as tx:
        for key, value in rows.items():
            tx.records.put("partner", key, value)
        expected = sorted((key, value) for key, value in rows.items() if key.startswith(start))
        assert tx.records.scan("partner", start) == expected
