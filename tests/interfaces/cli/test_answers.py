"""What each command answers with `--json`: its fields in their order, which programs of others rely on.

Two members play every command in this process and exchange bundles, so that nothing has to be served. Each answer is
compared with its line in `answers.txt`; `python tests/interfaces/cli/test_answers.py` writes that file anew.
"""

from __future__ import annotations

import io
import json
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from entente.core import note
from entente.interfaces.cli import main
from entente.node import Node

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.timeout(300)

TABLE: Final = Path(__file__).with_name("answers.txt")
FREE: Final = frozenset({"object", "terms", "refused", "warnings", "basis"})
"""Fields whose own fields are whatever an author or a rule is called."""
ID: Final = "indicator--{:08x}-0000-4000-8000-00000000cafe"
WARNING: Final = (
    '{"title": "T", "text": "X", "likelihood": "likely", "confidence": "low", '
    '"sources": [{"name": "N", "grade": "B2"}], "places": ["Quay"]}'
)


def shape(value: object, name: str = "") -> str:
    """Return the fields of a JSON value in their order; of a list those of its richest element."""
    if isinstance(value, list):
        return "[" + max((shape(each) for each in value), key=len, default="") + "]"
    if not isinstance(value, dict):
        return ""
    if name in FREE:
        return "{…}"
    return "{" + " ".join(key + shape(each, key) for key, each in value.items()) + "}"


class Player:
    """A member that plays commands and notes the shape of each answer."""

    def __init__(self, folder: Path, name: str, port: int, seen: dict[str, str]) -> None:
        self.folder = folder
        self.home = folder / name.lower()
        self.seen = seen
        self.name = name
        made = self("init", "--name", name, "--url", f"http://localhost:{port}", "--recovery", self.file("recovery"))
        self.member, self.words = str(made["member"]), " ".join(made["words"])

    def file(self, name: str, text: str | None = None) -> str:
        """Return the name of a file of this member's, with this text in it."""
        path = self.folder / f"{self.name}.{name}"
        if text is not None:
            path.write_text(text, "utf-8")
        return str(path)

    def __call__(self, *arguments: str, kind: str = "", code: int = 0, words: int = 2) -> Any:
        """Play a command; its name is that of its first words, with `kind` what tells two answers of it apart."""
        out = io.TextIOWrapper(io.BytesIO(), "utf-8")
        with redirect_stdout(out), redirect_stderr(io.StringIO()) as said:
            ended = main.run(["--home", str(self.home), "--json", *arguments])
        assert ended == code, (arguments, ended, out.buffer.getvalue(), said.getvalue())  # type: ignore[attr-defined]
        found = json.loads(out.buffer.getvalue())  # type: ignore[attr-defined]
        name = " ".join(each for each in arguments[:words] if each[:1] != "-") if arguments[0] not in SINGLE else ""
        key = " ".join(filter(None, (name or arguments[0], kind)))
        self.seen[key] = max(self.seen.get(key, ""), shape(found), key=len)
        return found

    def to(self, other: Player) -> None:
        """Carry a bundle to the other member."""
        name = self.file(f"{len(list(self.folder.iterdir()))}.bundle")
        self("bundle", "export", "--partner", other.member, "--out", name)
        other("bundle", "import", name)


SINGLE: Final = frozenset({"init", "doctor", "sync", "backup", "restore", "tempo"})


def indicator(number: int, **more: object) -> str:
    """Return a bundle with one indicator."""
    found = {
        "type": "indicator",
        "spec_version": "2.1",
        "id": ID.format(number),
        "created": "2026-10-01T00:00:00.000Z",
        "modified": "2026-10-01T00:00:00.000Z",
        "name": f"Quay {number}",
        "description": "Seen at the quay.",
        "indicator_types": ["malicious-activity"],
        "pattern": f"[domain-name:value = 'quay-{number}.example']",
        "pattern_type": "stix",
        "valid_from": "2026-10-01T00:00:00.000Z",
        **more,
    }
    return json.dumps({"type": "bundle", "id": ID.format(number).replace("indicator", "bundle"), "objects": [found]})


def level(one: Player, other: Player) -> None:
    """Let both members have what the other has; as `to` does, and quicker."""
    folder = Path(tempfile.mkdtemp(dir=one.folder))
    with Node.open(one.home) as first, Node.open(other.home) as second:
        for at, (giver, taker) in enumerate(((first, second), (second, first)) * 2):
            giver.bundles.export(taker.member, folder / str(at))
            taker.bundles.take(folder / str(at))


def meet(one: Player, other: Player) -> tuple[str, str]:
    """Pair the members and let them sign an agreement; return it and its circle."""
    one("partner", "invite")
    for each, peer in ((one, other), (other, one)):
        each("partner", "card", "--out", each.file("card"))
        peer("partner", "add", each.file("card"))
    one("partner", "confirm", other.member, "--words", other.words)
    other("partner", "confirm", one.member, "--words", one.words)
    one.to(other)
    other.to(one)
    level(one, other)
    one("partner", "list")
    one("partner", "card", "--of", other.member, "--out", one.file("card-of"))
    made = one("agreement", "propose", "--with", other.member, "--name", "Early warning")
    one("agreement", "sign", made["agreement"])
    level(one, other)
    other("agreement", "sign", made["agreement"])
    level(one, other)
    opened = one("circle", "open", "--agreement", made["agreement"], "--with", other.member, "--name", "Inner")
    for each in (one, other):
        each("agreement", "sign", opened["circle"])
        level(one, other)
    one("circle", "list")
    return made["agreement"], made["circle"]


def play_home(one: Player) -> None:
    """Play what concerns one member only."""
    one("doctor")
    one("backup", "--out", one.file("backup"))
    one.home, before = one.folder / "restored", one.home
    one("restore", one.file("backup"))
    one.home = before
    one("config", "show")
    one("config", "set", "four-eyes", "off")
    one("person", "add", "Hana", "--role", "head")
    one("person", "add", "Dmitri", "--role", "deputy")
    one("person", "list")
    one("profile", "show")
    one("profile", "set", "--brings", "netflow", "--seeks", "yara")
    one("agreement", "templates")
    one("agreement", "show", "nothing", kind="(error)", code=1)
    one("ledger", "confirm")
    one("tempo")
    one("key", "protect", "--none")


def play_items(one: Player, other: Player, circle: str) -> None:
    """Play what is done with items."""
    for number in range(1, 6):
        one.file(
            str(number),
            indicator(number, object_marking_refs=["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"]),
        )
        one("item", "import", one.file(str(number)), "--circle", circle)
    one.file("red", indicator(9))
    one("item", "import", one.file("red"), "--circle", circle, code=3)
    one.file("bad", '{"type": "indicator"}')
    one("item", "import", one.file("bad"))
    one("item", "list")
    one("item", "search", "quay")
    one("item", "export", "--out", one.file("export"))
    one.file("poor", indicator(10, indicator_types=["Not a word"], valid_until="2026-01-01T00:00:00Z"))
    one("item", "import", one.file("poor"))
    one("item", "export", "--strict", "--out", one.file("strict"), kind="--strict")
    one("item", "export", kind="(bundle)")
    one("share", "preview", ID.format(1), "--circle", circle)
    one("share", "preview", ID.format(9), "--circle", circle)
    one("share", "send", ID.format(9), "--circle", circle, code=3, kind="(refused)")
    copy = one("share", "redact", ID.format(1), "--drop", "description")["item"]
    one("share", "send", copy, "--circle", circle)
    one("share", "why", ID.format(1))
    level(one, other)
    other("item", "acknowledge", ID.format(1), "--stage", "used")
    other("item", "received")
    level(one, other)
    one("item", "show", ID.format(1))
    one("ledger", "receipts", ID.format(1))
    one("ledger", "proof", ID.format(1), "--out", one.file("proof"))
    one("ledger", "verify")
    one("ledger", "evidence")
    one("sync", code=1)


def play_recalls(one: Player, other: Player, circle: str) -> None:
    """Play what calls items back, and what lets them go further."""
    one("share", "withdraw", ID.format(2), "--reason", "error")
    one("share", "narrow", ID.format(9), "--circle", circle, code=3, kind="(refused)")
    one("share", "narrow", ID.format(3), "--circle", circle)
    level(one, other)
    one("ledger", "recalls")
    one("ledger", "recalls", ID.format(2), "--out", str(one.folder / "proofs"), kind="--out")
    other("item", "show", ID.format(2), kind="(withdrawn)")
    one("share", "asked")


def play_requests(one: Player, other: Player, circle: str) -> None:
    """Play requests and cases."""
    asked = one("request", "ask", "--circle", circle, "--text", "Who?", "--due", "+1d")["request"]
    case = one("case", "open", "--circle", circle, "--title", "Calls")["case"]
    level(one, other)
    other("request", "answer", asked, "--text", "We.")
    other("case", "note", case, "--text", "Seen.")
    level(one, other)
    one("request", "show", asked)
    one("request", "list")
    one("request", "export", asked, "--out", one.file("request"))
    one("request", "export", asked, kind="(bundle)")
    one("case", "event", case, "--text", "First.", "--at", "-2h")
    task = one("case", "task", case, "--text", "Block it.", "--owner", other.name, "--due", "+1d")["task"]
    one("case", "link", case, ID.format(1), "--text", "The caller.")
    one("case", "set", case, "--task", task, "--state", "done", "--due", "none")
    one("case", "set", case, "--title", "A")
    other("case", "set", case, "--title", "B")
    level(one, other)
    one("case", "show", case)
    one("case", "list")
    one("case", "export", case, "--out", one.file("case"))


def play_warnings(one: Player, other: Player, circle: str) -> None:
    """Play warnings."""
    file = one.file("warning", WARNING)
    warning = one("warn", "publish", "--circle", circle, "--file", file)["warning"]
    one("warn", "publish", "--circle", circle, "--file", file, "--tlp", "TLP:RED", code=3, kind="(refused)")
    one("warn", "draft", "--file", file, "--tlp", "TLP:GREEN")
    level(one, other)
    other("warn", "assess", warning, "--agree", "--text", "So we see it.", "--source", "Sensor=B2")
    level(one, other)
    one("warn", "show", warning)
    one("warn", "list")
    one("warn", "export", warning, "--out", one.file("warning-export"))
    one("tempo")


def play_sessions(one: Player, other: Player, circle: str) -> None:
    """Play a session, its minutes and a disclosure."""
    session = one("session", "open", "--circle", circle, "--at", "+1d", "--title", "The quay")["session"]
    one("session", "delegate", session, "--head", "Hana", "--deputy", "Dmitri")
    one("session", "succeed", session)
    one("session", "invite", session, "--out", one.file("ics"))
    one("session", "agenda", session, "--add", "The crane", "--priority", "1")
    one("session", "join", session)
    decision = one("session", "decide", session, "--text", "We close the quay.", "--due", "+3d")["decision"]
    one("session", "vote", decision, "--yes", "--text", "Agreed.")
    level(one, other)
    other("session", "join", session)
    other("session", "vote", decision, "--no", "--text", "Not so.")
    level(one, other)
    one("session", "sign", session)
    one("session", "minutes", session, "--out", one.file("minutes.md"), kind="--out")
    level(one, other)
    other("session", "sign", session)
    other("session", "minutes", session, "--out", other.file("minutes"), kind="--out")
    level(one, other)
    one("session", "minutes", session)
    one("session", "show", session)
    one("session", "list")
    one("session", "export", session, "--out", one.file("session"))
    minutes = one("session", "show", session)["minutes"][0]["id"]
    one("ledger", "dossier", minutes, "--out", one.file("dossier"))
    made = one("disclose", "propose", "--circle", circle, "--text-file", one.file("line.md", "A quay is closed."))
    one("disclose", "approve", made["disclosure"])
    level(one, other)
    other("disclose", "approve", made["disclosure"])
    level(one, other)
    one("disclose", "show", made["disclosure"])
    one("disclose", "list")
    one("disclose", "export", made["disclosure"], "--out", one.file("disclosure"))


def play_changes(one: Player, other: Player, agreement: str, circle: str) -> None:
    """Play witnesses, changes of an agreement and changes of keys, which end what the members had."""
    key = other("witness", "key")["vkey"]
    one("witness", "use", "http://localhost:9/witness", key)
    one("witness", "list")
    foreign = note.Signer("log.example/one", note.ED25519, bytes([3]) * 32).verifier.vkey()
    other("witness", "log", foreign)
    other("witness", "logs")
    one("witness", "head", circle, "--out", one.file("head"), code=1, kind="(error)")
    one("witness", "drop", key)
    one("agreement", "list")
    one("agreement", "suspend", agreement, "--member", other.member)
    one("agreement", "suspend", agreement, "--member", other.member, "--resume")
    one("partner", "suspend", other.member, "--reason", "incident")
    one("agreement", "show", agreement)
    one("partner", "resume", other.member)
    third = Player(one.folder, "Third", 9003, one.seen)
    third("partner", "card", "--out", third.file("card"))
    one("partner", "add", third.file("card"))
    one("agreement", "amend", agreement, "--name", "Earlier warning")
    one("agreement", "continue", agreement, "--member", other.member)
    one("agreement", "show", agreement)
    one("partner", "card", "--out", one.file("last-card"))
    one("key", "rotate", "--recovery", one.file("recovery"), "--out", one.file("recovery.2"))
    one("agreement", "exit", agreement)
    one.home, before = one.folder / "anew", one.home
    one(
        "key", "succession", "begin", "--recovery", one.file("recovery.2"), "--card", one.file("last-card"),
        "--out", one.file("recovery.3"), "--new-card", one.file("new-card"), words=3, code=5, kind="(error)",
    )  # fmt: skip
    one.home = before
    one("partner", "card", "--out", one.file("newest-card"))
    one.home = one.folder / "anew"
    one(
        "key", "succession", "begin", "--recovery", one.file("recovery.2"), "--card", one.file("newest-card"),
        "--out", one.file("recovery.3"), "--new-card", one.file("new-card"), words=3,
    )  # fmt: skip
    one.home = before
    other("partner", "add", one.file("newest-card"))
    other("partner", "add", one.file("new-card"), kind="(succession)")
    other("key", "succession", "list", words=3)


def play(folder: Path) -> dict[str, str]:
    """Play all commands; return the shape of each answer, by command."""
    seen: dict[str, str] = {}
    one, other = Player(folder, "Harbour", 9001, seen), Player(folder, "Northwind", 9002, seen)
    agreement, circle = meet(one, other)
    play_home(one)
    play_items(one, other, circle)
    play_recalls(one, other, circle)
    play_requests(one, other, circle)
    play_warnings(one, other, circle)
    play_sessions(one, other, circle)
    play_changes(one, other, agreement, circle)
    return seen


def table(seen: dict[str, str]) -> str:
    """Return the shapes as the lines of a table."""
    return "".join(f"{name}: {fields}\n" for name, fields in sorted(seen.items()))


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Give the shape of each answer."""
    return play(tmp_path_factory.mktemp("answers"))


def test_every_answer_has_the_fields_that_programs_rely_on(seen: dict[str, str]) -> None:
    assert table(seen).splitlines() == TABLE.read_text("utf-8").splitlines()


def test_no_command_reaches_below_the_public_parts_of_a_node() -> None:
    commands = list(Path(main.__file__).with_name("commands").rglob("*.py"))
    assert len(commands) > 20
    assert [path.name for path in commands if ".base" in path.read_text("utf-8")] == []


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        TABLE.write_text(table(play(Path(made))), "utf-8")
