"""What acts say about a session: made from one room's acts or a part of them, the same at every member that has these.

docs/protocol/11-joint-work.md, "Sessions". Nothing here is local: neither now nor the names of persons.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from entente.core.ids import b32
from entente.core.recorded import number, refs_in
from entente.core.times import stamp
from entente.kinds import session as kinds
from entente.kinds.note import KIND as NOTE
from entente.node.work.acts import order
from entente.node.work.session.agenda import agenda_of
from entente.node.work.session.values import (
    DecisionInfo,
    MinutesInfo,
    PointInfo,
    Presence,
    Quorum,
    SessionRecord,
    SessionVote,
)
from entente.policy.approval import APPROVE, State

if TYPE_CHECKING:
    from entente.core.kind import Act
    from entente.node.work.excerpt import Excerpt

CONVENED, OPEN, MINUTED, SIGNED = "convened", "open", "minuted", "signed"
PROPOSED, DECIDED, REJECTED, REFUSED = "proposed", "decided", "rejected", "refused"
YES, NO = "yes", "no"
_DECISIONS: Final = {State.IN_FORCE: DECIDED, State.REFUSED: REJECTED}
_MINUTES: Final = {State.IN_FORCE: SIGNED, State.REFUSED: REFUSED}


def record(part: Excerpt, session: Act) -> SessionRecord:
    """Return what this part says about a session; what stays open is looked at as of the time of the session."""
    words = part.words(session)
    points = [_point(part, act) for act in part.acts(kinds.POINT.name, session=session.place.ref)]
    return SessionRecord(
        session=b32(session.place.leaf),
        circle=b32(part.room.circle),
        title=words.text,
        title_state=words.state,
        at=stamp(number(session.body["at"])),
        by=b32(session.author),
        name=part.name(session.author),
        quorum=quorum_of(part, session),
        attendance=_attendance(part, session),
        points=sorted(points, key=lambda point: (point.priority, point.id)),
        decisions=decisions_of(part, session),
        open=list(agenda_of(part, session, number(session.body["at"]), own=False)),
        basis=part.ends(),
        waiting=part.waiting,
    )


def quorum_of(part: Excerpt, session: Act) -> Quorum:
    """Return how many have to be present, and how many are."""
    present = {act.author for act in part.acts(kinds.ATTENDANCE.name, session=session.place.ref)}
    return Quorum(kinds.present_needed(session, len(part.room.members)), len(present))


def decisions_of(part: Excerpt, session: Act) -> list[DecisionInfo]:
    """Return the decisions of a session, in the order in which they were proposed."""
    return [decision(part, act) for act in part.acts(kinds.DECISION.name, session=session.place.ref)]


def decision(part: Excerpt, act: Act) -> DecisionInfo:
    """Return a decision with its votes."""
    words, body = part.words(act), act.body
    votes = votes_on(part, act)
    undecided = OPEN if votes else PROPOSED
    session = part.in_force.view.acts[str(body["session"])]
    return DecisionInfo(
        id=b32(act.place.leaf),
        session=b32(session.place.leaf),
        text=words.text,
        text_state=words.state,
        state=_DECISIONS.get(part.state(act), undecided),
        needed=number(body["needed"]),
        by=b32(act.author),
        name=part.name(act.author),
        time=stamp(act.time),
        plan=str(body["plan"]),
        owner=str(body["owner"]),
        due=stamp(due) if (due := number(body["due"])) else "",
        about=refs_in(body["about"]),
        votes=votes,
        dissent=[each for each in votes if each.vote == NO],
    )


def votes_on(part: Excerpt, act: Act) -> list[SessionVote]:
    """Return the answers to an act that asks, by claimed time, author and index."""
    return [_vote(part, each) for each in part.answers(act)]


def minutes_of(part: Excerpt, session: Act) -> list[MinutesInfo]:
    """Return the minutes that were proposed for a session, oldest first."""
    return [
        MinutesInfo(
            id=b32(act.place.leaf),
            by=b32(act.author),
            time=stamp(act.time),
            state=_MINUTES.get(part.state(act), PROPOSED),
            needed=number(act.body["needed"]),
            signed_by=sorted(b32(each.author) for each in part.answers(act) if each.body["answer"] == APPROVE),
        )
        for act in part.acts(kinds.MINUTES.name, session=session.place.ref)
    ]


def that_counts(minutes: list[MinutesInfo]) -> MinutesInfo | None:
    """Return the minutes that count: the first that all have signed, else the newest that nobody refused."""
    signed = [each for each in minutes if each.state == SIGNED]
    proposed = [each for each in minutes if each.state == PROPOSED]
    return signed[0] if signed else proposed[-1] if proposed else None


def state_of(quorum: Quorum, minutes: MinutesInfo | None) -> str:
    """Return how far a session has come."""
    if minutes is not None:
        return SIGNED if minutes.state == SIGNED else MINUTED
    return OPEN if quorum.present >= quorum.needed else CONVENED


def _attendance(part: Excerpt, session: Act) -> list[Presence]:
    """Return every member of the room, by id, with who speaks for it by its newest word."""
    came: dict[bytes, Act] = {}
    for act in part.acts(kinds.ATTENDANCE.name, session=session.place.ref):
        came.setdefault(act.author, act)
    sent = {act.author: act for act in delegations_of(part, session)}
    return [
        Presence(
            member=b32(member),
            name=part.name(member),
            present=member in came,
            person=str(came[member].body["person"]) if member in came else "",
            time=stamp(came[member].time) if member in came else "",
            head=str(sent[member].body["head"]) if member in sent else "",
            deputy=str(sent[member].body["deputy"]) if member in sent else "",
        )
        for member in sorted(part.room.members)
    ]


def delegations_of(part: Excerpt, session: Act) -> list[Act]:
    """Return the delegations to a session; those of one member stand in the order of its log."""
    found = part.acts(kinds.DELEGATION.name, session=session.place.ref)
    return sorted(found, key=lambda act: (act.author, act.place.index))


def acts_of(part: Excerpt, session: Act) -> list[Act]:
    """Return every act about a session, itself first, then by claimed time, author and index."""
    of = session.place.ref
    names = (kinds.ATTENDANCE, kinds.DELEGATION, kinds.POINT, kinds.DECISION, kinds.MINUTES)
    found = [act for kind in names for act in part.acts(kind.name, session=of)]
    return [session, *sorted(found, key=order)]


def _point(part: Excerpt, act: Act) -> PointInfo:
    words = part.words(act)
    priority = number(act.body["priority"])
    return PointInfo(b32(act.place.leaf), words.text, words.state, priority, b32(act.author), part.name(act.author))


def _vote(part: Excerpt, answer: Act) -> SessionVote:
    told = [note for note in part.acts(NOTE.name, of=answer.place.ref) if note.author == answer.author]
    notes = [part.words(note).text for note in told]
    return SessionVote(
        b32(answer.author),
        part.name(answer.author),
        str(answer.body["person"]),
        stamp(answer.time),
        YES if answer.body["answer"] == APPROVE else NO,
        "\n".join(filter(None, notes)),
    )
