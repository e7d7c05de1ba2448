"""A feature is a kind: adding one touches its own files, and one place in each list that it has to stand in.

The files in `toy/` are a kind (`watch/1`: has anybody seen this item?), what a node does with it and its commands.
They are put into a copy of the program, and two members use them there. Beside them a new feature needs its name on
the pages (`test_docs.py`) and, as a new part of joint work, in the contract `work` of pyproject.toml.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).resolve().parent
SOURCE = TESTS.parent / "src" / "entente"
NEW = {
    "kinds/watch.py": "kind.py",
    "node/work/watch.py": "part.py",
    "interfaces/cli/commands/watch.py": "door.py",
}
BEHIND: dict[str, list[tuple[str, str]]] = {
    "kinds/__init__.py": [
        ("    warning,\n)", "    watch,\n"),
        ("    step.KIND,\n", "    watch.KIND,\n"),
    ],
    "node/__init__.py": [
        ("from entente.node.work.warning.warnings import Warnings\n", "from entente.node.work.watch import Watches\n"),
        ("        self.warnings = Warnings(base, self.sharing)\n", "        self.watches = Watches(base)\n"),
    ],
    "interfaces/cli/main.py": [
        ("    warn,\n    witness,\n)", "    watch,\n"),
        ('    "warn": warn.app,\n', '    "watch": watch.app,\n'),
    ],
}
"""One import and one place in a list for each: behind the first line of which text of which file stands which line."""


def add_toy(place: Path) -> None:
    """Put the toy into a copy of the program."""
    for name, source in NEW.items():
        shutil.copy(TESTS / "toy" / source, place / name)
    for name, lines in BEHIND.items():
        text = (place / name).read_text("utf-8")
        for near, line in lines:
            assert text.count(near) == 1, f"{name} has another form than this test knows: {near!r}"
            text = text.replace(near, near.partition("\n")[0] + "\n" + line + near.partition("\n")[2])
        (place / name).write_text(text, "utf-8")


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Let two members use the toy in a copy of the program, and return what they saw."""
    place = tmp_path_factory.mktemp("toy")
    shutil.copytree(SOURCE, place / "entente")
    add_toy(place / "entente")
    done = subprocess.run(
        [sys.executable, str(TESTS / "toy" / "play.py")],
        cwd=place,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(place), str(TESTS)])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["place"] == str(place / "entente" / "__init__.py")
    return found


def test_a_new_kind_has_a_family_of_its_own(played: dict[str, Any]) -> None:
    assert (played["families"], played["work"]) == (["watch/1"], True)


def test_two_members_use_it_by_its_command(played: dict[str, Any]) -> None:
    code, asked = played["asked"]
    assert (code, asked["name"], asked["hours"]) == (0, "Alder", 24)
    assert played["seen"] == [0, [asked]]


def test_its_own_rule_refuses_and_says_why(played: dict[str, Any]) -> None:
    code, told = played["again"]
    assert (code, told["error"]["code"]) == (3, "asked")
    assert "(asked)" in told["error"]["message"]


def test_an_agreement_that_does_not_name_it_does_not_admit_it(played: dict[str, Any]) -> None:
    code, told = played["elsewhere"]
    assert (code, told["error"]["code"]) == (3, "kind")


def test_a_partner_that_keeps_no_rule_is_refused_by_name(played: dict[str, Any]) -> None:
    assert played["refused"] == ["asked", "malformed"]
    assert played["after"] == played["seen"]


def test_nothing_else_had_to_change(tmp_path: Path) -> None:
    """What `add_toy` does is all that the members above needed: three files, two lines each in three others."""
    shutil.copytree(SOURCE, tmp_path / "entente", ignore=shutil.ignore_patterns("__pycache__"))
    add_toy(tmp_path / "entente")
    changed = {}
    for path in (tmp_path / "entente").rglob("*.py"):
        name = path.relative_to(tmp_path / "entente")
        before = (SOURCE / name).read_text("utf-8").splitlines() if (SOURCE / name).exists() else None
        if before != (after := path.read_text("utf-8").splitlines()):
            changed[name.as_posix()] = "new" if before is None else len(after) - len(before)
    assert changed == dict.fromkeys(NEW, "new") | dict.fromkeys(BEHIND, 2)
