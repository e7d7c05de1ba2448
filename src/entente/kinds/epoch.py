"""The switch of epochs: a member closes its log in a room and opens the next (docs/protocol/7-changes.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from entente.core import canon
from entente.core.errors import InvalidError
from entente.core.ids import b32, unb32
from entente.core.kind import ALLOW, Act, Context, Judgement, Traits, deny
from entente.core.shape import check_after, check_fields

if TYPE_CHECKING:
    from collections.abc import Mapping


class ClosedKind:
    """Entries of kind `closed/1`, the last of a log; the state holds the index by log."""

    name = "closed/1"
    traits = Traits(early=True)
    apart = True

    def check(self, body: Mapping[str, object]) -> None:
        """Raise InvalidError unless the body names the revision that ends the epoch."""
        check_fields(body, {"revision": str, "after": list})
        unb32(str(body["revision"]), 32)
        check_after(body)

    def make(self, revision: bytes) -> bytes:
        """Return the payload."""
        return canon.encode({"revision": b32(revision), "after": []})

    def start(self) -> dict[bytes, int]:
        """Return no closed logs."""
        return {}

    def judge(self, state: dict[bytes, int], act: Act, context: Context) -> Judgement:
        """Allow it once in a log."""
        return deny("closed") if act.place.log in state or not context.members(act.circle) else ALLOW

    def apply(self, state: dict[bytes, int], act: Act) -> None:
        """Close the log."""
        state[act.place.log] = act.place.index


class EarlierLog(Struct, frozen=True):
    """What the first entry of a log says of the one before: origin hash, size and root."""

    log: bytes
    size: int
    root: bytes


class OpenedKind:
    """Entries of kind `opened/1`, the first of a log that continues another; the state holds that one by log."""

    name = "opened/1"
    traits = Traits(early=True)

    def check(self, body: Mapping[str, object]) -> None:
        """Raise InvalidError unless the body names a log at a size."""
        check_fields(body, {"revision": str, "log": str, "size": int, "root": str, "after": list})
        for name in ("revision", "log", "root"):
            unb32(str(body[name]), 32)
        if not isinstance(body["size"], int) or body["size"] < 0:
            raise InvalidError("A log has 0 or more entries.")
        check_after(body)

    def make(self, revision: bytes, before: EarlierLog) -> bytes:
        """Return the payload."""
        fields: dict[str, object] = {
            "revision": b32(revision),
            "log": b32(before.log),
            "size": before.size,
            "root": b32(before.root),
            "after": [],
        }
        return canon.encode(fields)

    def start(self) -> dict[bytes, EarlierLog]:
        """Return no logs."""
        return {}

    def judge(self, state: dict[bytes, EarlierLog], act: Act, context: Context) -> Judgement:
        """Allow it at the beginning of a log in a room after the first, of a member that was there before."""
        if act.place.index != 0 or unb32(str(act.body["revision"]), 32) != context.revision(act.circle):
            return deny("wrong-log")
        later = act.circle != context.public(act.circle)
        return ALLOW if later and act.author not in context.newcomers(act.circle) else deny("wrong-log")

    def apply(self, state: dict[bytes, EarlierLog], act: Act) -> None:
        """Remember the log before."""
        size = act.body["size"]
        if isinstance(size, int):
            state[act.place.log] = EarlierLog(unb32(str(act.body["log"]), 32), size, unb32(str(act.body["root"]), 32))


CLOSED = ClosedKind()
OPENED = OpenedKind()
