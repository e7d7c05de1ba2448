"""What users of other platforms reported in public, told again here: each test is named after the report it answers.

Something was lost without a word, reached whom it should not reach, or never arrived. Here it arrives whole, or is
refused with a reason.
"""

from __future__ import annotations

import json

import msgspec
import pytest

from entente.core import canon
from entente.core.errors import EntenteError, InvalidError
from entente.core.ids import b32
from entente.node.exchange.side import MemberSide
from entente.policy.agreement import Terms
from network import Network
from stories.story import (
    LATER,
    bundle,
    forge,
    give,
    holds,
    id_of,
    indicator,
    log_sizes,
    marked,
    raw,
    reasons,
    shown,
    stix,
)


def two() -> Network:
    """Return a network of two members; their nodes are in the order in which they were added."""
    network = Network(42)
    network.agree(network.add("Harbour"), network.add("Northwind"))
    return network


def founding(network: Network) -> str:
    """Return the founding circle of a network's first agreement."""
    return next(iter(network.nodes.values())).agreements.circles()[0].id


# An empty scope reaches nobody.


def test_misp_4200_a_circle_without_another_member_cannot_be_opened() -> None:
    network = two()
    harbour, _ = network.nodes.values()
    agreement = harbour.agreements.list()[0].id
    for others in ([], [harbour.member]):
        with pytest.raises(EntenteError) as caught:
            harbour.agreements.open_circle(agreement, others, name="Empty")
        assert caught.value.message
    with pytest.raises(InvalidError):
        harbour.agreements.propose([], name="Nobody")
    assert len(harbour.agreements.circles()) == 1


def test_misp_4200_an_offered_circle_of_one_is_refused() -> None:
    network = two()
    harbour, northwind = network.nodes.values()
    agreement = harbour.agreements.list()[0].id
    for members in ([], [harbour.member], [b32(bytes(32)), harbour.member]):
        text = {"v": 1, "name": "Empty", "members": sorted(members), "ceiling": "TLP:AMBER", "secret": b32(bytes(32))}
        offer = canon.encode({"v": 1, "agreement": agreement, "circle": text})
        with northwind.base.store.write() as tx, pytest.raises(EntenteError):
            MemberSide(northwind.base).inbox.take_offer(tx, harbour.base.me, offer)
    assert [circle.id for circle in northwind.agreements.circles()] == [founding(network)]


def test_misp_1720_the_preview_names_exactly_who_will_hold_it() -> None:
    network = Network(3)
    harbour, northwind, summit = (network.add(name) for name in ("Harbour", "Northwind", "Summit"))
    everybody = network.agree(harbour, northwind, summit)
    agreement = harbour.agreements.list()[0].id
    inner = network.circle(harbour, northwind, agreement=agreement, name="Inner")
    harbour.items.import_files([("file", bundle(indicator(1)))], tlp="TLP:GREEN")
    for circle, members in ((everybody, [northwind, summit]), (inner, [northwind])):
        decision = harbour.sharing.preview([id_of(indicator(1))], circle).decisions[0]
        assert sorted(decision.members) == sorted(node.member for node in members)
    harbour.sharing.send([id_of(indicator(1))], inner)
    network.settle()
    assert holds(northwind, id_of(indicator(1)))
    assert not holds(summit, id_of(indicator(1)))


def test_misp_1720_an_agreement_that_names_no_kinds_lets_nothing_go() -> None:
    network = Network(4)
    harbour, northwind = network.add("Harbour"), network.add("Northwind")
    circle = network.agree(harbour, northwind, kinds=[])
    done = give(harbour, circle, indicator(1))
    assert (done.shared, done.refused) == (0, {"kind": 1})
    network.settle()
    assert not holds(northwind, id_of(indicator(1)))


def test_misp_1720_an_empty_circle_lists_and_exports_nothing_rather_than_everything() -> None:
    network = two()
    harbour, _ = network.nodes.values()
    harbour.items.import_files([("file", bundle(indicator(1), indicator(2)))], tlp="TLP:GREEN")
    assert harbour.items.list(circle=founding(network)).items == []
    assert list(harbour.items.export(circle=founding(network))) == []
    assert harbour.sharing.send([], founding(network)).shared == 0
    assert len(harbour.items.list().items) == 2


# What is large arrives whole, or is refused with a reason.


def test_misp_3381_twelve_thousand_objects_arrive_without_one_missing() -> None:
    network = two()
    harbour, northwind = network.nodes.values()
    things = [indicator(number) for number in range(12_000)]
    done = give(harbour, founding(network), *things)
    assert (done.shared, done.refused) == (12_000, {})
    network.settle()
    assert dict(northwind.items.export()) == {id_of(thing): raw(thing) for thing in things}
    assert northwind.items.received()[0].new == 12_000


def test_misp_8779_all_of_twelve_members_get_everything() -> None:
    network = Network(12)
    nodes = [network.add(f"Member {number}") for number in range(12)]
    circle = network.agree(*nodes)
    things = {node.name: indicator(at, name=f"From {node.name}") for at, node in enumerate(nodes)}
    for node in nodes:
        assert give(node, circle, things[node.name]).shared == 1
    network.settle()
    for node in nodes:
        assert [shown(node, id_of(thing)) for thing in things.values()] == [raw(thing) for thing in things.values()]
        receipts = node.ledger.receipts(id_of(things[node.name]))
        assert {receipt.stage for receipt in receipts} == {"stored"}
        assert len(receipts) == 11


def test_misp_10753_an_object_near_the_limit_arrives_and_one_above_it_is_refused() -> None:
    network = two()
    harbour, northwind = network.nodes.values()
    limit = Terms().limits.payload
    room = limit - len(raw(indicator(1, description="")))
    largest = indicator(1, description="x" * room)
    above = indicator(2, description="x" * (room + 1))
    assert len(raw(largest)) == limit
    done = give(harbour, founding(network), largest, above)
    assert done.shared == 1
    assert [each.id for each in done.rejected] == [id_of(above)]
    assert str(limit) in done.rejected[0].reason
    network.settle()
    assert shown(northwind, id_of(largest)) == raw(largest)
    assert not holds(northwind, id_of(above))


def test_misp_10753_the_agreement_may_set_a_smaller_limit() -> None:
    network = Network(5)
    harbour, northwind = network.add("Harbour"), network.add("Northwind")
    circle = network.agree(
        harbour, northwind, limits={"payload": 1_000, "entries_day": 1_000_000, "bytes_day": 1 << 30}
    )
    large = indicator(1, description="x" * 1_000)
    done = give(harbour, circle, indicator(2), large)
    assert (done.shared, done.refused) == (1, {"size": 1})
    forge(harbour, circle, large, indicator(3))
    network.settle()
    assert [holds(northwind, id_of(indicator(number))) for number in (1, 2, 3)] == [False, True, True]
    assert reasons(northwind, circle) == ["size"]


def test_misp_10753_several_large_objects_need_more_than_one_message() -> None:
    network = two()
    harbour, northwind = network.nodes.values()
    things = [indicator(number, description=f"{number:07}" * 200_000) for number in range(8)]
    assert give(harbour, founding(network), *things).shared == 8
    network.settle()
    assert all(shown(northwind, id_of(thing)) == raw(thing) for thing in things)


def test_misp_10753_an_object_that_names_five_thousand_others_arrives() -> None:
    network = two()
    harbour, northwind = network.nodes.values()
    things = [indicator(number) for number in range(5_000)]
    names = [id_of(thing) for thing in things]
    report = stix("report", 1, published="2026-09-01T00:00:00Z", object_refs=names)
    assert give(harbour, founding(network), report, *things).shared == 5_001
    network.settle()
    assert shown(northwind, id_of(report)) == raw(report)
    hidden = indicator(9_999, **marked("TLP:AMBER+STRICT"))
    harbour.items.import_files([("file", bundle(hidden))])
    newer = {**report, "modified": LATER, "object_refs": [*names, id_of(hidden)]}
    done = give(harbour, founding(network), newer)
    assert (done.shared, done.refused) == (0, {"reference": 1})


# What was taken out of an object is gone on the other side too.


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"description": "old", "labels": ["one", "two"]}, {"labels": ["one", "two"]}),
        ({"labels": ["one", "two"]}, {"labels": ["two"]}),
        ({"labels": ["one"]}, {}),
        (marked("TLP:GREEN"), {}),
        ({"x_site": {"deep": {"inner": 1, "other": 2}}}, {"x_site": {"deep": {"other": 2}}}),
        (
            {"external_references": [{"source_name": "a", "url": "https://a.example"}, {"source_name": "b"}]},
            {"external_references": [{"source_name": "a"}]},
        ),
    ],
    ids=["a property", "a label", "all labels", "a marking", "a nested property", "a reference and a link"],
)
def test_opencti_9700_what_was_removed_inside_an_object_is_gone_at_the_partner(
    before: dict[str, object], after: dict[str, object]
) -> None:
    network = two()
    harbour, northwind = network.nodes.values()
    give(harbour, founding(network), indicator(1, **before))
    network.settle()
    newer = indicator(1, modified=LATER, **after)
    assert give(harbour, founding(network), newer).changed == 1
    network.settle()
    view = northwind.items.show(id_of(newer))
    assert view.object == json.loads(raw(newer))
    assert shown(northwind, id_of(newer)) == raw(newer)


# A deletion travels, and what was deleted stays deleted.


def test_misp_4681_what_its_author_deletes_is_deleted_at_every_partner() -> None:
    network = Network(46)
    harbour, northwind, summit = nodes = [network.add(name) for name in ("Harbour", "Northwind", "Summit")]
    circle = network.agree(*nodes)
    give(harbour, circle, indicator(1), indicator(2))
    network.settle()
    harbour.recalls.withdraw(id_of(indicator(1)))
    network.settle()
    assert [[holds(node, id_of(indicator(number))) for number in (1, 2)] for node in nodes] == [[False, True]] * 3
    (recall,) = harbour.recalls.list()
    assert {member.state for member in recall.members} == {"erased"}
    for node in (northwind, summit):  # the next pull, and the old file, bring nothing back
        node.exchange.sync()
        assert node.items.import_files([("file", bundle(indicator(1)))], tlp="TLP:GREEN").stored == 0
        assert not holds(node, id_of(indicator(1)))


def test_misp_2223_one_indicator_of_a_report_is_deleted_and_the_report_stays() -> None:
    network = two()
    harbour, northwind = network.nodes.values()
    report = stix("report", 1, published=LATER, object_refs=[id_of(indicator(1)), id_of(indicator(2))])
    give(harbour, founding(network), indicator(1), indicator(2), report)
    network.settle()
    harbour.recalls.withdraw(id_of(indicator(2)))
    give(harbour, founding(network), {**report, "modified": LATER, "object_refs": [id_of(indicator(1))]})
    network.settle()
    assert not holds(northwind, id_of(indicator(2)))
    assert json.loads(shown(northwind, id_of(report)))["object_refs"] == [id_of(indicator(1))]


def test_misp_2223_what_is_revoked_is_revoked_at_the_partner_and_kept() -> None:
    network = two()
    harbour, northwind = network.nodes.values()
    give(harbour, founding(network), indicator(1))
    network.settle()
    assert give(harbour, founding(network), indicator(1, modified=LATER, revoked=True)).revoked == 1
    network.settle()
    (copy,) = northwind.items.show(id_of(indicator(1))).copies
    assert copy.revoked


# One bad object does not stop the rest, and what is marked strictly does not leave under a laxer mark.


def test_opencti_3794_one_object_that_cannot_be_read_does_not_stop_those_around_it() -> None:
    network = two()
    harbour, northwind = network.nodes.values()
    broken = indicator(2, modified="the day before yesterday")
    done = give(harbour, founding(network), indicator(1), broken, indicator(3))
    assert (done.shared, [(each.position, each.id) for each in done.rejected]) == (2, [(2, id_of(broken))])
    network.settle()
    assert holds(northwind, id_of(indicator(3)))


def test_opencti_16814_the_mark_of_the_object_and_of_the_import_hold_together() -> None:
    network = two()
    harbour, northwind = network.nodes.values()
    lax = harbour.items.import_files(
        [("file", bundle(indicator(1, **marked("TLP:AMBER+STRICT"))))], tlp="TLP:CLEAR", circle=founding(network)
    )
    assert (lax.shared, lax.refused) == (0, {"ceiling": 1})
    network.settle()
    assert log_sizes(northwind, founding(network)) == log_sizes(harbour, founding(network))
    assert not holds(northwind, id_of(indicator(1)))
    assert reasons(northwind, founding(network)) == []


# What has come round once does not go round again.


def test_misp_4838_what_goes_round_three_members_is_sent_once() -> None:
    network = Network(48)
    nodes = [network.add(name) for name in ("Harbour", "Northwind", "Summit")]
    circle = network.agree(*nodes)
    give(nodes[0], circle, *(indicator(number) for number in range(20)))
    network.settle()
    before = [log_sizes(node, circle) for node in nodes]
    assert before[0] == before[1] == before[2]
    for _ in range(3):
        for node in nodes:
            for done in node.exchange.sync():
                assert (done.sent.entries, done.received.entries) == (0, 0)
    assert [log_sizes(node, circle) for node in nodes] == before
    update = indicator(3, modified=LATER, name="changed once")
    give(nodes[0], circle, update)
    network.settle()
    moved = [done.sent.entries + done.received.entries for node in nodes for done in node.exchange.sync()]
    assert moved == [0] * 6
    assert [shown(node, id_of(update)) for node in nodes] == [raw(update)] * 3


# What a member brought itself is its own, whatever others do with theirs.


def test_opencti_6951_a_sender_s_deletion_leaves_the_receiver_s_own_copy() -> None:
    network = two()
    harbour, northwind = network.nodes.values()
    give(harbour, founding(network), indicator(1), indicator(2))
    northwind.items.import_files([("file", bundle(indicator(1)))], tlp="TLP:GREEN")
    network.settle()
    harbour.recalls.withdraw(id_of(indicator(1)))
    harbour.recalls.withdraw(id_of(indicator(2)))
    network.settle()
    assert shown(northwind, id_of(indicator(1))) == raw(indicator(1))
    assert not holds(northwind, id_of(indicator(2)))


# Who is not concerned sees no title either.


def test_thehive_1427_a_member_outside_a_circle_sees_no_title_of_it() -> None:
    network = Network(14)
    harbour, northwind, summit = (network.add(name) for name in ("Harbour", "Northwind", "Summit"))
    network.agree(harbour, northwind, summit)
    inner = network.circle(harbour, northwind, agreement="Agreement", name="Night desk")
    give(harbour, inner, indicator(1, name="Unfinished inquiry"))
    network.settle()
    assert holds(northwind, id_of(indicator(1)))
    assert [each.name for each in summit.agreements.circles()] == ["Agreement"]
    assert summit.items.search("Unfinished inquiry").items == []
    assert summit.items.list().items == []
    assert list(summit.items.export()) == []
    with pytest.raises(EntenteError):
        summit.items.show(id_of(indicator(1)))
    with summit.base.store.read() as tx:
        kept = [data for space in ("charter", "revision", "epoch", "refused") for _, data in tx.records.scan(space)]
    assert not any(b"Night desk" in data or b"Unfinished" in data for data in kept)


# A relation that is held back shows nowhere, though both of its ends may be seen.


def test_opencti_11496_a_relation_that_is_held_back_leaves_no_trace_at_its_two_ends() -> None:
    """Both objects go to everybody, the relation between them is TLP:RED: with it or without it all is the same."""
    malware, sighted = stix("malware", 1, is_family=False, **marked("TLP:CLEAR")), indicator(1, **marked("TLP:CLEAR"))
    ends = {"relationship_type": "indicates", "source_ref": id_of(sighted), "target_ref": id_of(malware)}
    relation = stix("relationship", 1, name=None, **ends, **marked("TLP:RED"))
    told: list[object] = []
    for things in ((malware, sighted), (malware, sighted, relation)):
        network = two()
        harbour, northwind = network.nodes.values()
        lines: list[bytes] = []

        def keep(body: bytes, lines: list[bytes] = lines) -> bytes:
            lines.append(body)
            return body

        for node in (harbour, northwind):
            network.wires[node.base.me].tamper = keep
        done = give(harbour, founding(network), *things, tlp="TLP:CLEAR")
        assert (done.shared, done.refused) == (2, {"red": 1, "ceiling": 1} if relation in things else {})
        network.settle()
        assert [holds(northwind, id_of(each)) for each in (malware, sighted, relation)] == [True, True, False]
        assert lines
        assert northwind.items.search(id_of(relation)).items == []
        views = [msgspec.to_builtins(northwind.items.show(id_of(each))) for each in (malware, sighted)]
        told.append((lines, northwind.items.list(), views, log_sizes(northwind, founding(network))))
    assert told[0] == told[1], "byte for byte, of what Northwind is told and of what it is shown"
