"""Releases by consent: what another member brought was sent on, and who allowed it (docs/protocol/10-recall.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entente.core import canon
from entente.core.ids import b32
from entente.core.shape import check_after, check_entries, check_fields
from entente.ledger.document import from_b64, to_b64

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NAME = "released/1"


class ReleasedKind:
    """Entries of kind `released/1`; filed by entry, not folded."""

    name = NAME

    def check(self, body: Mapping[str, object]) -> None:
        """Raise InvalidError unless the body names entries and carries two files."""
        check_fields(body, {"entries": list, "ask": str, "consent": str, "after": list})
        check_entries(body)
        check_after(body)
        from_b64(body["ask"], "ask")
        from_b64(body["consent"], "consent")

    def make(self, entries: Sequence[tuple[int, bytes]], *, ask: bytes, consent: bytes) -> bytes:
        """Return the payload that shows the consent for these entries of the same log."""
        named = [[index, b32(leaf)] for index, leaf in entries]
        return canon.encode({"entries": named, "ask": to_b64(ask), "consent": to_b64(consent), "after": []})


KIND = ReleasedKind()
