"""Acts about single entries, filed under the entry that they are about: `LOG/INDEX/AUTHOR/` and what they say."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from entente.store import shelf


class FiledAct(Struct, frozen=True):
    """An act about one entry: the leaf hash that it names (b32), its reference, its claimed time (ms), what it says."""

    leaf: str
    ref: str
    time: int
    what: str


REFUSED: Final = shelf.json("refused", FiledAct)
"""By entry and member: that the member keeps no payload of it, and why."""

ACKNOWLEDGED: Final = shelf.json("acknowledged", FiledAct)
"""By entry, member and stage: that the member has read or used it."""
