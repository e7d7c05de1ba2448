import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entente.core import merkle
from entente.core.errors import InvalidError, VerificationError


def tree(size: int) -> list[bytes]:
    return merkle.leaf_hashes([index.to_bytes(4, "big") for index in range(size)])


def root_by_definition(hashes: list[bytes]) -> bytes:
    """RFC 6962 section 2.1 word by word: split at the largest power of two below the size."""
    if len(hashes) < 2:
        return hashes[0] if hashes else merkle.EMPTY_ROOT
    split = 1 << (len(hashes) - 1).bit_length() - 1
    return merkle.node_hash(root_by_definition(hashes[:split]), root_by_definition(hashes[split:]))


def flip(line: bytes, bit: int) -> bytes:
    return (int.from_bytes(line, "big") ^ 1 << bit).to_bytes(len(line), "big")


def spoilt(proof: list[bytes], line: int, bit: int) -> list[list[bytes]]:
    """Spoil a proof in every way: flip a bit, leave a line out, double it, put a foreign one before or after."""
    at, foreign = line % max(len(proof), 1), merkle.leaf_hash(b"foreign")
    result = [[foreign, *proof], [*proof, foreign]]
    if proof:
        result.append([*proof[:at], flip(proof[at], bit), *proof[at + 1 :]])
        result.append([*proof[:at], *proof[at + 1 :]])
        result.append([*proof[: at + 1], *proof[at:]])
    return result


@st.composite
def two_sizes(draw: st.DrawFn) -> tuple[int, int]:
    large = draw(st.integers(1, 300))
    return draw(st.integers(0, large)), large


def test_hashes_of_nothing_and_of_the_empty_leaf_are_the_published_ones() -> None:
    assert merkle.EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert merkle.leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert merkle.root([]) == merkle.Frontier.empty().root() == merkle.EMPTY_ROOT


def test_leaf_and_node_with_the_same_bytes_hash_differently() -> None:
    left, right = tree(2)
    assert merkle.leaf_hash(left + right) != merkle.node_hash(left, right)


@settings(max_examples=60)
@given(steps=st.lists(st.integers(0, 70), max_size=6))
def test_frontier_grown_in_any_steps_has_the_root_of_the_definition(steps: list[int]) -> None:
    hashes, frontier = tree(sum(steps)), merkle.Frontier.empty()
    for step in steps:
        before = frontier.copy()
        frontier.extend(hashes[frontier.size : frontier.size + step])
        assert before.size == frontier.size - step
        assert before.root() == root_by_definition(hashes[: before.size])
    assert frontier.size == len(hashes)
    assert frontier.root() == merkle.root(hashes) == root_by_definition(hashes)
    read_back = merkle.Frontier.from_bytes(frontier.size, frontier.to_bytes())
    read_back.extend(hashes)
    frontier.extend(hashes)
    assert read_back.root() == frontier.root() == merkle.root(hashes * 2)
    assert read_back.to_bytes() == frontier.to_bytes()


@pytest.mark.parametrize(("size", "length"), [(0, 32), (1, 0), (3, 32), (3, 96), (4, 31), (-1, 32), (2**63, 32)])
def test_frontier_with_a_wrong_number_of_peaks_is_refused(size: int, length: int) -> None:
    with pytest.raises(InvalidError):
        merkle.Frontier.from_bytes(size, bytes(length))


def test_every_proof_of_small_trees_verifies() -> None:
    for size in range(1, 35):
        hashes = tree(size)
        read, root = merkle.reader(hashes), merkle.root(hashes)
        for index in range(size):
            proof = merkle.inclusion_proof(index, size, read)
            merkle.verify_inclusion(hashes[index], index, size, proof, root)
            assert merkle.root_from_inclusion(hashes[index], index, size, proof) == root
        for old in range(size + 1):
            proof = merkle.consistency_proof(old, size, read)
            merkle.verify_consistency(old, merkle.root(hashes[:old]), size, root, proof)


@settings(max_examples=80)
@given(size=st.integers(1, 300), data=st.data())
def test_spoilt_inclusion_proof_is_refused(size: int, data: st.DataObject) -> None:
    index, bit = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, 255))
    hashes = tree(size)
    root, proof = merkle.root(hashes), merkle.inclusion_proof(index, size, merkle.reader(hashes))
    for wrong in spoilt(proof, data.draw(st.integers(0, 9)), bit):
        with pytest.raises(VerificationError):
            merkle.verify_inclusion(hashes[index], index, size, wrong, root)
    for leaf, top in ((flip(hashes[index], bit), root), (hashes[index], flip(root, bit))):
        with pytest.raises(VerificationError):
            merkle.verify_inclusion(leaf, index, size, proof, top)
    for other in {data.draw(st.integers(0, size - 1)), index ^ 1} - {index}:
        with pytest.raises(VerificationError):
            merkle.verify_inclusion(hashes[index], other, size, proof, root)


@settings(max_examples=80)
@given(sizes=two_sizes(), line=st.integers(0, 9), bit=st.integers(0, 255))
def test_spoilt_consistency_proof_is_refused(sizes: tuple[int, int], line: int, bit: int) -> None:
    (old, new), hashes = sizes, tree(sizes[1])
    roots = merkle.root(hashes[:old]), merkle.root(hashes)
    proof = merkle.consistency_proof(old, new, merkle.reader(hashes))
    merkle.verify_consistency(old, roots[0], new, roots[1], proof)
    for wrong in spoilt(proof, line, bit):
        with pytest.raises(VerificationError):
            merkle.verify_consistency(old, roots[0], new, roots[1], wrong)
    with pytest.raises(VerificationError):
        merkle.verify_consistency(old, flip(roots[0], bit), new, roots[1], proof)
    if old:
        with pytest.raises(VerificationError):
            merkle.verify_consistency(old, roots[0], new, flip(roots[1], bit), proof)


def test_proofs_read_complete_subtrees_only_and_few_of_them() -> None:
    size, asked = 2**40 + 12345, []

    def read(level: int, index: int) -> bytes:
        assert (index + 1) << level <= size
        asked.append((level, index))
        return merkle.leaf_hash(f"{level}/{index}".encode())

    merkle.inclusion_proof(7, size, read)
    merkle.consistency_proof(2**39 + 1, size, read)
    assert len(asked) < 120


def test_shrinking_trees_and_absent_leaves_are_refused() -> None:
    hashes = tree(4)
    read, root = merkle.reader(hashes), merkle.root(hashes)
    for index, size in ((4, 4), (-1, 4), (0, 0), (0, 2**63)):
        with pytest.raises(InvalidError):
            merkle.inclusion_proof(index, size, read)
        with pytest.raises(VerificationError):
            merkle.verify_inclusion(hashes[0], index, size, [], root)
    for old, new in ((4, 3), (-1, 4), (0, 2**63)):
        with pytest.raises(InvalidError):
            merkle.consistency_proof(old, new, read)
        with pytest.raises(VerificationError):
            merkle.verify_consistency(old, root, new, root, [])


def test_overlong_proofs_and_short_lines_are_refused() -> None:
    (leaf,) = tree(1)
    with pytest.raises(VerificationError, match="at most 63"):
        merkle.verify_inclusion(leaf, 0, 2**63 - 1, [leaf] * 64, leaf)
    with pytest.raises(VerificationError, match="32 bytes"):
        merkle.verify_inclusion(leaf, 0, 2, [leaf[:31]], leaf)
    with pytest.raises(VerificationError, match="32 bytes"):
        merkle.verify_consistency(1, leaf, 2, leaf, [leaf + b"\0"])


def test_first_head_needs_the_empty_root_and_no_proof() -> None:
    (leaf,) = tree(1)
    merkle.verify_consistency(0, merkle.EMPTY_ROOT, 1, leaf, [])
    with pytest.raises(VerificationError):
        merkle.verify_consistency(0, leaf, 1, leaf, [])
    with pytest.raises(VerificationError):
        merkle.verify_consistency(0, merkle.EMPTY_ROOT, 1, leaf, [leaf])
    with pytest.raises(VerificationError):
        merkle.verify_consistency(0, merkle.EMPTY_ROOT, 0, leaf, [])
