"""Warnings: publish a judgement with its sources, assess those of others, see what stands behind each, export it.

docs/protocol/11-joint-work.md ("Warnings") and 13-stix.md.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from msgspec import Struct, structs

from entente.core.errors import ConflictError, InvalidError
from entente.core.marking import Tlp, parse
from entente.core.times import stamp
from entente.formats.stix import facts
from entente.formats.stix.joint import extension as stix_work
from entente.formats.stix.joint.warning import (
    MOST,
    OpinionText,
    Source,
    WarningText,
    assessment_opinion,
    read_warning,
    warning_objects,
)
from entente.formats.stix.write import bundle
from entente.kinds.warning import AGREE, ASSESSMENT, DISAGREE, KIND
from entente.node.home.checked import checked
from entente.node.home.people import operator
from entente.node.home.written import PathLike, write_file
from entente.node.items.items import uuid4
from entente.node.items.sharing import resolve
from entente.node.work.acts import newest, reading, refused, writing, writing_about
from entente.node.work.text import check_text
from entente.node.work.warning import items
from entente.node.work.warning.state import info
from entente.node.work.warning.values import Assessed, Published, WarningDrafted, WarningWritten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entente.core.kind import Act
    from entente.node.home.base import Base
    from entente.node.items.sharing import Sharing
    from entente.node.work.acts import Reader, Writer
    from entente.node.work.warning.values import WarningInfo
    from entente.store.ports import Transaction

WHAT: Final = "warning"


@checked
class Warnings:
    """What members of our circles warn each other of."""

    def __init__(self, base: Base, sharing: Sharing) -> None:
        """Work on this base; share by the same rules as everybody."""
        self._base = base
        self._sharing = sharing

    def publish(
        self, circle: str, found: WarningText, *, until: int = 0, tlp: str = "", replaces: str = "", person: str = ""
    ) -> Published:
        """Warn a circle: the report, what it names and the act, or nothing at all; then `preview` says why.

        `until` (ms since 1970) is when the warning expires, 0 for never. `tlp` is the marking, the circle's ceiling if
        empty. `replaces` is an earlier warning of ours. RefusedError if the agreement admits no warnings.
        """
        _check([found], WarningText, "found")
        try:
            with writing(self._base, circle, person) as writer:
                marking = parse(tlp) if tlp else writer.room.text.ceiling
                before = writer.find(KIND.name, replaces, WHAT) if replaces else None
                seqs = self._made(writer.tx, found, until, marking, writer.who, _report_id(writer, before))
                return self._warn(writer, seqs, found, until, before)
        except items.WithheldError as held:
            return Published("", "", held.preview)

    def draft(self, found: WarningText, *, until: int = 0, tlp: str = "", person: str = "") -> WarningDrafted:
        """Keep a warning at home and return its report's id, for `publish_draft` by another person under four eyes.

        InvalidError without a marking.
        """
        _check([found], WarningText, "found")
        base, marking = self._base, parse(tlp)
        with base.store.write() as tx:
            seqs = self._made(tx, found, until, marking, operator(tx, person), "")
            return WarningDrafted(tx.items.get(seqs[:1])[0][0].stix_id)

    def publish_draft(self, circle: str, report: str, *, replaces: str = "", person: str = "") -> Published:
        """Warn a circle by a report of ours that is held already; the rest as `publish` does.

        NotFoundError if there is no such item of ours, InvalidError if it is no warning.
        """
        try:
            with writing(self._base, circle, person) as writer:
                row, data = items.mine(writer.tx, self._base, resolve(writer.tx, report))
                found = read_warning(data)
                if found is None:
                    raise InvalidError(f"{row.stix_id} is no warning with a source or a basis.")
                before = writer.find(KIND.name, replaces, WHAT) if replaces else None
                own = items.identity(writer.tx, self._base)
                seqs = [row.seq, *items.named(writer.tx, self._base.me, data), *own]
                return self._warn(writer, seqs, found, _milliseconds(found.valid_until), before)
        except items.WithheldError as held:
            return Published("", "", held.preview)

    def assess(
        self,
        id_: str,
        text: str,
        *,
        agree: bool,
        sources: Sequence[Source] = (),
        tlp: str = "",
        person: str = "",
    ) -> Assessed:
        """Say what this member thinks of another's warning; it stays on record, a later word of ours counts instead.

        Nothing is written if a rule keeps the opinion back; then `preview` says which. The marking is the report's own
        unless `tlp` names another. RefusedError for a warning of ours, ConflictError if its words are not held.
        """
        base, verdict = self._base, AGREE if agree else DISAGREE
        _check(sources, Source, "sources")
        said = OpinionText(verdict, check_text(text, "assessment"), tuple(sources[:MOST]))
        try:
            with writing_about(base, KIND.name, id_, WHAT, person) as (writer, act):
                if act.author == base.me:
                    raise refused("own")
                row, _, state = items.words(writer, act)
                if row is None:
                    raise ConflictError(
                        f"The words of this warning are {state}; you cannot comment on it yet.",
                        hint="Sync, and look again.",
                    )
                marking = parse(tlp) if tlp else Tlp(row.tlp)
                made = assessment_opinion(items.heads(base, marking, 1)[0], row.stix_id, said)
                seqs = items.keep(writer.tx, base, [made], marking, writer.who)
                seqs += items.identity(writer.tx, base)
                body = {"of": act.place.ref, "verdict": verdict, "item": items.share(self._sharing, writer, seqs)}
                earlier = [each for each in writer.acts(ASSESSMENT.name, of=act.place.ref) if each.author == base.me]
                word = writer.act(ASSESSMENT.name, body, [act.place.ref, *newest(earlier)[-1:]])
                return Assessed(items.thing(word), made.id, verdict)
        except items.WithheldError as held:
            return Assessed("", "", verdict, held.preview)

    def show(self, id_: str) -> WarningInfo:
        """Return a warning with what members said of it; NotFoundError if there is none."""
        with reading(self._base) as reader:
            return info(reader, reader.find(KIND.name, id_, WHAT), self._base.clock())

    def list(self, circle: str = "", *, ended: bool = False) -> Sequence[WarningInfo]:
        """Return the warnings of a circle or of all, oldest first; with `ended` those of rooms that have ended too.

        NotFoundError for an unknown circle.
        """
        now = self._base.clock()
        with reading(self._base) as reader:
            within = reader.circle(circle).circle if circle else b""
            acts = [act for act in reader.acts(KIND.name) if not within or reader.room_of(act).circle == within]
            found = [info(reader, act, now) for act in acts]
        return [each for each in found if ended or not each.ended]

    def export(self, id_: str) -> Sequence[bytes]:
        """Return the STIX objects of a warning: report, what it names, opinions, identities, markings, our extension.

        ConflictError if its words are not held.
        """
        with reading(self._base) as reader:
            act = reader.find(KIND.name, id_, WHAT)
            found = _objects(reader, act)
            levels = [tlp for data in found.values() if (tlp := facts(data).tlp) is not None]
        return [*found.values(), *stix_work.markings(levels), *stix_work.definition()]

    def write(self, id_: str, out: PathLike) -> WarningWritten:
        """Write what `export` gives into a file, as a STIX 2.1 bundle; raises what `export` does.

        InvalidError or NotFoundError if it cannot be written there.
        """
        objects = self.export(id_)
        written = write_file(out, bundle(objects, rng_uuid=uuid4(self._base.random(16))))
        return WarningWritten(written.out, written.bytes, len(objects))

    def _made(
        self, tx: Transaction, found: WarningText, until: int, marking: Tlp, person: str, replaces: str
    ) -> Sequence[int]:
        """Make the objects of a warning and keep them; return their rows, the report first."""
        said = structs.replace(found, valid_until=stamp(until) if until else "")
        heads = items.heads(self._base, marking, 1 + len(said.places) + len(said.actors))
        made = warning_objects(heads, said, replaces)
        seqs = items.keep(tx, self._base, made, marking, person)
        return [*seqs, *items.identity(tx, self._base)]

    def _warn(
        self, writer: Writer, seqs: Sequence[int], found: WarningText, until: int, before: Act | None
    ) -> Published:
        """Share the items and say so by an act."""
        writer.admit(KIND.name)
        body: dict[str, object] = {
            "item": items.share(self._sharing, writer, seqs),
            "likelihood": found.likelihood,
            "confidence": found.confidence,
            "until": until,
            "replaces": before.place.ref if before else "",
        }
        act = writer.act(KIND.name, body, [before.place.ref] if before else [])
        return Published(items.thing(act), writer.tx.items.get(seqs[:1])[0][0].stix_id)


def _check(given: Sequence[object], wanted: type[Struct], name: str) -> None:
    """Raise InvalidError unless these are values of this class."""
    for each in given:
        if not isinstance(each, wanted):
            raise InvalidError(f"{name} is no {wanted.__name__}.", hint="Make it with `read_warning_file`.")


def _report_id(reader: Reader, act: Act | None) -> str:
    """Return the STIX id of a warning's report, "" if there is none or it is gone."""
    row = items.words(reader, act)[0] if act is not None else None
    return row.stix_id if row is not None else ""


def _objects(reader: Reader, act: Act) -> dict[str, bytes]:
    """Return the objects of a warning that are held, by id."""
    row, data, state = items.words(reader, act)
    if row is None:
        raise ConflictError(f"The words of this warning are {state}; you cannot export it yet.")
    found = {row.stix_id: data}
    named = items.named(reader.tx, act.author, data)
    found |= {each.stix_id: held for each, held in reader.tx.items.get(named)}
    for each in (act, *reader.acts(ASSESSMENT.name, of=act.place.ref)):
        said, opinion, _ = items.words(reader, each)
        if said is not None:
            found[said.stix_id] = opinion
        id_, identity = items.author_identity(reader, each, stamp(act.time))
        found[id_] = identity
    return found


def _milliseconds(text: str) -> int:
    """Read the time that a report of ours holds; 0 for none."""
    if not text:
        return 0
    try:
        moment = datetime.fromisoformat(text)
        return (moment - datetime.fromisoformat("1970-01-01T00:00:00+00:00")) // timedelta(milliseconds=1)
    except (ValueError, TypeError, OverflowError) as problem:
        raise InvalidError(f"{text[:80]!r} is not a time.") from problem
