"""Bech32 is spelt as BIP 173 and the age format spell it."""

from __future__ import annotations

import pyrage
import pytest
from hypothesis import given
from hypothesis import strategies as st

from entente.core import bech32, keys
from entente.core.errors import InvalidError


@pytest.mark.parametrize(
    ("prefix", "data", "text"),
    [
        ("a", "", "a12uel5l"),
        ("abcdef", "00443214c74254b635cf84653a56d7c675be77df", "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw"),
        (
            "split",
            "c5f38b70305f519bf66d85fb6cf03058f3dde463ecd7918f2dc743918f2d",
            "split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w",
        ),
    ],
)
def test_published_vectors(prefix: str, data: str, text: str) -> None:
    assert bech32.encode(prefix, bytes.fromhex(data)) == text


@given(st.binary(min_size=32, max_size=32))
def test_keys_are_those_of_age(seed: bytes) -> None:
    identity = pyrage.x25519.Identity.from_str(keys.identity(seed))
    assert str(identity.to_public()) == keys.recipient(keys.sealing_public_of(seed))


@pytest.mark.parametrize("prefix", ["", "AGE", "a b", "ä"])
def test_other_prefixes_are_refused(prefix: str) -> None:
    with pytest.raises(InvalidError):
        bech32.encode(prefix, b"")
