"""Whether a text may be shown to everybody: nothing hidden in it, no word of a list, which observables it names.

docs/protocol/11-joint-work.md, "Public disclosure". The texts are compared as a reader would see them, or undo them.
"""

from __future__ import annotations

import html
import ipaddress
import re
import unicodedata
from typing import TYPE_CHECKING, Final

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
    (re.compile(r"\\([.:@/])"), r"\1"),
    (re.compile(r"\bh(?:xx|\*\*|__)p(s?)\b"), r"http\1"),
)
_SPACE: Final = re.compile(r"\s+")
_MARKS: Final = re.compile("[\\s*_`~\\\\\\[\\](){}<>|#\"'\u201c\u201d\u2018\u2019]+")

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
    """Return which terms of a list the text holds, however they are spaced, written, broken up or defanged."""
    views = {_squeezed(text, _SPACE), _squeezed(text, _MARKS)}
    return [
        Finding(TERM, term.strip())
        for term in dict.fromkeys(terms)
        if term.strip() and any(_squeezed(term, _SPACE) in view for view in views)
    ]


def read_terms(text: str) -> tuple[str, ...]:
    """Return the terms of a list, one a line; lines that begin with # are remarks.

    InvalidError for a term of one character, or more than 10,000.
    """
    terms = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if short := [term for term in terms if len(_squeezed(term, _SPACE)) < SHORTEST_TERM]:
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
    found = unicodedata.normalize("NFKC", html.unescape(text)).casefold()
    found = "".join(sign for sign in found if not _is_hidden(sign))
    found = unicodedata.normalize("NFKC", found)
    for pattern, instead in _DEFANGED:
        found = pattern.sub(instead, found)
    return found


def _is_hidden(sign: str) -> bool:
    return unicodedata.category(sign) in _NEVER or _BLANK.match(sign) is not None


def _squeezed(text: str, out: re.Pattern[str]) -> str:
    return out.sub("", plain(text))


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
    yield from (".".join(parts[at:]) for at in range(len(parts) - 1))


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
