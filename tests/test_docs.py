"""The documentation cannot lag behind: what people can meet is named in it, and it names nothing of a machine."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import typer.main

from entente.interfaces.cli.main import app
from entente.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
TEXT = "\n".join(page.read_text("utf-8") for page in PAGES)

# Where packages come from; each installation knows that by itself.
HOSTS = re.compile(
    r"py(?:pi)\.org|python(?:hosted)\.org|registry\.npmjs|registry\.yarnpkg|\bcrates\.io|conda\.anaconda"
)
# Where somebody's files lie.
PLACES = re.compile(r"(?<![\w.)}])/(?:home|root|work|Users)/\w|\b[A-Z]:\\Users\\")


def commands(group: object, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield every command below `group` that is not hidden, as people type it."""
    for name, command in getattr(group, "commands", {}).items():
        if command.hidden:
            continue
        if getattr(command, "commands", None):
            yield from commands(command, (*path, name))
        else:
            yield " ".join((*path, name))


def errors() -> Iterator[str]:
    """Yield the name of every public error class in the package."""
    for module in sorted((ROOT / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(module.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef) and node.name.endswith("Error") and not node.name.startswith("_"):
                yield node.name


def files() -> list[Path]:
    """List what is in git or would be added."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("this is not a git checkout")
    return [ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("name", [kind.name for kind in KINDS])
def test_every_kind_is_documented(name: str) -> None:
    assert re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", TEXT), f"no page names the kind {name}"


@pytest.mark.parametrize("command", sorted(commands(typer.main.get_command(app))))
def test_every_command_is_documented(command: str) -> None:
    assert re.search(rf"(?<![\w-]){re.escape(command)}(?![\w-])", TEXT), f"no page names the command {command}"


@pytest.mark.parametrize("name", sorted(set(errors())))
def test_every_error_is_documented(name: str) -> None:
    assert re.search(rf"\b{name}\b", TEXT), f"no page names {name}"


def test_no_file_names_a_package_host_or_a_machine() -> None:
    found = []
    for path in files():
        try:
            lines = path.read_text("utf-8").splitlines()
        except UnicodeDecodeError:
            continue
        found += [
            f"{path.relative_to(ROOT)}:{number}: {match[0]}"
            for number, line in enumerate(lines, 1)
            for match in [HOSTS.search(line) or PLACES.search(line)]
            if match
        ]
    assert found == []


@pytest.mark.parametrize(
    "line", ["https://files.python" + "hosted.org/x", "see /ho" + "me/alice/x", 'open("/wo' + 'rk/x")']
)
def test_a_host_or_a_place_would_be_found(line: str) -> None:
    assert HOSTS.search(line) or PLACES.search(line)


def test_every_link_between_pages_leads_somewhere() -> None:
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in PAGES
        for target in re.findall(r"\]\((?!\w+:|#)([^)#\s]+)", page.read_text("utf-8"))
        if not (page.parent / target).exists()
    ]
    assert broken == []


def test_the_commands_of_the_readme_exist() -> None:
    named = set(re.findall(r"python3 tools/dev\.py (\w+)", (ROOT / "README.md").read_text("utf-8")))
    help_text = subprocess.run(
        [sys.executable, "tools/dev.py", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    offered = set(re.findall(r"^    (\w+) ", help_text, re.MULTILINE))
    assert {"demo", "check"} <= named <= offered
