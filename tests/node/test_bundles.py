"""Members that share no network: bundles carry everything, in any order, twice, and nothing that is not theirs."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from entente.core.errors import VerificationError
from entente.core.ids import origin_hash
from entente.exchange import bundle
from entente.exchange.bundle import PartnerBundle
from entente.exchange.messages import Head, encode
from entente.exchange.round import Round
from entente.ledger import witness
from entente.node.exchange import bundles
from entente.node.exchange.sealing import seal, unseal
from entente.node.exchange.side import MemberSide
from network import Network
from node.courier import Courier, agreed, apart, renew, state, states
from stories.story import give, holds, id_of, indicator, shown

if TYPE_CHECKING:
    from pathlib import Path

    from entente.node import Node


@pytest.fixture
def courier(tmp_path: Path) -> Courier:
    return Courier(tmp_path)


def opened(path: Path, reader: Node) -> list[bundle.Message]:
    """Return the messages in a bundle for this reader."""
    messages: list[bundle.Message] = []
    parser = bundle.Parser(lambda given: given.keys.current.transport, lambda _, message: messages.append(message))
    with path.open("rb") as stream:
        unseal(stream, reader.base.keys.secrets.identity, parser.feed)
    parser.close()
    return messages


def test_pairing_agreement_items_and_receipts_travel_by_bundles(courier: Courier) -> None:
    _, (harbour, rail) = apart("Harbour", "Rail")
    assert harbour.partners.list()[0].state == rail.partners.list()[0].state == "waiting"
    assert courier.carry(harbour, rail).received.entries == 0
    assert rail.partners.list()[0].state == "paired"
    assert harbour.partners.list()[0].state == "waiting"
    courier.carry(rail, harbour)
    assert harbour.partners.list()[0].state == "paired"
    circle = agreed(courier, harbour, rail)
    ours, theirs = indicator(1), indicator(2)
    give(harbour, circle, ours)
    give(rail, circle, theirs)
    courier.both(harbour, rail)
    assert holds(rail, id_of(ours))
    assert holds(harbour, id_of(theirs))
    assert shown(rail, id_of(ours)) == shown(harbour, id_of(ours))
    assert (rail.member, "stored") in states(harbour, id_of(ours))
    assert (harbour.member, "stored") in states(rail, id_of(theirs))
    assert harbour.ledger.verify().ok
    assert rail.ledger.verify().ok


def test_a_bundle_says_how_much_it_brought(courier: Courier) -> None:
    _, (harbour, rail) = apart("Harbour", "Rail")
    circle = agreed(courier, harbour, rail)
    give(harbour, circle, *map(indicator, range(300)))
    path = courier.folder / "one"
    made = harbour.bundles.export("Rail", path)
    taken = rail.bundles.take(path)
    assert made.entries == taken.received.entries == 300
    assert taken.received.bytes > 300 * 100
    assert path.stat().st_mode & 0o777 == 0o600


def test_taking_it_again_changes_nothing(courier: Courier) -> None:
    _, (harbour, rail) = apart("Harbour", "Rail")
    circle = agreed(courier, harbour, rail)
    give(harbour, circle, *map(indicator, range(5)))
    path = courier.make(harbour, rail)
    assert rail.bundles.take(path).received.entries == 5
    before = state(rail)
    for _ in range(2):
        taken = rail.bundles.take(path)
        assert (taken.received.entries, taken.refused) == (0, [])
    assert state(rail) == before


@pytest.mark.parametrize("seed", range(8))
def test_bundles_may_come_in_any_order_twice_or_not_at_all(courier: Courier, seed: int) -> None:
    chance = random.Random(seed)
    _, (harbour, rail) = apart("Harbour", "Rail")
    circle = agreed(courier, harbour, rail)
    under_way: list[tuple[Node, Path]] = []
    for number in range(12):
        one, other = chance.sample([harbour, rail], 2)
        give(one, circle, indicator(number))
        under_way += [(other, courier.make(one, other))] * chance.randint(0, 2)
        chance.shuffle(under_way)
        while under_way and chance.random() < 0.5:
            reader, path = under_way.pop()
            assert reader.bundles.take(path).refused == []
    for reader, path in under_way:
        assert reader.bundles.take(path).refused == []
    courier.both(harbour, rail)
    for number in range(12):
        id_ = id_of(indicator(number))
        assert shown(harbour, id_) == shown(rail, id_)
        assert any(stage == "stored" for _, stage in states(harbour, id_) | states(rail, id_))
    with harbour.base.store.read() as one, rail.base.store.read() as other:
        assert {row.origin: row.peaks for row in one.logs.all()} == {row.origin: row.peaks for row in other.logs.all()}
    assert harbour.ledger.verify().ok
    assert rail.ledger.verify().ok


def test_a_bundle_with_nothing_new_is_small_and_brings_nothing(courier: Courier) -> None:
    _, (harbour, rail) = apart("Harbour", "Rail")
    circle = agreed(courier, harbour, rail)
    give(harbour, circle, *map(indicator, range(300)))
    courier.both(harbour, rail)
    path = courier.folder / "idle"
    assert harbour.bundles.export(rail.member, path).entries == 0
    assert path.stat().st_size < 8_000
    assert [(message.full, message.changes()) for message in opened(path, rail)] == [(True, False)]
    assert rail.bundles.take(path).received.entries == 0


def test_what_is_missing_before_a_bundle_is_named_and_comes_with_a_later_one(courier: Courier) -> None:
    _, (harbour, rail) = apart("Harbour", "Rail")
    circle = agreed(courier, harbour, rail)
    give(harbour, circle, indicator(1))
    with harbour.base.store.read() as tx:
        row = next(row for row in tx.logs.all() if row.member == harbour.base.me and row.circle)
        mistaken = PartnerBundle(heads=[Head(origin_hash(row.origin), row.size, witness.root_at(tx, row, row.size))])
    give(harbour, circle, indicator(2))
    early = courier.folder / "supposes-too-much"
    with harbour.base.store.read() as tx, early.open("wb") as out:
        messages = bundle.compose(tx, Round(MemberSide(harbour.base), rail.base.me), mistaken)
        manifest = harbour.bundles._manifest(tx, rail.base.me)
        recipient = harbour.base.history(tx, rail.base.me).current.recipient
        seal(bundle.write(manifest, harbour.base.keys.secrets.seed("transport"), map(encode, messages)), out, recipient)
    taken = rail.bundles.take(early)
    assert [(each["by"], each["code"]) for each in taken.refused] == [("us", "gap")]
    assert f"Entries {row.size - 1} to {row.size} are missing" in taken.refused[0]["text"]
    assert not holds(rail, id_of(indicator(2)))
    answer = courier.carry(rail, harbour)
    assert [(each["by"], each["code"]) for each in answer.refused] == [("partner", "gap")]
    assert courier.carry(harbour, rail).received.entries == 2
    assert holds(rail, id_of(indicator(1)))
    assert holds(rail, id_of(indicator(2)))
    again = rail.bundles.take(early)
    assert (again.received.entries, again.refused) == (0, [])


def test_a_third_member_relays_by_bundle(courier: Courier) -> None:
    _, (harbour, rail, tower) = apart("Harbour", "Rail", "Tower")
    circle = agreed(courier, harbour, rail, tower)
    give(rail, circle, indicator(1))
    give(tower, circle, indicator(2))
    for _ in range(2):
        courier.both(harbour, rail, 1)
        courier.both(harbour, tower, 1)
    assert shown(tower, id_of(indicator(1))) == shown(rail, id_of(indicator(1)))
    assert shown(rail, id_of(indicator(2))) == shown(tower, id_of(indicator(2)))
    courier.both(harbour, rail, 1)
    assert {(tower.member, "stored"), (harbour.member, "stored")} <= states(rail, id_of(indicator(1)))


def test_nothing_of_a_circle_without_the_reader_is_in_its_bundle(courier: Courier) -> None:
    _, (harbour, rail, tower) = apart("Harbour", "Rail", "Tower")
    agreed(courier, harbour, rail, tower)
    agreement = harbour.agreements.list()[0].id
    made = harbour.agreements.open_circle(agreement, [rail.member], name="Night desk")
    harbour.agreements.sign(made.circle)
    courier.carry(harbour, rail)
    rail.agreements.sign(made.circle)
    courier.both(harbour, rail)
    give(harbour, made.circle, indicator(7, name="Nobody else's"))
    messages = opened(courier.make(harbour, tower), tower)
    with harbour.base.store.read() as tx:
        common = MemberSide(harbour.base).audience.common(tx, tower.base.me).rows
        hidden = [row.origin for row in tx.logs.all() if row.origin not in {each.origin for each in common}]
    named = {head.log for message in messages for head in message.heads}
    named |= {part.log for message in messages for part in message.parts}
    assert hidden
    assert not named & {origin_hash(origin) for origin in hidden}
    assert b"Night desk" not in b"".join(offer for message in messages for offer in message.offers)


def test_who_is_suspended_reads_nothing_new_and_is_not_pushed_to(courier: Courier) -> None:
    _, (harbour, rail) = apart("Harbour", "Rail")
    circle = agreed(courier, harbour, rail)
    courier.both(harbour, rail)
    rail.agreements.changes.suspend_partner(harbour.member, reason="doubt")
    give(rail, circle, indicator(1))
    courier.carry(rail, harbour)
    assert not holds(harbour, id_of(indicator(1)))
    give(harbour, circle, indicator(2))
    with harbour.base.store.read() as tx:
        withheld = bundles.known(tx, rail.base.me).withheld
    assert withheld
    path = courier.make(harbour, rail)
    pushed = {part.log for message in opened(path, rail) for part in message.parts if part.packages}
    assert not pushed & set(withheld)
    assert rail.bundles.take(path).refused == []
    rail.agreements.changes.suspend_partner(harbour.member, reason="doubt", resume=True)
    courier.both(rail, harbour)
    assert holds(harbour, id_of(indicator(1)))
    assert holds(rail, id_of(indicator(2)))


def test_an_amendment_and_a_newcomer_travel_by_bundles(courier: Courier) -> None:
    _, (harbour, rail, tower) = apart("Harbour", "Rail", "Tower")
    agreed(courier, harbour, rail)
    courier.both(harbour, tower, 1)
    courier.both(rail, tower, 1)
    made = harbour.agreements.changes.accede("Apart", tower.member)
    harbour.agreements.sign(made.amendment)
    courier.carry(harbour, rail)
    rail.agreements.sign(made.amendment)
    for _ in range(2):
        courier.both(harbour, rail, 1)
        courier.both(harbour, tower, 1)
    tower.agreements.sign(tower.agreements.list()[0].id)
    for _ in range(2):
        for one, other in ((tower, harbour), (harbour, rail), (rail, tower)):
            courier.both(one, other, 1)
    assert {node.agreements.show("Apart").epoch for node in (harbour, rail, tower)} == {2}
    give(tower, tower.agreements.list()[0].circles[0].id, indicator(1))
    courier.both(tower, rail, 1)
    assert holds(rail, id_of(indicator(1)))


def test_a_recall_travels_by_bundle_and_an_older_bundle_brings_nothing_back(courier: Courier) -> None:
    _, (harbour, rail) = apart("Harbour", "Rail")
    circle = agreed(courier, harbour, rail)
    give(harbour, circle, indicator(1))
    early = courier.make(harbour, rail)
    rail.bundles.take(early)
    assert holds(rail, id_of(indicator(1)))
    harbour.recalls.withdraw(id_of(indicator(1)))
    assert courier.carry(harbour, rail).refused == []
    assert not holds(rail, id_of(indicator(1)))
    assert courier.carry(rail, harbour).refused == []
    (recall,) = harbour.recalls.list()
    assert [each.state for each in recall.members if each.member == rail.member] == ["erased"]
    assert rail.bundles.take(early).received.entries == 0
    assert not holds(rail, id_of(indicator(1)))
    assert rail.ledger.verify().ok


@pytest.mark.parametrize("by", ["export", "import"])
def test_what_has_served_its_time_is_erased_when_bundles_are_carried(courier: Courier, by: str) -> None:
    network, (harbour, rail) = apart("Harbour", "Rail")
    circle = agreed(courier, harbour, rail, retention_days=1)
    give(harbour, circle, indicator(1))
    courier.both(harbour, rail)
    path = courier.make(harbour, rail)
    assert holds(rail, id_of(indicator(1)))
    network.now += 3 * 86_400_000
    if by == "export":
        courier.make(rail, harbour)
    else:
        rail.bundles.take(path)
    assert not holds(rail, id_of(indicator(1)))
    with rail.base.store.read() as tx:
        assert int(tx.records.get("contact", harbour.member) or b"0") > 0


def test_network_and_bundles_mix(courier: Courier) -> None:
    network = Network()
    harbour, rail = network.add("Harbour"), network.add("Rail")
    circle = network.agree(harbour, rail)
    give(harbour, circle, indicator(1))
    network.settle()
    give(harbour, circle, indicator(2))
    path = courier.folder / "one"
    # What was cosigned over the network is not in it, but our key history, which came with the card.
    assert harbour.bundles.export(rail.member, path).entries == 2
    give(harbour, circle, indicator(3))
    network.settle()
    assert rail.bundles.take(path).refused == []
    assert rail.bundles.take(path).received.entries == 0
    courier.both(harbour, rail)
    network.settle()
    assert rail.ledger.verify().ok


def test_a_payload_that_was_missing_comes_by_the_next_bundle(courier: Courier) -> None:
    _, (harbour, rail, tower) = apart("Harbour", "Rail", "Tower")
    circle = agreed(courier, harbour, rail, tower)
    courier.both(rail, tower, 1)
    give(harbour, circle, indicator(1), indicator(2))
    courier.carry(harbour, rail)
    with rail.base.store.write() as tx:
        row = next(row for row in tx.logs.all() if row.member == harbour.base.me and row.circle)
        for index in (row.size - 2, row.size - 1):
            tx.payloads.drop(row.id, index)
    courier.carry(rail, tower)
    assert not holds(tower, id_of(indicator(1)))
    with tower.base.store.read() as tx:
        row = next(row for row in tx.logs.all() if row.member == harbour.base.me and row.circle)
        assert tx.payloads.awaited(row.id) == [row.size - 2, row.size - 1]
    courier.carry(tower, harbour)
    courier.carry(harbour, tower)
    assert holds(tower, id_of(indicator(1)))
    assert holds(tower, id_of(indicator(2)))


def big(number: int) -> dict[str, object]:
    """Return an object of about a megabyte that does compress."""
    return indicator(number, description=f"{number} seen at the gate; " * 50_000)


def test_what_needs_several_messages_comes_in_one_bundle_and_may_break_off(courier: Courier) -> None:
    _, (harbour, rail) = apart("Harbour", "Rail")
    circle = agreed(courier, harbour, rail)
    give(harbour, circle, *map(big, range(9)))
    path = courier.make(harbour, rail)
    done: list[tuple[int, int]] = []

    def stop(what: str, at: int, of: int) -> None:
        if what == "import":
            done.append((at, of))
            if at == 2:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rail.bundles.take(path, stop)
    assert done[0][1] >= 4
    first = sum(holds(rail, id_of(indicator(number))) for number in range(9))
    assert 0 < first < 9
    taken = rail.bundles.take(path)
    assert (taken.received.entries, taken.refused) == (9 - first, [])
    assert all(shown(rail, id_of(big(number))) == shown(harbour, id_of(big(number))) for number in range(9))
    courier.carry(rail, harbour)
    assert (rail.member, "stored") in states(harbour, id_of(big(8)))


def test_new_keys_travel_in_the_bundle_that_they_sign(courier: Courier) -> None:
    network, (harbour, rail) = apart("Harbour", "Rail")
    circle = agreed(courier, harbour, rail)
    give(harbour, circle, indicator(1))
    give(rail, circle, indicator(3))
    sealed_before = courier.make(rail, harbour)
    renew(network, harbour)
    give(harbour, circle, indicator(2))
    assert courier.carry(harbour, rail).refused == []
    assert holds(rail, id_of(indicator(1)))
    assert holds(rail, id_of(indicator(2)))
    with pytest.raises(VerificationError, match="cannot be opened"):
        harbour.bundles.take(sealed_before)
    courier.both(rail, harbour)
    assert holds(harbour, id_of(indicator(3)))
    assert (rail.member, "stored") in states(harbour, id_of(indicator(2)))
    assert harbour.ledger.verify().ok
    assert rail.ledger.verify().ok


def test_a_sender_whose_clock_once_ran_ahead_is_heard_again(courier: Courier) -> None:
    network, (harbour, rail) = apart("Harbour", "Rail")
    circle = agreed(courier, harbour, rail)
    now = network.now
    network.now += 10 * 365 * 86_400_000
    path = courier.make(rail, harbour)
    network.now = now
    harbour.bundles.take(path)
    with harbour.base.store.read() as tx:
        assert bundles.known(tx, rail.base.me).created > network.now
    give(rail, circle, indicator(1))
    courier.carry(rail, harbour)
    with harbour.base.store.read() as tx:
        assert bundles.known(tx, rail.base.me).created < network.now


def test_an_older_bundle_does_not_replace_what_a_newer_one_said(courier: Courier) -> None:
    _, (harbour, rail) = apart("Harbour", "Rail")
    circle = agreed(courier, harbour, rail)
    early = courier.make(rail, harbour)
    give(harbour, circle, indicator(1))
    courier.both(harbour, rail, 1)
    with harbour.base.store.read() as tx:
        said = bundles.known(tx, rail.base.me)
    harbour.bundles.take(early)
    with harbour.base.store.read() as tx:
        assert bundles.known(tx, rail.base.me) == said
