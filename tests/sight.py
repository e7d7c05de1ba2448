"""A circle as one member sees it: logs, folds, items, receipts; for the simulators, which compare members."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from entente.core import canon
from entente.core.ids import b32, origin_hash
from entente.kinds import item
from entente.ledger import witness
from entente.ledger.log import root_of
from entente.node.rooms import offers
from entente.policy.shown import settle

if TYPE_CHECKING:
    from entente.node import Node
    from entente.node.rooms.room import Room
    from entente.store.ports import LogRow, Transaction


class Sight:
    """A circle as one member sees it."""

    def __init__(self, node: Node, circle: bytes) -> None:
        with node.base.store.read() as tx:
            network = node.base.in_force(tx)
            room = network.rooms.require(circle)
            rows = [row for row in offers.logs_of(tx, room) if row.circle]
            self.logs = {row.origin: (row.size, row.signed, root_of(row)) for row in rows}
            self.acts = self._acts(network, room)
            copies = self._copies(tx, rows)
            self.standing = {key: state for key, (state, _, _) in copies.items()}
            self.shown = self._shown(copies)
            self.unwitnessed = [row.origin for row in rows if not self._complete(tx, row, room)]
            self.doubled = [row.origin for row in rows if self._doubled(tx, row)]

    def _acts(self, network: object, room: Room) -> object:
        states = network.view.states  # type: ignore[attr-defined]
        things = (room.revision, room.circle)
        return (
            network.state(room),  # type: ignore[attr-defined]
            {thing: dict(states["approval/1"].get(thing, {})) for thing in things if thing in states["approval/1"]}
            if room.founding
            else dict(states["approval/1"].get(room.circle, {})),
            dict(states["profile/1"].get(room.key, {})),
            {key: each for key, each in states["person/1"].items() if key[0] == room.key},
            states["membership/1"].get(room.key),
        )

    def _copies(self, tx: Transaction, rows: list[LogRow]) -> dict[tuple[str, int], tuple[str, object, bytes]]:
        """Return by entry its state ("refused" where no payload is kept), item row and bytes."""
        found: dict[tuple[str, int], tuple[str, object, bytes]] = {}
        for row in rows:
            for each in tx.payloads.get(row.id, 0, row.size):
                if each.kind == item.NAME and each.item:
                    ((held, data),) = tx.items.get([each.item])
                    denied = tx.records.get("denied", f"{b32(row.circle)}/{each.item:012d}") is not None
                    out = denied or held.state != "held"
                    found[row.origin, each.index] = ("out" if out else "held", held, data)
            for index in set(range(row.size)) - {each.index for each in tx.payloads.get(row.id, 0, row.size)}:
                found[row.origin, index] = ("out", None, b"")
        return found

    def _shown(self, copies: dict[tuple[str, int], tuple[str, object, bytes]]) -> dict[str, tuple[int, bytes]]:
        held = {copy.seq: (copy, data) for state, copy, data in copies.values() if state == "held"}  # type: ignore[attr-defined]
        by_id: dict[str, list[object]] = {}
        for copy, _ in held.values():
            by_id.setdefault(copy.stix_id, []).append(copy)
        shown: dict[str, tuple[int, bytes]] = {}
        for stix_id, rows in by_id.items():
            changed = {each.seq: each for each in settle(rows, lambda seq: held[seq][1])}  # type: ignore[arg-type]
            final = [changed.get(row.seq, row) for row in rows]  # type: ignore[attr-defined]
            (top,) = [row for row in final if row.top]  # type: ignore[attr-defined]
            shown[stix_id] = (top.modified, held[top.seq][1])  # type: ignore[attr-defined]
        return shown

    def _complete(self, tx: Transaction, row: LogRow, room: Room) -> bool:
        """Say whether every other member has said that it saw and holds all of this log."""
        said = {(each.member, each.stage): each.size for each in witness.of_log(tx, origin_hash(row.origin))}
        others = [member for member in room.members if member != row.member]
        return row.size == 0 or all(
            said.get((other, stage)) == row.size for other in others for stage in ("witnessed", "stored")
        )

    def _doubled(self, tx: Transaction, row: LogRow) -> list[object]:
        """Return the items that stand twice in one log, and the entries that one log refuses twice."""
        counts: Counter[object] = Counter()
        for each in tx.payloads.get(row.id, 0, row.size):
            if each.kind == item.NAME:
                counts[each.data] += 1
            elif each.kind == "refused/1":
                body = canon.decode(each.data)
                counts.update((body["log"], index) for index, _ in body["entries"])  # type: ignore[union-attr]
        return [key for key, count in counts.items() if count > 1]
