"""What partners may ask of this node: the calls behind the endpoints of docs/protocol/4-exchange.md."""

from __future__ import annotations

import threading
from collections import defaultdict
from typing import TYPE_CHECKING

from entente.core.errors import LimitError, NotFoundError
from entente.node.exchange.side import MemberSide
from entente.node.home.pairings import is_paired, pairing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entente.core.ids import Member
    from entente.node.exchange.rounds import Rounds
    from entente.node.home.base import Base
    from entente.node.partners.partners import Partners

MAX_STREAMS = 2


class Heads:
    """The new signed heads of the logs common with one partner, as they appear."""

    def __init__(self, door: Door, member: Member) -> None:
        """Start from the heads as they are now."""
        self._door = door
        self.member = member
        self._seen = door.heads(member)
        self._event = threading.Event()
        self._closed = False

    def wake(self) -> None:
        """Look again: something was committed."""
        self._event.set()

    def next(self, timeout: float) -> list[bytes] | None:
        """Return notes as soon as there are some, an empty list after `timeout` seconds, None once closed."""
        self._event.wait(timeout)
        self._event.clear()
        if self._closed:
            return None
        now = self._door.heads(self.member)
        fresh = [note for origin, note in now.items() if self._seen.get(origin) != note]
        self._seen = now
        return fresh

    def close(self) -> None:
        """End the subscription."""
        self._closed = True
        self._event.set()
        self._door.forget(self)


class Door:
    """The node as its partners reach it."""

    def __init__(self, base: Base, partners: Partners, rounds: Rounds) -> None:
        """Answer for this base."""
        self._base = base
        self._partners = partners
        self._rounds = rounds
        self._streams: dict[Member, list[Heads]] = defaultdict(list)
        self._lock = threading.Lock()

    @property
    def member(self) -> Member:
        """The member that lives here."""
        return self._base.me

    def transport_seed(self) -> bytes:
        """Return the private seed that signs answers."""
        return self._base.keys.secrets.seed("transport")

    def transport_key_of(self, member: Member) -> bytes:
        """Return the public key that signs a member's requests; NotFoundError for a member without a living pairing."""
        with self._base.store.read() as tx:
            record = pairing(tx, member)
            if record is None or record.dead:
                raise NotFoundError("This member is not known here.")
            return self._base.history(tx, member).current.transport

    def is_paired(self, member: Member) -> bool:
        """Say whether both sides have accepted each other."""
        with self._base.store.read() as tx:
            return is_paired(tx, member)

    def now(self) -> float:
        """Return the seconds since 1970."""
        return self._base.clock() / 1000

    def random(self, size: int) -> bytes:
        """Return that many unpredictable bytes."""
        return self._base.random(size)

    def handle_exchange(self, partner: Member, body: bytes) -> bytes:
        """Return the message that answers a paired partner's."""
        return self._rounds.answer(partner, body)

    def handle_pair(self, body: Mapping[str, object]) -> Mapping[str, object]:
        """Answer a pairing request of anybody."""
        return self._partners.answer(dict(body))

    def handle_accept(self, member: Member, body: Mapping[str, object]) -> Mapping[str, object]:
        """Answer a member that confirmed this one's words."""
        return self._partners.accepted(member, dict(body))

    def handle_card(self, body: Mapping[str, object]) -> None:
        """Take the key history of a member with a living pairing; NotFoundError for others."""
        self._partners.learn(dict(body))

    def handle_keys(self, member: Member) -> Mapping[str, object]:
        """Answer a member that called with its card: with ours."""
        return self._partners.greeting(member)

    def subscribe(self, member: Member) -> Heads:
        """Begin to collect new heads for a partner; LimitError if it has too many streams."""
        with self._lock:
            if len(self._streams[member]) >= MAX_STREAMS:
                raise LimitError(f"A partner has at most {MAX_STREAMS} event streams.")
            heads = Heads(self, member)
            self._streams[member].append(heads)
            return heads

    def forget(self, heads: Heads) -> None:
        """Collect no more for this subscription."""
        with self._lock:
            if heads in self._streams[heads.member]:
                self._streams[heads.member].remove(heads)

    def listens(self, member: Member) -> bool:
        """Say whether a partner has a stream open, so that it need not be called."""
        with self._lock:
            return bool(self._streams[member])

    def wake(self) -> None:
        """Let every subscription look for new heads."""
        with self._lock:
            for heads in [each for group in self._streams.values() for each in group]:
                heads.wake()

    def heads(self, member: Member) -> dict[str, bytes]:
        """Return the newest notes of the logs common with a partner that are held completely."""
        with self._base.store.read() as tx:
            if not is_paired(tx, member):
                return {}
            rows = MemberSide(self._base).audience.common(tx, member).rows
        return {row.origin: row.note for row in rows if row.note and row.size >= row.signed}
