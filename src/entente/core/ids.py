"""Ids of members, agreements, circles and logs, and how people read them: base32 (RFC 4648 section 6) or six words.

Normative text: `docs/protocol/1-values.md`, section Ids.
"""

from __future__ import annotations

from base64 import b32encode
from functools import cache, lru_cache
from hashlib import sha256
from typing import Final, NewType
from uuid import UUID

from entente.core.errors import InvalidError
from entente.core.wordlist import WORDS

Member = NewType("Member", bytes)
Agreement = NewType("Agreement", bytes)
Circle = NewType("Circle", bytes)

ID_SIZE: Final = 32
MAX_EPOCH: Final = 2**32 - 1
WORD_COUNT: Final = 6

_ORIGIN: Final = "entente/v1/"

_DIGIT_BITS: Final = 5
_VALUES: Final = b"0123456789abcdefghijklmnopqrstuv"
_ALPHABET: Final = b"abcdefghijklmnopqrstuvwxyz234567"
_DIGITS: Final = bytes(_VALUES[_ALPHABET.index(sign)] if sign in _ALPHABET else 0 for sign in range(256))
"""Turns the alphabet into the digits that `int` reads, and everything else into none."""


@lru_cache(maxsize=8192)
def b32(data: bytes) -> str:
    """Return `data` in lower-case base32 without padding."""
    return b32encode(data).decode().rstrip("=").lower()


@lru_cache(maxsize=8192)
def unb32(text: str, length: int) -> bytes:
    """Read `length` bytes; raise InvalidError unless `text` is spelt exactly as `b32` spells them."""
    over, number = 5 * len(text) - 8 * length, 0
    try:
        number = int(text.encode("ascii").translate(_DIGITS), 32) if text else number
    except ValueError:
        over = -1
    if not 0 <= over < _DIGIT_BITS or number & ((1 << over) - 1):
        raise InvalidError(f"{text[:80]!r} is not the lower-case base32 form of {length} bytes.")
    return (number >> over).to_bytes(length, "big")


def member_id(log_public_key: bytes) -> Member:
    """Return the id of the member that was founded with this public key."""
    return Member(sha256(log_public_key).digest())


def agreement_id(founding_text: bytes) -> Agreement:
    """Return the id of the agreement with this canonical founding text."""
    return Agreement(sha256(founding_text).digest())


def circle_id(agreement: Agreement, circle_text: bytes) -> Circle:
    """Return the id of the circle of `agreement` with this canonical text."""
    return Circle(sha256(b"entente/circle/v1\0" + _whole(agreement) + circle_text).digest())


def origin(member: Member, circle: Circle, epoch: int, secret: bytes) -> str:
    """Return the origin of a member's log in one epoch of a circle; without the circle's secret it tells nothing."""
    if not 0 <= epoch <= MAX_EPOCH:
        raise InvalidError(f"The epoch {epoch} is outside 0..2^32-1.")
    text = _whole(member) + _whole(circle) + epoch.to_bytes(4, "big") + _whole(secret)
    return origin_of(sha256(text).digest())


def keys_origin(member: Member) -> str:
    """Return the origin of a member's key log."""
    return origin_of(sha256(b"entente/keys/v1\0" + _whole(member)).digest())


def origin_hash(origin: str) -> bytes:
    """Return the 32 bytes that an origin spells; raise InvalidError if it is none of ours."""
    if not origin.startswith(_ORIGIN):
        raise InvalidError(f"{origin[:80]!r} is not the origin of a log: it does not begin with {_ORIGIN}.")
    return unb32(origin.removeprefix(_ORIGIN), ID_SIZE)


def origin_of(hashed: bytes) -> str:
    """Return the origin that spells these 32 bytes."""
    return _ORIGIN + b32(_whole(hashed))


def witness_name(member: Member) -> str:
    """Return the key name under which a member cosigns what it has verified."""
    return _ORIGIN + "witness/" + b32(_whole(member))


def store_name(member: Member) -> str:
    """Return the key name under which a member confirms what it has stored."""
    return _ORIGIN + "store/" + b32(_whole(member))


def identity_id(member: Member) -> str:
    """Return the id of the STIX identity that stands for a member, the same at every partner."""
    hashed = sha256(b"entente/identity/v1\0" + _whole(member)).digest()
    return f"identity--{UUID(bytes=hashed[:16], version=4)}"


def words(identifier: bytes) -> tuple[str, ...]:
    """Return the six words that people read out to each other for an id (77 bits of it)."""
    number = int.from_bytes(_whole(identifier)[:16], "big")
    result: list[str] = []
    for _ in range(WORD_COUNT):
        number, word = divmod(number, len(WORDS))
        result.append(WORDS[word])
    return tuple(reversed(result))


def parse_words(text: str) -> tuple[str, ...]:
    """Read six words in any case, between spaces or commas; raise InvalidError naming a word that is unknown."""
    found = tuple(text.lower().replace(",", " ").split())
    for word in found:
        if word not in _known_words():
            raise InvalidError(f"{word!r} is not in the list of words.", hint="Ask your partner to spell that word.")
    if len(found) != WORD_COUNT:
        raise InvalidError(f"An id has {WORD_COUNT} words; these are {len(found)}.")
    return found


def short(identifier: bytes) -> str:
    """Return the first 8 base32 characters of an id, enough for people to tell a few apart."""
    return b32(_whole(identifier)[:5])


@cache
def _known_words() -> frozenset[str]:
    return frozenset(WORDS)


def _whole(identifier: bytes) -> bytes:
    """Refuse what is not 32 bytes, because a shorter part would shift the others in a hash."""
    if len(identifier) != ID_SIZE:
        raise InvalidError(f"An id, hash or secret has {ID_SIZE} bytes; this one has {len(identifier)}.")
    return identifier
