"""How the parts of texts that members sign are spelt: `docs/protocol/3-kinds.md`, founding text and circle text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from entente.core import canon, ids, names
from entente.core.errors import InvalidError
from entente.core.ids import Member

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

VERSION: Final = 1
MAX_TEXT: Final = 64 * 1024 - 256
"""Bytes in a founding or circle text: the act that carries it has its own fields too and at most 64 KiB."""


def written(source: bytes | Mapping[str, object]) -> tuple[bytes, canon.Value]:
    """Return a text, given as bytes or as an object, as its canonical bytes and as an object; or raise InvalidError."""
    data = source if isinstance(source, bytes) else canon.encode(source)
    return data, canon.decode(data, MAX_TEXT)


def fields(value: object, expected: Collection[str], what: str) -> dict[str, object]:
    """Return the fields of an object that has exactly the expected ones, and `v` 1 if that is one; or InvalidError."""
    found = mapping(value, what)
    if odd := sorted(found.keys() ^ set(expected)):
        raise InvalidError(f"The {what} lacks or must not have: {', '.join(odd)}.")
    if "v" in expected and (type(found["v"]) is not int or found["v"] != VERSION):
        raise InvalidError(f"This node reads version {VERSION} of a {what}, not {found['v']!r}.")
    return found


def mapping(value: object, what: str) -> dict[str, object]:
    """Return an object as it is; raise InvalidError if `value` is none."""
    if not isinstance(value, dict):
        raise InvalidError(f"The {what} is not an object.")
    return cast("dict[str, object]", value)


def listed(value: object, what: str) -> list[object]:
    """Return a list as it is; raise InvalidError if `value` is none."""
    if not isinstance(value, list):
        raise InvalidError(f"{what}: a list is needed.")
    return cast("list[object]", value)


def name(value: object, what: str) -> str:
    """Return a name that may be shown; raise InvalidError otherwise."""
    if not isinstance(value, str):
        raise InvalidError(f"The {what} has no name.")
    return names.check_name(value)


def identifier(value: object, what: str) -> bytes:
    """Return the 32 bytes that a text spells; raise InvalidError otherwise."""
    if not isinstance(value, str):
        raise InvalidError(f"The {what} is not a text of base32.")
    return ids.unb32(value, ids.ID_SIZE)


def members(value: object, what: str) -> tuple[Member, ...]:
    """Return the members that a list names; raise InvalidError unless they ascend, each named once."""
    texts = listed(value, f"The members of the {what}")
    found = tuple(Member(identifier(text, "member's id")) for text in texts)
    if [ids.b32(member) for member in found] != member_texts(found):
        raise InvalidError(f"The members of the {what} are not in ascending order, each named once.")
    return found


def member_texts(found: Iterable[Member]) -> list[str]:
    """Return the ids of members as they are written: ascending base32, each once."""
    return sorted({ids.b32(member) for member in found})
