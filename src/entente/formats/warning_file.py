"""A warning as people write it in a file: JSON, or Markdown whose fields stand in front between lines of `---` (YAML).

PyYAML parses, and nothing of it constructs: every scalar is a text (`NO` is a country, not a no), an alias is refused,
because a few of them can stand for millions of values.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from entente.core.errors import InvalidError, LimitError
from entente.core.grading import parse_confidence, parse_grade, parse_likelihood
from entente.formats.shapes import is_list, is_object
from entente.formats.stix.joint.warning import MOST, Source, WarningText

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import yaml


MAX_FILE: Final = 1 << 20
MAX_FRONT: Final = 64 << 10
MAX_TITLE: Final = 300
MAX_DEPTH: Final = 8
"""Lists and maps inside each other in the front matter; a warning needs three."""

MAX_TEXT: Final = 100_000
MAX_WORD: Final = 2_000

_FRONT: Final = re.compile(r"---[ \t]*\r?\n(.*?)^---[ \t]*(?:\r?\n(.*))?\Z", re.DOTALL | re.MULTILINE)
_NARRATIVE: Final = re.compile(r"[A-Z]{1,2}[0-9]{2,5}(?:\.[0-9]{3})?", re.ASCII)
_FIELDS: Final = (
    *("title", "text", "likelihood", "confidence", "sources", "basis", "places", "actors", "narratives"),
    *("valid_until", "tlp"),
)
_SOURCE: Final = ("name", "url", "grade", "original", "chain")


def read_warning_file(data: bytes) -> tuple[WarningText, str]:
    """Return the warning that a person wrote, and the marking that the file names, "" for none.

    `valid_until` is what stands there, not yet read. Raise InvalidError, with the field, for what is not well formed or
    missing, LimitError for what is too long. Whether it has a source or a basis is not asked here.
    """
    fields = _fields(data)
    if unknown := sorted(fields.keys() - set(_FIELDS)):
        raise InvalidError(f"A warning has no field {unknown[0][:80]!r}.", hint=f"It has {', '.join(_FIELDS)}.")
    title, text = _text(fields, "title", MAX_TITLE), _text(fields, "text", MAX_TEXT)
    for name, value in (("title", title), ("text", text)):
        if not value:
            raise InvalidError(f"The warning has no {name}.", hint="Add it to the file.")
    found = WarningText(
        title=title,
        text=text,
        likelihood=parse_likelihood(_text(fields, "likelihood")),
        confidence=parse_confidence(_text(fields, "confidence")),
        sources=tuple(map(_source, _list(fields, "sources"))),
        basis=_text(fields, "basis", MAX_TEXT),
        places=_texts(fields, "places"),
        actors=_texts(fields, "actors"),
        narratives=tuple(map(_disarm, _texts(fields, "narratives"))),
        valid_until=_text(fields, "valid_until"),
    )
    return found, _text(fields, "tlp")


def _fields(data: bytes) -> Mapping[str, object]:
    if len(data) > MAX_FILE:
        raise LimitError(f"The file of a warning has at most {MAX_FILE >> 10} KiB.", hint="Shorten it.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise InvalidError("The file is not UTF-8.") from problem
    if text.lstrip().startswith("{"):
        return _json(text)
    front = _FRONT.match(text)
    if front is None:
        raise InvalidError(
            "The file is neither JSON nor Markdown with its fields in front.",
            hint="Begin it with a line ---, then fields such as `title: …`, then --- and the text.",
        )
    fields = _yaml(front[1])
    body = (front[2] or "").strip()
    if body and fields.get("text"):
        raise InvalidError("The text stands in the front matter and below it.", hint="Keep one of them.")
    return {**fields, "text": body} if body else fields


def _json(text: str) -> Mapping[str, object]:
    try:
        found: object = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as problem:
        raise InvalidError(f"The file is not JSON: {problem}") from problem
    if not is_object(found):
        raise InvalidError("The file must hold one JSON object.")
    return found


def _yaml(text: str) -> Mapping[str, object]:
    if len(text) > MAX_FRONT:
        raise LimitError(f"The front matter has at most {MAX_FRONT >> 10} KiB.", hint="Put the text below it.")
    import yaml

    try:
        _look(yaml.parse(text, Loader=yaml.BaseLoader))
        found = _value(yaml.compose(text, Loader=yaml.BaseLoader))
    except (yaml.YAMLError, ValueError, RecursionError) as problem:
        said = " ".join(str(problem).split())[:200]
        raise InvalidError(f"The front matter is not YAML: {said}", hint="Write `name: value` lines.") from problem
    if not is_object(found):
        raise InvalidError("The front matter must be lines of `name: value`.")
    return found


def _look(events: Iterable[yaml.Event]) -> None:
    """Raise InvalidError for an alias, and for nesting beyond `MAX_DEPTH`, which costs PyYAML the square."""
    import yaml

    depth = 0
    for event in events:
        if isinstance(event, yaml.AliasEvent):
            raise InvalidError("The front matter has an alias (*name).", hint="Write the value out.")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise InvalidError(
                f"The front matter nests more than {MAX_DEPTH} deep; that is no YAML of a warning.",
                hint="Write `name: value` lines.",
            )


def _value(node: yaml.Node | None) -> object:
    """Return what a node of YAML says in texts, lists and maps; InvalidError for a map that says a thing twice."""
    import yaml

    if isinstance(node, yaml.ScalarNode):
        return node.value
    if isinstance(node, yaml.SequenceNode):
        return [_value(each) for each in node.value]
    pairs = (
        [(str(_value(key)), _value(value)) for key, value in node.value] if isinstance(node, yaml.MappingNode) else []
    )
    found = dict(pairs)
    if len(found) < len(pairs):
        raise InvalidError("The front matter says a thing twice.", hint="Keep one of the lines with the same name.")
    return found


def _text(fields: Mapping[str, object], name: str, most: int = MAX_WORD) -> str:
    value = fields.get(name, "")
    if not isinstance(value, str):
        raise InvalidError(f"The field {name} must be a text.")
    if len(value) > most:
        raise LimitError(f"The field {name} has at most {most:,} characters.", hint="Shorten it.")
    return value.strip()


def _list(fields: Mapping[str, object], name: str) -> list[object]:
    value = fields.get(name, [])
    found = [value] if isinstance(value, str) and value else value or []
    if not is_list(found):
        raise InvalidError(f"The field {name} must be a list.")
    if len(found) > MOST:
        raise LimitError(f"The field {name} has at most {MOST} values.")
    return found


def _texts(fields: Mapping[str, object], name: str) -> tuple[str, ...]:
    return tuple(filter(None, (_text({name: each}, name, MAX_TITLE) for each in _list(fields, name))))


def _source(value: object) -> Source:
    """Read one source; one without a grade cannot be judged (F6)."""
    if not is_object(value) or value.keys() - set(_SOURCE):
        raise InvalidError(
            "A source has a name and may have url, grade, original and chain.", hint='For example grade: "B2".'
        )
    name = _text(value, "name", MAX_TITLE)
    if not name:
        raise InvalidError("A source has no name.", hint="Name the outlet, organisation or sensor.")
    grade = parse_grade(_text(value, "grade") or "F6")
    return Source(name, _text(value, "url"), str(grade), _text(value, "original"), _texts(value, "chain"))


def _disarm(text: str) -> str:
    found = text.upper()
    if not _NARRATIVE.fullmatch(found):
        raise InvalidError(f"{text[:80]!r} is no DISARM id such as T0017 or TA06.")
    return found
