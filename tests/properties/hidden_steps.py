"""Three members of whom the third must not notice what the first two do without it; all its bytes are recorded.

Arve shares, Bora is entitled, Cato is not. Noise and time depend on the member and the step of the script alone, so a
step that is left out shifts nothing: what still differs in Cato's bytes, differs because of that step.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, replace
from hashlib import shake_128
from itertools import permutations
from typing import TYPE_CHECKING

from entente.core.errors import EntenteError
from entente.core.ids import Member, b32, identity_id
from entente.node import Node, found_member
from entente.node.home.base import Base
from entente.node.home.files import make_secrets
from entente.store.memory.store import MemoryStore
from network import START, Network, Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from entente.store.ports import Store

STEP = 1_000
FIRST = 4
OPEN, HIDDEN, FRESH = range(8), range(100, 104), range(200, 210)
"""Numbers of objects: of those that anybody may share and name, of those that Arve holds from the beginning and that
only circles without Cato hear of, and of those that nobody holds before the hidden step."""
THIRD = "identity--00000000-0000-4000-8000-000000000777"
CEILINGS = ("TLP:CLEAR", "TLP:GREEN", "TLP:AMBER", "TLP:AMBER+STRICT")
PURPOSES = ("detection", "investigation", "warning")


@dataclass(frozen=True)
class Step:
    """One thing that somebody does, or one round; `number` fixes its time and noise in every network."""

    number: int
    what: str
    who: str
    to: str = ""
    files: tuple[bytes, ...] = ()
    ids: tuple[str, ...] = ()
    word: str = ""
    tlp: str = ""


class Tape:
    """Every byte that Cato gets, in order, with where it came from."""

    def __init__(self) -> None:
        self.bytes: list[tuple[int, str, bytes]] = []

    def write(self, step: int, label: str, data: bytes) -> None:
        self.bytes.append((step, label, data))


class TapedWire(Wire):
    """A wire that writes down what reaches Cato: answers to its calls, and what others send to it."""

    def exchange(self, partner: Member, body: bytes) -> bytes:
        network = self._network
        assert isinstance(network, TapedNetwork)
        cato = network.member("Cato")
        if partner == cato:
            network.tape.write(network.step, "call", body)
        answer = super().exchange(partner, body)
        if self._base.me == cato:
            network.tape.write(network.step, "answer", answer)
        return answer


class TapedNetwork(Network):
    """A network whose noise and time follow from the step."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.seed = seed
        self.step = 0
        self.tape = Tape()
        self.names: dict[str, Member] = {}

    def clock(self) -> int:
        return START + self.step * STEP

    def noise(self, name: str, size: int) -> bytes:
        return shake_128(f"{self.seed}/{name}/{self.step}/{size}".encode()).digest(size)

    def add(self, name: str, store: Store | None = None) -> Node:
        seeds = [shake_128(f"{self.seed}/{name}/key/{at}".encode()).digest(32) for at in range(6)]
        url = f"http://localhost:{9000 + len(self.nodes)}"
        secrets = make_secrets(seeds, name, url, 0)
        me = secrets.owner
        base = Base(
            None,
            store or MemoryStore(),
            secrets,
            clock=self.clock,
            random=lambda size: self.noise(name, size),
            me=me,
        )
        found_member(base, name, url)
        self.names[name] = me
        return self._live(base)

    def _live(self, base: Base) -> Node:
        wire = TapedWire(self, base)
        node = Node(base, wire)
        self.nodes[base.me], self.wires[base.me] = node, wire
        return node

    def fork(self) -> TapedNetwork:
        """Return a second network that begins where this one is and goes its own way."""
        twin = TapedNetwork(self.seed)
        twin.step, twin.names = self.step, self.names
        twin.tape.bytes = list(self.tape.bytes)
        for node in self.nodes.values():
            name, store = node.name, MemoryStore()
            assert isinstance(node.base.store, MemoryStore)
            store._state = node.base.store._state.fork()
            noise = _Noise(twin, name)
            twin._live(Base(None, store, node.base.keys.secrets, clock=twin.clock, random=noise, me=node.base.me))
        return twin

    def member(self, name: str) -> Member:
        return self.names[name]

    def named(self, name: str) -> Node:
        return self.nodes[self.names[name]]

    def next(self) -> None:
        """Let the next step of the preparation begin."""
        self.step += 1

    def play(self, steps: list[Step]) -> None:
        """Do these steps; what a rule refuses is refused, and the script goes on."""
        for step in steps:
            self.step = step.number
            try:
                self._do(step)
            except EntenteError:
                continue

    def _do(self, step: Step) -> None:
        node = self.named(step.who)
        if step.what == "round":
            self.listen(lambda: node.exchange.sync(b32(self.member(step.to))))
        elif step.what == "import":
            files = [("made", data) for data in step.files]
            node.items.import_files(files, tlp=step.tlp, circle=step.to, purpose=step.word)
        elif step.what == "share":
            node.sharing.send(step.ids, step.to, step.word)
        elif step.what == "acknowledge":
            node.items.acknowledge(step.ids, step.word)
        elif step.what == "profile":
            node.profile.set(brings=[step.word])
        elif step.what == "claim":
            node.profile.set(identities=step.ids)
        elif step.what == "open":
            made = node.agreements.open_circle(step.to, [b32(self.member(name)) for name in step.ids], name=step.word)
            node.agreements.sign(made.circle)
        else:
            node.agreements.sign(step.to)

    def listen(self, act: Callable[[], object]) -> None:
        """Do something while Cato is subscribed to both others, and write down the heads that it is told."""
        cato = self.member("Cato")
        ears = [
            (name, node.door.subscribe(cato)) for name in ("Arve", "Bora") if (node := self.named(name)).base.me != cato
        ]
        try:
            act()
        finally:
            for name, ear in ears:
                for note in ear.next(0) or []:
                    self.tape.write(self.step, f"event of {name}", note)
                ear.close()

    def record_home(self) -> None:
        """Write down what Cato holds and can ask for at the end."""
        node = self.named("Cato")
        tell = self.tape.write
        for name in ("Arve", "Bora"):
            for origin, note in sorted(self.named(name).door.heads(node.base.me).items()):
                tell(self.step, f"head at {name}", origin.encode() + b"\n" + note)
        with node.base.store.read() as tx:
            for row in tx.logs.all():
                tell(self.step, "log", f"{row.origin} {row.size} {row.signed}\n".encode() + row.note)
        cursor = ""
        while True:
            page = node.items.list(limit=3, cursor=cursor)
            tell(self.step, "page", repr(page).encode())
            cursor = page.next
            if not cursor:
                break
        tell(self.step, "found", repr(node.items.search("name")).encode())
        tell(self.step, "ledger", repr(node.ledger.verify()).encode())
        tell(self.step, "agreements", repr((node.agreements.list(), node.agreements.circles())).encode())
        tell(self.step, "partners", repr(node.partners.list()).encode())


class _Noise:
    """The noise of one member of one network."""

    def __init__(self, network: TapedNetwork, name: str) -> None:
        self._network, self._name = network, name

    def __call__(self, size: int) -> bytes:
        return self._network.noise(self._name, size)


@dataclass(frozen=True)
class Prepared:
    """A network with agreements and circles in force: those without Cato, and those with it."""

    network: TapedNetwork
    without: tuple[tuple[str, tuple[str, ...]], ...]
    with_: tuple[tuple[str, tuple[str, ...]], ...]
    agreement: str


def prepare(seed: int, network: TapedNetwork | None = None) -> Prepared:
    """Make random agreements and circles: Cato in the same agreement but not in every circle, or in another one."""
    rng = random.Random(seed)
    network = network or TapedNetwork(seed)
    nodes = [network.add(name) for name in ("Arve", "Bora", "Cato")]
    arve, bora, cato = nodes
    without: list[tuple[str, tuple[str, ...]]] = []
    with_: list[tuple[str, tuple[str, ...]]] = []
    agreement = "Three"
    if rng.random() < 0.6:
        network.next()
        three = _agree(network, rng, agreement, arve, bora, cato)
        for opener, other in rng.sample([(arve, cato), (cato, bora), (arve, bora)], 2):
            network.next()
            made = _circle(network, rng, agreement, opener, other)
            (with_ if cato in (opener, other) else without).append((made, (opener.name, other.name)))
        with_.append((three, ("Arve", "Bora", "Cato")))
    if not without:
        agreement = "Two"
        network.next()
        without.append((_agree(network, rng, agreement, arve, bora), ("Arve", "Bora")))
    if len(with_) < 2:
        network.next()
        with_.append((_agree(network, rng, "Other", arve, cato), ("Arve", "Cato")))
    network.next()
    return Prepared(network, tuple(without), tuple(with_), agreement)


def _agree(network: TapedNetwork, rng: random.Random, name: str, *nodes: Node) -> str:
    terms: dict[str, object] = {
        "purposes": sorted(rng.sample(PURPOSES, rng.randint(1, 3))),
        "onward": rng.choice(["refused", "consent"]),
        "limits": {"payload": rng.choice([700, 1 << 20])},
    }
    return network.agree(*nodes, name=name, ceiling=rng.choice(CEILINGS), **terms)


def _circle(network: TapedNetwork, rng: random.Random, agreement: str, opener: Node, other: Node) -> str:
    name = f"{opener.name} and {other.name}"
    return network.circle(opener, other, agreement=agreement, name=name, ceiling=rng.choice(CEILINGS))


class Author:
    """Writes random scripts for one prepared network, and random hidden steps for them."""

    def __init__(self, prepared: Prepared, rng: random.Random) -> None:
        self.prepared = prepared
        self.rng = rng
        self.number = prepared.network.step + 1
        self.known: tuple[bytes, ...] = ()

    def script(self) -> list[Step]:
        """Return steps after the first of which something hidden may happen; rounds bring everything home."""
        self.known = tuple(self.object(number, [*OPEN]) for number in OPEN)
        steps = [
            self.step("import", "Arve", files=self.known, tlp=self.low()),
            self.step("import", "Bora", files=self.files(OPEN) + self.files(OPEN), tlp=self.tlp()),
            self.step("import", "Cato", files=self.files(OPEN) + self.files(OPEN), tlp=self.tlp()),
        ]
        steps.append(self.step("import", "Arve", files=self.files(HIDDEN) + self.files(HIDDEN), tlp=self.tlp()))
        for _ in range(self.rng.randint(3, 5)):
            steps.append(self.visible())
            steps.append(self.round())
        ends = (("Arve", "Bora"), ("Cato", "Arve"), ("Cato", "Bora"), ("Arve", "Cato"), ("Cato", "Arve"))
        return steps + [self.step("round", one, to=other) for one, other in ends if self.paired(one, other)]

    def paired(self, one: str, other: str) -> bool:
        network = self.prepared.network
        return network.named(one).door.is_paired(network.member(other))

    def step(self, what: str, who: str, **rest: object) -> Step:
        self.number += 2
        return replace(Step(self.number, what, who), **rest)  # type: ignore[arg-type]

    def visible(self) -> Step:
        """Something that anybody does in any circle, with objects that anybody may know."""
        rng = self.rng
        circle, members = rng.choice(self.prepared.with_ + self.prepared.without)
        who = rng.choice(members)
        kind = rng.choice(["import", "import", "share", "share", "acknowledge", "profile"])
        if kind == "import":
            return self.step(kind, who, to=circle, files=self.files(OPEN), tlp=self.tlp(), word=self.purpose())
        if kind == "share":
            return self.step(kind, who, to=circle, ids=self.ids(OPEN), word=self.purpose())
        if kind == "acknowledge":
            return self.step(kind, who, ids=self.ids(OPEN), word=rng.choice(["read", "used"]))
        return self.step(kind, who, word=f"feed {rng.randrange(4)}")

    def round(self) -> Step:
        pairs = [pair for pair in permutations(("Arve", "Bora", "Cato"), 2) if self.paired(*pair)]
        one, other = self.rng.choice(pairs)
        return self.step("round", one, to=other)

    def hidden(self, steps: list[Step]) -> list[tuple[int, Step]]:
        """Return what happens in circles without Cato, each before which step of the script."""
        circle, members = self.rng.choice(self.prepared.without)
        apart = not any("Bora" in members for _, members in self.prepared.with_)
        kinds = [self._hidden_shares, self._hidden_circle, self._hidden_claim if apart else self._hidden_shares]
        what = self.rng.choice(kinds)(circle, members)
        places = sorted(self.rng.sample(range(FIRST, len(steps) - 2), len(what)))
        return [
            (place, replace(step, number=steps[place - 1].number + 1)) for place, step in zip(places, what, strict=True)
        ]

    def _hidden_shares(self, circle: str, members: tuple[str, ...]) -> list[Step]:
        rng = self.rng
        found = [Step(0, "share", "Arve", circle, ids=self.ids(HIDDEN), word=self.purpose())]
        files = self.files(rng.choice([HIDDEN, FRESH]), OPEN)
        found.append(Step(0, "import", rng.choice(members), circle, files=files, tlp=self.low(), word=self.purpose()))
        found.append(Step(0, "acknowledge", "Bora", ids=self.ids(HIDDEN)[:1], word="read"))
        return found[: rng.randint(1, 3)] if rng.random() < 0.5 else found[1:]

    def _hidden_circle(self, _circle: str, members: tuple[str, ...]) -> list[Step]:
        """Open a circle that Cato is not in, sign it, and use it."""
        one, other = members if self.rng.random() < 0.5 else members[::-1]
        opened = Step(0, "open", one, self.prepared.agreement, ids=(other,), word="Hidden")
        files = self.files(FRESH, OPEN)
        return [
            opened,
            Step(0, "sign", other, "Hidden"),
            Step(0, "import", self.rng.choice(members), "Hidden", files=files, tlp=self.low()),
        ][: self.rng.randint(1, 3)]

    def _hidden_claim(self, circle: str, _members: tuple[str, ...]) -> list[Step]:
        """Let Bora, which has no circle with Cato, bring its own version of what Arve holds, and claim an identity."""
        creator = identity_id(self.prepared.network.member("Bora"))
        files = tuple(self.object(number, [*OPEN, *FRESH], creator=creator) for number in OPEN)
        found = [
            Step(0, "import", "Arve", circle, files=self.known, tlp="TLP:CLEAR"),
            Step(0, "import", "Bora", circle, files=files, tlp="TLP:CLEAR"),
            Step(0, "claim", "Bora", ids=(THIRD,)),
        ]
        return found[: self.rng.randint(2, 3)] if self.rng.random() < 0.7 else found[1:]

    def low(self) -> str:
        """Return a marking that most circles take."""
        return self.rng.choice(["TLP:CLEAR", "TLP:CLEAR", "TLP:GREEN", self.tlp()])

    def tlp(self) -> str:
        return self.rng.choice(CEILINGS)

    def purpose(self) -> str:
        return self.rng.choice(["", "", *PURPOSES])

    def ids(self, numbers: range) -> tuple[str, ...]:
        return tuple(stix_id(number) for number in self.rng.sample(numbers, self.rng.randint(1, 2)))

    def files(self, numbers: range, named: range | None = None) -> tuple[bytes, ...]:
        some = self.rng.sample(numbers, self.rng.randint(1, min(3, len(numbers))))
        return tuple(self.object(number, [*numbers, *(named or ())]) for number in some)

    def object(self, number: int, named: list[int], creator: str = "") -> bytes:
        """Make one version of an object; every third is a report that names others.

        With a creator no other version has the same bytes.
        """
        rng = self.rng
        made: dict[str, object] = {
            "type": "report" if number % 3 == 0 else "indicator",
            "spec_version": "2.1",
            "id": stix_id(number),
            "created": "2026-01-01T00:00:00.000Z",
            "modified": f"2026-02-0{rng.randint(1, 5)}T00:00:00.000Z",
            "name": "name " + "x" * rng.choice([1, 5, 600]),
        }
        if number % 3 == 0:
            made |= {"published": made["created"], "object_refs": [stix_id(ref) for ref in rng.sample(named, 2)]}
        else:
            made |= {"pattern": "[file:size = 1]", "pattern_type": "stix", "valid_from": made["created"]}
        mine = [identity_id(self.prepared.network.member(name)) for name in ("Arve", "Bora")]
        by = creator or rng.choice(["", "", "", THIRD, *mine])
        if by:
            made["created_by_ref"] = by
        if creator:
            made["description"] = "another version"
        if rng.random() < 0.1:
            made["revoked"] = True
        return json.dumps(made).encode()


def stix_id(number: int) -> str:
    kind = "report" if number % 3 == 0 else "indicator"
    return f"{kind}--00000000-0000-4000-8000-{number:012d}"


@dataclass(frozen=True)
class Case:
    """What Cato got without and with something hidden, and whether the hidden reached anybody at all."""

    steps: list[Step]
    hidden: list[tuple[int, Step]]
    difference: str
    effective: bool


def cases(prepared: Prepared, seed: str, count: int) -> Iterator[Case]:
    """Play one random script, then again `count` times with something hidden, and compare what Cato gets."""
    author = Author(prepared, random.Random(seed))
    steps = author.script()
    hidden = [author.hidden(steps) for _ in range(count)]
    plain = prepared.network.fork()
    forks: dict[int, TapedNetwork] = {}
    for place, step in enumerate(steps):
        if any(found[0][0] == place for found in hidden):
            forks[place] = plain.fork()
        plain.play([step])
    finish(plain, steps)
    for found in hidden:
        first = found[0][0]
        network = forks[first].fork()
        for place, step in enumerate(steps[first:], first):
            network.play([extra for at, extra in found if at == place])
            network.play([step])
        finish(network, steps)
        yield Case(steps, found, first_difference(plain.tape.bytes, network.tape.bytes), sizes(plain) != sizes(network))


def finish(network: TapedNetwork, steps: list[Step]) -> None:
    network.step = steps[-1].number + 2
    network.record_home()


def sizes(network: TapedNetwork) -> list[list[int]]:
    """Return how long each log is that Arve and Bora hold."""
    found: list[list[int]] = []
    for name in ("Arve", "Bora"):
        with network.named(name).base.store.read() as tx:
            found.append([row.size for row in tx.logs.all()])
    return found


def first_difference(one: list[tuple[int, str, bytes]], other: list[tuple[int, str, bytes]]) -> str:
    """Say where two tapes differ, "" if they are the same byte for byte."""
    for at, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return f"{at}: {left} instead of {right}"
    return "" if len(one) == len(other) else f"{len(one)} records instead of {len(other)}"
