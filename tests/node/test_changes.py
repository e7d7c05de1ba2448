"""How agreements change: amendments, accession, exit, exclusion, suspension (docs/protocol/7-changes.md)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from entente.core import canon
from entente.core.errors import ConflictError, InvalidError, RefusedError, VerificationError
from entente.core.ids import b32, origin_hash, unb32
from entente.kinds.epoch import OPENED, EarlierLog
from entente.ledger.log import Draft, append
from entente.ledger.witness import root_at
from entente.node import Node
from entente.node import doctor as health
from entente.node.exchange.side import MemberSide
from entente.node.home.base import Base
from entente.node.rooms import offers
from entente.policy.agreement import Terms
from entente.policy.revision import RevisionText
from entente.store.memory.store import MemoryStore
from network import Network, Wire

if TYPE_CHECKING:
    from entente.node.rooms.room import Room


def indicator(number: int, name: str = "") -> tuple[str, bytes]:
    """Return a file with one indicator."""
    made = {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--00000000-0000-4000-8000-{number:012d}",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "name": name or f"Beacon {number}",
        "pattern": "[file:size = 1]",
        "pattern_type": "stix",
        "valid_from": "2026-01-01T00:00:00Z",
    }
    return (f"{number}.json", json.dumps(made).encode())


def share(node: Node, number: int, circle: str) -> str:
    done = node.items.import_files([indicator(number)], tlp="TLP:GREEN", circle=circle)
    assert done.shared == 1, done.refused
    return f"indicator--00000000-0000-4000-8000-{number:012d}"


def held(node: Node, circle: str = "") -> set[str]:
    return {each.name for each in node.items.list(circle).items}


def three(**terms: object) -> tuple[Network, list[Node], str]:
    network = Network()
    nodes = [network.add(name) for name in ("Arve", "Bora", "Cato")]
    circle = network.agree(*nodes, **terms)
    return network, nodes, circle


def test_amendment_comes_into_force_with_the_quorum_and_begins_an_epoch() -> None:
    network, (arve, bora, cato), circle = three()
    share(arve, 1, circle)
    made = arve.agreements.changes.amend("Agreement", terms={"purposes": ["warning"]})
    network.settle()
    assert arve.agreements.sign(made.amendment).state == "waiting"
    network.settle()
    assert bora.agreements.sign(made.amendment).state == "waiting"
    network.settle()
    assert arve.agreements.show("Agreement").epoch == 1  # the quorum of three is three
    cato.agreements.sign(made.amendment)
    network.settle()
    for node in (arve, bora, cato):
        info = node.agreements.show("Agreement")
        assert (info.epoch, info.revision, info.terms["purposes"]) == (2, made.amendment, ["warning"])
        assert [each.epoch for each in info.circles] == [2]
        assert node.ledger.verify().ok, node.ledger.verify()
    share(bora, 2, circle)
    network.settle()
    assert held(cato, circle) == {"Beacon 1", "Beacon 2"}
    done = arve.items.import_files([indicator(3)], tlp="TLP:GREEN", circle=circle, purpose="detection")
    assert (done.shared, done.refused) == (0, {"purpose": 1})


def test_first_approval_of_a_base_counts_and_a_rival_is_stale() -> None:
    network, (arve, bora, cato), _ = three()
    one = arve.agreements.changes.amend("Agreement", name="One")
    other = bora.agreements.changes.amend("Agreement", name="Other")
    network.settle()
    arve.agreements.sign(one.amendment)
    with pytest.raises(ConflictError) as caught:
        arve.agreements.sign(other.amendment)
    assert caught.value.code == "stale"
    bora.agreements.sign(one.amendment)
    cato.agreements.sign(one.amendment)
    network.settle()
    assert {node.agreements.show("One").name for node in (arve, bora, cato)} == {"One"}


def test_newcomer_signs_last_and_gets_the_old_items_that_the_terms_allow() -> None:
    network, (arve, bora, cato), circle = three(backlog="all")
    share(arve, 1, circle)
    share(bora, 2, circle)
    network.settle()
    dina = network.add("Dina")
    for node in (arve, bora, cato):
        network.pair(node, dina)
    made = arve.agreements.changes.accede("Agreement", dina.member)
    network.settle()
    assert dina.agreements.list() == []
    for node in (arve, bora, cato):
        node.agreements.sign(made.amendment)
    network.settle()
    (offered,) = dina.agreements.list()
    assert offered.state == "proposed"
    assert held(dina) == set()
    assert dina.agreements.sign("Agreement").state == "in-force"
    network.settle()
    assert held(dina, circle) == {"Beacon 1", "Beacon 2"}
    share(dina, 3, circle)
    network.settle()
    for node in (arve, bora, cato, dina):
        assert "Beacon 3" in held(node, circle)
        assert node.ledger.verify().ok
        assert len(node.agreements.show("Agreement").members) == 4


def test_newcomer_gets_nothing_old_where_the_terms_say_none() -> None:
    network, (arve, bora, cato), circle = three()
    share(arve, 1, circle)
    network.settle()
    dina = network.add("Dina")
    network.pair(arve, dina)
    made = arve.agreements.changes.accede("Agreement", dina.member)
    network.settle()
    for node in (arve, bora, cato):
        node.agreements.sign(made.amendment)
        network.settle()
    dina.agreements.sign("Agreement")
    network.settle()
    share(arve, 2, circle)
    network.settle()
    assert held(dina) == {"Beacon 2"}
    with dina.base.store.read() as tx:
        assert {row.epoch for row in tx.logs.all() if row.circle} == {2}


def test_a_member_that_came_later_proves_the_whole_history_to_the_next_newcomer() -> None:
    """Emil is paired with Dina only, who came in the second epoch; Finn with Emil only, who came in the third."""
    network, (arve, bora, cato), circle = three(backlog="all")
    members = [arve, bora, cato]
    share(arve, 1, circle)
    network.settle()
    for sponsor, name in ((arve, "Dina"), (None, "Emil"), (None, "Finn")):
        newcomer = network.add(name)
        by = sponsor or members[-1]
        network.pair(by, newcomer)
        made = by.agreements.changes.accede("Agreement", newcomer.member)
        network.settle()
        for node in members:
            if node.agreements.show("Agreement").amendments:
                node.agreements.sign(made.amendment)
                network.settle()
        assert newcomer.agreements.sign("Agreement").state == "in-force"
        network.settle()
        members.append(newcomer)
        assert held(newcomer, circle) == {"Beacon 1"}
    for node in members:
        assert len(node.agreements.show("Agreement").members) == 6
        assert node.ledger.verify().ok


def test_history_that_lacks_a_signature_is_refused() -> None:
    network, (arve, bora, cato), _ = three()
    dina = network.add("Dina")
    network.pair(arve, dina)
    made = arve.agreements.changes.accede("Agreement", dina.member)
    network.settle()
    network.wires[arve.base.me].cut.add(dina.base.me)
    network.wires[dina.base.me].cut.add(arve.base.me)
    for node in (arve, bora, cato):
        node.agreements.sign(made.amendment)
        network.settle()
    with arve.base.store.write() as tx:
        lacking = {bytes(32)}
        intake = MemberSide(arve.base)
        for room in arve.base.in_force(tx).rooms:
            lacking |= {origin_hash(room.origin(dina.base.me))} if dina.base.me in room.members else set()
        (offer,) = [each for each in intake.audience.offers(tx, dina.base.me, lacking) if b'"history"' in each[:12]]
    told = json.loads(offer)
    for at in range(len(told["history"]["proofs"])):
        less = {**told, "history": {**told["history"], "proofs": [*told["history"]["proofs"]]}}
        del less["history"]["proofs"][at]
        with dina.base.store.write() as tx, pytest.raises(VerificationError) as caught:
            MemberSide(dina.base).inbox.take_offer(
                tx, arve.base.me, json.dumps(less, sort_keys=True, separators=(",", ":")).encode()
            )
        assert caught.value.code == "history"
    assert dina.agreements.list() == []


def test_excluded_member_neither_votes_nor_reads_what_comes_later() -> None:
    network, (arve, bora, cato), circle = three()
    share(cato, 1, circle)
    network.settle()
    made = arve.agreements.changes.exclude("Agreement", cato.member)
    network.settle()
    with pytest.raises(RefusedError) as caught:
        cato.agreements.sign(made.amendment, refuse=True)
    assert caught.value.code == "concerned"
    arve.agreements.sign(made.amendment)
    bora.agreements.sign(made.amendment)
    network.settle()
    share(arve, 2, circle)
    network.settle()
    assert held(bora, circle) == {"Beacon 1", "Beacon 2"}
    assert held(cato) == {"Beacon 1"}
    assert cato.agreements.list()[0].state == "left"
    with pytest.raises(ConflictError):
        cato.items.import_files([indicator(3)], tlp="TLP:GREEN", circle=circle)
    with cato.base.store.read() as tx:
        assert {row.epoch for row in tx.logs.all() if row.circle} == {1}


def test_suspended_partner_reads_nothing_new_and_others_do_not_pass_it_on() -> None:
    network, (arve, bora, cato), circle = three()
    share(arve, 1, circle)
    network.settle()
    arve.agreements.changes.suspend_partner(cato.member, reason="doubt")
    share(arve, 2, circle)
    network.settle()
    assert held(bora, circle) == {"Beacon 1", "Beacon 2"}
    assert held(cato, circle) == {"Beacon 1"}
    share(bora, 3, circle)
    network.settle()
    assert held(cato, circle) == {"Beacon 1", "Beacon 3"}
    arve.agreements.changes.suspend_partner(cato.member, reason="doubt", resume=True)
    network.settle()
    assert held(cato, circle) == {"Beacon 1", "Beacon 2", "Beacon 3"}


def test_suspension_lasts_over_an_epoch() -> None:
    network, (arve, bora, cato), circle = three()
    arve.agreements.changes.suspend_partner(cato.member, reason="breach")
    made = bora.agreements.changes.amend("Agreement", name="Later")
    network.settle()
    for node in (bora, cato, arve):
        node.agreements.sign(made.amendment)
        network.settle()
    assert arve.agreements.show("Later").epoch == bora.agreements.show("Later").epoch == 2
    share(arve, 1, circle)
    network.settle()
    assert held(bora, circle) == {"Beacon 1"}
    assert held(cato) == set()


def test_leaver_signs_its_duties_and_is_served_nothing_later() -> None:
    network, (arve, bora, cato), circle = three()
    share(arve, 1, circle)
    network.settle()
    left = cato.agreements.changes.exit("Agreement")
    assert left.kept == 1
    network.settle()
    share(arve, 2, circle)
    network.settle()
    assert held(cato) == {"Beacon 1"}
    assert held(bora) == {"Beacon 1", "Beacon 2"}
    assert cato.agreements.list()[0].state == "left"
    made = arve.agreements.changes.exclude("Agreement", cato.member)
    network.settle()
    arve.agreements.sign(made.amendment)
    network.settle()
    bora.agreements.sign(made.amendment)
    network.settle()
    assert arve.agreements.show("Agreement").members == sorted([arve.member, bora.member])


def test_inner_circle_goes_on_in_the_new_epoch_and_ends_when_one_is_left() -> None:
    network, (arve, bora, cato), _ = three()
    pair = network.circle(arve, cato, agreement="Agreement", name="Pair")
    inner = network.circle(arve, bora, agreement="Agreement", name="Inner")
    share(arve, 1, inner)
    made = arve.agreements.changes.exclude("Agreement", cato.member)
    network.settle()
    arve.agreements.sign(made.amendment)
    bora.agreements.sign(made.amendment)
    network.settle()
    share(arve, 2, inner)
    network.settle()
    assert held(bora, inner) == {"Beacon 1", "Beacon 2"}
    assert {each.id: each.state for each in arve.agreements.circles()}[pair] == "ended"
    with pytest.raises(ConflictError) as caught:
        arve.items.import_files([indicator(3)], tlp="TLP:GREEN", circle=pair)
    assert caught.value.code == "ended"
    later = network.circle(bora, arve, agreement="Agreement", name="Later")
    share(bora, 4, later)
    network.settle()
    assert held(arve, later) == {"Beacon 4"}
    assert all(node.ledger.verify().ok for node in (arve, bora))


def test_outsider_learns_nothing_of_an_epoch_begun_without_it() -> None:
    network, (arve, bora, cato), circle = three()
    made = arve.agreements.changes.exclude("Agreement", cato.member)
    network.settle()
    arve.agreements.sign(made.amendment)
    bora.agreements.sign(made.amendment)
    network.settle()
    share(arve, 1, circle)
    network.settle()
    with arve.base.store.read() as ours, cato.base.store.read() as theirs:
        later = {row.origin for row in ours.logs.all() if row.epoch == 2}
        assert later
        assert not later & {row.origin for row in theirs.logs.all()}
        assert not [row for row in MemberSide(arve.base).audience.common(ours, cato.base.me).rows if row.epoch == 2]
        secrets = [data for _, data in theirs.records.scan("revision")]
    assert secrets == []


def test_log_that_contradicts_the_one_before_it_is_shown() -> None:
    network, (arve, bora, cato), circle = three()
    share(arve, 1, circle)
    made = arve.agreements.changes.amend("Agreement", name="Later")
    network.settle()
    arve.agreements.sign(made.amendment)
    network.settle()
    begin_with_a_lie(arve, unb32(made.amendment, 32))
    for node in (bora, cato):
        node.agreements.sign(made.amendment)
        network.settle(bora, cato)
    network.settle()
    problems = [problem for each in bora.ledger.verify().logs for problem in each.problems]
    assert problems == ["the log before it goes on behind the end that its first entry names"]


def begin_with_a_lie(node: Node, revision: bytes) -> None:
    """Let a node begin its next log as if the one before had fewer entries."""
    base = node.base
    with base.store.write() as tx:
        rooms = offers.load(tx)
        old = next(each for each in rooms.newest() if each.founding)
        row = tx.logs.get(old.origin(base.me))
        assert row is not None
        before = EarlierLog(origin_hash(row.origin), row.size - 1, root_at(tx, row, row.size - 1))
        text = rooms.revisions[revision].text
        room = next(each for each in offers.begin(tx, text) if each.revision == revision)
        log = tx.logs.get(room.origin(base.me))
        assert log is not None
        draft = Draft(OPENED.name, base.clock(), b"", OPENED.make(revision, before))
        append(tx, log, [draft], seed=base.keys.secrets.seed("log"), random=base.random)


def test_forked_member_goes_on_in_a_new_epoch_by_quorum_of_the_others() -> None:
    network, (arve, bora, cato), circle = three()
    store = cato.base.store
    assert isinstance(store, MemoryStore)
    noise = network.random.randbytes
    base = Base(None, store.twin(), cato.base.keys.secrets, clock=network.clock, random=noise, me=cato.base.me)
    twin = Node(base, Wire(network, base))
    share(cato, 1, circle)
    cato.exchange.sync(arve.member)
    share(twin, 2, circle)
    twin.exchange.sync(bora.member)
    arve.exchange.sync(bora.member)
    assert len(arve.ledger.evidence()) == len(bora.ledger.evidence()) == 1
    assert [each.id for each in arve.ledger.evidence()] == [each.id for each in bora.ledger.evidence()]
    wrong = {check.name: check for check in health.ledger(arve.base) if not check.ok}
    assert wrong.keys() == {"evidence", "log"}
    assert f"`entente agreement continue {arve.agreements.list()[0].id[:8]} --member" in wrong["evidence"].fix
    made = arve.agreements.changes.continue_("Agreement", cato.member)
    network.settle(arve, bora)
    arve.agreements.sign(made.amendment)
    network.settle(arve, bora)
    bora.agreements.sign(made.amendment)
    network.settle(arve, bora)
    cato.exchange.sync()
    cato.ledger.confirm()
    network.settle()
    with pytest.raises(RefusedError):
        cato.agreements.sign(made.amendment)
    share(cato, 3, circle)
    network.settle()
    assert {"Beacon 3"} <= held(arve, circle)
    assert {"Beacon 3"} <= held(bora, circle)
    assert arve.agreements.show("Agreement").epoch == cato.agreements.show("Agreement").epoch == 2
    assert not [check for check in health.ledger(arve.base) if not check.ok], "what has ended needs nobody's attention"
    assert len(arve.ledger.evidence()) == 1, "the evidence is kept"


def test_quorum_that_cannot_be_met_is_refused_before_it_is_asked_for() -> None:
    _, (arve, *_), _ = three()
    with pytest.raises(InvalidError, match="quorum"):
        arve.agreements.changes.amend("Agreement", terms={"quorum": 4})
    with pytest.raises(InvalidError, match="quorum"):
        arve.agreements.changes.amend("Agreement", terms={"quorum": 1})


def test_nobody_is_declared_concerned_so_that_fewer_may_change_the_terms() -> None:
    network, (arve, bora, cato), _ = three()
    room = founding_room(arve)
    secret = bytes(32)
    text = RevisionText.make(
        room.agreement,
        room.revision,
        2,
        name="Agreement",
        members=room.members,
        terms=Terms(purposes=("warning",)),
        secret=secret,
    )
    body: dict[str, object] = {
        "agreement": b32(room.agreement),
        "text": text.to_dict(),
        "concerned": cato.member,
        "person": arve.operator,
        "after": [],
    }
    with arve.base.store.write() as tx:
        arve.base.append(tx, room, [Draft("amendment/1", arve.base.clock(), b"", canon.encode(body))])
    network.settle()
    assert bora.agreements.show("Agreement").amendments == []
    with bora.base.store.read() as tx:
        assert any(b'"text"' in data for _, data in tx.records.scan("refused"))


def founding_room(node: Node) -> Room:
    with node.base.store.read() as tx:
        return next(each for each in offers.load(tx) if each.founding)


def test_a_reason_in_a_person_s_own_words_stays_at_home() -> None:
    network, (arve, bora, cato), circle = three()
    item = share(arve, 1, circle)
    network.settle()
    arve.agreements.changes.suspend_partner(cato.member, reason="They lost a laptop")
    arve.recalls.withdraw(item, reason="It named a customer")
    network.settle()
    assert [each.reason for each in arve.agreements.show("Agreement").suspended] == ["They lost a laptop"]
    assert [each.reason for each in bora.agreements.show("Agreement").suspended] == ["other"]
    assert [(each.reason, each.remark) for each in arve.recalls.list()] == [("withdrawn", "It named a customer")]
    with pytest.raises(InvalidError, match="reason"):
        arve.agreements.changes.suspend_partner(cato.member, reason="")


def test_exit_ends_an_agreement_of_two() -> None:
    network = Network()
    arve, bora = network.add("Arve"), network.add("Bora")
    circle = network.agree(arve, bora)
    bora.agreements.changes.exit("Agreement")
    network.settle()
    assert [node.agreements.list()[0].state for node in (arve, bora)] == ["ended", "left"]
    with pytest.raises(ConflictError) as caught:
        arve.items.import_files([indicator(1)], tlp="TLP:GREEN", circle=circle)
    assert caught.value.code == "ended"
