"""Text of others as it may be shown: no character in it changes how the text around it looks."""

from __future__ import annotations

import re
from typing import Final

# Controls, line ends of Unicode, direction marks and overrides, and surrogates without their pair.
UNSAFE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def shown(text: str) -> str:
    r"""Return `text` with each such character spelled out, such as `\u202e`."""
    return UNSAFE.sub(_spelled, text)


def file_name(name: str) -> str:
    """Return the name of a file as it can be shown and stored, also when the name is not UTF-8."""
    try:
        return shown(name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace"))
    except UnicodeEncodeError:
        return shown(name)


def _spelled(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"
