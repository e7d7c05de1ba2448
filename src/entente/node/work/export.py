"""Sessions, cases and requests as STIX 2.1, from what the rooms of a node show."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from entente.core.errors import NotFoundError
from entente.core.ids import Member, identity_id, unb32
from entente.formats import cacao
from entente.formats.stix.joint.records import (
    CaseText,
    DecisionText,
    RequestText,
    SessionText,
    VoteText,
    case_grouping,
    decision_note,
    request_note,
    session_grouping,
)
from entente.node.home.checked import checked
from entente.node.work import stix
from entente.node.work.acts import reading
from entente.node.work.stix import Author

if TYPE_CHECKING:
    from collections.abc import Iterable

    from entente.core.marking import Tlp
    from entente.formats.stix.joint.extension import Named
    from entente.node.home.base import Base
    from entente.node.work.case.cases import Cases
    from entente.node.work.plan.plans import Plans
    from entente.node.work.request.requests import Requests
    from entente.node.work.session.minutes import Minutes
    from entente.node.work.session.sessions import Sessions
    from entente.node.work.session.values import DecisionInfo, SessionVote


class Sources:
    """The rooms of a node that are exported."""

    def __init__(self, sessions: Sessions, minutes: Minutes, cases: Cases, requests: Requests, plans: Plans) -> None:
        """Read from these."""
        self.sessions = sessions
        self.minutes = minutes
        self.cases = cases
        self.requests = requests
        self.plans = plans


@checked
class Exports:
    """Joint work as bundles that pass a strict check; every member's export of a thing has the same ids."""

    def __init__(self, base: Base, rooms: Sources) -> None:
        """Work on this base."""
        self._base = base
        self._rooms = rooms

    def request(self, id_: str) -> bytes:
        """Return a request as a note.

        The bytes are a STIX 2.1 bundle. NotFoundError if there is no such request.
        """
        found = self._rooms.requests.show(id_)
        author, marking = self._author(found.from_, found.time), self._marking(found.circle)
        text = RequestText(
            thing=found.id,
            text=found.text,
            priority=found.priority,
            due=found.due,
            state=found.state,
            to=[_identity(each) for each in found.to],
        )
        others = [self._author(each, found.time) for each in found.to]
        made = request_note(stix.head(author, found.id, marking), [], text)
        return stix.of_named([made], [author, *others], marking, found.id)

    def case(self, id_: str) -> bytes:
        """Return a case as a grouping of the items that it links.

        The bytes are a STIX 2.1 bundle. NotFoundError if there is no such case.
        """
        found = self._rooms.cases.show(id_)
        author, marking = self._author(found.by.member, found.by.time), self._marking(found.circle)
        text = CaseText(
            thing=found.id,
            title=found.title or "-",
            state=found.state,
            tasks=[(each.text, each.state) for each in found.tasks],
            due=found.due,
        )
        links = list(dict.fromkeys(each.item for each in found.links))
        made = case_grouping(stix.head(author, found.id, marking), links, text)
        return stix.of_named([made], [author], marking, found.id)

    def session(self, id_: str) -> bytes:
        """Return a session as a grouping, each decision as a note, and their plans where the files are here.

        The bytes are a STIX 2.1 bundle. NotFoundError if there is no such session.
        """
        found = self._rooms.sessions.show(id_)
        minutes = self._rooms.minutes.text(found.session)
        marking, time = self._marking(found.circle), found.at
        plans = {each.plan: self._plan(each.plan, marking) for each in found.decisions if each.plan}
        notes = [self._decision(each, marking, plans) for each in found.decisions]
        author = self._author(found.by, time)
        text = SessionText(
            thing=found.session,
            title=found.title or "-",
            at=found.at,
            state=found.state,
            needed=found.quorum.needed,
            present=[_identity(each.member) for each in found.attendance if each.present],
            signed_by=[_identity(each) for each in found.signed_by],
            minutes=minutes.text if minutes.state != "draft" else "",
        )
        made = session_grouping(stix.head(author, found.session, marking), [each.id for each in notes], text)
        people = [self._author(each.member, time) for each in found.attendance]
        courses = [data for objects in plans.values() for data in objects]
        objects = [*courses, *(each.data for each in notes), made.data]
        return stix.bundle(dict.fromkeys(objects), [author, *people], [marking], found.session)

    def _decision(self, found: DecisionInfo, marking: Tlp, plans: dict[str, list[bytes]]) -> Named:
        text = DecisionText(
            thing=found.id,
            session=found.session,
            text=found.text,
            state=found.state,
            needed=found.needed,
            votes=_votes(found.votes),
            plan=found.plan,
            owner=_identity(found.owner) if found.owner else "",
            due=found.due,
        )
        refs = [stix.course_id(found.plan)] if plans.get(found.plan) else []
        return decision_note(stix.head(self._author(found.by, found.time), found.id, marking), refs, text)

    def _plan(self, id_: str, marking: Tlp) -> list[bytes]:
        """Return the objects of a plan; none where its file is not here."""
        try:
            shown, data = self._rooms.plans.show(id_), self._rooms.plans.file(id_)
        except NotFoundError:
            return []
        author = self._author(shown.proposer, "")
        return stix.course_objects(cacao.read(data), shown.plan, author, marking)

    def _author(self, member: str, time: str) -> Author:
        who = Member(unb32(member, 32))
        with self._base.store.read() as tx:
            name = self._base.name_of(tx, who)
        when = int(datetime.fromisoformat(time).timestamp() * 1000) if time else stix.FIRST
        return Author(who, name, when)

    def _marking(self, circle: str) -> Tlp:
        with reading(self._base) as reader:
            return reader.circle(circle).text.ceiling


def _identity(member: str) -> str:
    return identity_id(Member(unb32(member, 32)))


def _votes(votes: Iterable[SessionVote]) -> list[VoteText]:
    words = {"yes": "approve", "no": "refuse"}
    return [VoteText(_identity(each.member), words.get(each.vote, each.vote), each.time, each.text) for each in votes]
