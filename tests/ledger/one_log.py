"""One author with one log, and readers that take it; no nodes, no circles."""

from __future__ import annotations

from hashlib import sha256, shake_128
from typing import TYPE_CHECKING

from entente.core import keys
from entente.core.ids import Circle, Member, member_id, origin
from entente.ledger import log
from entente.ledger.log import Accepted, Draft, Judged
from entente.ledger.package import Column, Package, pack
from entente.store.memory.store import MemoryStore
from entente.store.ports import LogRow, NewPayload

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entente.store.ports import Store

SEED = sha256(b"author").digest()
PUBLIC = keys.public_of(SEED)
AUTHOR: Member = member_id(PUBLIC)
CIRCLE = Circle(bytes(32))
ORIGIN = origin(AUTHOR, CIRCLE, 1, b"s" * 32)


def noise(size: int) -> bytes:
    return shake_128(str(size).encode()).digest(size)


def draft(number: int, data: bytes | None = None) -> Draft:
    return Draft("refused/1", 1000 + number, b"", data if data is not None else f'{{"n":{number}}}'.encode())


class Desk:
    """One member's store with the log in it."""

    def __init__(self, store: Store | None = None) -> None:
        self.store = store or MemoryStore()
        with self.store.write() as tx:
            tx.logs.add(LogRow(id=0, origin=ORIGIN, member=AUTHOR, circle=CIRCLE, epoch=1))

    @property
    def row(self) -> LogRow:
        with self.store.read() as tx:
            found = tx.logs.get(ORIGIN)
        assert found is not None
        return found

    def append(self, *drafts: Draft, seed: bytes | None = SEED) -> LogRow:
        with self.store.write() as tx:
            return log.append(tx, self.row, drafts, seed=seed, random=noise)[0]

    def packages(self, start: int, budget: int = 1 << 20) -> list[Package]:
        found: list[Package] = []
        with self.store.read() as tx:
            while start < self.row.signed:
                found.append(pack(tx, self.row, start, self.row.signed, budget))
                start += len(found[-1].kind_of)
        return found

    def take(
        self,
        head: bytes,
        packages: list[Package],
        judge: log.Judge | None = None,
        key: bytes = PUBLIC,
    ) -> Accepted:
        with self.store.write() as tx:
            return log.accept(tx, self.row, head, packages, key=key, judge=judge or everything)

    def take_from(self, other: Desk) -> Accepted:
        return self.take(other.row.note, other.packages(self.row.size))

    def payloads(self) -> list[tuple[int, bytes]]:
        with self.store.read() as tx:
            return [(each.index, each.head + each.data) for each in tx.payloads.get(self.row.id, 0, self.row.size)]

    def awaited(self) -> list[int]:
        with self.store.read() as tx:
            return tx.payloads.awaited(self.row.id)

    def drop(self, index: int) -> None:
        """Lose a payload, as a member that refused it never had it."""
        with self.store.write() as tx:
            tx.payloads.drop(self.row.id, index)


def everything(_row: LogRow, columns: list[Column], _hashes: Sequence[bytes]) -> Judged:
    """Take whatever comes; wait for what came without its payload."""
    kept = [
        NewPayload(each.index, each.kind, each.time, each.salt, b"", each.payload)
        for each in columns
        if each.payload is not None
    ]
    return Judged(len(columns), kept, [], [each.index for each in columns if each.payload is None])


def written(count: int, start: int = 0) -> Desk:
    """Return the author's own desk with so many entries."""
    desk = Desk()
    if count:
        desk.append(*(draft(start + number) for number in range(count)))
    return desk
