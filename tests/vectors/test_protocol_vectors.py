"""The vectors of the protocol: they are what the tool makes, and the independent verifier agrees on each."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from entente.core import canon, entry, ids, merkle, note
from entente.core.errors import InvalidError, VerificationError
from entente.ledger import forks, history, proof
from tools_loader import VECTORS, load

verify = load("verify")
vectors = load("make_vectors")


def cases(table: str) -> list:
    found = json.loads((VECTORS / f"{table}.json").read_text("utf-8"))
    assert {case["expect"] for case in found} == {"valid", "invalid"}
    return [pytest.param(case, id=f"{number}: {case['why']}") for number, case in enumerate(found)]


def check(case: dict, read: Callable[[], object]) -> None:
    """The reader takes what is valid and refuses what is not."""
    if case["expect"] == "valid":
        read()
        return
    with pytest.raises((InvalidError, VerificationError, verify.NotVerifiedError)):
        read()


def test_the_files_are_what_the_tool_makes() -> None:
    made = vectors.make()
    held = {str(path.relative_to(VECTORS)) for path in VECTORS.rglob("*") if path.is_file() and path.suffix != ".md"}
    assert held == set(made)
    assert [name for name, data in made.items() if (VECTORS / name).read_bytes() != data] == []


@pytest.mark.parametrize("case", cases("ids"))
def test_ids(case: dict) -> None:
    if "b32" in case:
        check(case, lambda: ids.unb32(case["b32"], 32))
        check(case, lambda: verify.un32(case["b32"], "text"))
    elif "log" in case:
        member = ids.member_id(bytes.fromhex(case["log"]))
        assert ids.b32(member) == case["id"]
        assert " ".join(ids.words(member)) == verify.six_words(case["id"], verify.read_words(None)) == case["words"]
        assert ids.identity_id(member) == case["identity"]
        assert ids.keys_origin(member) == verify.keys_origin(bytes.fromhex(case["log"])) == case["keys_origin"]
    else:
        agreement = ids.agreement_id(case["founding"].encode())
        assert ids.b32(agreement) == case["id"]
        assert ids.b32(ids.circle_id(agreement, case["circle_text"].encode())) == case["circle"]


@pytest.mark.parametrize("case", cases("canonical"))
def test_canonical_json(case: dict) -> None:
    check(case, lambda: canon.decode(case["text"].encode()))
    check(case, lambda: verify.canonical(case["text"].encode(), "text"))


@pytest.mark.parametrize("case", cases("leaves"))
def test_leaves(case: dict) -> None:
    leaf = case["leaf"].encode()
    check(case, lambda: entry.parse(leaf))
    if case["expect"] == "valid":
        salt, payload = bytes.fromhex(case["salt"]), case["payload"].encode()
        assert entry.commitment(salt, payload).hex() == case["commitment"]
        assert verify.make_leaf(case["kind"], case["time"], salt, payload) == leaf
        assert merkle.leaf_hash(leaf).hex() == verify.tree_root([leaf]).hex() == case["leaf_hash"]
    else:
        assert verify.LEAF.fullmatch(leaf.decode()) is None or leaf not in spellings(leaf.decode())


def spellings(leaf: str) -> list[bytes]:
    """What the independent verifier would write for the parts of a leaf: the one spelling, if there is one."""
    found = verify.LEAF.fullmatch(leaf)
    payload = vectors.items(1)[0]
    try:
        return [verify.make_leaf(found[1], int(found[2]), payload[2], payload[3])]
    except verify.NotVerifiedError:
        return []


@pytest.mark.parametrize("case", cases("checkpoints"))
def test_checkpoints(case: dict) -> None:
    key = bytes.fromhex(case["log"])

    def read() -> None:
        opened = note.open_checkpoint(case["note"].encode(), note.Verifier(case["origin"], note.ED25519, key))
        assert (opened.origin, opened.size, opened.root.hex()) == (case["origin"], case["size"], case["root"])

    def read_again() -> None:
        verify.check_signed(verify.read_note(case["note"], "note"), [key], "note")

    check(case, read)
    check(case, read_again)


def test_cosignatures() -> None:
    case = next(param.values[0] for param in cases("checkpoints") if "cosigner" in param.values[0])
    whole = note.Note.parse(case["note"].encode())
    checkpoint = note.Checkpoint.parse(whole.text)
    member = vectors.SOUTH.member
    names = {"witness": ids.witness_name(member), "store": ids.store_name(member)}
    for line, (use, name) in zip(whole.signatures[1:], names.items(), strict=True):
        verifier = note.Verifier(name, note.COSIGNATURE, bytes.fromhex(case["cosigner"][use]))
        assert note.verify_cosignature(checkpoint, line.line(), verifier) == 1_790_000_100


@pytest.mark.parametrize("case", cases("histories"))
def test_key_histories(case: dict) -> None:
    check(case, lambda: history.read_history(case["history"]))
    check(case, lambda: verify.read_history(case["history"], "history"))
    if case["expect"] == "valid":
        read = history.read_history(case["history"])
        assert ids.b32(read.member) == case["member"]
        assert read.document() == case["history"]


@pytest.mark.parametrize("case", cases("files"))
def test_files(case: dict) -> None:
    path = Path(VECTORS / case["file"])
    reader = proof.read_proof if path.suffix == ".tlog-proof" else forks.from_json
    check(case, lambda: reader(path.read_bytes()))
    check(case, lambda: verify.judge(path.read_bytes(), ""))
