"""What a node does with watches. For `test_toy_kind.py`; it becomes `entente/node/work/watch.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from entente.core.ids import b32
from entente.core.recorded import number
from entente.kinds.watch import KIND
from entente.node.work.acts import reading, writing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entente.core.kind import Act
    from entente.node.home.base import Base
    from entente.node.work.acts import Reader


class WatchInfo(Struct, frozen=True):
    """Who asks for how many hours whether anybody sees which item."""

    id: str
    name: str
    item: str
    hours: int


class Watches:
    """What members of our circles ask each other to look for."""

    def __init__(self, base: Base) -> None:
        self._base = base

    def ask(self, circle: str, item: str, hours: int, person: str = "") -> WatchInfo:
        """Ask the members of a circle whether they see an item; RefusedError if the agreement admits no watches."""
        with writing(self._base, circle, person) as writer:
            return _info(writer, writer.act(KIND.name, {"item": item, "hours": hours}))

    def list(self) -> Sequence[WatchInfo]:
        """Return what is asked, oldest first."""
        with reading(self._base) as reader:
            return [_info(reader, act) for act in reader.acts(KIND.name)]


def _info(reader: Reader, act: Act) -> WatchInfo:
    return WatchInfo(b32(act.place.leaf), reader.name(act.author), str(act.body["item"]), number(act.body["hours"]))
