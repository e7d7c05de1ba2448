"""What every part of a node shares: one member's store, keys, guard and fold, and the outside world.

`commit` is how a part writes what partners are to learn; `in_force` is what everything asks.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from entente.core.errors import NotFoundError
from entente.core.ids import Member, b32
from entente.core.times import stamp
from entente.ledger import log
from entente.node.home.find import find
from entente.node.home.guard import Guard
from entente.node.home.histories import Histories
from entente.node.home.secret_keys import SecretKeys
from entente.node.rooms import offers
from entente.node.rooms.fold import Fold

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from entente.core.kind import Place
    from entente.ledger.history import KeyHistory
    from entente.ledger.log import Draft
    from entente.node.home.files import Home, Secrets
    from entente.node.home.vault import Lock
    from entente.node.rooms.in_force import InForce
    from entente.node.rooms.room import Room
    from entente.store.ports import LogRow, Store, Transaction


class Base:
    """One member's store and outside world, its `keys`, its `guard` and its fold; the parts of a node work on it.

    `clock` gives milliseconds since 1970, `random` n bytes. `changed` is set when partners are to learn something.
    """

    def __init__(
        self,
        home: Home | None,
        store: Store,
        secrets: Secrets | None,
        *,
        clock: Callable[[], int],
        random: Callable[[int], bytes],
        nonce: bytes = b"",
        me: Member,
        lock: Lock | None = None,
    ) -> None:
        """Keep what the outside hands in.

        Without a home (tests, simulators) there is no marker and the guard always fits. Without `secrets` the base is
        locked: what it appends waits for a signature. `lock` is what seals the keys on disk.
        """
        self.home = home
        self.store = store
        self.clock = clock
        self.random = random
        self.me = me
        self.changed = threading.Event()
        self.full_until: dict[tuple[Member, str], int] = {}
        self.keys = SecretKeys(home, secrets, lock, random)
        self._histories = Histories(me)
        self.guard = Guard(home, store, me, nonce, self.keys, self._histories, self.changed)
        self._fold = Fold(store, me)

    @contextmanager
    def commit(self) -> Generator[Transaction]:
        """Open a write transaction for what partners are to learn, then `announce`; all of it is kept, or nothing."""
        with self.store.write() as tx:
            yield tx
        self.announce()

    def announce(self) -> None:
        """Write the marker for what was committed, and wake the running node, which tells the partners."""
        self.guard.mark()
        self.changed.set()

    def append(self, tx: Transaction, circle: Room, drafts: Iterable[Draft]) -> tuple[LogRow, list[Place]]:
        """Append to our own log in the newest room of a circle; inside `commit`, or call `guard.mark` afterwards."""
        row = tx.logs.get(offers.load(tx).current(circle).origin(self.me))
        if row is None:
            raise NotFoundError(f"There is no log for circle {b32(circle.key)[:8]}.")
        return log.append(tx, row, list(drafts), seed=self.guard.seed(tx), random=self.random)

    def in_force(self, tx: Transaction) -> InForce:
        """Return the rooms of this home and the fold of their acts, as of this transaction."""
        return self._fold.in_force(tx)

    def history(self, tx: Transaction, member: Member) -> KeyHistory:
        """Return a member's verified key history; NotFoundError if none is held."""
        return self._histories.of(tx, member)

    def now(self) -> str:
        """Return the time now as RFC 3339."""
        return stamp(self.clock())

    def name_of(self, tx: Transaction, member: Member) -> str:
        """Return a member's name, its short id while no keys of it are held."""
        return self._histories.name_of(tx, member)

    def find_member(self, tx: Transaction, text: str) -> Member:
        """Return the member meant by an id, an unambiguous prefix of one, or a unique name."""
        known = {row.member: self.name_of(tx, Member(row.member)) for row in tx.logs.all() if not row.circle}
        return Member(find(text, [(member, b32(member), name) for member, name in known.items()], "member"))

    def find_circle(self, in_force: InForce, text: str) -> Room:
        """Return the newest room of the circle meant by its id, prefix or name, or by those of its agreement."""
        rooms = list(in_force.rooms.newest())
        options = [(each.key, b32(each.circle), each.text.name) for each in rooms]
        founding = [(each.key, b32(each.agreement), each.agreement_name) for each in rooms if each.founding]
        try:
            return in_force.rooms.require(find(text, options, "circle"))
        except NotFoundError as problem:
            if problem.code == "ambiguous":
                raise
            return in_force.rooms.require(find(text, founding, "circle"))
