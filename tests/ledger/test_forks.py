"""Evidence of a fork: two histories are shown by it, and honest growth never looks like one."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entente.core import merkle
from entente.core.errors import VerificationError
from entente.ledger import forks
from tools_loader import load

if TYPE_CHECKING:
    from collections.abc import Sequence

vectors = load("make_vectors")
verify = load("verify")
NORTH, SOUTH = vectors.NORTH, vectors.SOUTH
ORIGIN = vectors.log_origin(NORTH)


def log(size: int, version: str = "") -> list[bytes]:
    return vectors.leaves_of(vectors.items(size, version))


def known(leaves: list[bytes], first: int, second: int) -> tuple[bytes, Sequence[bytes]]:
    """What a holder of a log says of its earlier size."""
    hashes = merkle.leaf_hashes(leaves)
    assert second == len(leaves)
    return merkle.root(hashes[:first]), merkle.consistency_proof(first, second, merkle.reader(hashes))


def look(first: list[bytes], second: list[bytes]) -> forks.Evidence | None:
    one, other = NORTH.signed(ORIGIN, first), NORTH.signed(ORIGIN, second)
    larger = max(first, second, key=len)
    return forks.find(NORTH.keys(), one, other, partial(known, larger))


@settings(max_examples=25)
@given(st.integers(min_value=4, max_value=20), st.integers(min_value=4, max_value=20))
def test_two_histories_are_always_found_and_verify_anywhere(first: int, second: int) -> None:
    found = look(log(first), log(second, "b"))
    assert found
    assert found == forks.from_json(forks.to_json(found))
    assert verify.judge(forks.to_json(found), "")[0] == "evidence"
    assert (found.member, found.origin) == (NORTH.member, ORIGIN)


@settings(max_examples=25)
@given(st.integers(min_value=0, max_value=20), st.integers(min_value=0, max_value=20))
def test_honest_growth_is_never_evidence(first: int, second: int) -> None:
    assert look(log(first), log(second)) is None


def test_without_the_larger_tree_nothing_is_shown() -> None:
    one, other = NORTH.signed(ORIGIN, log(5)), NORTH.signed(ORIGIN, log(7, "b"))
    assert forks.find(NORTH.keys(), one, other) is None
    assert forks.find(NORTH.keys(), one, other, lambda _first, _second: None) is None


def test_a_proof_that_does_not_verify_is_no_evidence() -> None:
    one, other = NORTH.signed(ORIGIN, log(5)), NORTH.signed(ORIGIN, log(7))
    with pytest.raises(VerificationError):
        forks.find(NORTH.keys(), one, other, lambda _first, _second: (bytes(32), [bytes(32)] * 4))


def test_a_note_that_the_member_did_not_sign_is_nobodys_fork() -> None:
    stranger = replace(NORTH, signs="witness")
    with pytest.raises(VerificationError):
        forks.find(NORTH.keys(), NORTH.signed(ORIGIN, log(5)), stranger.signed(ORIGIN, log(5, "b")))


def test_notes_of_two_logs_do_not_contradict_each_other() -> None:
    other = NORTH.signed(vectors.log_origin(NORTH, 2), log(5, "b"))
    with pytest.raises(VerificationError, match="two logs"):
        forks.find(NORTH.keys(), NORTH.signed(ORIGIN, log(5)), other)


def test_lines_of_others_are_left_out_of_evidence() -> None:
    one = NORTH.signed(ORIGIN, log(5)) + "— who.example AAAAAAAA\n".encode()
    found = forks.find(NORTH.keys(), one, NORTH.signed(ORIGIN, log(5, "b")))
    assert found
    assert found.first == NORTH.signed(ORIGIN, log(5))
    with pytest.raises(VerificationError, match="other lines"):
        forks.check(msgspec.structs.replace(found, first=one))


def test_evidence_against_a_key_history_is_found() -> None:
    rival = NORTH.parts()
    rival[1] = (*rival[1][:2], bytes(16), rival[1][3])
    origin = NORTH.member
    second = NORTH.signed(vectors.ids.keys_origin(origin), vectors.leaves_of(rival))
    found = forks.find(NORTH.keys(), NORTH.keys().note, second)
    assert found
    forks.check(found)


@pytest.mark.parametrize(
    "spoilt",
    [
        {"first": b""},
        {"roots": (bytes(32), bytes(32))},
        {"roots": (b"", b"")},
        {"proofs": ((), ())},
        {"proofs": ((), (bytes(32),) * 200)},
        {"size": 0},
        {"size": 6},
        {"keys": SOUTH.keys()},
    ],
)
def test_spoilt_evidence_is_neither_accepted_nor_written(spoilt: dict) -> None:
    evidence = msgspec.structs.replace(vectors.fork(5, 7), **spoilt)
    for act in (forks.check, forks.to_json):
        with pytest.raises(VerificationError):
            act(evidence)


@settings(max_examples=25)
@given(st.integers(min_value=4, max_value=20), st.integers(min_value=4, max_value=20), st.data())
def test_two_histories_are_shown_at_any_size_where_they_differ(first: int, second: int, data: st.DataObject) -> None:
    size = data.draw(st.integers(min_value=1, max_value=min(first, second)))
    trees = [merkle.leaf_hashes(each) for each in (log(first), log(second, "b"))]
    tied = [
        (
            NORTH.signed(ORIGIN, leaves),
            merkle.root(tree[:size]),
            merkle.consistency_proof(size, len(tree), merkle.reader(tree)),
        )
        for leaves, tree in zip((log(first), log(second, "b")), trees, strict=True)
    ]
    found = forks.make(NORTH.keys(), size, *tied)
    if size < 4:
        assert found is None, "the histories part at the fourth entry"
        return
    assert found
    assert found == forks.from_json(forks.to_json(found))
    assert verify.judge(forks.to_json(found), "")[0] == "evidence"


@pytest.mark.parametrize("sizes", [(5, 5), (5, 7), (4, 7)])
def test_evidence_that_a_home_kept_before_is_read(sizes: tuple[int, int]) -> None:
    new = json.loads(forks.to_json(vectors.fork(*sizes)))
    old = {name: new[name] for name in ("member", "keys", "first", "second")}
    root = "" if sizes[0] == sizes[1] else new["roots"][1]
    data = vectors.canon.encode({**old, "entente-evidence": 1, "root": root, "proof": new["proofs"][1]})
    assert forks.from_json(data) == vectors.fork(*sizes)
    with pytest.raises(VerificationError):
        forks.from_json(vectors.canon.encode({**old, "entente-evidence": 1, "root": 5, "proof": []}))


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"null", b"\xff", b'{"entente-evidence":1}', b"[" * 100_000])
def test_what_is_no_evidence_is_refused(data: bytes) -> None:
    with pytest.raises(VerificationError):
        forks.from_json(data)


def test_a_file_above_the_limit_is_refused() -> None:
    with pytest.raises(VerificationError, match="at most"):
        forks.from_json(bytes((32 << 20) + 1))
