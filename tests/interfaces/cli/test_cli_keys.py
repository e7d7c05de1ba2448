"""Keys and address change by the command line while `up` serves the same home: it goes on with the new ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from interfaces.cli.members import Pair, paired
from ports import free_port
from timing import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from interfaces.cli.members import Cli


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Give two members whose nodes run in processes of their own."""
    with paired(tmp_path_factory.mktemp("keys"), processes=True) as found:
        yield found


def arrives(member: Cli, item: str) -> bool:
    """Wait until an item has arrived at a member."""
    return until(lambda: item in {each["id"] for each in member("item", "list")["items"]}, item)


def test_keys_change_under_a_running_node_and_partners_go_on(pair: Pair) -> None:
    harbour, northwind = pair.harbour, pair.northwind
    before = harbour("ledger", "verify")["ok"]
    changed = harbour("key", "rotate", "--recovery", f"{harbour.home}.recovery")
    assert before
    assert changed["recovery"].endswith(".recovery.2")
    path, item = pair.indicator()
    harbour("item", "import", str(path), "--circle", pair.circle)
    assert arrives(northwind, item)
    path, other = pair.indicator()
    northwind("item", "import", str(path), "--circle", pair.circle)
    assert arrives(harbour, other)
    assert harbour("ledger", "verify")["ok"]
    assert northwind("ledger", "verify")["ok"]
    assert northwind("ledger", "evidence") == []


def test_the_address_changes_under_a_running_node(pair: Pair) -> None:
    harbour, northwind = pair.harbour, pair.northwind
    moved = f"http://localhost:{free_port()}"
    harbour("config", "set", "url", moved)
    path, item = pair.indicator()
    northwind("item", "import", str(path), "--circle", pair.circle)
    assert arrives(harbour, item)
    until(lambda: [each["url"] for each in northwind("partner", "list")] == [moved], "the address")
    assert [each["url"] for each in northwind("partner", "list")] == [moved]
