"""Sharing and action markings: the order and spelling of TLP 2.0 (FIRST) and of the Permissible Actions Protocol."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from typing_extensions import override

from entente.core.errors import InvalidError


class Tlp(IntEnum):
    """Who may see it, from everybody to the named recipients only."""

    CLEAR = 0
    GREEN = 1
    AMBER = 2
    AMBER_STRICT = 3
    RED = 4

    @override
    def __str__(self) -> str:
        """Return the word as the standard spells it, such as `TLP:AMBER+STRICT`."""
        return "TLP:" + self.name.replace("_", "+")


class Pap(IntEnum):
    """What may be done with it, from anything to nothing that an adversary could notice."""

    CLEAR = 0
    WHITE = 0
    GREEN = 1
    AMBER = 2
    RED = 3

    @override
    def __str__(self) -> str:
        """Return the word as it is written, such as `PAP:GREEN`."""
        return "PAP:" + self.name


PERSONAL: Final = f"{Tlp.RED} is for named persons"
"""What `is_personal` means, in words."""

_TLP = {str(level).removeprefix("TLP:"): level for level in Tlp} | {"WHITE": Tlp.CLEAR}
_PAP = {str(level).removeprefix("PAP:"): level for level in Pap} | {"WHITE": Pap.CLEAR}


def parse(text: str) -> Tlp:
    """Read a TLP word in any case, with or without `TLP:`; raise InvalidError with the allowed words otherwise."""
    level = _TLP.get(text.strip().upper().removeprefix("TLP:"))
    if level is None:
        raise InvalidError(f"{text!r} is no TLP marking. Allowed: {_allowed(_TLP, 'TLP:')}.")
    return level


def parse_any(text: str) -> Tlp | Pap:
    """Read a TLP or, with `PAP:`, a PAP word, as `parse` does; raise InvalidError with the allowed words otherwise."""
    word = text.strip().upper()
    level = _PAP.get(word.removeprefix("PAP:")) if word.startswith("PAP:") else _TLP.get(word.removeprefix("TLP:"))
    if level is None:
        raise InvalidError(f"{text!r} is no marking. Allowed: {_allowed(_TLP, 'TLP:')}, {_allowed(_PAP, 'PAP:')}.")
    return level


def stricter(a: Tlp | None, b: Tlp | None) -> Tlp | None:
    """Return the stricter of two markings, the one that is there if one is missing, None if both are."""
    if a is None or b is None:
        return a if b is None else b
    return max(a, b)


def is_personal(level: Tlp) -> bool:
    """Say whether what is so marked is for named persons; a circle cannot name its readers, so it stays at home."""
    return level >= Tlp.RED


def barring(level: Tlp, ceiling: Tlp) -> tuple[str, ...]:
    """Return the rules that keep what is so marked out of a circle with this ceiling: `red`, `ceiling`, none."""
    if level <= ceiling and not is_personal(level):
        return ()
    return (*(("red",) if is_personal(level) else ()), *(("ceiling",) if level > ceiling else ()))


def _allowed(words: dict[str, Tlp] | dict[str, Pap], prefix: str) -> str:
    return ", ".join(prefix + word for word in words)
