"""A running node: notice what was committed, by whichever process, and bring partners level at once.

One thread watches the store; per partner one thread follows its stream of heads and one holds rounds.
"""

from __future__ import annotations

import fcntl
import logging
import threading
from contextlib import closing
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from entente.core.errors import ConflictError, EntenteError
from entente.core.ids import Member, b32
from entente.node.home import vault
from entente.node.home.keyring import Keyring
from entente.node.recall import retention

if TYPE_CHECKING:
    from collections.abc import Callable

    from entente.exchange.transport import Stream
    from entente.node.exchange.rounds import Rounds
    from entente.node.home.base import Base
    from entente.node.partners.caller import HttpCaller
    from entente.node.partners.partners import Partners
    from entente.node.peer import Door
    from entente.node.witness.courier import Courier
    from entente.node.work.plan.runner import Runner

POLL = 0.05
FULL_ROUND = 60.0
RETRY = (0.5, 1.0, 2.0, 5.0, 15.0, 60.0)
INDEX_EVERY = 5.0
PLANS_EVERY = 60.0
_log = logging.getLogger(__name__)


@dataclass
class Follower:
    """What runs for one partner."""

    member: Member
    due: threading.Event = field(default_factory=threading.Event)
    stream: Stream | None = None
    threads: list[threading.Thread] = field(default_factory=list[threading.Thread])


@dataclass(frozen=True)
class Parts:
    """What of a node works in the background."""

    partners: Partners
    rounds: Rounds
    door: Door
    courier: Courier
    runner: Runner


class Live:
    """The background work of `entente up`."""

    def __init__(self, base: Base, caller: HttpCaller, parts: Parts) -> None:
        """Work on this base; `run` starts everything."""
        self._base = base
        self._caller = caller
        self._partners = parts.partners
        self._rounds = parts.rounds
        self._door = parts.door
        self._courier = parts.courier
        self._runner = parts.runner
        self._work = threading.Event()
        self._worker = threading.Thread(target=self._run_plans, daemon=True, name="plans")
        self._followers: dict[Member, Follower] = {}
        self._stop = threading.Event()
        self._url = ""

    def lock(self) -> IO[bytes]:
        """Take the lock of the home; ConflictError while another `up` holds it. Close the file to release it."""
        if self._base.home is None:
            raise ConflictError("A node without a home does not run.")
        file = self._base.home.lock_file.open("ab")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as problem:
            file.close()
            raise ConflictError("Another `entente up` serves this home already.", hint="Stop it first.") from problem
        return file

    def run(self, stop: threading.Event, on_ready: Callable[[], None] | None = None) -> None:
        """Work until `stop` is set; ConflictError if another process serves this home."""
        if self._base.keys.locked:
            raise vault.locked()
        with self.lock():
            self._stop = stop
            with self._base.store.read() as tx:
                self._url = self._base.history(tx, self._base.me).current.url
            self._quietly("fold", self._fold)
            self._courier.start()
            self._work.set()
            self._worker.start()
            if on_ready is not None:
                on_ready()
            try:
                self._watch()
            finally:
                self._end()

    def _watch(self) -> None:
        """Look for commits, of other processes too, and wake whom they concern."""
        store, version, waited, unindexed = self._base.store, -1, 0.0, 0.0
        while not self._stop.is_set():
            self._base.changed.wait(POLL)
            self._base.changed.clear()
            current = store.version()
            waited, unindexed = waited + POLL, unindexed + POLL
            if current != version:
                version = current
                if Keyring(self._base).outdated(self._url):
                    self._stop.set()  # whoever serves us begins again with the new keys
                    return
                self._quietly("sign", self._sign)
                self._quietly("settle", self._rounds.settle)
                self._door.wake()
                self._courier.wake()
                self._work.set()
                self._follow()
                self._wake_callers()
            elif waited >= FULL_ROUND:
                waited = 0.0
                for follower in self._followers.values():
                    follower.due.set()
            elif unindexed >= INDEX_EVERY:
                unindexed = 0.0
                self._quietly("index", self._index)

    def _run_plans(self) -> None:
        """Bring plans forward whenever something was committed, or a deadline, delay or limit is over."""
        while not self._stop.is_set():
            due = self._runner.due.next_look
            left = (due - self._base.clock()) / 1000 if due else PLANS_EVERY
            self._work.wait(max(min(left, PLANS_EVERY), POLL))
            self._work.clear()
            if not self._stop.is_set():
                self._quietly("plans", self._bring_forward)

    def _bring_forward(self) -> None:
        self._runner.tick()

    def _fold(self) -> None:
        """Fold what is there before anybody is answered; from then on only what is new costs something."""
        with self._base.store.read() as tx:
            self._base.in_force(tx)

    def _sign(self) -> None:
        """Sign what commands that cannot open the keys have kept unsigned."""
        self._base.guard.sign_kept()

    def _index(self) -> None:
        """Bring the search index forward a little while nothing else happens, and finish what was erased."""
        with self._base.store.write() as tx:
            tx.items.index(500)
        retention.sweep(self._base)
        self._base.store.purge()

    def _wake_callers(self) -> None:
        for follower in self._followers.values():
            if not self._door.listens(follower.member):
                follower.due.set()

    def _follow(self) -> None:
        """Start what runs for each partner that is new."""
        for member in [*self._partners.members("paired"), *self._partners.members("waiting")]:
            if member in self._followers:
                continue
            follower = Follower(member)
            follower.due.set()
            self._followers[member] = follower
            for work in (self._hold_rounds, self._listen):
                thread = threading.Thread(
                    target=work, args=(follower,), daemon=True, name=f"{work.__name__}-{b32(member)[:8]}"
                )
                follower.threads.append(thread)
                thread.start()

    def _hold_rounds(self, follower: Follower) -> None:
        """Hold a round whenever one is due; a partner that cannot be reached is tried again, ever more slowly."""
        failures = 0
        while not self._stop.is_set():
            follower.due.wait(RETRY[min(failures, len(RETRY) - 1)] if failures else 1.0)
            if self._stop.is_set():
                return
            if not follower.due.is_set() and not failures:
                continue
            follower.due.clear()
            failures = 0 if self._quietly("round", lambda: self._round(follower.member)) else failures + 1

    def _round(self, member: Member) -> None:
        if member in self._partners.members("waiting"):
            self._partners.tell(member)
        if member in self._partners.members("paired"):
            done = self._rounds.round(member)
            if done.error:
                raise EntenteError(done.error)

    def _listen(self, follower: Follower) -> None:
        """Follow a partner's heads; each that is not held here makes a round due."""
        failures = 0
        while not self._stop.is_set():
            if self._quietly("stream", lambda: self._read(follower)):
                failures = 0
            failures += 1
            self._stop.wait(RETRY[min(failures, len(RETRY) - 1)])

    def _read(self, follower: Follower) -> None:
        if follower.member not in self._partners.members("paired"):
            return
        with closing(self._caller.stream(follower.member)) as stream:
            follower.stream = stream
            follower.due.set()
            for origin in self._caller.heads(stream):
                if self._stop.is_set():
                    return
                _log.debug("head of %s", origin)
                follower.due.set()

    def _quietly(self, what: str, work: Callable[[], None]) -> bool:
        """Do background work; say whether it went well, and log why not: it is tried again later."""
        try:
            work()
        except EntenteError as problem:
            _log.info("%s: %s", what, problem.message)
            return False
        except Exception:  # noqa: BLE001 - a task boundary: one failure must not end the node
            _log.exception("%s failed", what)
            return False
        return True

    def _end(self) -> None:
        self._stop.set()
        self._work.set()
        self._courier.wake()
        for follower in self._followers.values():
            follower.due.set()
            if follower.stream is not None:
                follower.stream.close()
        for follower in self._followers.values():
            for thread in follower.threads:
                thread.join(timeout=1.0)
        self._courier.join(timeout=1.0)
        self._worker.join(timeout=5.0)
