"""A body of every kind of act in `KINDS`: right in form, and about things that may not be there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from entente.core import canon
from entente.core.ids import Member, b32, identity_id
from entente.core.recorded import Recorded
from entente.kinds import ACTS, erase, erased, onward, passed, released
from entente.policy.revision import RevisionText
from kinds.plan_office import skeleton

if TYPE_CHECKING:
    from entente.policy.agreement import FoundingText

PERSON: Final = b32(bytes(16))
HASH: Final = b32(bytes(32))
VALUES: Final[dict[str, object]] = {
    "answer": "answered", "at": 7, "confidence": "low", "due": 5, "field": "title", "hash": HASH,
    "head": b32(b"h" * 16), "likelihood": "likely", "nonce": b32(b"n" * 16), "priority": 3, "reason": "other",
    "steps": skeleton(), "verdict": "agree",
}  # fmt: skip
"""Values by the name of a field, where "", 0 or [] would not do."""

EMPTY: Final[dict[type, object]] = {str: "", int: 0, list: []}


@dataclass(frozen=True)
class About:
    """What bodies are about: an agreement, its author, another member with a log, one entry of that log."""

    text: FoundingText
    author: Member
    other: Member
    log: bytes
    index: int
    leaf: bytes

    @property
    def ref(self) -> str:
        return f"{b32(self.log)}/{self.index}/{b32(self.leaf)}"

    @property
    def revision(self) -> RevisionText:
        text = self.text
        return RevisionText.make(
            text.id, text.id, 2, name="Next", members=text.members, terms=text.terms, secret=bytes(32)
        )


def bodies(about: About) -> dict[str, dict[str, object]]:
    """Return a body of every kind of act."""
    written = _written(about)
    return {
        name: _recorded(kind, about) if isinstance(kind, Recorded) else written[name] for name, kind in ACTS.items()
    }


def _recorded(kind: Recorded, about: About) -> dict[str, object]:
    body: dict[str, object] = {"person": PERSON, "after": []}
    if kind.consent:
        body |= {"voters": sorted(map(b32, about.text.members)), "needed": 2}
    for name, type_ in kind.fields.items():
        named = name in {*kind.about, *kind.content} - {*kind.optional}
        body[name] = VALUES.get(name, EMPTY[type_]) if not named else about.ref if type_ is str else [about.ref]
    return body | ({"reason": "named"} if kind.name == "delegation/1" else {})


def _written(about: About) -> dict[str, dict[str, object]]:
    """Return the bodies of the kinds that are written by hand."""
    agreement, log = b32(about.text.id), b32(about.log)
    entries, named = [(about.index, about.leaf)], [[about.index, b32(about.leaf)]]
    signed: dict[str, object] = {"person": PERSON, "after": []}
    circle = b32(about.text.circle.id(about.text.id))
    last: dict[str, object] = {"log": log, "size": about.index + 1, "root": HASH}
    return {
        "agreement/1": {"agreement": agreement, "text": about.text.to_dict()},
        "membership/1": {"agreement": agreement, "circle": circle, "text": about.text.circle.to_dict()},
        "approval/1": {"of": agreement, "revision": agreement, "answer": "refuse", **signed},
        "person/1": {"person": PERSON, "roles": ["analyst"]},
        "profile/1": {
            "name": "Northwind", "identity": identity_id(about.author), "brings": ["a"], "seeks": ["b"],
            "identities": ["identity--00000000-0000-4000-8000-0000000000ff"],
        },
        "amendment/1": {"agreement": agreement, "text": about.revision.to_dict(), "concerned": "", **signed},
        "suspension/1": {"member": b32(about.other), "state": "suspended", "reason": "doubt", **signed},
        "exit/1": {"kept": 0, "sent": [], "until": 0, **signed},
        "closed/1": {"revision": agreement, "after": []},
        "opened/1": {"revision": agreement, **last, "after": []},
        "rekeyed/1": {"keys": 2, "after": []},
        "succession/1": {"member": b32(about.other), "keys": 2, "record": HASH, **signed},
        "onward/1": canon.decode(
            onward.KIND.make(about.log, about.other, entries=entries, to=[Member(bytes(32))], person=PERSON)
        ),
        "outcome/1": {"of": b32(about.leaf), "result": "expired", "counted": [], **signed, "after": [about.ref]},
        "step/1": {
            "plan": about.ref, "step": "start", "visit": 1, "state": "done", "result": "", "because": [],
            "force": [about.ref], "outputs": [], **signed,
        },
        "refused/1": {"log": log, "reason": "type", "entries": named, "after": []},
        "acknowledgement/1": {"stage": "read", **last, "entries": named, **signed},
        "erase/1": canon.decode(erase.KIND.make(about.log, "error", due=5, person=PERSON, entries=entries)),
        "erased/1": canon.decode(erased.KIND.make(about.log, entries)),
        "released/1": canon.decode(released.KIND.make(entries, ask=b"a", consent=b"c")),
        "passed/1": canon.decode(passed.KIND.make(about.log, entries, member=Member(bytes(32)), proof=b"p")),
    }  # fmt: skip
