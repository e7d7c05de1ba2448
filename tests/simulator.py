"""A seeded simulator of a few members: loss, reordering, partition, crashes and duplicates between real nodes.

Everything follows from the seed. Rounds of different pairs are interleaved message by message; what a user did is
remembered, so that `check` can say after all links have healed whether anything was lost, doubled or seen differently.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from entente.core.errors import EntenteError
from entente.core.ids import Member, b32, identity_id
from entente.exchange.messages import decode, encode
from entente.exchange.round import Round
from entente.ledger import witness
from entente.ledger.log import root_of
from entente.node import Node
from entente.node.exchange.side import MemberSide
from entente.node.home.base import Base
from entente.node.rooms import offers
from network import START, Network, Wire
from sight import Sight
from teamwork import Teamwork, own_acts, views, waiting, wordless

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from entente.node.agreements.values import AmendmentInfo

NAMES = ("Arve", "Bora", "Cato", "Dina", "Emil", "Frid", "Gaut")
OPERATIONS = 40
MINUTE = 60_000
CONSENT = ("plan", "decision", "minutes", "disclosure")
REST = 40 * MINUTE
"""When this has passed, every date that was set is past (teamwork.py), or far away."""


@dataclass
class Talk:
    """One round on its way: the message in flight and where it goes."""

    caller: Member
    callee: Member
    round: Round
    body: bytes
    outward: bool = True


@dataclass
class Counts:
    """What happened in a run, so that a test can show that it was not idle."""

    happened: Counter[str] = field(default_factory=Counter)

    def __getitem__(self, what: str) -> int:
        return self.happened[what]


class Simulator:
    """One run; `chaos` then `heal` then `check`."""

    def __init__(self, seed: int, least: int = 2, most: int = 5) -> None:
        self.random = random.Random(seed)
        self.network = self.make_network(seed)
        self.counts: Counter[str] = Counter()
        self.talks: list[Talk] = []
        self.old: list[tuple[Member, Member, bytes]] = []
        self.cut: set[frozenset[Member]] = set()
        self.suspended: set[tuple[Member, Member]] = set()
        self.committed: dict[tuple[Member, str], tuple[int, bytes]] = {}
        self.said: dict[Member, set[str]] = {}
        self.team = Teamwork(self.random, self.network)
        nodes = [self.network.add(name) for name in NAMES[: self.size(least, most)]]
        self.members = [node.base.me for node in nodes]
        for at, one in enumerate(nodes):
            for other in nodes[at + 1 :]:
                self.network.pair(one, other)
        self.propose(nodes)

    def size(self, least: int, most: int) -> int:
        """Return how many members there are; few rather than many, for many get less far together."""
        return min(self.random.randint(least, most) for _ in range(2))

    def propose(self, nodes: list[Node]) -> None:
        """Propose one agreement of all; in every fourth run the signing is part of the chaos."""
        terms: dict[str, object] = {
            "purposes": ["detection", "warning"],
            "consent": {word: self.random.choice(["all", "quorum"]) for word in CONSENT},
            "limits": {"payload": self.random.choice([900, 1 << 20, 1 << 20])},
        }
        others = [node.member for node in nodes[1:]]
        ceiling = self.random.choice(["", "TLP:GREEN"])
        made = nodes[0].agreements.propose(others, name="Agreement", terms=terms, ceiling=ceiling)
        if self.random.random() < 0.75:
            self.network.settle()
            for node in nodes:
                node.agreements.sign(made.agreement)
            self.network.settle()

    def node(self, member: Member) -> Node:
        return self.network.nodes[member]

    def chaos(self, operations: int = OPERATIONS) -> None:
        """Let members act while their links fail; each act is followed by some movement of messages."""
        acts = self.acts()
        weights = [weight for weight, _ in acts]
        for _ in range(operations):
            self.network.now += self.random.randint(1, 3 * MINUTE // 2)
            act = self.random.choices([act for _, act in acts], weights)[0]
            self.attempt(act.__name__, act)
            for _ in range(self.random.randint(1, 14)):
                self.move()

    def acts(self) -> list[tuple[int, Callable[[], None]]]:
        """Return what may happen, with weights."""
        return [
            (28, self.work),
            (7, self.share),
            (4, self.sign),
            (2, self.open_circle),
            (2, self.acknowledge),
            (2, self.profile),
            (2, self.amend),
            (1, self.suspend),
            (2, self.partition),
            (2, self.crash),
            (3, self.mend),
        ]

    def make_network(self, seed: int) -> Network:
        return Network(seed)

    def home_of(self, member: Member, partner: Member) -> Node:  # noqa: ARG002 - a liar has several
        """Return the home of a member that talks to this partner."""
        return self.node(member)

    def attempt(self, name: str, act: Callable[[], None]) -> None:
        try:
            act()
            self.counts[name] += 1
        except EntenteError as problem:
            self.counts[f"{name}: {problem.code}"] += 1
        for member in self.members:
            self.remember(member)

    def remember(self, member: Member) -> None:
        """Note how far a member has signed: whatever it signed must be there at the end."""
        with self.node(member).base.store.read() as tx:
            for row in tx.logs.all():
                if row.member == member:
                    self.committed[member, row.origin] = (row.size, root_of(row))

    def circles(self, node: Node, state: str) -> list[str]:
        return [each.id for each in node.agreements.circles() if each.state == state]

    def share(self) -> None:
        node = self.node(self.random.choice(self.members))
        files = [("made", self.object(node)) for _ in range(self.random.randint(1, 3))]
        circles = self.circles(node, "in-force")
        tlp = self.random.choice(["TLP:CLEAR", "TLP:GREEN", "TLP:GREEN", "TLP:AMBER"])
        purpose = self.random.choice(["", "", "detection"])
        done = node.items.import_files(
            files, tlp=tlp, circle=self.random.choice(circles) if circles else "", purpose=purpose
        )
        self.counts["shared"] += done.shared
        held = [each.id for each in node.items.list().items]
        if circles and held and self.random.random() < 0.4:
            again = self.random.sample(held, min(2, len(held)))
            self.counts["shared"] += node.sharing.send(again, self.random.choice(circles)).shared

    def work(self) -> None:
        """Let a member do a few things together with others; for what cannot be done now another thing."""
        node = self.worker()
        circles = self.circles(node, "in-force")
        for act in self.team.some(self.random.randint(2, 12)) if circles else ():
            name = f"work {act.__name__}"
            try:
                act(node, self.random.choice(circles))
                self.counts[name] += 1
            except EntenteError as problem:
                self.counts[f"{name}: {problem.code}"] += 1
        self.said.setdefault(node.base.me, set()).update(own_acts(node))

    def worker(self) -> Node:
        return self.node(self.random.choice(self.members))

    def object(self, node: Node) -> bytes:
        """Make a version of one of a few objects, so that members bring the same ids.

        No two members bring one id under their own identities: a contested id is shown by who came first.
        """
        mine = [identity_id(node.base.me), extra(node.base.me)]
        creator = self.random.choice(["", "", "", *mine, extra(self.random.choice(self.members))])
        number = self.random.randrange(10)
        if creator in mine:
            number = number // 5 * 5 + self.members.index(node.base.me)
        made: dict[str, object] = {
            "type": "indicator",
            "spec_version": "2.1",
            "id": f"indicator--00000000-0000-4000-8000-{number:012d}",
            "created": "2026-01-01T00:00:00.000Z",
            "modified": text(START - 3600_000 + self.random.randrange(6) * 1000),
            "name": f"{self.random.randrange(3)} " + "x" * self.random.choice([1, 1, 900]),
            "pattern": "[file:size = 1]",
            "pattern_type": "stix",
            "valid_from": "2026-01-01T00:00:00Z",
        }
        if creator:
            made["created_by_ref"] = creator
        if self.random.random() < 0.1:
            made = {"type": "identity", "spec_version": "2.1", "id": extra(self.random.choice(self.members))}
            made |= {"created": "2026-01-01T00:00:00.000Z", "modified": text(START - 3600_000 + number), "name": "X"}
        if self.random.random() < 0.15:
            made["revoked"] = True
        return json.dumps(made).encode()

    def sign(self) -> None:
        node = self.node(self.random.choice(self.members))
        waiting = self.circles(node, "proposed")
        asked = [each.amendment for each in self.amendments(node) if each.state == "proposed"]
        if waiting or asked:
            node.agreements.sign(self.random.choice([*waiting, *asked]), refuse=self.random.random() < 0.03)

    def amendments(self, node: Node) -> list[AmendmentInfo]:
        found = [node.agreements.show(each.id) for each in node.agreements.list()]
        return [amendment for each in found for amendment in each.amendments]

    def amend(self) -> None:
        """Ask for other terms, and sign that at once."""
        node = self.node(self.random.choice(self.members))
        purposes = [["detection", "warning"], ["detection"], ["detection", "investigation"]]
        made = node.agreements.changes.amend("Agreement", terms={"purposes": self.random.choice(purposes)})
        node.agreements.sign(made.amendment)

    def suspend(self) -> None:
        one, other = self.random.sample(self.members, 2)
        resume = self.random.random() < 0.4
        self.node(one).agreements.changes.suspend("Agreement", b32(other), reason="doubt", resume=resume)
        (self.suspended.discard if resume else self.suspended.add)((one, other))

    def open_circle(self) -> None:
        node = self.node(self.random.choice(self.members))
        others = [b32(member) for member in self.members if member != node.base.me]
        some = self.random.sample(others, self.random.randint(1, len(others)))
        made = node.agreements.open_circle("Agreement", some, name=f"C{self.random.random():.6f}")
        node.agreements.sign(made.circle)

    def acknowledge(self) -> None:
        node = self.node(self.random.choice(self.members))
        held = [each.id for each in node.items.list().items if each.author != node.member]
        if held:
            some = self.random.sample(held, min(len(held), 2))
            node.items.acknowledge(some, self.random.choice(["read", "used"]))

    def profile(self) -> None:
        node = self.node(self.random.choice(self.members))
        brings = [f"feed {self.random.randrange(3)}"]
        identities = [extra(node.base.me)] if self.random.random() < 0.5 else None
        node.profile.set(identities=identities, brings=brings)
        node.agreements.settle()

    def partition(self) -> None:
        one = self.random.choice(self.members)
        self.cut |= {frozenset({one, other}) for other in self.members if other != one and self.random.random() < 0.7}

    def mend(self) -> None:
        self.cut.clear()

    def crash(self) -> None:
        """Drop a node with all that it has in memory and open its store again."""
        member = self.random.choice(self.members)
        old = self.node(member).base
        base = Base(None, old.store, old.keys.secrets, clock=old.clock, random=old.random, me=member)
        wire = Wire(self.network, base)
        self.network.nodes[member], self.network.wires[member] = Node(base, wire), wire
        self.talks = [talk for talk in self.talks if talk.caller != member]

    def move(self) -> None:
        """Begin a round, or let one message of a round arrive, get lost, or arrive twice."""
        chance = self.random.random()
        if self.old and chance < 0.05:
            self.replay()
        elif not self.talks or chance < 0.35:
            self.begin()
        else:
            self.step(self.random.choice(self.talks))

    def begin(self) -> None:
        caller, callee = self.random.sample(self.members, 2)
        if any((talk.caller, talk.callee) == (caller, callee) for talk in self.talks):
            return
        base = self.home_of(caller, callee).base
        self.home_of(caller, callee).agreements.settle()
        round_ = Round(MemberSide(base), callee)
        with base.store.write() as tx:
            message = round_.open(tx)
        self.talks.append(Talk(caller, callee, round_, encode(message)))

    def replay(self) -> None:
        """Deliver an old request once more; the answer goes nowhere."""
        caller, callee, body = self.random.choice(self.old)
        self.deliver(caller, callee, body)
        self.counts["replayed"] += 1

    def deliver(self, caller: Member, callee: Member, body: bytes) -> bytes:
        return self.node(callee).door.handle_exchange(caller, body)

    def step(self, talk: Talk) -> None:
        chance = self.random.random()
        if chance < 0.08 or frozenset({talk.caller, talk.callee}) in self.cut:
            self.talks.remove(talk)
            self.counts["lost"] += 1
        elif talk.outward:
            if chance < 0.16:
                self.deliver(talk.caller, talk.callee, talk.body)
                self.counts["doubled"] += 1
            self.old = [*self.old[-30:], (talk.caller, talk.callee, talk.body)]
            talk.body, talk.outward = self.deliver(talk.caller, talk.callee, talk.body), False
        else:
            node = self.home_of(talk.caller, talk.callee)
            message = node.exchange.take(talk.round, decode(talk.body))
            talk.body, talk.outward = encode(message), True
            self.counts["trips"] += 1
            if message.empty():
                self.talks.remove(talk)
                node.agreements.settle()

    def heal(self) -> None:
        """Mend every link and let everybody come to rest."""
        self.talks.clear()
        self.mend()
        self.network.now += REST
        for one, other in sorted(self.suspended):
            self.node(one).agreements.changes.suspend("Agreement", b32(other), resume=True)
        self.network.settle()
        while sum(node.plans.runner.tick() for node in self.network.nodes.values()):
            self.network.settle()

    def check(self) -> None:
        """Fail unless everybody who should holds the same, and all of it."""
        for circle, members in self.audiences():
            seen = [Sight(self.node(member), circle) for member in members]
            for sight in seen:
                assert sight.logs == seen[0].logs, "the logs of a circle differ"
                assert sight.acts == seen[0].acts, "the folds of a circle differ"
                assert sight.standing == seen[0].standing, "what is refused or denied differs"
                assert sight.shown == seen[0].shown, "the shown versions differ"
                assert not sight.unwitnessed, "receipts are missing"
                assert not sight.doubled, "something stands twice in a log"
            self.check_work(members, circle)
        for member in self.members:
            report = self.node(member).ledger.verify()
            assert report.ok, [each for each in report.logs if each.problems] or report.problems
            assert not waiting(self.node(member)), "acts wait for ever"
            self.check_kept(member)

    def check_work(self, members: list[Member], circle: bytes) -> None:
        """All members of a room are shown the same joint work, and all of what each of them was told is done."""
        first = views(self.node(members[0]), circle) if members else {}
        self.counts["things shown"] += len(first)
        for node in map(self.node, members):
            assert views(node, circle) == first, "joint work is shown differently"
            with node.base.store.read() as tx:
                acts = node.base.in_force(tx).view.acts
                held = {ref for ref, act in acts.items() if act.circle == circle}
            for member in members:
                with self.node(member).base.store.read() as tx:
                    theirs = self.node(member).base.in_force(tx).view.acts
                said = {ref for ref in self.said.get(member, ()) if ref in theirs and theirs[ref].circle == circle}
                assert said <= held, "what somebody did does not count everywhere"
                assert not wordless(node, circle, said), "words are missing"

    def check_kept(self, member: Member) -> None:
        """Nothing that was ever signed is gone, at its author or at any other member of the circle."""
        for node in self.network.nodes.values():
            with node.base.store.read() as tx:
                for row in tx.logs.all():
                    size, root = self.committed.get((member, row.origin), (0, b""))
                    if row.member == member and size:
                        assert row.size >= size, "signed entries are lost"
                        assert witness.root_at(tx, row, size) == root, "signed entries have changed"

    def audiences(self) -> Iterator[tuple[bytes, list[Member]]]:
        """Name each circle with all members that should know it."""
        found: dict[bytes, set[Member]] = {}
        for node in self.network.nodes.values():
            with node.base.store.read() as tx:
                for room in offers.load(tx):
                    found[room.key] = set(room.members)
        for circle, members in sorted(found.items()):
            yield circle, sorted(members)


def extra(member: Member) -> str:
    """Return a further STIX identity that a member may call its own in its profile."""
    return f"identity--{member.hex()[:8]}-0000-4000-8000-{member.hex()[8:20]}"


def text(milliseconds: int) -> str:
    """Return a time as STIX writes it."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def run(seed: int) -> Counter[str]:
    """Do one whole run and return what happened in it."""
    simulator = Simulator(seed)
    simulator.chaos()
    simulator.heal()
    simulator.check()
    return simulator.counts
