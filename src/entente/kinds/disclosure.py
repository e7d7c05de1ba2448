"""Public disclosure: these bytes, and no others, may be published if all agree (docs/protocol/11-joint-work.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entente.core.ids import ID_SIZE, unb32
from entente.core.recorded import Recorded

if TYPE_CHECKING:
    from collections.abc import Mapping


def _values(body: Mapping[str, object]) -> None:
    unb32(str(body["hash"]), ID_SIZE)


KIND = Recorded(
    "disclosure/1",
    {"content": str, "hash": str},
    content=("content",),
    values=_values,
    consent="disclosure",
)
"""Entries of kind `disclosure/1`: `hash` is the SHA-256 of the text's bytes, which stand in the document `content`."""
