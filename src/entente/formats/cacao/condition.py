"""The conditions, switches and texts with variables of a playbook: read, evaluated and filled in, without `eval`.

A condition compares variables and plain values as STIX patterns do: `__a__:value = 'x'`, `!=`, `<`, `<=`, `>`, `>=`,
`IN ('x', 'y')`, `LIKE 'x%'`, joined by AND, OR, NOT and parentheses, with or without `[ ]` around. Two sides that
both spell a number compare as numbers, all else as text. MATCHES and the subset operators are refused.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import msgspec

from entente.core.errors import InvalidError, LimitError

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_CONDITION: Final = 2000
MAX_FILLED: Final = 1 << 16
_LONGEST_NAME: Final = 204
_MAX_DEPTH: Final = 16
_NAME: Final = "__[a-zA-Z][a-zA-Z0-9-]*(?:_[a-zA-Z0-9-]+)*__"
_NAMED: Final = re.compile(_NAME).fullmatch
_USE: Final = re.compile(f"({_NAME})(:value(?![a-zA-Z0-9_]))?")
_TOKEN: Final = re.compile(
    rf"""\s*(?:
    (?P<variable>{_NAME})(?::value(?![a-zA-Z0-9_]))?(?!:)
    |(?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
    |(?P<number>-?\d+(?:\.\d+)?(?![a-zA-Z0-9_.]))
    |(?P<word>[A-Za-z]+(?![a-zA-Z0-9_]))
    |(?P<sign><=|>=|!=|<>|==|[=<>(),\[\]])
    )""",
    re.VERBOSE | re.ASCII | re.DOTALL,
)
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,39})(?:\.[0-9]{1,40})?", re.ASCII).fullmatch
_SPELLINGS: Final = {"==": "=", "<>": "!="}
_SIGNS: Final = frozenset({"=", "!=", "<", "<=", ">", ">="})
_WORDS: Final = frozenset({"AND", "OR", "NOT", "IN", "LIKE", "TRUE", "FALSE"})


class _Operand(msgspec.Struct, frozen=True):
    text: str
    variable: bool

    def value(self, variables: Mapping[str, str]) -> str:
        return variables[self.text] if self.variable else self.text


class _Comparison(msgspec.Struct, frozen=True):
    left: _Operand
    operator: str
    right: tuple[_Operand, ...]

    def holds(self, variables: Mapping[str, str]) -> bool:
        left, right = self.left.value(variables), [each.value(variables) for each in self.right]
        if self.operator == "IN":
            return any(_order(left, each) == 0 for each in right)
        if self.operator == "LIKE":
            return _like(left, right[0])
        order = _order(left, right[0])
        return {
            "=": order == 0,
            "!=": order != 0,
            "<": order < 0,
            "<=": order <= 0,
            ">": order > 0,
            ">=": order >= 0,
        }[self.operator]


class _Not(msgspec.Struct, frozen=True):
    part: _Node

    def holds(self, variables: Mapping[str, str]) -> bool:
        return not self.part.holds(variables)


class _Any(msgspec.Struct, frozen=True):
    parts: tuple[_Node, ...]

    def holds(self, variables: Mapping[str, str]) -> bool:
        return any(part.holds(variables) for part in self.parts)


class _All(msgspec.Struct, frozen=True):
    parts: tuple[_Node, ...]

    def holds(self, variables: Mapping[str, str]) -> bool:
        return all(part.holds(variables) for part in self.parts)


_Node = _Comparison | _Not | _Any | _All


class Condition(msgspec.Struct, frozen=True):
    """A condition that was read: its text, the variables that it names, and what `evaluate` needs."""

    text: str
    variables: tuple[str, ...]
    node: _Node


def is_name(text: str) -> bool:
    """Say if this is the name of a variable: `__name__`, a letter first, no two underscores side by side inside."""
    return len(text) <= _LONGEST_NAME and _NAMED(text) is not None


def parse(text: str) -> Condition:
    """Read a condition; raise InvalidError (code `condition`) with the place, LimitError when too long or too deep."""
    tokens = _tokens(text)
    reader = _Reader(tokens)
    bracket = reader.skip("[")
    node = reader.alternatives(0)
    if bracket:
        reader.take("]")
    reader.take("end")
    names = {found for kind, found, _ in tokens if kind == "variable"}
    return Condition(text, tuple(sorted(names)), node)


def evaluate(condition: Condition, variables: Mapping[str, str]) -> bool:
    """Say if the condition holds; raise InvalidError (code `variable`) when a variable that it names has no value."""
    _need(condition.variables, variables)
    return condition.node.holds(variables)


def switch_variable(text: str) -> str:
    """Give the variable whose value a switch looks at; raise InvalidError (code `condition`) if it is none."""
    name = text.strip().removesuffix(":value")
    if not is_name(name):
        raise InvalidError(f"The switch {text!r:.120} is not one variable, written __name__:value.", code="condition")
    return name


def switch(text: str, variables: Mapping[str, str]) -> str:
    """Give the value that a switch looks up among its cases; raise InvalidError when there is none."""
    name = switch_variable(text)
    _need((name,), variables)
    return variables[name]


def used(text: str) -> tuple[str, ...]:
    """Give the names that stand as `__name__:value` in a text, each once."""
    return tuple(dict.fromkeys(match[1] for match in _USE.finditer(text) if match[2]))


def substitute(text: str, variables: Mapping[str, str]) -> str:
    """Give `text` with the values in place of `__name__:value` and `__name__`; what a value brings is not filled again.

    Raise InvalidError (code `variable`) for a `__name__:value` that has no value, LimitError when the result is over
    MAX_FILLED characters. Nothing is quoted: whoever runs the text must know what its variables may hold.
    """
    parts, place, size = list[str](), 0, 0
    for match in _USE.finditer(text):
        name = match[1]
        if match[2]:
            _need((name,), variables)
        parts += (text[place : match.start()], variables.get(name, match[0]))
        place, size = match.end(), size + len(parts[-1]) + len(parts[-2])
        if size > MAX_FILLED:
            break
    if size + len(text) - place > MAX_FILLED:
        raise LimitError(f"The text with its variables filled in is longer than {MAX_FILLED} characters.")
    return "".join([*parts, text[place:]])


def _need(names: tuple[str, ...], variables: Mapping[str, str]) -> None:
    absent = [name for name in names if name not in variables]
    if absent:
        raise InvalidError(f"The variable {', '.join(absent)} has no value.", code="variable")


def _order(left: str, right: str) -> int:
    """Compare as numbers where both are, else as texts: below 0, 0 or above."""
    if _NUMBER(left) and _NUMBER(right):
        one, other = Decimal(left), Decimal(right)
        return (one > other) - (one < other)
    return (left > right) - (left < right)


def _like(text: str, pattern: str) -> bool:
    """Match with % for any characters and _ for one, in time of text times pattern at most."""
    at, here, star, mark = 0, 0, -1, 0
    while at < len(text):
        if here < len(pattern) and pattern[here] == "%":
            star, mark, here = here, at, here + 1
        elif here < len(pattern) and pattern[here] in ("_", text[at]):
            at, here = at + 1, here + 1
        elif star >= 0:
            mark, here, at = mark + 1, star + 1, mark + 1
        else:
            return False
    return not pattern[here:].strip("%")


def _tokens(text: str) -> list[tuple[str, str, int]]:
    """Cut the text into (kind, text, place)."""
    if len(text) > MAX_CONDITION:
        raise LimitError(f"The condition has {len(text)} characters; at most {MAX_CONDITION} are read.")
    found, place, end = list[tuple[str, str, int]](), 0, len(text.rstrip())
    while place < end:
        match = _TOKEN.match(text, place)
        if match is None:
            wrong = len(text) - len(text[place:].lstrip()) + 1
            raise InvalidError(f"The condition cannot be read at character {wrong}.", code="condition")
        found.append(_token(match))
        place = match.end()
    return [*found, ("end", "", end)]


def _token(match: re.Match[str]) -> tuple[str, str, int]:
    kind = match.lastgroup or ""
    text, place = match[kind], match.start(kind)
    if kind == "text":
        return kind, re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL), place
    if kind == "sign":
        sign = _SPELLINGS.get(text, text)
        return sign, sign, place
    if kind != "word":
        return kind, text, place
    word = text.upper()
    if word not in _WORDS:
        raise InvalidError(f"The condition cannot use {text:.40} at character {place + 1}.", code="condition")
    return ("text", word.lower(), place) if word in {"TRUE", "FALSE"} else (word, word, place)


class _Reader:
    """A descent over the tokens of one condition."""

    def __init__(self, tokens: list[tuple[str, str, int]]) -> None:
        self._tokens = tokens
        self._next = 0

    @property
    def kind(self) -> str:
        return self._tokens[self._next][0]

    def take(self, *kinds: str) -> str:
        """Take the next token if it is one of `kinds`, else raise InvalidError."""
        kind, text, place = self._tokens[self._next]
        if kind not in kinds:
            wanted = "its end" if kinds == ("end",) else " or ".join(kinds)
            raise InvalidError(f"The condition needs {wanted} at character {place + 1}.", code="condition")
        self._next += kind != "end"
        return text

    def skip(self, kind: str) -> bool:
        """Take the next token if it is `kind`, and say whether it was."""
        found = self.kind == kind
        self._next += found
        return found

    def alternatives(self, depth: int) -> _Node:
        """Read parts joined by OR."""
        if depth > _MAX_DEPTH:
            raise LimitError(f"The condition is nested deeper than {_MAX_DEPTH} levels.")
        parts = [self._all(depth)]
        while self.skip("OR"):
            parts.append(self._all(depth))
        return parts[0] if len(parts) == 1 else _Any(tuple(parts))

    def _all(self, depth: int) -> _Node:
        parts = [self._one(depth)]
        while self.skip("AND"):
            parts.append(self._one(depth))
        return parts[0] if len(parts) == 1 else _All(tuple(parts))

    def _one(self, depth: int) -> _Node:
        negated = False
        while self.skip("NOT"):
            negated = not negated
        if self.skip("("):
            node = self.alternatives(depth + 1)
            self.take(")")
        else:
            node = self._comparison()
        return _Not(node) if negated else node

    def _comparison(self) -> _Node:
        left = self._operand()
        negated = self.skip("NOT")
        operator = self.take(*sorted(_SIGNS), "IN", "LIKE")
        right = self._set() if operator == "IN" else (self._operand(),)
        node = _Comparison(left, operator, right)
        return _Not(node) if negated else node

    def _operand(self) -> _Operand:
        variable = self.kind == "variable"
        return _Operand(self.take("variable", "text", "number"), variable)

    def _set(self) -> tuple[_Operand, ...]:
        self.take("(")
        found = [self._operand()]
        while self.skip(","):
            found.append(self._operand())
        self.take(")")
        return tuple(found)
