"""Persons of this member (names stay at home) and what it says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from entente.core.errors import InvalidError, NotFoundError
from entente.core.ids import b32, identity_id
from entente.core.names import check_name
from entente.kinds.person import ROLES
from entente.kinds.profile import KIND as PROFILE
from entente.kinds.profile import Profile
from entente.node.home.checked import checked
from entente.node.home.values import PersonInfo, ProfileInfo
from entente.store import shelf

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entente.node.home.base import Base
    from entente.store.ports import Transaction

PEOPLE = shelf.json("person", PersonInfo)
"""Persons by id."""

SETTINGS = shelf.text("setting")
"""Settings by name; under `PROFILE_SETTINGS` a document in JSON."""

OPERATOR, PROFILE_SETTINGS = "operator", "profile"


class ProfileSettings(Struct, frozen=True):
    """What the member's profile holds beside its name."""

    identities: tuple[str, ...] = ()
    brings: tuple[str, ...] = ()
    seeks: tuple[str, ...] = ()


def people(tx: Transaction) -> Sequence[PersonInfo]:
    """Return this member's persons, by id."""
    return PEOPLE.values(tx)


def operator(tx: Transaction, person: str) -> str:
    """Return the id of the person who acts: the operator unless one is named by id, beginning or name."""
    if not person:
        return SETTINGS.get(tx, OPERATOR) or ""
    found = [each for each in people(tx) if each.person.startswith(person.lower()) or each.name == person]
    if len(found) != 1:
        raise NotFoundError(f"There is no one person {person!r} here.", hint="See `entente person list`.")
    return found[0].person


def add_person(tx: Transaction, name: str, roles: Sequence[str], noise: bytes) -> PersonInfo:
    """Store a new person under a random id."""
    if unknown := sorted(set(roles) - set(ROLES)):
        raise InvalidError(f"There is no role {unknown[0]!r}.", hint=f"The roles are {', '.join(ROLES)}.")
    if any(each.name == name for each in people(tx)):
        raise InvalidError(f"There is a person called {name!r} already.")
    info = PersonInfo(b32(noise), check_name(name), sorted(set(roles)))
    PEOPLE.put(tx, info.person, info)
    return info


def own_profile(tx: Transaction, name: str, identity: str) -> Profile:
    """Return the profile that this member publishes in its circles."""
    data = SETTINGS.get(tx, PROFILE_SETTINGS)
    settings = msgspec.json.decode(data, type=ProfileSettings) if data else ProfileSettings()
    return Profile(name, identity, settings.identities, settings.brings, settings.seeks)


@checked
class People:
    """The persons who act for this member."""

    def __init__(self, base: Base) -> None:
        """Work on this base."""
        self._base = base

    def add(self, name: str, roles: Sequence[str]) -> PersonInfo:
        """Add a person; only the random id and the roles ever leave this node. Without a role it is an analyst.

        InvalidError for a name that is taken or cannot be one, and for an unknown role.
        """
        with self._base.commit() as tx:
            return add_person(tx, name, roles or ["analyst"], self._base.random(16))

    def list(self) -> Sequence[PersonInfo]:
        """Return all persons, by id."""
        with self._base.store.read() as tx:
            return people(tx)


@checked
class OwnProfile:
    """What this member says of itself in its circles."""

    def __init__(self, base: Base) -> None:
        """Work on this base."""
        self._base = base

    def show(self) -> ProfileInfo:
        """Return the profile."""
        with self._base.store.read() as tx:
            name = self._base.name_of(tx, self._base.me)
            found = own_profile(tx, name, identity_id(self._base.me))
        return ProfileInfo(found.name, found.identity, list(found.identities), list(found.brings), list(found.seeks))

    def set(
        self,
        *,
        identities: Sequence[str] | None = None,
        brings: Sequence[str] | None = None,
        seeks: Sequence[str] | None = None,
    ) -> ProfileInfo:
        """Change the profile; what is None stays. It is published in every circle by the next round.

        InvalidError for what is no STIX id of an identity, or no word.
        """
        with self._base.commit() as tx:
            name = self._base.name_of(tx, self._base.me)
            before = own_profile(tx, name, identity_id(self._base.me))
            settings = ProfileSettings(
                before.identities if identities is None else tuple(identities),
                before.brings if brings is None else tuple(brings),
                before.seeks if seeks is None else tuple(seeks),
            )
            body: dict[str, object] = {"name": name, "identity": before.identity}
            PROFILE.check({**body, **{key: list(value) for key, value in msgspec.structs.asdict(settings).items()}})
            SETTINGS.put(tx, PROFILE_SETTINGS, msgspec.json.encode(settings).decode())
        return self.show()
