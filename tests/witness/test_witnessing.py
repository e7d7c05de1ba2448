"""A member as a witness: compare and swap, what is kept, what is refused while the home is in doubt."""

from __future__ import annotations

import threading
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from entente.core import note
from entente.core.errors import ConflictError, InvalidError, NotFoundError
from entente.ledger.cosigner import WitnessAnswer, WitnessVerdict
from network import Network
from witness.asking_logs import LEAVES, Log

if TYPE_CHECKING:
    from entente.node import Node

LOG = Log()
HASHED = sha256(LOG.origin.encode()).hexdigest()

# The log of FiloSottile/torchwood's TestRace: three heads under a published key, and the proofs between them.
RACE = "sigsum.org/v1/tree/4d6d8825a6bb689d459628312889dfbb0bcd41b5211d9e1ce768b0ff0309e562"
RACE_KEY = bytes.fromhex("ffdc2d4d98e4124d3feaf788c0c2f9abfd796083d1f0495437f302ec79cf100f")
RACE_HEADS = {
    1: (
        "KgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "UgIom7fPZTqpxWWhyjWduBvTvGVqsokMbqTArsQilegKoFBJQjUFAmQ0+YeSPM3wfUQMFSzVnnNuWRTYrajXpNUbIQY=",
    ),
    3: (
        "RcCI1Nk56ZcSmIEfIn0SleqtV7uvrlXNccFx595Iwl0=",
        "UgIom2VbtIcdFbwFAy1n7s6IkAxIY6J/GQOTuZF2ORV39d75cbAj2aQYwyJre36kezNobZs4SUUdrcawfAB8WVrx6go=",
    ),
    5: (
        "QrtXrQZCCvpIgsSmOsah7HdICzMLLyDfxToMql9WTjY=",
        "UgIomw/EOJmWi0i1FQsOj+etB7F8IccFam/jgd6wzRns4QPVmyEZtdvl1U2KEmLOZ/ASRcWJi0tW90dJWAShei7sDww=",
    ),
}
RACE_PROOFS = {
    1: [],
    3: ["KgEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "KgIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="],
    5: [
        "KgEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "+fUDV+k970B4I3uKrqJM4aP1lloPZP8mvr2Z4wRw2LI=",
        "KgQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    ],
}


def race(old: int, new: int, proof: int | None = None) -> bytes:
    root, signature = RACE_HEADS[new]
    lines = "".join(f"{each}\n" for each in RACE_PROOFS[new if proof is None else proof])
    return f"old {old}\n{lines}\n{RACE}\n{new}\n{root}\n\n— {RACE} {signature}\n".encode()


@pytest.fixture
def node() -> Node:
    node = Network().add("Watch tower")
    node.witness.name(LOG.vkey)
    return node


def one(node: Node, body: bytes) -> WitnessAnswer:
    (answer,) = node.witness.add([body])
    return answer


def test_cosigned_head_is_kept_and_served(node: Node) -> None:
    verifier = note.Verifier.parse(node.witness.vkey)
    assert node.witness.head(HASHED) is None
    answer = one(node, LOG.body(0, 5))
    assert answer.verdict is WitnessVerdict.COSIGNED
    assert note.verify_cosignature(LOG.checkpoint(5), answer.text, verifier) == node.base.clock() // 1000
    served = node.witness.head(HASHED)
    assert served is not None
    assert note.open_checkpoint(served, LOG.signer.verifier) == LOG.checkpoint(5)
    assert note.verify_cosignature(LOG.checkpoint(5), served.decode().splitlines()[-1], verifier)
    (shown,) = node.witness.logs()
    assert (shown.origin, shown.size, shown.keys) == (LOG.origin, 5, [LOG.vkey])
    assert node.witness.head("0" * 64) is None


def test_published_race_ends_with_one_winner(node: Node) -> None:
    node.witness.name(note.Verifier(RACE, note.ED25519, RACE_KEY).vkey())
    assert one(node, race(0, 1)).verdict is WitnessVerdict.COSIGNED
    assert one(node, race(1, 3, proof=5)).verdict is WitnessVerdict.INCONSISTENT
    assert one(node, race(1, 5, proof=3)).verdict is WitnessVerdict.INCONSISTENT
    answers = node.witness.add([race(1, 5), race(1, 3)])
    assert [each.verdict for each in answers] == [WitnessVerdict.COSIGNED, WitnessVerdict.STALE]
    assert answers[1].text == "5\n"
    assert [each.size for each in node.witness.logs() if each.origin == RACE] == [5]


def test_one_run_takes_what_fits_after_what_stands_before_it(node: Node) -> None:
    bodies = [LOG.body(0, 1), LOG.body(1, 3), LOG.body(1, 4), b"nonsense", LOG.body(3, 9)]
    verdicts = [each.verdict for each in node.witness.add(bodies)]
    assert verdicts == [
        WitnessVerdict.COSIGNED,
        WitnessVerdict.COSIGNED,
        WitnessVerdict.STALE,
        WitnessVerdict.MALFORMED,
        WitnessVerdict.COSIGNED,
    ]
    assert node.witness.logs()[0].size == 9


def test_of_many_at_one_time_one_wins_at_each_size(node: Node) -> None:
    start, answers = threading.Barrier(8), []

    def ask(new: int) -> None:
        start.wait()
        answers.append((new, one(node, LOG.body(0, new))))

    threads = [threading.Thread(target=ask, args=(10 + at,)) for at in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    won = [new for new, answer in answers if answer.verdict is WitnessVerdict.COSIGNED]
    assert len(won) == 1
    assert {answer.text for _, answer in answers if answer.verdict is WitnessVerdict.STALE} == {f"{won[0]}\n"}
    assert len(answers) == 8


def test_two_histories_are_never_cosigned(node: Node) -> None:
    fork = LOG.other(3)
    for size in range(1, LEAVES + 1):
        taken, refused = LOG.body(size - 1, size), fork.body(size - 1, size)
        first, second = (each.verdict for each in node.witness.add([taken, refused]))
        assert first is WitnessVerdict.COSIGNED
        assert second in {WitnessVerdict.STALE, WitnessVerdict.INCONSISTENT}
        same = WitnessVerdict.COSIGNED if size <= 3 else WitnessVerdict.INCONSISTENT
        assert one(node, fork.body(size, size)).verdict is same


def test_key_that_was_removed_is_not_trusted_and_the_state_stays(node: Node) -> None:
    one(node, LOG.body(0, 5))
    assert node.witness.drop(LOG.vkey).keys == []
    assert one(node, LOG.body(5, 9)).verdict is WitnessVerdict.UNKNOWN
    assert node.witness.head(HASHED) is None
    with pytest.raises(NotFoundError):
        node.witness.drop(LOG.vkey)
    node.witness.name(LOG.vkey)
    assert one(node, LOG.body(0, 9)).text == "5\n"
    assert one(node, LOG.other(2).body(5, 9)).verdict is WitnessVerdict.INCONSISTENT
    assert one(node, LOG.body(5, 9)).verdict is WitnessVerdict.COSIGNED


def test_second_key_of_a_log_is_trusted_too(node: Node) -> None:
    later = Log(LOG.origin, bytes([8]) * 32)
    assert one(node, later.body(0, 5)).verdict is WitnessVerdict.UNSIGNED
    assert node.witness.name(later.vkey).keys == sorted([LOG.vkey, later.vkey])
    assert one(node, later.body(0, 5)).verdict is WitnessVerdict.COSIGNED
    assert one(node, LOG.body(5, 9)).verdict is WitnessVerdict.COSIGNED


def test_key_of_another_name_needs_the_origin(node: Node) -> None:
    key = note.Signer("keys.example/1", note.ED25519, bytes([5]) * 32)
    assert node.witness.name(key.verifier.vkey(), "log.example/other").origin == "log.example/other"
    head = note.Checkpoint("log.example/other", 0, LOG.checkpoint(0).root).body()
    body = f"old 0\n\n{head}\n".encode() + note.sign(head, key)
    assert one(node, body).verdict is WitnessVerdict.COSIGNED
    with pytest.raises(InvalidError):
        node.witness.name(key.verifier.vkey(), "two words")
    with pytest.raises(InvalidError):
        node.witness.name(node.witness.vkey)


def test_log_of_an_own_circle_is_not_witnessed_twice() -> None:
    network = Network()
    a, b = network.add("Harbour"), network.add("Rail")
    network.agree(a, b)
    with a.base.store.read() as tx:
        row = next(row for row in tx.logs.all() if row.circle and row.member == b.base.me)
        vkey = a.base.history(tx, b.base.me).current.verifier(row.origin).vkey()
    with pytest.raises(ConflictError):
        a.witness.name(vkey)
    outsider = network.add("Watch tower")
    assert outsider.witness.name(vkey).origin == row.origin


def test_witness_in_doubt_cosigns_nothing_until_a_person_vouches(node: Node) -> None:
    one(node, LOG.body(0, 5))
    with node.base.store.write() as tx:
        node.base.guard.doubt(tx, "The database is older than the last signature.")
    assert one(node, LOG.body(5, 9)).verdict is WitnessVerdict.UNSURE
    with node.base.store.write() as tx:
        node.base.guard.trust(tx)  # partners can vouch for our own logs, not for what we cosigned for others
    assert one(node, LOG.body(5, 9)).verdict is WitnessVerdict.UNSURE
    assert node.witness.doubt()
    node.ledger.confirm()
    assert node.witness.doubt() == ""
    assert one(node, LOG.body(5, 9)).verdict is WitnessVerdict.COSIGNED
