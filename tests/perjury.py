"""Lies in joint work: what a member may write into its own log although the rules of no room let it count.

Each lie is appended and signed like anything else; nobody at the liar's home judges it first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from entente.core import canon
from entente.core.errors import NotFoundError
from entente.core.ids import b32
from entente.ledger.log import Draft
from entente.node.home.people import operator
from entente.node.work.acts import Reader
from teamwork import MINUTE, in_room

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from entente.core.kind import Act
    from entente.node import Node
    from entente.node.rooms.room import Room
    from network import Network

Body = dict[str, object]
Said = tuple[str, Body]
CONTENT = ("note/1", "request/1", "reply/1", "session/1", "point/1", "decision/1", "minutes/1", "case/1", "plan/1")


class Perjury:
    """Writes what is not so, in a room of a node."""

    def __init__(self, chance: random.Random, network: Network) -> None:
        self.chance = chance
        self.network = network

    def lies(self) -> list[Callable[[Reader, Room], Said]]:
        return [
            self.as_if_own, self.bent, self.vote_twice, self.step_of_another, self.empty_outcome, self.early_end,
            self.lowered, self.for_nothing, self.elsewhere, self.elsewhere_after, self.foreign_words, self.garbage,
        ]  # fmt: skip

    def tell(self, node: Node, circle: str) -> str:
        """Tell one lie in the newest room of a circle, and return its name; NotFoundError if there is no matter."""
        base = node.base
        with base.store.write() as tx:
            board = Reader(base, tx)
            room = board.circle(circle)
            lie, kind, body = self.some(board, room)
            now = base.clock()
            time = self.chance.choice([now, now, now, now - 60 * MINUTE, now + 4 * MINUTE, now + 20 * MINUTE])
            fields = body | ({"person": operator(tx, "")} if "person" in body else {})
            base.append(tx, room, [Draft(kind, time, b"", canon.encode(fields))])
        base.changed.set()
        return lie

    def some(self, board: Reader, room: Room) -> tuple[str, str, Body]:
        """Make up a lie for which there is matter: its name, and what it says."""
        for lie in self.chance.sample(self.lies(), len(self.lies())):
            try:
                return lie.__name__, *lie(board, room)
            except NotFoundError:
                continue
        raise NotFoundError("There is nothing to lie about.", code="none")

    def one(self, board: Reader, room: Room, *kinds: str, mine: bool | None = None) -> Act:
        """Return an act that counts in this room."""
        found = [
            act
            for act in in_room(board, room.key).values()
            if (not kinds or act.kind in kinds) and mine in (None, act.author == board.me)
        ]
        if not found:
            raise NotFoundError("There is none yet.", code="none")
        return self.chance.choice(found)

    def other_room(self, board: Reader, room: Room) -> str:
        """Return the reference of an act that counts in another room."""
        refs = [ref for ref, act in board.in_force.view.acts.items() if act.circle != room.key]
        if not refs:
            raise NotFoundError("There is no other room.", code="none")
        return self.chance.choice(refs)

    def as_if_own(self, board: Reader, room: Room) -> Said:
        """Say what somebody said before."""
        act = self.one(board, room)
        return act.kind, dict(act.body)

    def bent(self, board: Reader, room: Room) -> Said:
        """Say it with another value in one field."""
        kind, body = self.as_if_own(board, room)
        name = self.chance.choice(sorted(body))
        refs = [self.one(board, room).place.ref for _ in range(2)]
        values: list[object] = ["", 0, 1, 2**53 - 1, [], refs[:1], refs, refs[0], "x", b32(board.me)]
        same = [value for value in values if type(value) is type(body[name]) and value != body[name]]
        body[name] = self.chance.choice(same or values)
        return kind, body

    def vote_twice(self, board: Reader, room: Room) -> Said:
        """Answer once more, the other way."""
        act = self.one(board, room, "approval/1", "reply/1", mine=True)
        turned = {"approve": "refuse", "refuse": "approve", "answered": "refused", "refused": "answered"}
        return act.kind, {**act.body, "answer": turned[str(act.body["answer"])]}

    def step_of_another(self, board: Reader, room: Room) -> Said:
        """Report a step of somebody else, or one of our own in a plan that is not in force."""
        plan = self.one(board, room, "plan/1")
        bones = plan.body["steps"]
        assert isinstance(bones, list)
        bone = self.chance.choice(bones)
        given = board.in_force.answers(plan.place.leaf)
        force = [answer.ref for answer in given.values() if self.chance.random() < 0.7]
        body: Body = {"plan": plan.place.ref, "step": bone["id"], "visit": 1, "state": "done", "result": ""}
        return "step/1", body | {"because": [], "force": force, "outputs": [], "person": "", "after": []}

    def empty_outcome(self, board: Reader, room: Room) -> Said:
        """Decide that a plan is in force by approvals that are not there."""
        return self._outcome(board, room, "in-force", [])

    def early_end(self, board: Reader, room: Room) -> Said:
        """Decide that a plan has expired, or is in force, by whatever approvals there are, in time or late."""
        plan = self.one(board, room, "plan/1")
        counted = [answer.ref for answer in board.in_force.answers(plan.place.leaf).values()]
        return self._outcome(board, room, self.chance.choice(["expired", "in-force"]), counted, plan)

    def _outcome(self, board: Reader, room: Room, result: str, counted: list[str], plan: Act | None = None) -> Said:
        plan = plan or self.one(board, room, "plan/1")
        body: Body = {"of": b32(plan.place.leaf), "result": result, "counted": counted}
        return "outcome/1", body | {"person": "", "after": [plan.place.ref]}

    def lowered(self, board: Reader, room: Room) -> Said:
        """Ask for less consent than the agreement demands."""
        act = self.one(board, room, "plan/1", "decision/1", "minutes/1")
        less: Body = self.chance.choice([{"needed": 1}, {"voters": [b32(board.me)]}, {"needed": 0, "voters": []}])
        nonce = {"nonce": b32(self.chance.randbytes(16))} if act.kind == "plan/1" else {}
        return act.kind, {**act.body, **nonce, **less}

    def for_nothing(self, board: Reader, room: Room) -> Said:
        """Depend on an entry that nobody has written; nothing that the liar says later counts, so it does so rarely."""
        if self.chance.random() < 0.8:
            raise NotFoundError("Not this time.", code="none")
        kind, body = self.as_if_own(board, room)
        log, index, _ = self.one(board, room).place.ref.split("/")
        ahead = int(index) + self.chance.randrange(30)
        return kind, body | {"after": [f"{log}/{ahead}/{b32(self.chance.randbytes(32))}"]}

    def elsewhere(self, board: Reader, room: Room) -> Said:
        """Say something in this room about what stands in another, in which not all of its members are."""
        act = self.one(board, room)
        other = self.other_room(board, room)
        named = [name for name in ("of", "session", "case", "plan", "target", "replaces") if name in act.body]
        return act.kind, {**act.body, **({self.chance.choice(named): other} if named else {"after": [other]})}

    def elsewhere_after(self, board: Reader, room: Room) -> Said:
        """Name what stands in another room as what was known."""
        kind, body = self.as_if_own(board, room)
        return kind, body | {"after": [self.other_room(board, room)]}

    def foreign_words(self, board: Reader, room: Room) -> Said:
        """Begin something, or say something, in words that are no words, or somebody else's."""
        act = self.one(board, room, *CONTENT)
        return act.kind, {**act.body, "content": self.one(board, room).place.ref}

    def garbage(self, board: Reader, room: Room) -> Said:
        act = self.one(board, room)
        return act.kind, {"nonsense": [1, 2, 3], "after": []}
