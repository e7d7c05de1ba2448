"""Acknowledgements: a member says in its own log that it has read or used what another shared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entente.core import canon
from entente.core.errors import InvalidError
from entente.core.filed import misnamed
from entente.core.ids import b32, unb32
from entente.core.kind import Sort, Traits, verdict
from entente.core.shape import check_after, check_entries, check_fields, check_person

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from entente.core.filed import Entries
    from entente.core.kind import Act, Judgement

NAME = "acknowledgement/1"
STAGES = ("read", "used")


class AcknowledgementKind:
    """Entries of kind `acknowledgement/1`; filed by entry, not folded."""

    name = NAME
    traits = Traits(Sort.FILED, family=NAME)

    def check(self, body: Mapping[str, object]) -> None:
        """Raise InvalidError unless the body names entries of one log under one of its heads."""
        fields = {"log": str, "stage": str, "size": int, "root": str, "person": str, "entries": list, "after": list}
        check_fields(body, fields)
        unb32(str(body["log"]), 32)
        unb32(str(body["root"]), 32)
        check_person(body)
        check_after(body)
        size = body["size"]
        if body["stage"] not in STAGES:
            raise InvalidError(f"A stage is {' or '.join(STAGES)}.")
        if not isinstance(size, int) or check_entries(body)[-1][0] >= size:
            raise InvalidError("An acknowledged entry lies within the head that is named.")

    def judge(self, act: Act, held: Entries) -> Judgement:
        """Allow it about entries of another member in the same circle."""
        return verdict(misnamed(act, held))

    def make(
        self, log: bytes, stage: str, *, size: int, root: bytes, person: str, entries: Sequence[tuple[int, bytes]]
    ) -> bytes:
        """Return the payload that acknowledges these entries (index, leaf hash)."""
        fields: dict[str, object] = {
            "log": b32(log),
            "stage": stage,
            "size": size,
            "root": b32(root),
            "person": person,
            "entries": [[index, b32(leaf)] for index, leaf in entries],
            "after": [],
        }
        return canon.encode(fields)


KIND = AcknowledgementKind()
