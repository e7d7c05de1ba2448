"""What must not leave does not leave: Harbour tries to share a TLP:RED item, and one above the circle's ceiling.

The command refuses with exit 3 and says which rule it was and who can change it. After rounds between real homes no
byte of either item and neither id stands in any file of Northwind's home, its write-ahead log included.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from interfaces.cli.members import Cli
from stories.homes import agree, houses, pair
from stories.story import bundle, id_of, indicator, marked

if TYPE_CHECKING:
    from pathlib import Path

RED = indicator(1, id="indicator--7f3e9a51-c2d4-4b86-9e0f-5a1b3c7d8e92", name="Crimson heron", **marked("TLP:RED"))
ABOVE = indicator(
    2, id="indicator--e18b5c07-39fa-4d12-b6a4-8c70d2f96e35", name="Umber heron", **marked("TLP:AMBER+STRICT")
)
UNMARKED = indicator(3, id="indicator--94c2f7d8-5e1b-4a60-8d39-b7e06a41c5f2", name="Pale heron")
FINE = indicator(4, name="Grey heron", **marked("TLP:GREEN"))


class Case:
    """Two homes on disk, four items at Harbour."""

    def __init__(self, folder: Path) -> None:
        with houses(folder, "Harbour", "Northwind") as (harbour, northwind):
            pair(harbour.node, northwind.node)
            self.circle = agree(harbour.node, northwind.node)
            harbour.node.items.import_files([("items", bundle(RED, ABOVE, UNMARKED, FINE))])
            self.harbour = Cli(harbour.home, "Harbour", harbour.node.url)
            self.northwind = Cli(northwind.home, "Northwind", northwind.node.url)

    def sync(self) -> None:
        with self.harbour.up():
            self.northwind("sync")


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return Case(tmp_path_factory.mktemp("refused"))


@pytest.mark.parametrize(
    ("thing", "rules"),
    [(RED, {"red", "ceiling"}), (ABOVE, {"ceiling"}), (UNMARKED, {"no-marking"})],
    ids=["red", "above the ceiling", "no marking"],
)
def test_it_is_refused_with_exit_3_and_the_rule(case: Case, thing: dict[str, object], rules: set[str]) -> None:
    answer = case.harbour("share", "send", id_of(thing), "--circle", case.circle, code=3)
    assert answer["allowed"] is False
    reasons = [reason for each in answer["decisions"] for reason in each["reasons"] if not reason["allowed"]]
    assert {reason["rule"] for reason in reasons} == rules
    assert all(reason["text"] and reason["who"] for reason in reasons)


def test_an_import_that_shares_counts_what_each_rule_kept_back(case: Case, tmp_path: Path) -> None:
    path = tmp_path / "again.json"
    path.write_bytes(bundle(RED, ABOVE, UNMARKED))
    answer = case.harbour("item", "import", str(path), "--circle", case.circle, code=3)
    assert answer["shared"] == 0
    assert answer["refused"] == {"red": 1, "ceiling": 2, "no-marking": 1}


def test_one_refused_item_keeps_back_all_that_are_sent_with_it(case: Case) -> None:
    case.harbour("share", "send", id_of(FINE), id_of(RED), "--circle", case.circle, code=3)
    assert case.harbour("share", "why", id_of(FINE)) == []


def test_no_byte_of_it_reaches_the_partners_home(case: Case) -> None:
    case.harbour("share", "send", id_of(RED), id_of(ABOVE), id_of(UNMARKED), "--circle", case.circle, code=3)
    case.harbour("share", "send", id_of(FINE), "--circle", case.circle)
    case.sync()
    assert case.northwind("item", "show", id_of(FINE))["object"] == FINE
    files = {path.name: path.read_bytes() for path in case.northwind.home.rglob("*") if path.is_file()}
    assert any(b"Grey heron" in data for data in files.values())
    for thing in (RED, ABOVE, UNMARKED):
        id_ = id_of(thing)
        # The store keeps the parts of an id apart, so both halves are looked for too, as text and as bytes.
        number = id_.partition("--")[2].replace("-", "")
        traces = [id_, id_[-36:], id_[-17:], number, number[16:], str(thing["name"]), str(thing["pattern"])]
        sought = [trace.encode() for trace in traces] + [bytes.fromhex(half) for half in (number[:16], number[16:])]
        found = [(name, trace) for name, data in files.items() for trace in sought if trace in data]
        assert found == []
    case.northwind("item", "show", id_of(RED), code=1)


def test_the_ledger_of_both_is_whole_afterwards(case: Case) -> None:
    assert case.harbour("ledger", "verify")["ok"]
    assert case.northwind("ledger", "verify")["ok"]
