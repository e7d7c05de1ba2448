"""What must not leave does not leave: Harbour tries to share a TLP:RED item, and one above the circle's ceiling.

The command refuses with exit 3 and says which rule it was and who can change it. After rounds between real homes no
byte of either item and neither id stands in any file of Northwind's home, its write-ahead log included.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from interfaces.cli.cli_world import Cli, make
from stories.story import bundle, id_of, indicator, marked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RED = indicator(1, name="Crimson heron", **marked("TLP:RED"))
ABOVE = indicator(2, name="Umber heron", **marked("TLP:AMBER+STRICT"))
UNMARKED = indicator(3, name="Pale heron")
FINE = indicator(4, name="Grey heron", **marked("TLP:GREEN"))


class Case:
    """Two homes on disk, four items at Harbour."""

    def __init__(self, folder: Path) -> None:
        self.harbour, self.northwind = make(folder, "Harbour").init(), make(folder, "Northwind").init()
        harbour, northwind = self.harbour, self.northwind
        for side, other in ((harbour, northwind), (northwind, harbour)):
            side("partner", "card", "--out", str(folder / f"{side.name}.card"))
            other("partner", "add", str(folder / f"{side.name}.card"))
        harbour("partner", "confirm", "Northwind", "--words", northwind.words)
        with harbour.up():
            northwind("partner", "confirm", "Harbour", "--words", harbour.words)
            made = harbour("agreement", "propose", "--with", "Northwind", "--name", "Early warning")
            harbour("agreement", "sign", made["agreement"])
            northwind("sync")
            northwind("agreement", "sign", made["agreement"])
            northwind("sync")
        self.circle = made["circle"]
        path = folder / "items.json"
        path.write_bytes(bundle(RED, ABOVE, UNMARKED, FINE))
        assert harbour("item", "import", str(path))["stored"] == 4

    def sync(self) -> None:
        with self.harbour.up():
            self.northwind("sync")


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    return Case(tmp_path_factory.mktemp("refused"))


@pytest.mark.parametrize(
    ("thing", "rules"),
    [(RED, {"red", "ceiling"}), (ABOVE, {"ceiling"}), (UNMARKED, {"no-marking"})],
    ids=["red", "above the ceiling", "no marking"],
)
@pytest.mark.parametrize("command", ["send", "import"])
def test_it_is_refused_with_exit_3_and_the_rule(
    case: Case, tmp_path: Path, thing: dict[str, object], rules: set[str], command: str
) -> None:
    if command == "send":
        answer = case.harbour("share", "send", id_of(thing), "--circle", case.circle, code=3)
        assert answer["allowed"] is False
        reasons = [reason for each in answer["decisions"] for reason in each["reasons"] if not reason["allowed"]]
        assert {reason["rule"] for reason in reasons} == rules
        assert all(reason["text"] and reason["who"] for reason in reasons)
    else:
        path = tmp_path / "again.json"
        path.write_bytes(bundle(thing))
        answer = case.harbour("item", "import", str(path), "--circle", case.circle, code=3)
        assert answer["shared"] == 0
        assert set(answer["refused"]) == rules


def test_one_refused_item_keeps_back_all_that_are_sent_with_it(case: Case) -> None:
    case.harbour("share", "send", id_of(FINE), id_of(RED), "--circle", case.circle, code=3)
    assert case.harbour("share", "why", id_of(FINE)) == []


def test_no_byte_of_it_reaches_the_partners_home(case: Case) -> None:
    for thing in (RED, ABOVE, UNMARKED):
        case.harbour("share", "send", id_of(thing), "--circle", case.circle, code=3)
    case.harbour("share", "send", id_of(FINE), "--circle", case.circle)
    case.sync()
    assert case.northwind("item", "show", id_of(FINE))["object"] == FINE
    files = {path.name: path.read_bytes() for path in case.northwind.home.rglob("*") if path.is_file()}
    assert any(b"Grey heron" in data for data in files.values())
    for thing in (RED, ABOVE, UNMARKED):
        id_ = id_of(thing)
        # The store keeps type and number of an id apart, so the number alone is looked for too, as text and as bytes.
        number = id_.partition("--")[2]
        traces = [id_, number, number.replace("-", ""), str(thing["name"]), str(thing["pattern"])]
        sought = [trace.encode() for trace in traces] + [bytes.fromhex(number.replace("-", ""))]
        found = [(name, trace) for name, data in files.items() for trace in sought if trace in data]
        assert found == []
        case.northwind("item", "show", id_, code=1)


def test_the_ledger_of_both_is_whole_afterwards(case: Case) -> None:
    assert case.harbour("ledger", "verify")["ok"]
    assert case.northwind("ledger", "verify")["ok"]
