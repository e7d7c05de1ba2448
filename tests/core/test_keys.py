import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entente.core import keys
from entente.core.errors import InvalidError, VerificationError

SEEDS = st.binary(min_size=32, max_size=32)
# RFC 8032 section 7.1, test 2
SEED = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
PUBLIC = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
SIGNATURE = bytes.fromhex(
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)


def test_published_example_signs_and_verifies() -> None:
    assert keys.public_of(SEED) == PUBLIC
    assert keys.sign(SEED, b"\x72") == SIGNATURE
    keys.verify(PUBLIC, b"\x72", SIGNATURE)
    keys.check_public(PUBLIC)


@settings(max_examples=40)
@given(seed=SEEDS, message=st.binary(max_size=200), bit=st.integers(0, 511))
def test_flipped_bit_of_a_signature_is_refused(seed: bytes, message: bytes, bit: int) -> None:
    signature, public = keys.sign(seed, message), keys.public_of(seed)
    keys.check_public(public)
    keys.verify(public, message, signature)
    flipped = (int.from_bytes(signature, "big") ^ 1 << bit).to_bytes(64, "big")
    with pytest.raises(VerificationError):
        keys.verify(public, message, flipped)


@settings(max_examples=40)
@given(seed=SEEDS, message=st.binary(min_size=1, max_size=200), data=st.data())
def test_flipped_bit_of_a_message_is_refused(seed: bytes, message: bytes, data: st.DataObject) -> None:
    bit = data.draw(st.integers(0, 8 * len(message) - 1))
    flipped = (int.from_bytes(message, "big") ^ 1 << bit).to_bytes(len(message), "big")
    with pytest.raises(VerificationError):
        keys.verify(keys.public_of(seed), flipped, keys.sign(seed, message))


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_keys_of_another_length_are_refused(length: int) -> None:
    with pytest.raises(InvalidError):
        keys.public_of(bytes(length))
    with pytest.raises(InvalidError):
        keys.sign(bytes(length), b"")
    with pytest.raises(VerificationError):
        keys.check_public(bytes(length))
    with pytest.raises(VerificationError):
        keys.verify(bytes(length), b"\x72", SIGNATURE)


@pytest.mark.parametrize("length", [0, 63, 65])
def test_signatures_of_another_length_are_refused(length: int) -> None:
    with pytest.raises(VerificationError):
        keys.verify(PUBLIC, b"\x72", (SIGNATURE + b"\0")[:length])


@pytest.mark.parametrize("point", [bytes(32), b"\x01" + bytes(31), b"\xff" * 32])
def test_weak_keys_are_never_enrolled(point: bytes) -> None:
    with pytest.raises(VerificationError):
        keys.check_public(point)
