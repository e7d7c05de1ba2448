"""Tempo of a node: what its entries say about how fast each pair of members is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entente.core.ids import Member, origin_hash
from entente.core.kind import Place
from entente.core.recorded import refs_in
from entente.insight.tempo import Decided, Pair, Seen, Stepped, tempo
from entente.node.logs import witnessed as timing
from entente.node.work.acts import Board, reading
from entente.policy.approval import APPROVE, State
from entente.policy.workflow import ACTIONS, bones_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from entente.core.kind import Act
    from entente.node.home.base import Base


class Tempos:
    """How long it takes from one side's sighting to the other side's step."""

    def __init__(self, base: Base) -> None:
        """Work on this base."""
        self._base = base

    def show(self) -> Sequence[Pair]:
        """Return p50 and p95 for each pair of members, in seconds."""
        with reading(self._base) as board:
            return tempo([*_warnings(board), *_sightings(board)], _decisions(board), _steps(board))


def _witnessed(board: Board, ref: str, author: Member, members: Sequence[Member]) -> dict[Member, int]:
    found = {member: timing.covered_ref(board.tx, ref, member) for member in members if member != author}
    return {member: time for member, time in found.items() if time}


def _warnings(board: Board) -> Iterator[Seen]:
    for act in board.acts("warning/1"):
        members = board.room(act).members
        yield Seen(act.place.ref, act.author, act.time, _witnessed(board, act.place.ref, act.author, members))


def _sightings(board: Board) -> Iterator[Seen]:
    """Go through the entries with sightings; those that were watched from the beginning have times."""
    for row in board.tx.logs.all():
        charter = board.world.charters.get(row.circle) if row.circle else None
        if charter is None:
            continue
        log = origin_hash(row.origin)
        for index in timing.watched(board.tx, log):
            held = board.tx.payloads.get(row.id, index, index + 1)
            if held and held[0].item:
                place = Place(log, index, board.tx.logs.node(row.id, 0, index))
                author = Member(row.member)
                yield Seen(place.ref, author, held[0].time, _witnessed(board, place.ref, author, charter.members))


def _decisions(board: Board) -> Iterator[Decided]:
    for act in board.acts("decision/1"):
        if board.state(act) is State.IN_FORCE:
            yield Decided(act.place.ref, refs_in(act.body["about"]), _since(board, act))


def _since(board: Board, act: Act) -> int:
    """Return the signed time of the approval that brought it into force."""
    asked = board.world.view.things[act.place.leaf]
    times = sorted(each.time for each in board.world.answers(act.place.leaf).values() if each.answer == APPROVE)
    return times[asked.needed - 1]


def _steps(board: Board) -> Iterator[Stepped]:
    plans = {act.place.ref: act for act in board.acts("plan/1")}
    work = {ref: _owned(act) for ref, act in plans.items()}
    for act in board.acts("step/1"):
        plan = str(act.body["plan"])
        if act.body["state"] == "done" and act.body["step"] in work[plan]:
            yield Stepped(act.author, act.time, str(plans[plan].body["decision"]))


def _owned(plan: Act) -> set[str]:
    return {bone.id for bone in bones_of(plan).values() if bone.type in ACTIONS}
