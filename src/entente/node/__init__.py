"""The node: one member's home, opened, with everything that people and programs may do with it.

    from entente.node import Node

    with Node.open(Path("home")) as node:
        node.items.import_files([Path("report.json")], tlp="TLP:GREEN", circle="Harbour circle")
        node.exchange.sync()

This is the composition root: clock, disk, network and randomness enter the house here and nowhere else.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Self

import msgspec

from entente.core import keys
from entente.core.errors import ConflictError
from entente.core.ids import b32, member_id, unb32, words
from entente.core.names import check_name
from entente.ledger.history import KeyRecord
from entente.ledger.keys import found
from entente.node.agreements import Agreements
from entente.node.base import Base
from entente.node.books import Books
from entente.node.caller import Caller, HttpCaller
from entente.node.door import Door
from entente.node.health import doctor
from entente.node.home import Home, Secrets, abandon, check_url, finish, make_secrets, prepare, write_durably
from entente.node.items import Items
from entente.node.live import Live
from entente.node.partners import Partners
from entente.node.people import OwnProfile, People, add_person
from entente.node.rounds import Rounds
from entente.node.settings import Settings
from entente.node.sharing import Sharing
from entente.node.values import Founded, Health
from entente.store.sqlite import SqliteStore

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType


__all__ = ["Node", "found_member"]


def _clock() -> int:
    return int(time.time() * 1000)


class Node:
    """One member's node; every part may be used from several threads.

    `partners`, `agreements`, `items`, `sharing`, `exchange`, `ledger`, `people`, `profile`, `settings`: what it can do.
    `run` and `door` are for whoever serves it.
    """

    def __init__(self, base: Base, caller: Caller) -> None:
        """Compose the parts around a base that holds a member; use `Node.open`."""
        with base.store.read() as tx:
            current = base.history(tx, base.me).current
            operator = (tx.records.get("setting", "operator") or b"").decode()
        self.base = base
        self._caller = caller
        self.member = b32(base.me)
        self.name = current.name
        self.url = current.url
        self.words = list(words(base.me))
        self.operator = operator
        self.partners = Partners(base, caller)
        self.agreements = Agreements(base)
        self.sharing = Sharing(base)
        self.items = Items(base, self.sharing)
        self.exchange = Rounds(base, caller, self.partners, self.agreements)
        self.ledger = Books(base)
        self.people = People(base)
        self.profile = OwnProfile(base)
        self.settings = Settings(base)
        self.door = Door(base, self.partners, self.exchange)

    @staticmethod
    def init(home: Path, *, name: str, url: str, recovery: Path | None = None) -> Founded:
        """Make a home with new keys and return who lives there; all of it or nothing.

        ConflictError if the home or the recovery file exists, InvalidError for a name or url that cannot be used. The
        recovery file holds the next key; take it away from this machine.
        """
        check_name(name)
        check_url(url)
        recovery = recovery or home.absolute().with_name(f"{home.absolute().name}.recovery")
        building = prepare(home, recovery)
        seeds = [os.urandom(32) for _ in range(5)]
        try:
            secrets = make_secrets(seeds, name, url, time.time())
            person = _fill(Home(building), secrets, name, url)
            write_durably(recovery, _recovery(seeds[4], secrets, name))
            finish(building, home)
        except BaseException:
            abandon(building)
            raise
        member = member_id(keys.public_of(secrets.seed("log")))
        with Node.open(home) as node:
            node.base.mark()
        return Founded(b32(member), name, list(words(member)), str(recovery), person)

    @classmethod
    def open(cls, home: Path) -> Node:
        """Open a home; StoreError with a hint if nobody lives there or it cannot be used."""
        files = Home(home)
        files.check()
        secrets = files.secrets()
        store = SqliteStore(files.database)
        me = member_id(keys.public_of(secrets.seed("log")))
        base = Base(files, store, secrets, clock=_clock, random=os.urandom, nonce=store.nonce, me=me)
        try:
            base.check_guard()
            return cls(base, HttpCaller(base))
        except BaseException:
            store.close()
            raise

    def doctor(self) -> Health:
        """Say what is wrong with this home, and what to do."""
        return doctor(self.base, self.partners)

    @property
    def tls_files(self) -> tuple[str, str] | None:
        """The PEM texts (certificate, key) to serve https with, None for plain http on loopback."""
        secrets = self.base.secrets
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
        Live(self.base, self._caller, self.partners, self.exchange, self.door).run(stop, on_ready)

    def close(self) -> None:
        """Release files and connections."""
        self._caller.close()
        self.base.store.close()

    def __enter__(self) -> Self:
        """Return the node."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()


def _fill(home: Home, secrets: Secrets, name: str, url: str) -> str:
    """Write a new home's files; return the operator's person id."""
    write_durably(home.secrets_file, msgspec.json.encode(secrets))
    store = SqliteStore(home.database, create=True, nonce=os.urandom(16))
    try:
        me = member_id(keys.public_of(secrets.seed("log")))
        return found_member(Base(None, store, secrets, clock=_clock, random=os.urandom, me=me), name, url)
    finally:
        store.close()


def found_member(base: Base, name: str, url: str) -> str:
    """Write the first entry of a new member's key history and its operator into an empty store; return the person."""
    secrets = base.secrets
    record = KeyRecord(
        log=keys.public_of(secrets.seed("log")),
        witness=keys.public_of(secrets.seed("witness")),
        store=keys.public_of(secrets.seed("store")),
        transport=keys.public_of(secrets.seed("transport")),
        next=unb32(secrets.next, 32),
        name=name,
        url=url,
        tls=secrets.pin,
    )
    with base.store.write() as tx:
        found(tx, record, seed=secrets.seed("log"), time=base.clock(), random=base.random)
        person = add_person(tx, "operator", ["operator"], base.random(16)).person
        tx.records.put("setting", "operator", person.encode())
    return person


def _recovery(seed: bytes, secrets: Secrets, name: str) -> bytes:
    document = {
        "entente-recovery": 1,
        "member": b32(member_id(keys.public_of(secrets.seed("log")))),
        "name": name,
        "next": seed.hex(),
        "keep": "This is the next signing key. Keep it away from the node and its backups.",
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"
