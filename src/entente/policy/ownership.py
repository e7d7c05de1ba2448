"""Who owns an object, and whose version of it is forged: `docs/protocol/3-kinds.md`, "Who owns an object"."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from entente.core import ids

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from entente.core.ids import Member


class Identities(msgspec.Struct, frozen=True):
    """The STIX identities that a member calls its own: the one derived from its id, and those that it lists."""

    identity: str
    identities: tuple[str, ...] = ()


def owners(profiles: Mapping[Member, Identities | None]) -> dict[str, Member]:
    """Return whose each STIX identity is, from the newest profile of every member of a circle (None: has none yet).

    A derived identity always belongs to its member, whatever a profile says. An identity that two members list
    belongs to nobody.
    """
    derived = {ids.identity_id(member): member for member in profiles}
    claimed: dict[str, set[Member]] = {}
    for member, profile in profiles.items():
        for identity in profile.identities if profile else ():
            claimed.setdefault(identity.lower(), set()).add(member)
    listed = {identity: next(iter(by)) for identity, by in claimed.items() if len(by) == 1}
    return listed | derived


def forged(
    created_by: str,
    stix_id: str,
    author: Member,
    owners: Mapping[str, Member],
    claims: Mapping[str, Collection[Member]],
) -> bool:
    """Say whether a version of `stix_id` by `author`, which names `created_by` as creator, is a forged update.

    `claims` names for each STIX id the members that brought it under their own identity. Where there are several the
    id is contested: each of them keeps its own copy, and nobody else may bring one.
    """
    creator = owners.get(created_by) if created_by else None
    if creator is not None:
        return creator != author
    by = claims.get(stix_id, ())
    return bool(by) and author not in by
