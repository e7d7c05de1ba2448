"""The items of a warning in the store: kept as our own, shared with its room together, found again by the act.

All of it happens inside the caller's transaction, so that an item that may not go leaves no trace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from entente.core.errors import NotFoundError, RefusedError
from entente.core.ids import Member, b32, identity_id
from entente.core.marking import Tlp
from entente.formats.stix import facts
from entente.formats.stix.joint.extension import ObjectHead, member_identity, object_refs
from entente.kinds import item
from entente.node.items import erasing
from entente.node.items.projection import resettle
from entente.node.work.acts import NOBODY
from entente.store.ports import NewItem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entente.core.kind import Act
    from entente.formats.stix.joint.extension import Named
    from entente.node.home.base import Base
    from entente.node.items.sharing import Sharing
    from entente.node.items.values import Preview
    from entente.node.work.acts import Reader, Writer
    from entente.store.ports import ItemRow, Transaction


class WithheldError(RefusedError):
    """A rule keeps an item back, and `preview` says which; whoever holds the transaction lets it go."""

    def __init__(self, preview: Preview) -> None:
        super().__init__("A rule keeps an item from the circle; nothing was written.", code="withheld")
        self.preview = preview


def heads(base: Base, marking: Tlp, count: int) -> list[ObjectHead]:
    """Return the beginnings of so many new objects of ours."""
    by, now = identity_id(base.me), base.now()
    return [ObjectHead(noise=base.random(16), by=by, now=now, marking=marking) for _ in range(count)]


def keep(tx: Transaction, base: Base, made: Sequence[Named], marking: Tlp, person: str) -> list[int]:
    """Keep new objects as items of ours; return their rows."""
    rows = [
        item.row(
            facts(each.data, pointers=False),
            author=base.me,
            tlp=int(marking),
            time=base.clock(),
            person=person,
            own=True,
        )
        for each in made
    ]
    return tx.items.add([NewItem(row, each.data) for row, each in zip(rows, made, strict=True)])


def identity(tx: Transaction, base: Base) -> list[int]:
    """Return the item row of this member's own identity object, made by the node if there is none.

    It says no more than what every partner knows, so it is marked TLP:CLEAR. No row if it was recalled.
    """
    id_ = identity_id(base.me)
    held = tx.items.find([id_]).get(id_, [])
    if mine := [row for row in held if row.own and row.latest]:
        return [mine[-1].seq]
    if erasing.tomb_of(tx, id_) is not None:
        return []
    now = base.now()
    row = item.row(
        facts(data := member_identity(id_, base.name_of(tx, base.me), now), pointers=False),
        author=base.me,
        tlp=int(Tlp.CLEAR),
        time=base.clock(),
        person=NOBODY,
        own=True,
    )
    seqs = tx.items.add([NewItem(row, data)])
    if held:
        resettle(tx, [id_])
    return seqs


def named(tx: Transaction, author: Member, data: bytes) -> list[int]:
    """Return the rows of what a report or an opinion is about, as far as its own author brought it."""
    found = tx.items.find(sorted(set(object_refs(data))))
    return [each.seq for rows in found.values() for each in rows if each.author == author and each.latest]


def mine(tx: Transaction, base: Base, stix_id: str) -> tuple[ItemRow, bytes]:
    """Return our own newest copy of an item; NotFoundError if we brought none."""
    rows = [row for row in tx.items.find([stix_id]).get(stix_id, []) if row.own and row.author == base.me]
    if not rows:
        raise NotFoundError(f"{stix_id} is no item of ours.", hint="See `entente item list`.")
    return tx.items.get([max(rows, key=lambda row: (row.latest, row.modified, row.seq)).seq])[0]


def share(sharing: Sharing, writer: Writer, seqs: Sequence[int]) -> str:
    """Share rows with the writer's room, but for what stands there; return the reference of the first one's entry.

    WithheldError if a rule keeps one of them back.
    """
    row = writer.tx.logs.get(writer.room.origin(writer.me))
    there = writer.tx.items.placed(seqs, [row.id]) if row is not None else set[int]()
    preview = sharing.share_in(writer.tx, writer.room, [seq for seq in seqs if seq not in there], writer.who)
    if preview is not None:
        raise WithheldError(preview)
    return sharing.place_of(writer.tx, writer.room, seqs[0])


def words(reader: Reader, act: Act) -> tuple[ItemRow | None, bytes, str]:
    """Return the item that an act names, as its author brought it, and whether it is held, awaited, erased, missing."""
    held, state = reader.content(act, str(act.body["item"]))
    if held is None or held.kind != item.NAME:
        return None, b"", state if held is None else "missing"
    found = reader.tx.items.get([held.item])
    return (found[0][0], found[0][1], state) if found else (None, b"", "missing")


def author_identity(reader: Reader, act: Act, now: str) -> tuple[str, bytes]:
    """Return id and bytes of the identity object of an act's author: its own if it is held, else a plain one."""
    id_ = identity_id(act.author)
    rows = [row for row in reader.tx.items.find([id_]).get(id_, []) if row.author == act.author and row.latest]
    if rows:
        return id_, reader.tx.items.get([rows[-1].seq])[0][1]
    return id_, member_identity(id_, reader.name(Member(act.author)), now)


def thing(act: Act) -> str:
    """Return the id under which people name an act."""
    return b32(act.place.leaf)
