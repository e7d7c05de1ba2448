"""The marking objects that everybody shares: TLP 1, TLP 2.0 and PAP by id and by content (STIX 2.1 section 7.2).

The ids are fixed by OASIS (TLP 1: STIX 2.1 section 7.2.1.4; TLP 2.0: extension definition 60a3c5c5) and by the
published PAP extension f8d78575. An object may also carry such a meaning under an id of its own; `by_content` reads it.
"""

from __future__ import annotations

from typing import Final

import msgspec

from entente.core.errors import InvalidError
from entente.core.marking import Pap, Tlp

TLP_EXTENSION: Final = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
PAP_EXTENSION: Final = "extension-definition--f8d78575-edfd-406e-8e84-6162a8450f5b"
TLP_CREATED: Final = "2022-10-01T00:00:00.000Z"


class Marking(msgspec.Struct, frozen=True):
    """What one marking definition says: a TLP, a PAP, or neither (a statement); `tlp1` tells the older TLP."""

    tlp: Tlp | None = None
    pap: Pap | None = None
    tlp1: bool = False


TLP_IDS: Final[dict[Tlp, str]] = {
    Tlp.CLEAR: "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
    Tlp.GREEN: "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    Tlp.AMBER: "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
    Tlp.AMBER_STRICT: "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
    Tlp.RED: "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
}
TLP1_IDS: Final[dict[Tlp, str]] = {
    Tlp.CLEAR: "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9",
    Tlp.GREEN: "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da",
    Tlp.AMBER: "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82",
    Tlp.RED: "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed",
}
PAP_IDS: Final[dict[Pap, tuple[str, ...]]] = {
    Pap.CLEAR: (
        "marking-definition--ad15a0cd-55b6-4588-a14c-a66105329b92",
        "marking-definition--a3bea94c-b469-41dc-9cfe-d6e7daba7730",
    ),
    Pap.GREEN: ("marking-definition--c43594d1-4b11-4c59-93ab-1c9b14d53ce9",),
    Pap.AMBER: ("marking-definition--60f8932b-e51e-4458-b265-a2e8be9a80ab",),
    Pap.RED: ("marking-definition--740d36e5-7714-4c30-961a-3ae632ceee0e",),
}

TLP_WORDS: Final[dict[Tlp, str]] = {
    Tlp.CLEAR: "clear",
    Tlp.GREEN: "green",
    Tlp.AMBER: "amber",
    Tlp.AMBER_STRICT: "amber+strict",
    Tlp.RED: "red",
}
_TLP_BY_WORD: Final = {word: tlp for tlp, word in TLP_WORDS.items()} | {"white": Tlp.CLEAR}
_TLP1_WORDS: Final = frozenset({"white", "green", "amber", "red"})
_PAP_BY_WORD: Final = {
    "white": Pap.CLEAR,
    "clear": Pap.CLEAR,
    "green": Pap.GREEN,
    "amber": Pap.AMBER,
    "red": Pap.RED,
}

WELL_KNOWN: Final[dict[str, Marking]] = {
    **{id_: Marking(tlp=tlp) for tlp, id_ in TLP_IDS.items()},
    **{id_: Marking(tlp=tlp, tlp1=True) for tlp, id_ in TLP1_IDS.items()},
    **{id_: Marking(pap=pap) for pap, ids in PAP_IDS.items() for id_ in ids},
}


class _Definition(msgspec.Struct):
    id: str
    type: str
    definition_type: object = None
    definition: object = None
    extensions: object = None


_DECODER: Final = msgspec.json.Decoder(_Definition)


def by_content(data: bytes) -> tuple[str, Marking] | None:
    """Give the id and the meaning of the marking-definition in `data`, or None if it is another kind of object.

    Raise InvalidError when `data` is no object that could be one.
    """
    try:
        found = _DECODER.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidError(f"the marking definition cannot be read: {error}") from error
    if found.type != "marking-definition":
        return None
    extended = _word(found.extensions, TLP_EXTENSION, "tlp_2_0")
    older = _word({"": found.definition}, "", "tlp") if found.definition_type == "tlp" else ""
    tlps = [tlp for tlp in (_TLP_BY_WORD.get(extended), _TLP_BY_WORD.get(older)) if tlp is not None]
    pap = _PAP_BY_WORD.get(_word(found.extensions, PAP_EXTENSION, "pap"))
    return found.id.lower(), Marking(max(tlps, default=None), pap, tlp1=older in _TLP1_WORDS)


def _word(holder: object, key: str, name: str) -> str:
    """Give the lower-case word at `holder[key][name]`, "" where it is missing or no text."""
    inner = msgspec.convert(holder, dict[str, object]).get(key) if isinstance(holder, dict) else None
    value = msgspec.convert(inner, dict[str, object]).get(name) if isinstance(inner, dict) else None
    return value.lower() if isinstance(value, str) else ""


def strictest(one: Marking, other: Marking) -> Marking:
    """Give what both markings together demand."""
    tlps = [tlp for tlp in (one.tlp, other.tlp) if tlp is not None]
    paps = [pap for pap in (one.pap, other.pap) if pap is not None]
    return Marking(max(tlps, default=None), max(paps, default=None), one.tlp1 or other.tlp1)


def tlp_object(tlp: Tlp) -> bytes:
    """Give the TLP 2.0 marking-definition that travels in a bundle beside the objects which it marks."""
    word = TLP_WORDS[tlp]
    return msgspec.json.encode(
        {
            "type": "marking-definition",
            "spec_version": "2.1",
            "id": TLP_IDS[tlp],
            "created": TLP_CREATED,
            "name": f"TLP:{word.upper()}",
            "extensions": {TLP_EXTENSION: {"extension_type": "property-extension", "tlp_2_0": word}},
        }
    )
