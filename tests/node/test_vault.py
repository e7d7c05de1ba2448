"""Sealed keys open with the right passphrase or key file only; without it a node reads, and what it appends waits."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entente.core.errors import InvalidError, StoreError, VerificationError, WaitingError
from entente.core.ids import b32, unb32
from entente.node import Node
from entente.node.home import vault
from entente.node.home.files import Home, make_secrets
from entente.node.home.guard import DOUBT, STATE
from entente.node.home.vault import Unlock
from network import Network
from stories.homes import agree, houses, pair
from stories.story import bundle, indicator
from timing import until

if TYPE_CHECKING:
    from pathlib import Path

PASSPHRASE = "six words of a long list"
RIGHT = Unlock(passphrase=PASSPHRASE)


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a home whose keys are sealed by a passphrase."""
    home = tmp_path_factory.mktemp("sealed") / "home"
    Node.init(home, name="Anna", url="https://localhost:9443", lock=vault.by_passphrase(PASSPHRASE, os.urandom))
    return home


def test_right_passphrase_opens_the_keys(sealed: Path) -> None:
    held = vault.load(Home(sealed), RIGHT)
    assert held.secrets is not None
    assert held.secrets.owner == held.member
    assert held.secrets.pin == held.pin
    assert held.kind == vault.PASSPHRASE
    with Node.open(sealed, RIGHT) as node:
        assert not node.locked
        assert node.tls_files is not None


def test_spelling_of_a_passphrase_does_not_depend_on_the_keyboard() -> None:
    lock = vault.by_passphrase("cafe\u0301 au lait", os.urandom)
    secrets = make_secrets([os.urandom(32) for _ in range(6)], "Anna", "http://localhost:1", 0)
    data = vault.encode(secrets, lock, os.urandom)
    assert vault.parse(data, Unlock(passphrase="caf\u00e9 au lait"), "it").secrets == secrets


@pytest.mark.parametrize("wrong", ["six words of a long lisT", PASSPHRASE + " ", "x"])
def test_wrong_passphrase_is_refused_and_changes_nothing(sealed: Path, wrong: str) -> None:
    before = {path.name: path.read_bytes() for path in sealed.iterdir()}
    with pytest.raises(VerificationError) as caught:
        Node.open(sealed, Unlock(passphrase=wrong))
    assert caught.value.code == "locked"
    assert wrong not in caught.value.message + caught.value.hint
    assert {path.name: path.read_bytes() for path in sealed.iterdir()} == before


def test_no_file_of_a_sealed_home_holds_a_secret(sealed: Path) -> None:
    secrets = vault.load(Home(sealed), RIGHT).secrets
    assert secrets is not None
    private = secrets.tls_key.splitlines()[1].encode()
    for use in ("log", "witness", "store", "transport", "seal"):
        seed = secrets.seed(use)
        for path in sealed.iterdir():
            data = path.read_bytes()
            assert seed not in data, path
            assert seed.hex().encode() not in data, path
            assert private not in data, path


def test_what_is_public_is_readable_without_the_key(sealed: Path) -> None:
    held = vault.load(Home(sealed))
    assert held.secrets is held.lock is None
    with Node.open(sealed) as node:
        assert node.locked
        assert node.member == b32(held.member)
        with node.base.store.read() as tx:
            current = node.base.history(tx, node.base.me).current
        assert {use: unb32(text, 32) for use, text in held.public.items()} == {
            use: getattr(current, use) for use in vault.USES
        }
        assert node.doctor().ok


def test_locked_node_says_how_to_unlock_it(sealed: Path) -> None:
    with Node.open(sealed) as node:
        for work in (node.exchange.sync, node.door.transport_seed, lambda: node.tls_files, lambda: node.protect(None)):
            with pytest.raises(WaitingError) as caught:
                work()
            assert caught.value.code == "locked"
            assert "ENTENTE_PASSPHRASE" in caught.value.hint


def _flip(data: bytes, path: str) -> bytes:
    document = json.loads(data)
    if path == "box":
        document["box"] = document["box"][:-4] + ("AAAA" if document["box"][-4:] != "AAAA" else "BBBB")
    elif path == "member":
        document["member"] = b32(bytes(32))
    elif path == "public":
        document["public"]["log"] = b32(bytes(32))
    elif path == "tls_cert":
        document["tls_cert"] = ""
    elif path == "ops":
        document["ops"] -= 1
    elif path == "mem":
        document["mem"] //= 2
    else:
        document[path] = "00" * (len(document[path]) // 2)
    return json.dumps(document).encode()


@pytest.mark.parametrize("field", ["box", "member", "public", "tls_cert", "ops", "mem", "salt", "nonce"])
def test_no_field_of_a_sealed_file_can_be_changed(sealed: Path, field: str) -> None:
    data = Home(sealed).secrets_file.read_bytes()
    assert vault.parse(data, RIGHT, "it").secrets is not None
    with pytest.raises(VerificationError):
        vault.parse(_flip(data, field), RIGHT, "it")


@pytest.mark.parametrize("change", [{"mem": 1 << 40}, {"ops": 1 << 30}, {"ops": -1}, {"mem": 0}, {"salt": "zz"}])
def test_sealed_file_cannot_ask_for_endless_work(sealed: Path, change: dict[str, object]) -> None:
    document = json.loads(Home(sealed).secrets_file.read_bytes()) | change
    with pytest.raises(StoreError, match="work"):
        vault.parse(json.dumps(document).encode(), RIGHT, "it")


@pytest.mark.parametrize(
    "change", [{"entente-sealed": 2}, {"kind": "magic"}, {"more": 1}, {"member": "me"}, {"box": 1}]
)
def test_file_of_another_make_is_told(sealed: Path, change: dict[str, object]) -> None:
    document = json.loads(Home(sealed).secrets_file.read_bytes()) | change
    with pytest.raises(StoreError):
        vault.parse(json.dumps(document).encode(), RIGHT, "it")


@given(st.binary(max_size=200))
@settings(max_examples=200)
def test_any_bytes_are_keys_or_told(data: bytes) -> None:
    for given_ in (data, b'{"entente-sealed":1,' + data, b'{"log":"' + data):
        with pytest.raises(StoreError):
            vault.parse(given_, Unlock(), "it")


def test_key_file_is_made_for_this_user_and_opens_the_keys(tmp_path: Path) -> None:
    home, key = tmp_path / "home", tmp_path / "key"
    Node.init(home, name="Anna", url="http://localhost:9443", lock=vault.by_key_file(key, home, os.urandom))
    assert len(key.read_bytes()) == 32
    assert key.stat().st_mode & 0o777 == 0o600
    for unlock in (Unlock(key_file=key), Unlock(credential=key)):
        with Node.open(home, unlock) as node:
            assert not node.locked
    with Node.open(home, RIGHT) as node:
        assert node.locked
    other = tmp_path / "other"
    other.write_bytes(bytes(32))
    with pytest.raises(VerificationError):
        Node.open(home, Unlock(key_file=other))
    other.write_bytes(bytes(31))
    with pytest.raises(InvalidError, match="32"):
        Node.open(home, Unlock(key_file=other))
    with pytest.raises(StoreError):
        Node.open(home, Unlock(key_file=tmp_path / "none"))


def test_key_file_in_the_home_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidError, match="outside"):
        vault.by_key_file(tmp_path / "home" / "deep" / "key", tmp_path / "home", os.urandom)


def test_environment_offers_passphrase_key_file_and_credential(sealed: Path, tmp_path: Path) -> None:
    assert vault.from_environment({}) == Unlock()
    assert vault.from_environment({"CREDENTIALS_DIRECTORY": str(tmp_path)}) == Unlock()
    (tmp_path / "entente-key").write_text(PASSPHRASE + "\n")
    unlock = vault.from_environment({"CREDENTIALS_DIRECTORY": str(tmp_path), "ENTENTE_KEY_FILE": "key"})
    assert unlock.credential == tmp_path / "entente-key"
    assert str(unlock.key_file) == "key"
    with Node.open(sealed, unlock) as node:
        assert not node.locked


def test_text_of_a_lock_shows_no_secret() -> None:
    lock = vault.by_passphrase(PASSPHRASE, os.urandom)
    assert PASSPHRASE not in repr(RIGHT)
    assert lock.key.hex() not in repr(lock)
    assert repr(lock.key) not in repr(lock)


def test_short_passphrase_is_refused() -> None:
    with pytest.raises(InvalidError):
        vault.by_passphrase("short", os.urandom)


def _plain_bytes(path: Path) -> bytes:
    data = path.read_bytes()
    assert b'"entente-sealed"' not in data
    return data


def test_protection_changes_and_the_plain_bytes_are_overwritten(tmp_path: Path) -> None:
    home = tmp_path / "home"
    Node.init(home, name="Anna", url="https://localhost:9443")
    files = Home(home)
    plain = msgspec.json.decode(_plain_bytes(files.secrets_file))
    with files.secrets_file.open("rb") as before:
        with Node.open(home) as node:
            node.protect(vault.by_passphrase(PASSPHRASE, os.urandom))
        assert set(before.read()) == {0}
    assert plain["log"].encode() not in files.secrets_file.read_bytes()
    with Node.open(home) as node:
        assert node.locked
        assert node.protection == vault.PASSPHRASE
    with Node.open(home, RIGHT) as node:
        node.protect(vault.by_key_file(tmp_path / "key", home, os.urandom))
    with Node.open(home, Unlock(key_file=tmp_path / "key")) as node:
        node.protect(None)
    assert msgspec.json.decode(_plain_bytes(files.secrets_file)) == plain
    assert files.secrets_file.stat().st_mode & 0o777 == 0o600
    assert not [path for path in home.iterdir() if path.name.startswith(".")]


def test_other_keys_are_kept_sealed_as_the_ones_before(tmp_path: Path) -> None:
    home = tmp_path / "home"
    Node.init(home, name="Anna", url="http://localhost:9443", lock=vault.by_passphrase(PASSPHRASE, os.urandom))
    with Node.open(home, RIGHT) as node:
        other = msgspec.structs.replace(node.base.keys.secrets, transport="11" * 32)
        node.base.keys.keep(other)
        assert node.base.keys.secrets == other
    assert vault.load(Home(home)).secrets is None
    assert vault.load(Home(home), RIGHT).secrets == other


def _share(node: Node, number: int) -> None:
    done = node.items.import_files([("file", bundle(indicator(number)))], tlp="TLP:GREEN", circle="Agreement")
    assert done.shared == 1


def _unsigned(node: Node) -> int:
    with node.base.store.read() as tx:
        return sum(row.size - row.signed for row in node.base.guard.unsigned(tx))


def test_what_a_locked_command_shares_is_signed_by_the_node_that_runs(tmp_path: Path) -> None:
    with houses(tmp_path, "Anna", "Bora") as (anna, bora):
        pair(anna.node, bora.node)
        agree(anna.node, bora.node)
        anna.node.protect(vault.by_passphrase(PASSPHRASE, os.urandom))
        with Node.open(anna.home) as command:
            assert command.locked
            _share(command, 1)
            assert _unsigned(command) == 1
            health = {check.name: check for check in command.doctor().checks}
            assert not health["unsigned"].ok
            assert "entente up" in health["unsigned"].fix
            assert command.ledger.verify().ok
        anna.run()
        bora.run()
        until(lambda: len(bora.node.items.list().items) == 1)
        with Node.open(anna.home) as command:
            _share(command, 2)
            until(lambda: len(bora.node.items.list().items) == 2)
            assert _unsigned(command) == 0
        assert anna.node.doctor().ok
        for each in (anna.node, bora.node):
            assert each.ledger.verify().ok


def test_opening_the_keys_signs_what_was_kept(tmp_path: Path) -> None:
    with houses(tmp_path, "Anna", "Bora") as (anna, bora):
        pair(anna.node, bora.node)
        agree(anna.node, bora.node)
        anna.node.protect(vault.by_passphrase(PASSPHRASE, os.urandom))
        with Node.open(anna.home) as command:
            _share(command, 1)
        with Node.open(anna.home, RIGHT) as command:
            assert _unsigned(command) == 0
            assert not command.exchange.sync()[0].error
        assert len(bora.node.items.list().items) == 1


def test_nothing_is_signed_that_does_not_hold_together() -> None:
    network = Network(1)
    anna, bora = network.add("Anna"), network.add("Bora")
    network.agree(anna, bora)
    base = anna.base
    with base.store.write() as tx:
        base.guard.doubt(tx, "A copy.")
    _share(anna, 1)
    with base.store.write() as tx:
        STATE.drop(tx, DOUBT)
        (row,) = base.guard.unsigned(tx)
        tx.logs.save(msgspec.structs.replace(row, peaks=bytes(len(row.peaks))))
    assert base.guard.sign_kept() == 0
    with base.store.write() as tx:
        tx.logs.save(row)
    assert base.guard.sign_kept() == 1
    assert _unsigned(anna) == 0
