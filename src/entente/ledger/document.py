"""Files that members hand to others (proofs, evidence, cards): strict JSON objects with base64 (RFC 4648 section 4)."""

from __future__ import annotations

from base64 import b64decode, b64encode
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, cast

from entente.core.errors import InvalidError, LimitError, VerificationError

if TYPE_CHECKING:
    from collections.abc import Collection, Generator

MAX_FILE: Final = 32 << 20
"""Bytes in a proof file or an evidence file."""


def to_b64(data: bytes) -> str:
    """Return `data` in padded base64."""
    return b64encode(data).decode()


def from_b64(value: object, what: str, size: int | None = None) -> bytes:
    """Read base64 in its only spelling, of `size` bytes if given; raise InvalidError naming `what` otherwise."""
    try:
        data = b64decode(value, validate=True) if isinstance(value, str) else None
    except ValueError:
        data = None
    if data is None or to_b64(data) != value:
        raise InvalidError(f"The {what} is not base64 in its only spelling.")
    if size is not None and len(data) != size:
        raise InvalidError(f"The {what} has {len(data)} bytes instead of {size}.")
    return data


def mapping(value: object, what: str) -> dict[str, object]:
    """Return an object as it is; raise InvalidError if `value` is none."""
    if not isinstance(value, dict):
        raise InvalidError(f"The {what} is not an object.")
    return cast("dict[str, object]", value)


def fields(value: object, expected: Collection[str], what: str) -> dict[str, object]:
    """Return the fields of an object that has exactly the expected ones; raise InvalidError otherwise."""
    found = mapping(value, what)
    if odd := sorted(found.keys() ^ set(expected)):
        raise InvalidError(f"The {what} lacks or must not have: {', '.join(odd)[:200]}.")
    return found


def text(value: object, what: str) -> str:
    """Return a text as it is; raise InvalidError if `value` is none."""
    if not isinstance(value, str):
        raise InvalidError(f"The {what} is not a text.")
    return value


def listed(value: object, what: str) -> list[object]:
    """Return a list as it is; raise InvalidError if `value` is none."""
    if not isinstance(value, list):
        raise InvalidError(f"The {what} is not a list.")
    return cast("list[object]", value)


def check_version(value: object, what: str, known: int = 1) -> None:
    """Accept the version that is known; raise InvalidError otherwise."""
    if type(value) is not int or value != known:
        raise InvalidError(f"This node reads version {known} of {what}, not {str(value)[:20]!r}.")


@contextmanager
def verifying(what: str) -> Generator[None]:
    """Raise VerificationError for what is malformed or too large inside: a file that cannot be read proves nothing."""
    try:
        yield
    except (InvalidError, LimitError) as error:
        raise VerificationError(f"The {what} does not verify: {error.message}") from error
