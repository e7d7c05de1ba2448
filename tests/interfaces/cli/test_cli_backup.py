"""Sealed keys, backup, restore and the doctor at the command line: exit codes, fields, and no secret on any stream."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from commands import ENTENTE
from interfaces.cli.members import Cli, make
from timing import CEILING

if TYPE_CHECKING:
    from pathlib import Path

PASSPHRASE = "six words of a long list"
GIVEN = {"ENTENTE_PASSPHRASE": PASSPHRASE}


@pytest.fixture
def sealed(unfounded: Cli) -> Cli:
    """Give a member whose keys are sealed by a passphrase."""
    done = unfounded.raw("--json", "init", "--name", "Harbour", "--url", unfounded.url, "--passphrase", env=GIVEN)
    assert done.code == 0, done
    return unfounded


def error(done: object, code: int) -> dict[str, str]:
    assert getattr(done, "code", None) == code, done
    found = json.loads(getattr(done, "out", b""))["error"]
    assert set(found) == {"code", "message", "hint"}
    assert PASSPHRASE not in json.dumps(found)
    return dict(found)


def checks(cli: Cli, code: int = 0) -> dict[str, dict[str, object]]:
    return {check["name"]: check for check in cli("doctor", code=code)["checks"]}


def test_sealed_home_reads_without_the_passphrase_and_calls_with_it(sealed: Cli) -> None:
    assert sealed("item", "list")["items"] == []
    assert "encrypted with a passphrase" in str(checks(sealed)["sealed"]["text"])
    found = error(sealed.raw("--json", "sync"), 4)
    assert found["code"] == "locked"
    assert "ENTENTE_PASSPHRASE" in found["hint"]
    assert sealed.raw("--json", "sync", env=GIVEN).code == 0


def test_wrong_passphrase_is_exit_5(sealed: Cli) -> None:
    before = {path.name: path.read_bytes() for path in sealed.home.iterdir()}
    for command in (("sync",), ("item", "list"), ("up",)):
        found = error(sealed.raw("--json", *command, env={"ENTENTE_PASSPHRASE": "another one of mine"}), 5)
        assert found["code"] == "locked"
        assert "another one of mine" not in json.dumps(found)
    assert {path.name: path.read_bytes() for path in sealed.home.iterdir()} == before


def test_up_needs_the_key_when_it_starts(sealed: Cli) -> None:
    assert error(sealed.raw("--json", "up"), 4)["code"] == "locked"
    process = subprocess.Popen(
        [*ENTENTE, "--home", str(sealed.home), "up"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **GIVEN},
    )
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith("ready http")
        process.terminate()
        assert process.wait(CEILING) == 0
        assert PASSPHRASE not in process.stderr.read()


def test_up_asks_for_the_passphrase_on_a_terminal_and_does_not_show_it(sealed: Cli) -> None:
    ours, theirs = pty.openpty()
    command = [*ENTENTE, "--home", str(sealed.home), "up"]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True) as process:
        os.close(theirs)
        try:
            said = _until(ours, b"Passphrase: ")
            os.write(ours, PASSPHRASE.encode() + b"\n")
            said += _until(ours, b"ready http")
            process.terminate()
            assert process.wait(CEILING) == 0
        finally:
            process.kill()
    os.close(ours)
    assert PASSPHRASE.encode() not in said


def _until(descriptor: int, words: bytes) -> bytes:
    said, end = b"", time.monotonic() + CEILING
    while words not in said:
        assert time.monotonic() < end, said
        if select.select([descriptor], [], [], 0.1)[0]:
            said += os.read(descriptor, 4096)
    return said


def test_key_file_is_made_and_named_by_the_environment(unfounded: Cli, tmp_path: Path) -> None:
    key = tmp_path / "key"
    unfounded("init", "--name", "Harbour", "--url", unfounded.url, "--key-file", str(key))
    assert key.stat().st_size == 32
    assert error(unfounded.raw("--json", "sync"), 4)["code"] == "locked"
    assert unfounded.raw("--json", "sync", env={"ENTENTE_KEY_FILE": str(key)}).code == 0
    folder = tmp_path / "credentials"
    folder.mkdir()
    key.rename(folder / "entente-key")
    assert unfounded.raw("--json", "sync", env={"CREDENTIALS_DIRECTORY": str(folder)}).code == 0
    assert error(unfounded.raw("--json", "item", "list", env={"ENTENTE_KEY_FILE": str(key)}), 1)


@pytest.mark.parametrize(
    ("options", "env", "code"),
    [
        (("--passphrase", "--key-file", "key"), GIVEN, 2),
        (("--passphrase",), {"ENTENTE_PASSPHRASE": ""}, 1),
        (("--passphrase",), {"ENTENTE_PASSPHRASE": "short"}, 1),
    ],
)
def test_poor_protection_founds_nobody(
    unfounded: Cli, options: tuple[str, ...], env: dict[str, str], code: int
) -> None:
    done = unfounded.raw("--json", "init", "--name", "Harbour", "--url", unfounded.url, *options, env=env)
    error(done, code)
    assert not unfounded.home.exists()


def test_key_protect_changes_how_the_keys_are_kept(member: Cli, tmp_path: Path) -> None:
    assert "not encrypted" in str(checks(member)["sealed"]["text"])
    assert member.raw("--json", "key", "protect", "--passphrase", env=GIVEN).code == 0
    error(member.raw("--json", "key", "protect", "--none"), 4)
    key = {"ENTENTE_KEY_FILE": str(tmp_path / "key")}
    done = member.raw("--json", "key", "protect", "--key-file", str(tmp_path / "key"), env=GIVEN)
    assert json.loads(done.out) == {"keys": "key-file"}
    new = {**key, "ENTENTE_NEW_PASSPHRASE": "another six words of mine"}
    assert member.raw("--json", "key", "protect", "--passphrase", env=new).code == 0
    error(member.raw("--json", "sync", env=GIVEN), 5)
    opened = {"ENTENTE_PASSPHRASE": "another six words of mine"}
    assert member.raw("--json", "sync", env=opened).code == 0
    assert member.raw("--json", "key", "protect", "--none", env=opened).code == 0
    assert "not encrypted" in str(checks(member)["sealed"]["text"])
    error(member.raw("--json", "key", "protect"), 2)


def test_backup_and_restore(member: Cli, tmp_path: Path) -> None:
    file = tmp_path / "file"
    done = member.raw("--json", "backup", "--out", str(file))
    document = json.loads(done.out)
    assert document["file"] == str(file)
    assert document["bytes"] == file.stat().st_size
    assert document["entries"] >= 1
    assert "not encrypted" in done.err
    assert error(member.raw("--json", "backup", "--out", str(file)), 1)["code"] == "conflict"
    assert error(member.raw("--json", "restore", str(file)), 1)["code"] == "conflict"
    back = make(tmp_path, "Back")
    found = back("restore", str(file))
    assert (found["member"], found["name"]) == (member.member, "Harbour")
    assert back("ledger", "verify")["ok"]
    broken = make(tmp_path, "Broken")
    file.write_bytes(file.read_bytes()[:-100])
    assert error(broken.raw("--json", "restore", str(file)), 5)["code"] == "backup"
    assert not broken.home.exists()
    error(broken.raw("--json", "restore", str(tmp_path / "none")), 1)
    error(broken.raw("--json", "restore"), 2)
    assert error(member.raw("--json", "restore", "--previous"), 1)["code"] == "not-found"


def test_backup_of_sealed_keys_is_made_without_the_passphrase(sealed: Cli, tmp_path: Path) -> None:
    done = sealed.raw("--json", "backup", "--out", str(tmp_path / "file"))
    assert done.code == 0
    assert "not encrypted" not in done.err
    assert checks(sealed)["backup"]["fix"] == ""


def test_every_failing_check_says_what_to_do(member: Cli) -> None:
    member.home.joinpath("secrets.json").chmod(0o644)
    found = checks(member, code=1)
    assert not found["rights"]["ok"]
    assert all(check["fix"] for check in found.values() if not check["ok"])
