"""What a member has seen and what it holds: said once for each size, under two keys, for a root that is ours too."""

from __future__ import annotations

from hashlib import sha256

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entente.core import keys, merkle, note
from entente.core.errors import VerificationError
from entente.core.ids import member_id, origin_hash
from entente.ledger import witness
from entente.ledger.history import KeyRecord
from entente.ledger.witness import Cosignature, Stage
from ledger.one_log import AUTHOR, ORIGIN, Desk, draft, written

SEEDS = {use: sha256(b"reader" + use.encode()).digest() for use in ("log", "witness", "store", "transport")}
KEYS = KeyRecord(**{use: keys.public_of(seed) for use, seed in SEEDS.items()}, next=bytes(32), name="Reader")
READER = member_id(KEYS.log)
LOG = origin_hash(ORIGIN)
NOW = 1_790_000_000


def cosign(desk: Desk, now: int = NOW) -> list[Cosignature]:
    with desk.store.write() as tx:
        return witness.cosign(tx, desk.row, READER, witness_seed=SEEDS["witness"], store_seed=SEEDS["store"], now=now)


def take(desk: Desk, given: Cosignature) -> bool:
    with desk.store.write() as tx:
        return witness.take(tx, desk.row, given, KEYS)


def reader_of(author: Desk) -> Desk:
    reader = Desk()
    assert reader.take_from(author).failure is None
    return reader


def test_both_statements_are_made_once_for_each_size() -> None:
    author = written(3)
    reader = reader_of(author)
    assert [(each.stage, each.size) for each in cosign(reader)] == [("witnessed", 3), ("stored", 3)]
    assert cosign(reader, NOW + 60) == []
    author.append(draft(3))
    reader.take_from(author)
    assert [(each.stage, each.size) for each in cosign(reader, NOW + 60)] == [("witnessed", 4), ("stored", 4)]


def test_author_verifies_and_keeps_the_newest() -> None:
    author = written(3)
    reader = reader_of(author)
    old = cosign(reader)
    author.append(draft(3))
    reader.take_from(author)
    new = cosign(reader)
    assert [take(author, each) for each in new] == [True, True]
    assert [take(author, each) for each in [*new, *old]] == [False] * 4
    with author.store.read() as tx:
        held = witness.of_log(tx, LOG)
        assert {(each.stage, each.size) for each in held} == {("witnessed", 4), ("stored", 4)}
        assert list(witness.lines_for(tx, author.row, 4)) == held
        assert list(witness.lines_for(tx, author.row, 3)) == []
    assert {witness.time_of(each) for each in held} == {NOW}


def test_payload_that_is_awaited_holds_back_the_word_that_all_is_stored() -> None:
    author = written(3)
    author.drop(1)
    reader = reader_of(author)
    assert [each.stage for each in cosign(reader)] == ["witnessed"]
    with reader.store.write() as tx:
        tx.payloads.settle(reader.row.id, [1])
    assert [each.stage for each in cosign(reader)] == ["stored"]


def test_nobody_cosigns_its_own_log() -> None:
    author = written(3)
    with author.store.write() as tx:
        own = witness.cosign(tx, author.row, AUTHOR, witness_seed=b"w" * 32, store_seed=b"s" * 32, now=NOW)
    assert own == []


def test_empty_incomplete_and_stopped_logs_are_not_cosigned() -> None:
    assert cosign(Desk()) == []
    author, reader = written(600), Desk()
    reader.take(author.row.note, author.packages(0)[:1])
    assert cosign(reader) == []
    reader.take_from(author)
    with reader.store.write() as tx:
        tx.logs.save(msgspec.structs.replace(reader.row, stopped="evidence"))
    assert cosign(reader) == []


def test_statement_under_the_other_key_is_refused() -> None:
    author = written(3)
    first, second = cosign(reader_of(author))
    for wrong in (
        msgspec.structs.replace(first, stage="stored"),
        msgspec.structs.replace(second, stage="witnessed"),
        msgspec.structs.replace(first, line=second.line),
    ):
        with pytest.raises(VerificationError):
            take(author, wrong)


@pytest.mark.parametrize("stage", ["read", "used", "", "WITNESSED", "witnessed "])
def test_only_two_words_are_statements(stage: str) -> None:
    author = written(3)
    first, _ = cosign(reader_of(author))
    with pytest.raises(VerificationError):
        take(author, msgspec.structs.replace(first, stage=stage))


@pytest.mark.parametrize("size", [0, -1, 4, 2**62])
def test_statement_about_what_is_not_held_is_left(size: int) -> None:
    author = written(3)
    first, _ = cosign(reader_of(author))
    assert not take(author, msgspec.structs.replace(first, size=size))


def test_statement_for_another_root_is_a_split_view() -> None:
    author, other = written(3), Desk()
    other.append(draft(0), draft(1), draft(9))
    given, _ = cosign(reader_of(other))
    with pytest.raises(VerificationError) as raised:
        take(author, given)
    assert raised.value.code == "split-view"


def test_changed_line_is_refused() -> None:
    author = written(3)
    first, _ = cosign(reader_of(author))
    for line in ("", "— x y", first.line[:-6] + "AAAA==", first.line * 2):
        with pytest.raises(Exception, match=r".") as raised:
            take(author, msgspec.structs.replace(first, line=line))
        assert type(raised.value).__module__ == "entente.core.errors"


@given(st.integers(1, 300), st.data())
@settings(max_examples=20)
def test_root_at_an_earlier_size_is_the_root_of_those_leaves(size: int, data: st.DataObject) -> None:
    desk = written(size)
    at = data.draw(st.integers(1, size))
    with desk.store.read() as tx:
        hashes = merkle.leaf_hashes(tx.logs.leaves(desk.row.id, 0, at))
        assert witness.root_at(tx, desk.row, at) == merkle.root(hashes)


def test_tally_is_equal_where_the_statements_are() -> None:
    author = written(3)
    reader = reader_of(author)
    for each in cosign(reader):
        take(author, each)
    with author.store.read() as one, reader.store.read() as other:
        assert witness.tally(one, [author.row]) == witness.tally(other, [reader.row])
        assert witness.tally(one, []) == sha256(b"").digest()
    author.append(draft(3))
    reader.take_from(author)
    cosign(reader)
    with author.store.read() as one, reader.store.read() as other:
        assert witness.tally(one, [author.row]) != witness.tally(other, [reader.row])


def key_id(cosignature: Cosignature) -> bytes:
    return note.Signature.parse(cosignature.line).key_id


def test_of_one_size_the_statement_under_the_current_key_stays() -> None:
    author = written(3)
    reader = reader_of(author)
    old = cosign(reader)[0]
    assert take(author, old)
    new_seed = bytes([7]) * 32
    with reader.store.write() as tx:
        (new,) = witness.cosign(tx, reader.row, READER, witness_seed=new_seed, store_seed=SEEDS["store"], now=NOW)
    changed = msgspec.structs.replace(KEYS, witness=keys.public_of(new_seed))
    with author.store.write() as tx:
        assert witness.take(tx, author.row, new, changed)
        assert not witness.take(tx, author.row, new, changed)
        (held,) = [each for each in witness.of_log(tx, new.log) if each.stage == Stage.WITNESSED]
    assert key_id(held) == key_id(new) != key_id(old)


def test_tally_is_the_one_of_the_page() -> None:
    reader = reader_of(written(3))
    first, second = cosign(reader)
    lines = [
        each.log + each.member + byte + (3).to_bytes(8, "big") + each.root + key_id(each)
        for each, byte in ((first, b"\1"), (second, b"\2"))
    ]
    with reader.store.read() as tx:
        assert witness.tally(tx, [reader.row]) == sha256(b"".join(sorted(lines))).digest()
    assert first.stage == Stage.WITNESSED
