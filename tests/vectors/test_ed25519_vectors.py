"""Edge cases of Ed25519: every member must give the same verdict, so ours are frozen in `ed25519-verdicts.json`."""

import json
from collections.abc import Callable
from pathlib import Path

from entente.core import keys
from entente.core.errors import VerificationError

VERDICTS = json.loads(Path(__file__).with_name("ed25519-verdicts.json").read_text())


def accepts(check: Callable[..., None], *values: bytes) -> bool:
    try:
        check(*values)
    except VerificationError:
        return False
    return True


def edge_cases(shared_data: Path) -> list[dict]:
    return json.loads((shared_data / "vectors" / "cctv" / "ed25519vectors.json").read_text())


def test_verdicts_on_edge_signatures_are_the_frozen_ones(shared_data: Path) -> None:
    cases = edge_cases(shared_data)
    accepted = [
        case["number"]
        for case in cases
        if accepts(keys.verify, bytes.fromhex(case["key"]), case["msg"].encode(), bytes.fromhex(case["sig"]))
    ]
    assert len(cases) == VERDICTS["cases"]
    assert accepted == VERDICTS["signature_accepted"]


def test_verdicts_on_edge_keys_are_the_frozen_ones(shared_data: Path) -> None:
    enrollable = [
        case["number"] for case in edge_cases(shared_data) if accepts(keys.check_public, bytes.fromhex(case["key"]))
    ]
    assert enrollable == VERDICTS["key_enrollable"]


def test_no_edge_key_of_low_order_is_enrolled(shared_data: Path) -> None:
    for case in edge_cases(shared_data):
        if {"low_order_A", "low_order_component_A", "non_canonical_A"} & set(case["flags"] or []):
            assert not accepts(keys.check_public, bytes.fromhex(case["key"])), case["number"]


def test_published_signatures_get_their_published_verdict(shared_data: Path) -> None:
    groups = json.loads((shared_data / "vectors" / "wycheproof" / "ed25519_test.json").read_text())["testGroups"]
    cases = [(group["publicKey"]["pk"], case) for group in groups for case in group["tests"]]
    assert len(cases) == 151
    for public, case in cases:
        verdict = accepts(keys.verify, *(bytes.fromhex(part) for part in (public, case["msg"], case["sig"])))
        assert verdict == (case["result"] == "valid"), case["tcId"]
