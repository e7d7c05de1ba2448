"""Joint sessions: convene, agree on an agenda, be present, decide together (docs/protocol/11-joint-work.md)."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from msgspec import structs

from entente.core.errors import ConflictError, InvalidError, NotFoundError, RefusedError
from entente.core.ids import b32, origin_hash, unb32
from entente.core.recorded import number
from entente.core.times import stamp
from entente.formats import icalendar
from entente.kinds import session as kinds
from entente.node.home.checked import checked
from entente.node.home.find import find
from entente.node.home.people import operator
from entente.node.items.consents import carriers
from entente.node.items.sharing import resolve
from entente.node.work.acts import Writer, newest, reading, refused, writing, writing_about
from entente.node.work.excerpt import Excerpt
from entente.node.work.plan.plan import plans_of
from entente.node.work.session import record as records
from entente.node.work.session.agenda import agenda_of, first_line
from entente.node.work.session.values import SessionInfo, SessionView
from entente.node.work.text import check_text, check_title

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from entente.core.kind import Act
    from entente.node.home.base import Base
    from entente.node.work.acts import Reader
    from entente.node.work.session.values import DecisionInfo
    from entente.policy.agenda import AgendaPoint

SESSION, DECISION = kinds.KIND.name, kinds.DECISION.name
PRIORITY = 3


@checked
class Sessions:
    """The meetings of our circles."""

    def __init__(self, base: Base) -> None:
        """Work on this base."""
        self._base = base

    def open(self, circle: str, at: int, title: str, *, quorum: int = 0, person: str = "") -> SessionView:
        """Convene a session of a circle at a time (ms since 1970).

        `quorum` members have to be present, with 0 the usual number: 1 + two thirds of them.

        RefusedError for a quorum that is not from more than half of the members to all of them.
        """
        words = check_title(title, "session")
        with writing(self._base, circle, person) as writer:
            body: dict[str, object] = {"content": writer.put(words), "at": at, "quorum": quorum}
            return self._view(_excerpt(writer), writer.act(SESSION, body))

    def show(self, id_: str) -> SessionView:
        """Return a session with its agenda, decisions and minutes; NotFoundError if there is none."""
        with reading(self._base) as reader:
            act = reader.find(SESSION, id_, "session")
            return self._view(_excerpt(reader, act), act)

    def list(self, circle: str = "") -> Sequence[SessionInfo]:
        """Return the sessions of a circle or of all, by their date.

        NotFoundError for an unknown circle.
        """
        with reading(self._base) as reader:
            within = reader.circle(circle).circle if circle else b""
            acts = [act for act in reader.acts(SESSION) if not within or reader.room_of(act).circle == within]
            return sorted((_info(_excerpt(reader, act), act) for act in acts), key=lambda each: (each.at, each.session))

    def agenda(self, id_: str) -> Sequence[AgendaPoint]:
        """Return the agenda of a session as it is now, each point with the reason for its place.

        NotFoundError if there is no such session.
        """
        with reading(self._base) as reader:
            act = reader.find(SESSION, id_, "session")
            return agenda_of(_excerpt(reader, act), act, self._base.clock())

    def add(self, id_: str, text: str, *, priority: int = PRIORITY, person: str = "") -> Sequence[AgendaPoint]:
        """Put a point of our own on the agenda, and return the agenda.

        NotFoundError for an unknown session or person, InvalidError for no text or a priority outside 1 to 5,
        ConflictError once its minutes are signed.
        """
        if not kinds.FIRST <= priority <= kinds.LAST:
            raise InvalidError(f"A priority lies from {kinds.FIRST} (first) to {kinds.LAST}.")
        words = check_text(text, "point")
        with self._session(id_, person) as (writer, act):
            body: dict[str, object] = {"session": act.place.ref, "content": writer.put(words), "priority": priority}
            writer.act(kinds.POINT.name, body, _newest(writer, act))
            return agenda_of(_excerpt(writer), act, self._base.clock())

    def join(self, id_: str, *, person: str = "") -> SessionView:
        """Say that we are present; saying it again changes nothing.

        NotFoundError for an unknown session or person, ConflictError once its minutes are signed.
        """
        with self._session(id_, person) as (writer, act):
            if act.place.ref not in _joined(writer):
                writer.act(kinds.ATTENDANCE.name, {"session": act.place.ref}, _newest(writer, act))
            return self._view(_excerpt(writer), act)

    def delegate(self, id_: str, head: str, deputy: str = "", *, person: str = "") -> SessionView:
        """Name the person who speaks for us at a session, and the one who takes over; the newest word counts.

        NotFoundError for an unknown session or person, InvalidError without a head or with one person as both,
        ConflictError once its minutes are signed.
        """
        with self._session(id_, person) as (writer, act):
            named = [operator(writer.tx, each) if each else "" for each in (head, deputy)]
            if not head or named[0] == named[1]:
                raise InvalidError("A delegation has a head, and another person as deputy.")
            return self._delegation(writer, act, named[0], named[1], kinds.NAMED)

    def succeed(self, id_: str, *, person: str = "") -> SessionView:
        """Let the deputy become head of our delegation; ConflictError if none is named."""
        with self._session(id_, person) as (writer, act):
            mine = [each for each in records.delegations_of(_excerpt(writer), act) if each.author == writer.me]
            deputy = str(mine[-1].body["deputy"]) if mine else ""
            if not deputy:
                raise ConflictError(
                    "Our delegation has no deputy.", code="deputy", hint="Name one: `session delegate --deputy`."
                )
            return self._delegation(writer, act, deputy, "", kinds.SUCCESSION)

    def decide(
        self,
        id_: str,
        text: str,
        *,
        plan: str = "",
        owner: str = "",
        due: int = 0,
        about: Sequence[str] = (),
        person: str = "",
    ) -> DecisionInfo:
        """Propose a decision, about acts (id or reference) or items of the circle; we vote on it like everybody.

        RefusedError for an owner that is not in the circle; NotFoundError for what it is about and is not known.
        """
        words = check_text(text, "decision")
        if len(about) > kinds.MAX_ABOUT:
            raise InvalidError(f"A decision is about {kinds.MAX_ABOUT} things at most.")
        with self._session(id_, person) as (writer, act):
            whose = b32(self._base.find_member(writer.tx, owner)) if owner else ""
            if whose not in {"", *writer.voters()}:
                raise refused("owner")
            body: dict[str, object] = {
                "session": act.place.ref,
                "content": writer.put(words),
                "plan": _plan_id(writer, plan) if plan else "",
                "about": list(dict.fromkeys(_subject(writer, each) for each in about)),
                "owner": whose,
                "due": due,
                "voters": writer.voters(),
                "needed": max(writer.needed("decision"), kinds.present_needed(act, len(writer.room.members))),
            }
            made = writer.act(DECISION, body, _newest(writer, act))
            return _named(records.decision(_excerpt(writer), made))

    def vote(self, id_: str, *, yes: bool, text: str = "", person: str = "") -> DecisionInfo:
        """Give our one final vote on a decision; a no is on record as dissent, with its words.

        RefusedError (`absent`) unless we have joined its session, or a later one of the circle.
        """
        with writing_about(self._base, DECISION, id_, "decision", person) as (writer, act):
            session = writer.in_force.view.acts[str(act.body["session"])]
            later = [each for each in _joined(writer) if _at(writer.in_force.view.acts[each]) >= _at(session)]
            if not later:
                raise RefusedError(
                    "Only members that have joined the session can vote, and we have not.",
                    code="absent",
                    hint=f"Join first: `entente session join {b32(session.place.leaf)[:12]}`.",
                )
            writer.answer(act, refuse=not yes, text=text.strip())
            return _named(records.decision(_excerpt(writer), act))

    def decision(self, id_: str) -> DecisionInfo:
        """Return a decision with its votes; NotFoundError if there is none."""
        with reading(self._base) as reader:
            act = reader.find(DECISION, id_, "decision")
            return records.decision(_excerpt(reader, act), act)

    def invite(self, id_: str) -> bytes:
        """Return the invitation to a session as an iCalendar file, the same at every member.

        NotFoundError if there is no such session.
        """
        with reading(self._base) as reader:
            act = reader.find(SESSION, id_, "session")
            part = _excerpt(reader, act)
            title, name = first_line(part.words(act).text), part.name(act.author)
            lines = [f"Session {b32(act.place.leaf)}", f"Circle {part.room.text.name}", f"Convened by {name}"]
        return icalendar.invitation(
            b32(act.place.leaf), title or "Joint session", act.time, number(act.body["at"]), "\n".join(lines)
        )

    def _view(self, part: Excerpt, act: Act) -> SessionView:
        made = records.record(part, act)
        minutes = records.minutes_of(part, act)
        counts = records.that_counts(minutes)
        return SessionView(
            session=made.session,
            circle=made.circle,
            title=made.title,
            title_state=made.title_state,
            at=made.at,
            by=made.by,
            name=made.name,
            state=records.state_of(made.quorum, counts),
            quorum=made.quorum,
            attendance=made.attendance,
            agenda=list(agenda_of(part, act, self._base.clock())),
            decisions=made.decisions,
            dissent=[vote for each in made.decisions for vote in each.dissent],
            minutes=minutes,
            signed_by=counts.signed_by if counts else [],
            ended=not part.in_force.rooms.is_current(part.room),
        )

    @contextmanager
    def _session(self, id_: str, person: str) -> Generator[tuple[Writer, Act]]:
        """Give a writer for a session whose minutes are not signed; ConflictError if they are."""
        with writing_about(self._base, SESSION, id_, "session", person) as (writer, act):
            counts = records.that_counts(records.minutes_of(_excerpt(writer), act))
            if counts is not None and counts.state == records.SIGNED:
                raise ConflictError(
                    "The minutes of this session are signed; nothing is added to it.",
                    code="signed",
                    hint="Convene another one: `entente session open`.",
                )
            yield writer, act

    def _delegation(self, writer: Writer, act: Act, head: str, deputy: str, reason: str) -> SessionView:
        body: dict[str, object] = {"session": act.place.ref, "head": head, "deputy": deputy, "reason": reason}
        writer.act(kinds.DELEGATION.name, body, _newest(writer, act))
        return self._view(_excerpt(writer), act)


def _info(part: Excerpt, act: Act) -> SessionInfo:
    counts = records.that_counts(records.minutes_of(part, act))
    quorum = records.quorum_of(part, act)
    return SessionInfo(
        b32(act.place.leaf),
        b32(part.room.circle),
        part.words(act).text,
        stamp(number(act.body["at"])),
        b32(act.author),
        records.state_of(quorum, counts),
        quorum,
        len(part.acts(DECISION, session=act.place.ref)),
    )


def _named(found: DecisionInfo) -> DecisionInfo:
    """Return a decision as the answer to who has just proposed it or voted on it."""
    return structs.replace(found, decision=found.id)


def _excerpt(reader: Reader, act: Act | None = None) -> Excerpt:
    """Return everything of the room in which an act stands, or a writer writes."""
    room = reader.room if isinstance(reader, Writer) else reader.room_of(act) if act else None
    if room is None:
        raise NotFoundError("The circle of this session is not known here.")
    return Excerpt(reader.base, reader.tx, room)


def _newest(writer: Writer, session: Act) -> list[str]:
    return newest(records.acts_of(_excerpt(writer), session))


def _joined(writer: Writer) -> set[str]:
    """Return the sessions of this room that we have joined, by reference."""
    return {
        str(act.body["session"])
        for act in writer.acts(kinds.ATTENDANCE.name)
        if act.author == writer.me and act.circle == writer.room.key
    }


def _at(session: Act) -> int:
    return number(session.body["at"])


def _plan_id(writer: Writer, text: str) -> str:
    """Return the plan meant by an id or its beginning; one that is not proposed yet is named by its whole id."""
    known = {plan.id for plan in plans_of(writer) if plan.act.circle == writer.room.key}
    try:
        return b32(find(text, [(unb32(plan, 32), plan, "") for plan in known], "plan"))
    except NotFoundError as problem:
        if problem.code == "ambiguous":
            raise
    try:
        return b32(unb32(text, 32))
    except InvalidError:
        raise NotFoundError(f"There is no plan {text!r}.", hint="Propose it first, or give its whole id.") from None


def _subject(writer: Writer, text: str) -> str:
    """Return the reference of an act of this room, or of an entry that brought an item to it; NotFoundError if none."""
    try:
        return _find_act(writer, text).place.ref
    except NotFoundError:
        stix_id = resolve(writer.tx, text)
    copies = writer.tx.items.find([stix_id])[stix_id]
    entries = sorted(
        (log.origin, log.id, each.index)
        for copy in copies
        for log, each in carriers(writer.tx, copy)
        if log.circle == writer.room.key
    )
    if not entries:
        raise NotFoundError(f"{stix_id} is not in this circle.", hint="Share it first: `entente share send`.")
    origin, number_, index = entries[0]
    return f"{b32(origin_hash(origin))}/{index}/{b32(writer.tx.logs.node(number_, 0, index))}"


def _find_act(writer: Writer, text: str) -> Act:
    """Return the act of this room whose reference is, or whose id begins with, `text`."""
    acts = writer.in_force.view.acts
    if text in acts and acts[text].circle == writer.room.key:
        return acts[text]
    here = {act.place.leaf: act for act in acts.values() if act.circle == writer.room.key}
    return here[find(text, [(leaf, b32(leaf), "") for leaf in here], "act")]
