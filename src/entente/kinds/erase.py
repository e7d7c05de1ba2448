"""Recalls: a member asks every holder to erase entries of its own (docs/protocol/10-recall.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entente.core import canon
from entente.core.entry import MAX_TIME
from entente.core.errors import InvalidError
from entente.core.filed import is_right, log_of
from entente.core.ids import b32, unb32
from entente.core.kind import ALLOW, Sort, Traits, verdict
from entente.core.shape import check_after, check_entries, check_fields, check_person

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from entente.core.filed import Entries
    from entente.core.kind import Act, Judgement

NAME = "erase/1"
WHOLE = ("withdrawn", "error", "legal")
"""Reasons that recall an object as a whole, at its author's too."""

REASONS = (*WHOLE, "narrowed", "retention")


class EraseKind:
    """Entries of kind `erase/1`; filed by entry, not folded."""

    name = NAME
    traits = Traits(Sort.FILED)

    def check(self, body: Mapping[str, object]) -> None:
        """Raise InvalidError unless the body names entries of one log, a reason and a date."""
        fields = {"log": str, "reason": str, "due": int, "person": str, "entries": list, "after": list}
        check_fields(body, fields)
        unb32(str(body["log"]), 32)
        check_person(body)
        check_entries(body)
        check_after(body)
        due = body["due"]
        if body["reason"] not in REASONS:
            raise InvalidError(f"A reason for a recall is one of {', '.join(REASONS)}.")
        if not isinstance(due, int) or not 0 <= due <= MAX_TIME:
            raise InvalidError("The date of a recall is outside 0..2^53-1 milliseconds.")

    def judge(self, act: Act, held: Entries) -> Judgement:
        """Allow it about content of its author's own, in the same circle and before it if it is the same log."""
        log = held.log(log_of(act.body))
        if log is None:
            return ALLOW
        return verdict(_wrong(act, held) if log.here and log.author == act.author else "wrong-log")

    def make(self, log: bytes, reason: str, *, due: int, person: str, entries: Sequence[tuple[int, bytes]]) -> bytes:
        """Return the payload that recalls these entries (index, leaf hash)."""
        fields: dict[str, object] = {
            "log": b32(log),
            "reason": reason,
            "due": due,
            "person": person,
            "entries": [[index, b32(leaf)] for index, leaf in entries],
            "after": [],
        }
        return canon.encode(fields)


def _wrong(act: Act, held: Entries) -> str:
    """Return what is wrong with the first entry of which something is, "" if nothing is."""
    log = log_of(act.body)
    for index, leaf in check_entries(act.body):
        if not is_right(act, held, log, index, leaf):
            return "wrong-entry"
        if held.leaf(log, index) and not held.is_content(log, index):
            return "not-content"
    return ""


KIND = EraseKind()
