"""Erasures: a member signs that it holds the payloads of certain entries no longer (docs/protocol/10-recall.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entente.core import canon
from entente.core.filed import log_of, misnamed
from entente.core.ids import b32, unb32
from entente.core.kind import ALLOW, Sort, Traits, verdict
from entente.core.shape import check_after, check_entries, check_fields

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from entente.core.filed import Entries
    from entente.core.kind import Act, Judgement

NAME = "erased/1"


class ErasedKind:
    """Entries of kind `erased/1`; filed by entry, not folded."""

    name = NAME
    traits = Traits(Sort.FILED)

    def check(self, body: Mapping[str, object]) -> None:
        """Raise InvalidError unless the body names entries of one log."""
        check_fields(body, {"log": str, "entries": list, "after": list})
        unb32(str(body["log"]), 32)
        check_entries(body)
        check_after(body)

    def judge(self, act: Act, held: Entries) -> Judgement:
        """Allow it about entries of another member in the same circle, or of a log that is not held."""
        return verdict(misnamed(act, held)) if held.log(log_of(act.body)) is not None else ALLOW

    def make(self, log: bytes, entries: Sequence[tuple[int, bytes]]) -> bytes:
        """Return the payload that says so of these entries (index, leaf hash)."""
        named = [[index, b32(leaf)] for index, leaf in entries]
        return canon.encode({"log": b32(log), "entries": named, "after": []})


KIND = ErasedKind()
