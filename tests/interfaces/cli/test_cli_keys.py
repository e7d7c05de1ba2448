"""Keys and address change by the command line while `up` serves the same home: it goes on with the new ones."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from interfaces.cli.cli_world import Cli, free_port

if TYPE_CHECKING:
    from interfaces.cli.cli_world import Pair


def arrives(member: Cli, item: str) -> bool:
    """Say whether an item arrives at a member within a quarter of a minute."""
    for _ in range(60):
        if item in {each["id"] for each in member("item", "list")["items"]}:
            return True
        time.sleep(0.25)
    return False


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
    for _ in range(60):
        if [each["url"] for each in northwind("partner", "list")] == [moved]:
            break
        time.sleep(0.25)
    assert [each["url"] for each in northwind("partner", "list")] == [moved]
