"""Action plans: what is proposed, that it is stopped, and what nothing may be done to (docs/protocol/12-plans.md)."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from typing_extensions import override

from entente.core import canon
from entente.core.entry import MAX_TIME
from entente.core.errors import InvalidError
from entente.core.ids import Member, b32, unb32
from entente.core.kind import ALLOW, Act, Asks, Context, Judgement, deny
from entente.core.recorded import Acts, Recorded, check_number, check_word, number
from entente.core.shape import listed
from entente.policy.workflow import read_steps, signed_steps

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_ACT: Final = 64 << 10
ID: Final = "id"
"""By this field a plan is found by its id."""
REASONS: Final = ("danger", "error", "overtaken", "other")


def plan_id(log: bytes, nonce: bytes, hash_: bytes) -> bytes:
    """Return the id of the plan that a log (its origin hash) proposes with this nonce of the file with this SHA-256."""
    return sha256(b"entente/plan/v1\0" + log + nonce + hash_).digest()


def id_of(act: Act) -> bytes:
    """Return the plan id of a `plan/1`."""
    return plan_id(act.place.log, unb32(str(act.body["nonce"]), 16), unb32(str(act.body["hash"]), 32))


def by_id(state: Acts, plan: bytes) -> Act | None:
    """Return the plan with this id from the state, None if it was not proposed; by smallest reference of several."""
    return min(state.saying(ID, b32(plan)), key=lambda act: act.place.ref, default=None)


def owners(act: Act) -> frozenset[Member]:
    """Return the members that steps of this plan belong to."""
    return frozenset(Member(unb32(signed.owner, 32)) for signed in signed_steps(act).values())


def _values(body: Mapping[str, object]) -> None:
    unb32(str(body["nonce"]), 16)
    unb32(str(body["hash"]), 32)
    check_number(body, "deadline", 0, MAX_TIME)
    ids = {signed.id for signed in read_steps(listed(body, "steps"))}
    if body["exception"] not in ids | {""}:
        raise InvalidError("The exception of the plan is none of its steps.")
    if len(canon.encode(body)) > MAX_ACT:
        raise InvalidError(
            f"The steps of the plan take more than {MAX_ACT} bytes.",
            hint="Divide it into several plans, or shorten ids.",
        )


def _rule(state: Acts, act: Act, context: Context) -> Judgement:
    if not owners(act) <= context.members(act.circle):
        return deny("owner")
    same = (each.place.log == act.place.log for each in state.saying(ID, b32(id_of(act))))
    return deny("plan") if any(same) else ALLOW


@dataclass(frozen=True)
class PlanKind(Recorded):
    """Entries of kind `plan/1`: its owners must be among those who approve, by its deadline if it has one."""

    @override
    def says(self, act: Act) -> Iterator[tuple[str, str]]:
        """Yield by which fields and values an act is found: what it refers to, and its id."""
        yield from super().says(act)
        yield ID, b32(id_of(act))

    @override
    def asks(self, act: Act, context: Context) -> Asks:
        """Ask the members of the room."""
        return Asks(
            act.place.leaf,
            act.circle,
            context.members(act.circle),
            number(act.body["needed"]),
            must=owners(act),
            deadline=number(act.body["deadline"]),
            proposer=act.author,
        )


KIND = PlanKind(
    "plan/1",
    {
        "nonce": str,
        "content": str,
        "hash": str,
        "decision": str,
        "steps": list,
        "exception": str,
        "deadline": int,
    },
    about={"decision": ("decision/1",)},
    content=("content",),
    optional=("decision",),
    values=_values,
    rule=_rule,
    consent="plan",
)
"""Entries of kind `plan/1`: the file (`content`, `hash`), its steps, and what decided it."""


def _reason(body: Mapping[str, object]) -> None:
    check_word(body, "reason", REASONS)


HALT = Recorded("halt/1", {"plan": str, "reason": str}, about={"plan": (KIND.name,)}, values=_reason, family=KIND.name)
"""Entries of kind `halt/1`: from here on no step of the plan is begun."""

PROTECTED = Recorded("protected/1", {"content": str}, content=("content",), family=KIND.name)
"""Entries of kind `protected/1`: the author's newest list of what nothing may be done to."""
