"""What the Python API answers about recalls: frozen values, as in `--json`.

Items are STIX ids, members and circles ids in base32; times are RFC 3339 in UTC.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from entente.node.items.values import Preview


class Reach(Struct, frozen=True):
    """Which members of a circle (id and name) are asked to erase."""

    circle: str
    name: str
    members: list[str]


class Withdrawn(Struct, frozen=True):
    """An object that was recalled: why (`reason`), and until when (`due`) the members of `circles` must have erased it.

    `state` is withdrawn. `finished` is false while a reader keeps the erased bytes in our own files.
    """

    item: str
    state: str
    reason: str
    due: str
    circles: Sequence[Reach]
    finished: bool


class Narrowed(Struct, frozen=True):
    """An object that is now in one circle only; the members of `circles` must have erased it until `due`.

    `shared` counts the copies that went to the one circle now. With `preview` set nothing was done, and it says why.
    """

    item: str
    circle: str
    shared: int
    due: str
    circles: Sequence[Reach]
    finished: bool = True
    preview: Preview | None = None


class RecallMember(Struct, frozen=True):
    """One member asked to erase: `state` is asked (since), erased (since) or late (since).

    `through` is the member that sent the item on to it with our consent, "" in our own circle.
    """

    member: str
    name: str
    state: str
    time: str
    through: str = ""


class RecallInfo(Struct, frozen=True):
    """One recall of ours in one circle: why, since when (`time`), until when (`due`), and how far each member is.

    `item` is "" where the time of `entries` entries was over; `remark` are a person's own words, which stay at home.
    """

    item: str
    circle: str
    reason: str
    due: str
    time: str
    entries: int
    members: Sequence[RecallMember]
    remark: str = ""
