"""Warnings as STIX reports, assessments as opinions, and both read back (docs/protocol/13-stix.md)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec
from msgspec import Struct

from entente.core.errors import EntenteError
from entente.core.grading import CONFIDENCE, LIKELIHOOD, Grade, parse_confidence, parse_grade, parse_likelihood
from entente.formats.shapes import is_list, is_object
from entente.formats.stix.joint.extension import Named, ObjectHead, make, problem, record_of
from entente.formats.stix.strict.vocab import COUNTRY, REGION

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MOST: Final = 64
"""Sources, places, actors or narratives of one record that are read; more are left unread."""

OPINIONS: Final = {"agree": "agree", "disagree": "disagree"}
"""What a verdict is in STIX; the stronger words are read as these."""

_TRACKING: Final = re.compile(r"utm_\w+|fbclid|gclid|msclkid|mc_[ce]id", re.ASCII)
_PLACE: Final = re.compile(r"(.+?)[ ]*(?:,|\()[ ]*([A-Za-z]{2})\)?")


class Source(Struct, frozen=True):
    """Who said it: name, link, grade such as `B2`, and the original that it repeats (name or link), "" for none.

    `chain` are the outlets (names or links) through which it came, the one that the source took it from last.
    """

    name: str
    url: str = ""
    grade: str = "F6"
    original: str = ""
    chain: tuple[str, ...] = ()


class WarningText(Struct, frozen=True, kw_only=True):
    """What a warning says; likelihood and confidence are words of `core.grading`, `valid_until` is RFC 3339 or ""."""

    title: str
    text: str
    likelihood: str
    confidence: str
    sources: tuple[Source, ...] = ()
    basis: str = ""
    places: tuple[str, ...] = ()
    actors: tuple[str, ...] = ()
    narratives: tuple[str, ...] = ()
    valid_until: str = ""


class OpinionText(Struct, frozen=True):
    """What an assessment says."""

    verdict: str
    text: str
    sources: tuple[Source, ...] = ()


class _Text(Struct):
    type: object = ""
    name: object = ""
    description: object = ""
    explanation: object = ""
    opinion: object = ""


_TEXT: Final = msgspec.json.Decoder(_Text)


def warning_objects(heads: Sequence[ObjectHead], found: WarningText, replaces: str = "") -> list[Named]:
    """Make the report, then the objects that it names: places with a known country or region, and actors.

    `heads` are as many as objects at most: one, and one for each place and actor; they differ in `noise` only.
    `replaces` is the id of an earlier report.
    """
    head, *spare = heads
    fresh = iter(spare)
    named = [make(next(fresh), "location", place) for place in map(_location, found.places) if place]
    named += [make(next(fresh), "threat-actor", {"name": actor}) for actor in found.actors]
    low, high = LIKELIHOOD[found.likelihood]
    report: dict[str, object] = {
        "name": found.title,
        "description": found.text,
        "report_types": ["threat-report"],
        "published": head.now,
        "confidence": CONFIDENCE[found.confidence],
        "labels": [
            "warning",
            f"likelihood: {found.likelihood} ({low}-{high} %)",
            f"analytic confidence: {found.confidence}",
        ],
        "object_refs": [head.by, *(each.id for each in named)],
        "external_references": [*map(_reference, found.sources), *map(_narrative, found.narratives)],
    }
    record: dict[str, object] = {
        "record": "warning",
        "likelihood": found.likelihood,
        "likelihood_low": low,
        "likelihood_high": high,
        "analytic_confidence": found.confidence,
        "sources": [_graded(each) for each in found.sources],
        "basis": found.basis,
        "places": list(found.places),
        "actors": list(found.actors),
        "narratives": list(found.narratives),
        "valid_until": found.valid_until,
        "replaces": replaces,
    }
    return [make(head, "report", report, record), *named]


def assessment_opinion(head: ObjectHead, report: str, found: OpinionText) -> Named:
    """Make the opinion about a report."""
    fields: dict[str, object] = {
        "opinion": OPINIONS[found.verdict],
        "explanation": found.text,
        "object_refs": [report],
        "external_references": [*map(_reference, found.sources)],
    }
    record: dict[str, object] = {
        "record": "assessment",
        "verdict": found.verdict,
        "sources": [_graded(each) for each in found.sources],
    }
    return make(head, "opinion", fields, record)


def read_warning(data: bytes) -> WarningText | None:
    """Return the warning in a report, None if it is none, or one without a source and a basis; nothing is raised."""
    record, plain = record_of(data), _plain(data)
    if record is None or plain is None or (record.get("record"), plain.type) != ("warning", "report") or problem(data):
        return None
    try:
        return WarningText(
            title=_word(plain.name),
            text=_word(plain.description),
            likelihood=parse_likelihood(_word(record.get("likelihood"))),
            confidence=parse_confidence(_word(record.get("analytic_confidence"))),
            sources=_sources(record),
            basis=_word(record.get("basis")),
            places=_words(record.get("places")),
            actors=_words(record.get("actors")),
            narratives=_words(record.get("narratives")),
            valid_until=_word(record.get("valid_until")),
        )
    except EntenteError:
        return None


def read_opinion(data: bytes) -> OpinionText | None:
    """Return the assessment in an opinion, None if it is none; nothing is raised."""
    record, plain = record_of(data), _plain(data)
    if record is None or plain is None or (record.get("record"), plain.type) != ("assessment", "opinion"):
        return None
    verdict = "agree" if _word(plain.opinion).endswith("-agree") else _word(plain.opinion).removeprefix("strongly-")
    try:
        return OpinionText(verdict, _word(plain.explanation), _sources(record)) if verdict in OPINIONS else None
    except EntenteError:
        return None


def independent(sources: Iterable[Source]) -> int:
    """Count the originals behind sources; those that share a name, link, original or outlet of a chain are one.

    Links are compared by host, path and query, without what only tracks the reader.
    """
    groups: list[set[str]] = []
    for source in sources:
        keys = {_key(text) for text in (source.name, source.url, source.original, *source.chain) if text.strip()}
        joined = [group for group in groups if group & keys]
        groups = [group for group in groups if not group & keys] + [keys.union(*joined)]
    return len(groups)


def _key(text: str) -> str:
    """Return a link without what does not matter, or a name in one spelling."""
    plain = " ".join(text.casefold().split())
    try:
        parts = urlsplit(text.strip())
        host = (parts.hostname or "").removeprefix("www.").rstrip(".")
        port = parts.port
    except ValueError:
        return plain
    if parts.scheme.lower() not in {"http", "https"} or not host:
        return plain
    query = sorted(pair for pair in parse_qsl(parts.query) if not _TRACKING.fullmatch(pair[0].lower()))
    there = host if port in {None, 80, 443} else f"{host}:{port}"
    return f"//{there}{parts.path.rstrip('/')}?{urlencode(query)}"


def _location(place: str) -> dict[str, object]:
    """Return the fields of a location, none if no country or region is known."""
    word = place.strip()
    if word.upper() in COUNTRY:
        return {"country": word.upper()}
    region = "-".join(word.lower().split())
    if region in REGION:
        return {"name": word, "region": region}
    found = _PLACE.fullmatch(word)
    if found is not None and found[2].upper() in COUNTRY:
        return {"name": found[1], "country": found[2].upper()}
    return {}


def _reference(source: Source) -> dict[str, object]:
    """Show a source to readers who do not know our extension; a link without a hash stands in words."""
    repeats = f"repeats {source.original}" if source.original else ""
    if source.chain:
        repeats = f"{repeats} by way of {', '.join(source.chain)}".strip()
    words = "; ".join(filter(None, (source.url, f"grade {source.grade}", repeats)))
    return {"source_name": source.name, "description": words}


def _narrative(id_: str) -> dict[str, object]:
    return {"source_name": "DISARM", "external_id": id_}


def _graded(source: Source) -> dict[str, object]:
    grade = parse_grade(source.grade)
    more: dict[str, object] = {"url": source.url, "original": source.original, "chain": list(source.chain)}
    return {
        "name": source.name,
        "reliability": grade.reliability,
        "credibility": grade.credibility,
        **{name: value for name, value in more.items() if value},
    }


def _plain(data: bytes) -> _Text | None:
    try:
        return _TEXT.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _sources(record: Mapping[str, object]) -> tuple[Source, ...]:
    """Read the sources that name somebody; InvalidError for a grade that is none."""
    held = record.get("sources")
    found: list[Source] = []
    for each in held[:MOST] if is_list(held) else ():
        if is_object(each) and _word(each.get("name")).strip():
            grade = Grade(_word(each.get("reliability", "F")), _digit(each.get("credibility", 6)))
            parse_grade(str(grade))
            found.append(
                Source(
                    _word(each.get("name")),
                    _word(each.get("url")),
                    str(grade),
                    _word(each.get("original")),
                    _words(each.get("chain")),
                )
            )
    return tuple(found)


def _digit(value: object) -> int:
    return value if type(value) is int else 0


def _word(value: object) -> str:
    return value if isinstance(value, str) else ""


def _words(value: object) -> tuple[str, ...]:
    return tuple(each for each in value[:MOST] if isinstance(each, str)) if is_list(value) else ()
