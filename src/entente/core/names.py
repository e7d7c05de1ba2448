"""Names that members, agreements and circles choose for themselves: `docs/protocol/2-ledger.md`, key history.

A name is shown beside ids and on terminals, so it must not look like an id nor change how the text around it is shown.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from entente.core.errors import InvalidError

MAX_NAME: Final = 80

_ID_LIKE: Final = re.compile(r"[a-z2-7]{26,}", re.IGNORECASE | re.ASCII)
_BIDI: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_UNPRINTABLE: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})


def check_name(text: str) -> str:
    """Return `text` if it may be a name; raise InvalidError saying why not otherwise."""
    if not 1 <= len(text) <= MAX_NAME:
        raise InvalidError(f"A name has 1 to {MAX_NAME} characters; this one has {len(text)}.")
    for position, character in enumerate(text, 1):
        if character in _BIDI or unicodedata.category(character) in _UNPRINTABLE:
            raise InvalidError(
                f"Character {position} of the name, U+{ord(character):04X}, controls how text is shown; leave it out."
            )
    if text != text.strip():
        raise InvalidError("A name does not begin or end with a space.")
    if _ID_LIKE.search(text):
        raise InvalidError("The name could be taken for an id: it has 26 or more letters or digits 2 to 7 in a row.")
    return text
