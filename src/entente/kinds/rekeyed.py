"""A member says in each of its logs that its log key has changed, so that the log has a head under the new key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entente.core import canon
from entente.core.errors import InvalidError
from entente.core.kind import ALLOW, Act, Context, Judgement, Traits, deny
from entente.core.shape import check_after, check_fields

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST = 256


class RekeyedKind:
    """Entries of kind `rekeyed/1`; the state holds the size of its author's key history by log."""

    name = "rekeyed/1"
    traits = Traits()
    apart = True

    def check(self, body: Mapping[str, object]) -> None:
        """Raise InvalidError unless the body holds the size of a key history with a second entry."""
        check_fields(body, {"keys": int, "after": list})
        if not isinstance(body["keys"], int) or not 1 < body["keys"] <= MOST:
            raise InvalidError(f"A key history in which the log key has changed has 2 to {MOST} entries.")
        check_after(body)

    def make(self, keys: int) -> bytes:
        """Return the payload."""
        return canon.encode({"keys": keys, "after": []})

    def start(self) -> dict[bytes, int]:
        """Return no changed keys."""
        return {}

    def judge(self, state: dict[bytes, int], act: Act, context: Context) -> Judgement:
        """Allow it once for each change."""
        return ALLOW if int(str(act.body["keys"])) > state.get(act.place.log, 0) else deny("stale")

    def apply(self, state: dict[bytes, int], act: Act) -> None:
        """Remember how long the key history was."""
        state[act.place.log] = int(str(act.body["keys"]))


KIND = RekeyedKind()
