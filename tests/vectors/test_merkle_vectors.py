"""Published proofs of transparency-dev/merkle: the good ones verify, every mutation is refused."""

import json
from base64 import b64decode
from pathlib import Path

import pytest

from entente.core import merkle
from entente.core.errors import VerificationError


def cases(shared_data: Path, family: str, *, wanted: bool) -> list[dict]:
    files = sorted((shared_data / "vectors" / "merkle" / family).rglob("*.json"))
    found = [json.loads(file.read_text()) for file in files]
    return [case for case in found if not case["wantErr"]] if wanted else [case for case in found if case["wantErr"]]


def raw(text: str | None) -> bytes:
    return b64decode(text or "")


def lines(case: dict) -> list[bytes]:
    return [raw(line) for line in case["proof"] or []]


def check_inclusion(case: dict) -> None:
    index, size = case["leafIdx"], case["treeSize"]
    merkle.verify_inclusion(raw(case["leafHash"]), index, size, lines(case), raw(case["root"]))


def check_consistency(case: dict) -> None:
    roots = raw(case["root1"]), raw(case["root2"])
    merkle.verify_consistency(case["size1"], roots[0], case["size2"], roots[1], lines(case))


def test_published_inclusion_proofs_verify(shared_data: Path) -> None:
    good = cases(shared_data, "inclusion", wanted=True)
    assert len(good) == 6
    for case in good:
        check_inclusion(case)


def test_published_wrong_inclusion_proofs_are_refused(shared_data: Path) -> None:
    bad = cases(shared_data, "inclusion", wanted=False)
    assert len(bad) == 32
    for case in bad:
        with pytest.raises(VerificationError):
            check_inclusion(case)


def test_published_consistency_proofs_verify(shared_data: Path) -> None:
    good = cases(shared_data, "consistency", wanted=True)
    assert len(good) == 6
    for case in good:
        check_consistency(case)


def test_published_wrong_consistency_proofs_are_refused(shared_data: Path) -> None:
    bad = cases(shared_data, "consistency", wanted=False)
    assert len(bad) == 33
    for case in bad:
        with pytest.raises(VerificationError):
            check_consistency(case)
