"""A simulator with one member that lies: it forks its logs, alters what it passes on, withholds, replays and invents.

It also writes acts of joint work that no rule allows. The others are honest. After all links have healed every honest
member must hold the same of every honest member's logs, nothing that its author did not write, and evidence wherever
two of them were told two histories; where they were told one, all of them are shown the same joint work.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from msgspec import structs

from entente.core.errors import EntenteError
from entente.core.ids import Member, b32
from entente.exchange.messages import Delivery, Message, Part, decode, encode
from entente.ledger import witness
from entente.node import Node
from entente.node.home.base import Base
from entente.node.rooms import forked_logs
from entente.store.memory.store import MemoryStore
from network import Network, Wire
from perjury import Perjury
from sight import Sight
from simulator import REST, Simulator, Talk
from teamwork import waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from entente.store.ports import LogRow


class LyingNetwork(Network):
    """A network in which one member answers from two homes."""

    def __init__(self, simulator: LyingSimulator, seed: int) -> None:
        super().__init__(seed)
        self.simulator = simulator

    def reach(self, caller: Member, callee: Member) -> Node | None:
        if callee not in self.nodes or not hasattr(self.simulator, "second"):
            return self.nodes.get(callee)
        return self.simulator.home_of(callee, caller)


class LyingSimulator(Simulator):
    """One run with a liar among three to seven members."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed, least=3, most=7)
        self.liar = self.random.choice(self.members)
        self.honest = [member for member in self.members if member != self.liar]
        self.forks = self.random.random() < 0.6
        self.second: Node | None = None
        self.told_second: set[Member] = set()
        self.perjury = Perjury(self.random, self.network)

    def acts(self) -> list[tuple[int, Callable[[], None]]]:
        """Return what may happen, with weights; lies are among it."""
        return [*super().acts(), (4, self.fork), (5, self.write_twice), (9, self.perjure)]

    def make_network(self, seed: int) -> Network:
        return LyingNetwork(self, seed)

    def fork(self) -> None:
        """Copy the liar's home: from now on some members are answered from the copy."""
        if self.second is not None or not self.forks:
            return
        old = super().node(self.liar).base
        assert isinstance(old.store, MemoryStore)
        noise = random.Random(self.random.random()).randbytes
        base = Base(None, old.store.twin(), old.keys.secrets, clock=old.clock, random=noise, me=self.liar)
        self.second = Node(base, Wire(self.network, base))
        self.told_second = {member for member in self.honest if self.random.random() < 0.5}
        self.counts["forked"] += 1

    def write_twice(self) -> None:
        """Let both homes of the liar write something of their own."""
        for node in self.homes():
            circles = self.circles(node, "in-force")
            if circles:
                made = [("made", self.object(node))]
                node.items.import_files(made, tlp="TLP:GREEN", circle=self.random.choice(circles))

    def homes(self) -> list[Node]:
        """Return the homes of the liar."""
        return [super().node(self.liar), *([] if self.second is None else [self.second])]

    def worker(self) -> Node:
        """Return who does something together with others; the liar does it at either of its homes."""
        node = super().worker()
        return self.random.choice(self.homes()) if node.base.me == self.liar else node

    def perjure(self) -> None:
        """Let the liar write a few acts that no rule allows."""
        node = self.random.choice(self.homes())
        circles = self.circles(node, "in-force")
        for _ in range(self.random.randint(1, 4) if circles else 0):
            try:
                self.counts[f"perjury {self.perjury.tell(node, self.random.choice(circles))}"] += 1
            except EntenteError as problem:
                self.counts[f"perjury: {problem.code}"] += 1

    def crash(self) -> None:
        """Crash an honest member; the liar never loses its wits."""
        if self.second is None or self.random.random() < 0.5:
            super().crash()

    def home_of(self, member: Member, partner: Member) -> Node:
        """Return the home of a member that talks to this partner: the liar has two."""
        if member == self.liar and self.second is not None and partner in self.told_second:
            return self.second
        return self.node(member)

    def deliver(self, caller: Member, callee: Member, body: bytes) -> bytes:
        """Carry a message, lying on the way where the liar sends it."""
        if caller == self.liar:
            body = self.twist(body)
        answer = self.home_of(callee, caller).door.handle_exchange(caller, body)
        return self.twist(answer) if callee == self.liar else answer

    def step(self, talk: Talk) -> None:
        """Let a message arrive; one that cannot even be read ends its round."""
        try:
            super().step(talk)
        except EntenteError as problem:
            self.counts[f"unreadable: {problem.code}"] += 1
            if talk in self.talks:
                self.talks.remove(talk)

    def replay(self) -> None:
        """Deliver an old request once more."""
        try:
            super().replay()
        except EntenteError as problem:
            self.counts[f"unreadable: {problem.code}"] += 1

    def twist(self, body: bytes) -> bytes:
        """Return what the liar sends instead."""
        if self.random.random() < 0.6:
            return body
        message = decode(body)
        lies = (self.alter_payload, self.drop_proof, self.other_note, self.swap_logs, self.withhold, self.invent)
        lie = self.random.choice(lies)
        twisted = lie(message)
        if twisted is not message:
            self.counts[f"lie {lie.__name__}"] += 1
        return encode(twisted)

    def _part(self, message: Message) -> Part | None:
        full = [part for part in message.parts if part.packages]
        return self.random.choice(full) if full else None

    def _with(self, message: Message, old: Part, new: Part) -> Message:
        return structs.replace(message, parts=[new if part is old else part for part in message.parts])

    def alter_payload(self, message: Message) -> Message:
        """Change one byte of the payloads of a package, or of a payload that was asked for."""
        part = self._part(message)
        if part is None or not part.packages[0].payloads:
            if not message.deliveries:
                return message
            first, *rest = message.deliveries
            wrong = Delivery(first.log, first.index, first.salt, b"x" + first.payload)
            return structs.replace(message, deliveries=[wrong, *rest])
        package = part.packages[0]
        at = self.random.randrange(len(package.payloads))
        data = bytearray(package.payloads)
        data[at] ^= 1 << self.random.randrange(8)
        wrong_package = structs.replace(package, payloads=bytes(data))
        return self._with(message, part, structs.replace(part, packages=[wrong_package, *part.packages[1:]]))

    def drop_proof(self, message: Message) -> Message:
        """Send the entries with another proof."""
        part = self._part(message)
        if part is None:
            return message
        package = part.packages[-1]
        proof = [self.random.randbytes(32)] if not package.proof else package.proof[:-1]
        wrong = structs.replace(package, proof=proof)
        return self._with(message, part, structs.replace(part, packages=[*part.packages[:-1], wrong]))

    def other_note(self, message: Message) -> Message:
        """Sign a head over other entries in the name of the log's author."""
        part = self._part(message)
        if part is None:
            return message
        lines = part.note.split(b"\n")
        lines[1] = str(int(lines[1]) + self.random.choice([-1, 1, 5])).encode()
        return self._with(message, part, structs.replace(part, note=b"\n".join(lines)))

    def swap_logs(self, message: Message) -> Message:
        """Send one log's entries as those of another."""
        part = self._part(message)
        others = [head.log for head in message.heads] + [each.log for each in message.parts]
        if part is None or not others:
            return message
        return self._with(message, part, structs.replace(part, log=self.random.choice(others)))

    def withhold(self, message: Message) -> Message:
        """Send nothing of what was asked for."""
        if not message.parts and not message.deliveries:
            return message
        return structs.replace(message, parts=[], deliveries=[], more=False)

    def invent(self, message: Message) -> Message:
        """Show heads of logs that go on for ever, and hand on cosignatures that nobody made."""
        heads = [structs.replace(head, size=head.size + 7, root=self.random.randbytes(32)) for head in message.heads]
        given = [structs.replace(each, size=each.size + 1) for each in message.cosignatures]
        if not heads and not given:
            return message
        return structs.replace(message, heads=heads, cosignatures=given)

    def heal(self) -> None:
        """Let the liar speak the truth about others' logs at last, each of its homes to those that it told."""
        self.talks.clear()
        self.mend()
        self.network.now += REST
        for one, other in sorted(self.suspended):
            if one != self.liar:
                self.node(one).agreements.changes.suspend("Agreement", b32(other), resume=True)
        self.come_to_rest()
        while sum(self.node(member).plans.runner.tick() for member in self.honest):
            self.come_to_rest()

    def come_to_rest(self) -> None:
        for _ in range(12):
            if not self.exchange_once():
                return
        raise AssertionError("The members do not come to rest.")

    def exchange_once(self) -> int:
        """Let each honest pair, and each member with the liar's home for it, hold one round; return what came of it."""
        before = self.held()
        for one in self.honest:
            self.node(one).exchange.sync()
        return sum(now != then for now, then in zip(self.held(), before, strict=True))

    def held(self) -> list[object]:
        """Return what honest members hold, as far as rounds change it."""
        found: list[object] = []
        for member in self.honest:
            with self.node(member).base.store.read() as tx:
                rows = tx.logs.all()
                sizes = [(row.origin, row.size, row.stopped, len(tx.payloads.awaited(row.id))) for row in rows]
                found.append((sizes, [key for key, _ in tx.records.scan(forked_logs.STRAYS.space)]))
        return found

    def check(self) -> None:
        """Fail unless honest members agree about each other, and hold evidence where they were told two histories."""
        for circle, members in self.audiences():
            honest = [member for member in members if member in self.honest and self.knows(member, circle)]
            honest = [member for member in honest if self.usable(member, circle) or not self.blind(member, circle)]
            seen = [Sight(self.node(member), circle) for member in honest]
            mine = {origin for member in honest for origin in self.origins(member)}
            for sight in seen:
                for origin in mine & seen[0].logs.keys() & sight.logs.keys():
                    assert sight.logs[origin] == seen[0].logs[origin], "the log of an honest member differs"
            self.check_liar(honest, circle)
            seeing = [member for member in honest if not self.blind(member, circle)]
            self.check_force(seeing, circle)
            if not any(row.stopped for member in honest for _, row in self.rows_of_liar(member, circle)):
                self.check_work(seeing, circle)
        for member in self.honest:
            report = self.node(member).ledger.verify()
            wrong = [each for each in report.logs if each.problems and each.member != b32(self.liar)]
            assert not wrong + report.problems, "what an honest member holds of honest members does not verify"
            self.check_kept(member)
            if not self.suspended_anywhere(member):
                held_up = [act for act in waiting(self.node(member)) if act.author in self.honest]
                assert not held_up, "acts of an honest member wait for ever"

    def check_force(self, members: list[Member], circle: bytes) -> None:
        """For all members of a room the same acts count and the same is in force, whatever the liar told to whom."""
        first = None
        for member in members:
            with self.node(member).base.store.read() as tx:
                network = self.node(member).base.in_force(tx)
                acts = {ref: act for ref, act in network.view.acts.items() if act.circle == circle}
                things = {act.place.leaf for act in acts.values()} & network.view.things.keys()
                states = {thing: network.standing(thing) for thing in things}
                found = (acts.keys(), states, network.state(network.rooms.require(circle)))
            first = found if first is None else first
            assert found[2] == first[2], "a circle is in force for some only"
            assert found[0] == first[0], "acts count for some only"
            assert found[1] == first[1], "things are in force for some only"

    def check_kept(self, member: Member) -> None:
        """Nothing that an honest member signed is gone or changed at any honest member."""
        for other in self.honest:
            with self.node(other).base.store.read() as tx:
                for row in tx.logs.all():
                    size, root = self.committed.get((member, row.origin), (0, b""))
                    if row.member == member and size and row.circle and other != member and row.size < size:
                        assert not self.reached(other, row), "signed entries are lost"
                    elif row.member == member and size:
                        assert witness.root_at(tx, row, size) == root, "signed entries have changed"

    def reached(self, other: Member, row: LogRow) -> bool:
        """Say whether a member should have all of an honest log: it and the author know the circle.

        Where the liar has suspended the member, its approval of the circle is kept from that too.
        """
        blind = self.blind(other, row.circle) and not self.usable(other, row.circle)
        return not blind and self.knows(other, row.circle) and self.knows(Member(row.member), row.circle)

    def knows(self, member: Member, circle: bytes) -> bool:
        node = self.node(member)
        with node.base.store.read() as tx:
            room = node.base.in_force(tx).rooms.get(circle)
            return room is not None and member in room.members

    def usable(self, member: Member, circle: bytes) -> bool:
        """Say whether a circle is in force for a member."""
        with self.node(member).base.store.read() as tx:
            network = self.node(member).base.in_force(tx)
            room = network.rooms.get(circle)
            return room is not None and network.usable(room)

    def blind(self, member: Member, circle: bytes) -> bool:
        """Say whether the liar keeps its logs of this circle's agreement from a member: that sees a part only."""
        for home in [*self.homes(), *map(self.node, self.honest)]:
            with home.base.store.read() as tx:
                network = home.base.in_force(tx)
                room = network.rooms.get(circle)
                founding = room and network.rooms.founding_of(room.agreement)
                if founding and network.suspends(founding, self.liar, member):
                    return True
        return False

    def suspended_anywhere(self, member: Member) -> bool:
        return any(self.blind(member, circle) for circle, _ in self.audiences())

    def origins(self, member: Member) -> set[str]:
        with self.node(member).base.store.read() as tx:
            return {row.origin for row in tx.logs.all() if row.member == member}

    def check_liar(self, honest: list[Member], circle: bytes) -> None:
        """Where two honest members hold different histories of the liar, every one of them holds the evidence."""
        held = [row for member in honest for row in self.rows_of_liar(member, circle)]
        for node, row in held:
            forked = any(self.differ(node, row, other, theirs) for other, theirs in held)
            if forked:
                self.counts["forks told"] += 1
                assert row.stopped, "a fork went unnoticed"
                assert row.origin in {each.origin for each in node.ledger.evidence()}
            elif not self.anybody_stopped(held):
                assert not row.stopped, "a stop without two histories"

    def anybody_stopped(self, held: list[tuple[Node, LogRow]]) -> bool:
        return any(row.stopped for _, row in held)

    def rows_of_liar(self, member: Member, circle: bytes) -> Iterator[tuple[Node, LogRow]]:
        node = self.node(member)
        with node.base.store.read() as tx:
            for row in tx.logs.all():
                if row.member == self.liar and row.circle == circle:
                    yield node, row

    def differ(self, node: Node, row: LogRow, other: Node, theirs: LogRow) -> bool:
        """Say whether two members hold different entries of one log, as far as both hold it."""
        size = min(row.size, theirs.size)
        with node.base.store.read() as tx, other.base.store.read() as otx:
            return size > 0 and witness.root_at(tx, row, size) != witness.root_at(otx, theirs, size)


def run(seed: int) -> LyingSimulator:
    """Play one run to its end and check it."""
    simulator = LyingSimulator(seed)
    simulator.chaos()
    simulator.heal()
    simulator.check()
    return simulator
