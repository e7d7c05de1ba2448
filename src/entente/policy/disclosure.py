"""Whether a text may be shown to everybody: nothing hidden in it, no word of a list, which observables it names.

docs/protocol/11-joint-work.md, "Public disclosure". The texts are compared as a reader would see them, or undo them.
"""

from __future__ import annotations

import html
import ipaddress
import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from msgspec import Struct

from entente.core.errors import InvalidError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

HIDDEN: Final = "hidden"
TERM: Final = "term"
OBSERVABLE: Final = "observable"
MAX_OBSERVABLES: Final = 1_000
MAX_NAME: Final = 253
MAX_TERMS: Final = 10_000
SHORTEST_TERM: Final = 2

# Format characters, private and unassigned ones, halves of pairs; and letters that show nothing.
_NEVER: Final = frozenset({"Cf", "Co", "Cn", "Cs", "Zl", "Zp"})
_BLANK: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_MARKUP: Final = (
    (re.compile(r"<!--|--!?>|<[!?]"), "a comment or declaration"),
    (re.compile(r"</?[a-zA-Z][a-zA-Z0-9-]*(?:\s[^>]*|/)?>?(?=\W|$)"), "HTML"),
    (re.compile(r"^ {0,3}(?:> {0,3})*\[[^\]\n]+\]:", re.MULTILINE), "a definition that is not shown"),
    (re.compile(r"!\[|!\("), "an image"),
    (re.compile(r"\]\([^)\n]{0,1000}[ \t][\"'(]"), "the title of a link, which is not shown"),
)
_PLAIN_LINK: Final = re.compile(r"<(?:https?://|mailto:)[^\s<>]+>", re.IGNORECASE)
_COMMENT: Final = _MARKUP[0]

_DEFANGED: Final = (
    (re.compile(r"[\[({<]\s*(?:\.|dot|punkt|point)\s*[\])}>]"), "."),
    (re.compile(r"[\[({<]\s*(?:@|at)\s*[\])}>]"), "@"),
    (re.compile(r"[\[({<]\s*:\s*[\])}>]"), ":"),
    (re.compile(r"[\[({<]\s*://\s*[\])}>]"), "://"),
    (re.compile(r"(?<=\w)\s+dot\s+(?=\w)"), "."),
    (re.compile(r"\\([.:@/])"), r"\1"),
    (re.compile(r"\bh(?:xx|\*\*|__)p(s?)\b"), r"http\1"),
)
_SPACE: Final = re.compile(r"\s+")
_MARKS: Final = re.compile(r"[\W_]+")
_V4_ODD: Final = re.compile(r"(?<!\d)(\d{1,3})\s*[.,]\s*(\d{1,3})\s*[.,]\s*(\d{1,3})\s*[.,]\s*(\d{1,3})(?!\d)")
_IDNA: Final = "xn--"
SHORTEST_BARE: Final = 4
"""What a term with signs in it must have of letters and digits to be looked for without the signs."""

# What looks alike: letters of other scripts, digits for letters, i for l.
_ALIKES: Final = (
    (
        "\u0430\u0432\u0441\u0435\u043d\u0456\u0458\u043a\u043c\u043e\u0440\u0455\u0442\u0443\u0445\u0501\u051b\u051d\u04cf\u0261",
        "abcehljkmopstyxdqwlg",
    ),
    (
        "\u03b1\u03b2\u03b5\u03b7\u03b9\u03ba\u03bd\u03bf\u03c1\u03c4\u03c5\u03c7\u03b6\u03bc\u03c9\u03c3",
        "abenlkvoptuxzmwo",
    ),
    ("01i3457$@", "olleastsa"),
)
_ALIKE: Final = {sign: letter for signs, letters in _ALIKES for sign, letter in zip(signs, letters, strict=True)}
# Capitals that look like another letter than their small ones do.
_CAPITALS: Final = dict(zip("\u0397\u039c\u039d\u03a5\u0396\u0392", "hmnyzb", strict=True))
_LETTER: Final = re.compile(
    r"(?:LATIN|NEGATIVE|REGIONAL|CIRCLED|PARENTHESIZED)\b.*?\bLETTER (?:SMALL CAPITAL |DOTLESS |LONG |OPEN |TURNED )?"
    r"([A-Z])(?: WITH .*)?"
)

_HOST: Final = r"(?:[\w](?:[\w-]{0,61}[\w])?\.){1,126}[^\W\d_](?:[\w-]{0,61}[\w])?"
_URL: Final = re.compile(r"\b[a-z][a-z0-9+.-]{1,20}://[^\s<>\"'`)\]}]+")
_MAIL: Final = re.compile(rf"[\w.+%-]{{1,64}}@{_HOST}")
_NAME: Final = re.compile(rf"(?<![\w.@-]){_HOST}(?![\w-])")
_DIGITS: Final = "|".join(f"[0-9a-f]{{{size}}}" for size in (32, 40, 64, 96, 128))
_HASH: Final = re.compile(rf"(?<![0-9a-f])(?:{_DIGITS})(?![0-9a-f])")
_V4: Final = re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.]*\d)")
_V6: Final = re.compile(r"(?<![\w:.])[0-9a-f:]{2,39}(?:\d{1,3}(?:\.\d{1,3}){3})?(?![\w:])")


class Finding(Struct, frozen=True):
    """Why a text may not leave: the rule (hidden, term or observable), what was found, and where (line from 1)."""

    rule: str
    text: str
    line: int = 0


def hidden(text: str, *, markdown: bool) -> list[Finding]:
    """Return what a reader of this text would not see: invisible characters, comments, HTML, hidden definitions."""
    found = [
        Finding(HIDDEN, f"U+{ord(sign):04X} {unicodedata.name(sign, 'without a name')}", number)
        for number, line in enumerate(text.split("\n"), 1)
        for sign in dict.fromkeys((*line, *html.unescape(line)))
        if _is_hidden(sign)
    ]
    bare = _PLAIN_LINK.sub(" ", text)
    found += [
        Finding(HIDDEN, what, bare.count("\n", 0, match.start()) + 1)
        for pattern, what in (_MARKUP if markdown else (_COMMENT,))
        for match in pattern.finditer(bare)
    ]
    return found


def named(text: str, terms: Iterable[str]) -> list[Finding]:
    """Return which terms of a list the text holds, however they are spaced, written, broken up or defanged.

    Accents do not count, and signs that look like each other are one.
    """
    views = _views(text)
    return [
        Finding(TERM, term.strip())
        for term in dict.fromkeys(terms)
        if term.strip() and any(wanted in view for wanted in _wanted(term) for view in views)
    ]


def _views(text: str) -> set[str]:
    """Return a text as it is read in several ways, each without spaces, and without all signs between letters."""
    readings = {text, unquote(text), html.unescape(unquote(text))}
    read = {reading(each) for each in readings for reading in (plain, _folded, _looks)}
    return {out.sub("", each) for each in read for out in (_SPACE, _MARKS)}


def _wanted(term: str) -> set[str]:
    """Return the ways in which a term is looked for."""
    spaceless = {_SPACE.sub("", reading(term)) for reading in (plain, _folded, _looks)}
    bare = {_MARKS.sub("", each) for each in spaceless}
    return {each for each in spaceless if each} | {each for each in bare if len(each) >= SHORTEST_BARE}


@lru_cache(maxsize=4096)
def _look(sign: str) -> str:
    """Return the small letter that a sign looks like, "" for a mark above or through others."""
    if unicodedata.category(sign) in {"Mn", "Me"}:
        return ""
    if sign in _CAPITALS:
        sign = _CAPITALS[sign]
    match = None if sign.isascii() else _LETTER.fullmatch(unicodedata.name(sign, ""))
    letter = match[1].lower() if match else sign.casefold()
    return _ALIKE.get(letter, letter)


def _looks(text: str) -> str:
    """Return a text with each sign as the letter that it looks like."""
    shown = unicodedata.normalize("NFKD", _visible(text))
    return "".join(map(_look, shown))


def read_terms(text: str) -> tuple[str, ...]:
    """Return the terms of a list, one a line; lines that begin with # are remarks.

    InvalidError for a term of one character, or more than 10,000.
    """
    terms = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if short := [term for term in terms if len(_SPACE.sub("", plain(term))) < SHORTEST_TERM]:
        raise InvalidError(f"The term {short[0]!r} is too short to be looked for.", hint="Use 2 characters or more.")
    if len(terms) > MAX_TERMS:
        raise InvalidError(f"A list has {MAX_TERMS} terms at most.")
    return tuple(dict.fromkeys(terms))


def observables(text: str) -> list[str]:
    """Return the addresses, names, URLs, hashes and mail addresses in a text, undone as far as they were defanged.

    The host of a URL or mail address, and the names above a name, are named too. InvalidError if there are too many.
    """
    found = list(dict.fromkeys(_observables(plain(text))))
    if len(found) > MAX_OBSERVABLES:
        raise InvalidError(
            f"The text names more than {MAX_OBSERVABLES} addresses and names.", hint="Split it into several texts."
        )
    return found


def holds(text: str, observable: str) -> bool:
    """Say whether a text names this observable as a whole."""
    found = re.search(rf"(?<![\w.@-]){re.escape(observable)}(?![\w-]|\.\w)", plain(text))
    return found is not None or observable in _observables(plain(text))


def plain(text: str) -> str:
    """Return a text as a machine would read it: compatibility forms, case and defanging undone, nothing invisible."""
    found = _folded(text)
    for pattern, instead in _DEFANGED:
        found = pattern.sub(instead, found)
    return found


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", _visible(text).casefold())


def _visible(text: str) -> str:
    """Return a text in compatibility form, its digits as ours, without what nobody sees."""
    found = unicodedata.normalize("NFKC", html.unescape(text))
    return "".join(_digit(sign) for sign in found if not _is_hidden(sign))


def _digit(sign: str) -> str:
    """Return a digit of any script as ours, and the full stop of another one; all else as it is."""
    if sign.isascii():
        return sign
    value = unicodedata.decimal(sign, -1)
    return "." if sign == "\u3002" else sign if value < 0 else str(value)


def _is_hidden(sign: str) -> bool:
    return unicodedata.category(sign) in _NEVER or _BLANK.match(sign) is not None


def _observables(text: str) -> Iterator[str]:
    for match in _URL.finditer(text):
        url = match[0].rstrip(".,;:!?")
        yield url
        yield from _host(url.partition("://")[2].split("/")[0].rpartition("@")[2])
    for match in _MAIL.finditer(text):
        yield match[0]
        yield from _names(match[0].rpartition("@")[2])
    for match in _NAME.finditer(text):
        yield from _names(match[0])
    yield from (match[0] for match in _HASH.finditer(text))
    for pattern in (_V4, _V6):
        yield from (match[0] for match in pattern.finditer(text) if _is_address(match[0]))
    yield from (str(ipaddress.ip_address(match[0])) for match in _V6.finditer(text) if _is_address(match[0]))
    odd = (".".join(str(int(part)) for part in match.groups()) for match in _V4_ODD.finditer(text))
    yield from (address for address in odd if _is_address(address))


def _host(text: str) -> Iterator[str]:
    """Yield the host of a URL, with or without a port."""
    host = text[1:].partition("]")[0] if text.startswith("[") else text.partition(":")[0]
    if _is_address(host):
        yield host
    elif "." in host:
        yield from _names(host)


def _names(name: str) -> Iterator[str]:
    """Yield a name, and the ones above it that have two parts or more."""
    parts = name.split(".") if len(name) <= MAX_NAME else []
    above = [".".join(parts[at:]) for at in range(len(parts) - 1)]
    yield from above
    yield from (other for each in above if (other := _other_spelling(each)) not in {"", each})


def _other_spelling(name: str) -> str:
    """Return a name in the other spelling of international names, "" if it has none."""
    try:
        return name.encode("ascii").decode("idna") if _IDNA in name else "" if name.isascii() else _ascii(name)
    except UnicodeError:
        return ""


def _ascii(name: str) -> str:
    return name.encode("idna").decode("ascii")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
