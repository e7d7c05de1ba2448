"""Canonical JSON of acts and founding texts: RFC 8785, narrowed to what has one spelling in every language."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias, cast

import orjson

from entente.core.errors import InvalidError

if TYPE_CHECKING:
    from collections.abc import Mapping

Value: TypeAlias = "dict[str, Value] | list[Value] | str | bool | int"
"""What may stand in a canonical text: no null, no fraction."""

MAX_DEPTH: Final = 32
MAX_INTEGER: Final = 2**53 - 1
DEFAULT_LIMIT: Final = 1 << 20


def encode(value: Mapping[str, object]) -> bytes:
    """Return the one spelling of an object; raise InvalidError if it holds anything that has none."""
    _check(value, 1)
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError as error:
        raise InvalidError(f"This cannot be written as canonical JSON: {error}.") from error


def load(data: bytes) -> dict[str, Value]:
    """Read an object that `decode` accepted, or `encode` wrote, before it was stored; its spelling is not looked at.

    InvalidError if it is no JSON object at all.
    """
    try:
        value: object = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise InvalidError(f"This is not JSON: {error}.") from error
    if not isinstance(value, dict):
        raise InvalidError("The canonical text is not an object.")
    return cast("dict[str, Value]", value)


def decode(data: bytes, limit: int = DEFAULT_LIMIT) -> dict[str, Value]:
    """Read an object of at most `limit` bytes; raise InvalidError unless it is spelt exactly as `encode` spells it."""
    if len(data) > limit:
        raise InvalidError(f"The canonical text has {len(data)} bytes; at most {limit} are accepted.")
    result = load(data)  # encode refuses everything that is not a Value
    if encode(result) != data:
        raise InvalidError(
            "The text is JSON but not in its canonical spelling (order, spaces, escapes, repeated keys)."
        )
    return result


def _check(value: object, depth: int) -> None:
    """Walk everything below `value`; exact types only, because a subclass may print as something else."""
    kind = type(value)
    if kind is str or kind is bool:
        return
    if kind is int:
        _check_integer(cast("int", value))
        return
    if depth > MAX_DEPTH:
        raise InvalidError(f"The value is nested deeper than {MAX_DEPTH} levels.")
    if kind is dict:
        for key, below in cast("dict[object, object]", value).items():
            if type(key) is not str or not key.isascii():
                raise InvalidError(f"The key {key!r} is not ASCII text.")
            _check(below, depth + 1)
    elif kind is list or kind is tuple:
        for below in cast("list[object]", value):
            _check(below, depth + 1)
    else:
        raise InvalidError(f"A value of type {kind.__name__} has no canonical spelling.")


def _check_integer(value: int) -> None:
    if not -MAX_INTEGER <= value <= MAX_INTEGER:
        raise InvalidError(f"The integer {value} is outside ±(2^53-1).")
