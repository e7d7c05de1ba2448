#!/usr/bin/env python3
"""Set a fresh machine up, then show, run, check or pin the project; needs only Python >= 3.11 with pip and venv."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = ROOT / "pyproject.toml"
UV = "0.13.9"
OWN_UV = ROOT / ".uv"
PINS = re.compile(r"^constraint-dependencies = \[.*?\]$", re.MULTILINE | re.DOTALL)
LIMIT = 28 * 60  # seconds that `check` may take in all
NO_TESTS = 5  # pytest's exit code when nothing was selected

GATES = {
    "format": ["ruff", "format", "--check", "."],
    "lint": ["ruff", "check", "."],
    "contracts": ["lint-imports", "--no-logo"],
    "docstrings": ["interrogate", "--quiet", "src", "tools"],
    "dependencies": ["deptry", "src"],
    "types (mypy)": ["mypy"],
    "types (basedpyright)": ["basedpyright"],
}
TESTS = {
    "serial tests": ["pytest", "-m", "serial and not slow"],
    "tests": ["pytest", "-n", "2", "--dist", "worksteal", "--durations", "10", "-m", "not serial and not slow"],
}
SLOW = {"slow tests": ["pytest", "-m", "slow"]}


def main() -> int:
    """Do what the command line asks and return the exit code of the last program that ran."""
    parser = argparse.ArgumentParser(prog="dev.py", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("demo", add_help=False, help="set up, then `entente demo`; further arguments are passed on")
    commands.add_parser("run", add_help=False, help="set up, then `entente`; further arguments are passed on")
    check = commands.add_parser("check", help="set up, then every gate and the tests; stops at the first that fails")
    part = check.add_mutually_exclusive_group()
    part.add_argument("--fast", action="store_true", help="the gates without the tests")
    part.add_argument("--slow", action="store_true", help="the slow tests only")
    commands.add_parser("pin", help="write the newest version of every dependency that fits into pyproject.toml")
    options, rest = parser.parse_known_args()
    if rest and options.command not in {"demo", "run"}:
        parser.error(f"unknown arguments: {' '.join(rest)}")
    if options.command in {"demo", "run"}:
        before = sys.argv.index(options.command) + 1
        entente(sys.argv[before:], demo=options.command == "demo")
    if options.command == "pin":
        return pin(find_uv())
    return run_gates(fast=options.fast, slow=options.slow)


def say(text: str) -> None:
    """Print `text` at once, on stderr, so that stdout stays the child's."""
    print(f"== {text}", file=sys.stderr, flush=True)


def call(*command: str) -> int:
    """Run `command` in the repository and return its exit code."""
    say(" ".join(Path(part).name if part == command[0] else part for part in command))
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def find_uv() -> str:
    """Return a uv of the right version: the one on PATH, or our own in `.uv/`, made with pip if need be."""
    scripts = OWN_UV / ("Scripts" if os.name == "nt" else "bin")
    own = str(scripts / "uv")
    for found in (shutil.which("uv"), shutil.which(own)):
        if found and is_good(found):
            return found
    if call(sys.executable, "-m", "venv", "--clear", str(OWN_UV)):
        sys.exit("dev.py: Python could not make a virtual environment; install its venv package and try again.")
    if call(str(scripts / "python"), "-m", "pip", "install", "--quiet", f"uv=={UV}"):
        sys.exit(f"dev.py: pip could not install uv {UV}; check the network and pip's index, and try again.")
    return own


def is_good(uv: str) -> bool:
    """Say whether `uv` starts and is of the release that this project was resolved with."""
    answer = subprocess.run([uv, "--version"], capture_output=True, text=True, check=False)
    return answer.stdout.startswith(f"uv {UV.rpartition('.')[0]}.")


def prepare_environment(uv: str) -> None:
    """Let uv take this Python, fetch none, and look where pip looks."""
    os.environ.setdefault("UV_PYTHON_DOWNLOADS", "never")
    if not (ROOT / ".venv").exists():
        os.environ.setdefault("UV_PYTHON", sys.executable)
    if OWN_UV not in Path(uv).parents or {"UV_DEFAULT_INDEX", "UV_INDEX_URL"} & os.environ.keys():
        return
    ask = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
    index = os.environ.get("PIP_INDEX_URL") or subprocess.run(ask, capture_output=True, text=True, check=False).stdout
    if index.strip():
        os.environ["UV_DEFAULT_INDEX"] = index.strip()
    if "PIP_CERT" in os.environ:
        os.environ.setdefault("SSL_CERT_FILE", os.environ["PIP_CERT"])


def sync(*options: str) -> str:
    """Bring `.venv` to the pinned versions and return the uv that did it; leave if that fails."""
    uv = find_uv()
    prepare_environment(uv)
    code = call(uv, "sync", "--quiet", *options)
    if code:
        sys.exit(code)
    return uv


def entente(arguments: list[str], *, demo: bool) -> NoReturn:
    """Become `entente` with `arguments`, without fetching what only developers need; Ctrl-C is then its own."""
    sync("--no-default-groups", "--inexact")
    here = Path("tools/dev.py") if Path.cwd() == ROOT else ROOT / "tools" / "dev.py"
    os.environ.setdefault("ENTENTE_COMMAND", f"python3 {shlex.quote(str(here))} run")
    program = str(ROOT / ".venv" / ("Scripts" if os.name == "nt" else "bin") / "entente")
    os.execv(program, [program, *(["demo"] if demo else []), *arguments])


def run_gates(*, fast: bool, slow: bool) -> int:
    """Run the gates in order, say how long each took, and stop at the first that fails."""
    start = time.monotonic()
    uv = sync()
    shared = Path(os.environ.get("ENTENTE_SHARED_DATA") or ROOT.parent / "shared" / "data")
    if os.environ.get("CI") == "true" and shared.is_dir():
        os.environ["ENTENTE_REQUIRE_SHARED"] = "1"
    gates = SLOW if slow else GATES if fast else {**GATES, **TESTS}
    for name, command in gates.items():
        began = time.monotonic()
        code = gate(name, [uv, "run", "--no-sync", *command], LIMIT - (began - start))
        if code:
            say(f"{name}: FAILED after {time.monotonic() - began:.1f} s; nothing after it was run")
            return code
        say(f"{name}: passed in {time.monotonic() - began:.1f} s")
    say(f"all of {', '.join(gates)}: passed in {time.monotonic() - start:.1f} s")
    return 0


def gate(name: str, command: list[str], seconds: float) -> int:
    """Run one gate for at most `seconds` and return its exit code, which is 0 if it had nothing to test."""
    say(f"{name}: {' '.join(command[3:])}")
    with subprocess.Popen(command, cwd=ROOT) as child:
        try:
            code = child.wait(timeout=max(seconds, 1))
        except subprocess.TimeoutExpired:
            child.terminate()
            say(f"{name}: stopped, the checks may take {LIMIT // 60} minutes in all")
            return 1
    return 0 if code == NO_TESTS and name != "tests" and "pytest" in command else code


def pin(uv: str) -> int:
    """Resolve anew without the old pins and write the versions found; on failure leave pyproject.toml as it was."""
    import tomllib

    prepare_environment(uv)
    before = PYPROJECT.read_text("utf-8")
    PYPROJECT.write_text(PINS.sub("constraint-dependencies = []", before), "utf-8")
    code = call(uv, "lock", "--upgrade")
    if code:
        PYPROJECT.write_text(before, "utf-8")
        return code
    packages = tomllib.loads((ROOT / "uv.lock").read_text("utf-8"))["package"]
    pins = sorted(spell(package) for package in packages if "registry" in package["source"])
    lines = "".join(f'    "{line}",\n' for line in pins)
    PYPROJECT.write_text(PINS.sub(f"constraint-dependencies = [\n{lines}]", before), "utf-8")
    say(f"{len(pins)} versions written to pyproject.toml")
    return call(uv, "lock")


def spell(package: dict[str, object]) -> str:
    """Spell one package of the lock as a requirement, with its markers if other Pythons get another version."""
    markers = package.get("resolution-markers")
    where = " ; " + " or ".join(f"({marker})" for marker in markers) if isinstance(markers, list) else ""
    return f"{package['name']}=={package['version']}{where}"


if __name__ == "__main__":
    if sys.version_info < (3, 11):  # noqa: UP036 - this file is also started by older Pythons, which get told
        sys.exit("dev.py: Entente needs Python 3.11 or newer.")
    sys.exit(main())
