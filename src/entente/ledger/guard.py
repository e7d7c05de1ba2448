"""The guard against signing on an old copy of the database (docs/decisions/0005-failures-evidence-guard.md).

A marker beside the database, left out of backups, says which database this is and how far we signed in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from entente.store.ports import LogRow


class Marker(Struct, frozen=True):
    """The database's nonce and inode, the host's id, and the last signed size by origin."""

    nonce: str
    inode: int
    host: str
    signed: dict[str, int]

    def to_bytes(self) -> bytes:
        """Return the marker as JSON."""
        return msgspec.json.encode(self)

    @classmethod
    def from_bytes(cls, data: bytes) -> Marker | None:
        """Read a marker; None if it is not one (then it fits nothing)."""
        try:
            return msgspec.json.decode(data, type=cls)
        except msgspec.MsgspecError:
            return None


def fits(marker: Marker | None, here: Marker, logs: Iterable[LogRow]) -> str:
    """Return "" if this is the database that we signed in last, else a sentence that says what differs.

    `here` describes the database as it is now; `logs` are our own.
    """
    if marker is None:
        return "There is no marker beside the database."
    if marker.nonce != here.nonce:
        return "The marker belongs to another database."
    if (marker.inode, marker.host) != (here.inode, here.host):
        return "The database was copied or moved to another machine."
    sizes: Mapping[str, int] = {row.origin: row.signed for row in logs}
    for origin, signed in marker.signed.items():
        if sizes.get(origin, 0) < signed:
            return f"The database is older than the last signature: {origin} was signed up to {signed}."
    return ""
