"""A small published log (transparency-dev/tessera): heads, leaves, roots and the way between any two heads."""

from itertools import combinations
from pathlib import Path

import pytest

from entente.core import merkle, note
from entente.core.errors import VerificationError


@pytest.fixture
def log(shared_data: Path) -> Path:
    return shared_data / "vectors" / "tessera-log"


@pytest.fixture
def verifier(log: Path) -> note.Verifier:
    return note.Verifier.parse((log / "vkey.txt").read_text().strip())


@pytest.fixture
def heads(log: Path, verifier: note.Verifier) -> list[note.Checkpoint]:
    return [note.open_checkpoint((log / f"checkpoint.{size}").read_bytes(), verifier) for size in range(16)]


def tile(log: Path, size: int) -> list[bytes]:
    data = (log / "tile" / "0" / "000.p" / str(size)).read_bytes() if size else b""
    return [data[start : start + 32] for start in range(0, len(data), 32)]


def bundle(log: Path, size: int) -> list[bytes]:
    data, entries = (log / "tile" / "entries" / "000.p" / str(size)).read_bytes(), []
    while data:
        length = int.from_bytes(data[:2], "big")
        entries.append(data[2 : 2 + length])
        data = data[2 + length :]
    return entries


def test_every_head_opens_and_prints_as_it_was(log: Path, verifier: note.Verifier) -> None:
    files = sorted(log.glob("checkpoint*"))
    assert len(files) == 17
    for file in files:
        data = file.read_bytes()
        opened = note.open_checkpoint(data, verifier)
        assert note.Note.parse(data).to_bytes() == data
        assert opened.body() == note.Note.parse(data).text
        with pytest.raises(VerificationError):
            note.open_checkpoint(data.replace(opened.body().encode(), opened.body().encode()[:-3] + b"B=\n"), verifier)


def test_published_verifier_key_prints_as_it_was(log: Path, verifier: note.Verifier) -> None:
    assert verifier.vkey() == (log / "vkey.txt").read_text().strip()


def test_roots_of_the_tiles_are_the_roots_in_the_heads(log: Path, heads: list[note.Checkpoint]) -> None:
    frontier = merkle.Frontier.empty()
    for size, head in enumerate(heads):
        hashes = tile(log, size)
        frontier.extend(hashes[frontier.size :])
        assert head.size == size
        assert merkle.root(hashes) == head.root
        assert frontier.root() == head.root


def test_leaf_hashes_of_the_entries_are_the_tiles(log: Path) -> None:
    for size in range(1, 16):
        assert merkle.leaf_hashes(bundle(log, size)) == tile(log, size)


def test_every_head_is_proven_to_continue_every_earlier_one(log: Path, heads: list[note.Checkpoint]) -> None:
    read, pairs = merkle.reader(tile(log, 15)), list(combinations(heads, 2))
    assert len(pairs) == 120
    for old, new in pairs:
        proof = merkle.consistency_proof(old.size, new.size, read)
        merkle.verify_consistency(old.size, old.root, new.size, new.root, proof)
        with pytest.raises(VerificationError):
            merkle.verify_consistency(old.size, new.root, new.size, old.root, proof)


def test_every_leaf_is_proven_in_every_head(log: Path, heads: list[note.Checkpoint]) -> None:
    hashes = tile(log, 15)
    read = merkle.reader(hashes)
    for head in heads:
        for index in range(head.size):
            proof = merkle.inclusion_proof(index, head.size, read)
            merkle.verify_inclusion(hashes[index], index, head.size, proof, head.root)
