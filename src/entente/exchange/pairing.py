"""Pairing by short code (page 5): SPAKE2 in the shape of RFC 9382, then both cards in boxes under the common key.

Nothing here reads a clock or makes randomness: whoever calls hands in entropy, and destroys a code before it answers.
"""

from __future__ import annotations

import re
from binascii import Error as BinasciiError
from binascii import a2b_base64, b2a_base64
from hashlib import sha256
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias, cast

from nacl.bindings import (
    crypto_secretbox,
    crypto_secretbox_KEYBYTES,
    crypto_secretbox_MACBYTES,
    crypto_secretbox_NONCEBYTES,
    crypto_secretbox_open,
)
from nacl.exceptions import CryptoError

from entente.core import keys
from entente.core.errors import ConflictError, InvalidError, LimitError, VerificationError
from entente.core.wordlist import WORDS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

MAX_CARD: Final = 256 * 1024
MAX_LIVE: Final = 3
"""Codes that may be live at one time."""
LIFETIME: Final = 600
"""Seconds for which a code may be used."""

Entropy: TypeAlias = "Callable[[int], bytes]"
"""Gives that many unpredictable bytes."""

_ID_JOIN: Final = b"entente/v1/join"
_ID_INVITE: Final = b"entente/v1/invite"
_PLACES: Final = 1000
_PLACE_FORM: Final = re.compile(r"[0-9]{3}")
_CODE_FORM: Final = re.compile(r"([0-9]{3})-([a-z]+(?:-[a-z]+)*)")
_MAX_CODE: Final = 64
_PAKE_SIZE: Final = 33
_OVERHEAD: Final = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES


class _Pake(Protocol):
    """One side of a password-authenticated key exchange."""

    def start(self) -> bytes:
        """Return the message to the other side."""
        ...

    def finish(self, inbound_side_and_message: bytes, /) -> bytes:
        """Return the key that the other side has too, if it knew the password."""
        ...


def make_code(entropy: Entropy, taken: Collection[str] = ()) -> str:
    """Return a new code `NNN-word-word` whose place is none of those `taken`; raise LimitError if none is free."""
    free = [place for place in (f"{number:03}" for number in range(_PLACES)) if place not in taken]
    if not free:
        raise LimitError("Every place for a pairing code is taken.")
    first, second = WORDS[_below(len(WORDS), entropy)], WORDS[_below(len(WORDS), entropy)]
    return f"{free[_below(len(free), entropy)]}-{first}-{second}"


def read_code(text: str) -> str:
    """Return a code as a person typed it, in its one spelling; raise InvalidError if it is none (no try is lost)."""
    code = "-".join(text[:_MAX_CODE].lower().split())
    match = _CODE_FORM.fullmatch(code)
    if match is None or not _two_words(match.group(2).split("-")):
        raise InvalidError(
            "A pairing code has three digits and two words of the list, such as 042-abacus-zoom.",
            hint="Ask your partner to spell the code.",
        )
    return code


def place_of(code: str) -> str:
    """Return the public part of a code, by which the inviter finds it."""
    return code[:3]


def place_in(request: Mapping[str, object]) -> str:
    """Return the place that a posted request names; raise InvalidError unless it names one in version 1."""
    version, place = request.get("v"), request.get("place")
    if type(version) is not int or version != 1 or not isinstance(place, str) or _PLACE_FORM.fullmatch(place) is None:
        raise InvalidError("A pairing request names version 1 and a place of three digits.")
    return place


class Joiner:
    """The side that was told a code; used once."""

    def __init__(self, code: str, card: bytes, entropy: Entropy) -> None:
        """Prepare to hand `card` to whoever knows `code`; raise InvalidError or LimitError if either is unusable."""
        self._code = read_code(code)
        self._card = _check_card(card)
        self._entropy = entropy
        self._pake: _Pake | None = _new("join", self._code, entropy)
        self._message = self._pake.start()

    def first(self) -> dict[str, object]:
        """Return the first request."""
        return {"v": 1, "place": place_of(self._code), "pake": _text(self._message)}

    def second(self, answer: Mapping[str, object]) -> tuple[bytes, dict[str, object]]:
        """Return the inviter's card and the second request; raise VerificationError if the code was wrong.

        Raises InvalidError for a malformed answer. After any error the pairing is dead.
        """
        pake, self._pake = self._pake, None
        fields = _fields(answer, ("pake", "box"))
        theirs = _data(fields["pake"], _PAKE_SIZE, _PAKE_SIZE)
        key = _key(pake, joiner=self._message, inviter=theirs, inbound=theirs)
        card = _open(fields["box"], key, self._card)
        place = place_of(self._code)
        return card, {"v": 1, "place": place, "box": _seal(self._card, key, self._entropy)}


class Inviter:
    """The side that made a code; used for one try, after which the code must be gone."""

    def __init__(self, code: str, card: bytes, entropy: Entropy) -> None:
        """Prepare to hand `card` to whoever knows `code`; raise InvalidError or LimitError if either is unusable."""
        self._code = read_code(code)
        self._card = _check_card(card)
        self._entropy = entropy
        self._pake: _Pake | None = _new("invite", self._code, entropy)
        self._message = self._pake.start()
        self._key: bytes | None = None

    def first(self, request: Mapping[str, object]) -> dict[str, object]:
        """Return the answer to the first request; the caller has destroyed the code before.

        Raises InvalidError for a malformed request, VerificationError for an invalid point, ConflictError for a second
        try. After any error the pairing is dead.
        """
        pake, self._pake = self._pake, None
        fields = _fields(request, ("v", "place", "pake"))
        self._check_place(fields)
        theirs = _data(fields["pake"], _PAKE_SIZE, _PAKE_SIZE)
        key = _key(pake, joiner=theirs, inviter=self._message, inbound=theirs)
        self._key = key
        return {"pake": _text(self._message), "box": _seal(self._card, key, self._entropy)}

    def second(self, request: Mapping[str, object]) -> bytes:
        """Return the joiner's card; raise VerificationError if it did not know the code.

        Raises InvalidError for a malformed request, ConflictError out of turn. After any error the pairing is dead.
        """
        key, self._key = self._key, None
        if key is None:
            raise ConflictError("This pairing is not waiting for a card.", hint="Begin again with a new code.")
        fields = _fields(request, ("v", "place", "box"))
        self._check_place(fields)
        return _open(fields["box"], key, self._card)

    def _check_place(self, fields: Mapping[str, object]) -> None:
        if place_in(fields) != place_of(self._code):
            raise InvalidError("This request is for another place.")


def _below(limit: int, entropy: Entropy) -> int:
    """Draw a number; 128 bits make the remainder's bias vanish."""
    return int.from_bytes(entropy(16), "big") % limit


def _two_words(parts: list[str]) -> bool:
    """Say whether the parts between hyphens are two words of the list, some of which have a hyphen themselves."""
    return any(
        "-".join(parts[:middle]) in WORDS and "-".join(parts[middle:]) in WORDS for middle in range(1, len(parts))
    )


def _new(side: str, code: str, entropy: Entropy) -> _Pake:
    """Make one side of SPAKE2 over Ed25519; loaded here because nothing else needs it."""
    from spake2 import SPAKE2_A, SPAKE2_B

    made = SPAKE2_A if side == "join" else SPAKE2_B
    make = cast("Callable[..., _Pake]", made)  # the package has no types of its own
    return make(code.encode(), idA=_ID_JOIN, idB=_ID_INVITE, entropy_f=entropy)


def _key(pake: _Pake | None, *, joiner: bytes, inviter: bytes, inbound: bytes) -> bytes:
    """Derive the key of both boxes; the point is judged by libsodium before the library computes with it."""
    from spake2 import SPAKEError

    if pake is None:
        raise ConflictError("This code has been tried already.", hint="Ask for a new code.")
    try:
        keys.check_public(inbound[1:])
        shared = pake.finish(inbound)
    except (VerificationError, SPAKEError) as error:
        raise VerificationError("The other side's pairing message is no valid point.") from error
    return sha256(b"entente/pair/v1\0" + shared + joiner + inviter).digest()[:crypto_secretbox_KEYBYTES]


def _seal(card: bytes, key: bytes, entropy: Entropy) -> str:
    nonce = entropy(crypto_secretbox_NONCEBYTES)
    return _text(nonce + crypto_secretbox(card, nonce, key))


def _open(box: object, key: bytes, mine: bytes) -> bytes:
    """Open a box; our own card coming back is somebody in between who repeats what it cannot read."""
    data = _data(box, _OVERHEAD + 1, _OVERHEAD + MAX_CARD)
    nonce, sealed = data[:crypto_secretbox_NONCEBYTES], data[crypto_secretbox_NONCEBYTES:]
    try:
        card = crypto_secretbox_open(sealed, nonce, key)
    except CryptoError:
        card = mine
    if card == mine:
        raise VerificationError(
            "The box of the other side does not open: the code was wrong, or somebody is in between.",
            hint="This pairing is dead. Ask for a new code, over a way that you trust.",
        )
    return card


def _check_card(card: bytes) -> bytes:
    if not card:
        raise InvalidError("A card is not empty.")
    if len(card) > MAX_CARD:
        raise LimitError(f"A card has at most {MAX_CARD} bytes; this one has {len(card)}.")
    return card


def _fields(message: object, names: tuple[str, ...]) -> Mapping[str, object]:
    """Return the message if it is an object with exactly these fields."""
    if not isinstance(message, dict) or set(cast("dict[object, object]", message)) != set(names):
        raise InvalidError(f"A pairing message has exactly the fields {', '.join(names)}.")
    return cast("dict[str, object]", message)


def _text(data: bytes) -> str:
    return b2a_base64(data, newline=False).decode()


def _data(value: object, least: int, most: int) -> bytes:
    """Decode base64 in its one spelling, of bounded size."""
    if not isinstance(value, str) or not value.isascii() or len(value) > 4 * (most // 3 + 1):
        raise InvalidError("A field of the pairing message is not base64 of the expected size.")
    try:
        data = a2b_base64(value, strict_mode=True)
    except BinasciiError:
        data = b""
    if not least <= len(data) <= most or _text(data) != value:
        raise InvalidError("A field of the pairing message is not base64 of the expected size.")
    return data
