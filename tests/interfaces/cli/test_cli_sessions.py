"""Sessions, minutes and disclosures at the command line: fields and exit codes of the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

import commands

if TYPE_CHECKING:
    from pathlib import Path

    from interfaces.cli.members import Cli, Pair


def verify(path: Path) -> int:
    return commands.verify(path).code


def level(pair: Pair) -> None:
    pair.harbour("sync")
    pair.northwind("sync")


def refused(cli: Cli, *arguments: str, code: int = 3) -> str:
    """Run a command that a rule refuses; return the rule."""
    return str(cli(*arguments, code=code)["error"]["code"])


def test_a_session_from_invitation_to_signed_minutes(pair: Pair, tmp_path: Path) -> None:
    harbour, northwind = pair.harbour, pair.northwind
    opened = harbour("session", "open", "--circle", pair.circle, "--at", "+1d", "--title", "The quay")
    session = opened["session"]
    assert refused(harbour, "session", "open", "--circle", pair.circle, "--at", "+1d", "--title", "x", "--quorum", "1")
    harbour("session", "invite", session, "--out", str(tmp_path / "quay.ics"))
    assert b"BEGIN:VEVENT" in (tmp_path / "quay.ics").read_bytes()
    level(pair)
    agenda = northwind("session", "agenda", session[:12], "--add", "The crane", "--priority", "1")
    assert [(each["kind"], each["title"]) for each in agenda] == [("point", "The crane")]
    assert "priority" in agenda[0]["reason"]
    harbour("session", "join", session)
    decision = harbour("session", "decide", session, "--text", "We close the quay.", "--due", "+3d")["decision"]
    harbour("session", "vote", decision, "--yes")
    level(pair)
    shown = northwind("session", "show", session)
    assert set(shown) >= {"session", "state", "quorum", "agenda", "decisions", "signed_by"}
    assert (shown["state"], shown["quorum"]) == ("convened", {"needed": 2, "present": 1})
    assert [each["state"] for each in shown["decisions"]] == ["open"]
    assert refused(northwind, "session", "vote", decision, "--yes") == "absent"
    assert northwind.raw("session", "vote", decision).code == 2
    northwind("session", "join", session)
    assert northwind("session", "vote", decision, "--yes", "--text", "Agreed.")["state"] == "decided"
    level(pair)
    assert harbour("session", "sign", session)["state"] == "proposed"
    minutes, text = tmp_path / "minutes", tmp_path / "minutes.md"
    harbour("session", "minutes", session, "--out", str(text))
    assert text.read_text("utf-8").startswith("# Minutes of session")
    level(pair)
    signed = northwind("session", "sign", session)
    assert (signed["state"], len(signed["signed_by"])) == ("signed", 2)
    northwind("session", "minutes", session, "--out", str(minutes))
    assert verify(minutes) == 0
    data = minutes.read_bytes()
    minutes.write_bytes(data.replace(b"close", b"open ", 1))
    assert verify(minutes) == 5
    northwind("ledger", "dossier", decision, "--out", str(tmp_path / "decision"))
    assert verify(tmp_path / "decision") == 0
    assert refused(northwind, "session", "agenda", session, "--add", "More", code=1) == "signed"
    for command in (("session", "show", session), ("session", "list"), ("session", "minutes", session)):
        done = northwind.raw(*command)
        assert (done.code, done.err.count("Traceback")) == (0, 0)
        assert b"quay" in done.out


def test_a_delegation_and_its_succession(pair: Pair) -> None:
    harbour = pair.harbour
    session = harbour("session", "open", "--circle", pair.circle, "--at", "+2d", "--title", "The crane")["session"]
    head = harbour("person", "add", "Hana", "--role", "head")["person"]
    deputy = harbour("person", "add", "Dmitri", "--role", "deputy")["person"]
    named = harbour("session", "delegate", session, "--head", "Hana", "--deputy", "Dmitri")
    mine = next(each for each in named["attendance"] if each["member"] == harbour.member)
    assert (mine["head"], mine["deputy"]) == (head, deputy)
    after = harbour("session", "succeed", session)
    mine = next(each for each in after["attendance"] if each["member"] == harbour.member)
    assert (mine["head"], mine["deputy"]) == (deputy, "")
    assert refused(harbour, "session", "succeed", session, code=1) == "deputy"


def test_a_line_for_the_public_needs_both(pair: Pair, tmp_path: Path) -> None:
    harbour, northwind = pair.harbour, pair.northwind
    text, terms, out = tmp_path / "line.md", tmp_path / "terms", tmp_path / "line.dossier"
    text.write_text("A **quay** is closed.\n", "utf-8")
    terms.write_text("qu ay\n", "utf-8")
    propose = ("disclose", "propose", pair.circle, "--text-file", str(text))
    assert refused(harbour, *propose, "--redact", str(terms)) == "term"
    made = harbour(*propose)
    disclosure = made["disclosure"]
    assert (made["state"], made["media"], made["text"]) == ("proposed", "text/markdown", "A **quay** is closed.\n")
    export = ("disclose", "export", disclosure, "--out", str(out))
    assert refused(harbour, *export, code=4) == "waiting"
    harbour("disclose", "approve", disclosure)
    assert refused(harbour, *export, code=4) == "waiting"
    assert not out.exists()
    level(pair)
    assert refused(northwind, "disclose", "approve", disclosure, "--redact", str(terms)) == "term"
    assert northwind("disclose", "approve", disclosure)["state"] == "approved"
    level(pair)
    assert harbour(*export)["sha256"] == made["sha256"]
    assert verify(out) == 0
    assert [each["disclosure"] for each in northwind("disclose", "list")] == [disclosure]
    assert made["sha256"].encode() in northwind.raw("disclose", "show", disclosure).out
    assert harbour.raw("disclose", "propose", "--text-file", str(text)).code == 2
