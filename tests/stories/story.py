"""What the stories share: small STIX objects, sharing in one call, and what a member holds of an id."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from entente.core import canon
from entente.core.ids import identity_id
from entente.core.marking import parse
from entente.formats.stix.markings import TLP_IDS
from entente.kinds.item import Header
from entente.ledger.log import Draft
from entente.node.rooms import offers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from entente.node import Node
    from entente.node.items.values import Imported

DAY = "2026-09-01T00:00:00.000Z"
LATER = "2026-09-02T00:00:00.000Z"
LAST = "2026-09-03T00:00:00.000Z"


def stix(type_: str, number: int, **more: object) -> dict[str, object]:
    """Return an object of a type that needs a name only, such as a campaign; None takes a property out."""
    found: dict[str, object] = {
        "type": type_,
        "spec_version": "2.1",
        "id": f"{type_}--{number:08x}-0000-4000-8000-0000000000aa",
        "created": DAY,
        "modified": DAY,
        "name": f"{type_} {number}",
        **more,
    }
    return {key: value for key, value in found.items() if value is not None}


def indicator(number: int, **more: object) -> dict[str, object]:
    """Return an indicator of an address."""
    facts = {"pattern": f"[ipv4-addr:value = '192.0.2.{number % 250}']", "pattern_type": "stix", "valid_from": DAY}
    return stix("indicator", number, indicator_types=["malicious-activity"], **{**facts, **more})


def identity(node: Node, **more: object) -> dict[str, object]:
    """Return the identity object that is derived from a member's id."""
    return stix("identity", 1, id=identity_id(node.base.me), identity_class="organization", **more)


def marked(tlp: str) -> dict[str, object]:
    """Return the property that marks an object."""
    return {"object_marking_refs": [TLP_IDS[parse(tlp)]]}


def id_of(thing: dict[str, object]) -> str:
    """Return the id of an object."""
    return str(thing["id"])


def raw(thing: dict[str, object]) -> bytes:
    """Return an object in a spelling that no library would choose, so that keeping the bytes is no accident."""
    return json.dumps(thing, separators=(" ,", ":  ")).encode()


def bundle(*things: dict[str, object]) -> bytes:
    """Return a bundle of objects."""
    head = b'{"type":"bundle","id":"bundle--00000000-0000-4000-8000-000000000001","objects":['
    return head + b",\n".join(raw(thing) for thing in things) + b"]}"


def give(node: Node, circle: str, *things: dict[str, object], tlp: str = "TLP:GREEN", file: str = "file") -> Imported:
    """Import objects and share what the policy allows."""
    return node.items.import_files([(file, bundle(*things))], tlp=tlp, circle=circle)


def forge(node: Node, circle: str, *things: dict[str, object], tlp: str = "TLP:GREEN") -> None:
    """Append objects to the node's own log of a circle as a dishonest member would: no rule is asked."""
    base = node.base
    with base.store.write() as tx:
        room = base.find_circle(base.in_force(tx), circle)
        drafts = []
        for thing in things:
            head = Header(parse(tlp), node.operator, "", str(thing["type"])).line()
            drafts.append(Draft("item/1", base.clock(), head, raw(thing)))
        base.append(tx, room, drafts)
    base.guard.mark()
    base.changed.set()


def shown(node: Node, id_: str) -> bytes:
    """Return the bytes of the version that is shown."""
    return dict(node.items.export(ids=[id_]))[id_]


def copies(node: Node, id_: str) -> list[tuple[bool, str, bytes]]:
    """Return (own, state, bytes) of every version held, oldest first."""
    with node.base.store.read() as tx:
        rows = tx.items.find([id_]).get(id_, [])
        return [(row.own, row.state, data) for row, data in tx.items.get([row.seq for row in rows])]


def holds(node: Node, id_: str) -> bool:
    """Say whether any version of an id is held."""
    return bool(copies(node, id_))


def refusals(node: Node, circle: str) -> list[tuple[str, str, int]]:
    """Return (origin hash, reason, index) of each entry that `node` refused by an act in its own log."""
    base = node.base
    with base.store.read() as tx:
        room = base.find_circle(base.in_force(tx), circle)
        row = tx.logs.get(room.origin(base.me))
        assert row is not None
        found: list[tuple[str, str, int]] = []
        for each in tx.payloads.get(row.id, 0, row.size):
            if each.kind == "refused/1":
                body = canon.decode(each.head + each.data)
                found += [(str(body["log"]), str(body["reason"]), index) for index, _ in _pairs(body["entries"])]
        return found


def reasons(node: Node, circle: str) -> list[str]:
    """Return the reasons under which `node` refused entries of a circle, in order."""
    return [reason for _, reason, _ in refusals(node, circle)]


def log_sizes(node: Node, circle: str) -> dict[str, int]:
    """Return for each member's name how many entries of its log of a circle are held."""
    base = node.base
    with base.store.read() as tx:
        room = base.find_circle(base.in_force(tx), circle)
        rows = [row for row in offers.logs_of(tx, room) if row.circle]
        return {base.name_of(tx, row.member): row.size for row in rows}


def refused_rules(decisions: Iterable[object]) -> set[str]:
    """Return the rules that refused something in a preview."""
    return {
        reason.rule
        for decision in decisions
        for reason in decision.reasons  # type: ignore[attr-defined]
        if not reason.allowed
    }


def _pairs(entries: object) -> list[tuple[int, str]]:
    assert isinstance(entries, list)
    return [(int(index), str(leaf)) for index, leaf in entries]
