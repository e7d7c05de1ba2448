"""The command line before it meets a node: help, usage, errors, files, and text from others made safe."""

from __future__ import annotations

import io
import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands import ENTENTE, entente
from entente.core.errors import EntenteError, InvalidError, LimitError, NotFoundError
from entente.interfaces.cli import files, main
from entente.interfaces.cli.terminal import terms, text
from entente.interfaces.cli.terminal.screen import PlainScreen
from entente.policy.templates import TEMPLATES

if TYPE_CHECKING:
    from interfaces.cli.members import Cli


def processor_time() -> float:
    """Return the seconds that ended child processes have used a processor for; what runs beside them adds nothing."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_help_answers_at_once(capfd: pytest.CaptureFixture[str]) -> None:
    times = []
    for _ in range(6):
        before = processor_time()
        subprocess.run([*ENTENTE, "--help"], capture_output=True, check=True)
        times.append(processor_time() - before)
    with capfd.disabled():
        sys.stdout.write(f"\nentente --help: {min(times) * 1000:.0f} ms\n")
    assert min(times) < 0.6


def test_help_loads_neither_rich_nor_the_node() -> None:
    code = "import sys; from entente.interfaces.cli import main; main.run(['--help']); sys.exit(' '.join(sys.modules))"
    done = subprocess.run([ENTENTE[0], "-c", code], capture_output=True, text=True, check=False)
    heavy = {"rich", "entente.node", "msgspec", "starlette", "uvicorn", "cryptography", "nacl", "sqlite3", "asyncio"}
    assert not heavy & set(done.stderr.split())


@pytest.mark.parametrize(
    "arguments", [["nosuch"], ["item", "nosuch"], ["item", "list", "--limit", "many"], ["init"], ["item", "show"], []]
)
def test_wrong_usage_exits_2_also_in_json(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(arguments) == 2
    assert capsys.readouterr().out == ""
    assert main.run(["--json", *arguments]) == 2
    answer = json.loads(capsys.readouterr().out)
    assert answer["error"]["code"] == "usage"
    assert set(answer["error"]) == {"code", "message", "hint"}


def test_an_option_behind_the_command_is_told_where_it_belongs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["item", "list", "--json"]) == 2
    assert "before the command" in capsys.readouterr().err


def test_the_version_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("entente ")


def test_the_home_comes_from_the_option_then_the_environment(tmp_path: Path) -> None:
    environment = {"ENTENTE_HOME": str(tmp_path / "there")}
    done = entente("--json", "doctor", env=environment)
    assert str(tmp_path / "there") in json.loads(done.out)["error"]["message"]
    done = entente("--json", "--home", str(tmp_path / "here"), "doctor", env=environment)
    assert str(tmp_path / "here") in json.loads(done.out)["error"]["message"]


@pytest.mark.parametrize(("name", "words"), [("nosuch.json", "no file"), (".", "is a folder")])
def test_a_file_that_cannot_be_imported_is_named(member: Cli, name: str, words: str) -> None:
    path = str(member.home.parent / name) if name != "." else str(member.home.parent)
    answer = member("item", "import", path, code=1)["error"]
    assert answer["code"] == "file"
    assert words in answer["message"]


def test_a_file_above_the_limit_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as stream:
        stream.truncate(files.MAX_IMPORT + 1)
    with pytest.raises(LimitError):
        files.source(str(path))


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_bytes(b"before")

    def broken() -> object:
        yield b"half"
        raise InvalidError("stop")

    with pytest.raises(InvalidError):
        files.write(str(path), broken())
    assert path.read_bytes() == b"before"
    assert [each.name for each in tmp_path.iterdir()] == ["out"]
    assert files.write(str(path), [b"a", b"b"]) == 2
    assert path.read_bytes() == b"ab"


@pytest.mark.parametrize("name", ["nosuch/out", "."])
def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(EntenteError) as caught:
        files.write(str(tmp_path / name), [b"x"])
    assert caught.value.code == "file"


def test_a_device_is_written_to_and_stays() -> None:
    assert files.write("/dev/null", [b"abc"]) == 3
    assert Path("/dev/null").is_char_device()


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        files.read(str(tmp_path / "nosuch"))


@given(st.text())
def test_nothing_shown_can_steer_a_terminal(words: str) -> None:
    stream = io.StringIO()
    screen = PlainScreen(stream)
    screen.line(words)
    screen.table(("a", "b"), [(words, (words, "red"))])
    screen.facts(words, [(words, words)])
    shown = stream.getvalue()
    assert not {"\x1b", "\x9b", "\x07", "\r", "\u202e", "\u2066"} & set(shown)
    shown.encode()


@given(st.recursive(st.text() | st.integers() | st.booleans(), st.lists))
def test_json_with_odd_characters_spelled_out_means_the_same(value: object) -> None:
    data = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
    made = text.json_text(data)
    assert json.loads(made) == json.loads(data)
    assert b"\xc2\x9b" not in made


@pytest.mark.parametrize(
    ("id_", "short"),
    [
        ("indicator--0a1b2c3d-1111-4111-8111-111111111111", "indicator--0a1b2c3d"),
        ("a" * 52, "a" * 12),
        ("harbour", "harbour"),
    ],
)
def test_ids_are_shortened_to_what_still_names_them(id_: str, short: str) -> None:
    assert text.short(id_) == short
    assert id_.startswith(short)


def test_columns_are_aligned_by_what_they_take_on_a_terminal() -> None:
    stream = io.StringIO()
    PlainScreen(stream).table(("name", "x"), [("港", "1"), ("e\u0301t\u00e9", "2"), ("plain", "3")])
    lines = stream.getvalue().splitlines()
    assert {text.width(line[: line.index(last)]) for line, last in zip(lines, "x123", strict=True)} == {7}


@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_every_term_of_a_template_is_told_in_words(name: str) -> None:
    written = TEMPLATES[name].to_dict()
    told = dict(terms.in_words(written))
    parts = written["consent"]
    assert isinstance(parts, dict)
    assert len(told) == len(written) - 2 + len(parts)
    assert all(told.values())
    assert "_" not in "".join(told)


def test_completion_is_offered_for_the_shell() -> None:
    environment = {"_ENTENTE_COMPLETE": "complete_bash", "COMP_WORDS": "entente le", "COMP_CWORD": "1"}
    assert b"ledger" in entente(env=environment).out
