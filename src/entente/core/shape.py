"""The checks that every body of an act goes through: exactly these fields, of these types, within these sizes."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, cast

from entente.core.errors import InvalidError
from entente.core.ids import unb32

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_AFTER = 3
MAX_ENTRIES = 256
MAX_REFS = 64
PERSON_SIZE = 16
PAIR = 2
_INDEX = re.compile("0|[1-9][0-9]{0,15}", re.ASCII)


def check_fields(body: Mapping[str, object], fields: Mapping[str, type]) -> None:
    """Raise InvalidError unless `body` has exactly these fields of these types (bool is not an integer)."""
    if body.keys() != fields.keys():
        wrong = ", ".join(sorted(body.keys() ^ fields.keys()))
        raise InvalidError(f"The body must hold exactly {', '.join(sorted(fields))}; look at {wrong[:200]}.")
    for name, kind in fields.items():
        if type(body[name]) is not kind:
            raise InvalidError(f"The field {name} must be of type {kind.__name__}.")


def part(body: Mapping[str, object], name: str) -> Mapping[str, object]:
    """Return the object in this field; InvalidError if it is none."""
    value = body.get(name)
    if not isinstance(value, dict):
        raise InvalidError(f"The field {name} must be an object.")
    return cast("dict[str, object]", value)  # JSON has text keys


def listed(body: Mapping[str, object], name: str) -> list[object]:
    """Return the list in this field; InvalidError if it is none."""
    value = body.get(name)
    if not isinstance(value, list):
        raise InvalidError(f"The field {name} must be a list.")
    return cast("list[object]", value)


def check_texts(body: Mapping[str, object], name: str, *, count: int, length: int) -> list[str]:
    """Return the list of texts in this field; InvalidError if it is longer or holds anything else."""
    value = listed(body, name)
    if len(value) > count:
        raise InvalidError(f"The field {name} must be a list of at most {count} texts.")
    texts = [text for text in value if isinstance(text, str) and 0 < len(text) <= length]
    if len(texts) != len(value):
        raise InvalidError(f"The field {name} holds something that is not a text of 1 to {length} characters.")
    return texts


def check_after(body: Mapping[str, object]) -> list[str]:
    """Return the references in `after`; InvalidError unless there are at most three."""
    return check_refs(body, "after", MAX_AFTER)


def check_refs(body: Mapping[str, object], name: str, count: int = MAX_REFS) -> list[str]:
    """Return the references in this field; InvalidError if there are more, or one is none."""
    return [check_ref(ref) for ref in check_texts(body, name, count=count, length=140)]


def names_leaf(body: Mapping[str, object], leaf: str) -> bool:
    """Say whether `after` names the entry with this leaf hash, so that an act is judged when that is there."""
    return any(ref.endswith(f"/{leaf}") for ref in check_after(body))


def check_ref(value: object) -> str:
    """Return the reference to an entry; InvalidError unless it is one."""
    log, _, rest = value.partition("/") if isinstance(value, str) else ("", "", "")
    index, _, leaf = rest.partition("/")
    unb32(log, 32)
    unb32(leaf, 32)
    if not _INDEX.fullmatch(index):
        raise InvalidError(f"{index[:20]!r} is not the index of an entry.")
    return str(value)


def check_person(body: Mapping[str, object]) -> str:
    """Return the person's id; InvalidError unless it is one."""
    person = str(body["person"])
    unb32(person, PERSON_SIZE)
    return person


def check_entries(body: Mapping[str, object]) -> list[tuple[int, bytes]]:
    """Return (index, leaf hash) of the entries named; InvalidError unless 1 to 256 in ascending order."""
    value = listed(body, "entries")
    if not 1 <= len(value) <= MAX_ENTRIES:
        raise InvalidError(f"An act names 1 to {MAX_ENTRIES} entries.")
    named: list[tuple[int, bytes]] = []
    for pair in value:
        fields = cast("list[object]", pair) if isinstance(pair, list) else []
        index, leaf = fields if len(fields) == PAIR else (None, None)
        if type(index) is not int or index < 0 or not isinstance(leaf, str):
            raise InvalidError("An entry is named by its index and leaf hash.")
        named.append((index, unb32(leaf, 32)))
    if any(before[0] >= after[0] for before, after in itertools.pairwise(named)):
        raise InvalidError("The entries must stand in ascending order, each once.")
    return named
