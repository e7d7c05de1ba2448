"""Rounds: one trip when nothing is new, each side gets what it lacks and may have, and every round comes to an end."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec
import pytest

from entente.core import canon, merkle
from entente.core.ids import b32, origin_hash
from entente.exchange.messages import Delivery, Head, Message, Part, Refusal, Want, decode, encode
from entente.exchange.round import Round
from entente.ledger import witness
from entente.node.exchange.side import MemberSide
from entente.node.rooms import offers as room_offers
from entente.node.rooms.offers import MAX_OPEN
from entente.policy.agreement import FoundingText, Terms
from network import Network

if TYPE_CHECKING:
    from collections.abc import Callable

    from entente.node import Node
    from entente.node.partners.values import Synced
    from entente.store.ports import LogRow

STEPS = 6
"""More trips than this no round takes with a partner that has nothing to say, however often it says it."""


def made(number: int, size: int = 10) -> tuple[str, bytes]:
    fields = {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--00000000-0000-4000-8000-{number:012d}",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "name": "x" * size,
        "pattern": "[file:size = 1]",
        "pattern_type": "stix",
        "valid_from": "2026-01-01T00:00:00Z",
    }
    return "made", json.dumps(fields).encode()


def share(node: Node, *numbers: int, circle: str = "Agreement", size: int = 10) -> int:
    files = [made(number, size) for number in numbers]
    return node.items.import_files(files, tlp="TLP:GREEN", circle=circle).shared


def sync(node: Node, other: Node) -> Synced:
    (done,) = node.exchange.sync(other.member)
    return done


def names(node: Node) -> set[int]:
    return {int(each.id[-12:]) for each in node.items.list().items}


def common(node: Node, other: Node) -> list[LogRow]:
    with node.base.store.write() as tx:
        return MemberSide(node.base).audience.common(tx, other.base.me).rows


def own_log(node: Node, circle: str) -> LogRow:
    """Return a member's own log in a circle."""
    with node.base.store.read() as tx:
        room = node.base.find_circle(node.base.in_force(tx), circle)
        found = tx.logs.get(room.origin(node.base.me))
    assert found is not None
    return found


def open_round(node: Node, other: Node) -> tuple[Round, Message]:
    round_ = Round(MemberSide(node.base), other.base.me)
    with node.base.store.write() as tx:
        return round_, round_.open(tx)


def answer(node: Node, caller: Node, message: Message) -> Message:
    return decode(node.door.handle_exchange(caller.base.me, encode(message)))


@pytest.fixture
def two() -> tuple[Network, Node, Node]:
    """Give two members of one agreement, at rest."""
    network = Network(3)
    one, other = network.add("Anna"), network.add("Bora")
    network.agree(one, other)
    network.settle()
    return network, one, other


def test_round_with_nothing_new_is_one_trip_below_two_kilobytes() -> None:
    network = Network(1)
    one, other, third = (network.add(name) for name in ("Anna", "Bora", "Cato"))
    network.agree(one, other, third)
    network.circle(one, other, agreement="Agreement", name="Inner")
    network.settle()
    assert len(common(one, other)) == 8
    calls = network.wires[one.base.me].calls
    calls.clear()
    done = sync(one, other)
    assert (len(calls), done.sent.entries, done.received.entries) == (2, 0, 0)
    assert sum(calls) < 2048


def test_first_message_names_all_common_logs_and_asks_for_what_is_missing(two: tuple[Network, Node, Node]) -> None:
    _, one, other = two
    _, message = open_round(one, other)
    assert message.full
    assert {head.log for head in message.heads} == {origin_hash(row.origin) for row in common(one, other)}
    assert len(message.tally) == 32
    assert not message.changes()


def test_entries_go_both_ways_in_one_round(two: tuple[Network, Node, Node]) -> None:
    _, one, other = two
    share(one, 1, 2)
    share(other, 3)
    done = sync(one, other)
    assert (done.sent.entries, done.received.entries, done.error) == (2, 1, "")
    assert names(one) == names(other) == {1, 2, 3}


def test_more_than_fits_into_a_message_takes_more_trips_and_arrives(two: tuple[Network, Node, Node]) -> None:
    network, one, other = two
    share(one, *range(30), size=300_000)
    done = sync(one, other)
    assert done.sent.entries == 30
    assert names(other) == set(range(30))
    assert len(network.wires[one.base.me].calls) > 4


def test_many_small_entries_arrive_whoever_calls(two: tuple[Network, Node, Node]) -> None:
    _, one, other = two
    share(one, *range(700))
    assert sync(other, one).received.entries == 700
    assert other.ledger.verify().ok


def test_both_learn_what_the_other_holds_in_the_same_round(two: tuple[Network, Node, Node]) -> None:
    _, one, other = two
    share(one, 1)
    sync(one, other)
    log = own_log(one, "Agreement")
    with one.base.store.read() as tx:
        said = {(each.stage, each.size) for each in witness.of_log(tx, origin_hash(log.origin))}
    assert said == {("witnessed", log.size), ("stored", log.size)}


def test_lost_answer_is_made_good_by_the_next_round(two: tuple[Network, Node, Node]) -> None:
    _, one, other = two
    share(one, 1)
    _, message = open_round(one, other)
    answer(other, one, message)
    assert sync(one, other).error == ""
    assert names(other) == {1}


def test_message_that_arrives_twice_changes_nothing_more(two: tuple[Network, Node, Node]) -> None:
    _, one, other = two
    share(one, 1)
    round_, message = open_round(one, other)
    with one.base.store.write() as tx:
        push = round_.turn(tx, answer(other, one, message))
    answer(other, one, push)
    before = [(row.origin, row.size, row.note) for row in common(other, one)]
    answer(other, one, push)
    assert [(row.origin, row.size, row.note) for row in common(other, one)] == before
    assert other.ledger.verify().ok


def test_caller_that_is_not_paired_gets_nothing() -> None:
    network = Network(1)
    one, other = network.add("Anna"), network.add("Bora")
    one.partners.add(other.partners.card())
    done = network.wires[one.base.me]
    assert "not paired" in one.exchange.round(other.base.me).error
    assert done.calls == []


def test_log_that_is_not_common_is_neither_taken_nor_given() -> None:
    network = Network(1)
    one, other, third = (network.add(name) for name in ("Anna", "Bora", "Cato"))
    network.agree(one, other, third)
    inner = network.circle(one, other, agreement="Agreement", name="Inner")
    share(one, 1, circle=inner)
    hidden = origin_hash(own_log(one, inner).origin)
    asked = Message(heads=[Head(hidden, 0, merkle.EMPTY_ROOT)], wants=[Want(hidden, [0, 1])])
    assert answer(one, third, asked) == answer(one, third, Message())
    given = Message(parts=[Part(hidden, b"", [])], deliveries=[Delivery(hidden, 0, bytes(16), b"x")])
    reply = answer(one, third, given)
    assert [each.code for each in reply.refusals] == ["not-entitled"]
    unknown = msgspec.structs.replace(given, parts=[Part(bytes(32), b"", [])], deliveries=[])
    (refusal,) = answer(one, third, unknown).refusals
    assert (refusal.code, refusal.text) == (reply.refusals[0].code, reply.refusals[0].text)


def test_offer_arrives_with_its_agreement_first() -> None:
    network = Network(1)
    one, other = network.add("Anna"), network.add("Bora")
    network.pair(one, other)
    made_ = one.agreements.propose([other.member], name="Agreement")
    sync(one, other)
    assert [each.id for each in other.agreements.list()] == [made_.agreement]
    assert other.agreements.list()[0].state == "proposed"


def offers(one: Node, other: Node, count: int, *, members: tuple[bytes, ...] = ()) -> list[bytes]:
    texts = [
        FoundingText.make(
            f"Number {number}",
            members or (one.base.me, other.base.me),
            Terms(),
            nonce=number.to_bytes(32, "big"),
            secret=bytes(32),
        )
        for number in range(count)
    ]
    return [canon.encode({"v": 1, "agreement": text.to_dict()}) for text in texts]


def test_partner_has_at_most_sixteen_offers_open() -> None:
    network = Network(1)
    one, other = network.add("Anna"), network.add("Bora")
    network.pair(one, other)
    some = offers(one, other, MAX_OPEN + 2)
    for offer in some:
        reply = answer(other, one, Message(offers=[offer]))
    assert [each.text for each in reply.refusals] != []
    assert len(other.agreements.list()) == MAX_OPEN
    assert not answer(other, one, Message(offers=some[:1])).refusals


@pytest.mark.parametrize("who", ["receiver", "sender", "neither"])
def test_offer_must_name_both_sides(who: str) -> None:
    network = Network(1)
    one, other, third = (network.add(name) for name in ("Anna", "Bora", "Cato"))
    network.pair(one, other)
    left_out = {
        "receiver": (one.base.me, third.base.me),
        "sender": (other.base.me, third.base.me),
        "neither": (third.base.me, bytes(32)),
    }
    (offer,) = offers(one, other, 1, members=left_out[who])
    (refusal,) = answer(other, one, Message(offers=[offer])).refusals
    assert refusal.code == "offer"
    assert other.agreements.list() == []


def test_circle_of_an_agreement_that_is_not_known_is_refused(two: tuple[Network, Node, Node]) -> None:
    _, one, other = two
    with one.base.store.read() as tx:
        text = next(iter(room_offers.load(tx))).text
    offer = canon.encode({"v": 1, "agreement": b32(bytes(32)), "circle": text.to_dict()})
    (refusal,) = answer(other, one, Message(offers=[offer])).refusals
    assert refusal.code == "offer"


def test_what_one_side_will_not_take_both_can_read(two: tuple[Network, Node, Node]) -> None:
    network, one, other = two
    share(one, 1)

    def spoil(body: bytes) -> bytes:
        message = decode(body)
        parts = [msgspec.structs.replace(part, note=b"nothing") for part in message.parts]
        return encode(msgspec.structs.replace(message, parts=parts))

    network.wires[other.base.me].tamper = spoil
    done = sync(other, one)
    assert [each["by"] for each in done.refusals] == ["us"]
    assert done.received.entries == 0
    assert other.ledger.verify().ok


SAYS: dict[str, Callable[[bytes], Message]] = {
    "nothing at all": lambda _log: Message(),
    "that it has nothing": lambda log: Message(heads=[Head(log, 0, merkle.EMPTY_ROOT)]),
    "that it has more": lambda log: Message(heads=[Head(log, 99, bytes(32))]),
    "another history": lambda log: Message(heads=[Head(log, 1, bytes(32))]),
    "a full list without logs": lambda _log: Message(full=True),
    "that there is more": lambda _log: Message(more=True),
    "that there is more, and heads": lambda log: Message(heads=[Head(log, 0, merkle.EMPTY_ROOT)], more=True),
    "a broken offer": lambda _log: Message(offers=[b"{}"]),
    "a broken part": lambda log: Message(parts=[Part(log, b"", [])]),
    "a broken part, and more": lambda log: Message(parts=[Part(log, b"", [])], more=True),
    "a wish": lambda log: Message(wants=[Want(log, [0])]),
    "a payload that nobody wants": lambda log: Message(deliveries=[Delivery(log, 0, bytes(16), b"x")]),
    "refusals": lambda _log: Message(refusals=[Refusal("limit", "x", "No.")] * 3),
    "an unknown log": lambda _log: Message(full=True, heads=[Head(bytes(32), 5, bytes(32))], tally=bytes(32)),
}


@pytest.mark.parametrize("says", SAYS)
@pytest.mark.parametrize("which", range(4))
def test_partner_that_always_says_the_same_does_not_hold_a_round_for_ever(
    two: tuple[Network, Node, Node], says: str, which: int
) -> None:
    network, one, other = two
    share(one, 1)
    rows = common(one, other)
    body = encode(SAYS[says](origin_hash(rows[which].origin)))
    wire = network.wires[one.base.me]
    wire.tamper = lambda _answer: body
    wire.calls.clear()
    one.exchange.sync(other.member)
    assert len(wire.calls) <= 2 * STEPS
    wire.tamper = lambda answer: answer
    assert sync(one, other).error == ""
    assert names(other) == {1}
    assert one.ledger.verify().ok


def test_partner_that_talks_without_end_is_not_listened_to_without_end(two: tuple[Network, Node, Node]) -> None:
    """It says something else each time, and claims now to hold our log and now not to."""
    network, one, other = two
    share(one, *range(5))
    mine, theirs = (origin_hash(own_log(node, "Agreement").origin) for node in two[1:])
    wire = network.wires[one.base.me]
    wire.calls.clear()

    def talk(_answer: bytes) -> bytes:
        turn = len(wire.calls)
        heads = [Head(mine, turn % 4 // 2, bytes(32)), Head(theirs, turn, bytes(32))]
        return encode(Message(heads=heads[turn % 4 // 2 :], more=True))

    wire.tamper = talk
    done = sync(one, other)
    assert len(wire.calls) < 100
    assert done.sent.entries < 30


def test_answer_that_is_no_message_ends_the_round_with_an_error(two: tuple[Network, Node, Node]) -> None:
    network, one, other = two
    share(one, 1)
    wire = network.wires[one.base.me]
    for body in (b"", b"garbage", encode(Message(version=2))):
        wire.tamper = lambda _answer, body=body: body
        assert sync(one, other).error
    wire.tamper = lambda answer: answer
    assert sync(one, other).sent.entries == 1


def three_of_whom_the_relay_lacks_a_payload() -> tuple[Network, Node, Node, Node]:
    """Anna shared two items, Bora holds both leaves and one payload, Cato has not heard of either and reaches Bora."""
    network = Network(1)
    author, relay, reader = (network.add(name) for name in ("Anna", "Bora", "Cato"))
    network.agree(author, relay, reader)
    network.settle()
    share(author, 1, 2)
    sync(author, relay)
    log = own_log(author, "Agreement")
    with relay.base.store.write() as tx:
        held = tx.logs.get(log.origin)
        assert held is not None
        tx.payloads.drop(held.id, log.size - 1)
    return network, author, relay, reader


def test_payload_that_a_relay_lacks_comes_from_its_author() -> None:
    network, author, relay, reader = three_of_whom_the_relay_lacks_a_payload()
    network.wires[reader.base.me].cut = {author.base.me}
    assert sync(reader, relay).received.entries == 2
    assert names(reader) == {1}
    log = own_log(author, "Agreement")
    with reader.base.store.read() as tx:
        held = tx.logs.get(log.origin)
        assert held is not None
        assert (held.size, tx.payloads.awaited(held.id)) == (log.size, [log.size - 1])
        said = {
            each.stage: each.size
            for each in witness.of_log(tx, origin_hash(log.origin))
            if each.member == reader.base.me
        }
    assert said["witnessed"] == log.size
    assert said.get("stored", 0) < log.size
    network.wires[reader.base.me].cut = set()
    sync(reader, author)
    assert names(reader) == {1, 2}
    with author.base.store.read() as tx:
        said = {
            each.stage: each.size
            for each in witness.of_log(tx, origin_hash(log.origin))
            if each.member == reader.base.me
        }
    assert said == {"witnessed": log.size, "stored": log.size}
    assert reader.ledger.verify().ok


def test_reader_asks_in_vain_where_nobody_has_it_and_the_round_ends() -> None:
    network, author, relay, reader = three_of_whom_the_relay_lacks_a_payload()
    network.wires[reader.base.me].cut = {author.base.me}
    sync(reader, relay)
    wire = network.wires[reader.base.me]
    wire.calls.clear()
    assert sync(reader, relay).error == ""
    assert len(wire.calls) <= 2 * STEPS


def test_another_payload_than_the_one_committed_to_is_refused() -> None:
    network, author, relay, reader = three_of_whom_the_relay_lacks_a_payload()
    network.wires[reader.base.me].cut = {author.base.me}
    sync(reader, relay)
    log = own_log(author, "Agreement")
    wrong = Delivery(origin_hash(log.origin), log.size - 1, bytes(16), b"another")
    (refusal,) = answer(reader, relay, Message(deliveries=[wrong])).refusals
    assert refusal.subject == log.origin
    assert names(reader) == {1}
    unasked = Delivery(origin_hash(log.origin), 0, bytes(16), b"another")
    assert not answer(reader, relay, Message(deliveries=[unasked])).refusals


def test_entries_reach_a_member_that_its_author_cannot_reach() -> None:
    network = Network(1)
    author, relay, reader = (network.add(name) for name in ("Anna", "Bora", "Cato"))
    network.agree(author, relay, reader)
    network.settle()
    network.wires[author.base.me].cut = {reader.base.me}
    network.wires[reader.base.me].cut = {author.base.me}
    share(author, 1)
    network.settle()
    assert names(reader) == {1}
    assert "stored" in {each.stage for each in author.ledger.receipts(made_id(1)) if each.member == reader.member}


def made_id(number: int) -> str:
    return f"indicator--00000000-0000-4000-8000-{number:012d}"
