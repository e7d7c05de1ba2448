from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entente.core import entry
from entente.core.errors import InvalidError

KINDS = st.from_regex(r"[a-z][a-z-]{0,30}/[1-9][0-9]{0,2}", fullmatch=True)
HASHES = st.binary(min_size=32, max_size=32)
ENTRIES = st.builds(entry.Entry, KINDS, st.integers(0, 2**53 - 1), st.integers(0, 2**31 - 1), HASHES)
ROWS = st.lists(
    st.tuples(KINDS, st.integers(0, 2**53 - 1), st.binary(min_size=16, max_size=16), st.binary(max_size=50)), max_size=9
)
LEAF = b'{"c":"qtw-cWHOUyYGqDZiHyXw6uI5xU_loW7z0qRPZGs37j8","k":"item/1","s":7,"t":1732360000000,"v":1}'


def test_leaf_of_the_protocol_text_is_made_and_read() -> None:
    salt, payload = b"\x03" * 16, b"payload"
    assert entry.leaves(["item/1"], [1732360000000], [salt], [payload]) == [LEAF]
    assert entry.parse(LEAF) == entry.Entry("item/1", 1732360000000, 7, entry.commitment(salt, payload))
    assert entry.commitment(salt, payload) == sha256(b"entente/commit/v1\0" + salt + payload).digest()


@settings(max_examples=100)
@given(value=ENTRIES)
def test_entry_is_read_back_from_its_leaf(value: entry.Entry) -> None:
    assert entry.parse(value.leaf()) == value
    assert len(value.leaf()) <= entry.MAX_LEAF


@settings(max_examples=60)
@given(rows=ROWS)
def test_batch_gives_the_leaves_of_single_entries(rows: list[tuple[str, int, bytes, bytes]]) -> None:
    kinds, times, salts, payloads = ([row[column] for row in rows] for column in range(4))
    single = [entry.Entry(k, t, len(p), entry.commitment(s, p)).leaf() for k, t, s, p in rows]
    assert entry.leaves(kinds, times, salts, payloads) == single
    committed = entry.commitments(salts, payloads)
    assert entry.leaves_of(kinds, times, [len(payload) for payload in payloads], committed) == single


@settings(max_examples=150)
@given(value=ENTRIES, data=st.data())
def test_changed_byte_of_a_leaf_is_refused_or_another_entry(value: entry.Entry, data: st.DataObject) -> None:
    leaf = value.leaf()
    position, byte = data.draw(st.integers(0, len(leaf) - 1)), data.draw(st.integers(0, 255))
    changed = leaf[:position] + bytes([byte]) + leaf[position + 1 :]
    try:
        read = entry.parse(changed)
    except InvalidError:
        return
    assert read.leaf() == changed
    assert (read == value) == (changed == leaf)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"}", b"}\n"),
        (b'"v":1', b'"v":2'),
        (b'"v":1', b'"v":1,"x":1'),
        (b'"s":7', b'"s":07'),
        (b'"s":7', b'"s":-7'),
        (b'"s":7', b'"s": 7'),
        (b'"s":7', b'"s":7.0'),
        (b'"s":7', b'"s":2147483648'),
        (b'"t":1732360000000', b'"t":9007199254740992'),
        (b'"t":1732360000000', b'"t":"1732360000000"'),
        (b"item/1", b"item"),
        (b"item/1", b"item/0"),
        (b"item/1", b"item/01"),
        (b"item/1", b"item/1000"),
        (b"item/1", b"Item/1"),
        (b"item/1", b"-item/1"),
        (b"item/1", b"i" * 32 + b"/1"),
        (b"item/1", b"item\\u002f1"),
        (b"37j8", b"37j9"),
        (b"37j8", b"37j8="),
        (b"37j8", b"37j"),
        (b"qtw-", b"qtw+"),
        (LEAF, b""),
        (LEAF, b"null"),
        (LEAF, LEAF + LEAF),
        (LEAF, b'{"k":"item/1","c":"qtw-cWHOUyYGqDZiHyXw6uI5xU_loW7z0qRPZGs37j8","s":7,"t":1732360000000,"v":1}'),
        (LEAF, b" " * 600),
    ],
)
def test_any_other_spelling_of_a_leaf_is_refused(old: bytes, new: bytes) -> None:
    with pytest.raises(InvalidError):
        entry.parse(LEAF.replace(old, new))


@pytest.mark.parametrize(
    ("kind", "time", "size", "commitment"),
    [
        ("item", 0, 0, bytes(32)),
        ("item/1\n", 0, 0, bytes(32)),
        ("item/1", -1, 0, bytes(32)),
        ("item/1", 2**53, 0, bytes(32)),
        ("item/1", 0, -1, bytes(32)),
        ("item/1", 0, 2**31, bytes(32)),
        ("item/1", 0, 0, bytes(31)),
    ],
)
def test_entry_that_no_leaf_could_say_is_refused(kind: str, time: int, size: int, commitment: bytes) -> None:
    with pytest.raises(InvalidError):
        entry.Entry(kind, time, size, commitment)
    with pytest.raises(InvalidError):
        entry.leaves_of(["item/1", kind], [0, time], [0, size], [bytes(32), commitment])


def test_batch_of_unequal_columns_or_short_salts_is_refused() -> None:
    for kinds, times, salts, payloads in (
        ([], [1], [bytes(16)], [b""]),
        (["item/1"], [], [bytes(16)], [b""]),
        (["item/1"], [1], [], [b""]),
        (["item/1"], [1], [bytes(16)], []),
        (["item/1"], [1], [bytes(15)], [b""]),
    ):
        with pytest.raises(InvalidError):
            entry.leaves(kinds, times, salts, payloads)


def test_salt_hides_equal_payloads() -> None:
    assert entry.commitment(bytes(16), b"same") != entry.commitment(b"\x01" + bytes(15), b"same")
