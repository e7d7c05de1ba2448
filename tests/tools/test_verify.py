"""The independent verifier: what it says of good files, and no spoilt file passes it or the product's own reader."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from base64 import b64decode
from typing import TYPE_CHECKING

import pytest

import commands
from entente.core.errors import VerificationError
from entente.core.ids import b32, words
from entente.ledger import forks, proof
from tools_loader import ROOT, VECTORS, load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

verify = load("verify")
vectors = load("make_vectors")

TOOL = ROOT / "tools" / "verify.py"
ITEM = VECTORS / "files" / "proof-item.tlog-proof"
HASHES = ("root", "root1", "root2", "leafHash")  # of other lengths there are none in a file of ours
GOOD = sorted(path for path in (VECTORS / "files").iterdir() if not path.name.startswith("bad-"))


def run(*arguments: str | Path) -> tuple[int, str, str]:
    """Run the tool in this process."""
    done = commands.verify(*arguments)
    return done.code, done.out.decode("utf-8"), done.err


def start(*arguments: str | Path, python: tuple[str, ...] = ()) -> tuple[int, str, str]:
    """Run the tool as a program."""
    done = subprocess.run(
        [sys.executable, *python, TOOL, *arguments], capture_output=True, text=True, check=False, encoding="utf-8"
    )
    return done.returncode, done.stdout, done.stderr


def passes(data: bytes, name: str) -> bool:
    """Say whether a file passes; both readers must agree."""
    reader = proof.read_proof if name.endswith(".tlog-proof") else forks.from_json
    try:
        verify.judge(data, "")
    except (verify.NotVerifiedError, LookupError):
        with pytest.raises(VerificationError):
            reader(data)
        return False
    reader(data)
    return True


def flipped(data: bytes, step: int) -> Iterator[bytes]:
    """Flip one bit in every `step`-th byte, another bit each time."""
    for number, at in enumerate(range(0, len(data), step)):
        yield data[:at] + bytes([data[at] ^ 1 << number % 8]) + data[at + 1 :]


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.name)
def test_every_flipped_bit_is_refused(path: Path) -> None:
    data = path.read_bytes()
    assert passes(data, path.name)
    tried = list(flipped(data, max(1, len(data) // 120)))
    assert len(tried) > 100
    assert [spoilt for spoilt in tried if passes(spoilt, path.name)] == []


def test_every_flipped_bit_of_the_note_and_proof_is_refused() -> None:
    data = ITEM.read_bytes()
    start = data.index(b"\nindex ")
    tried = [data[:start] + spoilt for spoilt in flipped(data[start:], 3)]
    assert len(tried) > 200
    assert [spoilt for spoilt in tried if passes(spoilt, ITEM.name)] == []


def test_every_flipped_bit_inside_the_extra_data_is_refused() -> None:
    rows = ITEM.read_bytes().split(b"\n")
    extra = b64decode(rows[1].removeprefix(b"extra "))
    for spoilt in flipped(extra, 25):
        rows[1] = b"extra " + vectors.to_b64(spoilt).encode()
        assert not passes(b"\n".join(rows), ITEM.name), spoilt


def test_a_dropped_or_doubled_line_is_refused_or_says_less() -> None:
    lines = ITEM.read_bytes().splitlines(keepends=True)
    south = b"/" + b32(vectors.SOUTH.member).encode()
    for at, line in enumerate(lines):
        assert not passes(b"".join([*lines[: at + 1], line, *lines[at + 1 :]]), ITEM.name), f"line {at} twice"
        rest = b"".join([*lines[:at], *lines[at + 1 :]])
        if south in line:  # it has said two things: without one the other still holds, and no more is claimed
            assert len(verify.judge(rest, "")[1].facts["statements"]) == 2
            assert len(proof.read_proof(rest).statements) == 2
        else:
            assert not passes(rest, ITEM.name), f"line {at} dropped"


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.name)
def test_a_truncated_or_lengthened_file_is_refused(path: Path) -> None:
    data = path.read_bytes()
    for at in range(0, len(data), max(1, len(data) // 60)):
        assert not passes(data[:at], path.name)
    for more in (b"\n", b" ", b"\0", b"\xff", b"\r\n", data):
        assert not passes(data + more, path.name)


@pytest.mark.parametrize(
    ("change", "why"), [(lambda text: text.rstrip("="), "no padding"), (lambda text: text + "=", "more padding"),
                        (lambda text: f" {text}", "a space"), (lambda text: f"{text[:-1]}\t", "a tab")],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_base64_has_one_spelling(change: object, why: str) -> None:
    rows = ITEM.read_text("utf-8").split("\n")
    for at, row in enumerate(rows):
        name, space, text = row.rpartition(" ")
        if len(text) > 40 and not text.startswith("entente/"):
            spoilt = "\n".join([*rows[:at], f"{name}{space}{change(text)}", *rows[at + 1 :]])
            assert spoilt == "\n".join(rows) or not passes(spoilt.encode(), ITEM.name), f"{why} in line {at}"


def test_trailing_bits_of_base64_are_refused() -> None:
    rows = ITEM.read_text("utf-8").split("\n")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    tried = 0
    for at, row in enumerate(rows):
        if row.endswith("=") and not row.endswith("=="):
            other = alphabet[alphabet.index(row[-2]) + 1]
            tried += 1
            assert not passes("\n".join([*rows[:at], f"{row[:-2]}{other}=", *rows[at + 1 :]]).encode(), ITEM.name)
    assert tried > 3


def test_published_inclusion_proofs_get_their_verdict(shared_data: Path) -> None:
    for case in published(shared_data, "inclusion"):
        head = verify.Note("", case["treeSize"], raw(case["root"]), b"", [])
        proves(case, lambda case=case, head=head: verify.check_inclusion(
            raw(case["leafHash"]), case["leafIdx"], head, [raw(line) for line in case["proof"] or []]
        ))  # fmt: skip


def test_published_consistency_proofs_get_their_verdict(shared_data: Path) -> None:
    for case in published(shared_data, "consistency"):
        if not 1 <= case["size1"] < case["size2"]:
            continue  # evidence settles these without a proof
        head = verify.Note("", case["size2"], raw(case["root2"]), b"", [])
        proves(case, lambda case=case, head=head: verify.check_consistency(
            case["size1"], raw(case["root1"]), head, [raw(line) for line in case["proof"] or []]
        ))  # fmt: skip


def published(shared_data: Path, family: str) -> list[dict]:
    found = [json.loads(file.read_text()) for file in sorted((shared_data / "vectors/merkle" / family).rglob("*.json"))]
    assert len(found) > 30
    return [case for case in found if all(len(raw(text)) == 32 for name, text in case.items() if name in HASHES)]


def proves(case: dict, look: object) -> None:
    try:
        look()
    except verify.NotVerifiedError:
        assert case["wantErr"], case["desc"]
    else:
        assert not case["wantErr"], case["desc"]


def raw(text: str | None) -> bytes:
    return b64decode(text or "")


def test_it_knows_nothing_of_the_product() -> None:
    tree = ast.parse(TOOL.read_text("utf-8"))
    names = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        for name in (
            [one.name for one in node.names] if isinstance(node, ast.Import)
            else [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        )
    }  # fmt: skip
    assert names - sys.stdlib_module_names == {"nacl"}


def test_a_good_proof_is_told_in_one_line() -> None:
    assert run(ITEM) == start(ITEM)
    code, out, err = run(ITEM)
    north, south = vectors.NORTH, vectors.SOUTH
    assert (code, err, out.count("\n")) == (0, "", 1)
    assert out.startswith(f'verified: item/1 by "CERT North" ({b32(north.member)}, {" ".join(words(north.member))}), ')
    assert "entry 4 of a log of 7, witnessed by " in out
    assert f'stored by "CERT Süd" ({b32(south.member)}, {" ".join(words(south.member))}) at 2026-09-21T14:15:01Z' in out


def test_a_good_proof_is_told_in_json() -> None:
    code, out, _ = run(ITEM, "--json")
    answer = json.loads(out)
    assert (code, answer["verified"], answer["type"]) == (0, True, "proof")
    assert answer["member"] == b32(vectors.NORTH.member)
    assert [each["stage"] for each in answer["statements"]] == ["stored", "witnessed", "witnessed"]


def test_a_bad_file_exits_5_with_the_check_that_failed() -> None:
    path = VECTORS / "files" / "bad-proof-other-payload.tlog-proof"
    assert run(path) == (5, "NOT verified: the leaf commits to something else\n", "")
    code, out, _ = run(path, "--json")
    assert (code, json.loads(out)["verified"]) == (5, False)


def test_the_member_can_be_made_a_condition() -> None:
    north, south = b32(vectors.NORTH.member), b32(vectors.SOUTH.member)
    assert run(ITEM, "--member", north)[0] == 0
    assert run(ITEM, "--member", north[:8])[0] == 0
    code, out, _ = run(ITEM, "--member", south)
    assert (code, out) == (5, f"NOT verified: the author is {north}\n")
    evidence = VECTORS / "files" / "evidence-two-sizes.json"
    assert (run(evidence, "--member", north)[0], run(evidence, "--member", south)[0]) == (0, 5)


@pytest.mark.parametrize("arguments", [[], [ITEM, "--member", "abc"], [ITEM, "--member", "ABCDEFGH"], [ITEM, "--what"]])
def test_wrong_usage_exits_2(arguments: list[str]) -> None:
    assert run(*arguments)[0] == 2


def test_what_cannot_be_read_exits_1(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign"
    foreign.write_bytes(b"hello")
    for path in (tmp_path / "absent", tmp_path, foreign):
        code, out, err = run(path)
        assert (code, out, err.count("\n")) == (1, "", 1)


def test_a_file_above_the_limit_is_not_read(tmp_path: Path) -> None:
    large = tmp_path / "large.tlog-proof"
    with large.open("wb") as stream:
        stream.write(b"c2sp.org/tlog-proof@v1\n")
        stream.truncate((32 << 20) + 1)
    assert run(large)[0] == 1


def test_deep_nesting_is_refused_quietly() -> None:
    data = b'{"entente-evidence":' + b"[" * 1_000_000
    assert not passes(data, "evidence.json")


def test_without_the_list_of_words_there_are_ids_only(tmp_path: Path) -> None:
    alone = tmp_path / "verify.py"
    alone.write_bytes(TOOL.read_bytes())
    done = subprocess.run([sys.executable, alone, ITEM], capture_output=True, text=True, check=False, encoding="utf-8")
    assert done.returncode == 0
    assert f'by "CERT North" ({b32(vectors.NORTH.member)}), entry' in done.stdout
    (tmp_path / "words").write_text("one\ntwo\n")
    assert run(ITEM, "--words", tmp_path / "words")[0] == 1
    assert run(ITEM, "--words", ROOT / "docs/protocol/words.txt")[1] == run(ITEM)[1]


def test_without_pynacl_it_says_what_to_install() -> None:
    code, out, err = start(ITEM, python=("-I", "-S"))
    assert (code, out, err) == (1, "", "verify.py needs PyNaCl: python -m pip install pynacl\n")
