"""Successions: a member lost its log key, and the others are asked to take its new keys (docs/protocol/2-ledger.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from entente.core import canon
from entente.core.errors import InvalidError
from entente.core.ids import Member, b32, unb32
from entente.core.kind import ALLOW, Act, Asks, Context, Judgement, Traits, deny, unknown
from entente.core.shape import check_after, check_fields, check_person
from entente.ledger.view import missing
from entente.policy.approval import quorum

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MOST = 256


class Succession(Struct, frozen=True):
    """New keys that were asked for: whose, at which size of its key history, the hash of the act, and who asked."""

    member: Member
    keys: int
    record: bytes
    act: Act


State = dict[bytes, Succession]


class SuccessionKind:
    """Entries of kind `succession/1`; the state holds them by thing (leaf hash)."""

    name = "succession/1"
    traits = Traits()
    apart = True

    def check(self, body: Mapping[str, object]) -> None:
        """Raise InvalidError unless the body names one later entry of a member's key history by its hash."""
        check_fields(body, {"member": str, "keys": int, "record": str, "person": str, "after": list})
        unb32(str(body["member"]), 32)
        unb32(str(body["record"]), 32)
        if not isinstance(body["keys"], int) or not 1 < body["keys"] <= MOST:
            raise InvalidError(f"A key history with a succession has 2 to {MOST} entries.")
        check_person(body)
        check_after(body)

    def make(self, member: Member, keys: int, record: bytes, *, person: str, after: Sequence[str] = ()) -> bytes:
        """Return the payload."""
        names: dict[str, object] = {"member": b32(member), "record": b32(record)}
        return canon.encode({**names, "keys": keys, "person": person, "after": [*after]})

    def start(self) -> State:
        """Return no successions."""
        return {}

    def judge(self, state: State, act: Act, context: Context) -> Judgement:
        """Allow it in a founding room, of another member of it."""
        named = Member(unb32(str(act.body["member"]), 32))
        if not context.founding(act.circle):
            return deny("wrong-log")
        if named == act.author:
            return deny("concerned")
        if named not in context.members(act.circle):
            return deny("member")
        if gap := missing(context, check_after(act.body)):
            return unknown(gap)
        return ALLOW

    def apply(self, state: State, act: Act) -> None:
        """Remember what was asked."""
        keys, record = int(str(act.body["keys"])), unb32(str(act.body["record"]), 32)
        state[act.place.leaf] = Succession(Member(unb32(str(act.body["member"]), 32)), keys, record, act)

    def asks(self, act: Act, context: Context) -> Asks:
        """Ask everybody but the member concerned; the same keys may be asked for by several members at a time."""
        named = Member(unb32(str(act.body["member"]), 32))
        voters = context.members(act.circle) - {named}
        return Asks(act.place.leaf, act.circle, voters, quorum(len(voters)))


KIND = SuccessionKind()
