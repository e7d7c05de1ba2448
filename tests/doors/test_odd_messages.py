"""A paired partner whose program is broken or hostile sends odd messages: each is refused in words or taken in part.

Real messages of a round are taken apart and parts of them replaced, some thousand times with a seed. None may raise
anything but an error of our own tree, and none may leave behind a ledger that does not verify. The transaction of each
is rolled back, so that every message meets the same member.
"""

from __future__ import annotations

import random
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from doors.fuzz import mutate, unpack
from entente.core.errors import EntenteError
from entente.exchange.messages import Message, decode, encode
from entente.exchange.round import Round
from entente.node.exchange.side import MemberSide
from network import Network
from stories.story import forge, give, holds, id_of, indicator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entente.node import Node
    from entente.store.ports import Transaction

MUTATIONS = 400


class UndoneError(Exception):
    """Ends a transaction whose work is not to stay."""


@contextmanager
def undone(node: Node) -> Iterator[Transaction]:
    """Give a transaction that is rolled back."""
    with suppress(UndoneError), node.base.store.write() as tx:
        yield tx
        raise UndoneError


class Scene:
    """Harbour, which receives, and Northwind, which sends; Summit has told Harbour of an entry without its payload."""

    def __init__(self) -> None:
        self.network = Network(13)
        self.harbour, self.northwind, summit = (self.network.add(name) for name in ("Harbour", "Northwind", "Summit"))
        self.circle = self.network.agree(self.harbour, self.northwind, summit)
        give(self.harbour, self.circle, indicator(1))
        self.network.settle()
        self._cut(self.harbour, self.northwind)
        forge(self.northwind, self.circle, indicator(2), tlp="TLP:RED")
        give(self.northwind, self.circle, *(indicator(number) for number in range(3, 9)))
        self.network.settle()
        self.northwind.items.acknowledge([id_of(indicator(1))])
        self.northwind.agreements.propose([self.harbour.member], name="Two of us")
        self.northwind.profile.set(brings=["telescopes"])
        self.northwind.agreements.settle()
        give(self.harbour, self.circle, indicator(20))
        self.network.wires[self.harbour.base.me].cut.clear()
        self.network.wires[self.northwind.base.me].cut.clear()

    def _cut(self, one: Node, other: Node) -> None:
        self.network.wires[one.base.me].cut.add(other.base.me)
        self.network.wires[other.base.me].cut.add(one.base.me)

    def take(self, body: bytes, *, keep: bool = False) -> Message:
        """Let Harbour take a message of Northwind, and forget it again unless it is to stay."""
        message = decode(body)
        round_ = Round(MemberSide(self.harbour.base), self.northwind.base.me)
        if keep:
            with self.harbour.base.store.write() as tx:
                return round_.turn(tx, message)
        with undone(self.harbour) as tx:
            reply = round_.turn(tx, message)
        assert encode(reply)
        return reply

    def bodies(self) -> list[bytes]:
        """Return what Northwind says to Harbour in a real round; both are as before afterwards."""
        found: list[bytes] = []
        round_ = Round(MemberSide(self.northwind.base), self.harbour.base.me)
        with undone(self.northwind) as theirs, undone(self.harbour) as ours:
            message = round_.open(theirs)
            for _ in range(6):
                found.append(encode(message))
                reply = Round(MemberSide(self.harbour.base), self.northwind.base.me).turn(ours, message)
                message = round_.turn(theirs, reply)
        return found


@pytest.fixture(scope="module")
def scene() -> Scene:
    return Scene()


@pytest.fixture(scope="module")
def bodies(scene: Scene) -> list[bytes]:
    found = scene.bodies()
    kinds = [name for body in found for name, part in zip(Message.__struct_fields__, unpack(body), strict=True) if part]
    assert {"full", "heads", "tally", "offers", "parts", "cosignatures", "deliveries"} <= set(kinds)
    return found


@pytest.mark.parametrize("seed", range(6))
def test_an_odd_message_raises_nothing_but_our_own_errors(scene: Scene, bodies: list[bytes], seed: int) -> None:
    chance = random.Random(seed)
    wide = sorted(bodies, key=len)[-3:]
    outcomes = {"taken": 0, "refused": 0}
    for _ in range(MUTATIONS):
        body = mutate(chance.choice([*bodies, *wide, *wide]), chance)
        try:
            scene.take(body)
            outcomes["taken"] += 1
        except EntenteError:
            outcomes["refused"] += 1
    assert min(outcomes.values()) > MUTATIONS // 10


@pytest.mark.parametrize("seed", range(3))
def test_what_is_taken_of_odd_messages_leaves_a_ledger_that_verifies(seed: int) -> None:
    scene, chance = Scene(), random.Random(seed)
    bodies = scene.bodies()
    for _ in range(60):
        with suppress(EntenteError):
            scene.take(mutate(chance.choice(bodies), chance), keep=True)
    assert scene.harbour.ledger.verify().ok
    assert [done.error for done in scene.harbour.exchange.sync(scene.northwind.member)] == [""]
    scene.network.settle()
    assert scene.harbour.ledger.verify().ok
    assert all(holds(scene.harbour, id_of(indicator(number))) for number in range(3, 9))
    assert not holds(scene.harbour, id_of(indicator(2)))


@pytest.mark.parametrize("seed", range(2))
def test_bytes_that_are_no_message_are_refused(scene: Scene, bodies: list[bytes], seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(200):
        body = bytearray(chance.choice(bodies))
        for _ in range(chance.randrange(1, 4)):
            body[chance.randrange(len(body))] ^= 1 << chance.randrange(8)
        with suppress(EntenteError):
            scene.take(bytes(body[: chance.randrange(1, len(body) + 1)]))
