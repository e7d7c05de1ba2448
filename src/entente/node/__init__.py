"""The node: one member's home, opened, with everything that people and programs may do with it.

    from entente.node import Node

    with Node.open("home") as node:
        node.items.import_files(["report.json"], tlp="TLP:GREEN", circle="Harbour circle")
        node.exchange.sync()

This is the composition root: clock, disk, network and randomness enter the house here and nowhere else.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from entente.core.errors import ConflictError, EntenteError
from entente.core.ids import b32, words
from entente.core.names import check_name
from entente.ledger.keys import found
from entente.node import backups, inherit
from entente.node.agreements.agreements import Agreements
from entente.node.doctor import doctor as examine
from entente.node.exchange.bundles import Bundles
from entente.node.exchange.rounds import Rounds
from entente.node.home import vault
from entente.node.home.base import Base
from entente.node.home.checked import checked
from entente.node.home.files import Home, Secrets, abandon, check_url, finish, make_secrets, prepare, write_durably
from entente.node.home.keyring import Keyring, record_of, write_recovery
from entente.node.home.people import OPERATOR, SETTINGS, OwnProfile, People, add_person
from entente.node.home.settings import Settings
from entente.node.home.values import Backed, Founded, Health, Inherited, KeysKept, Written
from entente.node.home.written import PathLike, path_of, write_file
from entente.node.items.items import Items
from entente.node.items.onward import Onward
from entente.node.items.sharing import Sharing
from entente.node.ledger import Ledger
from entente.node.partners.caller import Caller, HttpCaller
from entente.node.partners.partners import Partners
from entente.node.partners.successions import Successions
from entente.node.peer import Door
from entente.node.recall.recalls import Recalls
from entente.node.up import Live, Parts
from entente.node.witness.cosign import Witnessing
from entente.node.witness.courier import Courier
from entente.node.witness.submit import Outside
from entente.node.witness.values import AllSynced
from entente.node.work.case.cases import Cases
from entente.node.work.disclosure.disclosures import Disclosures
from entente.node.work.disclosure.dossiers import Dossiers
from entente.node.work.export import Exports, Sources
from entente.node.work.plan.plans import Plans
from entente.node.work.request.requests import Requests
from entente.node.work.session.minutes import Minutes
from entente.node.work.session.sessions import Sessions
from entente.node.work.tempo import Tempos
from entente.node.work.warning.warnings import Warnings
from entente.store.sqlite.store import SqliteStore

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

    from entente.node.exchange.rounds import Progress

__all__ = ["Node", "found_member"]


for _part in (Bundles, Plans, Rounds):
    checked(_part)


def _clock() -> int:
    return int(time.time() * 1000)


@checked
class Node:
    """One member's node; every part may be used from several threads.

    `partners`, `agreements`, `items`, `sharing`, `recalls`, `onward`, `exchange`, `bundles`, `ledger`, `people`,
    `profile`, `settings`, `keys`, `successions`: what it can do. `requests`, `warnings`, `sessions`, `minutes`,
    `cases`, `plans`, `disclosures`, `dossiers`, `exports`, `tempo`: joint work. `run` and `door` are for whoever serves
    it.
    """

    def __init__(self, base: Base, caller: Caller) -> None:
        """Compose the parts around a base that holds a member; use `Node.open`."""
        with base.store.read() as tx:
            current = base.history(tx, base.me).current
            operator = SETTINGS.get(tx, OPERATOR) or ""
        self.base = base
        self._caller = caller
        self.member = b32(base.me)
        self.name = current.name
        self.words = list(words(base.me))
        self.operator = operator
        self.partners = Partners(base, caller)
        self.agreements = Agreements(base)
        self.sharing = Sharing(base)
        self.items = Items(base, self.sharing)
        self.exchange = Rounds(base, caller, self.partners, self.agreements)
        self.recalls = Recalls(base, self.sharing)
        self.onward = Onward(base)
        self.bundles = Bundles(base, self.partners, self.exchange, self.agreements)
        self.ledger = Ledger(base)
        self.people = People(base)
        self.profile = OwnProfile(base)
        self.settings = Settings(base)
        self.keys = Keyring(base)
        self.successions = Successions(base)
        self.witness = Witnessing(base)
        self.outside = Outside(base, caller)
        self.requests = Requests(base)
        self.sessions = Sessions(base)
        self.minutes = Minutes(base)
        self.disclosures = Disclosures(base, self.items)
        self.dossiers = Dossiers(base, self.minutes)
        self.cases = Cases(base)
        self.plans = Plans(base)
        self.exports = Exports(base, Sources(self.sessions, self.minutes, self.cases, self.requests, self.plans))
        self.tempo = Tempos(base)
        self.warnings = Warnings(base, self.sharing)
        self.door = Door(base, self.partners, self.exchange)

    @staticmethod
    def init(
        home: PathLike, *, name: str, url: str, recovery: PathLike | None = None, lock: vault.Lock | None = None
    ) -> Founded:
        """Make a home with new keys, sealed by `lock` if there is one, and return who lives there; all or nothing.

        `home` is a folder that does not exist yet. `recovery` is the recovery file, else `HOME.recovery` beside it; it
        holds the next key: take it away from this machine. ConflictError if the home or the recovery file exists,
        InvalidError for a name, url or path that cannot be used.
        """
        check_name(name)
        check_url(url)
        home = path_of(home)
        recovery = (
            path_of(recovery) if recovery is not None else home.absolute().with_name(f"{home.absolute().name}.recovery")
        )
        building = prepare(home, recovery)
        seeds = [os.urandom(32) for _ in range(6)]
        try:
            secrets = make_secrets(seeds, name, url, time.time())
            person = _fill(Home(building), secrets, name, url, lock)
            write_durably(recovery, write_recovery(secrets.owner, name, seeds[4]))
            finish(building, home)
        except BaseException:
            abandon(building)
            raise
        member = secrets.owner
        with Node.open(home) as node:
            node.base.guard.mark()
        return Founded(b32(member), name, list(words(member)), str(recovery), person)

    @staticmethod
    def succeed(
        home: PathLike,
        *,
        recovery: PathLike,
        card: bytes,
        out: PathLike | None = None,
        new_card: PathLike | None = None,
        url: str = "",
        lock: vault.Lock | None = None,
    ) -> Inherited:
        """Make a new home for a member whose home or keys are lost, from its recovery file and last card.

        `card` are the bytes of the last card. `out` is where the next recovery file is written, else beside the old
        one; `new_card` is where the new card is written, else `HOME.card` beside the home. See
        `entente.node.inherit.begin` for what is raised.
        """
        return inherit.begin(home, recovery=recovery, card=card, out=out, new_card=new_card, url=url, lock=lock)

    @classmethod
    def open(cls, home: PathLike, unlock: vault.Unlock | None = None) -> Node:
        """Open a home (its folder); StoreError with a hint if nobody lives there or it cannot be used.

        Sealed keys that `unlock` does not open leave the node locked: it reads, and what it appends waits for the
        signature of one that is not. VerificationError if `unlock` has the wrong passphrase or key.
        """
        files = Home(path_of(home))
        files.check()
        held = vault.load(files, unlock)
        store = SqliteStore(files.database)
        base = Base(
            files,
            store,
            held.secrets,
            clock=_clock,
            random=os.urandom,
            nonce=store.nonce,
            me=held.member,
            lock=held.lock,
        )
        try:
            base.guard.check()
            Keyring(base).complete()
            base.guard.sign_kept()
            return cls(base, HttpCaller(base))
        except BaseException:
            store.close()
            raise

    @property
    def url(self) -> str:
        """The address at which partners call this member now."""
        with self.base.store.read() as tx:
            return self.base.history(tx, self.base.me).current.url

    @property
    def locked(self) -> bool:
        """Say whether the keys are sealed and were not opened."""
        return self.base.keys.locked

    def clock(self) -> int:
        """Return the time now, in milliseconds since 1970, by this node's clock."""
        return self.base.clock()

    @property
    def protection(self) -> str:
        """How the keys are kept on disk: "none", "passphrase" or "key-file"."""
        return vault.NONE if self.base.home is None else vault.load(self.base.home).kind

    def protect(self, lock: vault.Lock | None) -> KeysKept:
        """Seal the keys with another lock, or keep them in the clear (None); return how they are kept now.

        WaitingError while they are locked.
        """
        self.base.keys.protect(lock)
        return KeysKept(self.protection)

    def backup(self, out: PathLike) -> Backed:
        """Write one file that brings this home back (`entente restore`), while others go on working in it.

        ConflictError if the file exists; InvalidError if it would lie in the home.
        """
        return backups.backup(self.base, path_of(out))

    def write(self, out: PathLike, data: bytes) -> Written:
        """Write what a part gave as bytes (a proof, a dossier, a bundle) into a file, replacing what was there.

        InvalidError or NotFoundError if it cannot be written there; then what was there stays.
        """
        return write_file(out, [data])

    def sync(self, partner: str = "", *, progress: Progress | None = None) -> AllSynced:
        """Exchange with one partner or with all, then bring the outside witnesses level with our heads.

        What goes wrong with a partner or a witness stands in the answer. `progress` is called with what is being done,
        how much of it is done, and how much there is. NotFoundError for an unknown partner.
        """
        rounds = self.exchange.sync(partner, progress=progress)
        return AllSynced(rounds, self.outside.post_all())

    def doctor(self) -> Health:
        """Say what is wrong with this home, and what to do."""
        return examine(self.base, self.partners)

    @property
    def tls_files(self) -> tuple[str, str] | None:
        """The PEM texts (certificate, key) to serve https with, None for plain http on loopback."""
        secrets = self.base.keys.secrets
        return (secrets.tls_cert, secrets.tls_key) if secrets.tls_cert else None

    @property
    def home(self) -> Path:
        """Where this member lives."""
        if self.base.home is None:
            raise ConflictError("This node has no home.")
        return self.base.home.path

    def run(self, stop: threading.Event, on_ready: Callable[[], None] | None = None) -> None:
        """Bring partners level at once, in the background, until `stop`; ConflictError if another process does."""
        if not isinstance(self._caller, HttpCaller):
            raise ConflictError("This node does not call over the network.")
        courier = Courier(self.outside, stop)
        parts = Parts(self.partners, self.exchange, self.door, courier, self.plans.runner)
        Live(self.base, self._caller, parts).run(stop, on_ready)

    def close(self) -> None:
        """Finish what was erased, and release files and connections."""
        self._caller.close()
        with suppress(EntenteError):  # a reader is in the way, or it is closed: the next opening finishes it
            self.base.store.purge()
        self.base.store.close()

    def __enter__(self) -> Self:
        """Return the node."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()


def _fill(home: Home, secrets: Secrets, name: str, url: str, lock: vault.Lock | None) -> str:
    """Write a new home's files; return the operator's person id."""
    write_durably(home.secrets_file, vault.encode(secrets, lock, os.urandom))
    store = SqliteStore(home.database, create=True, nonce=os.urandom(16))
    try:
        me = secrets.owner
        return found_member(Base(None, store, secrets, clock=_clock, random=os.urandom, me=me), name, url)
    finally:
        store.close()


def found_member(base: Base, name: str, url: str) -> str:
    """Write the first entry of a new member's key history and its operator into an empty store; return the person."""
    secrets = base.keys.secrets
    record = record_of(secrets, name, url)
    with base.store.write() as tx:
        found(tx, record, seed=secrets.seed("log"), time=base.clock(), random=base.random)
        person = add_person(tx, "operator", ["operator"], base.random(16)).person
        SETTINGS.put(tx, OPERATOR, person)
    return person
