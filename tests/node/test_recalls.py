"""Recalls between nodes: who may, what is gone where, what comes back never, and what verification says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entente.core import canon
from entente.core.errors import ConflictError, InvalidError, NotFoundError, RefusedError
from entente.core.ids import b32, origin_hash
from entente.exchange.messages import Delivery, Part
from entente.kinds.erase import KIND as ERASE
from entente.kinds.erased import KIND as ERASED
from entente.ledger.log import Draft
from entente.ledger.package import pack
from entente.node.exchange.side import MemberSide
from entente.node.items import erasing
from entente.node.rooms import offers
from node.three_members import Three, acts, log_of, sizes, states
from stories.story import LATER, bundle, give, holds, id_of, indicator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entente.store.ports import LogRow

DAY = 86_400_000


@pytest.fixture
def three() -> Three:
    """Give three members that hold one item of the first."""
    made = Three()
    made.share()
    return made


def test_a_withdrawn_item_is_gone_at_everybody_and_all_say_so(three: Three) -> None:
    done = three.one.recalls.withdraw(three.item, reason="error")
    assert (done.state, done.finished) == ("withdrawn", True)
    assert [(reach.circle, reach.members) for reach in done.circles] == [
        (three.everybody, sorted([three.two.member, three.three.member]))
    ]
    assert states(three.one) == {"Northwind": "asked", "Summit": "asked"}
    three.network.settle()
    assert states(three.one) == {"Northwind": "erased", "Summit": "erased"}
    for node in three.nodes:
        view = node.items.show(three.item)
        assert (view.object, view.state, view.entries, view.author) == (None, "withdrawn", [], three.one.member)
        assert view.time
        assert node.items.list().items == []
        assert node.items.search("indicator").items == []
        report = node.ledger.verify()
        assert report.ok, [log.problems for log in report.logs]
        with pytest.raises(NotFoundError, match="recalled"):
            node.items.acknowledge([three.item])
    assert three.one.items.show(three.item).reason == "error"


def test_all_versions_in_all_circles_go(three: Three) -> None:
    three.share(three.everybody, three.inner, modified=LATER)
    done = three.one.recalls.withdraw(three.item)
    assert {reach.circle for reach in done.circles} == {three.everybody, three.inner}
    three.network.settle()
    recalls = three.one.recalls.list()
    assert {recall.circle: recall.entries for recall in recalls} == {three.everybody: 2, three.inner: 1}
    assert all(recall.item == three.item for recall in recalls)
    assert {member.state for recall in recalls for member in recall.members} == {"erased"}
    assert [holds(node, three.item) for node in three.nodes] == [False, False, False]


def test_only_who_brought_an_item_withdraws_it(three: Three) -> None:
    with pytest.raises(RefusedError, match="Harbour") as caught:
        three.two.recalls.withdraw(three.item)
    assert "Harbour" in caught.value.hint
    with pytest.raises(RefusedError, match="Harbour"):
        three.two.recalls.narrow(three.item, three.inner)
    assert all(holds(node, three.item) for node in three.nodes)


def test_what_was_shared_with_nobody_is_not_recalled(three: Three) -> None:
    three.one.items.import_files([("file", bundle(indicator(2)))], tlp="TLP:GREEN")
    with pytest.raises(ConflictError):
        three.one.recalls.withdraw(id_of(indicator(2)))
    with pytest.raises(InvalidError):
        three.one.recalls.withdraw(three.item, reason="")
    with pytest.raises(InvalidError):
        three.one.recalls.withdraw(three.item, due_days=-1)
    assert holds(three.one, three.item)


def test_another_members_copy_of_the_same_object_stays(three: Three) -> None:
    give(three.two, three.everybody, indicator(1))
    three.network.settle()
    three.one.recalls.withdraw(three.item)
    three.network.settle()
    for node in three.nodes:
        view = node.items.show(three.item)
        assert (view.state, view.author) == ("held", three.two.member)
        assert [copy.author for copy in view.copies] == [three.two.member]


def test_narrowing_leaves_the_item_in_one_circle_only(three: Three) -> None:
    done = three.one.recalls.narrow(three.item, three.inner)
    assert (done.shared, done.preview) == (1, None)
    three.network.settle()
    assert [holds(node, three.item) for node in three.nodes] == [True, True, False]
    assert three.three.items.show(three.item).reason == "narrowed"
    for node in (three.one, three.two):
        assert [each.circle for each in node.items.show(three.item).entries] == [three.inner]
    (recall,) = three.one.recalls.list()
    assert (recall.circle, recall.reason) == (three.everybody, "narrowed")
    assert states(three.one) == {"Northwind": "erased", "Summit": "erased"}
    again = three.one.recalls.narrow(three.item, three.inner)
    assert (again.shared, again.circles) == (0, [])


def test_narrowing_to_a_circle_that_may_not_have_it_changes_nothing(three: Three) -> None:
    agreement = three.one.agreements.list()[0].id
    low = three.network.circle(three.one, three.three, agreement=agreement, name="Low", ceiling="TLP:CLEAR")
    done = three.one.recalls.narrow(three.item, low)
    assert done.preview is not None
    assert not done.preview.allowed
    three.network.settle()
    assert all(holds(node, three.item) for node in three.nodes)
    assert three.one.recalls.list() == []


def test_who_is_late_is_named_with_the_date(three: Three) -> None:
    three.part()
    three.one.recalls.withdraw(three.item, due_days=2)
    three.network.settle(three.one, three.two)
    assert states(three.one) == {"Northwind": "erased", "Summit": "asked"}
    three.network.now += 2 * DAY + 1000
    (recall,) = three.one.recalls.list()
    late = {member.name: member for member in recall.members}["Summit"]
    assert (late.state, late.time) == ("late", recall.due)
    three.join()
    three.network.settle(three.one, three.three)
    assert states(three.one) == {"Northwind": "erased", "Summit": "erased"}


def test_a_member_that_comes_late_erases_what_it_never_got() -> None:
    three = Three()
    three.part()
    give(three.one, three.everybody, indicator(1))
    three.network.settle(three.one, three.two)
    three.one.recalls.withdraw(three.item)
    three.network.settle(three.one, three.two)
    three.join()
    three.network.settle(three.one, three.three)
    assert states(three.one) == {"Northwind": "erased", "Summit": "erased"}
    assert not holds(three.three, three.item)
    assert three.three.ledger.verify().ok
    with three.three.base.store.read() as tx:
        assert tx.payloads.awaited(log_of(tx, three.three, three.everybody, three.one).id) == []


def test_nothing_is_said_twice_and_the_members_come_to_rest(three: Three) -> None:
    three.one.recalls.withdraw(three.item)
    three.network.settle()
    before = sizes(*three.nodes)
    for _ in range(3):
        three.network.settle()
    assert sizes(*three.nodes) == before
    for node in (three.two, three.three):
        assert len(acts(three.one, three.everybody, node, ERASED.name)) == 1


def test_a_lagging_relay_brings_nothing_back(three: Three) -> None:
    with three.two.base.store.read() as tx:
        row = log_of(tx, three.two, three.everybody, three.one)
        held = next(each for each in tx.payloads.get(row.id, 0, row.size) if each.kind == "item/1")
        part = Part(origin_hash(row.origin), row.note, [pack(tx, row, 0, row.signed, 1 << 20)], b"", [])
    three.one.recalls.withdraw(three.item)
    three.network.settle()
    three_base = three.three.base
    with three_base.store.write() as tx:
        row = log_of(tx, three.three, three.everybody, three.one)
        intake = MemberSide(three_base)
        assert not intake.inbox.deliver(tx, row, Delivery(part.log, held.index, held.salt, held.head + held.data))
        intake.inbox.accept(tx, row, part)
    assert not holds(three.three, three.item)
    assert three.three.ledger.verify().ok


def test_a_newcomer_to_the_log_gets_the_leaf_and_never_the_payload() -> None:
    three = Three()
    three.part()
    give(three.one, three.everybody, indicator(1), indicator(2))
    three.network.settle(three.one, three.two)
    with three.two.base.store.read() as tx:  # what a relay that never heard of the recall would send first
        row = log_of(tx, three.two, three.everybody, three.one)
        old = Part(origin_hash(row.origin), row.note, [pack(tx, row, 0, row.signed, 1 << 20)], b"", [])
    three.one.recalls.withdraw(three.item)
    three.network.settle(three.one, three.two)
    with three.three.base.store.write() as tx:
        MemberSide(three.three.base).inbox.accept(tx, log_of(tx, three.three, three.everybody, three.one), old)
    assert holds(three.three, three.item)
    three.join()
    three.network.settle(three.two, three.three)
    assert not holds(three.three, three.item)
    assert holds(three.three, id_of(indicator(2)))


def test_a_withdrawn_item_comes_in_again_only_when_a_person_says_so(three: Three) -> None:
    three.one.recalls.withdraw(three.item)
    three.network.settle()
    for node in three.nodes:
        file = ("file", bundle(indicator(1), indicator(3)))
        done = node.items.import_files([file], tlp="TLP:GREEN")
        assert (done.read, done.stored, [row.id for row in done.rejected]) == (2, 1, [three.item])
        assert "--again" in done.rejected[0].reason
        assert not holds(node, three.item)
        assert node.items.import_files([file], tlp="TLP:GREEN", strict=True).stored == 0
        assert node.items.import_files([file], tlp="TLP:GREEN", again=True).new == 1
        assert node.items.show(three.item).state == "held"
    assert give(three.one, three.everybody, indicator(1)).shared == 1
    three.network.settle()
    assert three.two.items.show(three.item).state == "held"
    assert all(node.ledger.verify().ok for node in three.nodes)


def forged(three: Three, body: Mapping[str, object]) -> str:
    """Append a recall that no honest member would write to Northwind's log; return why Harbour refused it."""
    base = three.two.base
    with base.store.write() as tx:
        room = base.find_circle(base.in_force(tx), three.everybody)
        _, places = base.append(tx, room, [Draft(ERASE.name, base.clock(), b"", canon.encode(dict(body)))])
    three.network.settle()
    with three.one.base.store.read() as tx:
        key = f"{b32(places[0].log)}/{places[0].index:012d}/{three.one.member}/"
        found = tx.records.get("refused", key)
    return "" if found is None else str(canon.decode(found)["what"])


def test_a_recall_of_what_is_not_its_authors_is_refused(three: Three) -> None:
    with three.two.base.store.read() as tx:
        theirs = log_of(tx, three.two, three.everybody, three.one)
        mine = log_of(tx, three.two, three.everybody, three.two)
        index = next(each.index for each in tx.payloads.get(theirs.id, 0, 99) if each.kind == "item/1")
        leaf = tx.logs.node(theirs.id, 0, index)
        act = tx.logs.node(mine.id, 0, 0)
        inner = log_of(tx, three.two, three.inner, three.two)
        other = tx.logs.node(inner.id, 0, 0)
    person = b32(bytes(16))

    def recall(row: LogRow, *entries: tuple[int, bytes]) -> str:
        log = origin_hash(row.origin)
        return forged(three, canon.decode(ERASE.make(log, "error", due=1, person=person, entries=entries)))

    assert recall(theirs, (index, leaf)) == "wrong-log"
    assert recall(inner, (0, other)) == "wrong-log"
    assert recall(mine, (0, leaf)) == "wrong-entry"
    assert recall(mine, (5000, leaf)) == "wrong-entry"
    assert recall(mine, (0, act)) == "not-content"
    made = canon.decode(ERASE.make(origin_hash(mine.origin), "error", due=1, person=person, entries=[(0, act)]))
    assert forged(three, {**made, "reason": "because"}) == "malformed"
    assert all(holds(node, three.item) for node in three.nodes)
    with three.one.base.store.read() as tx:
        assert erasing.ERASED.all(tx) == []


def test_an_item_and_its_recall_may_stand_in_one_package() -> None:
    three = Three()
    give(three.one, three.everybody, indicator(1))
    three.one.recalls.withdraw(three.item)
    three.network.settle()
    assert [holds(node, three.item) for node in three.nodes] == [False, False, False]
    assert states(three.one) == {"Northwind": "erased", "Summit": "erased"}
    assert three.two.ledger.verify().ok


def test_a_payload_that_is_missing_without_a_recall_is_a_problem(three: Three) -> None:
    give(three.one, three.everybody, indicator(2))
    three.one.recalls.withdraw(three.item)
    three.network.settle()
    base = three.two.base
    with base.store.write() as tx:
        row = log_of(tx, three.two, three.everybody, three.one)
        held = next(each for each in tx.payloads.get(row.id, 0, 99) if each.kind == "item/1")
        tx.payloads.drop(row.id, held.index)
        mark = {held.index: erasing.Mark(b32(tx.logs.node(row.id, 0, held.index)), 1, "error")}
        key = f"{b32(origin_hash(row.origin))}/{0:010d}"
        tx.records.put(erasing.ERASED.space, key, canon.encode({str(at): list_of(m) for at, m in mark.items()}))
    report = three.two.ledger.verify()
    assert not report.ok
    assert [f"entry {held.index}: its payload is gone" in log.problems for log in report.logs].count(True) == 1


def list_of(mark: erasing.Mark) -> list[object]:
    """Return a mark as it is stored."""
    return [mark.leaf, mark.time, mark.reason]


def test_an_erased_payload_that_is_still_there_is_a_problem(three: Three) -> None:
    base = three.one.base
    with base.store.write() as tx:
        row = log_of(tx, three.one, three.everybody, three.one)
        (index,) = [each.index for each in tx.payloads.get(row.id, 0, 99) if each.kind == "item/1"]
        body = ERASE.make(
            origin_hash(row.origin),
            "error",
            due=1,
            person=b32(bytes(16)),
            entries=[(index, tx.logs.node(row.id, 0, index))],
        )
        room = offers.load(tx).require(row.circle)
        base.append(tx, room, [Draft(ERASE.name, base.clock(), b"", body)])
    problems = [problem for log in three.one.ledger.verify().logs for problem in log.problems]
    assert problems == [f"entry {index}: it was erased, and its payload is still here"]


def test_a_redaction_forgets_its_source_when_that_is_recalled(three: Three) -> None:
    new = three.two.items.redact(three.item, ["indicator_types"]).item
    three.one.recalls.withdraw(three.item)
    three.network.settle()
    with three.two.base.store.read() as tx:
        assert tx.records.scan("redaction") == []
    assert three.two.items.show(new).state == "held"
