"""Watches: has anybody seen this item? For `test_toy_kind.py`; it becomes `entente/kinds/watch.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entente.core.kind import ALLOW, deny
from entente.core.recorded import Recorded, check_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entente.core.kind import Act, Context, Judgement
    from entente.core.recorded import Acts


def _values(body: Mapping[str, object]) -> None:
    check_number(body, "hours", 1, 72)


def _rule(state: Acts, act: Act, context: Context) -> Judgement:
    """Let a member ask once about an item."""
    del context
    before = [each.body["item"] for each in state.values() if each.author == act.author]
    return deny("asked") if act.body["item"] in before else ALLOW


KIND = Recorded("watch/1", {"item": str, "hours": int}, values=_values, rule=_rule)
"""Entries of kind `watch/1`: `item` is what to look for, `hours` how long."""
