"""Two services play it all: a report comes in, is warned about, a session decides, a plan runs, a line is published.

Everything by the command line, while the node of each runs in a process of its own.
Each refusal stands where people would meet it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import commands
from interfaces.cli.members import Cli
from playbooks import end, step_id, two_sides
from ports import free_port
from timing import until

if TYPE_CHECKING:
    from pathlib import Path

REPORT = {
    "type": "report",
    "spec_version": "2.1",
    "id": "report--5a3c8a51-7c55-4a57-9f0a-0d7c1a6f6f01",
    "created": "2026-11-20T06:00:00.000Z",
    "modified": "2026-11-20T06:00:00.000Z",
    "name": "Harbour tariffs: a forged ministry letter makes the rounds",
    "description": "The Quayside Courier quotes a letter that the ministry never wrote.",
    "published": "2026-11-20T06:00:00.000Z",
    "report_types": ["campaign"],
    "object_refs": ["identity--5a3c8a51-7c55-4a57-9f0a-0d7c1a6f6f02"],
    "external_references": [{"source_name": "Quayside Courier", "description": "print edition, page 3"}],
}
OUTLET = {
    "type": "identity",
    "spec_version": "2.1",
    "id": "identity--5a3c8a51-7c55-4a57-9f0a-0d7c1a6f6f02",
    "created": "2026-11-20T06:00:00.000Z",
    "modified": "2026-11-20T06:00:00.000Z",
    "name": "Quayside Courier",
    "identity_class": "organization",
}
WARNING = {
    "title": "Forged letter on harbour tariffs",
    "text": "The letter is forged; more outlets will quote it before the tariff vote.",
    "likelihood": "very likely",
    "confidence": "moderate",
    "sources": [
        {"name": "Quayside Courier", "url": "https://courier.example/tariffs", "grade": "C3"},
        {"name": "Tide Radio", "url": "https://tide.example/news", "grade": "D4", "original": "https://courier.example/tariffs"},
    ],
    "places": ["Harbour City"],
    "actors": ["Unknown forger"],
    "narratives": ["T0085"],
    "valid_until": "2026-12-24T00:00:00Z",
}  # fmt: skip
LINE = "The letter on harbour tariffs that several outlets quoted is a forgery. The ministry never wrote it.\n"


def pair(one: Cli, other: Cli) -> str:
    """Let two members meet and agree; return the circle."""
    invitation = one("partner", "invite")
    other("partner", "join", invitation["url"], "--code", invitation["code"])
    other("partner", "confirm", one.member, "--words", one.words)
    one("partner", "confirm", other.member, "--words", other.words)
    until(lambda: all(row["state"] == "paired" for row in one("partner", "list") + other("partner", "list")), "pairing")
    made = one("agreement", "propose", "--with", other.member, "--name", "Joint watch")
    one("agreement", "sign", made["agreement"])
    until(lambda: other("agreement", "list"), "the proposal")
    other("agreement", "sign", made["agreement"])
    until(lambda: one("agreement", "list")[0]["state"] == "in-force" == other("agreement", "list")[0]["state"], "force")
    return str(made["circle"])


def test_report_becomes_a_public_line_that_both_have_approved(tmp_path: Path) -> None:
    harbour, north = (
        Cli(tmp_path / name.lower(), name, f"http://127.0.0.1:{free_port()}").init() for name in ("Harbour", "North")
    )
    with harbour.up_process(), north.up_process():
        circle = pair(harbour, north)
        warning = warn(tmp_path, harbour, north, circle)
        decision, session = decide(harbour, north, circle, warning)
        carry_out(tmp_path, harbour, north, circle, decision)
        minutes(tmp_path, harbour, north, session)
        publish(tmp_path, harbour, north, warning)
        until(lambda: north("tempo")["pairs"], "the tempo")
        assert all(member("ledger", "verify")["ok"] for member in (harbour, north))


def warn(folder: Path, harbour: Cli, north: Cli, circle: str) -> str:
    """Share the press report as it came, warn about it, and let the partner assess the warning."""
    report = folder / "report.json"
    bundle = {"type": "bundle", "id": "bundle--5a3c8a51-7c55-4a57-9f0a-0d7c1a6f6f03", "objects": [OUTLET, REPORT]}
    report.write_text(json.dumps(bundle))
    assert harbour("item", "import", str(report), "--tlp", "TLP:GREEN", "--circle", circle)["shared"] == 2
    bare = folder / "bare.json"
    bare.write_text(json.dumps({**WARNING, "sources": []}))
    assert harbour("warn", "publish", "--circle", circle, "--file", str(bare), code=3)
    full = folder / "warning.json"
    full.write_text(json.dumps(WARNING))
    warning = str(harbour("warn", "publish", "--circle", circle, "--file", str(full))["warning"])
    seen = until(lambda: north("warn", "list"), "the warning")[0]
    assert (seen["id"], seen["likelihood"], seen["confidence"]) == (warning, "very likely", "moderate")
    assert seen["independent"] == 1
    north("warn", "assess", warning, "--disagree", "--text", "We see one outlet only; too early for very likely.")
    shown = until(lambda: harbour("warn", "list")[0]["assessments"], "the assessment")[0]
    assert shown["verdict"] == "disagree"
    assert "too early" in shown["text"]
    return warning


def decide(harbour: Cli, north: Cli, circle: str, warning: str) -> tuple[str, str]:
    """Convene a session the same day, and take a decision; one voice alone decides nothing."""
    asked = north("request", "ask", "--circle", circle, "--text", "Who printed it first?", "--due", "+2d")["request"]
    until(lambda: harbour("request", "list"), "the request")
    harbour("request", "answer", asked, "--text", "The Courier, on the 20th.")
    opened = harbour("session", "open", "--circle", circle, "--at", "now", "--title", "The forged letter")
    session = str(opened["session"])
    harbour("session", "agenda", session, "--add", "What do we say in public?", "--priority", "1")
    until(lambda: [each for each in north("session", "list") if each["session"] == session], "the session")
    harbour("session", "join", session)
    north("session", "join", session)
    decision = harbour(
        "session", "decide", session, "--text", "We close the gap and publish a line.", "--about", warning
    )
    decision_id = str(decision["decision"])
    harbour("session", "vote", decision_id, "--yes")
    found = harbour("session", "show", session)["decisions"][0]
    assert found["state"] != "decided"
    until(lambda: north("session", "show", session)["decisions"], "the decision")
    north("session", "vote", decision_id, "--yes")
    until(lambda: harbour("session", "show", session)["decisions"][0]["state"] == "decided", "the vote")
    assert harbour("session", "show", session)["quorum"] == {"needed": 2, "present": 2}
    return decision_id, session


def carry_out(folder: Path, harbour: Cli, north: Cli, circle: str, decision: str) -> None:
    """Make the decision a plan, approve it on both sides, and let each do its own step."""
    file = folder / "plan.json"
    file.write_bytes(two_sides("Harbour", "North"))
    made = harbour("plan", "import", str(file), "--circle", circle, "--decision", decision)
    plan = str(made["plan"])
    harbour("plan", "propose", plan, "--deadline", "+1d")
    harbour("plan", "approve", plan)
    assert harbour("plan", "run", plan, code=4)["error"]["code"] == "not-approved"
    until(lambda: north("plan", "list"), "the plan")
    first, second = step_id("action", "first"), step_id("action", "second")
    assert north("plan", "done", plan, second, code=4)
    north("plan", "approve", plan)
    until(lambda: harbour("plan", "show", plan)["state"] == "approved", "the approval")
    harbour("plan", "run", plan)
    until(lambda: north("plan", "show", plan)["state"] in {"approved", "running"}, "the other approval")
    assert north("plan", "done", plan, first, code=3)["error"]["code"] == "owner"
    harbour("plan", "done", plan, first, "--text", "The ministry has put a note on its page.")
    until(lambda: state_of(north, plan, second) == "ready", "the first step")
    north("plan", "done", plan, second, "--text", "Three outlets have corrected.")
    shown = until(lambda: done(harbour, plan), "the plan")
    assert [each["text"] for each in shown["effect"]] == [
        "The ministry has put a note on its page.",
        "Three outlets have corrected.",
    ]
    assert {each["owner"] for each in shown["steps"] if each["id"] in {second, end()}} == {north.member}
    exported = folder / "exported.json"
    harbour("plan", "export", plan, "--out", str(exported))
    assert exported.read_bytes() == file.read_bytes()


def state_of(member: Cli, plan: str, step: str) -> str:
    return str(next(each["state"] for each in member("plan", "show", plan)["steps"] if each["id"] == step))


def done(member: Cli, plan: str) -> Any:
    shown = member("plan", "show", plan)
    return shown if shown["state"] == "done" else None


def minutes(folder: Path, harbour: Cli, north: Cli, session: str) -> None:
    """Sign the minutes on both sides; the file verifies offline, and not with another byte in it."""
    harbour("session", "sign", session)
    until(lambda: north("session", "show", session)["signed_by"], "the minutes")
    north("session", "sign", session)
    until(lambda: len(harbour("session", "show", session)["signed_by"]) == 2, "the signatures")
    out = folder / "minutes.txt"
    harbour("session", "minutes", session, "--out", str(out))
    assert "The forged letter" in out.read_text()
    assert verify(out) == 0
    spoiled = folder / "spoiled.txt"
    spoiled.write_bytes(out.read_bytes().replace(b"publish a line", b"publish a lies"))
    assert verify(spoiled) == 5


def publish(folder: Path, harbour: Cli, north: Cli, about: str) -> None:
    """Release a line when both have approved exactly these bytes."""
    text, out = folder / "line.txt", folder / "released.txt"
    text.write_text(LINE)
    made = harbour("disclose", "propose", about, "--text-file", str(text))
    release = str(made["disclosure"])
    harbour("disclose", "approve", release)
    assert harbour("disclose", "export", release, "--out", str(out), code=4)["error"]
    assert not out.exists()
    until(lambda: north("disclose", "list"), "the text")
    north("disclose", "approve", release)
    until(lambda: harbour.raw("disclose", "export", release, "--out", str(out)).code == 0, "the approval")
    assert LINE in out.read_text()
    assert verify(out) == 0


def verify(file: Path) -> int:
    return commands.verify(file).code
