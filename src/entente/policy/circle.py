"""Circles: a named set of an agreement's members, and what may be sent to it (`docs/protocol/3-kinds.md`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from entente.core import canon, ids, marking
from entente.core.errors import InvalidError
from entente.core.marking import Tlp
from entente.policy import spelling

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from entente.core.ids import Agreement, Circle, Member

LEAST: Final = 2
"""Members that a circle needs: with nobody else in it there is nobody to share with."""

_FIELDS: Final = frozenset({"v", "name", "members", "ceiling", "secret"})


@dataclass(frozen=True, slots=True)
class CircleText:
    """What the members of a circle sign; the secret keeps the origins of its logs from telling outsiders anything."""

    name: str
    members: tuple[Member, ...]
    ceiling: Tlp
    secret: bytes = field(repr=False)

    @classmethod
    def make(cls, name: str, members: Iterable[Member], secret: bytes, ceiling: Tlp = Tlp.AMBER) -> CircleText:
        """Return a new text with 32 random bytes handed in; raise InvalidError if it could never come into force."""
        text = {
            "v": spelling.VERSION,
            "name": name,
            "members": spelling.member_texts(members),
            "ceiling": str(ceiling),
            "secret": ids.b32(secret),
        }
        circle = cls.read(text)
        if found := _own_problems(circle):
            raise InvalidError(" ".join(found))
        return circle

    @classmethod
    def read(cls, source: bytes | Mapping[str, object]) -> CircleText:
        """Read a text, also one that cannot come into force; raise InvalidError unless it is spelt canonically."""
        body = spelling.fields(spelling.written(source)[1], _FIELDS, "circle text")
        ceiling = body["ceiling"]
        if not isinstance(ceiling, str) or str(marking.parse(ceiling)) != ceiling:
            raise InvalidError(f"The circle's ceiling {ceiling!r} is not written like {Tlp.AMBER}.")
        return cls(
            name=spelling.name(body["name"], "circle"),
            members=spelling.members(body["members"], "circle"),
            ceiling=marking.parse(ceiling),
            secret=spelling.identifier(body["secret"], "circle's secret"),
        )

    def to_dict(self) -> dict[str, object]:
        """Return the object that acts and founding texts carry."""
        return {
            "v": spelling.VERSION,
            "name": self.name,
            "members": spelling.member_texts(self.members),
            "ceiling": str(self.ceiling),
            "secret": ids.b32(self.secret),
        }

    def encode(self) -> bytes:
        """Return the canonical bytes."""
        return canon.encode(self.to_dict())

    def id(self, agreement: Agreement) -> Circle:
        """Return the id of this circle in `agreement`."""
        return ids.circle_id(agreement, self.encode())


class Founding(Protocol):
    """What a founding text says about circles."""

    @property
    def members(self) -> tuple[Member, ...]:
        """The agreement's members."""
        ...

    @property
    def circle(self) -> CircleText:
        """The founding circle."""
        ...


def problems(circle: CircleText, founding: Founding, members: Iterable[Member] = ()) -> list[str]:
    """Say in sentences why `circle` can come into force for nobody; an empty list means that it can.

    `members` are those of the agreement when the circle is opened, where they are no longer the founders.
    """
    found = _own_problems(circle)
    outside = set(circle.members) - set(members or founding.members)
    if outside:
        found.append(f"{_names(outside)} in the circle but not in the agreement.")
    missing = set(founding.members) - set(circle.members)
    if circle == founding.circle and missing:
        found.append(f"{_names(missing)} in the agreement but not in its founding circle.")
    return found


def _own_problems(circle: CircleText) -> list[str]:
    found: list[str] = []
    if len(set(circle.members)) < LEAST:
        found.append(f"A circle has {LEAST} or more members; this one has {len(set(circle.members))}.")
    if marking.is_personal(circle.ceiling):
        found.append(f"{marking.PERSONAL}; the ceiling of a circle is at most {Tlp.AMBER_STRICT}.")
    return found


def _names(members: set[Member]) -> str:
    shown = ", ".join(sorted(ids.short(member) for member in members))
    return f"{shown} {'is' if len(members) == 1 else 'are'}"
