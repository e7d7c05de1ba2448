"""A member's key history proves itself by the member's id and grows under the founding key alone."""

from __future__ import annotations

from hashlib import sha256

import msgspec
import pytest
from msgspec import structs

from entente.core import keys
from entente.core.errors import InvalidError, NotFoundError, RefusedError, VerificationError
from entente.core.ids import Member, member_id
from entente.ledger import keys as key_logs
from entente.ledger import log
from entente.ledger.history import KeyHistory, KeyRecord
from entente.ledger.log import Accepted, Draft
from entente.ledger.package import Package, pack
from entente.store.memory.store import MemoryStore
from ledger.one_log import noise

SEEDS = {use: sha256(use.encode()).digest() for use in ("log", "witness", "store", "transport")}
NEXT, LAST = sha256(b"next").digest(), sha256(b"last").digest()


def record(**changes: object) -> KeyRecord:
    publics = {use: keys.public_of(seed) for use, seed in SEEDS.items()}
    plain = KeyRecord(**publics, next=sha256(keys.public_of(NEXT)).digest(), name="Anna", url="https://anna.example")
    return structs.replace(plain, **changes)


ANNA = member_id(keys.public_of(SEEDS["log"]))


class Owner:
    """A member and its key history."""

    def __init__(self, **changes: object) -> None:
        self.store = MemoryStore()
        with self.store.write() as tx:
            self.row = key_logs.found(tx, record(**changes), seed=SEEDS["log"], time=1, random=noise)

    def add(self, payload: bytes, kind: str = "key/1", seed: bytes = SEEDS["log"]) -> None:
        with self.store.write() as tx:
            self.row, _ = log.append(tx, self.row, [Draft(kind, 2, b"", payload)], seed=seed, random=noise)

    def renew(self, *, lost: bool = False) -> None:
        new = {use: keys.public_of(sha256(seed).digest()) for use, seed in SEEDS.items()} | {
            "log": keys.public_of(NEXT)
        }
        following = sha256(keys.public_of(LAST)).digest()
        made = record(**new, next=following, seal=keys.sealing_public_of(bytes(32)))
        made = made if lost else made.handed_over(ANNA, SEEDS["log"])
        with self.store.write() as tx:
            self.row = key_logs.add(tx, self.row, made, seed=NEXT, time=3, random=noise)

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


def test_later_entry_does_not_change_the_log_key_to_one_that_was_not_committed_to() -> None:
    owner, reader = Owner(), Reader()
    owner.add(record(log=keys.public_of(b"x" * 32)).body())
    assert reader.take(owner).failure is not None
    assert reader.take(owner, packages=[]).row.size == 0


def test_rotation_arrives_and_later_entries_stand_under_the_new_key() -> None:
    owner, reader = Owner(), Reader()
    assert reader.take(owner).failure is None
    owner.renew()
    assert reader.take(owner).failure is None
    owner.add(structs.replace(owner.history().current, name="Anna the Second", handover=b"").body(), "key/2", NEXT)
    assert reader.take(owner).failure is None
    assert reader.name() == "Anna the Second"


def test_entry_under_the_retired_key_is_refused() -> None:
    owner, reader = Owner(), Reader()
    owner.renew()
    assert reader.take(owner).failure is None
    owner.add(structs.replace(owner.history().current, name="Thief", handover=b"").body(), "key/2", SEEDS["log"])
    assert isinstance(reader.take(owner).failure, VerificationError)
    assert reader.name() == "Anna"


def test_succession_is_taken_by_who_knew_nothing_and_waits_elsewhere_until_it_is_approved() -> None:
    owner, knows, stranger = Owner(), Reader(), Reader()
    assert knows.take(owner).failure is None
    owner.renew(lost=True)
    assert stranger.take(owner).failure is None
    failure = knows.take(owner).failure
    assert failure is not None
    assert failure.code == "succession"
    with knows.store.write() as tx:
        assert key_logs.take_document(tx, owner.history(), approved=True).size == 2
        assert key_logs.history(tx, ANNA).successions == (1,)


def test_own_entry_that_would_break_the_history_is_not_appended() -> None:
    owner = Owner()
    with pytest.raises(VerificationError), owner.store.write() as tx:
        key_logs.add(tx, owner.row, record(next=bytes(32)), seed=SEEDS["log"], time=2, random=noise)
    assert owner.history().size == 1


def test_part_of_a_history_is_refused() -> None:
    owner, reader = Owner(), Reader()
    first = owner.packages()
    owner.add(record(name="Anna the Second").body())
    assert isinstance(reader.take(owner, packages=first).failure, VerificationError)


def test_card_with_another_beginning_is_refused_as_a_fork() -> None:
    reader, other = Reader(), Owner()
    other.add(record(name="Anna the Second").body())
    with reader.store.write() as tx:
        key_logs.take_document(tx, other.history())
    with pytest.raises(VerificationError) as caught, reader.store.write() as tx:
        key_logs.take_document(tx, Owner(name="Another Anna").history())
    assert caught.value.code == "fork"


def test_only_key_entries_stand_in_a_key_history() -> None:
    owner, reader = Owner(), Reader()
    owner.add(record().body(), kind="person/1")
    assert isinstance(reader.take(owner).failure, VerificationError)


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
    for number in range(255):
        owner.add(record(name=f"Anna {number}").body())
    assert reader.take(owner).taken == 256
    owner.add(record(name="Anna once more").body())
    assert isinstance(reader.take(owner).failure, VerificationError)


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
