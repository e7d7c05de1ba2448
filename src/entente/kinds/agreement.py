"""Agreements: one member proposes a founding text; the text's hash is the agreement's id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entente.core.ids import b32
from entente.core.kind import ALLOW, Act, Context, Judgement, Traits, deny
from entente.core.shape import check_fields, part
from entente.policy.agreement import FoundingText

if TYPE_CHECKING:
    from collections.abc import Mapping

State = dict[bytes, Act]


class AgreementKind:
    """Entries of kind `agreement/1`; the state holds who proposed which agreement."""

    name = "agreement/1"
    traits = Traits(early=True)

    def check(self, body: Mapping[str, object]) -> None:
        """Raise InvalidError unless the body is a founding text under its own id."""
        check_fields(body, {"agreement": str, "text": dict})
        FoundingText.read(part(body, "text"))

    def start(self) -> State:
        """Return no agreements."""
        return {}

    def judge(self, state: State, act: Act, context: Context) -> Judgement:
        """Allow the first entry of the founding circle's log that holds exactly the text which the id names."""
        text = FoundingText.read(part(act.body, "text"))
        if b32(text.id) != act.body["agreement"] or text.id != context.agreement(act.circle):
            return deny("not-this-agreement")
        if not context.founding(act.circle) or act.place.index != 0:
            return deny("wrong-log")
        return ALLOW

    def apply(self, state: State, act: Act) -> None:
        """Remember the proposal; of two proposers the one with the smaller reference stands first."""
        key = FoundingText.read(part(act.body, "text")).id
        if key not in state or act.place.ref < state[key].place.ref:
            state[key] = act


KIND = AgreementKind()
