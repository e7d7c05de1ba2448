"""A home on disk: the database, the secret keys, the marker of the guard, and the recovery file outside of it."""

from __future__ import annotations

import os
import platform
import shutil
import uuid
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from entente.core import keys
from entente.core.errors import ConflictError, InvalidError, StoreError
from entente.core.ids import Member, b32, member_id, unb32
from entente.exchange.tls import make_certificate, pin_of
from entente.ledger.guard import Marker

LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Secrets(Struct, frozen=True):
    """The seeds of the five keys (hex), the hash of the next log key, the TLS key and certificate (PEM or empty).

    `seal` is "" in a home that was made before there were sealing keys; `member` is "" until the log key was changed.
    """

    log: str
    witness: str
    store: str
    transport: str
    next: str
    tls_key: str = ""
    tls_cert: str = ""
    member: str = ""
    """The member's id (base32), once the log key is no longer the one that made it."""
    seal: str = ""
    pending: str = ""
    """The secrets (JSON) that take the place of these once the key history has their entry."""

    def seed(self, use: str) -> bytes:
        """Return the 32-byte seed of the key for this use: log, witness, store, transport or seal."""
        return bytes.fromhex(str(getattr(self, use)))

    @property
    def owner(self) -> Member:
        """The member whose keys these are."""
        return Member(unb32(self.member, 32)) if self.member else member_id(keys.public_of(self.seed("log")))

    @property
    def identity(self) -> str:
        """The private sealing key as the age format spells it; what is sealed to this member is opened with it."""
        return keys.identity(self.seed("seal"))

    @property
    def pin(self) -> bytes:
        """The SHA-256 of the certificate's public key, empty without one."""
        return pin_of(self.tls_cert.encode()) if self.tls_cert else b""


class Home:
    """The files of one member."""

    def __init__(self, path: Path) -> None:
        """Name the files below `path`; nothing is read."""
        self.path = path
        self.database = path / "entente.db"
        self.secrets_file = path / "secrets.json"
        self.marker_file = path / "guard.json"
        self.lock_file = path / "up.lock"

    def check(self) -> None:
        """Raise StoreError unless a member lives here."""
        if not self.database.is_file() or not self.secrets_file.is_file():
            raise StoreError(f"There is no member in {self.path}.", code="no-home", hint="Run `entente init` first.")

    def secrets(self) -> Secrets:
        """Return the secret keys."""
        try:
            return msgspec.json.decode(self.secrets_file.read_bytes(), type=Secrets)
        except (OSError, msgspec.MsgspecError) as problem:
            raise StoreError(f"The keys in {self.secrets_file} cannot be read: {problem}") from problem

    def marker(self) -> Marker | None:
        """Return the marker beside the database, None if there is none."""
        try:
            return Marker.from_bytes(self.marker_file.read_bytes())
        except FileNotFoundError:
            return None
        except OSError as problem:
            raise StoreError(f"The marker {self.marker_file} cannot be read: {problem}") from problem

    def here(self, nonce: bytes, signed: dict[str, int]) -> Marker:
        """Return the marker that fits the database as it lies here now."""
        return Marker(nonce.hex(), self.database.stat().st_ino, _host(), signed)

    def write_marker(self, marker: Marker) -> None:
        """Replace the marker, durably."""
        write_durably(self.marker_file, marker.to_bytes())


def _host() -> str:
    """Return what tells this machine from others: its machine id where there is one, else its name."""
    try:
        return Path("/etc/machine-id").read_text("ascii").strip() or platform.node()
    except OSError:
        return platform.node()


def write_durably(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Write a whole file or nothing; it is on disk when this returns."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Bring the names in a folder to disk."""
    directory = os.open(path, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def check_url(url: str) -> None:
    """Raise InvalidError unless `url` is one that partners may call: https, or http on loopback."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as problem:
        raise InvalidError(f"{url!r} is not an address: {problem}") from problem
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment or port == 0:
        raise InvalidError(f"{url!r} is not an address such as https://node.example:8443.")
    if parts.path not in {"", "/"} or parts.username:
        raise InvalidError(f"{url!r} must be an address without a path.")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise InvalidError(
            f"{url!r}: plain http is for this machine only.", hint="Use https://…; `init` makes the certificate itself."
        )


def prepare(path: Path, recovery: Path) -> Path:
    """Return the directory in which a new home is built; ConflictError if the home or the recovery file exists."""
    check_free(path)
    if recovery.exists():
        raise ConflictError(f"The recovery file {recovery} exists already.", hint="Choose another with --recovery.")
    if path.resolve() == recovery.resolve() or path.resolve() in recovery.resolve().parents:
        raise InvalidError("The recovery file must lie outside of the home, or it is lost with it.")
    return begin(path)


def check_free(path: Path) -> None:
    """Raise ConflictError unless a home may be put at `path`: nothing is there, or an empty folder."""
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise ConflictError(f"{path} exists already.", hint="Choose another --home; none is ever replaced.")


def begin(path: Path) -> Path:
    """Return a new directory beside `path` in which a home is built; StoreError if it cannot be made."""
    building = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        building.mkdir(parents=True, mode=0o700)
    except OSError as problem:
        raise StoreError(
            f"{path} cannot be made: {problem.strerror}.", hint="Check the rights on its parent."
        ) from problem
    return building


def finish(building: Path, path: Path) -> None:
    """Put the finished home in its place, in one step; it is there for good when this returns."""
    if path.is_dir():
        path.rmdir()
    building.rename(path)
    sync_folder(path.absolute().parent)


def abandon(building: Path) -> None:
    """Remove an unfinished home."""
    shutil.rmtree(building, ignore_errors=True)


def make_secrets(random_seeds: list[bytes], name: str, url: str, now: float) -> Secrets:
    """Return new keys from six seeds: log, witness, store, transport, next log, seal; https gets a certificate."""
    certificate = key = b""
    if url.startswith("https:"):
        certificate, key = make_certificate(urlsplit(url).hostname or name, now=now)
    log, witness, store, transport = (seed.hex() for seed in random_seeds[:4])
    following = b32(sha256(keys.public_of(random_seeds[4])).digest())
    return Secrets(
        log, witness, store, transport, following, key.decode(), certificate.decode(), seal=random_seeds[5].hex()
    )
