"""Bech32 (BIP 173 without its length limit), the spelling that age gives to its keys; only ever written, never read."""

from __future__ import annotations

from typing import Final

from entente.core.errors import InvalidError

_LETTERS: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CHECK_SIZE: Final = 6
_BITS: Final = 5


def encode(prefix: str, data: bytes) -> str:
    """Return `data` in lower-case bech32 under `prefix`; raise InvalidError for a prefix that it does not allow."""
    if not prefix or not all("!" <= letter <= "~" and not letter.isupper() for letter in prefix):
        raise InvalidError(f"{prefix[:20]!r} is not a prefix of bech32.")
    size = -(-len(data) * 8 // _BITS)
    number = int.from_bytes(data, "big") << size * _BITS - len(data) * 8
    digits = [number >> at * _BITS & 31 for at in range(size - 1, -1, -1)]
    spread = [*(ord(letter) >> 5 for letter in prefix), 0, *(ord(letter) & 31 for letter in prefix)]
    check = _polymod([*spread, *digits, *[0] * _CHECK_SIZE]) ^ 1
    digits += [check >> _BITS * at & 31 for at in range(_CHECK_SIZE - 1, -1, -1)]
    return prefix + "1" + "".join(_LETTERS[digit] for digit in digits)


def _polymod(values: list[int]) -> int:
    found = 1
    for value in values:
        top = found >> 25
        found = (found & 0x1FFFFFF) << 5 ^ value
        for at, generator in enumerate(_GENERATOR):
            if top >> at & 1:
                found ^= generator
    return found
