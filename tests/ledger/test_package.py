"""A package is exactly what it says: columns of equal length, leaves recomputed, bare where no payload is held."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entente.core.errors import EntenteError, InvalidError
from entente.ledger.package import Package, unpack
from ledger.one_log import Desk, draft, written


def test_package_ends_with_its_chunk() -> None:
    author = written(300)
    assert [(each.start, len(each.kind_of)) for each in author.packages(0)] == [(0, 256), (256, 44)]
    assert [(each.start, len(each.kind_of)) for each in author.packages(250)] == [(250, 6), (256, 44)]


def test_budget_ends_a_package_but_never_before_its_first_entry() -> None:
    author = Desk()
    author.append(*(draft(number, b"x" * 100) for number in range(5)))
    assert [len(each.kind_of) for each in author.packages(0, budget=250)] == [2, 2, 1]
    assert [len(each.kind_of) for each in author.packages(0, budget=1)] == [1] * 5


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=20), st.sets(st.integers(0, 19)))
@settings(max_examples=40)
def test_what_is_unpacked_is_what_was_written(payloads: list[bytes], lost: set[int]) -> None:
    author = Desk()
    author.append(*(draft(number, payload) for number, payload in enumerate(payloads)))
    lost = {index for index in lost if index < len(payloads)}
    for index in lost:
        author.drop(index)
    (package,) = author.packages(0)
    columns, leaves = unpack(package)
    with author.store.read() as tx:
        assert leaves == tx.logs.leaves(author.row.id, 0, len(payloads))
    assert [each.payload for each in columns] == [
        None if index in lost else payload for index, payload in enumerate(payloads)
    ]
    assert [each.time for each in columns] == [1000 + number for number in range(len(payloads))]
    assert [each.size for each in columns] == [len(payload) for payload in payloads]


def test_bare_leaf_is_taken_and_its_payload_awaited() -> None:
    author, reader = written(5), Desk()
    author.drop(2)
    assert reader.take_from(author).failure is None
    assert reader.awaited() == [2]
    assert [index for index, _ in reader.payloads()] == [0, 1, 3, 4]


def test_bare_leaf_that_was_changed_is_refused() -> None:
    author, reader = written(5), Desk()
    author.drop(2)
    (package,) = author.packages(0)
    ((at, leaf),) = package.bare
    other = msgspec.structs.replace(package, bare=[(at, leaf.replace(b'"t":1002', b'"t":1003'))])
    assert reader.take(author.row.note, [other]).failure is not None
    assert reader.row.size == 0


def _good() -> Package:
    return written(3).packages(0)[0]


WRONG = {
    "empty": {"kinds": [], "kind_of": b"", "times": [], "sizes": [], "salts": b"", "payloads": b""},
    "too many": {"kind_of": bytes(257)},
    "times too few": {"times": [1000, 1]},
    "sizes too many": {"sizes": [7, 7, 7, 0]},
    "salts cut": {"salts": b"x" * 47},
    "unknown kind": {"kind_of": b"\0\0\1"},
    "negative size": {"sizes": [8, -1, 14]},
    "sizes do not add up": {"sizes": [7, 7, 8]},
    "negative start": {"start": -1},
    "start beyond all logs": {"start": 2**63},
    "kind that is none": {"kinds": ["Refused"]},
    "time before time": {"times": [-1, 0, 0]},
    "time beyond time": {"times": [2**53, 0, 0]},
    "bare beside a payload": {"bare": [(0, b"{}")]},
    "bare outside": {"bare": [(3, b"{}")]},
    "bare before": {"bare": [(-1, b"{}")]},
}


@pytest.mark.parametrize("case", WRONG)
def test_columns_that_do_not_fit_are_refused(case: str) -> None:
    with pytest.raises(InvalidError):
        unpack(msgspec.structs.replace(_good(), **WRONG[case]))


@given(st.from_type(Package))
@settings(max_examples=200)
def test_whatever_is_in_a_package_only_our_errors_come_out(package: Package) -> None:
    try:
        columns, leaves = unpack(package)
    except EntenteError:
        return
    assert len(columns) == len(leaves) == len(package.kind_of)
