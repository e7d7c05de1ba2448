"""A member's key history proves itself by the member's id and grows under the founding key alone."""

from __future__ import annotations

from hashlib import sha256

import msgspec
import pytest

from entente.core import keys
from entente.core.errors import InvalidError, NotFoundError, RefusedError, VerificationError
from entente.core.ids import Member, member_id
from entente.ledger import keys as key_logs
from entente.ledger import log
from entente.ledger.history import KIND, KeyHistory, KeyRecord
from entente.ledger.log import Accepted, Draft
from entente.ledger.package import Package, pack
from entente.store.memory import MemoryStore
from ledger.log_world import noise

SEEDS = {use: sha256(use.encode()).digest() for use in ("log", "witness", "store", "transport")}


def record(**changes: object) -> KeyRecord:
    publics = {use: keys.public_of(seed) for use, seed in SEEDS.items()}
    plain = KeyRecord(**publics, next=bytes(32), name="Anna", url="https://anna.example")
    return msgspec.structs.replace(plain, **changes)


ANNA = member_id(keys.public_of(SEEDS["log"]))


class Owner:
    """A member and its key history."""

    def __init__(self, **changes: object) -> None:
        self.store = MemoryStore()
        with self.store.write() as tx:
            self.row = key_logs.found(tx, record(**changes), seed=SEEDS["log"], time=1, random=noise)

    def add(self, payload: bytes, kind: str = KIND) -> None:
        with self.store.write() as tx:
            self.row, _ = log.append(tx, self.row, [Draft(kind, 2, b"", payload)], seed=SEEDS["log"], random=noise)

    def packages(self, start: int = 0) -> list[Package]:
        with self.store.read() as tx:
            return [pack(tx, self.row, start, self.row.size, 1 << 20)]

    def history(self) -> KeyHistory:
        with self.store.read() as tx:
            return key_logs.history(tx, ANNA)


class Reader:
    """Somebody who learns a member's keys."""

    def __init__(self) -> None:
        self.store = MemoryStore()

    def take(self, owner: Owner, member: Member = ANNA, packages: list[Package] | None = None) -> Accepted:
        with self.store.write() as tx:
            row = key_logs.open_log(tx, member)
            given = owner.packages(row.size) if packages is None else packages
            return key_logs.take(tx, row, owner.row.note, given)

    def name(self) -> str:
        with self.store.read() as tx:
            return key_logs.history(tx, ANNA).current.name


def test_history_arrives_and_its_newest_entry_counts() -> None:
    owner, reader = Owner(), Reader()
    assert reader.take(owner).failure is None
    assert reader.name() == "Anna"
    owner.add(record(name="Anna of the North").body())
    assert reader.take(owner).taken == 1
    assert reader.name() == "Anna of the North"


def test_keys_of_somebody_unknown_are_not_found() -> None:
    with pytest.raises(NotFoundError), MemoryStore().read() as tx:
        key_logs.history(tx, ANNA)


def test_history_of_another_member_is_refused() -> None:
    reader = Reader()
    accepted = reader.take(Owner(), member=Member(bytes(32)))
    assert isinstance(accepted.failure, VerificationError)
    assert accepted.row.size == 0


@pytest.mark.parametrize("use", list(SEEDS))
def test_later_entry_changes_no_key(use: str) -> None:
    owner, reader = Owner(), Reader()
    owner.add(record(**{use: keys.public_of(b"x" * 32)}).body())
    assert reader.take(owner).failure is not None
    assert reader.take(owner, packages=[]).row.size == 0


def test_only_key_entries_stand_in_a_key_history() -> None:
    owner, reader = Owner(), Reader()
    owner.add(record().body(), kind="person/1")
    assert isinstance(reader.take(owner).failure, InvalidError)


def test_key_entry_without_its_payload_is_refused() -> None:
    owner, reader = Owner(), Reader()
    owner.add(record(name="Anna the Second").body())
    with owner.store.write() as tx:
        tx.payloads.drop(owner.row.id, 1)
    assert isinstance(reader.take(owner).failure, InvalidError)


@pytest.mark.parametrize("payload", [b"", b"{}", b"x" * 9000, b"[" * 9000, b'{"log":1}'])
def test_beginning_that_is_no_key_record_is_a_failure_of_this_log_and_raises_nothing(payload: bytes) -> None:
    owner, reader = Owner(), Reader()
    (package,) = owner.packages()
    other = msgspec.structs.replace(package, sizes=[len(payload)], payloads=payload)
    assert reader.take(owner, packages=[other]).failure is not None


def test_empty_columns_are_a_failure_of_this_log_and_raise_nothing() -> None:
    owner, reader = Owner(), Reader()
    empty = Package(0, [], b"", [], [], b"", b"", [], [])
    assert reader.take(owner, packages=[empty]).failure is not None
    assert reader.take(owner, packages=[]).failure is not None


def test_history_has_at_most_256_entries() -> None:
    owner, reader = Owner(), Reader()
    for number in range(256):
        owner.add(record(name=f"Anna {number}").body())
    first = owner.packages(0)
    assert reader.take(owner, packages=first).taken == 256
    assert isinstance(reader.take(owner).failure, InvalidError)


def test_card_brings_a_history_and_a_longer_one_replaces_it() -> None:
    owner, reader = Owner(), Reader()
    old = owner.history()
    with reader.store.write() as tx:
        assert key_logs.take_document(tx, old).size == 1
    owner.add(record(url="https://new.example").body())
    with reader.store.write() as tx:
        assert key_logs.take_document(tx, owner.history()).size == 2
        assert key_logs.take_document(tx, old).size == 2
        assert key_logs.history(tx, ANNA).current.url == "https://new.example"


def test_card_with_another_history_is_refused() -> None:
    reader = Reader()
    with reader.store.write() as tx:
        key_logs.take_document(tx, Owner().history())
    with pytest.raises((VerificationError, RefusedError)), reader.store.write() as tx:
        key_logs.take_document(tx, Owner(name="Another Anna").history())
    assert reader.name() == "Anna"
