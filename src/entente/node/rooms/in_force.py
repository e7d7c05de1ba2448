"""What is in force for whom: the charters of a home and the view folded from their acts, as of one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from entente.core.errors import ConflictError, NotFoundError, WaitingError
from entente.core.ids import Member, b32
from entente.kinds.suspension import ALL
from entente.ledger.view import View
from entente.node.rooms.room import Charter, Charters
from entente.policy.approval import APPROVE, State, carried, standing

if TYPE_CHECKING:
    from entente.kinds.approval import Answer


class World(Struct):
    """Charters and the view folded from their acts, as of one transaction."""

    charters: Charters
    view: View
    me: Member

    def answers(self, thing: bytes) -> dict[Member, Answer]:
        """Return who answered what to an agreement or circle."""
        found = self.view.states["approval/1"].get(thing, {})
        return dict(found)

    def state(self, charter: Charter) -> State:
        """Return how far a circle (for a founding circle: its agreement) has come.

        An agreement that has come to a second epoch is in force; who came with the newest revision signs that.
        """
        if charter.founding:
            if not charter.first:
                return self._acceded(charter)
            thing, members = charter.revision, charter.members
        else:
            thing, members = charter.id, charter.members
        given = {member: answer.answer for member, answer in self.answers(thing).items()}
        return standing(members, given)

    def _acceded(self, charter: Charter) -> State:
        answer = self.answers(charter.revision).get(self.me)
        if self.me not in charter.newcomers:
            return State.IN_FORCE
        return State.PROPOSED if answer is None else State.IN_FORCE if answer.answer == APPROVE else State.REFUSED

    def signed(self, charter: Charter, member: Member) -> bool:
        """Say whether a member of a founding room is bound: it was there before, or has approved."""
        answer = self.answers(charter.revision).get(member)
        return member not in charter.newcomers or (answer is not None and answer.answer == APPROVE)

    def standing(self, thing: bytes) -> State:
        """Return how far what an act asked for has come (`thing`: its leaf hash); NotFoundError for nothing asked."""
        asked = self.view.things.get(thing)
        if asked is None:
            raise NotFoundError("Nothing of this id was asked for.")
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
        founding = self.charters.founding_of(agreement)
        return State.PROPOSED if founding is None else self.state(founding)

    def usable(self, charter: Charter) -> bool:
        """Say whether the circle and its agreement are both in force."""
        return State.IN_FORCE == self.state(charter) == self.agreement_state(charter.agreement)

    def gone(self, charter: Charter) -> bool:
        """Say whether this member has left the agreement, or goes on in none of its later epochs."""
        founding = self.charters.founding_of(charter.agreement)
        if founding is None:
            return False
        if self.me in self.exited(founding):
            return True
        return any(
            each.act.circle == founding.circle
            and self.me not in each.text.members
            and self.standing(thing) is State.IN_FORCE
            for thing, each in self.view.states["amendment/1"].items()
        )

    def forked(self, charter: Charter) -> bool:
        """Say whether evidence has stopped a log of this room: verdicts about its acts are not final then."""
        stopped = self.view.stopped
        return bool(stopped) and not self.charters.logs(charter.circle).isdisjoint(map(b32, stopped))

    def over(self, charter: Charter) -> bool:
        """Say whether everybody else has left the agreement of this room."""
        founding = self.charters.founding_of(charter.agreement)
        return founding is not None and set(founding.members) - self.exited(founding) <= {self.me}

    def exited(self, charter: Charter) -> frozenset[Member]:
        """Return the members of a founding room's agreement that have left."""
        return frozenset(member for room, member in self.view.states["exit/1"] if room == charter.circle)

    def suspends(self, charter: Charter, author: Member, member: Member) -> bool:
        """Say whether `author` serves `member` nothing under the agreement of this founding room."""
        held = self.view.states["suspension/1"]
        return (charter.circle, author, member) in held or (charter.circle, author, ALL) in held


def require_member(world: World, charter: Charter) -> None:
    """Raise ConflictError where this member has left, or the circle has ended."""
    if world.gone(charter):
        raise ConflictError(f"You are no longer a member of {charter.name}.", code="left")
    if world.over(charter):
        raise ConflictError(f"{charter.name} has ended: everybody else has left.", code="ended")
    if world.charters.ended(charter):
        raise ConflictError(f"{charter.text.name} has ended: too few of its members are left.", code="ended")


def require_force(world: World, charter: Charter) -> None:
    """Raise WaitingError or ConflictError unless the circle can be used by this member."""
    require_member(world, charter)
    if world.usable(charter):
        return
    if State.REFUSED in {world.state(charter), world.agreement_state(charter.agreement)}:
        raise ConflictError(f"{charter.text.name} was refused by a member.", hint="Propose another.")
    raise WaitingError(
        f"{charter.text.name} is not in force yet.", hint="Every member signs: `entente agreement sign`."
    )
