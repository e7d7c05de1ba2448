"""Entries are taken only whole, in order, and under a head that their author signed."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entente.core import entry, merkle, note
from entente.core.errors import StoreError
from entente.ledger import log
from entente.ledger.log import Judged, root_of
from entente.store.memory.store import MemoryStore
from entente.store.sqlite.store import SqliteStore
from ledger.one_log import AUTHOR, CIRCLE, ORIGIN, PUBLIC, SEED, Desk, draft, everything, noise, written
from timing import CEILING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from entente.ledger.package import Column
    from entente.store.ports import LogRow


def head(size: int, root: bytes, seed: bytes = SEED, origin: str = ORIGIN) -> bytes:
    return note.sign_checkpoint(note.Checkpoint(origin, size, root), note.Signer(origin, note.ED25519, seed))


def test_one_checkpoint_covers_an_append_of_many() -> None:
    desk = written(300)
    checkpoint = note.open_checkpoint(desk.row.note, note.Verifier(ORIGIN, note.ED25519, PUBLIC))
    with desk.store.read() as tx:
        leaves = tx.logs.leaves(desk.row.id, 0, 300)
    assert (checkpoint.size, checkpoint.root) == (300, merkle.root(merkle.leaf_hashes(leaves)))
    assert desk.row.signed == desk.row.size == 300


def test_entry_stands_where_append_says() -> None:
    desk = written(2)
    with desk.store.write() as tx:
        _, (place,) = log.append(tx, desk.row, [draft(7)], seed=SEED, random=noise)
        leaf = tx.logs.leaves(desk.row.id, 2, 3)[0]
    assert (place.index, place.leaf) == (2, merkle.leaf_hash(leaf))
    assert entry.parse(leaf).time == 1007


def test_without_a_key_entries_are_kept_and_not_signed() -> None:
    desk = written(2)
    before = desk.row.note
    row = desk.append(draft(2), seed=None)
    assert (row.size, row.signed, row.note) == (3, 2, before)
    assert sum(len(each.kind_of) for each in desk.packages(0)) == 2


def test_append_goes_on_from_what_is_stored_not_from_what_the_caller_has() -> None:
    desk = written(1)
    old = desk.row
    desk.append(draft(1))
    with desk.store.write() as tx:
        row, _ = log.append(tx, old, [draft(2)], seed=SEED, random=noise)
    assert row.size == 3


def test_log_that_was_stopped_takes_no_entries() -> None:
    desk = written(1)
    with desk.store.write() as tx:
        tx.logs.save(msgspec.structs.replace(desk.row, stopped="evidence"))
    with pytest.raises(StoreError):
        desk.append(draft(1))
    assert desk.take(desk.row.note, []).failure.code == "stopped"


@given(st.lists(st.integers(1, 300), min_size=1, max_size=4), st.integers(1, 4000))
@settings(max_examples=20)
def test_reader_holds_what_the_author_wrote(runs: list[int], budget: int) -> None:
    author, reader = Desk(), Desk()
    for count in runs:
        author.append(*(draft(number) for number in range(count)))
        accepted = reader.take(author.row.note, author.packages(reader.row.size, budget))
        assert accepted.failure is None
        assert accepted.taken == count
    assert reader.payloads() == author.payloads()
    assert (reader.row.size, root_of(reader.row), reader.row.note) == (
        author.row.size,
        root_of(author.row),
        author.row.note,
    )


def test_the_same_again_changes_nothing() -> None:
    author, reader = written(10), Desk()
    everything_again = author.packages(0)
    reader.take_from(author)
    before = reader.row
    accepted = reader.take(author.row.note, everything_again)
    assert (accepted.taken, accepted.failure) == (0, None)
    assert reader.row == before


def test_entries_that_are_there_already_are_skipped() -> None:
    author, reader = written(4), Desk()
    reader.take_from(author)
    author.append(draft(4), draft(5))
    accepted = reader.take(author.row.note, author.packages(0))
    assert (accepted.taken, accepted.failure) == (2, None)
    assert reader.payloads() == author.payloads()


def test_gap_is_refused() -> None:
    author, reader = written(4), Desk()
    accepted = reader.take(author.row.note, author.packages(2))
    assert accepted.failure.code == "gap"
    assert reader.row.size == 0


def test_head_of_another_key_is_refused() -> None:
    author, reader = written(3), Desk()
    forged = head(3, root_of(author.row), seed=b"x" * 32)
    assert reader.take(forged, author.packages(0)).failure is not None
    assert reader.row.size == 0


def test_head_of_another_log_is_refused() -> None:
    author, reader = written(3), Desk()
    other = head(3, root_of(author.row), origin=ORIGIN[:-1] + "a")
    assert reader.take(other, author.packages(0)).failure is not None
    assert reader.row.size == 0


def test_head_that_says_less_than_is_known_is_stale() -> None:
    author, reader = written(3), Desk()
    old = author.row.note
    author.append(draft(3))
    reader.take_from(author)
    assert reader.take(old, []).failure.code == "stale"
    assert reader.row.size == 4


def test_head_that_says_more_than_came_is_remembered_and_later_ones_may_not_say_less() -> None:
    author, reader = written(600), Desk()
    first = author.packages(0)[:1]
    accepted = reader.take(author.row.note, first)
    assert (accepted.taken, reader.row.size, reader.row.signed) == (256, 256, 600)
    assert reader.take(head(300, b"r" * 32), []).failure.code == "stale"
    assert reader.take_from(author).failure is None
    assert reader.row.size == 600


def test_other_root_at_equal_size_is_a_fork() -> None:
    author, reader = written(3), Desk()
    reader.take_from(author)
    assert reader.take(head(3, b"r" * 32), []).failure.code == "fork"


def test_flipped_byte_is_refused_and_nothing_of_its_package_is_stored() -> None:
    author, reader = written(300), Desk()
    packages = author.packages(0)
    payloads = packages[1].payloads
    packages[1] = msgspec.structs.replace(packages[1], payloads=payloads[:-2] + b"!" + payloads[-1:])
    accepted = reader.take(author.row.note, packages)
    assert accepted.failure.code == "verification"
    assert (accepted.taken, reader.row.size) == (256, 256)
    assert len(reader.payloads()) == 256
    assert reader.take_from(author).failure is None


@given(st.integers(0, 7), st.integers(0, 31), st.integers(1, 255))
@settings(max_examples=25)
def test_wrong_proof_is_refused_and_nothing_is_stored(line: int, at: int, change: int) -> None:
    author, reader = written(300), Desk()
    package = author.packages(0)[0]
    proof = [bytearray(each) for each in package.proof]
    proof[line % len(proof)][at] ^= change
    wrong = msgspec.structs.replace(package, proof=[bytes(each) for each in proof])
    accepted = reader.take(author.row.note, [wrong])
    assert accepted.failure is not None
    assert (reader.row.size, reader.row.signed, reader.payloads()) == (0, 0, [])


@pytest.mark.parametrize("proof", [[], [b"x" * 32], [b"x" * 31]])
def test_proof_of_another_length_is_refused(proof: list[bytes]) -> None:
    author, reader = written(300), Desk()
    wrong = msgspec.structs.replace(author.packages(0)[0], proof=proof)
    assert reader.take(author.row.note, [wrong]).failure is not None
    assert reader.row.size == 0


def test_rest_of_a_run_is_left_for_later() -> None:
    def only_three(row: LogRow, columns: list[Column], hashes: Sequence[bytes]) -> Judged:
        found = everything(row, columns[:3], hashes)
        return msgspec.structs.replace(found, taken=3)

    author, reader = written(10), Desk()
    accepted = reader.take(author.row.note, author.packages(0), only_three)
    assert (accepted.taken, accepted.held_back, accepted.failure) == (3, True, None)
    assert (reader.row.size, reader.row.signed) == (3, 10)
    assert reader.take_from(author).taken == 7
    assert root_of(reader.row) == root_of(author.row)


def test_rest_that_waits_says_why() -> None:
    author, reader = written(2), Desk()
    accepted = reader.take(author.row.note, author.packages(0), lambda *_: Judged(0, [], [], [], "too early"))
    assert accepted.failure.code == "waits"
    assert accepted.taken == 0


def test_refused_entries_are_named_by_index_and_leaf() -> None:
    author, reader = written(5), Desk()

    def not_the_fourth(row: LogRow, columns: list[Column], hashes: Sequence[bytes]) -> Judged:
        found = everything(row, [each for each in columns if each.index != 3], hashes)
        return msgspec.structs.replace(found, taken=len(columns), refused=[(3, "malformed")])

    accepted = reader.take(author.row.note, author.packages(0), not_the_fourth)
    with author.store.read() as tx:
        leaf = merkle.leaf_hash(tx.logs.leaves(author.row.id, 3, 4)[0])
    assert accepted.refused == [(3, leaf, "malformed")]
    assert [index for index, _ in reader.payloads()] == [0, 1, 2, 4]
    assert root_of(reader.row) == root_of(author.row)


def test_rewound_log_is_as_it_was_signed_and_its_rest_can_be_appended_again() -> None:
    desk = written(3)
    signed = desk.row
    desk.append(draft(3), draft(4), seed=None)
    with desk.store.write() as tx:
        row, kept = log.rewind(tx, desk.row)
    assert (row, [each.data for each in kept]) == (signed, [draft(3).data, draft(4).data])
    assert desk.append(*kept).size == 5


WRITER = """
import sys
from pathlib import Path
from ledger.one_log import Desk, SEED, ORIGIN, draft, noise
from entente.ledger import log
from entente.store.sqlite.store import SqliteStore

store = SqliteStore(Path(sys.argv[1]))
for number in range(int(sys.argv[2])):
    with store.write() as tx:
        log.append(tx, tx.logs.get(ORIGIN), [draft(number, sys.argv[3].encode())], seed=SEED, random=noise)
store.close()
"""


def test_two_processes_on_one_home_write_one_chain(tmp_path: Path) -> None:
    path = tmp_path / "home.db"
    store = SqliteStore(path, create=True, nonce=b"nonce")
    desk = Desk(store)
    tests = str(__import__("pathlib").Path(__file__).parent.parent)
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {tests!r})\n{WRITER}", str(path), "40"]
    writers = [subprocess.Popen([*command, name]) for name in ("one", "two")]
    assert [writer.wait(CEILING) for writer in writers] == [0, 0]
    assert (desk.row.size, desk.row.signed) == (80, 80)
    data = [payload for _, payload in desk.payloads()]
    assert sorted(data) == [b"one"] * 40 + [b"two"] * 40
    reader = Desk()
    assert reader.take_from(desk).failure is None
    store.close()
    with sqlite3.connect(path) as raw:
        assert raw.execute("pragma integrity_check").fetchone() == ("ok",)
    raw.close()


def test_memory_store_and_sqlite_sign_the_same_head(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "home.db", create=True, nonce=b"nonce")
    drafts = [draft(number) for number in range(20)]
    assert Desk(store).append(*drafts).note == Desk(MemoryStore()).append(*drafts).note
    store.close()


def test_head_names_no_member_and_no_circle() -> None:
    said = written(1).row.note.decode()
    assert AUTHOR.hex() not in said
    assert CIRCLE.hex() not in said
