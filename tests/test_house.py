"""The house's own rules hold, and each of them is seen to refuse what it forbids."""

from __future__ import annotations

import ast
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parent.parent
CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
CONTRACTS = {contract["id"]: contract for contract in CONFIG["tool"]["importlinter"]["contracts"]}
PURE = [package.removeprefix("entente.") for package in CONTRACTS["pure"]["source_modules"]]
EFFECTS = sorted(CONTRACTS["pure"]["forbidden_modules"])

UNDER_TYPE_CHECKING = "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    import entente.interfaces\n"

# (contract, what is planted, what the refusal says)
PLANTS: list[tuple[str, dict[str, str], str]] = [
    ("floors", {"core/planted.py": "import entente.interfaces\n"}, "entente.core is not allowed to import"),
    ("floors", {"core/planted.py": "def f():\n    import entente.store\n"}, "entente.core is not allowed to import"),
    ("floors", {"ledger/planted.py": UNDER_TYPE_CHECKING}, "entente.ledger is not allowed to import"),
    ("floors", {"planted.py": "X = 1\n"}, "planted"),
    ("store", {"store/planted.py": "import entente.formats\n"}, "entente.store is not allowed to import"),
    ("kinds", {"kinds/plant_a.py": "import entente.kinds.plant_b\n", "kinds/plant_b.py": ""}, "entente.kinds.plant_a"),
    ("doors", {"interfaces/cli/planted.py": "import entente.interfaces.peer\n"}, "cli is not allowed to import"),
    ("doors", {"interfaces/peer/planted.py": "import entente.interfaces.cli\n"}, "peer is not allowed to import"),
    ("doors", {"interfaces/witness/planted.py": "import entente.interfaces.peer\n"}, "witness is not allowed"),
    ("doors", {"interfaces/http/planted.py": "import entente.interfaces.peer\n"}, "http is not allowed to import"),
    ("doors", {"interfaces/planted.py": "X = 1\n"}, "planted"),
    ("node", {"node/home/planted.py": "import entente.node.items\n"}, "entente.node.home is not allowed to import"),
    ("node", {"node/items/planted.py": "import entente.node.work\n"}, "entente.node.items is not allowed to import"),
    ("node", {"node/work/planted.py": "import entente.node.exchange\n"}, "entente.node.work is not allowed to import"),
    ("node", {"node/planted.py": "X = 1\n"}, "planted"),
    ("work", {"node/work/case/planted.py": "import entente.node.work.request\n"}, "work.case is not allowed to import"),
    ("work", {"node/work/acts.py": "import entente.node.work.session\n"}, "work.acts is not allowed to import"),
    ("work", {"node/work/planted.py": "X = 1\n"}, "planted"),
    ("formats", {"formats/cacao/planted.py": "import entente.formats.stix\n"}, "cacao is not allowed to import"),
    ("formats", {"formats/planted.py": "X = 1\n"}, "planted"),
    ("stores", {"store/memory/planted.py": "import entente.store.sqlite.store\n"}, "entente.store.memory"),
    ("cycles", {"core/plant_a.py": "import entente.core.plant_b\n", "core/plant_b.py": "import entente.core.plant_a\n"},
     "plant_a"),
    ("sockets", {"kinds/planted.py": "import entente.exchange.transport\n"}, "entente.kinds.planted"),
    ("sockets", {"exchange/planted.py": "import entente.exchange.transport\n"}, "entente.exchange.planted"),
    ("sql", {"ledger/planted.py": "import sqlite3\n"}, "entente.ledger.planted"),
    ("sql", {"interfaces/planted.py": "import sqlite3\n"}, "entente.interfaces.planted"),
]  # fmt: skip


def start(*command: str, cwd: Path, given: str = "", env: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Run a tool that is installed beside this Python; return its exit code and everything it printed, as one line."""
    tool = shutil.which(command[0], path=sysconfig.get_path("scripts"))
    assert tool, f"{command[0]} is not installed beside {sys.executable}"
    environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "400", **(env or {})}
    done = subprocess.run(
        [tool, *command[1:]], cwd=cwd, env=environment, input=given, capture_output=True, text=True, check=False
    )
    return done.returncode, " ".join((done.stdout + done.stderr).split())


def lint_imports(source: Path, *contracts: str) -> tuple[int, str]:
    """Check the contracts on the package in `source`."""
    chosen = [part for contract in contracts for part in ("--contract", contract)]
    command = ["lint-imports", "--no-logo", "--no-cache", "--config", str(ROOT / "pyproject.toml"), *chosen]
    return start(*command, cwd=source, env={"PYTHONPATH": str(source)})


def plant(source: Path, files: Mapping[str, str]) -> None:
    """Put `files` into the package in `source`; the folder of each must exist already."""
    for name, text in files.items():
        (source / "entente" / name).write_text(f'"""Planted."""\n\n{text}', "utf-8")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Give a copy of `src` that a test may spoil."""
    return Path(shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__")))


def test_the_house_keeps_every_contract(source: Path) -> None:
    code, text = lint_imports(source)
    assert code == 0, text
    assert f"{len(CONTRACTS)} kept, 0 broken" in text


@pytest.mark.parametrize(("contract", "files", "refusal"), PLANTS)
def test_a_planted_violation_is_refused(source: Path, contract: str, files: dict[str, str], refusal: str) -> None:
    plant(source, files)
    code, text = lint_imports(source, contract)
    assert code == 1, text
    assert "0 kept, 1 broken" in text
    assert refusal in text


def test_every_effect_is_refused_in_every_pure_floor(source: Path) -> None:
    for floor in PURE:
        plant(source, {f"{floor}/planted.py": "".join(f"import {effect}\n" for effect in EFFECTS)})
    code, text = lint_imports(source, "pure")
    assert code == 1
    allowed = [(floor, effect) for floor in PURE for effect in EFFECTS
               if f"entente.{floor} is not allowed to import {effect}:" not in text]  # fmt: skip
    assert allowed == []


def test_every_contract_was_broken_once() -> None:
    assert {contract for contract, _, _ in PLANTS} | {"pure"} == CONTRACTS.keys()


@pytest.mark.parametrize(
    "code",
    [
        "import time\n\nNOW = time.time()\n",
        "import datetime\n\nNOW = datetime.datetime.now(datetime.UTC)\n",
        "from datetime import datetime, UTC\n\nNOW = datetime.now(UTC)\n",
        "import importlib\n\nSTORE = importlib.import_module('entente.store')\n",
        "from urllib.request import urlopen\n",
        "from . import errors\n",
    ],
)
def test_what_contracts_cannot_see_is_refused_by_ruff(code: str) -> None:
    command = ["ruff", "check", "--no-cache", "--select", "TID", "--stdin-filename", "src/entente/core/planted.py", "-"]
    status, text = start(*command, cwd=ROOT, given=code)
    assert status == 1
    assert "TID25" in text


def test_every_installed_package_is_pinned() -> None:
    pins = {re.split(r"\s*;", pin)[0] for pin in CONFIG["tool"]["uv"]["constraint-dependencies"]}
    installed = {
        f"{re.sub(r'[-_.]+', '-', package.name).lower()}=={package.version}"
        for package in importlib.metadata.distributions()
        if package.name not in {CONFIG["project"]["name"], "pip"}
    }
    assert installed - pins == set()


SKIPPED = """
import pytest
from conftest import ABSENT

def test_asks(shared_data):
    assert shared_data.is_dir()

@pytest.mark.skipif({itself}, reason=ABSENT)
def test_skips_itself():
    pass
"""


@pytest.mark.parametrize(
    ("present", "required", "itself", "code", "line"),
    [
        (True, True, False, 0, "2 passed"),
        (False, False, False, 0, "1 passed, 1 skipped"),
        (False, True, False, 1, "1 passed, 1 error"),
        (True, False, True, 0, "1 passed, 1 skipped"),
        (True, True, True, 1, "test_skips_itself: skipped, but the shared test data are required here"),
    ],
)
def test_required_data_cannot_be_skipped(
    tmp_path: Path, *, present: bool, required: bool, itself: bool, code: int, line: str
) -> None:
    place = tmp_path / "repo" / "tests"
    place.mkdir(parents=True)
    shutil.copy(ROOT / "tests" / "conftest.py", place)
    (place / "test_it.py").write_text(SKIPPED.format(itself=itself), "utf-8")
    if present:
        (tmp_path / "shared" / "data").mkdir(parents=True)
    env = {"ENTENTE_REQUIRE_SHARED": "1" if required else "", "ENTENTE_SHARED_DATA": ""}
    status, text = start("pytest", "-ra", "-p", "no:cacheprovider", str(place), cwd=place, env=env)
    assert (status, line in text) == (code, True), text


def test_the_picture_of_the_node_is_that_of_the_code() -> None:
    done = subprocess.run(
        [sys.executable, "tools/graph.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stderr}write it anew: .venv/bin/python tools/graph.py"
    parts = [layer.split("|") for layer in CONTRACTS["node"]["layers"]]
    assert sum(map(len, parts)) <= 18


def test_a_public_class_name_stands_once() -> None:
    found: dict[str, list[str]] = {}
    for path in sorted((ROOT / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found.setdefault(node.name, []).append(str(path.relative_to(ROOT)))
    assert {name: paths for name, paths in found.items() if len(paths) > 1} == {}
