"""Every store keeps the same promises about items: copies, pages, what is shown, full-text search, erasure."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from entente.core.errors import StoreError
from entente.store.ports import ItemQuery
from store.rows import found, index_all, item, keep, open_log, payload, share, stix_id

if TYPE_CHECKING:
    from entente.store.ports import Store

ODD_IDS = [
    "x", "--", "", "x--", "--x", "a--b--c", "indicator--not-a-uuid", "x-y--+0000000-0000-4000-8000-000000000000",
    "x-y-- 0000000-0000-4000-8000-000000000000", "x-y--00000000_0000_4000_8000_000000000000",
    "x-y--00000000-0000-4000-8000-00000000000g", "x-y--00000000-0000-4000-8000-000000000000",
    "X-Y--ABCDEF00-0000-4000-8000-000000000000", "x-y--abcdef00-0000-4000-8000-000000000000",
    "x-y--ffffffff-ffff-ffff-ffff-ffffffffffff", "x-y--ffffffff-ffff-ffff-ffff-fffffffffffe", "é--'\"%_",
]  # fmt: skip


ZERO = "indicator--00000000-0000-4000-8000-000000000001"
FFFF = "indicator--0000ffff-0000-4000-8000-000000000002"


def shown(store: Store, **query: object) -> list[int]:
    """Return the numbers on a page."""
    with store.read() as tx:
        return [row.seq for row in tx.items.page(ItemQuery(**query))]  # type: ignore[arg-type]


# Rows


def test_an_item_comes_back_with_every_column_and_byte(store: Store) -> None:
    full = item(
        1, b'\0{"a": 1.0}\xff', type="x-other", author=b"m2", created=-5, modified=2**60,
        created_by="identity--1", revoked=True, name="a 'name'", tlp=-1, time=7, person="p2", own=True,
        state="denied", latest=False, top=False,
    )  # fmt: skip
    seqs = keep(store, full, item(2))
    assert seqs == [1, 2]
    with store.read() as tx:
        assert tx.items.get([2, 9, 1, 2, 0, -1]) == [
            (replace(item(2).row, seq=2), item(2).data),
            (replace(full.row, seq=1), full.data),
            (replace(item(2).row, seq=2), item(2).data),
        ]
        assert tx.items.find([full.row.stix_id]) == {full.row.stix_id: [replace(full.row, seq=1)]}
        assert tx.items.count() == 2


def test_numbers_ascend_and_are_never_given_again(store: Store) -> None:
    number = open_log(store)
    share(store, number, 0, [item(1), item(2)])
    with store.write() as tx:
        tx.payloads.drop(number, 1)
        assert tx.items.add([item(3), item(3), item(4)]) == [3, 4, 5]
        assert tx.items.add([]) == []
        tx.items.clear()
    assert keep(store, item(5)) == [6]


@pytest.mark.parametrize("odd", ODD_IDS)
def test_any_id_is_found_exactly(store: Store, odd: str) -> None:
    keep(store, *[item(name, f"{n}") for n, name in enumerate(ODD_IDS)], item(odd, "newer"))
    with store.read() as tx:
        copies = tx.items.find([odd, odd, "unknown", stix_id(1)])
        assert list(copies) == [odd]
        assert [row.seq for row in copies[odd]] == [ODD_IDS.index(odd) + 1, len(ODD_IDS) + 1]
        assert {row.stix_id for row in copies[odd]} == {odd}
        assert odd in tx.items.prefix(odd, 100)


def test_find_takes_thousands_of_ids(store: Store) -> None:
    keep(store, *[item(n) for n in range(3000)])
    with store.read() as tx:
        copies = tx.items.find([stix_id(n) for n in range(1000, 6000)])
        assert copies.keys() == {stix_id(n) for n in range(1000, 3000)}
        assert tx.items.find([]) == {}


def test_save_changes_what_may_change(store: Store) -> None:
    (seq,) = keep(store, item(1, name="n"))
    with store.write() as tx:
        ((row, data),) = tx.items.get([seq])
        changed = replace(row, state="withdrawn", latest=False, top=False, own=True, person="p9", time=99, tlp=0)
        other = replace(changed, stix_id="x--y", type="x", author=b"x", created=9, modified=9, created_by="z", name="z")
        tx.items.save([other, replace(other, seq=77), replace(other, seq=-1)])
    with store.read() as tx:
        assert tx.items.get([seq]) == [(changed, data)]


def test_all_copies_of_a_creator_are_found(store: Store) -> None:
    keep(
        store,
        item(1, created_by="identity--1"),
        item(2),
        item(3, created_by="identity--2"),
        item(1, created_by="identity--1"),
    )
    with store.read() as tx:
        assert [row.seq for row in tx.items.by_creator("identity--1")] == [1, 4]
        assert tx.items.by_creator("") == tx.items.by_creator("identity--3") == []


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("indicator--0000", [ZERO, FFFF]),
        ("0000f", [FFFF]),
        ("0000ffff-0000-4000-8000-000000000002", [FFFF]),
        ("FACE0000", ["malware--FACE0000-0000-4000-8000-000000000003"]),
        ("face0000-0000-4000-8000-000000000004", ["malware--face0000-0000-4000-8000-000000000004"]),
        ("mal", ["malware--FACE0000-0000-4000-8000-000000000003", "malware--face0000-0000-4000-8000-000000000004"]),
        ("fa", ["malware--face0000-0000-4000-8000-000000000004", "fancy--odd-one"]),
        ("fancy--o", ["fancy--odd-one"]),
        ("odd", ["fancy--odd-one"]),
        ("malware--f", ["malware--face0000-0000-4000-8000-000000000004"]),
        ("indicator-", [ZERO, FFFF]),
        ("nothing", []),
        ("%", []),
    ],
)  # fmt: skip
def test_a_short_beginning_names_the_ids(store: Store, start: str, expected: list[str]) -> None:
    keep(
        store,
        item(FFFF),
        item(ZERO),
        item("malware--FACE0000-0000-4000-8000-000000000003"),
        item("malware--face0000-0000-4000-8000-000000000004"),
        item("malware--face0000-0000-4000-8000-000000000004", "again"),
        item("fancy--odd-one"),
    )
    with store.read() as tx:
        names = tx.items.prefix(start)
        assert sorted(names) == sorted(expected)
        assert tx.items.prefix(start, 1) == names[:1]
        assert tx.items.prefix(start, 0) == []


# Pages


def test_pages_of_all_items_follow_each_other(store: Store) -> None:
    keep(
        store,
        *[
            item(stix_id(n, "malware" if n % 3 else "tool"), state="denied" if n == 4 else "held", top=n != 5)
            for n in range(20)
        ],
    )
    pages, after = [], 0
    while page := shown(store, after=after, limit=7):
        pages.append(page)
        after = page[-1]
    assert [len(page) for page in pages] == [7, 7, 4]
    assert [seq for page in pages for seq in page] == [n for n in range(1, 21) if n not in {5, 6}]
    assert shown(store, type="tool") == [1, 4, 7, 10, 13, 16, 19]
    assert shown(store, top=False, limit=6) == [1, 2, 3, 4, 6, 7]
    assert shown(store, type="unknown") == shown(store, limit=0) == shown(store, after=20) == []


def test_with_logs_the_newest_held_copy_in_them_is_shown(store: Store) -> None:
    a, b, c = (open_log(store, name) for name in "abc")
    share(store, a, 0, [item(1, "old", modified=1), item(2, modified=5), item(3, state="denied", modified=9)])
    share(
        store, b, 0, [item(1, "new", modified=2, top=False), item(2, "older", modified=4), item(3, "held", modified=2)]
    )
    share(store, c, 0, [item(1, "denied", modified=3, state="denied"), item(4)])
    keep(store, item(5))
    assert shown(store, logs=(a,)) == [1, 2]
    assert shown(store, logs=(b,)) == [4, 5, 6]
    assert shown(store, logs=(a, b)) == [2, 4, 6]
    assert shown(store, logs=(c, a, a, 99)) == [1, 2, 8]
    assert shown(store, logs=(a, b, c), top=False) == [1, 2, 4, 5, 6, 8]
    assert shown(store, logs=(a, b), after=2, limit=1) == [4]
    assert shown(store, logs=(a, b), type="malware") == shown(store, logs=()) == shown(store, logs=(a,), limit=0) == []


def test_of_equal_age_the_copy_with_the_smaller_hash_is_shown(store: Store) -> None:
    number = open_log(store)
    copies = [item(1, text) for text in ("a", "b", "c", "d")]
    share(store, number, 0, [*copies, copies[0]])
    smallest = min(range(4), key=lambda n: sha256(copies[n].data).digest()) + 1
    assert shown(store, logs=(number,)) == [smallest]


def test_an_item_with_entries_in_two_logs_is_listed_once(store: Store) -> None:
    a, b = open_log(store, "a"), open_log(store, "b")
    (seq,) = share(store, a, 0, [item(1)])
    with store.write() as tx:
        tx.payloads.put(b, [payload(0, item=seq), payload(1, item=seq)])
    assert shown(store, logs=(a, b)) == shown(store, logs=(b,)) == [seq]
    with store.read() as tx:
        assert tx.items.placed([seq, 9], [b]) == {seq}
        assert tx.items.placed([seq], [9]) == tx.items.placed([], [a]) == tx.items.placed([seq], []) == set()
        assert [(row.log, row.index) for row in tx.payloads.of_item(seq)] == [(a, 0), (b, 0), (b, 1)]


def test_long_pages_of_logs_follow_each_other(store: Store) -> None:
    logs = [open_log(store, name) for name in "abc"]
    for n, number in enumerate(logs):
        share(
            store,
            number,
            0,
            [
                item(stix_id(k % 150, "tool" if k % 2 else "malware"), f"{n} {k}", modified=n)
                for k in range(100 * n, 100 * n + 100)
            ],
        )
    pages, after = [], 0
    while page := shown(store, logs=tuple(logs[:2]), after=after, limit=11):
        pages += page
        after = page[-1]
    assert pages == list(range(51, 201))
    assert shown(store, logs=tuple(logs[:2]), type="tool", limit=1000) == list(range(52, 201, 2))


# Erasure and rebuilding


def test_a_received_item_goes_with_its_last_entry(store: Store) -> None:
    a, b = open_log(store, "a"), open_log(store, "b")
    (seq,) = share(store, a, 0, [item(1, "secret")])
    with store.write() as tx:
        tx.payloads.put(b, [payload(0, item=seq)])
    index_all(store)
    with store.write() as tx:
        tx.payloads.drop(a, 0)
    assert found(store, "secret") == [stix_id(1)]
    with store.write() as tx:
        tx.payloads.drop(b, 0)
        assert tx.items.find([stix_id(1)]) == {}
        assert tx.payloads.of_item(seq) == tx.items.get([seq]) == []
        assert tx.items.count() == 0
    assert found(store, "secret") == []


def test_bytes_stay_for_the_copy_of_another_member(store: Store) -> None:
    a, b = open_log(store, "a"), open_log(store, "b")
    share(store, a, 0, [item(1, "shared words")])
    (kept,) = share(store, b, 0, [item(1, "shared words", author=b"m2")])
    index_all(store)
    with store.write() as tx:
        tx.payloads.drop(a, 0)
    with store.read() as tx:
        assert tx.items.get([kept])[0][1] == tx.payloads.get(b, 0, 1)[0].data == item(1, "shared words").data
        assert [row.seq for row in tx.items.search("words")] == [kept]


def test_an_own_item_stays_when_its_entry_goes(store: Store) -> None:
    number = open_log(store)
    (seq,) = share(store, number, 0, [item(1, "mine", own=True)])
    index_all(store)
    with store.write() as tx:
        tx.payloads.drop(number, 0)
        assert tx.items.get([seq])[0][1] == item(1, "mine").data
        assert tx.payloads.of_item(seq) == []
    assert found(store, "mine") == [stix_id(1)]


def test_cleared_items_are_folded_again_from_their_entries(store: Store) -> None:
    a, b = open_log(store, "a"), open_log(store, "b")
    received = [item(1, "one"), item(2, "two"), item(1, "three")]
    share(store, a, 0, received)
    share(store, b, 0, [item(1, "one", author=b"m2"), item(4, "mine", own=True)])
    index_all(store)
    payloads = [row.data for log in (a, b) for row in rows_of(store, log)]
    with store.write() as tx:
        tx.items.clear()
        assert [row.seq for row in tx.items.page(ItemQuery())] == [5]
        assert tx.items.find([stix_id(n) for n in range(5)]).keys() == {stix_id(4)}
        assert tx.items.prefix("indicator") == [stix_id(4)]
        assert [row.item for row in tx.payloads.get(a, 0, 9)] == [0, 0, 0]
        assert [row.item for row in tx.payloads.get(b, 0, 9)] == [0, 5]
        assert list(tx.payloads.acts(["item/1"])) == []
    index_all(store)
    assert found(store, "one") == []
    assert found(store, "mine") == [stix_id(4)]
    assert [row.data for log in (a, b) for row in rows_of(store, log)] == payloads
    share(store, a, 0, received)
    share(store, b, 0, [item(1, "one", author=b"m2")])
    index_all(store)
    assert [row.data for log in (a, b) for row in rows_of(store, log)] == payloads
    with store.read() as tx:
        assert tx.items.count() == 5
        assert [row.item for row in tx.payloads.get(a, 0, 9)] == [6, 7, 8]
        assert [(row.log, row.index) for row in tx.payloads.of_item(9)] == [(b, 0)]
    assert shown(store, logs=(b,)) == [5, 9]
    assert found(store, "two") == [stix_id(2)]


def test_a_payload_takes_no_other_bytes_when_items_are_folded_again(store: Store) -> None:
    number = open_log(store)
    share(store, number, 0, [item(1, "one")])
    with pytest.raises(StoreError, match="bytes"), store.write() as tx:  # noqa: PT012 - all of it is undone
        tx.items.clear()
        (seq,) = tx.items.add([item(1, "forged")])
        tx.payloads.put(number, [payload(0, item=seq)])


def test_a_payload_can_be_dropped_while_its_item_is_cleared(store: Store) -> None:
    number = open_log(store)
    share(store, number, 0, [item(1, "one"), item(1, "one")])
    with store.write() as tx:
        tx.items.clear()
        tx.payloads.drop(number, 0)
        assert [row.data for row in tx.payloads.get(number, 0, 9)] == [item(1, "one").data]
        tx.payloads.drop(number, 1)
        assert tx.payloads.get(number, 0, 9) == []
        tx.items.clear()
    assert keep(store, item(1, "one")) == [3]


def rows_of(store: Store, log: int) -> list[object]:
    with store.read() as tx:
        return list(tx.payloads.get(log, 0, 10_000))
