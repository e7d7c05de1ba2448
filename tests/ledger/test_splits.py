"""Evidence of a split view without a node: what it takes, and that nothing else is taken for it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entente.core import merkle, note
from entente.core.errors import EntenteError, VerificationError
from entente.core.ids import origin_of, witness_name
from entente.ledger import splits
from network import Network

ORIGIN = origin_of(b"\5" * 32)
LEAVES = [bytes([number]) * 32 for number in range(9)]


class Two:
    """An author and a cosigner with real keys."""

    def __init__(self) -> None:
        network = Network(3)
        self.author, self.other = network.add("Harbour").base, network.add("Northwind").base
        with self.author.store.read() as tx:
            self.author_keys = self.author.history(tx, self.author.me)
        with self.other.store.read() as tx:
            self.other_keys = self.other.history(tx, self.other.me)

    def head(self, size: int) -> bytes:
        signer = note.Signer(ORIGIN, note.ED25519, self.author.keys.secrets.seed("log"))
        return note.sign_checkpoint(note.Checkpoint(ORIGIN, size, merkle.root(LEAVES[:size])), signer)

    def line(self, size: int, root: bytes) -> str:
        signer = note.Signer(witness_name(self.other.me), note.COSIGNATURE, self.other.keys.secrets.seed("witness"))
        return note.cosign(note.Checkpoint(ORIGIN, size, root), signer, 1_790_000_000)

    def view(self, size: int, of: int, root: bytes) -> splits.SplitView:
        proof = merkle.consistency_proof(size, of, merkle.reader(LEAVES[:of])) if size < of else []
        ours = (merkle.root(LEAVES[:size]), proof)
        return splits.make(self.author_keys, self.other_keys, self.head(of), (size, root, self.line(size, root)), ours)


TWO = Two()


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 9), st.integers(1, 9))
def test_another_root_at_any_size_is_evidence_and_reads_back(size: int, of: int) -> None:
    size, of = min(size, of), max(size, of)
    found = TWO.view(size, of, b"\7" * 32)
    assert splits.from_json(splits.to_json(found)) == found
    assert found.sizes == (size, of)
    assert found.origin == ORIGIN


@pytest.mark.parametrize(("size", "of"), [(3, 3), (3, 7), (4, 8)])
def test_a_root_that_the_author_has_too_is_none(size: int, of: int) -> None:
    with pytest.raises(VerificationError, match="agree"):
        TWO.view(size, of, merkle.root(LEAVES[:size]))


def test_an_author_that_cosigns_itself_is_none() -> None:
    with pytest.raises(VerificationError, match="its own log"):
        splits.make(TWO.author_keys, TWO.author_keys, TWO.head(3), (3, b"\7" * 32, TWO.line(3, b"\7" * 32)), (b"", []))


def test_a_line_of_somebody_else_is_none() -> None:
    line = TWO.line(3, b"\7" * 32)
    with pytest.raises(VerificationError):
        splits.make(TWO.other_keys, TWO.author_keys, TWO.head(3), (3, b"\7" * 32, line), (b"", []))


def test_a_cosignature_of_more_than_the_note_shows_nothing() -> None:
    with pytest.raises(VerificationError, match="more entries"):
        splits.make(TWO.author_keys, TWO.other_keys, TWO.head(3), (5, b"\7" * 32, TWO.line(5, b"\7" * 32)), (b"", []))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_changed_byte_shows_nothing(data: st.DataObject) -> None:
    file = splits.to_json(TWO.view(3, 7, b"\7" * 32))
    at = data.draw(st.integers(0, len(file) - 1))
    changed = file[:at] + bytes([file[at] ^ 1 << data.draw(st.integers(0, 7))]) + file[at + 1 :]
    with pytest.raises(EntenteError):
        splits.from_json(changed)
