"""Requests for information: ask the members of a circle until a date, answer or refuse, see what is overdue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entente.core.errors import InvalidError
from entente.core.ids import b32
from entente.core.recorded import number
from entente.core.times import stamp
from entente.kinds import request
from entente.node.work.acts import Board, about, reading, refused, writing
from entente.node.work.request.values import ReplyInfo, RequestInfo
from entente.node.work.text import check_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entente.core.kind import Act
    from entente.node.home.base import Base

OVERDUE = "overdue"
PRIORITY = 3
HOUR = 3_600_000


class Requests:
    """What members of our circles want to know of each other."""

    def __init__(self, base: Base) -> None:
        """Work on this base."""
        self._base = base

    def ask(
        self, circle: str, text: str, due: int, *, to: Sequence[str] = (), priority: int = PRIORITY, person: str = ""
    ) -> RequestInfo:
        """Ask members of a circle (all others if none is named) until `due` (ms); priority 1 is the most urgent.

        RefusedError if one that is named is not in the circle, or is this member itself.
        """
        if not request.FIRST <= priority <= request.LAST:
            raise InvalidError(f"A priority lies from {request.FIRST} (first) to {request.LAST}.")
        words = check_text(text, "request")
        with writing(self._base, circle, person) as pen:
            named = sorted({b32(self._base.find_member(pen.tx, each)) for each in to})
            if not {b32(each) for each in pen.charter.members if each != pen.me}.issuperset(named):
                raise refused("to")
            body: dict[str, object] = {"content": pen.put(words), "to": named, "priority": priority, "due": due}
            return self._info(pen, pen.act(request.KIND.name, body))

    def answer(self, id_: str, text: str, *, refuse: bool = False, person: str = "") -> RequestInfo:
        """Give our one answer to a request, or (`refuse`) the reason why we give none.

        RefusedError if we were not asked or have answered; ConflictError if its room has ended.
        """
        words = check_text(text, "answer")
        with about(self._base, request.KIND.name, id_, "request", person) as (pen, act):
            body: dict[str, object] = {
                "of": act.place.ref,
                "answer": request.REFUSED if refuse else request.ANSWERED,
                "content": pen.put(words),
            }
            pen.act(request.REPLY.name, body, [act.place.ref])
            return self._info(pen, act)

    def view(self, id_: str) -> RequestInfo:
        """Return a request with its answers; NotFoundError if there is none."""
        with reading(self._base) as board:
            return self._info(board, board.find(request.KIND.name, id_, "request"))

    def list(self, circle: str = "", *, ended: bool = False) -> Sequence[RequestInfo]:
        """Return the requests of a circle or of all, oldest first; with `ended` those of rooms that have ended too."""
        with reading(self._base) as board:
            within = board.circle(circle).id if circle else b""
            acts = [act for act in board.acts(request.KIND.name) if not within or board.room(act).id == within]
            found = [self._info(board, act) for act in acts]
        return [each for each in found if ended or not each.ended]

    def _info(self, board: Board, act: Act) -> RequestInfo:
        room, words, now = board.room(act), board.words(act), self._base.clock()
        replies = board.acts(request.REPLY.name, of=act.place.ref)
        state = request.state(act, room.members, replies)
        due = number(act.body["due"])
        escalates = due + room.terms.escalation_hours * HOUR
        waiting = state == request.OPEN
        return RequestInfo(
            id=b32(act.place.leaf),
            circle=b32(room.id),
            from_=b32(act.author),
            name=board.name(act.author),
            person=board.person(act),
            to=request.asked(act, room.members),
            text=words.text,
            text_state=words.state,
            priority=number(act.body["priority"]),
            due=stamp(due),
            state=OVERDUE if waiting and now > due else state,
            escalated=waiting and now > escalates,
            escalates=stamp(escalates),
            answers=[_reply(board, each) for each in replies],
            time=stamp(act.time),
            ended=not board.world.charters.is_current(room),
        )


def _reply(board: Board, act: Act) -> ReplyInfo:
    words = board.words(act)
    return ReplyInfo(
        b32(act.author),
        board.name(act.author),
        board.person(act),
        str(act.body["answer"]),
        words.text,
        words.state,
        stamp(act.time),
    )
