"""A warning between two real homes over real sockets: published, doubted, the doubt's words withdrawn, exported."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from stix2validator import ValidationOptions, validate_string

from entente.interfaces.cli import main
from stories.homes import agree, houses, pair, settle

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from stories.homes import House

TEXT = {
    "title": "Outage of the port systems is threatened",
    "text": "A group announces that it will stop the cranes.",
    "likelihood": "very likely",
    "confidence": "moderate",
    "sources": [{"name": "Coast Courier", "grade": "B2", "original": "Harbour Authority"}],
    "places": ["NO"],
    "valid_until": "2099-12-01",
    "tlp": "TLP:GREEN",
}


class Desk:
    """The command line of one house, in this process."""

    def __init__(self, house: House, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
        self.house = house
        self.capture = capsysbinary

    def __call__(self, *arguments: str, code: int = 0) -> object:
        """Run a command with `--json` and return its document."""
        done = main.run(["--home", str(self.house.home), "--json", *arguments])
        out, err = self.capture.readouterr()
        assert done == code, (arguments, out, err)
        return json.loads(out)


def test_a_warning_is_doubted_and_the_doubt_stays(tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    with houses(tmp_path, "Harbour", "Northwind") as (one, other):
        pair(one.node, other.node)
        circle = agree(one.node, other.node)
        harbour, northwind = Desk(one, capsysbinary), Desk(other, capsysbinary)
        file = tmp_path / "warning.json"
        file.write_text(json.dumps(TEXT | {"sources": []}))
        refused = harbour("warn", "publish", "--circle", circle, "--file", str(file), code=3)
        rules = {each["rule"] for decision in refused["decisions"] for each in decision["reasons"]}  # type: ignore[index]
        assert "no-source" in rules
        assert harbour("warn", "list") == []
        file.write_text(json.dumps(TEXT))
        made = harbour("warn", "publish", "--circle", circle, "--file", str(file))
        assert set(made) == {"warning", "item"}  # type: ignore[call-overload]
        settle(one.node, other.node)
        (seen,) = northwind("warn", "list")  # type: ignore[misc]
        expected = {
            "id": made["warning"],  # type: ignore[index]
            "from": one.node.member,
            "title": TEXT["title"],
            "likelihood": "very likely",
            "range": [80, 95],
            "confidence": "moderate",
            "valid_until": "2099-12-01T23:59:59.999Z",
            "independent": 1,
            "state": "active",
        }
        assert {name: seen[name] for name in expected} == expected
        source = {"name": "Coast Courier", "url": "", "grade": "B2", "original": "Harbour Authority", "chain": []}
        assert seen["sources"] == [source]
        id_ = str(seen["id"])
        said = northwind("warn", "assess", id_[:12], "--disagree", "--text", "Bluster.", "--source", "A bar=E5")
        harbour("warn", "assess", id_, "--agree", "--text", "We agree with us.", code=3)
        northwind("warn", "assess", id_, "--text", "Neither.", code=2)
        settle(one.node, other.node)
        northwind("share", "withdraw", str(said["item"]))  # type: ignore[index]
        settle(one.node, other.node)
        for desk in (harbour, northwind):
            (doubt,) = desk("warn", "show", id_)["assessments"]  # type: ignore[index]
            assert (doubt["member"], doubt["verdict"], doubt["text"], doubt["text_state"]) == (
                *(other.node.member, "disagree", "", "erased"),
            )
        out = tmp_path / "warning-bundle.json"
        northwind("warn", "export", id_, "--out", str(out))
        checked = validate_string(out.read_text(), ValidationOptions(version="2.1", strict=True, silent=True))
        assert checked.errors == []
        assert b"Bluster" not in b"".join(one.files().values())


def test_a_draft_is_published_by_another_person(tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    with houses(tmp_path, "Harbour", "Northwind") as (one, other):
        pair(one.node, other.node)
        circle = agree(one.node, other.node)
        harbour = Desk(one, capsysbinary)
        harbour("config", "set", "four-eyes", "on")
        harbour("person", "add", "Mara", "--role", "releaser")
        file = tmp_path / "warning.json"
        file.write_text(json.dumps(TEXT))
        harbour("warn", "publish", "--circle", circle, "--file", str(file), code=3)
        draft = harbour("warn", "draft", "--file", str(file))
        item = str(draft["item"])  # type: ignore[index]
        made = harbour("--as", "Mara", "warn", "publish", "--circle", circle, "--item", item)
        assert made["item"] == item  # type: ignore[index]
        harbour("warn", "publish", "--circle", circle, code=2)
