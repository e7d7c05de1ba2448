"""What tells the states of a store apart: marks of what is seen, and of acts that came or went out of turn."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from msgspec.structs import replace

from entente.store.sqlite.store import SqliteStore
from store.rows import leaves_and_hashes, open_log, payload

if TYPE_CHECKING:
    from pathlib import Path

    from entente.store.ports import Snapshot, Store

KINDS = ("approval/1",)


class StopHere(Exception):  # noqa: N818 - nothing is wrong, a test stops
    """Ends a block in a test."""


def seen(store: Store) -> Snapshot:
    with store.read() as tx:
        return tx.seen()


def put(store: Store, key: str) -> None:
    with store.write() as tx:
        tx.records.put("space", key, b"1")


def test_mark_changes_with_every_change(store: Store) -> None:
    marks = [seen(store).mark]
    for key in ("one", "two"):
        with store.write() as tx:
            assert tx.seen().settled
            tx.records.put("space", key, b"1")
            assert not tx.seen().settled
            marks.append(tx.seen().mark)
            tx.records.put("space", key, b"2")
            marks.append(tx.seen().mark)
    assert len(set(marks)) == len(marks)
    assert seen(store).settled


def test_mark_stays_while_nothing_changes(store: Store) -> None:
    put(store, "one")
    with store.read() as tx:
        first = tx.seen()
        tx.records.get("space", "one")
        assert tx.seen() == first
    assert seen(store) == first


def test_reader_keeps_its_mark_while_others_write(store: Store) -> None:
    with store.read() as tx:
        before = tx.seen()
        put(store, "one")
        assert tx.seen() == before
        assert seen(store).mark != before.mark


def test_undone_change_is_not_settled(store: Store) -> None:
    inside: list[Snapshot] = []
    with suppress(StopHere), store.write() as tx:
        tx.records.put("space", "one", b"1")
        inside.append(tx.seen())
        raise StopHere
    assert not inside[0].settled
    assert seen(store).mark != inside[0].mark


def test_another_process_changes_the_mark(path: Path, sqlite: SqliteStore) -> None:
    put(sqlite, "one")
    other = SqliteStore(path)
    before = seen(sqlite)
    with sqlite.write() as tx:
        writing = tx.seen()
    put(other, "two")
    other.close()
    assert seen(sqlite).mark != before.mark
    with sqlite.write() as tx:
        assert tx.seen().mark != writing.mark


def moved(store: Store, kinds: tuple[str, ...] = KINDS) -> object:
    with store.read() as tx:
        return tx.payloads.moved(kinds)


def grow(store: Store, number: int, start: int, count: int) -> None:
    """Append entries as a log does: leaves, payloads, then the new size."""
    with store.write() as tx:
        leaves, hashes = leaves_and_hashes(start + count)
        tx.logs.append(number, start, leaves[start:], hashes[start:])
        tx.payloads.put(number, [payload(index) for index in range(start, start + count)])
        row = next(row for row in tx.logs.all() if row.id == number)
        tx.logs.save(replace(row, size=start + count))


def test_acts_at_the_end_of_a_log_move_nothing(store: Store) -> None:
    number = open_log(store)
    before = moved(store)
    grow(store, number, 0, 3)
    grow(store, number, 3, 2)
    assert moved(store) == before


def test_act_that_comes_late_goes_or_is_cut_off_moves_its_kind(store: Store) -> None:
    number = open_log(store)
    grow(store, number, 0, 3)
    marks, others = [moved(store)], moved(store, ("person/1",))
    with store.write() as tx:
        tx.payloads.drop(number, 1)
    marks.append(moved(store))
    with store.write() as tx:
        tx.payloads.put(number, [payload(1)])
    marks.append(moved(store))
    assert moved(store, ("person/1",)) == others
    with store.write() as tx:
        tx.logs.truncate(number, 2)
    marks.append(moved(store))
    assert moved(store, ("person/1",)) != others
    assert all(one != other for at, one in enumerate(marks) for other in marks[at + 1 :])
