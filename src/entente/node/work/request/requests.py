"""Requests for information: ask the members of a circle until a date, answer or refuse, see what is overdue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from entente.core.errors import InvalidError
from entente.core.ids import b32
from entente.core.recorded import number
from entente.core.times import stamp
from entente.kinds import request
from entente.node.home.checked import checked
from entente.node.work.acts import Reader, reading, refused, writing, writing_about
from entente.node.work.request.values import ReplyInfo, RequestInfo
from entente.node.work.text import check_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entente.core.kind import Act
    from entente.node.home.base import Base

OVERDUE = "overdue"
PRIORITY = 3
HOUR = 3_600_000


@checked
class Requests:
    """What members of our circles want to know of each other."""

    def __init__(self, base: Base) -> None:
        """Work on this base."""
        self._base = base

    def ask(
        self, circle: str, text: str, due: int, *, to: Sequence[str] = (), priority: int = PRIORITY, person: str = ""
    ) -> RequestInfo:
        """Ask members of a circle (all others if none is named) until `due` (ms since 1970); priority 1 is first of 5.

        InvalidError for no text or another priority; NotFoundError for an unknown circle, member or person.
        RefusedError if one that is named is not in the circle, or is this member itself.
        """
        if not request.FIRST <= priority <= request.LAST:
            raise InvalidError(f"A priority lies from {request.FIRST} (first) to {request.LAST}.")
        words = check_text(text, "request")
        with writing(self._base, circle, person) as writer:
            named = sorted({b32(self._base.find_member(writer.tx, each)) for each in to})
            if not {b32(each) for each in writer.room.members if each != writer.me}.issuperset(named):
                raise refused("to")
            body: dict[str, object] = {"content": writer.put(words), "to": named, "priority": priority, "due": due}
            made = self._info(writer, writer.act(request.KIND.name, body))
        return structs.replace(made, request=made.id)

    def answer(self, id_: str, text: str, *, refuse: bool = False, person: str = "") -> RequestInfo:
        """Give our one answer to a request, or (`refuse`) the reason why we give none; return it with all answers.

        NotFoundError for an unknown request; RefusedError if we were not asked or have answered; ConflictError if its
        room has ended.
        """
        words = check_text(text, "answer")
        with writing_about(self._base, request.KIND.name, id_, "request", person) as (writer, act):
            body: dict[str, object] = {
                "of": act.place.ref,
                "answer": request.REFUSED if refuse else request.ANSWERED,
                "content": writer.put(words),
            }
            writer.act(request.REPLY.name, body, [act.place.ref])
            return self._info(writer, act)

    def show(self, id_: str) -> RequestInfo:
        """Return a request with its answers; NotFoundError if there is none."""
        with reading(self._base) as reader:
            return self._info(reader, reader.find(request.KIND.name, id_, "request"))

    def list(self, circle: str = "", *, ended: bool = False) -> Sequence[RequestInfo]:
        """Return the requests of a circle or of all, oldest first; with `ended` those of rooms that have ended too.

        NotFoundError for an unknown circle.
        """
        with reading(self._base) as reader:
            within = reader.circle(circle).circle if circle else b""
            acts = [act for act in reader.acts(request.KIND.name) if not within or reader.room_of(act).circle == within]
            found = [self._info(reader, act) for act in acts]
        return [each for each in found if ended or not each.ended]

    def _info(self, reader: Reader, act: Act) -> RequestInfo:
        room, words, now = reader.room_of(act), reader.words(act), self._base.clock()
        replies = reader.acts(request.REPLY.name, of=act.place.ref)
        state = request.state(act, room.members, replies)
        due = number(act.body["due"])
        escalates = due + room.terms.escalation_hours * HOUR
        waiting = state == request.OPEN
        return RequestInfo(
            id=b32(act.place.leaf),
            circle=b32(room.circle),
            from_=b32(act.author),
            name=reader.name(act.author),
            person=reader.person(act),
            to=request.asked(act, room.members),
            text=words.text,
            text_state=words.state,
            priority=number(act.body["priority"]),
            due=stamp(due),
            state=OVERDUE if waiting and now > due else state,
            escalated=waiting and now > escalates,
            escalates=stamp(escalates),
            answers=[_reply(reader, each) for each in replies],
            time=stamp(act.time),
            ended=not reader.in_force.rooms.is_current(room),
        )


def _reply(reader: Reader, act: Act) -> ReplyInfo:
    words = reader.words(act)
    return ReplyInfo(
        b32(act.author),
        reader.name(act.author),
        reader.person(act),
        str(act.body["answer"]),
        words.text,
        words.state,
        stamp(act.time),
    )
