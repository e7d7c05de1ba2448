"""Whether an indicator's STIX pattern is well formed (STIX 2.1 section 9); a verdict for export, it matches nothing.

It takes the grammar's common part. EXISTS, comments and negative indexes are refused, which errs on the safe side.
"""

from __future__ import annotations

import re
from typing import Final

from entente.core.errors import InvalidError, LimitError
from entente.formats.shapes import words
from entente.formats.stix.types import SCO_TYPES

_MAX_DEPTH: Final = 50
_SHORTEST: Final = 3
_LONGEST: Final = 250
_TOKEN: Final = re.compile(
    r"""\s*(?:
    (?P<time>t'\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?Z')
    |(?P<hex>h'(?:[0-9a-fA-F]{2})+')
    |(?P<binary>b'(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)')
    |(?P<string>'(?:[^'\\]|\\['\\])*')
    |(?P<float>-?(?:0|[1-9]\d*)\.\d+)
    |(?P<int>-?(?:0|[1-9]\d*))
    |(?P<name>[A-Za-z_][A-Za-z0-9_-]*)
    |(?P<sign><=|>=|!=|<>|==|[=<>\[\]():.,*])
    )""",
    re.VERBOSE | re.ASCII,
)
_KEYWORDS: Final = frozenset(
    words(
        "AND OR NOT FOLLOWEDBY LIKE MATCHES ISSUPERSET ISSUBSET EXISTS LAST IN START STOP SECONDS TIMES "
        "WITHIN REPEATS true false"
    )
)
_TYPE: Final = re.compile("[a-z0-9]+(?:-[a-z0-9]+)*").fullmatch
_PROPERTY: Final = re.compile("[a-z0-9_]{3,250}").fullmatch
_EQUAL: Final = words("= == != <>")
_ORDER: Final = words("< <= > >=")
_TEXT_OPERATORS: Final = words("LIKE MATCHES ISSUBSET ISSUPERSET")
_LITERALS: Final = words("time hex binary string float int")
_HASH_LENGTH: Final = {
    "MD5": 32,
    "RIPEMD160": 40,
    "SHA1": 40,
    "SHA224": 56,
    "SHA256": 64,
    "SHA384": 96,
    "SHA512": 128,
    "SHA3224": 56,
    "SHA3256": 64,
    "SHA3384": 96,
    "SHA3512": 128,
    "WHIRLPOOL": 128,
}
_FUZZY: Final = frozenset({"SSDEEP", "MD6"})


def check(pattern: str) -> None:
    """Return when `pattern` is well formed, raise InvalidError with the place, or LimitError when nested too deeply."""
    reader = _Reader(_tokens(pattern))
    reader.observations(0)
    if reader.kind != "end":
        raise reader.wrong("the end")


def _tokens(pattern: str) -> list[tuple[str, str, int]]:
    """Cut the pattern into (kind, text, place)."""
    found, place, end = list[tuple[str, str, int]](), 0, len(pattern.rstrip())
    while place < end:
        match = _TOKEN.match(pattern, place)
        if match is None:
            wrong = len(pattern) - len(pattern[place:].lstrip()) + 1
            raise InvalidError(f"the pattern cannot be read at character {wrong}")
        kind, text = match.lastgroup or "", match[match.lastgroup or 0]
        found.append((text if kind == "sign" or text in _KEYWORDS else kind, text, match.start(kind)))
        place = match.end()
    return [*found, ("end", "", end)]


class _Reader:
    """A descent over the tokens of one pattern."""

    def __init__(self, tokens: list[tuple[str, str, int]]) -> None:
        self._tokens = tokens
        self._next = 0

    @property
    def kind(self) -> str:
        """The kind of the next token."""
        return self._tokens[self._next][0]

    def wrong(self, wanted: str) -> InvalidError:
        """Make the error that names what should have come."""
        return InvalidError(f"the pattern needs {wanted} at character {self._tokens[self._next][2] + 1}")

    def _take(self, *kinds: str) -> str:
        """Take the next token if it is of one of `kinds`, else raise InvalidError."""
        kind, text, _ = self._tokens[self._next]
        if kind not in kinds:
            raise self.wrong(" or ".join(kinds))
        self._next += 1
        return text

    def _skip(self, kind: str) -> bool:
        """Take the next token if it is `kind`, and say whether it was."""
        if self.kind != kind:
            return False
        self._next += 1
        return True

    def observations(self, depth: int) -> None:
        """Read observation expressions that AND, OR and FOLLOWEDBY join; the precedence does not matter here."""
        if depth > _MAX_DEPTH:
            raise LimitError(f"the pattern is nested deeper than {_MAX_DEPTH}")
        self._observation(depth)
        while self.kind in ("AND", "OR", "FOLLOWEDBY"):
            self._next += 1
            self._observation(depth)

    def _observation(self, depth: int) -> None:
        if self._skip("("):
            self.observations(depth + 1)
            self._take(")")
        else:
            self._take("[")
            self._comparisons(depth)
            self._take("]")
        seen = set[str]()
        while self.kind in ("WITHIN", "REPEATS", "START"):
            if self.kind in seen:
                raise self.wrong("one qualifier of a kind")
            seen.add(self.kind)
            self._qualifier()

    def _qualifier(self) -> None:
        if self._skip("WITHIN"):
            self._positive("int", "float")
            self._take("SECONDS")
        elif self._skip("REPEATS"):
            self._positive("int")
            self._take("TIMES")
        else:
            self._take("START")
            self._take("time")
            self._take("STOP")
            self._take("time")

    def _positive(self, *kinds: str) -> None:
        if self._take(*kinds).startswith("-"):
            raise self.wrong("a positive number")

    def _comparisons(self, depth: int) -> None:
        if depth > _MAX_DEPTH:
            raise LimitError(f"the pattern is nested deeper than {_MAX_DEPTH}")
        self._comparison(depth)
        while self.kind in ("AND", "OR"):
            self._next += 1
            self._comparison(depth)

    def _comparison(self, depth: int) -> None:
        if self._skip("("):
            self._comparisons(depth + 1)
            self._take(")")
            return
        path = self._path()
        self._skip("NOT")
        operator = self._take(*_EQUAL, *_ORDER, *_TEXT_OPERATORS, "IN")
        start = self._next
        if operator == "IN":
            self._set()
        elif operator in _TEXT_OPERATORS:
            self._take("string")
        else:
            self._take(*_LITERALS, *(("true", "false") if operator in _EQUAL else ()))
        _check_hash(path, "".join(text for _, text, _ in self._tokens[start : self._next]))

    def _set(self) -> None:
        self._take("(")
        self._take(*_LITERALS, "true", "false")
        while self._skip(","):
            self._take(*_LITERALS, "true", "false")
        self._take(")")

    def _path(self) -> list[str]:
        """Read `type:property.step[0]` and give its steps."""
        kind = self._take("name")
        if not _TYPE(kind) or not _SHORTEST <= len(kind) <= _LONGEST:
            raise self.wrong("a type of observable before it")
        self._take(":")
        path = [self._step()]
        if not _PROPERTY(path[0]) and not (path[0] == "id" and kind in SCO_TYPES):
            raise self.wrong("a property before it")
        while self.kind in (".", "["):
            if self._skip("["):
                if not self._skip("*"):
                    self._positive("int")
                self._take("]")
                path.append("")
            else:
                self._take(".")
                path.append(self._step())
        return path

    def _step(self) -> str:
        """Read a name without hyphen, or a quoted one."""
        text = self._take("name", "string")
        if text[0] == "'":
            return text[1:-1].replace("\\'", "'").replace("\\\\", "\\")
        if "-" in text:
            raise self.wrong("quotes around a name with a hyphen before it")
        return text


def _check_hash(path: list[str], value: str) -> None:
    """Refuse a hash value that cannot be one of the algorithm in the path, and a path into hashes without one."""
    if "hashes" not in path:
        return
    name = path[-1].upper().replace("-", "").replace("'", "")
    if not name or name in _FUZZY:
        raise InvalidError("the pattern's comparison of hashes is not one that can be checked")
    length = _HASH_LENGTH.get(name)
    if length is not None and re.fullmatch(f"[a-fA-F0-9]{{{length}}}", value.replace("'", "")) is None:
        raise InvalidError(f"the pattern compares {path[-1]} with what is no such hash")
