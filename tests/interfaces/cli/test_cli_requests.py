"""Requests and cases by the command line: names, fields and exit codes, and the tables for people."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from entente.interfaces.cli import main
from entente.node import Node

if TYPE_CHECKING:
    from interfaces.cli.members import Cli, Pair

FIELDS = {"id", "from", "text", "due", "state", "to", "circle", "priority", "answers", "escalated", "text_state"}


def ended(member: Cli, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    """Run a command in this process, which is quicker; return the exit code and the error."""
    code = main.run(["--home", str(member.home), "--json", *arguments])
    found = json.loads(capsys.readouterr().out)
    return code, found["error"]


def test_a_request_is_asked_answered_and_refused(pair: Pair) -> None:
    harbour, northwind = pair.harbour, pair.northwind
    asked = harbour(
        "request", "ask", "--circle", pair.circle, "--text", "Who called?", "--due", "+2d", "--priority", "1"
    )
    other = harbour(
        "request", "ask", "--circle", pair.circle, "--text", "Why?", "--due", "2026-01-01", "--to", "Northwind"
    )
    assert asked["request"] == asked["id"]
    northwind("sync")
    found = northwind("request", "list")
    assert [(each["id"], each["state"]) for each in found] == [(asked["id"], "open"), (other["id"], "overdue")]
    assert found[0].keys() >= FIELDS
    assert (found[1]["due"], found[1]["to"]) == ("2026-01-01T23:59:59.999Z", [northwind.member])
    assert (found[0]["from"], found[0]["priority"], found[1]["escalated"]) == (harbour.member, 1, True)
    shown = northwind.raw("request", "list").out.decode()
    assert "overdue, escalated" in shown
    assert "Who called?" in shown
    northwind("request", "answer", asked["id"][:12], "--text", "Nobody.")
    assert northwind("request", "answer", other["id"], "--refuse", "Not for us to say.")["state"] == "refused"
    harbour("sync")
    answer = harbour("request", "show", asked["id"])["answers"][0]
    assert {"member", "name", "answer", "text", "time"} <= answer.keys()
    assert (answer["name"], answer["answer"], answer["text"]) == ("Northwind", "answered", "Nobody.")
    assert [each["state"] for each in harbour("request", "list", "--circle", pair.circle, "--all")] == [
        "answered",
        "refused",
    ]
    assert "gives no answer" in harbour.raw("request", "show", other["id"]).out.decode()
    again = northwind("request", "answer", asked["id"], "--text", "Or somebody.", code=3)
    assert again["error"]["code"] == "answered"
    assert harbour("request", "answer", asked["id"], "--text", "Me.", code=3)["error"]["code"] == "concerned"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("ask", "--circle", "CIRCLE", "--text", "x"), 2),
        (("ask", "--circle", "CIRCLE", "--text", "x", "--due", "soon"), 1),
        (("ask", "--circle", "CIRCLE", "--text", "x", "--due", "2026-12-01T09:00:00"), 1),
        (("ask", "--circle", "CIRCLE", "--text", "x", "--due", "+1d", "--priority", "6"), 2),
        (("ask", "--circle", "CIRCLE", "--text", " ", "--due", "+1d"), 1),
        (("ask", "--circle", "CIRCLE", "--text", "x", "--due", "+1d", "--to", "Harbour"), 3),
        (("ask", "--circle", "nowhere", "--text", "x", "--due", "+1d"), 1),
        (("answer", "abcdefgh", "--text", "x"), 1),
        (("answer", "abcdefgh"), 2),
        (("answer", "abcdefgh", "--text", "x", "--refuse", "y"), 2),
    ],
)
def test_a_wrong_request_ends_with_its_exit_code(
    pair: Pair, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], code: int
) -> None:
    given = [pair.circle if each == "CIRCLE" else each for each in arguments]
    found, error = ended(pair.harbour, capsys, "request", *given)
    assert found == code
    assert error["message"]
    assert error["hint"]


def test_a_case_is_worked_on_from_both_sides(pair: Pair) -> None:
    harbour, northwind = pair.harbour, pair.northwind
    opened = harbour("case", "open", "--circle", pair.circle, "--title", "Calls at night")
    case = opened["case"]
    path, item = pair.indicator()
    harbour("item", "import", str(path), "--circle", pair.circle)
    northwind("sync")
    assert northwind("case", "note", case[:12], "--text", "Seen here too.").keys() == {"case", "note"}
    northwind("case", "event", case, "--text", "First call.", "--at", "-2h")
    task = northwind("case", "task", case, "--text", "Block it.", "--owner", "Harbour", "--due", "+1d")["task"]
    northwind("case", "link", case, item, "--text", "The caller.")
    harbour("sync")
    assert len(harbour("case", "set", case, "--task", task[:12], "--state", "done", "--due", "none")["changes"]) == 2
    harbour("case", "set", case, "--state", "closed", "--title", "Calls at night, ended")
    northwind("sync")
    shown = [member("case", "show", case) for member in (harbour, northwind)]
    for found in shown:
        assert (found["title"], found["state"]) == ("Calls at night, ended", "closed")
        assert [each["text"] for each in found["notes"] + found["timeline"]] == ["Seen here too.", "First call."]
        assert [(each["id"], each["state"], each["due"]) for each in found["tasks"]] == [(task, "done", "")]
        assert found["tasks"][0]["owner"] == harbour.member
        assert [each["item"] for each in found["links"]] == [item]
    assert northwind("case", "list")[0]["id"] == case
    words = harbour.raw("case", "show", case).out.decode()
    for part in ("Timeline", "Tasks", "Items", "Notes", "Seen here too.", "First call.", "Block it.", "Quay"):
        assert part in words
    assert "Calls at night, ended" in harbour.raw("case", "list").out.decode()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("set",), 2),
        (("set", "--state", "done"), 1),
        (("set", "--owner", "nobody here"), 1),
        (("set", "--due", "whenever"), 1),
        (("set", "--task", "nowhere", "--state", "done"), 1),
        (("note", "--text", ""), 1),
        (("event", "--text", "x"), 2),
        (("link", "indicator--nothing"), 1),
    ],
)
def test_a_wrong_change_ends_with_its_exit_code(
    pair: Pair, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], code: int
) -> None:
    with Node.open(pair.harbour.home) as node:
        rows = node.cases.list()
        case = rows[0].id if rows else node.cases.open(pair.circle, "Odd").id
        before = node.cases.show(case)
        found, error = ended(pair.harbour, capsys, "case", arguments[0], case, *arguments[1:])
        assert found == code
        assert error["message"]
        assert error["hint"]
        assert node.cases.show(case) == before


def test_what_is_held_and_not_shared_is_not_linked(pair: Pair) -> None:
    harbour = pair.harbour
    path, item = pair.indicator()
    harbour("item", "import", str(path))
    case = harbour("case", "open", "--circle", pair.circle, "--title", "Private")["case"]
    assert harbour("case", "link", case, item, code=3)["error"]["code"] == "not-shared"
