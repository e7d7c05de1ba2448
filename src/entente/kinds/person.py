"""Persons: a member lets its partners know which random id acts in which role; names stay at home."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from entente.core.errors import InvalidError
from entente.core.ids import Member
from entente.core.kind import ALLOW, Act, Context, Judgement, Traits, deny
from entente.core.shape import check_fields, check_person, check_texts

if TYPE_CHECKING:
    from collections.abc import Mapping

ROLES = ("operator", "analyst", "releaser", "head", "deputy", "auditor")


class Person(Struct, frozen=True):
    """A person of a member, with the roles that the newest entry gives."""

    member: Member
    roles: tuple[str, ...]


State = dict[tuple[bytes, Member, str], Person]


class PersonKind:
    """Entries of kind `person/1`; the state holds the roles by room, member and person."""

    name = "person/1"
    traits = Traits()
    apart = True

    def check(self, body: Mapping[str, object]) -> None:
        """Raise InvalidError unless the body is a person's id with roles of the list."""
        check_fields(body, {"person": str, "roles": list})
        check_person(body)
        if not set(check_texts(body, "roles", count=len(ROLES), length=20)) <= set(ROLES):
            raise InvalidError(f"The roles are {', '.join(ROLES)}.")

    def start(self) -> State:
        """Return no persons."""
        return {}

    def judge(self, state: State, act: Act, context: Context) -> Judgement:
        """Allow it in a founding circle."""
        return ALLOW if context.founding(act.circle) else deny("wrong-log")

    def apply(self, state: State, act: Act) -> None:
        """Give the person these roles."""
        roles = tuple(sorted(check_texts(act.body, "roles", count=len(ROLES), length=20)))
        state[act.circle, act.author, str(act.body["person"])] = Person(act.author, roles)


KIND = PersonKind()
