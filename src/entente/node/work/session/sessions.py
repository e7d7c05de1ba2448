"""Joint sessions: convene, agree on an agenda, be present, decide together (docs/protocol/11-joint-work.md)."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from entente.core.errors import ConflictError, InvalidError, NotFoundError, RefusedError
from entente.core.ids import b32, origin_hash, unb32
from entente.core.recorded import number
from entente.core.times import stamp
from entente.formats import icalendar as calendar
from entente.kinds import session as kinds
from entente.node.home.find import find
from entente.node.home.people import operator
from entente.node.items.consents import carriers
from entente.node.items.sharing import resolve
from entente.node.work.acts import Pen, about, newest, reading, refused, writing
from entente.node.work.excerpt import Excerpt
from entente.node.work.plan.plan import Book
from entente.node.work.session import record as records
from entente.node.work.session.agenda import agenda_of, first_line
from entente.node.work.session.values import SessionInfo, SessionView
from entente.node.work.text import check_text, check_title

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from entente.core.kind import Act
    from entente.node.home.base import Base
    from entente.node.work.acts import Board
    from entente.node.work.session.values import DecisionInfo
    from entente.policy.agenda import AgendaPoint

SESSION, DECISION = kinds.KIND.name, kinds.DECISION.name
PRIORITY = 3


class Sessions:
    """The meetings of our circles."""

    def __init__(self, base: Base) -> None:
        """Work on this base."""
        self._base = base

    def open(self, circle: str, at: int, title: str, *, quorum: int = 0, person: str = "") -> SessionView:
        """Convene a session of a circle at a time (ms); `quorum` members have to be present, 0: the usual number.

        RefusedError for a quorum that is not from more than half of the members to all of them.
        """
        words = check_title(title, "session")
        with writing(self._base, circle, person) as pen:
            body: dict[str, object] = {"content": pen.put(words), "at": at, "quorum": quorum}
            return self._view(_excerpt(pen), pen.act(SESSION, body))

    def view(self, id_: str) -> SessionView:
        """Return a session with its agenda, decisions and minutes; NotFoundError if there is none."""
        with reading(self._base) as board:
            act = board.find(SESSION, id_, "session")
            return self._view(_excerpt(board, act), act)

    def list(self, circle: str = "") -> Sequence[SessionInfo]:
        """Return the sessions of a circle or of all, by their date."""
        with reading(self._base) as board:
            within = board.circle(circle).id if circle else b""
            acts = [act for act in board.acts(SESSION) if not within or board.room(act).id == within]
            return sorted((_info(_excerpt(board, act), act) for act in acts), key=lambda each: (each.at, each.session))

    def agenda(self, id_: str) -> Sequence[AgendaPoint]:
        """Return the agenda of a session as it is now, each point with the reason for its place."""
        with reading(self._base) as board:
            act = board.find(SESSION, id_, "session")
            return agenda_of(_excerpt(board, act), act, self._base.clock())

    def add(self, id_: str, text: str, *, priority: int = PRIORITY, person: str = "") -> Sequence[AgendaPoint]:
        """Put a point of our own on the agenda, and return the agenda."""
        if not kinds.FIRST <= priority <= kinds.LAST:
            raise InvalidError(f"A priority lies from {kinds.FIRST} (first) to {kinds.LAST}.")
        words = check_text(text, "point")
        with self._session(id_, person) as (pen, act):
            body: dict[str, object] = {"session": act.place.ref, "content": pen.put(words), "priority": priority}
            pen.act(kinds.POINT.name, body, _newest(pen, act))
            return agenda_of(_excerpt(pen), act, self._base.clock())

    def join(self, id_: str, *, person: str = "") -> SessionView:
        """Say that we are present; saying it again changes nothing."""
        with self._session(id_, person) as (pen, act):
            if act.place.ref not in _joined(pen):
                pen.act(kinds.ATTENDANCE.name, {"session": act.place.ref}, _newest(pen, act))
            return self._view(_excerpt(pen), act)

    def delegate(self, id_: str, head: str, deputy: str = "", *, person: str = "") -> SessionView:
        """Name the person who speaks for us at a session, and the one who takes over; the newest word counts."""
        with self._session(id_, person) as (pen, act):
            named = [operator(pen.tx, each) if each else "" for each in (head, deputy)]
            if not head or named[0] == named[1]:
                raise InvalidError("A delegation has a head, and another person as deputy.")
            return self._delegation(pen, act, named[0], named[1], kinds.NAMED)

    def succeed(self, id_: str, *, person: str = "") -> SessionView:
        """Let the deputy become head of our delegation; ConflictError if none is named."""
        with self._session(id_, person) as (pen, act):
            mine = [each for each in records.delegations_of(_excerpt(pen), act) if each.author == pen.me]
            deputy = str(mine[-1].body["deputy"]) if mine else ""
            if not deputy:
                raise ConflictError(
                    "Our delegation has no deputy.", code="deputy", hint="Name one: `session delegate --deputy`."
                )
            return self._delegation(pen, act, deputy, "", kinds.SUCCESSION)

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
        with self._session(id_, person) as (pen, act):
            whose = b32(self._base.find_member(pen.tx, owner)) if owner else ""
            if whose not in {"", *pen.voters()}:
                raise refused("owner")
            body: dict[str, object] = {
                "session": act.place.ref,
                "content": pen.put(words),
                "plan": _plan_id(pen, plan) if plan else "",
                "about": list(dict.fromkeys(_subject(pen, each) for each in about)),
                "owner": whose,
                "due": due,
                "voters": pen.voters(),
                "needed": max(pen.needed("decision"), kinds.present_needed(act, len(pen.charter.members))),
            }
            made = pen.act(DECISION, body, _newest(pen, act))
            return records.decision(_excerpt(pen), made)

    def vote(self, id_: str, *, yes: bool, text: str = "", person: str = "") -> DecisionInfo:
        """Give our one final vote on a decision; a no is on record as dissent, with its words.

        RefusedError (`absent`) unless we have joined its session, or a later one of the circle.
        """
        with about(self._base, DECISION, id_, "decision", person) as (pen, act):
            session = pen.world.view.acts[str(act.body["session"])]
            later = [each for each in _joined(pen) if _at(pen.world.view.acts[each]) >= _at(session)]
            if not later:
                raise RefusedError(
                    "Who votes is present, and we have not joined this session.",
                    code="absent",
                    hint=f"Join first: `entente session join {b32(session.place.leaf)[:12]}`.",
                )
            pen.answer(act, refuse=not yes, text=text.strip())
            return records.decision(_excerpt(pen), act)

    def decision(self, id_: str) -> DecisionInfo:
        """Return a decision with its votes; NotFoundError if there is none."""
        with reading(self._base) as board:
            act = board.find(DECISION, id_, "decision")
            return records.decision(_excerpt(board, act), act)

    def invite(self, id_: str) -> bytes:
        """Return the invitation to a session as an iCalendar file, the same at every member."""
        with reading(self._base) as board:
            act = board.find(SESSION, id_, "session")
            part = _excerpt(board, act)
            title, name = first_line(part.words(act).text), part.name(act.author)
            lines = [f"Session {b32(act.place.leaf)}", f"Circle {part.charter.text.name}", f"Convened by {name}"]
        return calendar.invitation(
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
            ended=not part.world.charters.is_current(part.charter),
        )

    @contextmanager
    def _session(self, id_: str, person: str) -> Generator[tuple[Pen, Act]]:
        """Give a pen for a session whose minutes are not signed; ConflictError if they are."""
        with about(self._base, SESSION, id_, "session", person) as (pen, act):
            counts = records.that_counts(records.minutes_of(_excerpt(pen), act))
            if counts is not None and counts.state == records.SIGNED:
                raise ConflictError(
                    "The minutes of this session are signed; nothing is added to it.",
                    code="signed",
                    hint="Convene another one: `entente session open`.",
                )
            yield pen, act

    def _delegation(self, pen: Pen, act: Act, head: str, deputy: str, reason: str) -> SessionView:
        body: dict[str, object] = {"session": act.place.ref, "head": head, "deputy": deputy, "reason": reason}
        pen.act(kinds.DELEGATION.name, body, _newest(pen, act))
        return self._view(_excerpt(pen), act)


def _info(part: Excerpt, act: Act) -> SessionInfo:
    counts = records.that_counts(records.minutes_of(part, act))
    quorum = records.quorum_of(part, act)
    return SessionInfo(
        b32(act.place.leaf),
        b32(part.charter.id),
        part.words(act).text,
        stamp(number(act.body["at"])),
        b32(act.author),
        records.state_of(quorum, counts),
        quorum,
        len(part.acts(DECISION, session=act.place.ref)),
    )


def _excerpt(board: Board, act: Act | None = None) -> Excerpt:
    """Return everything of the room in which an act stands, or a pen writes."""
    room = board.charter if isinstance(board, Pen) else board.room(act) if act else None
    if room is None:
        raise NotFoundError("The circle of this session is not known here.")
    return Excerpt(board.base, board.tx, room)


def _newest(pen: Pen, session: Act) -> list[str]:
    return newest(records.acts_of(_excerpt(pen), session))


def _joined(pen: Pen) -> set[str]:
    """Return the sessions of this room that we have joined, by reference."""
    return {
        str(act.body["session"])
        for act in pen.acts(kinds.ATTENDANCE.name)
        if act.author == pen.me and act.circle == pen.charter.circle
    }


def _at(session: Act) -> int:
    return number(session.body["at"])


def _plan_id(pen: Pen, text: str) -> str:
    """Return the plan meant by an id or its beginning; one that is not proposed yet is named by its whole id."""
    known = [act for act in Book(pen).by_id().items() if act[1].circle == pen.charter.circle]
    try:
        return b32(find(text, [(unb32(plan, 32), plan, "") for plan, _ in known], "plan"))
    except NotFoundError as problem:
        if problem.code == "ambiguous":
            raise
    try:
        return b32(unb32(text, 32))
    except InvalidError:
        raise NotFoundError(f"There is no plan {text!r}.", hint="Propose it first, or give its whole id.") from None


def _subject(pen: Pen, text: str) -> str:
    """Return the reference of an act of this room, or of an entry that brought an item to it; NotFoundError if none."""
    try:
        return _find_act(pen, text).place.ref
    except NotFoundError:
        stix_id = resolve(pen.tx, text)
    copies = pen.tx.items.find([stix_id])[stix_id]
    entries = sorted(
        (log.origin, log.id, each.index)
        for copy in copies
        for log, each in carriers(pen.tx, copy)
        if log.circle == pen.charter.circle
    )
    if not entries:
        raise NotFoundError(f"{stix_id} is not in this circle.", hint="Share it first: `entente share send`.")
    origin, number_, index = entries[0]
    return f"{b32(origin_hash(origin))}/{index}/{b32(pen.tx.logs.node(number_, 0, index))}"


def _find_act(pen: Pen, text: str) -> Act:
    """Return the act of this room whose reference is, or whose id begins with, `text`."""
    acts = pen.world.view.acts
    if text in acts and acts[text].circle == pen.charter.circle:
        return acts[text]
    here = {act.place.leaf: act for act in acts.values() if act.circle == pen.charter.circle}
    return here[find(text, [(leaf, b32(leaf), "") for leaf in here], "act")]
