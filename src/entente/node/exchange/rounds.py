"""Rounds with partners: call out, answer, and say what happened (docs/protocol/4-exchange.md)."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING

from entente.core.errors import EntenteError, RefusedError
from entente.core.ids import Member, b32
from entente.core.times import DAY
from entente.exchange.messages import Message, Refusal, decode, encode
from entente.exchange.round import Round
from entente.node.exchange.misbehaviour import Manners
from entente.node.exchange.side import MemberSide
from entente.node.home import vault
from entente.node.home.pairings import is_paired
from entente.node.partners.values import Flow, Synced
from entente.node.recall import retention
from entente.store import shelf

if TYPE_CHECKING:
    from entente.node.agreements.agreements import Agreements
    from entente.node.home.base import Base
    from entente.node.partners.caller import Caller
    from entente.node.partners.partners import Partners

CONTACT = shelf.number("contact")
"""By partner: when it was there last (ms), noted once a day."""
"""The records of when each partner was there last."""

MAX_TRIPS = 100_000
MAX_STILL = 16
"""Trips in a row that may move no entry; a partner that goes on talking then is not listened to any longer."""
Progress = Callable[[str, int, int], None]


class Rounds:
    """Exchange with partners, from both ends."""

    def __init__(self, base: Base, caller: Caller, partners: Partners, agreements: Agreements) -> None:
        """Work on this base and call through this caller."""
        self._base = base
        self._caller = caller
        self._partners = partners
        self._agreements = agreements
        self._busy: dict[Member, threading.Lock] = defaultdict(threading.Lock)
        self._days: dict[Member, int] = {}
        self.manners = Manners(base.clock)

    def sync(self, partner: str = "", progress: Progress | None = None) -> list[Synced]:
        """Hold a round with one or all paired partners; what goes wrong with one stands in its `error`.

        WaitingError while the keys are sealed: calls are signed.
        """
        if self._base.keys.locked:
            raise vault.locked()
        self._agreements.settle()
        self._accept_waiting()
        if partner:
            with self._base.store.read() as tx:
                members = [self._base.find_member(tx, partner)]
        else:
            members = list(self._partners.members("paired"))
        return [self.round(member, progress) for member in members]

    def settle(self) -> None:
        """Say in our logs what follows from what has come into force, whoever brought it; see `Agreements.settle`."""
        self._agreements.settle()

    def _accept_waiting(self) -> None:
        for member in self._partners.members("waiting"):
            try:
                self._partners.tell(member)
            except EntenteError:
                continue

    def round(self, partner: Member, progress: Progress | None = None) -> Synced:
        """Hold one round with a partner; never raises for what the partner does."""
        with self._busy[partner]:
            round_ = Round(MemberSide(self._base), partner)
            error = ""
            try:
                retention.sweep(self._base)
                doubted = self._doubted()
                self._hold(round_, progress)
                doubted = doubted or self._doubted()
                if self._agreements.settle() or doubted:
                    self._hold(round_, progress)
                if doubted and not self._doubted():  # what was kept unsigned is signed now, and goes out
                    self._hold(round_, progress)
                self.heard(partner)
            except EntenteError as problem:
                error = problem.message if not problem.hint else f"{problem.message} {problem.hint}"
        flow = round_.flow
        refusals = [
            *({"by": "partner", **_row(each)} for each in round_.refused),
            *({"by": "us", **_row(each)} for each in round_.stuck),
        ]
        return Synced(
            b32(partner),
            Flow(flow.sent_entries, flow.sent_bytes),
            Flow(flow.received_entries, flow.received_bytes),
            error,
            refusals[:100],
        )

    def _hold(self, round_: Round, progress: Progress | None) -> None:
        with self._base.store.write() as tx:
            self._check_paired(round_.partner, is_paired(tx, round_.partner))
            message = round_.open(tx)
        before, moved, still = b"", 0, 0
        for _ in range(MAX_TRIPS):
            body = encode(message)
            if body == before or still > MAX_STILL:
                break  # neither side gets anywhere
            before = body
            reply = decode(self._caller.exchange(round_.partner, body))
            round_.flow.trips += 1
            message = self.take(round_, reply)
            still = still + 1 if moved == round_.flow.sent_entries + round_.flow.received_entries else 0
            moved = round_.flow.sent_entries + round_.flow.received_entries
            if progress is not None:
                progress("exchange", round_.flow.sent_entries + round_.flow.received_entries, 0)
            if message.empty():
                break

    def _check_paired(self, partner: Member, paired: bool) -> None:
        if not paired:
            raise RefusedError(
                f"{b32(partner)[:8]} is not paired with you.",
                code="not-entitled",
                hint="Both sides confirm the words first.",
            )

    def take(self, round_: Round, message: Message) -> Message:
        """Take a message and return the answer; one transaction, signed bytes leave only after its commit."""
        with self._base.store.read() as tx:
            doubted = self._base.guard.doubted(tx)
        if message.changes() or doubted:
            with self._base.commit() as tx:
                reply = round_.turn(tx, message)
        else:
            with self._base.store.read() as tx:
                reply = round_.turn(tx, message)
        return reply

    def _doubted(self) -> bool:
        with self._base.store.read() as tx:
            return bool(self._base.guard.doubted(tx))

    def heard(self, partner: Member) -> None:
        """Note, once a day, that a partner was there, by whatever way."""
        now = self._base.clock()
        if self._days.get(partner) == now // DAY:
            return
        self._days[partner] = now // DAY
        with self._base.store.read() as tx:
            held = CONTACT.get(tx, b32(partner))
        if held is None or held // DAY != now // DAY:
            with self._base.store.write() as tx:
                CONTACT.put(tx, b32(partner), now)

    def answer(self, partner: Member, body: bytes) -> bytes:
        """Answer a partner's message; LimitError "busy" for one that sends too much that does not verify."""
        self.manners.check(partner)
        try:
            message = decode(body)
        except EntenteError:
            self.manners.bad(partner)
            raise
        round_ = Round(MemberSide(self._base), partner)
        with self._base.store.read() as tx:
            self._check_paired(partner, is_paired(tx, partner))
        self.heard(partner)
        reply = self.take(round_, message)
        self.manners.judge(partner, {each.code for each in round_.stuck})
        return encode(reply)


def _row(refusal: Refusal) -> dict[str, str]:
    return {"code": refusal.code[:64], "subject": refusal.subject[:200], "text": refusal.text[:500]}
