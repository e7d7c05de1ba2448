"""Members in memory for tests: real nodes on memory stores, clock and randomness handed in, no sockets between."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from entente.core.errors import NotFoundError, RefusedError, TransportError
from entente.core.ids import Member, b32
from entente.node import Node, found_member
from entente.node.home.base import Base
from entente.node.home.files import make_secrets
from entente.store.memory.store import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from entente.store.ports import Store

START = 1_790_000_000_000


class Wire:
    """Calls between members of one network; `cut` and `tamper` let a test interfere with the bytes."""

    def __init__(self, network: Network, base: Base) -> None:
        self._network = network
        self._base = base
        self.cut: set[Member] = set()
        self.tamper: Callable[[bytes], bytes] = lambda body: body
        self.calls: list[int] = []

    def plain(self, url: str, path: str, body: Mapping[str, object]) -> dict[str, object]:
        other = next((node for node in self._network.nodes.values() if node.url == url), None)
        if other is None or path != "/entente/v1/pair":
            raise TransportError("Nobody answers there.")
        return dict(other.door.handle_pair(body))

    def json(self, partner: Member, path: str, body: Mapping[str, object]) -> dict[str, object]:
        other = self._reach(partner)
        assert path == "/entente/v1/accept"
        other.door.transport_key_of(self._base.me)
        return dict(other.door.handle_accept(self._base.me, body))

    def exchange(self, partner: Member, body: bytes) -> bytes:
        other = self._reach(partner)
        if not other.door.is_paired(self._base.me):
            raise RefusedError("You are not paired with us.", code="not-entitled")
        answer = other.door.handle_exchange(self._base.me, body)
        self.calls += [len(body), len(answer)]
        return self.tamper(answer)

    def submit(self, url: str, path: str, body: bytes | None) -> tuple[int, str, bytes]:
        ask = self._network.witnesses.get(url)
        if ask is None:
            raise TransportError("Nobody answers there.")
        return ask(path, body)

    def _reach(self, partner: Member) -> Node:
        other = self._network.reach(self._base.me, partner)
        if other is None or partner in self.cut:
            raise TransportError("The partner cannot be reached.")
        return other

    def close(self) -> None:
        """Nothing is open."""


class Network:
    """Any number of members that can reach each other; everything in it follows from `seed`."""

    def __init__(self, seed: int = 0) -> None:
        self.random = random.Random(seed)
        self.now = START
        self.nodes: dict[Member, Node] = {}
        self.wires: dict[Member, Wire] = {}
        self.next_keys: dict[Member, bytes] = {}
        self.witnesses: dict[str, Callable[[str, bytes | None], tuple[int, str, bytes]]] = {}

    def reach(self, _caller: Member, callee: Member) -> Node | None:
        """Return the node that answers a caller in a member's name."""
        return self.nodes.get(callee)

    def clock(self) -> int:
        """Let a millisecond pass with each look at the clock."""
        self.now += 1
        return self.now

    def add(self, name: str, store: Store | None = None) -> Node:
        """Found a member."""
        url = f"http://localhost:{9000 + len(self.nodes)}"
        seeds = [self.random.randbytes(32) for _ in range(6)]
        secrets = make_secrets(seeds, name, url, 0)
        me = secrets.owner
        base = Base(None, store or MemoryStore(), secrets, clock=self.clock, random=self.random.randbytes, me=me)
        found_member(base, name, url)
        wire = Wire(self, base)
        node = Node(base, wire)
        self.nodes[me], self.wires[me] = node, wire
        self.next_keys[me] = seeds[4]
        return node

    def pair(self, one: Node, other: Node) -> None:
        """Pair two members by cards and words."""
        one.partners.add(other.partners.card())
        other.partners.add(one.partners.card())
        one.partners.confirm(other.member, " ".join(other.words))
        other.partners.confirm(one.member, " ".join(one.words))

    def agree(self, *nodes: Node, name: str = "Agreement", **terms: object) -> str:
        """Pair all, sign an agreement of all, and return its founding circle."""
        for at, one in enumerate(nodes):
            for other in nodes[at + 1 :]:
                if not one.door.is_paired(other.base.me):
                    self.pair(one, other)
        ceiling = str(terms.pop("ceiling", ""))
        made = nodes[0].agreements.propose(
            [node.member for node in nodes[1:]], name=name, terms=terms or None, ceiling=ceiling
        )
        nodes[0].agreements.sign(made.agreement)
        self.settle(*nodes)
        for node in nodes[1:]:
            node.agreements.sign(made.agreement)
        self.settle(*nodes)
        return made.circle

    def circle(self, opener: Node, *others: Node, agreement: str, name: str, ceiling: str = "") -> str:
        """Open a circle, let everybody sign it, and return it."""
        made = opener.agreements.open_circle(agreement, [node.member for node in others], name=name, ceiling=ceiling)
        opener.agreements.sign(made.circle)
        self.settle(opener, *others)
        for node in others:
            node.agreements.sign(made.circle)
        self.settle(opener, *others)
        return made.circle

    def settle(self, *nodes: Node) -> None:
        """Let members sync until nothing moves any more; fail the test on an error of a round."""
        for _ in range(12):
            moved = 0
            for node in nodes or self.nodes.values():
                for done in node.exchange.sync():
                    if done.error and "cannot be reached" not in done.error:
                        raise AssertionError(f"{node.name}: {done.error}")
                    moved += done.sent.entries + done.received.entries
            if not moved:
                return
        raise AssertionError("The members do not come to rest.")

    def node(self, member: str) -> Node:
        """Return the node of a member id."""
        for me, node in self.nodes.items():
            if b32(me) == member:
                return node
        raise NotFoundError(member)
