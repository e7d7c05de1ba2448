"""A member announces an entry and never serves its payload, or serves two for one commitment."""

from __future__ import annotations

from entente.core import entry
from entente.core.ids import Member, origin_hash
from entente.exchange.messages import Delivery, Message, Part, Want
from entente.ledger.package import Package
from hostile.peer import Peer, Scene, codes, row_of
from stories.story import forge, give, holds, id_of, indicator, raw


def bare_last(peer: Peer, scene: Scene, start: int) -> Part:
    """Return the newest entry of the peer's log as a leaf, as if its payload were gone."""
    row = peer.row(scene.circle)
    with peer.node.base.store.read() as tx:
        (leaf,) = tx.logs.leaves(row.id, row.size - 1, row.size)
    part = peer.part(row, start)
    said = entry.parse(leaf)
    package = Package(start, [said.kind], b"\0", [0], [0], bytes(16), b"", [(0, leaf)], [])
    return Part(part.log, part.note, [package], part.root, part.link)


def test_a_withheld_payload_is_asked_for_in_every_round_and_blocks_nothing(scene: Scene) -> None:
    harbour, northwind = scene.honest
    summit = scene.summit
    scene.settle()
    log = origin_hash(summit.row(scene.circle).origin)

    def silent(_partner: Member, message: Message) -> Message:
        kept = [part for part in message.parts if part.log != log]
        return Message(
            **{
                **{name: getattr(message, name) for name in message.__struct_fields__},
                "deliveries": [],
                "parts": kept,
            }
        )

    summit.lie = silent
    start = row_of(harbour, scene.circle, summit.node.base.me).size
    forge(summit.node, scene.circle, indicator(1))
    assert codes(summit.say(harbour, Message(parts=[bare_last(summit, scene, start)]))) == []
    assert not holds(harbour, id_of(indicator(1)))
    for _ in range(3):
        answer = summit.say(harbour, Message(full=True))
        assert Want(log, [start]) in answer.wants, "it is asked for again"
        assert harbour.exchange.sync(summit.node.member)[0].error == ""
    give(northwind, scene.circle, indicator(5))
    assert harbour.exchange.sync(northwind.member)[0].error == ""
    assert holds(harbour, id_of(indicator(5))), "nothing of others waits for it"
    forge(summit.node, scene.circle, indicator(2))
    assert codes(summit.say(harbour, Message(parts=[summit.part(summit.row(scene.circle), start + 1)]))) == []
    assert holds(harbour, id_of(indicator(2))), "nor does what the same member sends"
    given = [each for each in cosigned(scene) if each.member == harbour.base.me]
    assert {each.stage for each in given if each.size > start} <= {"witnessed"}, "the head is seen, not stored"
    assert harbour.ledger.verify().ok


def cosigned(scene: Scene) -> list:
    """Return what Harbour has said of Summit's log."""
    from entente.ledger.witness import of_log

    row = scene.summit.row(scene.circle)
    with scene.harbour.node.base.store.read() as tx:
        return of_log(tx, origin_hash(row.origin))


def test_another_payload_under_the_same_commitment_is_refused_and_the_right_one_taken(scene: Scene) -> None:
    harbour, _ = scene.honest
    summit = scene.summit
    scene.settle()
    log = origin_hash(summit.row(scene.circle).origin)
    start = row_of(harbour, scene.circle, summit.node.base.me).size
    forge(summit.node, scene.circle, indicator(1))
    summit.say(harbour, Message(parts=[bare_last(summit, scene, start)]))
    with summit.node.base.store.read() as tx:
        (held,) = tx.payloads.get(summit.row(scene.circle).id, start, start + 1)
    forged = held.head + raw(indicator(1, name="another"))
    for salt, payload in ((held.salt, forged), (bytes(16), held.head + held.data)):
        answer = summit.say(harbour, Message(deliveries=[Delivery(log, start, salt, payload)]))
        assert codes(answer) == ["verification"]
        assert not holds(harbour, id_of(indicator(1)))
    answer = summit.say(harbour, Message(deliveries=[Delivery(log, start, held.salt, held.head + held.data)]))
    assert codes(answer) == []
    assert holds(harbour, id_of(indicator(1)))
