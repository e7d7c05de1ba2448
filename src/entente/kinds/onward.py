"""Onward release: a member asks the originator of an item whether others may get it (docs/protocol/10-recall.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from entente.core import canon
from entente.core.errors import InvalidError
from entente.core.filed import log_of
from entente.core.ids import Member, b32, unb32
from entente.core.kind import ALLOW, Act, Asks, Context, Judgement, Traits, deny, unknown, verdict
from entente.core.shape import check_after, check_entries, check_fields, check_person, check_texts
from entente.ledger.view import missing
from entente.policy.admission import ONWARD

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from entente.core.filed import Entries

NAME = "onward/1"
MAX_NAMED = 64
"""Entries and receiving members in one ask."""


class Ask(Struct, frozen=True):
    """What was asked: by whom, about which entries of whose log, for which members; `thing` is the act's leaf hash."""

    thing: bytes
    ref: str
    circle: bytes
    author: Member
    originator: Member
    log: bytes
    entries: tuple[tuple[int, bytes], ...]
    to: frozenset[Member]
    person: str
    time: int


State = dict[bytes, Ask]


class OnwardKind:
    """Entries of kind `onward/1`; the state holds what was asked by thing."""

    name = NAME
    traits = Traits(family=ONWARD)

    def check(self, body: Mapping[str, object]) -> None:
        """Raise InvalidError unless the body names entries of one log, their author and who would get them."""
        fields = {"log": str, "member": str, "entries": list, "to": list, "person": str, "after": list}
        check_fields(body, fields)
        unb32(str(body["log"]), 32)
        unb32(str(body["member"]), 32)
        check_person(body)
        check_after(body)
        to = check_texts(body, "to", count=MAX_NAMED, length=60)
        if not to or to != sorted(set(to)) or len(check_entries(body)) > MAX_NAMED:
            raise InvalidError(f"An ask names 1 to {MAX_NAMED} entries and members, in ascending order.")
        for member in to:
            unb32(member, 32)

    def start(self) -> State:
        """Return nothing asked."""
        return {}

    def judge(self, state: State, act: Act, context: Context) -> Judgement:
        """Allow a member to ask another one of its room."""
        del state
        ask = read(act)
        if ask.originator == act.author:
            return deny("own")
        if ask.originator not in context.members(act.circle):
            return deny("not-a-member")
        if {act.author, ask.originator} & ask.to:
            return deny("to")
        if gap := missing(context, check_after(act.body)):
            return unknown(gap)
        return ALLOW

    def judge_named(self, act: Act, held: Entries) -> Judgement:
        """Allow it about entries of the member that it asks in the same circle, or of a log that is not held."""
        log = held.log(log_of(act.body))
        if log is None:
            return ALLOW
        if not log.here or b32(log.author) != act.body["member"]:
            return deny("wrong-log")
        named = check_entries(act.body)
        right = all(held.leaf(log_of(act.body), index) in (b"", leaf) for index, leaf in named)
        return verdict("" if right else "wrong-entry")

    def apply(self, state: State, act: Act) -> None:
        """Remember what was asked."""
        state[act.place.leaf] = read(act)

    def asks(self, act: Act, context: Context) -> Asks:
        """Ask the originator alone."""
        del context
        return Asks(act.place.leaf, act.circle, frozenset({read(act).originator}), 1)

    def make(
        self, log: bytes, member: Member, *, entries: Sequence[tuple[int, bytes]], to: Iterable[Member], person: str
    ) -> bytes:
        """Return the payload that asks whether these members may get what these entries carry."""
        fields: dict[str, object] = {
            "log": b32(log),
            "member": b32(member),
            "entries": [[index, b32(leaf)] for index, leaf in entries],
            "to": sorted(map(b32, to)),
            "person": person,
            "after": [],
        }
        return canon.encode(fields)


def read(act: Act) -> Ask:
    """Return what an act asks; InvalidError unless it was checked."""
    body = act.body
    return Ask(
        act.place.leaf,
        act.place.ref,
        act.circle,
        act.author,
        Member(unb32(str(body["member"]), 32)),
        unb32(str(body["log"]), 32),
        tuple(check_entries(body)),
        frozenset(Member(unb32(member, 32)) for member in check_texts(body, "to", count=MAX_NAMED, length=60)),
        str(body["person"]),
        act.time,
    )


KIND = OnwardKind()
