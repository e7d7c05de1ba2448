"""Strict JSON for playbooks: what two readers could understand differently, or what is too large, is refused."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Final, NoReturn, cast

from entente.core.errors import InvalidError, LimitError

MAX_SIZE: Final = 1 << 20
MAX_DEPTH: Final = 32
_NOTHING: Final[dict[str, object]] = {}
_TOKEN: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]]', re.DOTALL)
_LONGEST_NUMBER: Final = 40


def load(data: bytes) -> dict[str, object]:
    """Give the one JSON object in `data`.

    Raise LimitError when it is over MAX_SIZE bytes or nested deeper than MAX_DEPTH, InvalidError when it is not JSON,
    not an object, not UTF-8, names a property twice, or holds a number that not everybody reads alike.
    """
    if len(data) > MAX_SIZE:
        raise LimitError(f"The playbook has {len(data)} bytes; at most {MAX_SIZE} are read.")
    _check_depth(data)
    try:
        text = data.decode()
        value: object = json.loads(
            text, object_pairs_hook=_once, parse_constant=_no_constant, parse_float=_finite, parse_int=_short
        )
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as problem:
        raise InvalidError(f"The playbook is not JSON: {problem}.", code="json") from problem
    if not isinstance(value, dict):
        raise InvalidError("The playbook is not a JSON object.", code="json")
    return cast("dict[str, object]", value)  # JSON has text keys


def part(value: object) -> Mapping[str, object]:
    """Give `value` if it is an object, else an empty one."""
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else _NOTHING


def text(value: object) -> str:
    """Give `value` if it is a text, else an empty one."""
    return value if isinstance(value, str) else ""


def texts(value: object) -> tuple[str, ...]:
    """Give the texts in `value` if it is a list, else none."""
    return tuple(each for each in items(value) if isinstance(each, str))


def items(value: object) -> list[object]:
    """Give `value` if it is a list, else an empty one."""
    return cast("list[object]", value) if isinstance(value, list) else []


def whole(value: object) -> int:
    """Give `value` if it is a whole number, else 0."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _check_depth(data: bytes) -> None:
    depth = 0
    for match in _TOKEN.finditer(data):
        sign = match[0]
        if sign in b"{[":
            depth += 1
            if depth > MAX_DEPTH:
                raise LimitError(f"The playbook is nested deeper than {MAX_DEPTH} levels.")
        elif sign in b"}]":
            depth -= 1


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the property {twice!r:.80} is given twice")
    return found


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")


def _finite(number: str) -> float:
    value = float(number)
    if len(number) > _LONGEST_NUMBER or not math.isfinite(value):
        raise ValueError(f"the number {number:.40} is too large")
    return value


def _short(number: str) -> int:
    if len(number) > _LONGEST_NUMBER:
        raise ValueError(f"the number {number:.40} is too large")
    return int(number)
