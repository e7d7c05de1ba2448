"""Heads of our own logs at outside witnesses: what leaves, what counts as an answer, and who never waits for it."""

from __future__ import annotations

import json
import queue
import threading
from contextlib import contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from entente.core import note
from entente.core.errors import InvalidError, NotFoundError, TransportError
from entente.interfaces.run import serve
from entente.ledger.cosigner import Submission, WitnessVerdict
from entente.node import Node
from entente.node.witness.courier import Courier
from network import Network
from stories.homes import agree, houses, pair
from timing import CEILING, Stopwatch, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from entente.node.witness.values import OutsideLog
    from entente.store.ports import LogRow

URL = "https://witness.example/w1"
BASE = "https://witness.example"
STATUS = {
    WitnessVerdict.COSIGNED: 200,
    WitnessVerdict.STALE: 409,
    WitnessVerdict.INCONSISTENT: 422,
    WitnessVerdict.UNKNOWN: 404,
}


def share(node: Node, circle: str, number: int) -> None:
    """Share a new indicator."""
    item = {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--00000000-0000-4000-8000-{number % 10**12:012d}",
        "created": "2026-11-20T08:00:00.000Z",
        "modified": "2026-11-20T08:00:00.000Z",
        "pattern": f"[domain-name:value = 'a{number}.example']",
        "pattern_type": "stix",
        "valid_from": "2026-11-20T08:00:00Z",
    }
    done = node.items.import_files([("feed.json", json.dumps(item).encode())], tlp="TLP:GREEN", circle=circle)
    assert done.shared == 1, done


class Outsider:
    """A third node as a witness in a network without sockets; keeps everything that it was told."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.node = network.add("Watch tower")
        self.told: list[bytes] = []
        network.witnesses[BASE] = self.ask

    @property
    def vkey(self) -> str:
        return self.node.witness.vkey

    def ask(self, path: str, body: bytes | None) -> tuple[int, str, bytes]:
        if body is None:
            assert path.startswith("/w1/")
            head = self.node.witness.head(path.split("/")[2])
            return (404, "text/plain", b"") if head is None else (200, "text/plain", head)
        assert path == "/w1/add-checkpoint"
        self.told.append(body)
        (answer,) = self.node.witness.add([body])
        kind = "text/x.tlog.size" if answer.verdict is WitnessVerdict.STALE else "text/plain; charset=utf-8"
        return STATUS[answer.verdict], kind, answer.text.encode()

    def knows(self, node: Node) -> None:
        """Name the logs of a node, as its operator would after `witness use`."""
        for each in node.outside.witnesses()[0].logs:
            self.node.witness.name(each.vkey)


class Story:
    """Two members with an agreement, one of which asks an outside witness."""

    def __init__(self) -> None:
        self.network = Network()
        self.a, self.b = self.network.add("Harbour"), self.network.add("Rail")
        self.circle = self.network.agree(self.a, self.b)
        self.outsider = Outsider(self.network)

    def use(self) -> Story:
        self.a.outside.use(URL, self.outsider.vkey)
        self.outsider.knows(self.a)
        return self

    def grow(self) -> None:
        """Make our log one entry longer."""
        before = self.row().signed
        share(self.a, self.circle, self.network.clock())
        assert self.row().signed > before

    def row(self) -> LogRow:
        with self.a.base.store.read() as tx:
            (row,) = [row for row in tx.logs.all() if row.member == self.a.base.me and row.circle]
        return row

    def log(self) -> OutsideLog:
        (witness,) = self.a.outside.witnesses()
        (log,) = witness.logs
        return log


@pytest.fixture
def story() -> Story:
    return Story().use()


def test_nothing_but_the_signed_head_and_its_proof_leaves(story: Story) -> None:
    assert [each.problem for each in story.a.outside.post_all()] == [""]
    row = story.row()
    (body,) = story.outsider.told
    assert body == b"old 0\n\n" + row.note
    given = Submission.parse(body)
    assert (given.checkpoint.origin, given.checkpoint.size) == (row.origin, row.signed)
    assert [each.name for each in given.head.signatures] == [row.origin]
    assert story.a.member.encode() not in body
    assert story.b.member.encode() not in body


def test_cosignature_is_kept_and_the_next_head_goes_on_from_it(story: Story) -> None:
    for _ in range(3):
        story.grow()
        story.a.outside.post_all()
        assert (story.log().cosigned, story.log().problem) == (story.row().signed, "")
    sizes = [(Submission.parse(body).old, Submission.parse(body).checkpoint.size) for body in story.outsider.told]
    assert [old for old, _ in sizes] == [0, *(new for _, new in sizes[:-1])]
    assert story.a.outside.post_all()[0].problem == ""
    assert len(story.outsider.told) == 3
    verifiers = (note.Verifier.parse(story.log().vkey), note.Verifier.parse(story.outsider.vkey))
    head = story.a.outside.head(story.circle)
    assert len(note.verify(note.Note.parse(head), verifiers)) == 2
    story.grow()
    with pytest.raises(NotFoundError):
        story.a.outside.head(story.circle)


def test_answer_that_was_lost_is_asked_for_again(story: Story) -> None:
    asked = story.outsider.ask
    lost = threading.Event()

    def lose(path: str, body: bytes | None) -> tuple[int, str, bytes]:
        asked(path, body)
        lost.set()
        raise TransportError("The connection broke.")

    story.network.witnesses[BASE] = lose
    assert story.a.outside.post_all()[0].problem == "The connection broke."
    assert lost.is_set()
    assert story.log().problem == "The connection broke."
    story.network.witnesses[BASE] = asked
    assert story.a.outside.post_all()[0].problem == ""
    assert [Submission.parse(body).old for body in story.outsider.told] == [0, 0, story.row().signed]
    assert (story.log().cosigned, story.log().problem) == (story.row().signed, "")


@pytest.mark.parametrize(
    "answer",
    [
        (200, "text/plain", b""),
        (200, "text/plain", b"hello\n"),
        (403, "text/plain", b"no\n"),
        (404, "text/plain", b"\xff\x1b[31m\n"),
        (409, "text/plain", b"3\n"),
        (409, "text/x.tlog.size", b"-3\n"),
        (409, "text/x.tlog.size", b"99999\n"),
        (500, "", b""),
    ],
)
def test_answer_that_shows_nothing_is_told_and_not_kept(story: Story, answer: tuple[int, str, bytes]) -> None:
    story.network.witnesses[BASE] = lambda _path, body: answer if body is not None else (404, "", b"")
    (asked,) = story.a.outside.post_all()
    assert asked.problem
    assert "\x1b" not in asked.problem
    assert (story.log().cosigned, story.log().problem) == (0, asked.problem)
    with story.a.base.store.read() as tx:
        assert story.a.base.guard.doubted(tx) == ""


def test_cosignature_of_another_head_is_not_kept(story: Story) -> None:
    signer = note.Signer("witness.example/w1", note.COSIGNATURE, bytes([3]) * 32)
    story.a.outside.drop(story.outsider.vkey)
    story.a.outside.use(URL, signer.verifier.vkey())
    row = story.row()
    wrong = note.cosign(note.Checkpoint(row.origin, row.signed, bytes(32)), signer, 1_790_000_000).encode()
    story.network.witnesses[BASE] = lambda _path, _body: (200, "text/plain", wrong)
    assert story.a.outside.post_all()[0].problem
    assert story.log().cosigned == 0


def test_witness_that_holds_a_later_head_of_ours_shows_that_this_home_is_old(story: Story) -> None:
    story.grow()
    story.a.outside.post_all()
    row = story.row()
    with story.a.base.store.write() as tx:  # as in a restored backup
        tx.records.delete("outside", tx.records.scan("outside")[0][0])
    later = note.sign_checkpoint(
        note.Checkpoint(row.origin, row.signed + 5, bytes(32)),
        note.Signer(row.origin, note.ED25519, story.a.base.keys.secrets.seed("log")),
    )

    def ask(path: str, body: bytes | None) -> tuple[int, str, bytes]:
        if body is None:
            assert path == f"/w1/{sha256(row.origin.encode()).hexdigest()}/checkpoint"
            return 200, "text/plain", later
        return 409, "text/x.tlog.size", b"%d\n" % (row.signed + 5)

    story.network.witnesses[BASE] = ask
    assert story.a.outside.post_all()[0].problem
    with story.a.base.store.read() as tx:
        assert story.a.base.guard.doubted(tx)
        assert story.a.base.guard.seed(tx) is None
    story.network.witnesses[BASE] = lambda _path, _body: pytest.fail("a home in doubt asks nobody")
    assert story.a.outside.post_all()[0].problem == ""


def test_only_the_circles_that_were_named_are_shown() -> None:
    network = Network()
    a, b, c = network.add("Harbour"), network.add("Rail"), network.add("Grid")
    circle = network.agree(a, b, c)
    agreement = a.agreements.circles()[0].agreement
    inner = network.circle(a, b, agreement=agreement, name="Inner")
    outsider = Outsider(network)
    assert {each.circle for each in a.outside.use(URL, outsider.vkey, "Inner").logs} == {inner}
    assert {each.circle for each in a.outside.use(URL, outsider.vkey, circle).logs} == {inner, circle}
    assert a.outside.use(URL, outsider.vkey).circles == []
    with pytest.raises(NotFoundError):
        a.outside.use(URL, outsider.vkey, "Nowhere")


@pytest.mark.parametrize(
    "url",
    ["", "witness.example", "http://witness.example/w", "ftp://x.example", "https://x.example/?a", "https://[x/", "https://x.example/ä"],
)  # fmt: skip
def test_address_that_cannot_be_called_is_refused(story: Story, url: str) -> None:
    with pytest.raises(InvalidError):
        story.a.outside.use(url, story.outsider.vkey)


def test_key_that_does_not_cosign_is_refused(story: Story) -> None:
    with pytest.raises(InvalidError):
        story.a.outside.use(URL, story.log().vkey)
    with pytest.raises(NotFoundError):
        story.a.outside.drop("nobody")
    story.a.outside.drop(story.outsider.vkey)
    assert story.a.outside.witnesses() == []


@contextmanager
def tower(folder: Path) -> Iterator[tuple[Node, str]]:
    """Give a third node that serves as a witness, and its address."""
    Node.init(folder / "tower", name="Watch tower", url="http://localhost:9")
    ready: queue.Queue[str] = queue.Queue()
    stop = threading.Event()
    with Node.open(folder / "tower") as node:
        thread = threading.Thread(target=serve, args=(node, "127.0.0.1", 0, ready.put, stop))
        thread.start()
        try:
            yield node, f"{ready.get(timeout=CEILING)}/witness"
        finally:
            stop.set()
            thread.join(CEILING)


def test_running_member_has_each_new_head_cosigned(tmp_path: Path) -> None:
    with houses(tmp_path, "Harbour", "Rail") as (a, b), tower(tmp_path) as (witness, url):
        pair(a.node, b.node)
        circle = agree(a.node, b.node)
        for each in a.node.outside.use(url, witness.witness.vkey).logs:
            witness.witness.name(each.vkey)
        a.run()
        for number in (1, 2):
            share(a.node, circle, number)
            until(lambda: all(log.cosigned == log.signed for log in a.node.outside.witnesses()[0].logs))
        assert witness.witness.logs()[0].size == a.node.outside.witnesses()[0].logs[0].signed > 0


def test_witness_that_does_not_answer_holds_up_no_partner(tmp_path: Path) -> None:
    with houses(tmp_path, "Harbour", "Rail") as (a, b), tower(tmp_path) as (witness, url):
        pair(a.node, b.node)
        circle = agree(a.node, b.node)
        vkey = note.Signer("silent.example/w", note.COSIGNATURE, bytes([3]) * 32).verifier.vkey()
        a.node.outside.use("http://127.0.0.1:9/w", vkey)
        for each in a.node.outside.use(url, witness.witness.vkey).logs:
            witness.witness.name(each.vkey)
        a.run()
        b.run()
        with Stopwatch() as watch:
            share(a.node, circle, 1)
            size = a.node.outside.witnesses()[0].logs[0].signed
            until(lambda: any(log.size >= size and log.member == a.node.member for log in _circle_logs(b.node)))
        assert watch.seconds < 5
        until(lambda: witness.witness.logs()[0].size == size)
        problems = {each.name: [log.problem for log in each.logs] for each in a.node.outside.witnesses()}
        assert problems["silent.example/w"] != [""]


def _circle_logs(node: Node) -> list:
    return [log for log in node.ledger.verify().logs if log.circle]


def test_courier_waits_longer_after_each_failure_and_wakes_for_others() -> None:
    class Witnesses:
        def __init__(self) -> None:
            self.asked: list[str] = []

        def names(self) -> list[str]:
            return ["bad", "good"]

        def post(self, vkey: str) -> str:
            self.asked.append(vkey)
            return "silent" if vkey == "bad" else ""

    stop, witnesses = threading.Event(), Witnesses()
    courier = Courier(witnesses, stop)
    courier.start()
    for count in range(1, 4):
        courier.wake()
        until(lambda count=count: witnesses.asked.count("good") == count)
    stop.set()
    courier.wake()
    courier.join(CEILING)
    assert not courier.is_alive()
    assert witnesses.asked.count("bad") == 1
