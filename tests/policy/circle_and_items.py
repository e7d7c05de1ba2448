"""A small circle in force and items in it, for tests of releases."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from entente.core.ids import Agreement, Circle, Member
from entente.core.marking import Tlp
from entente.formats.stix.object import Facts
from entente.policy import release
from entente.policy.agreement import Terms
from entente.policy.approval import State

ME, ANNA, BORA, OUTSIDER = (Member(letter * 32) for letter in (b"m", b"a", b"b", b"o"))
PERSON, COLLEAGUE = "p" * 26, "q" * 26
PURPOSE = "detection"

CIRCLE = release.Circle(
    agreement=Agreement(b"g" * 32),
    circle=Circle(b"c" * 32),
    name="North",
    agreement_state=State.IN_FORCE,
    circle_state=State.IN_FORCE,
    members=(ME, ANNA),
    founding=(ME, ANNA, BORA),
    ceiling=Tlp.AMBER,
    terms=Terms(),
    me=ME,
)


def circle(**changes: object) -> release.Circle:
    return msgspec.structs.replace(CIRCLE, **changes)


def terms(**changes: object) -> release.Circle:
    return circle(terms=Terms(**changes))


def stix(number: int, kind: str = "indicator") -> str:
    return f"{kind}--{number:08x}-0000-4000-8000-000000000000"


def facts(number: int = 1, *refs: str, **changes: object) -> Facts:
    plain = Facts(stix(number), "indicator", "2.1", 0, 0, "", False, "", None, None, refs, ())
    return msgspec.structs.replace(plain, **changes)


def item(number: int = 1, *refs: int | str, **changes: object) -> release.Candidate:
    """An item that may go unless `changes` say otherwise; `made` are changes to its facts."""
    made = changes.pop("made", {})
    named = tuple(stix(ref) if isinstance(ref, int) else ref for ref in refs)
    plain = release.Candidate(
        stix(number), facts(number, *named, **made), Tlp.GREEN, ME, own=True, person=PERSON, size=600
    )
    return msgspec.structs.replace(plain, **changes)


@dataclass
class Held:
    """Ids that are there; remembers what it was asked."""

    there: set[str] = field(default_factory=set)
    asked: list[set[str]] = field(default_factory=list)

    def __call__(self, wanted: object) -> set[str]:
        self.asked.append(set(wanted))
        return self.there & set(wanted)


def decide(
    *items: release.Candidate,
    to: release.Circle = CIRCLE,
    person: str = PERSON,
    purpose: str = PURPOSE,
    held: object = (),
    in_circle: object = (),
) -> list[release.Decision]:
    """Release items while this member holds the ids `held` besides them and the circle has `in_circle`."""
    return release.release(
        items,
        to,
        person=person,
        purpose=purpose,
        held=Held({stix(ref) if isinstance(ref, int) else ref for ref in held}),
        in_circle=Held({stix(ref) if isinstance(ref, int) else ref for ref in in_circle}),
    )


def rules(decision: release.Decision) -> set[str]:
    return {reason.rule for reason in decision.reasons if not reason.allowed}
