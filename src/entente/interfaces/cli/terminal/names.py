"""Names of members, for people: what a partner calls itself, with the beginning of its id."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from entente.interfaces.cli.terminal import text

if TYPE_CHECKING:
    from entente.node import Node


def of(node: Node) -> Callable[[str], str]:
    """Return what names a member by its id: `Northwind (mzxw6ytboi4d)`, `this member`, or the id alone."""
    known = {partner.id: f"{partner.name} ({text.short(partner.id)})" for partner in node.partners.list()}
    known[node.member] = f"{node.name} (this member)"

    def name(id_: str) -> str:
        return known.get(id_) or id_

    return name
