"""Ed25519 signatures (RFC 8032), made and judged by libsodium alone, so that every member gives the same verdict.

Also the X25519 keys (RFC 7748) that a member's bundles are sealed to, in the spelling of the age format.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from nacl.bindings import (
    crypto_core_ed25519_is_valid_point,
    crypto_scalarmult,
    crypto_scalarmult_base,
    crypto_sign,
    crypto_sign_open,
    crypto_sign_seed_keypair,
)
from nacl.exceptions import BadSignatureError
from nacl.exceptions import RuntimeError as SodiumError

from entente.core import bech32
from entente.core.errors import InvalidError, VerificationError

SEED_SIZE: Final = 32
PUBLIC_SIZE: Final = 32
SIGNATURE_SIZE: Final = 64

_FIELD: Final = 2**255 - 19


def public_of(seed: bytes) -> bytes:
    """Return the public key (32 bytes) of a private seed; raise InvalidError unless the seed has 32 bytes."""
    return _keypair(seed)[0]


def sign(seed: bytes, message: bytes) -> bytes:
    """Return the signature (64 bytes) over `message`; raise InvalidError unless the seed has 32 bytes."""
    return crypto_sign(message, _keypair(seed)[1])[:SIGNATURE_SIZE]


def verify(public: bytes, message: bytes, signature: bytes) -> None:
    """Accept if `signature` is that of `public` over `message`; raise VerificationError otherwise."""
    if len(public) != PUBLIC_SIZE:
        raise VerificationError(f"An Ed25519 public key has 32 bytes; this one has {len(public)}.")
    if len(signature) != SIGNATURE_SIZE:
        raise VerificationError(f"An Ed25519 signature has 64 bytes; this one has {len(signature)}.")
    try:
        crypto_sign_open(signature + message, public)
    except BadSignatureError:
        raise VerificationError("The signature does not hold for this text and this key.") from None


@lru_cache(maxsize=4096)
def check_public(public: bytes) -> None:
    """Accept a key that may be enrolled, a canonical point of prime order; raise VerificationError otherwise."""
    if len(public) != PUBLIC_SIZE:
        raise VerificationError(f"An Ed25519 public key has 32 bytes; this one has {len(public)}.")
    if not crypto_core_ed25519_is_valid_point(public):
        raise VerificationError(
            "This Ed25519 public key is not a point of prime order; nobody's signature is safe with it."
        )


def sealing_public_of(seed: bytes) -> bytes:
    """Return the X25519 public key of a private one; raise InvalidError unless that has 32 bytes."""
    if len(seed) != SEED_SIZE:
        raise InvalidError(f"An X25519 key has 32 bytes; this one has {len(seed)}.")
    return crypto_scalarmult_base(seed)


@lru_cache(maxsize=4096)
def check_sealing(public: bytes) -> None:
    """Accept an X25519 public key that something may be sealed to; raise VerificationError for a weak or odd one."""
    if len(public) != PUBLIC_SIZE or int.from_bytes(public, "little") >= _FIELD:
        raise VerificationError("An X25519 public key has 32 bytes and stands for a number below 2^255 - 19.")
    try:
        crypto_scalarmult(bytes([1] * SEED_SIZE), public)
    except SodiumError:
        raise VerificationError("This X25519 public key has a small order; anybody could open what it seals.") from None


def recipient(public: bytes) -> str:
    """Return an X25519 public key as the age format spells it: `age1…`."""
    return bech32.encode("age", public)


def identity(seed: bytes) -> str:
    """Return an X25519 private key as the age format spells it: `AGE-SECRET-KEY-1…`."""
    return bech32.encode("age-secret-key-", seed).upper()


@lru_cache(maxsize=64)
def _keypair(seed: bytes) -> tuple[bytes, bytes]:
    if len(seed) != SEED_SIZE:
        raise InvalidError(f"An Ed25519 seed has 32 bytes; this one has {len(seed)}.")
    return crypto_sign_seed_keypair(seed)
