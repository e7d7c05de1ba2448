"""Membership: who opens a circle says which members it has; the circle's id is the hash of that text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entente.core.ids import Agreement, b32
from entente.core.kind import ALLOW, Act, Context, Judgement, Traits, deny
from entente.core.shape import check_fields, part
from entente.policy.circle import CircleText

if TYPE_CHECKING:
    from collections.abc import Mapping

State = dict[bytes, Act]


class MembershipKind:
    """Entries of kind `membership/1`; the state holds who opened which circle."""

    name = "membership/1"
    traits = Traits(early=True)

    def check(self, body: Mapping[str, object]) -> None:
        """Raise InvalidError unless the body is a circle text under its own id."""
        check_fields(body, {"agreement": str, "circle": str, "text": dict})
        CircleText.read(part(body, "text"))

    def start(self) -> State:
        """Return no circles."""
        return {}

    def judge(self, state: State, act: Act, context: Context) -> Judgement:
        """Allow the first entry of a log of exactly this circle, unless it is a founding circle."""
        text = CircleText.read(part(act.body, "text"))
        agreement = context.agreement(act.circle)
        if b32(agreement) != act.body["agreement"] or text.id(Agreement(agreement)) != act.circle:
            return deny("not-this-circle")
        if b32(act.circle) != act.body["circle"] or context.founding(act.circle) or act.place.index != 0:
            return deny("wrong-log")
        return ALLOW

    def apply(self, state: State, act: Act) -> None:
        """Remember who opened it; of two the one with the smaller reference stands first."""
        if act.circle not in state or act.place.ref < state[act.circle].place.ref:
            state[act.circle] = act


KIND = MembershipKind()
