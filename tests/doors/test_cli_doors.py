"""Whatever is typed or handed in as a file, a command answers in words, with the exit code of the contract.

Files that are broken in every way for `item import`, `partner add` and `agreement propose`; ids, markings, cursors and
numbers that are none; paths of `share redact` that lead nowhere. No traceback, and nothing half done.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from entente.interfaces.cli import main
from stories.homes import agree, houses, pair
from stories.story import bundle, id_of, indicator, raw

if TYPE_CHECKING:
    from pathlib import Path

GOOD = raw(indicator(1))
WORDS = (
    "",
    " ",
    "\0",
    "x",
    "\u202e",
    "é" * 300,
    "a" * 70_000,
    "--",
    "'; DROP TABLE item",
    "%s%n",
    "../../etc/passwd",
    "-1",
)
"""Arguments that name nothing."""


class Shell:
    """One member at the command line, in this process."""

    def __init__(self, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.home = home
        self._capsys = capsys

    def __call__(self, *arguments: str, codes: tuple[int, ...] = (0,)) -> Any:
        """Run a command with `--json`; return its document. Any, as JSON is."""
        self._capsys.readouterr()
        code = main.run(["--json", "--home", str(self.home), *arguments])
        out = self._capsys.readouterr()
        assert "Traceback" not in out.err + out.out
        assert code in codes, (arguments, code, out)
        document = json.loads(out.out)
        if code in (1, 2, 4, 5) and "rejected" not in document:
            assert set(document["error"]) == {"code", "message", "hint"}
            assert document["error"]["code"] != "internal", document
            assert document["error"]["message"]
        return document

    def held(self) -> list[str]:
        """Return the ids of all items."""
        return [item["id"] for item in self("item", "list", "--limit", "1000")["items"]]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Give the home of a member with a partner, and their circle."""
    folder = tmp_path_factory.mktemp("cli")
    with houses(folder, "Harbour", "Northwind") as (harbour, northwind):
        pair(harbour.node, northwind.node)
        circle = agree(harbour.node, northwind.node)
        harbour.node.items.import_files([("file", bundle(indicator(9000, labels=["a", "b"])))], tlp="TLP:GREEN")
        return harbour.home, circle


@pytest.fixture
def shell(place: tuple[Path, str], capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(place[0], capsys)


def wrong(number: int, **more: object) -> bytes:
    """Return an indicator of which some properties are wrong."""
    return raw(indicator(number, **more))


ROWS: dict[str, tuple[bytes, str]] = {
    "no id": (wrong(100, id=None), "id"),
    "an id that is none": (wrong(101, id="indicator--1"), "id"),
    "an id of another type": (wrong(102, id="malware--00000066-0000-4000-8000-0000000000aa"), "type|id"),
    "an id that is a number": (b'{"type":"indicator","id":7}', "id|str"),
    "no type": (wrong(103, type=None), "type"),
    "no time": (wrong(104, modified="soon"), "modified|time|RFC"),
    "a time without a zone": (wrong(105, modified="2026-09-01T00:00:00"), "modified|time|zone"),
    "the 30th of February": (wrong(106, modified="2026-02-30T00:00:00Z"), "modified|time|RFC"),
    "a version of the future": (wrong(107, spec_version="3.0"), "3.0"),
    "a number": (b"7", "object"),
    "null": (b"null", "object"),
    "a list": (b"[]", "object"),
    "deep": (raw(indicator(108, x_deep=0)).replace(b"0}", b"[" * 200 + b"]" * 200 + b"}"), "deep"),
    "the same property twice": (raw(indicator(109)).replace(b"{", b'{"id":"indicator--x",', 1), "twice|id"),
    "a marking that is none": (wrong(110, object_marking_refs=["nosuch"]), "marking"),
    "markings that are no list": (wrong(111, object_marking_refs="TLP:RED"), "object_marking_refs|array"),
    "a revocation that is a word": (wrong(112, revoked="yes"), "revoked|bool"),
    "too large": (wrong(113, description="x" * (2 << 20)), "bytes|large|MiB|limit"),
}


@pytest.mark.parametrize("row", list(ROWS))
def test_a_broken_row_is_listed_with_place_and_reason_and_the_rest_is_stored(
    shell: Shell, tmp_path: Path, row: str
) -> None:
    data, reason = ROWS[row]
    at = 2000 + 2 * list(ROWS).index(row)
    before, after = indicator(at), indicator(at + 1)
    path = tmp_path / "file.json"
    path.write_bytes(
        b'{"type":"bundle","id":"bundle--00000000-0000-4000-8000-000000000001","objects":['
        + b",".join((raw(before), data, raw(after)))
        + b"]}"
    )
    strict = shell("item", "import", str(path), "--strict", codes=(1,))
    assert (strict["stored"], [each["position"] for each in strict["rejected"]]) == (0, [2])
    assert not {id_of(before), id_of(after)} & set(shell.held())
    done = shell("item", "import", str(path))
    assert (done["read"], done["stored"]) == (3, 2)
    (rejected,) = done["rejected"]
    assert (rejected["position"], rejected["file"]) == (2, "file.json")
    assert re.search(reason, rejected["reason"]), rejected
    assert {id_of(before), id_of(after)} <= set(shell.held())


FILES: dict[str, bytes] = {
    "nothing": b"",
    "spaces": b" \n\t ",
    "text": b"hello",
    "a number": b"7",
    "XML": b'<?xml version="1.0"?><stix/>',
    "UTF-16": '{"type":"bundle"}'.encode("utf-16"),
    "not UTF-8": b'{"type":"bundle","id":"\xff","objects":[]}',
    "cut short": b'{"type":"bundle","id":"bundle--1","objects":[' + GOOD[:-10],
    "a comma too many": b"[" + GOOD + b",]",
    "deep arrays": b"[" * 100_000,
    "deep objects": b'{"a":' * 100_000,
    "objects that are no list": b'{"type":"bundle","objects":{}}',
    "objects twice": b'{"type":"bundle","objects":[],"objects":[]}',
    "not a number": b'{"type":"bundle","objects":[NaN]}',
    "a zip": b"PK\x03\x04" + bytes(100),
    "zeros": bytes(10_000),
    "single quotes": b"{'type':'bundle'}",
}


@pytest.mark.parametrize("file", list(FILES))
def test_a_file_that_cannot_be_read_is_named_and_stores_nothing(shell: Shell, tmp_path: Path, file: str) -> None:
    path = tmp_path / "broken.json"
    path.write_bytes(FILES[file])
    before = shell.held()
    for options in ((), ("--strict",), ("--tlp", "TLP:GREEN")):
        answer = shell("item", "import", str(path), *options, codes=(1,))
        assert "broken.json" in answer["error"]["message"]
    assert shell.held() == before


def test_of_many_lines_the_broken_ones_are_listed_by_line(shell: Shell, tmp_path: Path) -> None:
    lines = [raw(indicator(3000)), b"{broken", raw(indicator(3001)), b'{"type":"\xff"}', b"", raw(indicator(3002))]
    path = tmp_path / "lines.jsonl"
    path.write_bytes(b"\n".join(lines))
    done = shell("item", "import", str(path))
    assert done["stored"] == 3
    assert [each["position"] for each in done["rejected"]] == [2, 4]


def test_of_several_files_a_broken_one_is_told_with_what_was_stored_before_it(shell: Shell, tmp_path: Path) -> None:
    good, broken = tmp_path / "good.json", tmp_path / "broken.json"
    good.write_bytes(raw(indicator(3100)))
    broken.write_bytes(b"{")
    answer = shell("item", "import", str(good), str(broken), codes=(1,))
    assert "broken.json" in answer["error"]["message"]
    assert "1 object" in answer["error"]["hint"]
    assert id_of(indicator(3100)) in shell.held()
    strict = tmp_path / "strict.json"
    strict.write_bytes(raw(indicator(3101)))
    shell("item", "import", str(strict), str(broken), "--strict", codes=(1,))
    assert id_of(indicator(3101)) not in shell.held()


MARKINGS = ("TLP", "TLP:", "TLP:PURPLE", "PAP:GREEN", "TLP:RED\0", "\uff34\uff2c\uff30:RED", "tlp:amber+", "red;green")


@pytest.mark.parametrize("marking", MARKINGS)
def test_a_marking_that_is_none_is_refused_before_anything_is_stored(
    shell: Shell, tmp_path: Path, marking: str
) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(raw(indicator(3200)))
    shell("item", "import", str(path), "--tlp", marking, codes=(1, 2))
    assert id_of(indicator(3200)) not in shell.held()
    shell("circle", "open", "--agreement", "Agreement", "--with", "Northwind", "--ceiling", marking, codes=(1, 2))


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize(
    "command",
    [
        ("item", "show"),
        ("item", "acknowledge"),
        ("share", "why"),
        ("share", "preview", "--circle", "Agreement"),
        ("share", "send", "--circle", "Agreement"),
        ("share", "redact", "--drop", "description"),
        ("ledger", "receipts"),
        ("ledger", "proof", "--out", "proof"),
        ("agreement", "show"),
        ("agreement", "sign"),
        ("partner", "confirm", "--words", "a b c d e f"),
        ("item", "list", "--circle"),
        ("item", "list", "--cursor"),
        ("item", "list", "--limit"),
        ("item", "export", "--id"),
        ("sync", "--partner"),
        ("agreement", "propose", "--with"),
        ("circle", "open", "--with", "Northwind", "--agreement"),
        ("partner", "join", "--code", "042-abacus-zoom"),
        ("partner", "join", "http://127.0.0.1:9", "--code"),
    ],
    ids=" ".join,
)
def test_a_word_that_names_nothing_is_answered_in_words(
    shell: Shell, command: tuple[str, ...], word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if word == "" and command[-1] in {"--circle", "--cursor", "--partner", "--id"}:
        return  # an empty option is an option that was not given
    shell(*command, word, codes=(1, 2, 5))
    assert not (tmp_path / "proof").exists()


def card(shell: Shell, tmp_path: Path) -> dict[str, Any]:
    path = tmp_path / "own.card"
    shell("partner", "card", "--out", str(path))
    return dict(json.loads(path.read_bytes()))


def test_a_broken_card_is_refused(shell: Shell, tmp_path: Path) -> None:
    good = card(shell, tmp_path)
    keys = good["keys"]
    entry = keys["entries"][0]
    cards: dict[str, bytes] = {f"file {name}": data for name, data in FILES.items()}
    for name, changed in {
        "another version": {**good, "entente-card": 2},
        "a version that is true": {**good, "entente-card": True},
        "another member": {**good, "member": "a" * 52},
        "a member that is a number": {**good, "member": 7},
        "one field more": {**good, "more": 1},
        "no keys": {"entente-card": 1, "member": good["member"]},
        "keys that are a list": {**good, "keys": []},
        "no entries": {**good, "keys": {**keys, "entries": []}},
        "no note": {**good, "keys": {**keys, "note": ""}},
        "a note of nobody": {**good, "keys": {**keys, "note": keys["note"].replace("A", "B")}},
        "an entry twice": {**good, "keys": {**keys, "entries": [entry, entry]}},
        "another time": {**good, "keys": {**keys, "entries": [{**entry, "t": entry["t"] + 1}]}},
        "a time below zero": {**good, "keys": {**keys, "entries": [{**entry, "t": -1}]}},
        "another salt": {**good, "keys": {**keys, "entries": [{**entry, "salt": "A" * 22 + "=="}]}},
        "a payload that is none": {**good, "keys": {**keys, "entries": [{**entry, "payload": "AAAA"}]}},
        "base64 with a line break": {
            **good,
            "keys": {**keys, "entries": [{**entry, "payload": entry["payload"][:8] + "\n" + entry["payload"][8:]}]},
        },
        "another kind": {**good, "keys": {**keys, "entries": [{**entry, "k": "item/1"}]}},
    }.items():
        cards[name] = json.dumps(changed).encode()
    cards["too large"] = json.dumps({**good, "more": "x" * 300_000}).encode()
    path = tmp_path / "broken.card"
    before = shell("partner", "list")
    for name, data in cards.items():
        path.write_bytes(data)
        answer = shell("partner", "add", str(path), codes=(1, 5))
        assert "error" in answer, name
    assert shell("partner", "list") == before
    assert shell("partner", "add", str(tmp_path / "own.card"), codes=(1,))["error"]["code"] == "conflict"


TERMS: dict[str, object] = {
    "a term that is none": {"nosuch": 1},
    "a kind that is none": {"kinds": ["item"]},
    "kinds that are a word": {"kinds": "item/1"},
    "an onward that is none": {"onward": "always"},
    "days below zero": {"retention_days": -1},
    "days that are a word": {"retention_days": "30"},
    "days that are true": {"retention_days": True},
    "days that are a fraction": {"retention_days": 1.5},
    "four eyes that are a number": {"four_eyes": 1},
    "a quorum of one of two": {"quorum": 1},
    "a quorum of three of two": {"quorum": 3},
    "a limit below zero": {"limits": {"payload": -1}},
    "a limit that is none": {"limits": {"nosuch": 1}},
    "limits that are a list": {"limits": []},
    "a text without end": {"text": "x" * 40_000},
    "null": {"text": None},
    "a list": [],
    "a word": "terms",
}


def test_terms_that_are_none_are_refused_and_nothing_is_proposed(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "terms.json"
    before = shell("agreement", "list")
    files = {name: json.dumps(terms).encode() for name, terms in TERMS.items()} | FILES
    for name, data in files.items():
        path.write_bytes(data)
        answer = shell("agreement", "propose", "--with", "Northwind", "--name", name, "--file", str(path), codes=(1, 2))
        assert "error" in answer, name
    shell("agreement", "propose", "--with", "Northwind", "--template", "nosuch", codes=(1, 2))
    shell("agreement", "propose", "--with", "Northwind", "--file", str(tmp_path / "nosuch"), codes=(1, 2))
    assert shell("agreement", "list") == before


PATHS = (
    *(word for word in WORDS if word),
    "id",
    "type",
    "created",
    "object_marking_refs",
    "pattern",
    "labels.[99]",
    "labels.[-1]",
    "labels.[x]",
    "labels.[0].deeper",
    "name.[0]",
    "nosuch",
    "nosuch.*",
    "." * 1_000,
    "[" * 1_000,
)


@pytest.mark.parametrize("path", PATHS)
def test_a_path_that_cannot_be_dropped_makes_no_new_item(shell: Shell, path: str) -> None:
    before = shell.held()
    shell("share", "redact", id_of(indicator(9000)), "--drop", path, codes=(1, 2, 3))
    assert shell.held() == before


@pytest.mark.parametrize(
    "url",
    ["", "nosuch", "ftp://a", "http://example.org", "https://", "http://127.0.0.1:0", "https://a/b", "https://a:99999"],
)
def test_an_address_that_nobody_can_call_founds_no_member(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], url: str
) -> None:
    shell = Shell(tmp_path / "new", capsys)
    shell("init", "--name", "New", "--url", url, codes=(1, 2))
    assert not (tmp_path / "new").exists()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["", " ", "a" * 81, "a\nb", "a\u202eb", "abcdefghijklmnopqrstuvwxyz234567", "\ud800"])
def test_a_name_that_could_deceive_founds_no_member(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    shell = Shell(tmp_path / "new", capsys)
    shell("init", "--name", name, "--url", "http://127.0.0.1:9000", codes=(1, 2))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff", b'{"log":"zz"}', b"[" * 100_000])
@pytest.mark.parametrize("file", ["secrets.json", "guard.json", "entente.db"])
def test_a_home_with_a_broken_file_is_told_and_not_repaired_in_silence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], file: str, data: bytes
) -> None:
    shell = Shell(tmp_path / "new", capsys)
    shell("init", "--name", "New", "--url", "http://127.0.0.1:9000")
    (tmp_path / "new" / file).write_bytes(data)
    codes = (0, 5) if file == "guard.json" else (1, 5)
    shell("ledger", "verify", codes=codes)
    shell("item", "list", codes=(0,) if file == "guard.json" else (1, 5))
