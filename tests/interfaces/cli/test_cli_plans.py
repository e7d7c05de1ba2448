"""Plans by the command line: the fields of every answer, in their order."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from entente.interfaces.cli import main
from playbooks import step_id, two_sides

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from interfaces.cli.members import Cli, Pair

PLAN = [
    "plan", "name", "hash", "circle", "proposer", "state", "deadline", "needed", "approvals", "refusals", "steps",
    "effect", "stopped_by", "objections", "doubts", "problems", "decision", "armed", "room",
]  # fmt: skip
STEP = [
    "id", "name", "type", "owner", "owner_name", "state", "visit", "result", "text", "time", "person", "note",
]  # fmt: skip
PERMIT = ["kind", "value", "program", "repeatable", "headers"]


class Told:
    """What a member is told by commands in this process."""

    def __init__(self, member: Cli, capsys: pytest.CaptureFixture[str]) -> None:
        self.member = member
        self._capsys = capsys

    def __call__(self, *arguments: str) -> Any:
        """Return the document of a command."""
        code = main.run(["--home", str(self.member.home), "--json", *arguments])
        found = self._capsys.readouterr().out
        assert code == 0, found
        return json.loads(found)


def test_answers_about_a_plan_have_these_fields(pair: Pair, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tell, file = Told(pair.harbour, capsys), tmp_path / "plan.json"
    file.write_bytes(two_sides("Harbour", "Northwind"))
    made = tell("plan", "import", str(file), "--circle", pair.circle)
    assert list(made) == ["plan", "hash", "name", "owners", "warnings"]
    assert list(made["owners"].values())[1:3] == [pair.harbour.member, pair.northwind.member]
    plan = made["plan"]
    answers = [tell("plan", *words) for words in (("show", plan), ("propose", plan, "--deadline", "+3d"))]
    answers += [tell("plan", "approve", plan), tell("plan", "stop", plan, "--reason", "error", "--text", "No.")]
    assert [list(each) for each in answers] == [PLAN] * 4
    assert [each["state"] for each in answers] == ["draft", "proposed", "proposed", "proposed"]
    assert [list(step) for each in answers for step in each["steps"]] == [STEP] * 16
    assert answers[0]["steps"][1]["id"] == step_id("action", "first")
    votes = (*answers[3]["approvals"], *answers[3]["stopped_by"])
    assert [list(each) for each in votes] == [["member", "name", "person", "time", "answer", "text"]] * 2
    assert [list(each) for each in tell("plan", "list")] == [["plan", "name", "circle", "state", "deadline", "mine"]]
    out = tmp_path / "out.json"
    assert list(tell("plan", "export", plan, "--out", str(out)).items()) == [
        ("out", str(out)), ("bytes", len(file.read_bytes())),
    ]  # fmt: skip
    assert out.read_bytes() == file.read_bytes()


def test_answers_about_what_plans_may_do_have_these_fields(
    pair: Pair, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tell, file = Told(pair.harbour, capsys), tmp_path / "protected.txt"
    file.write_text("# ours\nquay.example\n192.0.2.0/24\n")
    assert tell("plan", "protect", str(file)) == {"protected": 2}
    assert list(tell("plan", "permit", "https://firewall.example/api", "--repeatable")) == PERMIT
    assert [list(each) for each in tell("plan", "permits")] == [PERMIT]
    assert tell("plan", "forbid", "https://firewall.example/api") == {"forbidden": "https://firewall.example/api"}
    assert tell("plan", "permits") == []
