"""The secret keys at rest: in the clear, or sealed by a passphrase or a key file (docs/decisions/0010)."""

from __future__ import annotations

import os
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from entente.core import keys
from entente.core.errors import InvalidError, StoreError, VerificationError, WaitingError
from entente.core.ids import Member, b32, unb32
from entente.exchange.tls import pin_of
from entente.node.home.files import Home, Secrets, sync_folder, write_durably

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

NONE: Final = "none"
PASSPHRASE: Final = "passphrase"  # noqa: S105 - the name of a way, not a secret
KEY_FILE: Final = "key-file"

KEY_SIZE: Final = 32
SALT_SIZE: Final = 16
NONCE_SIZE: Final = 24
MIN_PASSPHRASE: Final = 8
MAX_FILE: Final = 1 << 20

OPS: Final = 3
MEM: Final = 64 << 20
"""The work of argon2id for one try at a passphrase: RFC 9106's choice for machines with little memory."""

MAX_OPS: Final = 16
MAX_MEM: Final = 1 << 30
"""The most work that a sealed file may ask for."""

USES: Final = ("log", "witness", "store", "transport")
UNLOCK: Final = "Set ENTENTE_PASSPHRASE or ENTENTE_KEY_FILE, or let `entente up` ask for the passphrase."


@dataclass(frozen=True, slots=True)
class Lock:
    """What seals the keys of a home: the derived key, and how it is derived; its text shows no secret."""

    kind: str
    key: bytes = field(repr=False)
    ops: int = 0
    mem: int = 0
    salt: str = ""


@dataclass(frozen=True, slots=True)
class Unlock:
    """What is at hand to open sealed keys; files are read only when they are needed."""

    passphrase: str = field(default="", repr=False)
    key_file: Path | None = None
    credential: Path | None = None

    def secret(self, kind: str) -> bytes:
        """Return what opens keys of this kind, empty if nothing does."""
        if kind == PASSPHRASE and self.passphrase:
            return _plain(self.passphrase)
        if kind == KEY_FILE and self.key_file is not None:
            return read_key_file(self.key_file)
        if self.credential is None:
            return b""
        if kind == PASSPHRASE:
            return _plain(_read(self.credential).decode(errors="replace").rstrip("\r\n"))
        return read_key_file(self.credential)


class Sealed(Struct, frozen=True, forbid_unknown_fields=True, rename={"version": "entente-sealed"}):
    """A file of sealed keys: all but `box` can be read without the key, and is authenticated with it."""

    version: int
    kind: str
    ops: int
    mem: int
    salt: str
    member: str
    public: dict[str, str]
    tls_cert: str
    nonce: str
    box: bytes

    def open(self, secret: bytes) -> tuple[Secrets, Lock]:
        """Return the keys and what sealed them; VerificationError (nothing was changed) if `secret` does not fit."""
        from nacl.exceptions import CryptoError
        from nacl.secret import Aead

        lock = self._lock(secret)
        try:
            nonce = bytes.fromhex(self.nonce)
            clear = Aead(lock.key).decrypt(self.box, self._bound(), nonce)
        except (CryptoError, ValueError, TypeError):
            what = "The passphrase" if self.kind == PASSPHRASE else "The key file"
            raise VerificationError(
                f"{what} does not open the keys of this home.",
                code="locked",
                hint="Try again; if it is the right one, the file was changed: restore it from a backup.",
            ) from None
        return msgspec.json.decode(clear, type=Secrets), lock

    def _lock(self, secret: bytes) -> Lock:
        if self.kind != PASSPHRASE:
            return Lock(self.kind, secret)
        try:
            salt = bytes.fromhex(self.salt)
        except ValueError:
            salt = b""
        if len(salt) != SALT_SIZE or not 1 <= self.ops <= MAX_OPS or not 1 << 13 <= self.mem <= MAX_MEM:
            raise StoreError("The sealed keys ask for work that no version of this program asks for.")
        return Lock(self.kind, _derive(secret, salt, self.ops, self.mem), self.ops, self.mem, self.salt)

    def _bound(self) -> bytes:
        """Return the bytes that the seal covers beside the keys."""
        return msgspec.json.encode(msgspec.structs.replace(self, box=b""))


class Held(Struct, frozen=True):
    """What a home's file of keys shows: whose they are, how they are kept, and the keys if they could be opened."""

    member: Member
    kind: str
    public: dict[str, str]
    pin: bytes
    tls_cert: str
    secrets: Secrets | None
    lock: Lock | None


def from_environment(environ: Mapping[str, str]) -> Unlock:
    """Return what ENTENTE_PASSPHRASE, ENTENTE_KEY_FILE and a systemd credential `entente-key` offer."""
    folder = environ.get("CREDENTIALS_DIRECTORY", "")
    credential = Path(folder, "entente-key") if folder else None
    named = environ.get("ENTENTE_KEY_FILE", "")
    return Unlock(
        environ.get("ENTENTE_PASSPHRASE", ""),
        Path(named) if named else None,
        credential if credential is not None and credential.is_file() else None,
    )


def by_passphrase(text: str, random: Callable[[int], bytes]) -> Lock:
    """Return a new lock for a passphrase; InvalidError if it is too short."""
    if len(text) < MIN_PASSPHRASE:
        raise InvalidError(f"A passphrase has at least {MIN_PASSPHRASE} characters.", hint="Six words are better.")
    salt = random(SALT_SIZE)
    return Lock(PASSPHRASE, _derive(_plain(text), salt, OPS, MEM), OPS, MEM, salt.hex())


def by_key_file(path: Path, home: Path, random: Callable[[int], bytes]) -> Lock:
    """Return the lock of a key file, which is made (32 random bytes, for this user only) if it does not exist.

    InvalidError if it lies in the home or is no key file.
    """
    if home.resolve() in path.resolve().parents:
        raise InvalidError("The key file must lie outside of the home, or anybody who copies the home has both.")
    if not path.exists():
        try:
            write_durably(path.absolute(), random(KEY_SIZE))
        except OSError as problem:
            raise StoreError(f"The key file {path} cannot be made: {problem.strerror}.") from problem
    return Lock(KEY_FILE, read_key_file(path))


def read_key_file(path: Path) -> bytes:
    """Return the 32 bytes of a key file; InvalidError if it is none, StoreError if it cannot be read."""
    data = _read(path)
    if len(data) != KEY_SIZE:
        raise InvalidError(f"{path} is not a key file: it has {len(data)} bytes, not {KEY_SIZE}.")
    return data


def encode(secrets: Secrets, lock: Lock | None, random: Callable[[int], bytes]) -> bytes:
    """Return the bytes of the file of keys, sealed unless `lock` is None."""
    from nacl.secret import Aead

    if lock is None:
        return msgspec.json.encode(secrets)
    nonce = random(NONCE_SIZE)
    public = _public(secrets)
    head = Sealed(
        1, lock.kind, lock.ops, lock.mem, lock.salt, b32(secrets.owner), public, secrets.tls_cert, nonce.hex(), b""
    )
    clear = msgspec.json.encode(secrets)
    box = Aead(lock.key).encrypt(clear, msgspec.json.encode(head), nonce).ciphertext
    return msgspec.json.encode(msgspec.structs.replace(head, box=box))


def load(home: Home, unlock: Unlock | None = None) -> Held:
    """Read a home's file of keys, and open it if `unlock` has what opens it.

    StoreError for a file that cannot be read, VerificationError if what was given does not fit.
    """
    return parse(_read(home.secrets_file), unlock or Unlock(), str(home.secrets_file))


def parse(data: bytes, unlock: Unlock, name: str) -> Held:
    """Do what `load` does on the bytes of a file that is called `name` in errors."""
    try:
        if b'"entente-sealed"' not in data[:64]:
            secrets = msgspec.json.decode(data, type=Secrets)
            pin, public = secrets.pin, _public(secrets)
            return Held(secrets.owner, NONE, public, pin, secrets.tls_cert, secrets, None)
        sealed = msgspec.json.decode(data, type=Sealed)
        member = Member(unb32(sealed.member, KEY_SIZE))
        pin = pin_of(sealed.tls_cert.encode()) if sealed.tls_cert else b""
    except (msgspec.MsgspecError, InvalidError, ValueError) as problem:
        raise StoreError(f"The keys in {name} cannot be read: {problem}", hint="Restore a backup.") from problem
    if sealed.version != 1 or sealed.kind not in {PASSPHRASE, KEY_FILE}:
        raise StoreError(f"The keys in {name} were sealed by a later version.", hint="Install it.")
    secret = unlock.secret(sealed.kind)
    secrets_, lock = sealed.open(secret) if secret else (None, None)
    return Held(member, sealed.kind, sealed.public, pin, sealed.tls_cert, secrets_, lock)


def lacks_passphrase(path: Path, unlock: Unlock) -> bool:
    """Say whether the keys of the home at `path` are sealed by a passphrase which `unlock` does not have."""
    home = Home(path)
    home.check()
    return load(home).kind == PASSPHRASE and not unlock.secret(PASSPHRASE)


def save(home: Home, secrets: Secrets, lock: Lock | None, random: Callable[[int], bytes]) -> None:
    """Replace a home's file of keys, durably; the bytes that stood there before are overwritten."""
    path = home.secrets_file
    before = path.open("rb+") if path.exists() else None
    try:
        write_durably(path, encode(secrets, lock, random))
        if before is not None:
            before.write(bytes(os.fstat(before.fileno()).st_size))
            before.flush()
            os.fsync(before.fileno())
    finally:
        if before is not None:
            before.close()
    sync_folder(path.parent)


def locked() -> WaitingError:
    """Return what to raise where the keys are needed and are not open."""
    return WaitingError("The keys of this home are sealed, and this needs them.", code="locked", hint=UNLOCK)


def _public(secrets: Secrets) -> dict[str, str]:
    return {use: b32(keys.public_of(secrets.seed(use))) for use in USES}


def _derive(secret: bytes, salt: bytes, ops: int, mem: int) -> bytes:
    from nacl.pwhash import argon2id

    return argon2id.kdf(KEY_SIZE, secret, salt, opslimit=ops, memlimit=mem)


def _plain(text: str) -> bytes:
    return unicodedata.normalize("NFC", text).encode()


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE + 1)
    except OSError as problem:
        raise StoreError(f"{path} cannot be read: {problem.strerror}.", hint="Check its name and rights.") from problem
    if len(data) > MAX_FILE:
        raise StoreError(f"{path} is too large to be what it should be.")
    return data
