"""Refusals: a member says that it keeps the leaf of certain entries but not their payload, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entente.core import canon
from entente.core.errors import InvalidError
from entente.core.filed import misnamed
from entente.core.ids import b32, unb32
from entente.core.kind import Sort, Traits, verdict
from entente.core.shape import check_after, check_entries, check_fields

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from entente.core.filed import Entries
    from entente.core.kind import Act, Judgement

NAME = "refused/1"
MAX_REASON = 64


class RefusedKind:
    """Entries of kind `refused/1`; filed by entry, not folded."""

    name = NAME
    traits = Traits(Sort.FILED)

    def check(self, body: Mapping[str, object]) -> None:
        """Raise InvalidError unless the body names entries of one log and a reason."""
        check_fields(body, {"log": str, "reason": str, "entries": list, "after": list})
        unb32(str(body["log"]), 32)
        if not 0 < len(str(body["reason"])) <= MAX_REASON:
            raise InvalidError(f"A reason is a word of at most {MAX_REASON} characters.")
        check_entries(body)
        check_after(body)

    def judge(self, act: Act, held: Entries) -> Judgement:
        """Allow it about entries of another member in the same circle."""
        return verdict(misnamed(act, held))

    def make(self, log: bytes, reason: str, entries: Sequence[tuple[int, bytes]]) -> bytes:
        """Return the payload that refuses these entries (index, leaf hash)."""
        named = [[index, b32(leaf)] for index, leaf in entries]
        return canon.encode({"log": b32(log), "reason": reason[:MAX_REASON], "entries": named, "after": []})


KIND = RefusedKind()
