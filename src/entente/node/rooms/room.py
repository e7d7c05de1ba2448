"""Rooms: a circle in one epoch, and all rooms that a home knows (docs/protocol/7-changes.md); values only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from entente.core import canon
from entente.core.errors import NotFoundError
from entente.core.ids import Agreement, Circle, Member, b32, origin, origin_hash
from entente.policy.agreement import FoundingText, Terms
from entente.policy.approval import quorum
from entente.policy.circle import CircleText
from entente.policy.revision import RevisionText

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


class Room(Struct, frozen=True):
    """One room: a circle in one epoch of its agreement.

    `circle` is the room's key (that of LogRow.circle), `id` the circle's public id; in the epoch in which the circle
    was opened they are the same. `newcomers` came with this room's revision and are bound when they have signed.
    """

    agreement: Agreement
    key: Circle
    circle: Circle
    epoch: int
    revision: bytes
    agreement_name: str
    members: tuple[Member, ...]
    newcomers: frozenset[Member]
    terms: Terms
    secret: bytes
    founding_text: FoundingText
    text: CircleText
    founding: bool
    first: bool
    offered_by: Member
    time: int

    def offer(self) -> bytes:
        """Return the document that tells a partner of the circle, as it was opened."""
        if self.founding:
            return canon.encode({"v": 1, "agreement": self.founding_text.to_dict()})
        told: dict[str, object] = {"v": 1, "agreement": b32(self.agreement), "circle": self.text.to_dict()}
        return canon.encode(told | ({} if self.epoch == 1 else {"revision": b32(self.revision)}))

    def origin(self, member: Member) -> str:
        """Return the origin of a member's log in this room."""
        return origin(member, self.key, self.epoch, self.secret)


class Revision(Struct, frozen=True):
    """A revision that was offered: its text and the secret of its epoch (empty: before this member's time)."""

    text: RevisionText
    secret: bytes
    by: Member
    time: int

    def offer(self) -> bytes:
        """Return the document that tells a member of it."""
        return canon.encode(
            {"v": 1, "revision": self.text.to_dict(), "secret": b32(self.secret) if self.secret else ""}
        )


class Rooms:
    """All rooms of a home; acts are judged in them."""

    def __init__(self, rooms: list[Room], revisions: list[Revision]) -> None:
        """Index them by room."""
        self._by_circle: dict[bytes, Room] = {room.key: room for room in rooms}
        self._current: dict[bytes, Room] = {}
        for room in rooms:
            held = self._current.get(room.circle)
            if held is None or held.epoch < room.epoch:
                self._current[room.circle] = room
        self._epochs: dict[bytes, int] = {}
        for room in rooms:
            if room.founding:
                self._epochs[room.agreement] = max(room.epoch, self._epochs.get(room.agreement, 0))
        self.revisions = {each.text.id: each for each in revisions}
        self._logs: dict[bytes, frozenset[str]] = {}

    def __iter__(self) -> Iterator[Room]:
        """Go through all rooms, oldest first."""
        return iter(sorted(self._by_circle.values(), key=lambda each: (each.time, each.epoch, each.key)))

    def newest(self) -> Iterator[Room]:
        """Go through the newest room of each circle, oldest circle first."""
        return (each for each in self if self.is_current(each))

    def is_current(self, room: Room) -> bool:
        """Say whether this is the newest room of its circle."""
        return self._current[room.circle].key == room.key

    def current(self, room: Room) -> Room:
        """Return the newest room of the same circle."""
        return self._current[room.circle]

    def ended(self, room: Room) -> bool:
        """Say whether the circle has no room in the newest epoch of its agreement: too few members were left."""
        return self._current[room.circle].epoch < self._epochs.get(room.agreement, 0)

    def of_circle(self, circle: bytes) -> Sequence[Room]:
        """Return all rooms of the circle with this public id, oldest first."""
        return [each for each in self if each.circle == circle]

    def get(self, circle: bytes) -> Room | None:
        """Return the room of a room."""
        return self._by_circle.get(circle)

    def require(self, circle: bytes) -> Room:
        """Return the room of a room or raise NotFoundError."""
        found = self._by_circle.get(circle)
        if found is None:
            raise NotFoundError(f"No circle {b32(circle)[:8]} is known here.")
        return found

    def founding_of(self, agreement: bytes) -> Room | None:
        """Return the newest founding room of an agreement."""
        return next((each for each in self.newest() if each.founding and each.agreement == agreement), None)

    def founding_room(self, room: Room) -> Room:
        """Return the founding room of the same agreement and epoch."""
        return next(each for each in self if each.founding and each.revision == room.revision)

    def members(self, circle: bytes) -> frozenset[Member]:
        """Return the members of a room; empty for an unknown one."""
        found = self._by_circle.get(circle)
        return frozenset(found.members) if found else frozenset()

    def agreement(self, circle: bytes) -> bytes:
        """Return the agreement of a room."""
        return self.require(circle).agreement

    def founding(self, circle: bytes) -> bool:
        """Say whether it is of its agreement's founding circle."""
        return self.require(circle).founding

    def revision(self, circle: bytes) -> bytes:
        """Return the revision that a room lives under."""
        return self.require(circle).revision

    def epoch(self, circle: bytes) -> int:
        """Return the epoch of a room."""
        return self.require(circle).epoch

    def public(self, circle: bytes) -> bytes:
        """Return the id of the circle that a room belongs to."""
        return self.require(circle).circle

    def newcomers(self, circle: bytes) -> frozenset[Member]:
        """Return the members that came with this room's revision."""
        return self.require(circle).newcomers

    def logs(self, circle: bytes) -> frozenset[str]:
        """Return the logs of a room: the origin hash of each member's, in text."""
        if circle not in self._logs:
            room = self.require(circle)
            self._logs[circle] = frozenset(b32(origin_hash(room.origin(member))) for member in room.members)
        return self._logs[circle]

    def terms(self, circle: bytes) -> Mapping[str, object]:
        """Return the terms of a room, every one written out."""
        return self.require(circle).terms.to_dict()

    def needed(self, circle: bytes, voters: int) -> int:
        """Return how many of so many voters bind all under the terms of this room."""
        return quorum(voters, self.require(circle).terms.quorum)
