"""Amendments: the next revision of an agreement is asked for (docs/protocol/7-changes.md, "Coming into force")."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from entente.core.ids import Member, b32, unb32
from entente.core.kind import ALLOW, Act, Asks, Context, Judgement, Traits, deny, unknown
from entente.core.shape import check_after, check_fields, check_person, part
from entente.ledger.view import missing
from entente.policy.approval import quorum
from entente.policy.revision import RevisionText, removed

if TYPE_CHECKING:
    from collections.abc import Mapping


class Amendment(Struct, frozen=True):
    """A revision that was asked for: its text, and the act that asked."""

    text: RevisionText
    act: Act


State = dict[bytes, Amendment]


class AmendmentKind:
    """Entries of kind `amendment/1`; the state holds them by thing (leaf hash)."""

    name = "amendment/1"
    traits = Traits()
    apart = True

    def check(self, body: Mapping[str, object]) -> None:
        """Raise InvalidError unless the body carries a revision text."""
        check_fields(body, {"agreement": str, "text": dict, "concerned": str, "person": str, "after": list})
        unb32(str(body["agreement"]), 32)
        if body["concerned"]:
            unb32(str(body["concerned"]), 32)
        RevisionText.read(part(body, "text"))
        check_person(body)
        check_after(body)

    def start(self) -> State:
        """Return no amendments."""
        return {}

    def judge(self, state: State, act: Act, context: Context) -> Judgement:
        """Allow a successor of the revision that this founding room lives under."""
        text = RevisionText.read(part(act.body, "text"))
        if not context.founding(act.circle):
            return deny("wrong-log")
        agreement = context.agreement(act.circle)
        if text.agreement != agreement or b32(agreement) != act.body["agreement"]:
            return deny("text")
        if text.base != context.revision(act.circle) or text.epoch != context.epoch(act.circle) + 1:
            return deny("text")
        if not _is_fair(text, _concerned(act.body), context.members(act.circle), context.terms(act.circle)):
            return deny("text")
        if gap := missing(context, check_after(act.body)):
            return unknown(gap)
        return ALLOW

    def apply(self, state: State, act: Act) -> None:
        """Remember the amendment."""
        state[act.place.leaf] = Amendment(RevisionText.read(part(act.body, "text")), act)

    def asks(self, act: Act, context: Context) -> Asks:
        """Ask the members of the base, without the one who goes or is concerned."""
        text = RevisionText.read(part(act.body, "text"))
        members = context.members(act.circle)
        voters = members - removed(members, text) - _concerned(act.body)
        plain = len(voters) == len(members)
        needed = context.needed(act.circle, len(voters)) if plain else quorum(len(voters))
        return Asks(act.place.leaf, act.circle, voters, needed, rivals=text.base)


def _is_fair(
    text: RevisionText, concerned: frozenset[Member], members: frozenset[Member], terms: Mapping[str, object]
) -> bool:
    """Say whether who votes may decide this: one without a vote at most, and then nothing else changes."""
    out = removed(members, text) | concerned
    if not out:
        return True
    return len(out) == 1 and concerned <= members and members.issuperset(text.members) and text.terms.to_dict() == terms


def _concerned(body: Mapping[str, object]) -> frozenset[Member]:
    named = str(body["concerned"])
    return frozenset({Member(unb32(named, 32))}) if named else frozenset()


KIND = AmendmentKind()
