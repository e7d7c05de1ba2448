"""A scripted hostile peer: a real home with real keys that pairs and speaks the real protocol, with hooks to lie.

It answers over real sockets through a door whose answers a test may change, and it says any message that a test makes.
`Scene` puts it beside two honest members in one agreement.
"""

from __future__ import annotations

import json
import shutil
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from types import SimpleNamespace
from typing import TYPE_CHECKING

from commands import verify
from entente.core import note
from entente.core.ids import b32, origin_hash, unb32
from entente.exchange.messages import Message, Part, decode, encode
from entente.ledger import witness
from entente.ledger.package import pack, proof_to
from entente.ledger.witness import Cosignature
from entente.node import Node
from entente.node.rooms import offers
from stories import homes
from stories.homes import House, agree, pair

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from entente.core.ids import Member
    from entente.store.ports import LogRow

PASSING = {"contact", "quota", "setting", "seen", "guard"}
"""Spaces of records that tell when something was, not what."""


class LyingDoor:
    """A node's door whose answers pass through `lie` before they are signed and sent."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    def __getattr__(self, name: str) -> object:
        return getattr(self._peer.node.door, name)

    def handle_exchange(self, partner: Member, body: bytes) -> bytes:
        answer = decode(self._peer.node.door.handle_exchange(partner, body))
        return encode(self._peer.lie(partner, answer))


class Peer(House):
    """A member whose program lies; `lie` changes what it answers, `say` sends what a test made."""

    def __init__(self, folder: Path, name: str) -> None:
        super().__init__(folder, name)
        self.lie: Callable[[Member, Message], Message] = lambda _partner, message: message
        self._copies = 0

    def serve(self) -> None:
        self._stack.enter_context(homes._served(SimpleNamespace(door=LyingDoor(self)), self.port))

    def say(self, victim: Node, message: Message) -> Message:
        """Post a message to somebody's exchange, signed with the peer's transport key; return the answer."""
        return decode(self.node._caller.exchange(victim.base.me, encode(message)))

    def twin(self) -> Node:
        """Open a copy of the home as it is now, which signs as if nothing were wrong."""
        self._copies += 1
        copy = self.home.with_name(f"{self.home.name}-{self._copies}")
        with self.node.base.store.write():  # nobody else writes meanwhile
            shutil.copytree(self.home, copy)
        twin = Node.open(copy)
        twin.ledger.confirm()
        return twin

    def become(self, node: Node) -> None:
        """Answer and call from another copy of the home from now on."""
        self._stack.callback(self.node.close)
        self.node = node

    def row(self, circle: str, member: Member | None = None) -> LogRow:
        """Return a log of the circle as the peer holds it, its own unless another member is named."""
        return row_of(self.node, circle, member)

    def head(self, origin: str, size: int, root: bytes) -> bytes:
        """Sign any head of any log with the peer's log key."""
        signer = note.Signer(origin, note.ED25519, self.node.base.keys.secrets.seed("log"))
        return note.sign_checkpoint(note.Checkpoint(origin, size, root), signer)

    def cosigns(self, row: LogRow, size: int, root: bytes, stage: str = "witnessed") -> Cosignature:
        """State anything about a log with the peer's witness or store key."""
        key = "witness" if stage == "witnessed" else "store"
        signer = note.Signer(
            witness.name_of(self.node.base.me, stage), note.COSIGNATURE, self.node.base.keys.secrets.seed(key)
        )
        line = note.cosign(note.Checkpoint(row.origin, size, root), signer, self.node.base.clock() // 1000)
        return Cosignature(origin_hash(row.origin), self.node.base.me, stage, size, root, line)

    def part(self, row: LogRow, start: int, head: bytes = b"") -> Part:
        """Return the entries of a log that the peer holds, from `start` on, as a real program sends them."""
        with self.node.base.store.read() as tx:
            packages = [pack(tx, row, start, row.signed, 1 << 20)] if start < row.signed else []
            root = witness.root_at(tx, row, start) if start else b""
            link = proof_to(tx, row, start, row.signed)
        return Part(origin_hash(row.origin), head or row.note, packages, root, link)


@dataclass
class Scene:
    """Two honest members and a hostile one, in one circle."""

    harbour: House
    northwind: House
    summit: Peer
    circle: str

    @property
    def honest(self) -> tuple[Node, Node]:
        return self.harbour.node, self.northwind.node

    def settle(self) -> None:
        """Let everybody come to rest."""
        homes.settle(*self.honest, self.summit.node)


@contextmanager
def scene(folder: Path) -> Iterator[Scene]:
    """Give two honest members and a hostile one that serve, are paired, and have an agreement in force."""
    with ExitStack() as stack:
        summit = Peer(folder, "Summit")
        houses = [House(folder, "Harbour"), House(folder, "Northwind"), summit]
        for house in houses:
            stack.callback(house.close)
            house.serve()
        one, two, _ = houses
        for first, second in ((one, two), (one, summit), (two, summit)):
            pair(first.node, second.node)
        yield Scene(one, two, summit, agree(one.node, two.node, summit.node))


def row_of(node: Node, circle: str, member: Member | None = None) -> LogRow:
    """Return a log of a circle as a node holds it."""
    with node.base.store.read() as tx:
        room = offers.load(tx).require(unb32(circle, 32))
        found = tx.logs.get(room.origin(member or node.base.me))
        assert found is not None
        return found


def codes(answer: Message) -> list[str]:
    """Return the codes of what an answer refuses."""
    return [each.code for each in answer.refusals]


def digest(node: Node) -> str:
    """Return a hash of everything that a node holds, but for when it was told."""
    state = sha256()
    with node.base.store.read() as tx:
        for row in sorted(tx.logs.all(), key=lambda row: row.origin):
            state.update(repr((row.origin, row.size, row.signed, row.note, row.stopped)).encode())
            for each in tx.payloads.get(row.id, 0, row.size):
                state.update(repr((each.index, each.kind, each.time, each.salt, each.head, each.data)).encode())
        for space in ("charter", "cosignature", "evidence", "split", "refused", "denied", "acknowledged", "partner"):
            assert space not in PASSING
            state.update(repr((space, tx.records.scan(space))).encode())
    return state.hexdigest()


def verified(file: bytes, folder: Path, *arguments: str) -> Mapping[str, object]:
    """Verify a file with the tool that knows nothing of the product; return what it says, fail if it refuses."""
    path = folder / "evidence"
    path.write_bytes(file)
    done = verify(path, "--json", *arguments)
    assert done.code == 0, done
    found: Mapping[str, object] = json.loads(done.out)
    return found


def names(node: Node, members: list[str]) -> list[str]:
    """Return what a node calls members, by their ids in text."""
    with node.base.store.read() as tx:
        return [node.base.name_of(tx, unb32(each, 32)) for each in members]


def short(node: Node) -> str:
    """Return a member's id in text."""
    return b32(node.base.me)
