"""Erasures passed on: the originator is shown that a member of another circle erased (docs/protocol/10-recall.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entente.core import canon
from entente.core.ids import Member, b32, unb32
from entente.core.shape import check_after, check_entries, check_fields
from entente.ledger.document import from_b64, to_b64

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NAME = "passed/1"


class PassedKind:
    """Entries of kind `passed/1`; filed by entry, not folded."""

    name = NAME

    def check(self, body: Mapping[str, object]) -> None:
        """Raise InvalidError unless the body names entries of one log, a member, and carries a file."""
        check_fields(body, {"log": str, "entries": list, "member": str, "proof": str, "after": list})
        unb32(str(body["log"]), 32)
        unb32(str(body["member"]), 32)
        check_entries(body)
        check_after(body)
        from_b64(body["proof"], "proof")

    def make(self, log: bytes, entries: Sequence[tuple[int, bytes]], *, member: Member, proof: bytes) -> bytes:
        """Return the payload that shows the originator whose erasure answers for these entries."""
        fields: dict[str, object] = {
            "log": b32(log),
            "entries": [[index, b32(leaf)] for index, leaf in entries],
            "member": b32(member),
            "proof": to_b64(proof),
            "after": [],
        }
        return canon.encode(fields)


KIND = PassedKind()
