"""A member answers one thing in two histories, or in one only: what it signed counts for everybody, once it is proven.

docs/protocol/2-ledger.md, "What a forked log leaves".
"""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

from msgspec import structs

from entente.core import canon
from entente.core.ids import origin_hash, origin_of
from entente.exchange.messages import Message, Stopped, decode, encode
from entente.node.exchange import strays
from entente.node.logs.proofs import proof_at
from entente.node.rooms import forked_logs
from entente.node.work.acts import reading
from hostile.joint import append, head
from hostile.peer import Peer, Scene, row_of, verified
from stories.story import give, indicator

if TYPE_CHECKING:
    from pathlib import Path

    from entente.core.ids import Member
    from entente.node import Node


NAMES = ("Harbour", "Northwind", "Summit")


def meet(*nodes: Node) -> None:
    """Let honest members hold the few rounds that it takes: evidence, what the other lacks, what follows from it."""
    for _ in range(3):
        for node in nodes:
            for other in nodes:
                if other is not node:
                    assert node.exchange.sync(other.member)[0].error == ""


def told_apart(scene: Scene) -> tuple[str, Node]:
    """Open a decision; Summit votes yes towards Harbour, and not at all, but otherwise, towards Northwind."""
    harbour, northwind = scene.honest
    session = harbour.sessions.open(scene.circle, harbour.base.clock() + 3_600_000, "The quay").session
    scene.settle()
    for node in (*scene.honest, scene.summit.node):
        node.sessions.join(session)
    scene.settle()
    decision = harbour.sessions.decide(session, "We close the quay.").id
    scene.settle()
    northwind.sessions.vote(decision, yes=True)
    harbour.sessions.vote(decision, yes=True)
    scene.settle()
    second = scene.summit.twin()
    scene.summit.node.sessions.vote(decision, yes=True)
    assert scene.summit.node.exchange.sync(harbour.member)[0].error == ""
    scene.summit.become(second)
    return decision, second


def states(scene: Scene, decision: str) -> list[str]:
    return [node.sessions.decision(decision).state for node in scene.honest]


def test_a_vote_told_to_one_member_only_counts_for_both_once_the_fork_is_known(scene: Scene, tmp_path: Path) -> None:
    harbour, northwind = scene.honest
    decision, second = told_apart(scene)
    give(second, scene.circle, indicator(1))
    assert second.exchange.sync(northwind.member)[0].error == ""
    assert states(scene, decision) == ["decided", "open"]
    meet(harbour, northwind)
    assert states(scene, decision) == ["decided", "decided"]
    for node in scene.honest:
        assert node.ledger.verify().ok
        dossier = node.dossiers.write(decision)
        assert verified(dossier, tmp_path)["type"] == "dossier"
    assert len(kept(northwind)) == 1
    assert [each.strays for each in northwind.ledger.evidence()] == [1]


def test_who_says_yes_in_one_history_and_no_in_the_other_has_said_yes(scene: Scene) -> None:
    harbour, northwind = scene.honest
    decision, second = told_apart(scene)
    second.sessions.vote(decision, yes=False)
    assert second.exchange.sync(northwind.member)[0].error == ""
    assert states(scene, decision) == ["decided", "rejected"]
    meet(harbour, northwind)
    assert states(scene, decision) == ["decided", "decided"]
    for node in scene.honest:
        votes = node.sessions.decision(decision).votes
        assert sorted((each.name, each.vote) for each in votes) == [(name, "yes") for name in NAMES]
    for node in scene.honest:
        give(node, scene.circle, indicator(70 + scene.honest.index(node)))
    meet(harbour, northwind)
    for node in scene.honest:
        with node.base.store.read() as tx:
            assert tx.records.scan("refused") == [], "no act of anybody is refused for good"


def test_what_rests_on_the_other_history_waits_for_the_evidence_and_then_counts(scene: Scene) -> None:
    """Northwind gets an act of Harbour that names Summit's vote before it has the evidence: nothing is refused."""
    harbour, northwind = scene.honest
    decision, second = told_apart(scene)
    with reading(harbour.base) as board:
        act = board.find("decision/1", decision, "decision")
        vote = board.in_force.answers(act.place.leaf)[second.base.me].ref
    give(second, scene.circle, indicator(1))
    assert second.exchange.sync(northwind.member)[0].error == ""
    words = append(harbour, scene.circle, "document/1", head() + b"Noted.")
    note = append(
        harbour,
        scene.circle,
        "note/1",
        canon.encode({"of": vote, "content": words.ref, "person": "a" * 26, "after": [vote]}),
    )
    meet(harbour, northwind)
    for node in scene.honest:
        with reading(node.base) as board:
            assert board.in_force.view.judged[note.ref].detail == ""


def kept(node: Node) -> list[bytes]:
    with node.base.store.read() as tx:
        return [data for _, data in tx.records.scan(forked_logs.STRAYS.space)]


def asked(peer: Peer, victim: Node, *proofs: bytes) -> list[str]:
    """Offer acts of forked logs; return the codes of the refusals."""
    offer = canon.encode({"v": 1, "strays": [b64encode(each).decode() for each in proofs]})
    return [each.code for each in peer.say(victim, Message(offers=[offer])).refusals]


def proof_of_vote(node: Node, decision: str, member: Member) -> bytes:
    with reading(node.base) as board:
        act = board.find("decision/1", decision, "decision")
        ref = board.in_force.answers(act.place.leaf)[member].ref
        return proof_at(node.base, board.tx, board.in_force.rooms, ref, most=1)


def test_only_acts_that_their_author_signed_in_a_forked_log_are_taken(scene: Scene) -> None:
    harbour, northwind = scene.honest
    decision, second = told_apart(scene)
    vote = proof_of_vote(harbour, decision, second.base.me)
    honest = proof_of_vote(harbour, decision, harbour.base.me)
    assert asked(scene.summit, northwind, vote) == ["offer"], "the log is not forked yet"
    give(second, scene.circle, indicator(1))
    assert second.exchange.sync(northwind.member)[0].error == ""
    assert harbour.exchange.sync(northwind.member)[0].error == ""
    assert row_of(northwind, scene.circle, second.base.me).stopped
    before = len(kept(northwind))
    flipped = bytearray(vote)
    at = vote.index(b"extra ") + 400
    flipped[at] = ord("A") if flipped[at] != ord("A") else ord("B")
    assert asked(scene.summit, northwind, bytes(flipped)) != []
    assert asked(scene.summit, northwind, honest) == ["offer"], "an honest log is not forked"
    assert asked(scene.summit, northwind, b"no proof") != []
    assert len(kept(northwind)) == before
    assert asked(scene.summit, northwind, *[vote] * 257) == ["limit"]
    assert len(kept(northwind)) == before
    asked(scene.summit, northwind, vote, vote)
    assert len(kept(northwind)) == 1
    assert states(scene, decision)[1] == "decided"


def test_names_are_shown_only_where_the_sets_differ_and_idle_rounds_end(scene: Scene) -> None:
    harbour, northwind = scene.honest
    _, second = told_apart(scene)
    give(second, scene.circle, indicator(1))
    assert second.exchange.sync(northwind.member)[0].error == ""
    meet(harbour, northwind)
    digests: set[bytes] = set()
    for node in scene.honest:
        with node.base.store.read() as tx:
            digests.add(forked_logs.digest(tx, row_of(node, scene.circle, second.base.me)))
    assert len(digests) == 1
    done = harbour.exchange.sync(northwind.member)[0]
    assert (done.received.entries, done.sent.entries, done.refusals) == (0, 0, [])


def test_an_altered_stray_is_found_by_verify(scene: Scene) -> None:
    harbour, northwind = scene.honest
    _, second = told_apart(scene)
    give(second, scene.circle, indicator(1))
    assert second.exchange.sync(northwind.member)[0].error == ""
    meet(harbour, northwind)
    with northwind.base.store.write() as tx:
        ((key, data),) = tx.records.scan(forked_logs.STRAYS.space)
        tx.records.put(forked_logs.STRAYS.space, key, data.replace(b"approve", b"refused"))
    assert not northwind.ledger.verify().ok


def test_who_holds_no_act_of_a_forked_log_says_so_and_gets_those_of_both_histories(scene: Scene) -> None:
    """Its list of names is empty, which is not the same as not having been asked for it."""
    _, northwind = scene.honest
    _, second = told_apart(scene)
    give(second, scene.circle, indicator(1))
    assert second.exchange.sync(northwind.member)[0].error == ""
    row = row_of(northwind, scene.circle, second.base.me)
    with northwind.base.store.read() as tx:
        none = structs.replace(row, id=-1, origin=origin_of(bytes(32)))  # a log of which nothing has come
        other = Stopped(origin_hash(row.origin), bytes(32))
        told = strays.told(tx, none, other, 1 << 20)
        assert told.names == b""
        assert strays.told(tx, none, told, 1 << 20).names is None
        assert (strays.told(tx, row, other, 1 << 20).names or b"") > b""
    assert not Message(stopped=[told]).empty()
    assert Message(stopped=[structs.replace(told, names=None)]).empty()
    assert decode(encode(Message(stopped=[told]))).stopped == [told]
