"""Signed notes, checkpoints and cosignatures: C2SP signed-note, tlog-checkpoint and tlog-cosignature, read strictly."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from entente.core import keys
from entente.core.errors import InvalidError, VerificationError

if TYPE_CHECKING:
    from collections.abc import Iterable

ED25519: Final = 0x01
COSIGNATURE: Final = 0x04
MAX_NOTE: Final = 64 * 1024
MAX_SIGNATURES: Final = 64
MAX_SIZE: Final = 2**63 - 1
MAX_TIME: Final = 2**63 - 1

_DASH: Final = "— "
_NAME: Final = re.compile(r"[^\s+\x00-\x1f]+")
_ID_SIZE: Final = 4
_TIME_SIZE: Final = 8
_ROOT_SIZE: Final = 32
_CHECKPOINT_LINES: Final = 4  # origin, size, root and what follows the last newline: nothing


@dataclass(frozen=True, slots=True)
class Verifier:
    """A known public key with the name and kind of signature that it stands for; a weak key is refused at once."""

    name: str
    kind: int
    public_key: bytes
    key_id: bytes = field(init=False)

    def __post_init__(self) -> None:
        """Work out the key id; raise InvalidError for name or kind, VerificationError for a key not of prime order."""
        _check_name(self.name)
        if self.kind not in {ED25519, COSIGNATURE}:
            raise InvalidError(f"Keys of kind 0x{self.kind:02x} are not used here.")
        keys.check_public(self.public_key)
        hashed = sha256(f"{self.name}\n".encode() + bytes([self.kind]) + self.public_key).digest()
        object.__setattr__(self, "key_id", hashed[:_ID_SIZE])

    @classmethod
    def parse(cls, vkey: str) -> Verifier:
        """Read a verifier key in text form, spelt as `vkey` spells it; raise what building it may raise otherwise."""
        name, _, rest = vkey.partition("+")
        key = _unb64(rest.partition("+")[2])
        if len(key) != 1 + keys.PUBLIC_SIZE:
            raise InvalidError("The verifier key does not hold one kind and 32 bytes of key.")
        verifier = cls(name, key[0], key[1:])
        if verifier.vkey() != vkey:
            raise InvalidError("The verifier key's own id does not fit its name and key.")
        return verifier

    def vkey(self) -> str:
        """Return the text form, `name+id+key`."""
        return f"{self.name}+{self.key_id.hex()}+{_b64(bytes([self.kind]) + self.public_key)}"


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key (seed) with the name and kind of signature that it makes."""

    name: str
    kind: int
    seed: bytes = field(repr=False)
    verifier: Verifier = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Derive the verifier; raise InvalidError if name, kind or seed is not well formed."""
        object.__setattr__(self, "verifier", Verifier(self.name, self.kind, keys.public_of(self.seed)))


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line, of a key that we may or may not know; `payload` is what follows the key id."""

    name: str
    key_id: bytes
    payload: bytes

    def __post_init__(self) -> None:
        """Refuse a line that could not be printed with an InvalidError."""
        _check_name(self.name)
        if len(self.key_id) != _ID_SIZE or not self.payload:
            raise InvalidError("A signature line holds a key id of 4 bytes and a signature.")

    @classmethod
    def parse(cls, line: str) -> Signature:
        """Read a line, with or without its newline; raise InvalidError unless it is spelt as `line` spells it."""
        name, space, text = line.removesuffix("\n").removeprefix(_DASH).partition(" ")
        if not line.startswith(_DASH) or not space:
            raise InvalidError("A signature line is a dash, a name and base64 text.")
        data = _unb64(text)
        return cls(name, data[:_ID_SIZE], data[_ID_SIZE:])

    def line(self) -> str:
        """Return the line with its newline."""
        return f"{_DASH}{self.name} {_b64(self.key_id + self.payload)}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A text and the signature lines under it; nothing is said yet about whether they hold."""

    text: str
    signatures: tuple[Signature, ...]

    def __post_init__(self) -> None:
        """Refuse what is no note (text without end, no signature, too many, too large) with an InvalidError."""
        if not self.text.endswith("\n"):
            raise InvalidError("The text of a note ends with a newline.")
        if any(character < " " and character != "\n" for character in self.text):
            raise InvalidError("A note holds no control characters but newlines.")
        if not 1 <= len(self.signatures) <= MAX_SIGNATURES:
            raise InvalidError(f"A note has 1 to {MAX_SIGNATURES} signatures; this one has {len(self.signatures)}.")
        if len(self.to_bytes()) > MAX_NOTE:
            raise InvalidError(f"A note has at most {MAX_NOTE} bytes.")

    @classmethod
    def parse(cls, data: bytes) -> Note:
        """Read a note; raise InvalidError unless every byte is where the standard wants it."""
        if len(data) > MAX_NOTE:
            raise InvalidError(f"A note has at most {MAX_NOTE} bytes; this one has {len(data)}.")
        try:
            whole = data.decode()
        except UnicodeDecodeError as error:
            raise InvalidError(f"A note is UTF-8; byte {error.start} is not.") from error
        text, blank, lines = whole.rpartition("\n\n")
        if not blank or not lines.endswith("\n"):
            raise InvalidError("A note is text, an empty line, then signature lines; one of them is missing.")
        if lines.count("\n") > MAX_SIGNATURES:
            raise InvalidError(f"A note has at most {MAX_SIGNATURES} signatures; this one has {lines.count(chr(10))}.")
        return cls(text + "\n", tuple(Signature.parse(line) for line in lines[:-1].split("\n")))

    def to_bytes(self) -> bytes:
        """Return the note as it is stored and sent; a further `Signature.line` may be appended to it."""
        return _utf8(self.text + "\n" + "".join(each.line() for each in self.signatures))


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of a log: its origin, how many leaves it has and their root."""

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        """Refuse what no checkpoint of ours could say with an InvalidError."""
        _check_name(self.origin)
        if not 0 <= self.size <= MAX_SIZE:
            raise InvalidError(f"The size {self.size} of a log is outside 0..2^63-1.")
        if len(self.root) != _ROOT_SIZE:
            raise InvalidError(f"The root of a log has 32 bytes; this one has {len(self.root)}.")

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Read the text of a note; raise InvalidError unless it is spelt as `body` spells it, without extensions."""
        lines = text.split("\n")
        if len(lines) != _CHECKPOINT_LINES:
            raise InvalidError("A checkpoint has three lines: origin, size and root.")
        size = lines[1]
        if not (size.isascii() and size.isdecimal() and len(size) <= len(str(MAX_SIZE))):
            raise InvalidError(f"The size of a log is a decimal number; {size[:80]!r} is none.")
        checkpoint = cls(lines[0], int(size), _unb64(lines[2]))
        if checkpoint.body() != text:
            raise InvalidError("The checkpoint is not in its only spelling.")
        return checkpoint

    def body(self) -> str:
        """Return the text that is signed."""
        return f"{self.origin}\n{self.size}\n{_b64(self.root)}\n"


def sign(text: str, signer: Signer) -> bytes:
    """Return the signature line of `signer` under `text`; raise InvalidError if the two can make no note."""
    if signer.kind != ED25519:
        raise InvalidError("A key for cosignatures does not sign notes.")
    signature = Signature(signer.name, signer.verifier.key_id, keys.sign(signer.seed, _utf8(text)))
    Note(text, (signature,))  # refuses a text that no reader would take
    return signature.line().encode()


def verify(note: Note, verifiers: Iterable[Verifier]) -> list[Signature]:
    """Return the signatures that hold, at most one for each known key; unknown keys are ignored.

    Raise VerificationError if none holds, or if the line of a known key does not.
    """
    known: dict[tuple[str, bytes], Verifier] = {}
    for verifier in verifiers:
        if known.setdefault((verifier.name, verifier.key_id), verifier) != verifier:
            raise VerificationError(f"Two known keys of {verifier.name} share one key id.")
    held: dict[tuple[str, bytes], Signature] = {}
    for signature in note.signatures:
        key = (signature.name, signature.key_id)
        if key in known:
            _check(note.text, signature, known[key])
            held.setdefault(key, signature)
    if not held:
        raise VerificationError("No known key signed this note.")
    return list(held.values())


def sign_checkpoint(checkpoint: Checkpoint, signer: Signer) -> bytes:
    """Return the whole note; raise InvalidError unless the signer bears the name of the checkpoint's origin."""
    if signer.name != checkpoint.origin:
        raise InvalidError(f"{signer.name} does not sign for the log {checkpoint.origin}.")
    body = checkpoint.body()
    return f"{body}\n".encode() + sign(body, signer)


def open_checkpoint(note_bytes: bytes, verifier: Verifier) -> Checkpoint:
    """Return the checkpoint that `verifier` signed.

    Raise InvalidError if it is not well formed, VerificationError if it is not signed by this key or is of another log.
    """
    note = Note.parse(note_bytes)
    if verifier.kind != ED25519:
        raise VerificationError("A key for cosignatures does not sign checkpoints of its own.")
    verify(note, (verifier,))
    checkpoint = Checkpoint.parse(note.text)
    if checkpoint.origin != verifier.name:
        raise VerificationError(f"The checkpoint is of the log {checkpoint.origin}, not of {verifier.name}.")
    return checkpoint


def cosign(checkpoint: Checkpoint, signer: Signer, time_s: int) -> str:
    """Return the cosignature line (with newline) that says: at `time_s` this was the newest head that I verified."""
    if signer.kind != COSIGNATURE:
        raise InvalidError("Only a key for cosignatures cosigns.")
    if not 0 <= time_s <= MAX_TIME:
        raise InvalidError(f"The time {time_s} of a cosignature is outside 0..2^63-1.")
    payload = time_s.to_bytes(_TIME_SIZE, "big") + keys.sign(signer.seed, _cosigned(checkpoint.body(), time_s))
    return Signature(signer.name, signer.verifier.key_id, payload).line()


def verify_cosignature(checkpoint: Checkpoint, line: str, verifier: Verifier) -> int:
    """Return the time (seconds) at which `verifier` cosigned `checkpoint`.

    Raise InvalidError if the line is not well formed, VerificationError if it is of another key or does not hold.
    """
    signature = Signature.parse(line)
    if verifier.kind != COSIGNATURE or (signature.name, signature.key_id) != (verifier.name, verifier.key_id):
        raise VerificationError(f"The line is not a cosignature of {verifier.name}.")
    _check(checkpoint.body(), signature, verifier)
    return cosigned_at(signature)


def cosigned_at(signature: Signature) -> int:
    """Return the time (seconds) in a cosignature line, verified before; raise VerificationError if there is none."""
    time_s = int.from_bytes(signature.payload[:_TIME_SIZE], "big")
    if len(signature.payload) != _TIME_SIZE + keys.SIGNATURE_SIZE or time_s > MAX_TIME:
        raise VerificationError("The cosignature is not a time up to 2^63-1 and 64 bytes.")
    return time_s


def _check(text: str, signature: Signature, verifier: Verifier) -> None:
    """Raise VerificationError unless the line of a known key holds."""
    message, payload = text.encode(), signature.payload
    if verifier.kind == COSIGNATURE:
        message, payload = _cosigned(text, cosigned_at(signature)), payload[_TIME_SIZE:]
    keys.verify(verifier.public_key, message, payload)


def _cosigned(body: str, time_s: int) -> bytes:
    return f"cosignature/v1\ntime {time_s}\n{body}".encode()


@lru_cache(maxsize=8192)
def _check_name(name: str) -> None:
    """Raise InvalidError unless `name` can stand in a signature line and in a verifier key."""
    if _NAME.fullmatch(name) is None:
        raise InvalidError(
            f"{name[:80]!r} is no key name: it is empty or holds a space, a plus or a control character."
        )
    _utf8(name)


def _utf8(text: str) -> bytes:
    """Return the bytes of `text`; raise InvalidError if there are none, because it holds half a surrogate pair."""
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise InvalidError("The text cannot be written as UTF-8: it holds half a surrogate pair.") from error


def _b64(data: bytes) -> str:
    return b64encode(data).decode()


def _unb64(text: str) -> bytes:
    """Read standard base64 in its only spelling; raise InvalidError otherwise."""
    try:
        data = b64decode(text, validate=True)
    except ValueError:
        data = b""
    if not data or _b64(data) != text:
        raise InvalidError(f"{text[:80]!r} is not base64 in its only spelling.")
    return data
