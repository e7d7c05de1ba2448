"""Bundles that are damaged, forged, stolen, too large or not for the reader are refused, and nothing has changed."""

from __future__ import annotations

import os
import random
import tracemalloc
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from entente.core import canon
from entente.core.errors import ConflictError, LimitError, RefusedError, VerificationError, WaitingError
from entente.exchange import bundle
from entente.exchange.messages import encode
from entente.ledger.keys import found, history
from entente.node import Node
from entente.node.exchange.sealing import seal, unseal
from entente.node.home.base import Base
from entente.store.memory.store import MemoryStore
from network import Network
from node.courier import Courier, agreed, apart, renew, state
from stories.story import give, holds, id_of, indicator

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def courier(tmp_path: Path) -> Courier:
    return Courier(tmp_path)


def test_a_bundle_of_who_was_not_confirmed_is_refused_and_changes_nothing(courier: Courier) -> None:
    network = Network()
    harbour, rail = network.add("Harbour"), network.add("Rail")
    for wire in network.wires.values():
        wire.cut.update(network.nodes)
    harbour.partners.add(rail.partners.card())
    with pytest.raises(RefusedError, match="not confirmed"):
        harbour.bundles.export(rail.member, courier.folder / "early")
    assert not (courier.folder / "early").exists()
    harbour.partners.confirm(rail.member, " ".join(rail.words))
    path = courier.make(harbour, rail)
    before = state(rail)
    with pytest.raises(RefusedError) as unknown:
        rail.bundles.take(path)
    rail.partners.add(harbour.partners.card())
    met = state(rail)
    with pytest.raises(RefusedError) as unconfirmed:
        rail.bundles.take(path)
    assert unknown.value.code == unconfirmed.value.code == "not-entitled"
    assert before != met == state(rail)
    rail.partners.confirm(harbour.member, " ".join(harbour.words))
    rail.bundles.take(path)
    assert rail.partners.list()[0].state == "paired"


def test_a_dead_pairing_reads_and_writes_no_bundle(courier: Courier) -> None:
    _, (harbour, rail) = apart("Harbour", "Rail")
    path = courier.make(harbour, rail)
    with pytest.raises(VerificationError):
        rail.partners.confirm(harbour.member, " ".join(rail.words))
    with pytest.raises(RefusedError):
        rail.bundles.take(path)
    with pytest.raises(RefusedError):
        rail.bundles.export(harbour.member, courier.folder / "other")


def test_only_the_reader_can_open_it(courier: Courier) -> None:
    _, (harbour, rail, tower) = apart("Harbour", "Rail", "Tower")
    path = courier.make(harbour, rail)
    before = state(tower)
    for other in (tower, harbour):
        with pytest.raises(VerificationError, match="cannot be opened"):
            other.bundles.take(path)
    assert state(tower) == before


def test_a_reader_cannot_pass_it_on_as_one_for_somebody_else(courier: Courier) -> None:
    _, (harbour, rail, tower) = apart("Harbour", "Rail", "Tower")
    inside: list[bytes] = []
    with courier.make(harbour, rail).open("rb") as stream:
        unseal(stream, rail.base.keys.secrets.identity, inside.append)
    path = courier.folder / "passed-on"
    with tower.base.store.read() as tx, path.open("wb") as out:
        seal(iter(inside), out, tower.base.history(tx, tower.base.me).current.recipient)
    before = state(tower)
    with pytest.raises(VerificationError, match="another member"):
        tower.bundles.take(path)
    assert state(tower) == before


def test_an_existing_file_is_never_replaced(courier: Courier) -> None:
    _, (harbour, rail) = apart("Harbour", "Rail")
    path = courier.folder / "there"
    path.write_bytes(b"mine")
    with pytest.raises(ConflictError):
        harbour.bundles.export(rail.member, path)
    assert path.read_bytes() == b"mine"


def test_what_breaks_off_leaves_no_file(courier: Courier) -> None:
    _, (harbour, rail) = apart("Harbour", "Rail")
    agreed(courier, harbour, rail)

    def stop(_what: str, _done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        harbour.bundles.export(rail.member, courier.folder / "half", stop)
    assert not (courier.folder / "half").exists()


@pytest.fixture(scope="module")
def given_bundle(tmp_path_factory: pytest.TempPathFactory) -> tuple[Node, bytes, Path]:
    """A reader, a bundle with items that it could take, and a place for damaged copies of it."""
    folder = tmp_path_factory.mktemp("damaged")
    courier = Courier(folder)
    _, (harbour, rail) = apart("Harbour", "Rail")
    circle = agreed(courier, harbour, rail)
    give(harbour, circle, *map(indicator, range(5)))
    return rail, courier.make(harbour, rail).read_bytes(), folder / "copy"


def refused_without_a_trace(reader: Node, path: Path, data: bytes) -> None:
    before = state(reader)
    path.write_bytes(data)
    with pytest.raises(VerificationError):
        reader.bundles.take(path)
    assert state(reader) == before


def test_every_byte_of_the_envelope_counts(given_bundle: tuple[Node, bytes, Path]) -> None:
    reader, data, path = given_bundle
    body = data.index(b"\n---") + 80
    for at in (*range(body), *range(len(data) - 20, len(data))):
        refused_without_a_trace(reader, path, data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])


@given(st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_flipped_bit_is_refused_and_changes_nothing(
    given_bundle: tuple[Node, bytes, Path], draw: st.DataObject
) -> None:
    reader, data, path = given_bundle
    at, bit = draw.draw(st.integers(0, len(data) - 1)), draw.draw(st.integers(0, 7))
    refused_without_a_trace(reader, path, data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :])


@given(cut=st.integers(0, 1 << 20))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_truncated_or_longer_file_is_refused_and_changes_nothing(
    given_bundle: tuple[Node, bytes, Path], cut: int
) -> None:
    reader, data, path = given_bundle
    refused_without_a_trace(reader, path, data[: cut % len(data)])
    refused_without_a_trace(reader, path, data + data[: cut % len(data) + 1])


def test_a_bit_flipped_inside_by_who_can_seal_is_refused_and_changes_nothing(
    given_bundle: tuple[Node, bytes, Path],
) -> None:
    reader, data, path = given_bundle
    path.write_bytes(data)
    inside: list[bytes] = []
    with path.open("rb") as stream:
        unseal(stream, reader.base.keys.secrets.identity, inside.append)
    plain = b"".join(inside)
    with reader.base.store.read() as tx:
        recipient = reader.base.history(tx, reader.base.me).current.recipient
    before = state(reader)
    chance = random.Random(4)
    for at in [*range(40), *(chance.randrange(len(plain)) for _ in range(60)), *range(len(plain) - 70, len(plain))]:
        with path.open("wb") as out:
            seal(iter([plain[:at] + bytes([plain[at] ^ 1]) + plain[at + 1 :]]), out, recipient)
        with pytest.raises((VerificationError, LimitError)):
            reader.bundles.take(path)
    assert state(reader) == before


def test_a_large_bundle_is_never_held_whole(courier: Courier) -> None:
    _, (harbour, rail) = apart("Harbour", "Rail")
    with harbour.base.store.read() as tx:
        recipient = harbour.base.history(tx, rail.base.me).current.recipient
        manifest = harbour.bundles._manifest(tx, rail.base.me)
    courier.carry(rail, harbour)
    body = encode(bundle.Message(refusals=[bundle.Refusal("x", "y", os.urandom(1 << 20).hex())] * 1))
    assert len(body) > 1 << 20
    path = courier.folder / "large"
    tracemalloc.start()
    try:
        with path.open("wb") as out:
            seal(
                bundle.write(manifest, harbour.base.keys.secrets.seed("transport"), (body for _ in range(64))),
                out,
                recipient,
            )
        written = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        rail.bundles.take(path)
        read = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert path.stat().st_size > 64 << 20
    assert written < 16 << 20
    assert read < 24 << 20


def test_a_file_larger_than_any_bundle_is_refused_unread(courier: Courier) -> None:
    _, (_, rail) = apart("Harbour", "Rail")
    path = courier.folder / "sparse"
    with path.open("wb") as out:
        out.truncate(200 << 30)
    with pytest.raises(LimitError):
        rail.bundles.take(path)


def test_a_member_without_a_sealing_key_gets_no_bundle(courier: Courier) -> None:
    network = Network()
    harbour, other = network.add("Harbour"), network.add("Old")
    store = MemoryStore()
    with other.base.store.read() as tx:
        record = structs.replace(other.base.history(tx, other.base.me).current, seal=b"")
    with store.write() as tx:
        found(tx, record, seed=other.base.keys.secrets.seed("log"), time=network.now, random=network.random.randbytes)
        old = history(tx, other.base.me)
    harbour.partners.add(canon.encode({"entente-card": 1, "member": other.member, "keys": old.document()}))
    network.wires[harbour.base.me].cut.add(other.base.me)
    harbour.partners.confirm(other.member, " ".join(other.words))
    with pytest.raises(ConflictError, match="no key yet"):
        harbour.bundles.export(other.member, courier.folder / "none")
    assert not (courier.folder / "none").exists()


def test_a_bundle_signed_with_retired_keys_is_refused_and_changes_nothing(courier: Courier) -> None:
    network, (harbour, rail) = apart("Harbour", "Rail")
    circle = agreed(courier, harbour, rail)
    stolen = harbour.base.keys.secrets.seed("transport")
    early = courier.make(harbour, rail)
    with harbour.base.store.read() as tx:
        manifest = harbour.bundles._manifest(tx, rail.base.me)
        recipient = harbour.base.history(tx, rail.base.me).current.recipient
    renew(network, harbour)
    give(harbour, circle, indicator(1))
    courier.both(harbour, rail)
    thief = courier.folder / "thief"
    with thief.open("wb") as out:
        seal(bundle.write(manifest, stolen, [encode(bundle.Message(full=True))]), out, recipient)
    before = state(rail)
    for path in (thief, early):
        with pytest.raises(VerificationError, match="signature"):
            rail.bundles.take(path)
    assert state(rail) == before
    courier.both(harbour, rail)


def test_a_key_history_that_contradicts_the_known_one_is_refused(courier: Courier) -> None:
    network, (harbour, rail) = apart("Harbour", "Rail")
    agreed(courier, harbour, rail)
    store = MemoryStore()
    with harbour.base.store.read() as tx:
        record = structs.replace(harbour.base.history(tx, harbour.base.me).current, name="Another Harbour")
        manifest = harbour.bundles._manifest(tx, rail.base.me)
        recipient = harbour.base.history(tx, rail.base.me).current.recipient
    secrets = harbour.base.keys.secrets
    with store.write() as tx:
        found(tx, record, seed=secrets.seed("log"), time=network.now, random=network.random.randbytes)
        manifest = structs.replace(manifest, keys=history(tx, harbour.base.me))
    path = courier.folder / "two-histories"
    with path.open("wb") as out:
        seal(bundle.write(manifest, secrets.seed("transport"), ()), out, recipient)
    before = state(rail)
    with pytest.raises(VerificationError, match="contradict"):
        rail.bundles.take(path)
    assert state(rail) == before


def test_locked_keys_write_and_read_no_bundle(courier: Courier) -> None:
    network, (harbour, rail) = apart("Harbour", "Rail")
    path = courier.make(harbour, rail)
    base = Base(None, rail.base.store, None, clock=network.clock, random=network.random.randbytes, me=rail.base.me)
    locked = Node(base, network.wires[rail.base.me])
    before = state(rail)
    with pytest.raises(WaitingError):
        locked.bundles.take(path)
    with pytest.raises(WaitingError):
        locked.bundles.export(harbour.member, courier.folder / "locked")
    assert state(rail) == before
    assert not (courier.folder / "locked").exists()


def test_a_file_that_is_changed_while_it_is_read_is_refused(courier: Courier) -> None:
    _, (harbour, rail) = apart("Harbour", "Rail")
    circle = agreed(courier, harbour, rail)
    other = courier.make(harbour, rail).read_bytes()
    give(harbour, circle, *map(indicator, range(20)))
    path = courier.make(harbour, rail)
    before = state(rail)

    def swap(what: str, _done: int, _total: int) -> None:
        if what == "verify":
            path.write_bytes(other)

    assert len(other) < path.stat().st_size < 1 << 16
    with pytest.raises(VerificationError, match="changed while"):
        rail.bundles.take(path, swap)
    assert state(rail) == before


def test_only_an_answer_to_what_was_asked_in_doubt_ends_the_doubt(courier: Courier) -> None:
    _, (harbour, rail) = apart("Harbour", "Rail")
    circle = agreed(courier, harbour, rail)
    courier.both(harbour, rail)
    early = courier.make(rail, harbour)
    with harbour.base.store.write() as tx:
        harbour.base.guard.doubt(tx, "a test")
    harbour.bundles.take(early)
    give(harbour, circle, indicator(1))

    def doubted() -> str:
        with harbour.base.store.read() as tx:
            return harbour.base.guard.doubted(tx)

    assert doubted()
    late = courier.make(rail, harbour)
    question = courier.make(harbour, rail)
    harbour.bundles.take(late)
    assert doubted()
    assert rail.bundles.take(question).refused == []
    assert not holds(rail, id_of(indicator(1)))
    courier.carry(rail, harbour)
    assert not doubted()
    courier.carry(harbour, rail)
    assert holds(rail, id_of(indicator(1)))
    with harbour.base.store.read() as tx:
        assert tx.records.scan("seen") == []
