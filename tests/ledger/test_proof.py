"""Proof files: what is written verifies anywhere, and what does not verify is not written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entente.core import merkle, note
from entente.core.errors import VerificationError
from entente.ledger.proof import Statement, read_proof, write_proof
from tools_loader import load

if TYPE_CHECKING:
    from entente.ledger import history

vectors = load("make_vectors")
verify = load("verify")
NORTH, SOUTH, EAST = vectors.NORTH, vectors.SOUTH, vectors.EAST
ORIGIN = vectors.log_origin(NORTH)


def head(parts: list[history.Part]) -> note.Checkpoint:
    return note.Checkpoint(ORIGIN, len(parts), merkle.root(merkle.leaf_hashes(vectors.leaves_of(parts))))


def make(
    index: int, size: int, *, others: tuple = (), lines: tuple[str, ...] = (), part: history.Part | None = None
) -> bytes:
    parts = vectors.items(size)
    hashes = merkle.leaf_hashes(vectors.leaves_of(parts))
    return write_proof(
        index=index,
        part=part or parts[index],
        hashes=merkle.inclusion_proof(index, size, merkle.reader(hashes)),
        checkpoint=NORTH.signed(ORIGIN, vectors.leaves_of(parts)),
        author=NORTH.keys(),
        cosigners=tuple(person.keys() for person in others),
        cosignatures=lines,
    )


@settings(max_examples=25)
@given(st.data())
def test_every_entry_of_every_log_has_a_proof_that_both_readers_take(data: st.DataObject) -> None:
    size = data.draw(st.integers(min_value=1, max_value=40))
    index = data.draw(st.integers(min_value=0, max_value=size - 1))
    file = make(index, size)
    found = read_proof(file)
    assert (found.kind, found.time, found.salt, found.payload) == vectors.items(size)[index]
    assert (found.author.member, found.index, found.checkpoint.size) == (NORTH.member, index, size)
    name, verdict = verify.judge(file, "")
    assert (name, verdict.facts["index"], verdict.facts["size"]) == ("proof", index, size)


def test_a_proof_says_who_has_seen_and_stored_what() -> None:
    at = head(vectors.items(5))
    lines = (
        SOUTH.cosignature("witness", at, 10),
        SOUTH.cosignature("store", at, 11),
        EAST.cosignature("witness", at, 12),
    )
    found = read_proof(make(2, 5, others=(SOUTH, EAST), lines=lines))
    said = {(each.member, each.stored, each.time) for each in found.statements}
    assert said == {(SOUTH.member, False, 10), (SOUTH.member, True, 11), (EAST.member, False, 12)}
    assert {each.member for each in found.cosigners} == {SOUTH.member, EAST.member}


def test_of_one_key_the_newest_cosignature_stands_in_the_file() -> None:
    at = head(vectors.items(5))
    lines = tuple(SOUTH.cosignature("witness", at, time) for time in (10, 30, 20))
    assert read_proof(make(2, 5, others=(SOUTH,), lines=lines)).statements == (Statement(False, SOUTH.member, 30),)


def test_lines_that_no_history_explains_are_left_out() -> None:
    at = head(vectors.items(5))
    lines = (SOUTH.cosignature("witness", at, 10), NORTH.cosignature("witness", at, 10), "— who.example AAAAAAAA\n")
    found = read_proof(make(2, 5, others=(NORTH, EAST), lines=lines))
    assert (found.statements, found.cosigners) == ((), ())


def test_a_cosignature_of_another_head_is_not_handed_out() -> None:
    line = SOUTH.cosignature("witness", head(vectors.items(6)), 10)
    with pytest.raises(VerificationError):
        make(2, 5, others=(SOUTH,), lines=(line,))


def test_a_proof_of_another_entry_is_not_handed_out() -> None:
    with pytest.raises(VerificationError):
        make(2, 5, part=vectors.items(5)[3])


def test_many_cosigners_are_cut_to_what_a_note_holds() -> None:
    at = head(vectors.items(3))
    people = tuple(vectors.Person(f"Member {number}") for number in range(40))
    lines = tuple(person.cosignature(use, at, 9) for person in people for use in ("witness", "store"))
    found = read_proof(make(1, 3, others=people, lines=lines))
    assert len(found.statements) == note.MAX_SIGNATURES - 1


def test_a_file_above_the_limit_is_refused() -> None:
    with pytest.raises(VerificationError, match="at most"):
        read_proof(b"c2sp.org/tlog-proof@v1\n" + bytes(32 << 20))


def test_an_empty_file_is_refused() -> None:
    with pytest.raises(VerificationError):
        read_proof(b"")
