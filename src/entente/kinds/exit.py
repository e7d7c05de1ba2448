"""Exit: a member leaves an agreement and signs what it still owes (docs/protocol/7-changes.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from entente.core.errors import InvalidError
from entente.core.ids import Member
from entente.core.kind import ALLOW, Act, Context, Judgement, Traits, deny
from entente.core.shape import check_after, check_fields, check_person, check_texts

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_SENT = 256


class Exit(Struct, frozen=True):
    """What a leaver said: how many payloads it keeps, which onward releases it answers for, until when (ms), who."""

    kept: int
    sent: tuple[str, ...]
    until: int
    person: str
    time: int


State = dict[tuple[bytes, Member], Exit]


class ExitKind:
    """Entries of kind `exit/1`; the state holds the exits by (room, member)."""

    name = "exit/1"
    traits = Traits()
    apart = True

    def check(self, body: Mapping[str, object]) -> None:
        """Raise InvalidError unless the body lists duties."""
        check_fields(body, {"kept": int, "sent": list, "until": int, "person": str, "after": list})
        check_texts(body, "sent", count=MAX_SENT, length=64)
        check_person(body)
        check_after(body)
        if not all(isinstance(each := body[name], int) and each >= 0 for name in ("kept", "until")):
            raise InvalidError("Duties are counted from 0 up.")

    def start(self) -> State:
        """Return no exits."""
        return {}

    def judge(self, state: State, act: Act, context: Context) -> Judgement:
        """Allow a member's one exit, in a founding room."""
        if not context.founding(act.circle):
            return deny("wrong-log")
        return deny("left") if (act.circle, act.author) in state else ALLOW

    def apply(self, state: State, act: Act) -> None:
        """Let the member go."""
        body = act.body
        sent = tuple(check_texts(body, "sent", count=MAX_SENT, length=64))
        kept, until = body["kept"], body["until"]
        if isinstance(kept, int) and isinstance(until, int):
            state[act.circle, act.author] = Exit(kept, sent, until, str(body["person"]), act.time)


KIND = ExitKind()
