"""A backup is one file, made while others write; it comes back whole, or it is refused and leaves nothing."""

from __future__ import annotations

import io
import json
import os
import sqlite3
import tarfile
import threading
from contextlib import closing
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
import zstandard

from entente.core.errors import (
    ConflictError,
    EntenteError,
    InvalidError,
    LimitError,
    StoreError,
    VerificationError,
)
from entente.node import Node, backups
from entente.node.home import vault
from entente.node.home.files import Home
from stories.story import bundle, indicator

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PASSPHRASE = "six words of a long list"


def found(path: Path, name: str = "Anna", *, lock: vault.Lock | None = None) -> Path:
    Node.init(path, name=name, url="https://localhost:9443", lock=lock)
    with Node.open(path, vault.Unlock(passphrase=PASSPHRASE)) as node:
        node.items.import_files([("file", bundle(*map(indicator, range(50))))], tlp="TLP:GREEN")
    return path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Give a home and a backup of it."""
    folder = tmp_path_factory.mktemp("backup")
    home = found(folder / "home")
    with Node.open(home) as node:
        node.backup(folder / "file")
    return home, folder / "file"


def held(home: Path) -> list[str]:
    with Node.open(home) as node:
        return [item.id for item in node.items.list(limit=1000).items]


def parts(file: Path) -> dict[str, bytes]:
    """Return what is in a backup, read by other means."""
    data = zstandard.ZstdDecompressor().decompressobj().decompress(file.read_bytes())
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        members = archive.getmembers()
        assert all(each.isreg() for each in members)
        return {each.name: (archive.extractfile(each) or io.BytesIO()).read() for each in members}


def packed(*members: tuple[tarfile.TarInfo, bytes], end: bytes = bytes(1024)) -> bytes:
    """Return a compressed archive of exactly these members."""
    data = b"".join(info.tobuf(tarfile.GNU_FORMAT) + body + bytes(-len(body) % 512) for info, body in members)
    return zstandard.ZstdCompressor().compress(data + end)


def member(name: str, body: bytes, type_: bytes = tarfile.REGTYPE, link: str = "") -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = len(body), type_, link
    return info, body


def remade(file: Path, change: Callable[[dict[str, bytes]], None], **more: object) -> bytes:
    """Return a backup with changed parts and a manifest that fits them."""
    held_ = parts(file)
    manifest = json.loads(held_.pop(backups.MANIFEST))
    change(held_)
    manifest["files"] = {name: {"size": len(body), "sha256": sha256(body).hexdigest()} for name, body in held_.items()}
    manifest |= more
    return packed(
        *(member(name, body) for name, body in [(backups.MANIFEST, json.dumps(manifest).encode()), *held_.items()])
    )


def refused(tmp_path: Path, data: bytes, *kinds: type[EntenteError]) -> EntenteError:
    """Restore these bytes; they must be refused, and nothing may be left."""
    file = tmp_path / "given"
    file.write_bytes(data)
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(kinds or VerificationError) as caught:
        backups.restore(file, tmp_path / "restored")
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert isinstance(caught.value, EntenteError)
    return caught.value


def test_backup_holds_manifest_keys_and_database_and_nothing_else(place: tuple[Path, Path]) -> None:
    home, file = place
    found_ = parts(file)
    assert list(found_) == [backups.MANIFEST, backups.SECRETS, backups.DATABASE]
    assert found_[backups.SECRETS] == Home(home).secrets_file.read_bytes()
    manifest = json.loads(found_[backups.MANIFEST])
    assert manifest["name"] == "Anna"
    recovery = json.loads(home.with_name("home.recovery").read_bytes())
    for body in found_.values():
        assert bytes.fromhex(recovery["next"]) not in body
        assert recovery["next"].encode() not in body
    assert file.stat().st_mode & 0o777 == 0o600
    assert Home(home).marker() is not None


def test_restored_home_holds_the_same_and_can_work(place: tuple[Path, Path], tmp_path: Path) -> None:
    home, file = place
    done = backups.restore(file, tmp_path / "deep" / "restored")
    assert done.name == "Anna"
    restored = tmp_path / "deep" / "restored"
    assert not (restored / "guard.json").exists()
    assert held(restored) == held(home)
    with Node.open(restored) as node, Node.open(home) as old:
        assert (node.member, node.tls_files) == (old.member, old.tls_files)
        assert node.ledger.verify().ok
    for path in (restored, *restored.iterdir()):
        assert not path.stat().st_mode & 0o077, path


def test_backup_says_what_it_holds_and_when_is_remembered(tmp_path: Path) -> None:
    home = found(tmp_path / "home")
    with Node.open(home) as node:
        before = {check.name: check for check in node.doctor().checks}["backup"]
        done = node.backup(tmp_path / "file")
        after = {check.name: check for check in node.doctor().checks}["backup"]
        with node.base.store.read() as tx:
            assert done.entries == sum(row.size for row in tx.logs.all())
    assert (done.bytes, done.keys) == ((tmp_path / "file").stat().st_size, vault.NONE)
    assert before.fix
    assert after.ok
    assert not after.fix


def test_no_file_is_replaced_and_none_is_written_into_the_home(tmp_path: Path) -> None:
    home = found(tmp_path / "home")
    (tmp_path / "taken").write_bytes(b"mine")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    with Node.open(home) as node:
        for name in ("taken", "dangling"):
            with pytest.raises(ConflictError):
                node.backup(tmp_path / name)
        with pytest.raises(InvalidError):
            node.backup(home / "file")
        with pytest.raises(InvalidError):
            node.backup(tmp_path / "none" / "file")
    assert (tmp_path / "taken").read_bytes() == b"mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dangling", "home", "home.recovery", "taken"]


def test_backup_of_sealed_keys_keeps_them_sealed_and_needs_no_passphrase(tmp_path: Path) -> None:
    home = found(tmp_path / "home", lock=vault.by_passphrase(PASSPHRASE, os.urandom))
    with Node.open(home) as node:
        assert node.locked
        assert node.backup(tmp_path / "file").keys == vault.PASSPHRASE
    secrets = vault.load(Home(home), vault.Unlock(passphrase=PASSPHRASE)).secrets
    assert secrets is not None
    for body in parts(tmp_path / "file").values():
        assert secrets.seed("log") not in body
        assert secrets.log.encode() not in body
    backups.restore(tmp_path / "file", tmp_path / "restored")
    with Node.open(tmp_path / "restored", vault.Unlock(passphrase=PASSPHRASE)) as node:
        assert not node.locked


def test_backup_is_consistent_while_another_thread_writes(tmp_path: Path) -> None:
    home = found(tmp_path / "home")
    stop, failed = threading.Event(), list[BaseException]()

    def write() -> None:
        number = 1000
        try:
            with Node.open(home) as node:
                while not stop.is_set():
                    number += 10
                    things = map(indicator, range(number, number + 10))
                    node.items.import_files([("file", bundle(*things))], tlp="TLP:GREEN")
        except BaseException as problem:
            failed.append(problem)
            raise

    thread = threading.Thread(target=write)
    thread.start()
    try:
        with Node.open(home) as node:
            for at in range(3):
                node.backup(tmp_path / f"file{at}")
    finally:
        stop.set()
        thread.join()
    assert not failed
    for at in range(3):
        backups.restore(tmp_path / f"file{at}", tmp_path / f"restored{at}")
        found_ = held(tmp_path / f"restored{at}")
        assert len(found_) >= 50
        assert len(found_) % 10 == 0  # an import is there as a whole or not at all


def test_home_that_is_there_is_never_replaced(place: tuple[Path, Path], tmp_path: Path) -> None:
    _, file = place
    (tmp_path / "restored").mkdir()
    (tmp_path / "restored" / "something").write_bytes(b"mine")
    with pytest.raises(ConflictError):
        backups.restore(file, tmp_path / "restored")
    assert (tmp_path / "restored" / "something").read_bytes() == b"mine"
    with pytest.raises(ConflictError):
        backups.restore(file, file)
    (tmp_path / "empty").mkdir()
    assert backups.restore(file, tmp_path / "empty").name == "Anna"


@pytest.mark.parametrize("part", [0.0, 0.001, 0.3, 0.9, 0.999])
def test_backup_that_was_cut_off_is_refused(place: tuple[Path, Path], tmp_path: Path, part: float) -> None:
    data = place[1].read_bytes()
    refused(tmp_path, data[: int(len(data) * part)])


@pytest.mark.parametrize("at", range(0, 100, 7))
def test_backup_with_a_flipped_bit_is_refused(place: tuple[Path, Path], tmp_path: Path, at: int) -> None:
    data = bytearray(place[1].read_bytes())
    data[len(data) * at // 100] ^= 0x10
    (tmp_path / "given").write_bytes(data)
    try:
        same = parts(tmp_path / "given") == parts(place[1])  # a few bits of the compression mean nothing
    except (zstandard.ZstdError, tarfile.TarError):
        same = False
    if not same:
        refused(tmp_path, bytes(data), VerificationError, LimitError)


def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    for name in ("none", "."):
        with pytest.raises(StoreError):
            backups.restore(tmp_path / name, tmp_path / "restored")
    assert not list(tmp_path.iterdir())


LINKS = {"symlink": tarfile.SYMTYPE, "hard link": tarfile.LNKTYPE, "device": tarfile.CHRTYPE, "folder": tarfile.DIRTYPE}


@pytest.mark.parametrize("kind", LINKS)
@pytest.mark.parametrize("at", [0, 1, 2])
def test_nothing_but_plain_files_is_unpacked(place: tuple[Path, Path], tmp_path: Path, kind: str, at: int) -> None:
    members = [member(name, body) for name, body in parts(place[1]).items()]
    members[at] = member(members[at][0].name, b"", LINKS[kind], "/etc/passwd")
    refused(tmp_path, packed(*members))


@pytest.mark.parametrize("name", ["../entente.db", "/entente.db", "guard.json", "up.lock", "x" * 99, "\u00e9"])
@pytest.mark.parametrize("at", [0, 1, 2])
def test_no_other_name_is_unpacked(place: tuple[Path, Path], tmp_path: Path, name: str, at: int) -> None:
    members = [member(each, body) for each, body in parts(place[1]).items()]
    members[at] = member(name, members[at][1])
    refused(tmp_path, packed(*members))


def test_nothing_may_follow_the_end(place: tuple[Path, Path], tmp_path: Path) -> None:
    members = [member(name, body) for name, body in parts(place[1]).items()]
    refused(tmp_path, packed(*members, member("guard.json", b"{}")))
    refused(tmp_path, packed(*members, end=bytes(1023) + b"x"))
    refused(tmp_path, packed(*members, end=bytes(1025)))
    refused(tmp_path, packed(*members, end=b""))


def test_backup_that_claims_to_be_huge_is_refused_before_it_is_written(
    place: tuple[Path, Path], tmp_path: Path
) -> None:
    held_ = parts(place[1])
    manifest = json.loads(held_[backups.MANIFEST])
    manifest["files"][backups.DATABASE]["size"] = 1 << 50
    info = tarfile.TarInfo(backups.DATABASE)
    info.size = 1 << 50
    members = [
        member(backups.MANIFEST, json.dumps(manifest).encode()),
        member(backups.SECRETS, held_[backups.SECRETS]),
        (info, bytes(1 << 16)),
    ]
    assert "space" in refused(tmp_path, packed(*members), LimitError).message
    huge = tarfile.TarInfo(backups.MANIFEST)
    huge.size = 1 << 40
    refused(tmp_path, packed((huge, b"{}")), LimitError)


def test_bomb_ends_at_the_size_that_it_names(place: tuple[Path, Path], tmp_path: Path) -> None:
    held_ = parts(place[1])
    members = [member(name, body) for name, body in held_.items()]
    members[2] = (members[2][0], members[2][1] + bytes(64 << 20))
    refused(tmp_path, packed(*members))
    long = [*members[:2], member(backups.DATABASE, held_[backups.DATABASE] + bytes(4096))]
    refused(tmp_path, packed(*long))


def _sql(*statements: str) -> Callable[[dict[str, bytes]], None]:
    """Return a change of the database in a backup."""

    def change(held_: dict[str, bytes]) -> None:
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
            db.deserialize(_without_wal(held_[backups.DATABASE]))
            for statement in statements:
                db.execute(statement)
            held_[backups.DATABASE] = db.serialize()

    return change


def _without_wal(data: bytes) -> bytes:
    """Return a database that can be opened in memory."""
    return data[:18] + b"\1\1" + data[20:]


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER t AFTER INSERT ON record BEGIN DELETE FROM payload; END",
        "CREATE VIEW v AS SELECT * FROM record",
        "CREATE TABLE more (a)",
        "DROP INDEX item_tail",
        "PRAGMA user_version = 99",
        "PRAGMA user_version = 0",
        "PRAGMA application_id = 1",
        "DROP TABLE word",
        "DELETE FROM log",
        "DELETE FROM payload",
        "UPDATE log SET note = x'00'",
        "UPDATE log SET size = size + 1",
        "UPDATE leaf SET data = zeroblob(length(data))",
        "UPDATE tile SET hashes = zeroblob(length(hashes))",
        "UPDATE log SET member = zeroblob(32)",
    ],
)
def test_database_that_does_not_hold_is_refused(place: tuple[Path, Path], tmp_path: Path, statement: str) -> None:
    refused(tmp_path, remade(place[1], _sql(statement)), VerificationError)


def test_backup_that_is_only_packed_again_is_taken(place: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "given").write_bytes(remade(place[1], _sql("DELETE FROM record WHERE space = 'nothing'")))
    assert backups.restore(tmp_path / "given", tmp_path / "restored").name == "Anna"


def test_keys_of_another_member_are_refused(place: tuple[Path, Path], tmp_path: Path) -> None:
    other = found(tmp_path / "other", "Bora")
    keys = Home(other).secrets_file.read_bytes()

    def change(held_: dict[str, bytes]) -> None:
        held_[backups.SECRETS] = keys

    refused(tmp_path, remade(place[1], change))


@pytest.mark.parametrize(
    "more", [{"member": "a" * 52}, {"name": "Bora"}, {"entries": 0}, {"entente-backup": 2}, {"x": 1}]
)
def test_manifest_that_speaks_of_another_home_is_refused(
    place: tuple[Path, Path], tmp_path: Path, more: dict[str, object]
) -> None:
    refused(tmp_path, remade(place[1], lambda _: None, **more))
