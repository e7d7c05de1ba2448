"""Whether items may go to a circle, and why: `docs/protocol/6-release.md`.

Everything that a rule looks at is an argument, so the same call explains a preview, a refusal and an audit.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Final

import msgspec

from entente.core import ids
from entente.core.ids import Agreement, Member
from entente.core.ids import Circle as CircleId
from entente.core.marking import Pap, Tlp, barring, is_personal, stricter
from entente.formats.stix.object import Facts
from entente.policy import four_eyes
from entente.policy import ownership as profile
from entente.policy.admission import admits
from entente.policy.agreement import Terms
from entente.policy.approval import State
from entente.policy.circle import LEAST
from entente.policy.reasons import RULES, Reason, allow, missing, refuse, some
from entente.policy.references import trace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entente.policy.references import Lookup

KIND: Final = "item/1"
EXAMPLES: Final = 5

_TERMS_PREFIX: Final = "marking-definition--"
_GROUNDS: Final = {
    "agreement": "The agreement lets these items go to the circle.",
    "ceiling": "Their markings are not above the circle's ceiling.",
    "onward": "Their originators consented.",
    "reference": "They name objects that this member does not hold.",
    "terms": "Terms that their authors set travel along with them.",
}


class Candidate(msgspec.Struct, frozen=True):
    """An item that somebody wants to share: one copy of one object.

    `tlp` is the marking given at import or the effective one; the object's own in `facts` counts too. `author` is the
    member whose copy it is; `own` means that this member brought it itself and that no partner sent these bytes.
    `person` brought it. `size` is what the limit of the agreement is compared with. `denied` also means withdrawn.
    `problem` is the rule that the object itself breaks, "" for none.
    `consent` says in words who let an item of another member go to this circle, "" if nobody did; `may_ask` that its
    originator can be asked.
    """

    item: str
    facts: Facts
    tlp: Tlp | None
    author: Member
    own: bool
    person: str
    size: int
    denied: bool = False
    problem: str = ""
    consent: str = ""
    may_ask: bool = False


class Circle(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules know about a circle, its agreement and this member (`me`).

    `founding` are the agreement's members. `owners` comes from `profile.owners`; `claims` names for a STIX id the
    members of the circle that brought it under their own identity.
    """

    agreement: Agreement
    circle: CircleId
    name: str
    agreement_state: State
    circle_state: State
    members: Collection[Member]
    founding: Collection[Member]
    ceiling: Tlp
    terms: Terms
    me: Member
    owners: Mapping[str, Member] = {}
    claims: Mapping[str, Collection[Member]] = {}
    node_four_eyes: bool = False


class Decision(msgspec.Struct, frozen=True):
    """Whether an item may go, who will hold it then (nobody if it may not), and why."""

    item: str
    allowed: bool
    members: tuple[Member, ...]
    reasons: tuple[Reason, ...]


class Group(msgspec.Struct, frozen=True):
    """What one rule says about many items, in general words, with the first few of them."""

    rule: str
    allowed: bool
    count: int
    text: str
    who: str
    fix: str
    examples: tuple[str, ...]


def release(
    candidates: Sequence[Candidate],
    circle: Circle,
    *,
    person: str,
    purpose: str,
    held: Lookup,
    in_circle: Lookup,
) -> list[Decision]:
    """Decide about the items of a batch together, in their order; every rule is asked about every item.

    `person` shares them for `purpose`. `held` says which ids this member holds, in whatever state and circle;
    `in_circle` which ids all members of the circle can see already. A refused item has the reasons of all rules that
    refuse it; an allowed one has what it goes under and what travels along.
    """
    question = _Question(circle, person, purpose)
    refusals = [question.refusals(candidate) for candidate in candidates]
    found = trace(
        [candidate.facts.id for candidate in candidates],
        [candidate.facts.refs for candidate in candidates],
        [not reasons for reasons in refusals],
        held,
        in_circle,
    )
    decisions: list[Decision] = []
    for candidate, reasons, lacking, unknown in zip(candidates, refusals, found.missing, found.unknown, strict=True):
        if lacking:
            told = (*reasons, missing(lacking, found.brought))
            decisions.append(Decision(candidate.item, allowed=False, members=(), reasons=told))
        elif reasons:
            decisions.append(Decision(candidate.item, allowed=False, members=(), reasons=reasons))
        else:
            told = question.grounds(candidate, unknown)
            decisions.append(Decision(candidate.item, allowed=True, members=question.others, reasons=told))
    return decisions


def summary(decisions: Sequence[Decision]) -> list[Group]:
    """Count what each rule says, refusals first and the most frequent first, for batches too large to list."""
    places: dict[tuple[str, bool], list[str]] = {}
    for decision in decisions:
        for key in dict.fromkeys((reason.rule, reason.allowed) for reason in decision.reasons):
            places.setdefault(key, []).append(decision.item)
    groups = [_group(rule, items, allowed=allowed) for (rule, allowed), items in places.items()]
    return sorted(groups, key=lambda group: (group.allowed, -group.count, group.rule))


def _group(rule: str, items: list[str], *, allowed: bool) -> Group:
    examples = tuple(items[:EXAMPLES])
    if allowed:
        return Group(rule, True, len(items), _GROUNDS[rule], "", "", examples)
    general = RULES[rule]
    return Group(rule, False, len(items), general.refuses, general.who, general.fix, examples)


class _Question:
    """The rules about one circle, person and purpose; equal findings share one reason."""

    def __init__(self, circle: Circle, person: str, purpose: str) -> None:
        self.circle = circle
        self.person = person
        self.others = tuple(sorted(set(circle.members) - {circle.me}, key=ids.b32))
        self.four_eyes = four_eyes.demanded(circle.terms, node=circle.node_four_eyes)
        self.common = _common(circle, purpose)
        self.clause = _clause(circle, purpose, len(self.others))
        self._marked: dict[Tlp | None, tuple[Reason, ...]] = {}
        self._grounds: dict[tuple[Tlp | None, Pap | None], tuple[Reason, ...]] = {}

    def refusals(self, candidate: Candidate) -> tuple[Reason, ...]:
        """Return the reason of every rule that refuses an item, but for what it names."""
        circle, facts = self.circle, candidate.facts
        found = list(self.common)
        tlp = stricter(candidate.tlp, facts.tlp)
        marked = self._marked.get(tlp)
        if marked is None:
            marked = self._marked[tlp] = _marking(tlp, circle)
        found += marked
        if candidate.size > circle.terms.limits.payload:
            found.append(_size(candidate.size, circle))
        if candidate.problem:
            found.append(refuse(candidate.problem, RULES[candidate.problem].refuses))
        if not candidate.own and not candidate.consent:
            found.append(_onward(candidate, circle))
        if by := self._owner(facts):
            found.append(_owner(by))
        if self.four_eyes and four_eyes.lacks(candidate.person, self.person):
            found.append(_four_eyes(candidate.person, circle))
        if candidate.denied:
            found.append(_WITHDRAWN)
        return tuple(found)

    def grounds(self, candidate: Candidate, unknown: tuple[str, ...]) -> tuple[Reason, ...]:
        """Return what an allowed item goes under and what travels along with it."""
        facts = candidate.facts
        key = (stricter(candidate.tlp, facts.tlp), facts.pap)
        common = self._grounds.get(key)
        if common is None:
            common = self._grounds[key] = (self.clause, *_carried(key[0], facts.pap, self.circle))
        more: list[Reason] = []
        if candidate.consent and not candidate.own:
            more.append(allow("onward", candidate.consent))
        if unknown:
            more.append(
                allow(
                    "reference",
                    f"It names objects that this member does not hold, so it gives nothing away: {some(unknown)}.",
                )
            )
        if terms := [ref for ref in facts.refs if ref.startswith(_TERMS_PREFIX)]:
            more.append(allow("terms", f"Terms named by its author travel along: {some(terms)}."))
        return (*common, *more) if more else common

    def _owner(self, facts: Facts) -> tuple[Member, ...]:
        """Return the members other than this one that an object belongs to; none if it may be shared from here."""
        circle = self.circle
        by = circle.claims.get(facts.id, ()) if circle.claims else ()
        if by and circle.me not in by:
            return tuple(sorted(set(by), key=ids.b32))
        creator = facts.id if facts.id in circle.owners else facts.created_by_ref
        if profile.forged(creator, facts.id, circle.me, circle.owners, circle.claims):
            return (circle.owners[creator],)
        return ()


def _common(circle: Circle, purpose: str) -> tuple[Reason, ...]:
    """Return the refusals that all items have in common: of the agreement, the circle, the kind and the purpose."""
    found: list[Reason] = []
    if texts := _agreement_faults(circle):
        found.append(refuse("agreement", " ".join(texts)))
    if texts := _circle_faults(circle):
        found.append(refuse("circle", " ".join(texts)))
    if not admits(circle.terms, (KIND,)):
        found.append(refuse("kind", "The agreement does not let items be sent."))
    if purpose and purpose not in circle.terms.purposes:
        known = ", ".join(circle.terms.purposes) or "none"
        found.append(refuse("purpose", f"The agreement does not name the purpose {purpose!r}; it names: {known}."))
    return tuple(found)


def _agreement_faults(circle: Circle) -> list[str]:
    found: list[str] = []
    if circle.agreement_state is not State.IN_FORCE:
        found.append(f"The agreement {ids.short(circle.agreement)} is {circle.agreement_state}, not in force.")
    if circle.me not in circle.founding:
        found.append(f"This member is not in the agreement {ids.short(circle.agreement)}.")
    return found


def _circle_faults(circle: Circle) -> list[str]:
    found: list[str] = []
    members, name = set(circle.members), f'"{circle.name}"'
    if circle.circle_state is not State.IN_FORCE:
        found.append(f"The circle {name} is {circle.circle_state}, not in force.")
    if len(members) < LEAST:
        found.append(f"The circle {name} has {len(members)} members; it needs {LEAST}.")
    if outside := members - set(circle.founding):
        shown = some(sorted(ids.short(member) for member in outside))
        found.append(f"The circle {name} has members outside the agreement: {shown}.")
    if circle.me not in members:
        found.append(f"This member is not in the circle {name}.")
    if is_personal(circle.ceiling):
        found.append(f"The circle {name} claims the ceiling {circle.ceiling}, which no circle can have.")
    return found


def _marking(tlp: Tlp | None, circle: Circle) -> tuple[Reason, ...]:
    if tlp is None:
        return (refuse("no-marking", RULES["no-marking"].refuses),)
    return tuple(
        refuse("red", RULES["red"].refuses) if rule == "red" else _above(tlp, circle)
        for rule in barring(tlp, circle.ceiling)
    )


def _above(tlp: Tlp, circle: Circle) -> Reason:
    text = f'{tlp} is above {circle.ceiling}, the ceiling of the circle "{circle.name}".'
    return refuse("ceiling", text, fix=RULES["red"].fix if is_personal(tlp) else "")


def _size(size: int, circle: Circle) -> Reason:
    return refuse("size", f"It has {size} bytes; the agreement allows {circle.terms.limits.payload}.")


def _onward(candidate: Candidate, circle: Circle) -> Reason:
    author = candidate.author
    sender = "a partner" if author == circle.me else f"the member {ids.short(author)}"
    text = f"It is here because {sender} sent it, and nobody sends on what another member sent"
    consent = ": this node holds no consent of its originator." if circle.terms.onward == "consent" else "."
    fix = f'Ask it for its consent: entente share ask {candidate.item} --circle "{circle.name}"'
    return refuse("onward", text + consent, fix=fix if candidate.may_ask else "")


def _owner(by: tuple[Member, ...]) -> Reason:
    shown = some([ids.short(member) for member in by])
    return refuse("owner", f"The object belongs to {shown}; only its owner changes or shares it in this circle.")


def _four_eyes(brought: str, circle: Circle) -> Reason:
    whose = "The agreement" if circle.terms.four_eyes else "The setting of this node"
    why = "the person who brought it wants to release it" if brought else "nobody knows which person brought it"
    return refuse(
        "four-eyes", f"{whose} demands that another person than the one who brought the item releases it; {why}."
    )


_WITHDRAWN: Final = refuse("withdrawn", RULES["withdrawn"].refuses)


def _clause(circle: Circle, purpose: str, readers: int) -> Reason:
    onward = "only with the originator's consent" if circle.terms.onward == "consent" else "never"
    what = purpose or "any of its purposes"
    return allow(
        "agreement",
        f'The agreement {ids.short(circle.agreement)} lets items go to the circle "{circle.name}" for {what}: '
        f"{readers} other member{'s' if readers != 1 else ''} will hold it, and may send it on {onward}. "
        "You can recall it from them, but not what somebody exported.",
    )


def _carried(tlp: Tlp | None, pap: Pap | None, circle: Circle) -> tuple[Reason, ...]:
    marking = allow("ceiling", f'{tlp} is not above {circle.ceiling}, the ceiling of the circle "{circle.name}".')
    return (
        (marking,) if pap is None else (marking, allow("terms", f"{pap} travels along: what readers may do with it."))
    )
