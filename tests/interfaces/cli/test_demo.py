"""The demonstration: what it shares stands up to a strict check, and its story is told in seconds, and told again."""

from __future__ import annotations

import json
import signal
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from stix2validator import ValidationOptions, validate_string

import commands
from commands import ENTENTE
from entente.core.errors import ConflictError
from entente.formats.stix.strict.verdict import problems
from entente.interfaces.cli.demo.data import HARBOUR, INDICATORS, Corpus
from entente.interfaces.cli.demo.place import MARKER, DemoPlace
from timing import CEILING, Stopwatch

if TYPE_CHECKING:
    from pathlib import Path

CORPUS = Corpus("identity--5a1f0f3e-7c1f-4b4e-9d3a-111111111111", HARBOUR)
WARNING = 3
"""Items that a warning and its assessment bring: report, actor, opinion."""


def demo(place: Path, *options: str) -> tuple[int, Any, str]:
    """Run the demonstration to its end and return exit code, document and what it told.

    Its seconds are without those that the machine gave to other work.
    """
    command = [*ENTENTE, "--json", "demo", "--dir", str(place), "--once", *options]
    with Stopwatch() as watch:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=CEILING)
    told = json.loads(done.stdout)
    return done.returncode, {**told, "seconds": told["seconds"] - watch.lost}, done.stderr


def objects(bundle: bytes) -> list[dict[str, Any]]:
    """Return the objects of a bundle."""
    found: list[dict[str, Any]] = json.loads(bundle)["objects"]
    return found


@pytest.mark.parametrize("bundle", [CORPUS.bundle(), CORPUS.update(), CORPUS.sighting(CORPUS.first_indicator())])
def test_every_object_stands_up_to_a_strict_check(bundle: bytes) -> None:
    found = objects(bundle)
    assert {one["id"]: problems(json.dumps(one).encode()) for one in found} == {one["id"]: [] for one in found}
    sample = [one for at, one in enumerate(found) if at < 12 or at % 97 == 0 or at > len(found) - 3]
    whole = {**json.loads(bundle), "objects": sample}
    assert validate_string(json.dumps(whole), ValidationOptions(strict=True, version="2.1")).is_valid


def test_the_corpus_is_the_same_each_time_and_holds_no_real_place() -> None:
    bundle = CORPUS.bundle()
    assert bundle == Corpus(CORPUS.identity, CORPUS.name).bundle()
    found = objects(bundle)
    assert len({one["id"] for one in found}) == len(found)
    patterns = {one["pattern"] for one in found if one["type"] == "indicator"}
    assert len(patterns) == INDICATORS
    invented = (".example'", "'192.0.2.", "'198.51.100.", "'203.0.113.", "'2001:db8:", "file:hashes")
    assert all(any(mark in pattern for mark in invented) for pattern in patterns)


def test_only_a_folder_of_the_demonstration_is_used_or_removed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("x")
    for reset in (False, True):
        with pytest.raises(ConflictError):
            DemoPlace(tmp_path).prepare(reset=reset)
    assert (tmp_path / "precious").read_text() == "x"


def test_an_unfinished_story_is_not_taken_for_a_finished_one(tmp_path: Path) -> None:
    place = DemoPlace(tmp_path / "demo")
    place.prepare(reset=False)
    with pytest.raises(ConflictError, match="not finished"):
        place.prepare(reset=False)
    place.prepare(reset=True)
    place.finish()
    assert DemoPlace(place.path).complete


def test_the_story_is_told_in_seconds_and_told_again(tmp_path: Path) -> None:
    place = tmp_path / "demo"
    code, told, lines = demo(place)
    assert code == 0
    assert told["ok"] is True
    assert told["seconds"] < 20
    assert lines.count("\nok ") + 1 == len(told["steps"]) == 17
    harbour, northwind = told["members"]
    assert harbour["items"] == northwind["items"] == told["shared"] - 1 + WARNING  # the update is no new item
    assert {(head["origin"], head["size"], head["root"]) for head in harbour["heads"]} == {
        (head["origin"], head["size"], head["root"]) for head in northwind["heads"]
    }
    assert told["refused"] == ["ceiling", "red"]
    for paper in ("proof.txt", "minutes.txt", "released.txt"):
        assert commands.verify(place / "papers" / paper).code == 0, paper
    code, again, _ = demo(place)
    assert (code, len(again["steps"])) == (0, 2)
    assert [side["member"] for side in again["members"]] == [harbour["member"], northwind["member"]]
    code, anew, _ = demo(place, "--reset")
    assert code == 0
    assert anew["members"][0]["member"] != harbour["member"]
    assert json.loads((place / MARKER).read_text())["complete"] is True


def test_both_nodes_run_on_until_the_person_ends_them(tmp_path: Path) -> None:
    command = [*ENTENTE, "--json", "demo", "--dir", str(tmp_path / "demo")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        told = json.loads(process.stdout.readline())
        home = told["members"][1]["home"]
        listed = commands.entente("--json", "--home", home, "sync")
        assert json.loads(listed.out)["partners"][0]["error"] == ""
        process.send_signal(signal.SIGINT)
        assert process.wait(CEILING) == 0
        assert "Traceback" not in process.stderr.read()
