"""What the Python API answers about recalls; the fields are those of the command line's `--json` documents."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from entente.node.items.values import Preview


class Reach(Struct, frozen=True):
    """Which members of a circle are asked to erase."""

    circle: str
    name: str
    members: list[str]


class Withdrawn(Struct, frozen=True):
    """An object that was recalled; `finished` is false while a reader keeps the erased bytes in our own files."""

    item: str
    state: str
    reason: str
    due: str
    circles: Sequence[Reach]
    finished: bool


class Narrowed(Struct, frozen=True):
    """An object that is now in one circle only; with `preview` set nothing was done, and it says why."""

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
    """One recall of ours; `item` is "" where the time of `entries` entries was over; `remark` stays at home."""

    item: str
    circle: str
    reason: str
    due: str
    time: str
    entries: int
    members: Sequence[RecallMember]
    remark: str = ""
