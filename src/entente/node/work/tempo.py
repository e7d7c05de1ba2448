"""Tempo of a node: what its entries say about how fast each pair of members is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entente.core.ids import Member, origin_hash
from entente.core.kind import Place
from entente.core.recorded import refs_in
from entente.insight.tempo import Decided, Stepped, WitnessedSignal, tempo
from entente.node.logs import witnessed
from entente.node.work.acts import Reader, reading
from entente.node.work.values import TempoInfo
from entente.policy.approval import APPROVE, State
from entente.policy.workflow import ACTIONS, signed_steps

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from entente.core.kind import Act
    from entente.node.home.base import Base


class Tempos:
    """How long it takes from one side's sighting to the other side's step."""

    def __init__(self, base: Base) -> None:
        """Work on this base."""
        self._base = base

    def show(self) -> TempoInfo:
        """Return p50 and p95 for each pair of members, in seconds."""
        with reading(self._base) as reader:
            found = tempo([*_warnings(reader), *_sightings(reader)], _decisions(reader), _steps(reader))
        return TempoInfo(found)


def _witnessed(reader: Reader, ref: str, author: Member, members: Sequence[Member]) -> dict[Member, int]:
    found = {member: witnessed.covered_ref(reader.tx, ref, member) for member in members if member != author}
    return {member: time for member, time in found.items() if time}


def _warnings(reader: Reader) -> Iterator[WitnessedSignal]:
    for act in reader.acts("warning/1"):
        members = reader.room_of(act).members
        yield WitnessedSignal(
            act.place.ref, act.author, act.time, _witnessed(reader, act.place.ref, act.author, members)
        )


def _sightings(reader: Reader) -> Iterator[WitnessedSignal]:
    """Go through the entries with sightings; those that were watched from the beginning have times."""
    for row in reader.tx.logs.all():
        room = reader.in_force.rooms.get(row.circle) if row.circle else None
        if room is None:
            continue
        log = origin_hash(row.origin)
        for index in witnessed.watched(reader.tx, log):
            held = reader.tx.payloads.get(row.id, index, index + 1)
            if held and held[0].item:
                place = Place(log, index, reader.tx.logs.node(row.id, 0, index))
                author = Member(row.member)
                yield WitnessedSignal(
                    place.ref, author, held[0].time, _witnessed(reader, place.ref, author, room.members)
                )


def _decisions(reader: Reader) -> Iterator[Decided]:
    for act in reader.acts("decision/1"):
        if reader.state(act) is State.IN_FORCE:
            yield Decided(act.place.ref, refs_in(act.body["about"]), _since(reader, act))


def _since(reader: Reader, act: Act) -> int:
    """Return the signed time of the approval that brought it into force."""
    asked = reader.in_force.view.things[act.place.leaf]
    times = sorted(each.time for each in reader.in_force.answers(act.place.leaf).values() if each.answer == APPROVE)
    return times[asked.needed - 1]


def _steps(reader: Reader) -> Iterator[Stepped]:
    plans = {act.place.ref: act for act in reader.acts("plan/1")}
    work = {ref: _owned(act) for ref, act in plans.items()}
    for act in reader.acts("step/1"):
        plan = str(act.body["plan"])
        if act.body["state"] == "done" and act.body["step"] in work[plan]:
            yield Stepped(act.author, act.time, str(plans[plan].body["decision"]))


def _owned(plan: Act) -> set[str]:
    return {signed.id for signed in signed_steps(plan).values() if signed.type in ACTIONS}
