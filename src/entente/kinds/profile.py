"""Profiles: a member's name and STIX identities, what it brings to a circle and what it looks for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct

from entente.core.errors import InvalidError
from entente.core.ids import Member, identity_id
from entente.core.kind import ALLOW, Act, Context, Judgement, Traits, deny
from entente.core.names import check_name
from entente.core.shape import check_fields, check_texts

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_TEXTS = 32
MAX_TEXT = 80
_IDENTITY = re.compile(r"identity--[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Profile(Struct, frozen=True):
    """What a member says of itself in one circle; `identity` is derived from its id, `identities` are further ones."""

    name: str
    identity: str
    identities: tuple[str, ...]
    brings: tuple[str, ...]
    seeks: tuple[str, ...]


State = dict[bytes, dict[Member, Profile]]


class ProfileKind:
    """Entries of kind `profile/1`; the state holds each member's newest profile by circle."""

    name = "profile/1"
    traits = Traits()
    apart = True

    def check(self, body: Mapping[str, object]) -> None:
        """Raise InvalidError unless the body is a profile."""
        check_fields(body, {"name": str, "identity": str, "identities": list, "brings": list, "seeks": list})
        check_name(str(body["name"]))
        check_texts(body, "brings", count=MAX_TEXTS, length=MAX_TEXT)
        check_texts(body, "seeks", count=MAX_TEXTS, length=MAX_TEXT)
        for identity in check_texts(body, "identities", count=MAX_TEXTS, length=MAX_TEXT):
            if not _IDENTITY.fullmatch(identity):
                raise InvalidError(f"{identity!r} is not the id of a STIX identity.")

    def start(self) -> State:
        """Return no profiles."""
        return {}

    def judge(self, state: State, act: Act, context: Context) -> Judgement:
        """Allow it when the identity is the one that follows from the author's id."""
        return ALLOW if act.body["identity"] == identity_id(act.author) else deny("identity")

    def apply(self, state: State, act: Act) -> None:
        """Let it replace the author's profile in this circle."""
        body = act.body
        profile = Profile(
            str(body["name"]),
            str(body["identity"]),
            tuple(check_texts(body, "identities", count=MAX_TEXTS, length=MAX_TEXT)),
            tuple(check_texts(body, "brings", count=MAX_TEXTS, length=MAX_TEXT)),
            tuple(check_texts(body, "seeks", count=MAX_TEXTS, length=MAX_TEXT)),
        )
        state[act.circle] = {**state.get(act.circle, {}), act.author: profile}


KIND = ProfileKind()
