"""A submission is read in its only spelling, and judged in the order of C2SP tlog-witness."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entente.core import note
from entente.core.errors import EntenteError, InvalidError, VerificationError
from entente.ledger import cosigner
from entente.ledger.cosigner import CosignedLog, Submission, WitnessVerdict
from witness.asking_logs import LEAVES, Log, line, signed

LOG = Log()
HASH = bytes([1]) * 32
NOTE = LOG.head(3)
ROOT = NOTE.split(b"\n")[2]

MALFORMED = {
    "nothing": b"",
    "no note": b"old 0\n\n",
    "no empty line": b"old 0\n" + NOTE,
    "no old": NOTE,
    "old without size": b"old \n\n" + NOTE,
    "old with a leading zero": b"old 01\n\n" + NOTE,
    "old with a sign": b"old +1\n\n" + NOTE,
    "old below zero": b"old -1\n\n" + NOTE,
    "old in other digits": "old \u0661\n\n".encode() + NOTE,
    "old of 2^63": b"old 9223372036854775808\n\n" + NOTE,
    "two spaces": b"old  1\n\n" + NOTE,
    "other word": b"Old 1\n\n" + NOTE,
    "carriage returns": b"old 0\r\n\r\n" + NOTE,
    "64 hashes": b"old 1\n" + line(HASH) * 64 + b"\n" + NOTE,
    "short hash": b"old 1\n" + line(HASH[:31]) + b"\n" + NOTE,
    "long hash": b"old 1\n" + line(HASH + HASH) + b"\n" + NOTE,
    "hash in another spelling": b"old 1\n" + line(HASH).replace(b"=", b"") + b"\n" + NOTE,
    "hash with a space": b"old 1\n " + line(HASH) + b"\n" + NOTE,
    "note without signature": b"old 0\n\n" + NOTE.partition(b"\n\n")[0] + b"\n\n",
    "note cut off": b"old 0\n\n" + NOTE[:-1],
    "size with a leading zero": b"old 0\n\n" + signed(LOG, f"{LOG.origin}\n03\n{ROOT.decode()}\n"),
    "size of 2^63": b"old 0\n\n" + signed(LOG, f"{LOG.origin}\n9223372036854775808\n{ROOT.decode()}\n"),
    "extension line": b"old 0\n\n" + signed(LOG, f"{LOG.origin}\n3\n{ROOT.decode()}\nmore\n"),
    "short root": b"old 0\n\n" + signed(LOG, f"{LOG.origin}\n3\nAAAA\n"),
    "not UTF-8": b"old 0\n\n" + NOTE.replace(b"log.example", b"log.\xffample"),
    "too large": b"old 0\n\n" + NOTE + b"x" * cosigner.MAX_BODY,
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_body_is_refused(name: str) -> None:
    with pytest.raises(EntenteError):
        Submission.parse(MALFORMED[name])


@given(st.integers(0, 2**63 - 1), st.lists(st.binary(min_size=32, max_size=32), max_size=63))
def test_what_is_sent_is_read(old: int, proof: list[bytes]) -> None:
    body = cosigner.submission(old, proof, NOTE)
    given_ = Submission.parse(body)
    assert (given_.old, list(given_.proof), given_.checkpoint) == (old, proof, LOG.checkpoint(3))
    assert given_.to_bytes() == body
    assert len(body) <= cosigner.MAX_BODY


@given(st.data())
def test_no_bytes_make_the_reader_fail_in_another_way(data: st.DataObject) -> None:
    body = bytearray(LOG.body(5, 13))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(body) - 1))
        body[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    try:
        read = Submission.parse(bytes(body))
    except EntenteError:
        return
    assert read.to_bytes() == bytes(body)


def known(size: int = 0, log: Log = LOG, keys: tuple[str, ...] = (LOG.vkey,)) -> CosignedLog:
    return CosignedLog(log.origin, keys, size, log.checkpoint(size).root)


def verdict(body: bytes, state: CosignedLog | None) -> tuple[WitnessVerdict, str]:
    submission = Submission.parse(body)
    judged = cosigner.judge(submission, state, cosigner.trusted(submission, state))
    return judged.verdict, judged.text


STRANGER = Log(seed=bytes([9]) * 32)
FLIPPED = LOG.body(3, 9).replace(LOG.head(9)[-90:], LOG.head(8)[-90:])


@pytest.mark.parametrize(
    ("name", "body", "state", "expected"),
    [
        ("unknown origin", LOG.body(9, 3), None, WitnessVerdict.UNKNOWN),
        ("log without keys", LOG.body(0, 3), known(keys=()), WitnessVerdict.UNKNOWN),
        ("unknown origin before signature", STRANGER.body(9, 3), None, WitnessVerdict.UNKNOWN),
        ("signed by a stranger", STRANGER.body(0, 3), known(), WitnessVerdict.UNSIGNED),
        ("own line does not hold", FLIPPED, known(3), WitnessVerdict.UNSIGNED),
        ("signature before sizes", STRANGER.body(9, 3), known(5), WitnessVerdict.UNSIGNED),
        ("old larger than new", LOG.body(5, 3), known(5), WitnessVerdict.BACKWARDS),
        ("old larger than new before stale", LOG.body(9, 3), known(5), WitnessVerdict.BACKWARDS),
        ("stale", LOG.body(3, 9), known(5), WitnessVerdict.STALE),
        ("ahead of the witness", LOG.body(8, 9), known(5), WitnessVerdict.STALE),
        ("stale before inconsistent", LOG.other(0).body(3, 9), known(5), WitnessVerdict.STALE),
        ("another history", LOG.other(2).body(5, 9), known(5), WitnessVerdict.INCONSISTENT),
        ("another root at the same size", LOG.other(2).body(5, 5), known(5), WitnessVerdict.INCONSISTENT),
        ("proof cut off", LOG.body(5, 9, LOG.proof(5, 9)[:-1]), known(5), WitnessVerdict.INCONSISTENT),
        ("proof with more", LOG.body(5, 9, [*LOG.proof(5, 9), HASH]), known(5), WitnessVerdict.INCONSISTENT),
        ("proof at the same size", LOG.body(5, 5, [HASH]), known(5), WitnessVerdict.INCONSISTENT),
        ("proof from nothing", LOG.body(0, 5, [HASH]), known(), WitnessVerdict.INCONSISTENT),
        ("first head", LOG.body(0, 5), known(), WitnessVerdict.COSIGNED),
        ("the same head again", LOG.body(5, 5), known(5), WitnessVerdict.COSIGNED),
        ("a longer one", LOG.body(5, 13), known(5), WitnessVerdict.COSIGNED),
        ("a second key", STRANGER.body(0, 5), known(keys=(LOG.vkey, STRANGER.vkey)), WitnessVerdict.COSIGNED),
    ],
)
def test_first_rule_that_applies_is_the_answer(
    name: str, body: bytes, state: CosignedLog | None, expected: WitnessVerdict
) -> None:
    assert verdict(body, state)[0] is expected, name


def test_stale_answer_is_the_cosigned_size_as_a_line() -> None:
    assert verdict(LOG.body(3, 9), known(5)) == (WitnessVerdict.STALE, "5\n")


def test_lines_of_other_keys_are_ignored() -> None:
    more = STRANGER.head(5).split(b"\n\n")[1]
    assert verdict(LOG.body(0, 5) + more, known())[0] is WitnessVerdict.COSIGNED


@given(st.lists(st.integers(1, LEAVES), min_size=1, max_size=6, unique=True))
def test_cosigned_state_follows_the_log_and_no_other(sizes: list[int]) -> None:
    signer = note.Signer("witness.example/w", note.COSIGNATURE, bytes([3]) * 32)
    state, fork = known(), LOG.other(0)
    for old, new in pairwise([0, *sorted(sizes)]):
        given_ = Submission.parse(LOG.body(old, new))
        lines = cosigner.trusted(given_, state)
        if old:
            assert verdict(fork.body(old, new), state)[0] is WitnessVerdict.INCONSISTENT
        assert cosigner.judge(given_, state, lines).verdict is WitnessVerdict.COSIGNED
        state, judged = cosigner.cosign(given_, state, lines, signer, 1_790_000_000)
        assert (state.size, state.root) == (new, LOG.checkpoint(new).root)
        assert note.open_checkpoint(state.note, LOG.signer.verifier) == LOG.checkpoint(new)
        assert state.note.decode().endswith(judged.text)
        found = cosigner.cosignature_in(judged.text.encode(), LOG.checkpoint(new), signer.verifier)
        assert note.verify_cosignature(LOG.checkpoint(new), found, signer.verifier) == 1_790_000_000


def test_answer_counts_only_with_the_line_of_the_key_for_this_head() -> None:
    mine, other = (note.Signer("witness.example/w", note.COSIGNATURE, bytes([at]) * 32) for at in (3, 4))
    head = LOG.checkpoint(5)
    good, alien = note.cosign(head, mine, 1), note.cosign(head, other, 1)
    assert cosigner.cosignature_in((alien + good).encode(), head, mine.verifier) == good
    for answer in (b"", alien.encode(), note.cosign(LOG.checkpoint(6), mine, 1).encode()):
        with pytest.raises((VerificationError, InvalidError)):
            cosigner.cosignature_in(answer, head, mine.verifier)
    for answer in (good.encode()[:-1], b"\xff\n", (good * 80).encode(), b"hello\n"):
        with pytest.raises(InvalidError):
            cosigner.cosignature_in(answer, head, mine.verifier)


def test_a_key_that_cosigns_is_no_key_of_a_log() -> None:
    witness = note.Signer("witness.example/w", note.COSIGNATURE, bytes([3]) * 32)
    with pytest.raises(InvalidError):
        cosigner.named(witness.verifier.vkey())
    assert cosigner.named(LOG.vkey) == LOG.signer.verifier
