"""One file that holds a home, made while the home is in use, and the way back from it (docs/decisions/0010).

The file is a zstd-compressed tar of a manifest, the keys as they lie on disk, and a consistent copy of the database.
The guard's marker is never in it, so what comes back signs nothing until a partner or a person has vouched for it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tarfile
import tempfile
import time
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, Protocol

import msgspec
from msgspec import Struct

from entente.core.errors import ConflictError, EntenteError, InvalidError, LimitError, StoreError, VerificationError
from entente.core.ids import b32
from entente.core.times import stamp
from entente.ledger import keys as key_logs
from entente.node.home import vault
from entente.node.home.base import Base
from entente.node.home.files import Home, abandon, begin, check_free, finish, sync_folder
from entente.node.home.values import Backed, Restored, UpgradeUndone
from entente.node.home.written import PathLike, path_of
from entente.node.ledger import Ledger
from entente.store import shelf
from entente.store.sqlite import snapshots
from entente.store.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Generator

    from entente.node.home.vault import Held

MANIFEST: Final = "entente-backup.json"
SECRETS: Final = "secrets.json"
DATABASE: Final = "entente.db"
LAST: Final = "last"
BACKUPS: Final = shelf.json("backup", dict[str, int])
"""Under `LAST`: when the last backup was made (ms), and of how many entries."""
BLOCK: Final = 512
CHUNK: Final = 1 << 20
MAX_MANIFEST: Final = 64 << 10
RESERVE: Final = 256 << 20
"""Bytes that a restore leaves free on the disk."""

WINDOW: Final = 1 << 27
"""The most memory that reading a backup may ask for."""

TRIES: Final = 5


class BackupPart(Struct, frozen=True, forbid_unknown_fields=True):
    """One file in a backup."""

    size: int
    sha256: str


class BackupManifest(Struct, frozen=True, forbid_unknown_fields=True, rename={"version": "entente-backup"}):
    """What stands first in a backup: whose it is, when it was made, and what follows."""

    version: int
    member: str
    name: str
    time: str
    entries: int
    files: dict[str, BackupPart]


class _Reader(Protocol):
    def read(self, size: int = -1, /) -> bytes:
        """Return at most that many bytes, none at the end."""
        ...


def backup(base: Base, out: Path) -> Backed:
    """Write a backup of this home to `out`, while others go on working in it; it is on disk when this returns.

    ConflictError if the file exists; InvalidError if it would lie in the home; StoreError if the disk is full.
    """
    home = base.home
    if home is None:
        raise ConflictError("This node has no home.")
    _check_out(home, out)
    try:
        with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.absolute().parent) as folder:
            database = Path(folder, DATABASE)
            keys, held = _copy(home, database)
            manifest = _manifest(base, held, keys, database)
            building = Path(folder, "backup")
            _write(building, manifest, keys, database)
            _place(building, out)
    except OSError as problem:
        raise StoreError(
            f"The backup {out} cannot be written: {problem.strerror}.",
            hint="Check the folder, its rights and the space on the disk.",
        ) from problem
    done = Backed(str(out), out.stat().st_size, manifest.entries, held.kind)
    with base.store.write() as tx:
        BACKUPS.put(tx, LAST, {"time": base.clock(), "entries": done.entries})
    return done


def restore(file: PathLike, home: PathLike) -> Restored:
    """Bring a home back from a backup: everything in it is verified before it stands at `home`, in one step.

    ConflictError if there is something at `home`; VerificationError or LimitError if the file is damaged, cut off or
    not what a backup is, and then nothing is left. The home signs nothing until a partner has shown that nothing newer
    was signed, or a person vouches for it.
    """
    file, home = path_of(file), path_of(home)
    check_free(home)
    building = begin(home)
    try:
        manifest = _unpack(file, building)
        restored = _verify(manifest, Home(building), home)
        for name in (DATABASE, SECRETS):
            _sync(building / name)
        sync_folder(building)
        finish(building, home)
    except OSError as problem:
        raise StoreError(
            f"{file} cannot be restored: {problem.strerror}.", hint="Check names, rights and the space on the disk."
        ) from None
    finally:
        abandon(building)
    return restored


def undo_upgrade(home: PathLike) -> UpgradeUndone:
    """Put the database back as it was before the last upgrade; `previous` is the name of the copy that was used.

    ConflictError while `up` runs, NotFoundError if there was no upgrade. What was signed since is taken back from
    partners, as after a restore; what was in use stays as `entente.db.undone`.
    """
    files = Home(path_of(home))
    files.check()
    with _alone(files):
        return UpgradeUndone(snapshots.put_back(files.database).name)


def _check_out(home: Home, out: Path) -> None:
    if home.path.resolve() in out.resolve().parents:
        raise InvalidError("The backup must lie outside of the home, or it is lost with it.")
    if out.exists() or out.is_symlink():
        raise ConflictError(f"{out} exists already.", hint="Choose another name; no backup is ever replaced.")
    if not out.absolute().parent.is_dir():
        raise InvalidError(f"There is no folder {out.absolute().parent}.")


def _copy(home: Home, database: Path) -> tuple[bytes, Held]:
    """Copy database and keys so that they belong together, also while the keys are being changed."""
    for attempt in range(TRIES):
        time.sleep(0.2 * attempt)
        snapshots.copy(home.database, database)
        keys = home.secrets_file.read_bytes()
        held = vault.parse(keys, vault.Unlock(), str(home.secrets_file))
        try:
            _check_keys(database, held)
        except VerificationError:
            database.unlink()
            continue
        return keys, held
    raise ConflictError("The keys of this home do not fit its key history.", hint="Run `entente doctor`.")


@contextmanager
def _opened(database: Path, held: Held) -> Generator[Base]:
    """Give a base that can only read, on a copy of a database."""
    store = SqliteStore(database)
    try:
        yield Base(None, store, None, clock=lambda: int(time.time() * 1000), random=os.urandom, me=held.member)
    finally:
        store.close()


def _check_keys(database: Path, held: Held) -> tuple[str, int]:
    """Return the member's name and the number of entries; VerificationError unless these keys are its newest."""
    with _opened(database, held) as base, base.store.read() as tx:
        try:
            current = key_logs.history(tx, base.me).current
        except EntenteError as problem:
            raise VerificationError(f"The keys and the database do not belong together: {problem.message}") from problem
        known = {use: b32(getattr(current, use)) for use in vault.USES}
        if held.public != known or current.tls != held.pin:
            raise VerificationError("The keys are not those that the key history names.", code="backup")
        return current.name, sum(row.size for row in tx.logs.all())


def _manifest(base: Base, held: Held, keys: bytes, database: Path) -> BackupManifest:
    name, entries = _check_keys(database, held)
    files = {
        SECRETS: BackupPart(len(keys), sha256(keys).hexdigest()),
        DATABASE: BackupPart(database.stat().st_size, _digest(database)),
    }
    return BackupManifest(1, b32(held.member), name, stamp(base.clock()), entries, files)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        hashed = sha256()
        while chunk := file.read(CHUNK):
            hashed.update(chunk)
    return hashed.hexdigest()


def _write(path: Path, manifest: BackupManifest, keys: bytes, database: Path) -> None:
    import zstandard

    head = msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"
    compressor = zstandard.ZstdCompressor(level=6, write_checksum=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        with compressor.stream_writer(file, closefd=False) as out, database.open("rb") as data:
            for name, content in ((MANIFEST, head), (SECRETS, keys)):
                out.write(_header(name, len(content)) + content + _padding(len(content)))
            size = database.stat().st_size
            out.write(_header(DATABASE, size))
            shutil.copyfileobj(data, out, CHUNK)
            out.write(_padding(size) + bytes(2 * BLOCK))
        file.flush()
        os.fsync(file.fileno())


def _place(building: Path, out: Path) -> None:
    """Give the finished file its name unless somebody else has taken it meanwhile."""
    try:
        os.close(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        raise ConflictError(f"{out} exists already.", hint="Choose another name.") from None
    building.replace(out)
    sync_folder(out.absolute().parent)


def _header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    return info.tobuf(tarfile.GNU_FORMAT)


def _padding(size: int) -> bytes:
    return bytes(-size % BLOCK)


def _unpack(file: Path, building: Path) -> BackupManifest:
    """Write keys and database into `building`, exactly as the manifest names them."""
    import zstandard

    try:
        with file.open("rb") as raw:
            stream = zstandard.ZstdDecompressor(max_window_size=WINDOW).stream_reader(raw, read_across_frames=False)
            manifest = _read_manifest(stream)
            _check_room(manifest, building)
            for name, limit in ((SECRETS, vault.MAX_FILE), (DATABASE, manifest.files[DATABASE].size)):
                _unpack_one(stream, name, manifest.files[name], limit, building / name)
            if _exactly(stream, 2 * BLOCK) != bytes(2 * BLOCK) or stream.read(1):
                raise _refused("something follows its end")
    except zstandard.ZstdError as problem:
        raise _refused(str(problem)) from problem
    except FileNotFoundError:
        raise StoreError(f"There is no file {file}.", code="file", hint="Check the name and the folder.") from None
    return manifest


def _read_manifest(stream: _Reader) -> BackupManifest:
    size = _read_header(stream, MANIFEST)
    if size > MAX_MANIFEST:
        raise LimitError("The manifest of this backup is too large.")
    data = _exactly(stream, size)
    _exactly(stream, len(_padding(size)))
    try:
        manifest = msgspec.json.decode(data, type=BackupManifest)
    except (msgspec.MsgspecError, ValueError) as problem:
        raise _refused(f"its manifest cannot be read: {problem}") from problem
    if manifest.version != 1 or manifest.files.keys() != {SECRETS, DATABASE}:
        raise _refused("its manifest is not one that this program writes")
    return manifest


def _check_room(manifest: BackupManifest, building: Path) -> None:
    """Refuse what would fill the disk before a byte of it is written."""
    sizes = [part.size for part in manifest.files.values()]
    if min(sizes) < 0 or sum(sizes) > shutil.disk_usage(building).free - RESERVE:
        raise LimitError(
            f"This backup says that it holds {sum(sizes) >> 20} MiB; there is no space for that.",
            hint="Free some space, or name a --home on another disk.",
        )


def _read_header(stream: _Reader, name: str) -> int:
    """Return the size of the next file, which must be the one named: nothing else may stand in a backup."""
    try:
        info = tarfile.TarInfo.frombuf(_exactly(stream, BLOCK), "ascii", "strict")
    except (tarfile.HeaderError, ValueError) as problem:
        raise _refused(f"it is not a backup ({problem})") from problem
    if info.name != name or info.type != tarfile.REGTYPE or info.size < 0:
        raise _refused(f"{name} should follow, not {info.name[:80]!r}")
    return info.size


def _unpack_one(stream: _Reader, name: str, part: BackupPart, limit: int, target: Path) -> None:
    size = _read_header(stream, name)
    if size != part.size or size > limit:
        raise _refused(f"{name} has another size than the manifest says")
    hashed, left = sha256(), size
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        while left:
            chunk = _exactly(stream, min(left, CHUNK))
            hashed.update(chunk)
            out.write(chunk)
            left -= len(chunk)
    _exactly(stream, len(_padding(size)))
    if hashed.hexdigest() != part.sha256:
        raise _refused(f"{name} differs from the backed-up file")


def _exactly(stream: _Reader, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = stream.read(size - len(data))
        if not more:
            raise _refused("it ends too early")
        data += more
    return data


def _refused(reason: str) -> VerificationError:
    return VerificationError(
        f"This is not a sound backup: {reason}.", code="backup", hint="Take another one; nothing was restored."
    )


def _verify(manifest: BackupManifest, files: Home, home: Path) -> Restored:
    """Recompute everything in the home that is being built; VerificationError for whatever does not hold."""
    try:
        snapshots.check(files.database)
        return _recompute(manifest, files, home)
    except EntenteError:
        raise
    except Exception as problem:  # a prepared database may break whatever reads it; it is refused
        raise _refused(f"it cannot be read ({type(problem).__name__})") from problem


def _recompute(manifest: BackupManifest, files: Home, home: Path) -> Restored:
    held = vault.load(files)
    name, entries = _check_keys(files.database, held)
    if (b32(held.member), name, entries) != (manifest.member, manifest.name, manifest.entries):
        raise _refused("its manifest speaks of another home")
    with _opened(files.database, held) as base:
        report = Ledger(base).verify()
    problems = [f"{log.origin}: {problem}" for log in report.logs for problem in log.problems]
    if problems:
        raise _refused(f"{problems[0]}" + (f" (and {len(problems) - 1} more)" if problems[1:] else ""))
    snapshots.forget_copies(files.database)
    return Restored(str(home), manifest.member, name, entries, manifest.time)


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


@contextmanager
def _alone(files: Home) -> Generator[IO[bytes]]:
    """Hold the lock of the home; ConflictError while `up` has it."""
    with files.lock_file.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as problem:
            raise ConflictError("`entente up` serves this home.", hint="Stop it first.") from problem
        yield file
