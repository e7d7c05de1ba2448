"""What is in force for whom: the rooms of a home and the view folded from their acts, as of one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from entente.core.errors import ConflictError, NotFoundError, WaitingError
from entente.core.ids import Member, b32
from entente.kinds.suspension import ALL
from entente.ledger.view import View
from entente.node.rooms.room import Room, Rooms
from entente.policy.approval import APPROVE, State, carried, standing

if TYPE_CHECKING:
    from entente.kinds.approval import Answer


class InForce(Struct):
    """Rooms and the view folded from their acts, as of one transaction."""

    rooms: Rooms
    view: View
    me: Member

    def answers(self, thing: bytes) -> dict[Member, Answer]:
        """Return who answered what to an agreement or circle."""
        found = self.view.states["approval/1"].get(thing, {})
        return dict(found)

    def state(self, room: Room) -> State:
        """Return how far a circle (for a founding circle: its agreement) has come.

        An agreement that has come to a second epoch is in force; who came with the newest revision signs that.
        """
        if room.founding:
            if not room.first:
                return self._acceded(room)
            thing, members = room.revision, room.members
        else:
            thing, members = room.circle, room.members
        given = {member: answer.answer for member, answer in self.answers(thing).items()}
        return standing(members, given)

    def _acceded(self, room: Room) -> State:
        answer = self.answers(room.revision).get(self.me)
        if self.me not in room.newcomers:
            return State.IN_FORCE
        return State.PROPOSED if answer is None else State.IN_FORCE if answer.answer == APPROVE else State.REFUSED

    def signed(self, room: Room, member: Member) -> bool:
        """Say whether a member of a founding room is bound: it was there before, or has approved."""
        answer = self.answers(room.revision).get(member)
        return member not in room.newcomers or (answer is not None and answer.answer == APPROVE)

    def standing(self, thing: bytes) -> State:
        """Return how far what an act asked for has come (`thing`: its leaf hash); NotFoundError for nothing asked."""
        asked = self.view.things.get(thing)
        if asked is None:
            raise NotFoundError("Nothing with this id waits for an answer.")
        given = {member: answer.answer for member, answer in self.answers(thing).items()}
        state = carried(asked.voters, asked.needed, given, asked.must)
        if not asked.deadline:
            return state
        outcome = self.view.states["outcome/1"].get(thing)
        if outcome is None:
            return State.REFUSED if state is State.REFUSED else State.PROPOSED
        return State(outcome.body["result"])

    def agreement_state(self, agreement: bytes) -> State:
        """Return how far an agreement has come."""
        founding = self.rooms.founding_of(agreement)
        return State.PROPOSED if founding is None else self.state(founding)

    def usable(self, room: Room) -> bool:
        """Say whether the circle and its agreement are both in force."""
        return State.IN_FORCE == self.state(room) == self.agreement_state(room.agreement)

    def gone(self, room: Room) -> bool:
        """Say whether this member has left the agreement, or goes on in none of its later epochs."""
        founding = self.rooms.founding_of(room.agreement)
        if founding is None:
            return False
        if self.me in self.exited(founding):
            return True
        return any(
            each.act.circle == founding.key
            and self.me not in each.text.members
            and self.standing(thing) is State.IN_FORCE
            for thing, each in self.view.states["amendment/1"].items()
        )

    def forked(self, room: Room) -> bool:
        """Say whether evidence has stopped a log of this room: verdicts about its acts are not final then."""
        stopped = self.view.stopped
        return bool(stopped) and not self.rooms.logs(room.key).isdisjoint(map(b32, stopped))

    def over(self, room: Room) -> bool:
        """Say whether everybody else has left the agreement of this room."""
        founding = self.rooms.founding_of(room.agreement)
        return founding is not None and set(founding.members) - self.exited(founding) <= {self.me}

    def exited(self, room: Room) -> frozenset[Member]:
        """Return the members of a founding room's agreement that have left."""
        return frozenset(member for key, member in self.view.states["exit/1"] if key == room.key)

    def suspends(self, room: Room, author: Member, member: Member) -> bool:
        """Say whether `author` serves `member` nothing under the agreement of this founding room."""
        held = self.view.states["suspension/1"]
        return (room.key, author, member) in held or (room.key, author, ALL) in held


def require_member(in_force: InForce, room: Room) -> None:
    """Raise ConflictError where this member has left, or the circle has ended."""
    if in_force.gone(room):
        raise ConflictError(f"You are no longer a member of {room.agreement_name}.", code="left")
    if in_force.over(room):
        raise ConflictError(f"{room.agreement_name} has ended: everybody else has left.", code="ended")
    if in_force.rooms.ended(room):
        raise ConflictError(f"{room.text.name} has ended: too few of its members are left.", code="ended")


def require_force(in_force: InForce, room: Room) -> None:
    """Raise WaitingError or ConflictError unless the circle can be used by this member."""
    require_member(in_force, room)
    if in_force.usable(room):
        return
    if State.REFUSED in {in_force.state(room), in_force.agreement_state(room.agreement)}:
        raise ConflictError(f"{room.text.name} was refused by a member.", hint="Propose another.")
    raise WaitingError(f"{room.text.name} is not in force yet.", hint="Every member signs: `entente agreement sign`.")
