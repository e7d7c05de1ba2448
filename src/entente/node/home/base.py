"""What every part of a node shares: store, keys, clock, randomness, and the views folded from the entries."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from typing import TYPE_CHECKING

from msgspec import Struct

from entente.core import canon, keys
from entente.core.errors import EntenteError, NotFoundError
from entente.core.ids import Member, b32, keys_origin, origin_hash
from entente.core.kind import Act, Place
from entente.core.times import stamp
from entente.kinds import FOLDED
from entente.ledger import keys as key_logs
from entente.ledger import log, witness
from entente.ledger.guard import fits
from entente.ledger.view import fold
from entente.node.home import vault
from entente.node.home.find import find
from entente.node.rooms import forked_logs, gaps, offers
from entente.node.rooms.in_force import InForce
from entente.node.rooms.room import Rooms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from entente.ledger.history import KeyHistory
    from entente.ledger.log import Draft
    from entente.ledger.view import View
    from entente.node.home.files import Home, Secrets
    from entente.node.home.vault import Lock
    from entente.node.rooms.room import Room
    from entente.store.ports import LogRow, PayloadRow, Store, Transaction

GOVERNANCE = [kind.name for kind in FOLDED]
DOUBT = ("guard", "doubt")
WITNESS_DOUBT = ("guard", "witness")
LOST = ("guard", "lost")
"""Stands in a home that was made from a recovery file, without the logs of the one that was lost."""
WITNESSED = "witnessed-log"


MAX_MARKS = 64
"""How many moments a fold is known to fit, at most."""


class Folded(Struct, frozen=True):
    """A fold, what it was made of, and at which moments (`store.ports.Seen`) it is known to be right.

    `sizes` says up to which index each log was read, `forked` which acts are held of logs that evidence has stopped.
    """

    rooms: Rooms
    sizes: dict[int, int]
    moved: object
    forked: dict[bytes, bytes]
    in_force: InForce
    marks: set[Hashable]

    def leads_to(self, rooms: Rooms, moved: object, forked: dict[bytes, bytes], sizes: dict[int, int]) -> bool:
        """Say whether nothing but acts at the ends of logs can have come between this fold and a later moment."""
        same = self.rooms is rooms and (self.moved, self.forked) == (moved, forked)
        return same and all(size <= sizes.get(number, -1) for number, size in self.sizes.items())


class Base:
    """One member's store, keys and outside world; the parts of a node work on it."""

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
        """Keep what the outside hands in: `clock` gives milliseconds since 1970, `random` n bytes.

        Without a home (tests, simulators) there is no marker and the guard always fits. Without `secrets` the base is
        locked: what it appends waits for a signature. `lock` is what seals the keys on disk.
        """
        self.home = home
        self.store = store
        self._secrets = secrets
        self._lock = lock
        self.clock = clock
        self.random = random
        self.me = me
        self.changed = threading.Event()
        self.full_until: dict[tuple[Member, str], int] = {}
        self._nonce = nonce
        self._histories: dict[tuple[bytes, int], KeyHistory] = {}
        self._folded: tuple[Folded, int] | None = None
        self._kept: Folded | None = None
        self._marker_lock = threading.Lock()

    @property
    def locked(self) -> bool:
        """Say whether the keys are sealed and were not opened."""
        return self._secrets is None

    @property
    def secrets(self) -> Secrets:
        """Return the secret keys; WaitingError with a hint while they are sealed."""
        if self._secrets is None:
            raise vault.locked()
        return self._secrets

    @secrets.setter
    def secrets(self, secrets: Secrets) -> None:
        """Use other keys in this process; `keep_secrets` keeps them too."""
        self._secrets = secrets

    def keep_secrets(self, secrets: Secrets) -> None:
        """Use other keys from now on, and keep them durably, sealed as the ones before."""
        self.protect(self._lock, secrets)

    def protect(self, lock: Lock | None, secrets: Secrets | None = None) -> None:
        """Seal the keys on disk with another lock, or keep them in the clear (None); WaitingError while locked."""
        secrets = secrets or self.secrets
        if self.home is not None:
            vault.save(self.home, secrets, lock, self.random)
        self._secrets, self._lock = secrets, lock

    def check_guard(self) -> None:
        """Compare the marker with the database; from now on nothing is signed unless it fits."""
        if self.home is None:
            return
        with self.store.read() as tx:
            mine = [row for row in tx.logs.all() if row.member == self.me]
            seen_by_others = bool(tx.records.scan("partner") or tx.records.scan(WITNESSED))
        problem = fits(self.home.marker(), self.home.here(self._nonce, {}), mine)
        if problem and seen_by_others:
            with self.store.write() as tx:
                self.doubt(tx, problem)
        elif problem:
            self.mark()

    def doubt(self, tx: Transaction, problem: str) -> None:
        """Sign nothing from now on, in any process, until a partner or a person takes the doubt away."""
        tx.records.put(*DOUBT, problem.encode())
        if tx.records.scan(WITNESSED):
            tx.records.put(*WITNESS_DOUBT, problem.encode())

    def doubted(self, tx: Transaction) -> str:
        """Return why nothing is signed here now, "" if it is."""
        return (tx.records.get(*DOUBT) or b"").decode()

    def witness_doubted(self, tx: Transaction) -> str:
        """Return why no outside log is cosigned here now, "" if it is: partners cannot take this doubt away."""
        return self.doubted(tx) or (tx.records.get(*WITNESS_DOUBT) or b"").decode()

    def seen(self, tx: Transaction, row: LogRow) -> None:
        """Note that a partner holds exactly what we signed of this log; when that is so of all, the doubt ends."""
        tx.records.put("seen", row.origin, str(row.signed).encode())
        mine = [
            each for each in tx.logs.all() if each.member == self.me and witness.of_log(tx, origin_hash(each.origin))
        ]
        if tx.records.get(*LOST):  # a new home of a member that lost its old one: every log has to come back first
            mine = [each for each in tx.logs.all() if each.member == self.me and each.circle]
        enough = mine or not tx.records.get(*LOST)
        if enough and all(tx.records.get("seen", each.origin) == str(each.signed).encode() for each in mine):
            self.trust(tx)

    def trust(self, tx: Transaction) -> int:
        """Be sure again and sign what was kept unsigned; return how many logs were signed. Call `mark` afterwards."""
        tx.records.delete(*DOUBT)
        for origin, _ in tx.records.scan("seen"):
            tx.records.delete("seen", origin)
        seed = self.seed(tx)
        rows = [] if seed is None else self.unsigned(tx)
        for row in rows:
            tx.logs.save(log.sign(row, seed or b""))
        return len(rows)

    def unsigned(self, tx: Transaction) -> list[LogRow]:
        """Return our own logs with entries that no signed head covers yet."""
        return [row for row in tx.logs.all() if row.member == self.me and row.signed < row.size]

    def sign_kept(self) -> int:
        """Sign what a locked process kept unsigned; return how many logs were signed.

        Nothing is signed while there is doubt, or while a log does not hold together: `ledger verify` says why.
        """
        with self.store.read() as tx:
            kept = [] if self.seed(tx) is None else self.unsigned(tx)
            if not kept or not all(log.is_whole(tx, row) for row in kept):
                return 0
        with self.store.write() as tx:
            count = 0 if self.doubted(tx) else self.trust(tx)
        self.mark()
        self.changed.set()
        return count

    def mark(self) -> None:
        """Write the marker for what is signed now; before this no signed byte leaves the house."""
        if self.home is None:
            return
        with self._marker_lock:
            with self.store.read() as tx:
                if self.doubted(tx):
                    return
                signed = {row.origin: row.signed for row in tx.logs.all() if row.member == self.me}
            marker = self.home.here(self._nonce, signed)
            if marker != self.home.marker():
                self.home.write_marker(marker)

    def seed(self, tx: Transaction) -> bytes | None:
        """Return the seed that signs heads, None while there is doubt, or the keys are sealed or not ours any more."""
        if self.locked or self.doubted(tx):
            return None
        seed = self.secrets.seed("log")
        return seed if self.history(tx, self.me).current.log == keys.public_of(seed) else None

    def append(self, tx: Transaction, circle: Room, drafts: Iterable[Draft]) -> tuple[LogRow, list[Place]]:
        """Append to our own log in the newest room of a circle; call `mark` after the transaction."""
        row = tx.logs.get(offers.load(tx).current(circle).origin(self.me))
        if row is None:
            raise NotFoundError(f"There is no log for circle {b32(circle.key)[:8]}.")
        return log.append(tx, row, list(drafts), seed=self.seed(tx), random=self.random)

    def now(self) -> str:
        """Return the time now as RFC 3339."""
        return stamp(self.clock())

    def in_force(self, tx: Transaction) -> InForce:
        """Return the rooms and the fold of their acts; what is new is folded onto what is known."""
        undone, seen = self.store.undone(), tx.seen()
        newest = self._folded
        known = [newest[0]] if newest is not None and newest[1] == undone else []
        known += [self._kept] if self._kept is not None else []
        found = next((each for each in known if seen.mark in each.marks), None) or self._fold(tx, known)
        if len(found.marks) >= MAX_MARKS:
            found.marks.clear()
        found.marks.add(seen.mark)
        self._folded = found, undone
        if seen.settled:
            self._kept = found
        return found.in_force

    def _fold(self, tx: Transaction, known: list[Folded]) -> Folded:
        """Return the fold of what is seen now, begun with one of those known if nothing but new acts came since."""
        rooms, moved = offers.load(tx), tx.payloads.moved(GOVERNANCE)
        logs = {row.id: row for row in tx.logs.all() if row.circle}
        stopped = [row for row in logs.values() if row.stopped]
        forked = {origin_hash(row.origin): forked_logs.digest(tx, row) for row in stopped}
        ends = {number: gaps.first(tx, row) for number, row in logs.items()}
        sizes = {number: min(row.size, ends[number]) for number, row in logs.items()}
        held = next((each for each in known if each.leads_to(rooms, moved, forked, sizes)), None)
        view: View | None = None
        rows: list[PayloadRow] = []
        if held is not None:
            before = held.sizes
            grown = [(number, before.get(number, 0)) for number, size in sizes.items() if size > before.get(number, 0)]
            fresh = (row for number, start in grown for row in tx.payloads.acts_of(number, GOVERNANCE, start))
            rows = [row for row in fresh if row.index < ends[row.log]]
            view = held.in_force.view.extended(_acts(tx, logs, rows)) if rows else held.in_force.view
        if view is None or view.outdated:
            rows = [row for row in tx.payloads.acts(GOVERNANCE) if row.index < ends[row.log]]
            acts = [*_acts(tx, logs, rows), *(act for row in stopped for act in forked_logs.acts(tx, row))]
            view = fold(FOLDED, {act.place: act for act in acts}.values(), rooms, frozenset(forked))
        for each in rows:
            sizes[each.log] = max(sizes[each.log], each.index + 1)
        return Folded(rooms, sizes, moved, forked, InForce(rooms, gaps.settled(tx, view, self.me), self.me), set())

    def history(self, tx: Transaction, member: Member) -> KeyHistory:
        """Return a member's verified key history; NotFoundError if none is held."""
        row = key_logs.open_log(tx, member) if member == self.me else tx.logs.get(keys_origin(member))
        if row is None or row.size == 0:
            raise NotFoundError(f"No keys are known of member {b32(member)[:8]}.", hint="Pair with it first.")
        key = (member, row.size)
        if key not in self._histories:
            self._histories[key] = key_logs.history(tx, member)
        return self._histories[key]

    def name_of(self, tx: Transaction, member: Member) -> str:
        """Return a member's name, its short id while no keys of it are held."""
        try:
            return self.history(tx, member).current.name
        except EntenteError:
            return b32(member)[:8]

    def find_member(self, tx: Transaction, text: str) -> Member:
        """Return the member meant by an id, an unambiguous prefix of one, or a unique name."""
        known = {row.member: self.name_of(tx, Member(row.member)) for row in tx.logs.all() if not row.circle}
        return Member(find(text, [(member, b32(member), name) for member, name in known.items()], "member"))

    def find_circle(self, in_force: InForce, text: str) -> Room:
        """Return the circle meant by its id, prefix or name, or by the id or name of its agreement."""
        rooms = list(in_force.rooms.newest())
        options = [(each.key, b32(each.circle), each.text.name) for each in rooms]
        founding = [(each.key, b32(each.agreement), each.agreement_name) for each in rooms if each.founding]
        try:
            return in_force.rooms.require(find(text, options, "circle"))
        except NotFoundError as problem:
            if problem.code == "ambiguous":
                raise
            return in_force.rooms.require(find(text, founding, "circle"))


def _acts(tx: Transaction, logs: Mapping[int, LogRow], rows: Iterable[PayloadRow]) -> list[Act]:
    """Return governance acts as a fold reads them."""
    hashed = {number: origin_hash(row.origin) for number, row in logs.items()}
    return [
        Act(
            Place(hashed[each.log], each.index, tx.logs.node(each.log, 0, each.index)),
            Member(logs[each.log].member),
            logs[each.log].circle,
            each.kind,
            each.time,
            canon.load(each.data),
        )
        for each in rows
    ]
