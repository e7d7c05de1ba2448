"""The acts of one room up to a given entry of each log: minutes are made from them, the same on every side.

docs/protocol/11-joint-work.md, "Minutes".
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from typing_extensions import override

from entente.core.ids import b32, words
from entente.kinds.profile import KIND as PROFILE
from entente.node.work.acts import AWAITED, Reader, Words, order
from entente.policy.approval import State, carried

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entente.core.kind import Act
    from entente.node.home.base import Base
    from entente.node.rooms.room import Room
    from entente.store.ports import Transaction

OUTCOME = "outcome/1"


class Excerpt(Reader):
    """A reader that shows the acts of one room only; with a `basis` those alone that stand below these numbers.

    `waiting` becomes true when a text was asked for that has not arrived.
    """

    def __init__(self, base: Base, tx: Transaction, room: Room, basis: Mapping[str, int] | None = None) -> None:
        """Read in this transaction; `basis` says by member how many entries of its log are looked at."""
        super().__init__(base, tx)
        self.room = room
        self.basis = basis
        self.waiting = False

    def holds(self, act: Act) -> bool:
        """Say whether an act is in this part."""
        if act.circle != self.room.key:
            return False
        return self.basis is None or act.place.index < self.basis.get(b32(act.author), 0)

    @override
    def acts(self, kind: str, **same: str) -> list[Act]:
        """Return the acts of a kind in this part whose fields have these values; none of a kind not known here."""
        return [act for act in super().acts(kind, **same) if self.holds(act)] if kind in self.known else []

    @property
    def known(self) -> frozenset[str]:
        """Return the kinds that this node folds."""
        return frozenset(self.in_force.view.states)

    @override
    def words(self, act: Act, field: str = "content") -> Words:
        """Return the text of the document that a field of an act names, and note if it has not arrived."""
        found = super().words(act, field)
        self.waiting |= found.state == AWAITED
        return found

    @override
    def name(self, member: bytes) -> str:
        """Return what a member calls itself in this part, the first of its six words if it does not say."""
        return self._names.get(member) or words(member)[0]

    @cached_property
    def _names(self) -> dict[bytes, str]:
        acts = self.in_force.view.acts.values()
        profiles = [act for act in acts if act.kind == PROFILE.name and self.holds(act)]
        return {act.author: str(act.body["name"]) for act in sorted(profiles, key=lambda act: act.place.index)}

    def answers(self, asking: Act) -> list[Act]:
        """Return the acts in this part that answer an act, by claimed time, author and index."""
        given = self.in_force.answers(asking.place.leaf).values()
        acts = (self.in_force.view.acts[each.ref] for each in given)
        return sorted((act for act in acts if self.holds(act)), key=order)

    @override
    def state(self, act: Act) -> State:
        """Return how far what an act asks for has come by the answers in this part."""
        asked = self.in_force.view.things[act.place.leaf]
        given = {each.author: str(each.body["answer"]) for each in self.answers(act)}
        state = carried(asked.voters, asked.needed, given, asked.must)
        if not asked.deadline:
            return state
        outcome = self.in_force.view.states[OUTCOME].get(act.place.leaf)
        if outcome is None or not self.holds(outcome):
            return State.REFUSED if state is State.REFUSED else State.PROPOSED
        return State(outcome.body["result"])

    def ends(self) -> dict[str, int]:
        """Return for each member how many entries of its log one has to hold to see what this part shows."""
        found = dict.fromkeys(map(b32, self.room.members), 0)
        for act in self.in_force.view.acts.values():
            if self.holds(act) and found.get(b32(act.author), 0) <= act.place.index:
                found[b32(act.author)] = act.place.index + 1
        return found
