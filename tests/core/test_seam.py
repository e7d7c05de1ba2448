"""A tree that is held in part proves what is held of it, as the whole tree would."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entente.core import merkle
from entente.core.errors import VerificationError
from entente.core.seam import Seam

LEAVES = [sha256(bytes([number])).digest() for number in range(70)]


def node(level: int, index: int) -> bytes:
    return merkle.root(LEAVES[index << level : (index + 1) << level])


@given(st.integers(1, 70), st.data())
def test_proofs_of_a_tree_held_in_part_are_those_of_the_whole(size: int, data: st.DataObject) -> None:
    held = data.draw(st.integers(1, size))
    index = data.draw(st.integers(0, held - 1))
    smaller = data.draw(st.integers(0, held))

    def read(level: int, number: int) -> bytes:
        assert (number + 1) << level <= held, "only what is held is asked for"
        return node(level, number)

    seam = Seam(held, size, merkle.consistency_proof(held, size, node), read)
    assert seam.inclusion(index) == merkle.inclusion_proof(index, size, node)
    assert seam.consistency(smaller) == merkle.consistency_proof(smaller, size, node)


def test_a_proof_of_another_length_is_refused() -> None:
    proof = merkle.consistency_proof(5, 11, node)
    for wrong in (proof[:-1], [*proof, proof[0]], []):
        with pytest.raises(VerificationError):
            Seam(5, 11, wrong, node)


def test_what_is_not_held_cannot_be_proven() -> None:
    seam = Seam(5, 11, merkle.consistency_proof(5, 11, node), node)
    for wrong in (5, 9, 11, -1):
        with pytest.raises(VerificationError):
            seam.inclusion(wrong)
    for wrong in (6, 12, -1):
        with pytest.raises(VerificationError):
            seam.consistency(wrong)
