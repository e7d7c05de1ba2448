"""What a warning amounts to: the act, the words of its item, what others said of it; the same at every member."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entente.core.grading import LIKELIHOOD
from entente.core.ids import b32
from entente.core.marking import Tlp
from entente.core.recorded import number
from entente.core.times import stamp
from entente.formats.stix.joint.warning import WarningText, independent, read_opinion, read_warning
from entente.kinds.warning import AGREE, ASSESSMENT, KIND
from entente.node.work.acts import HELD, MISSING
from entente.node.work.warning.items import thing, words
from entente.node.work.warning.values import AssessmentInfo, WarningInfo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entente.core.kind import Act
    from entente.formats.stix.joint.warning import Source
    from entente.node.work.acts import Reader

ACTIVE, SUPERSEDED, EXPIRED = "active", "superseded", "expired"


def info(reader: Reader, act: Act, now: int) -> WarningInfo:
    """Return a warning as it stands; only `expired` and `state` depend on now."""
    room, (row, data, state) = reader.room_of(act), words(reader, act)
    found = read_warning(data) if state == HELD else None
    said = found or WarningText(title="", text="", likelihood="", confidence="")
    likelihood, confidence, until = _judged(act)
    assessments = assessed(reader, act)
    later = successor(reader, act)
    before = reader.in_force.view.acts.get(str(act.body["replaces"]))
    expired = 0 < until <= now
    return WarningInfo(
        id=thing(act),
        circle=b32(room.circle),
        from_=b32(act.author),
        name=reader.name(act.author),
        person=reader.person(act),
        time=stamp(act.time),
        title=said.title,
        text=said.text,
        text_state=MISSING if state == HELD and found is None else state,
        item=row.stix_id if row else "",
        marking=str(Tlp(row.tlp)) if row and row.tlp >= 0 else "",
        likelihood=likelihood,
        range=LIKELIHOOD[likelihood],
        confidence=confidence,
        sources=said.sources,
        independent=independent(_sources(said.sources, assessments)),
        basis=said.basis,
        places=said.places,
        actors=said.actors,
        narratives=said.narratives,
        valid_until=stamp(until) if until else "",
        state=SUPERSEDED if later else EXPIRED if expired else ACTIVE,
        expired=expired,
        replaces=thing(before) if before else "",
        superseded_by=thing(later) if later else "",
        differs=found is not None and _differs(found, act),
        assessments=assessments,
        ended=not reader.in_force.rooms.is_current(room),
    )


def assessed(reader: Reader, act: Act) -> list[AssessmentInfo]:
    """Return what members said of a warning, oldest first; the newest of each member, by its own log, counts."""
    acts = reader.acts(ASSESSMENT.name, of=act.place.ref)
    newest = {each.author: max(one.place.index for one in acts if one.author == each.author) for each in acts}
    return [_assessment(reader, each, counts=newest[each.author] == each.place.index) for each in acts]


def successor(reader: Reader, act: Act) -> Act | None:
    """Return the newest warning that replaces this one, None if there is none."""
    later = reader.acts(KIND.name, replaces=act.place.ref)
    return max(later, key=lambda each: each.place.index, default=None)


def _assessment(reader: Reader, act: Act, *, counts: bool) -> AssessmentInfo:
    row, data, state = words(reader, act)
    found = read_opinion(data) if state == HELD and data else None
    return AssessmentInfo(
        id=thing(act),
        member=b32(act.author),
        name=reader.name(act.author),
        person=reader.person(act),
        verdict=str(act.body["verdict"]),
        text=found.text if found else "",
        text_state=MISSING if data and found is None else state,
        sources=found.sources if found else (),
        item=row.stix_id if row else "",
        time=stamp(act.time),
        counts=counts,
    )


def _judged(act: Act) -> tuple[str, str, int]:
    """Return what the act itself says: likelihood, confidence, until when."""
    return str(act.body["likelihood"]), str(act.body["confidence"]), number(act.body["until"])


def _differs(found: WarningText, act: Act) -> bool:
    likelihood, confidence, until = _judged(act)
    return (found.likelihood, found.confidence, found.valid_until) != (
        likelihood,
        confidence,
        stamp(until) if until else "",
    )


def _sources(own: Sequence[Source], assessments: Sequence[AssessmentInfo]) -> list[Source]:
    agreeing = (each.sources for each in assessments if each.counts and each.verdict == AGREE)
    return [*own, *(source for sources in agreeing for source in sources)]
