"""What this member takes from a partner: entries judged and stored, payloads, offers, cosignatures, refusals.

docs/protocol/2-ledger.md, "Accepting entries"; the inbox of a round (`exchange.side`).
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from msgspec import structs

from entente.core import canon, entry, note
from entente.core.errors import EntenteError, LimitError, RefusedError, VerificationError
from entente.core.ids import Member, b32, origin_hash
from entente.core.merkle import leaf_hash
from entente.exchange.messages import MAX_STRAYS
from entente.exchange.side import forked
from entente.ledger import log, witness
from entente.ledger.history import own_line
from entente.ledger.log import Accepted, Draft, Judged
from entente.ledger.package import Column
from entente.node.agreements.epochs import take_history
from entente.node.exchange import quota, strays
from entente.node.exchange.heads import signer_of
from entente.node.items import claims, erasing
from entente.node.logs import evidence, witnessed
from entente.node.partners import successions
from entente.node.recall import passed_on
from entente.node.rooms import forked_logs, offers
from entente.node.rooms.filed import REFUSED
from entente.policy.approval import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entente.exchange.messages import Delivery, Head, Part
    from entente.exchange.side import Audience
    from entente.ledger.witness import Cosignature
    from entente.node.exchange.judging import Judging
    from entente.node.home.base import Base
    from entente.node.rooms.room import Room
    from entente.store.ports import LogRow, Transaction


class Intake:
    """Takes what a partner sends in a round, and signs what is held in return."""

    def __init__(self, base: Base, judging: Judging, audience: Audience, *, learns: bool = True) -> None:
        """Store in this base; with `learns` a partner that shows all we signed ends a doubt (`shown`)."""
        self.base = base
        self.me = base.me
        self.judging = judging
        self._audience = audience
        self._learns = learns
        self._strays = 0

    def accept(self, tx: Transaction, row: LogRow, part: Part) -> Accepted:
        """Verify, judge and store entries; append what we refuse to our own log of that circle."""
        if row.member == self.me and not self._rolled_back(tx, row, part):
            failure = RefusedError("A member does not take its own log from others.", code="stopped")
            return Accepted(row, 0, [], failure, held_back=False)
        if not row.circle:
            return self._accept_keys(tx, row, part)
        room = offers.load(tx).require(row.circle)
        try:
            signer = signer_of(self.base, tx, room, row, part.note)
            head = own_line(part.note, signer)
        except EntenteError as problem:
            return Accepted(row, 0, [], problem, held_back=False)
        kept: list[Draft] = []
        if row.member == self.me:
            row, kept = log.rewind(tx, row)
        over = None if row.member == self.me else quota.problem(tx, room, row, self.base.clock())
        accepted = log.accept(
            tx,
            row,
            head,
            [] if over else part.packages,
            key=signer.public_key,
            judge=lambda row, run, hashes: self._judged(tx, room, row, run, hashes),
        )
        if row.size < row.signed and row.member != self.me and not row.stopped:
            accepted = structs.replace(accepted, row=evidence.replaced(self.base, tx, row, accepted.row))
        if accepted.failure is not None or not part.packages:
            accepted = structs.replace(accepted, row=evidence.compare(self.base, tx, accepted.row, part))
        elif over is not None:
            accepted = structs.replace(accepted, failure=over)
        by_reason: dict[str, list[tuple[int, bytes]]] = defaultdict(list)
        for index, leaf, reason in accepted.refused:
            by_reason[reason].append((index, leaf))
        self._erase(tx, room)
        if row.member != self.me:
            claims.refuse(tx, self.base, room, origin_hash(row.origin), by_reason)
            return accepted
        return self._taken_back(tx, accepted, kept)

    def _accept_keys(self, tx: Transaction, row: LogRow, part: Part) -> Accepted:
        """Take entries of a key history, or keep evidence where it is another one than ours."""
        accepted = successions.take(tx, row, part.note, part.packages)
        if accepted.failure is None:
            return accepted
        return structs.replace(accepted, row=evidence.compare_keys(self.base, tx, accepted.row, part))

    def _taken_back(self, tx: Transaction, accepted: Accepted, kept: list[Draft]) -> Accepted:
        """Put what was kept unsigned behind what came back of our own log; a part of that has no head of its own."""
        row = accepted.row
        if row.size < row.signed:
            row = structs.replace(row, signed=row.size, note=b"")
            tx.logs.save(row)
        if kept := erasing.kept_again(tx, row, kept):
            row, _ = log.append(tx, row, kept, seed=None, random=self.base.random)
        return structs.replace(accepted, row=row)

    def _judged(self, tx: Transaction, room: Room, row: LogRow, run: list[Column], hashes: Sequence[bytes]) -> Judged:
        """Judge what may be taken of a run today; what we take back of our own is not counted."""
        if row.member == self.me:
            return self.judging.judge(tx, room, row, run, hashes)
        return quota.measured(
            tx,
            room,
            row,
            self.base.clock(),
            run,
            lambda fits: self.judging.judge(tx, room, row, run[:fits], hashes[:fits]),
        )

    def _erase(self, tx: Transaction, room: Room) -> None:
        """Do what the acts of this run ask to erase, and sign that it was done."""
        asked, self.judging.recalled = self.judging.recalled, []
        answered, self.judging.answered = self.judging.answered, []
        for erasure in asked:
            erasing.apply(tx, self.base, erasure)
            if erasure.by != self.me:
                erasing.answer(tx, self.base, room, erasure.log, erasure.entries)
            passed_on.follow(tx, self.base, self.judging.in_force(tx), erasure.log)
        for member, of in answered:
            passed_on.show(tx, self.base, self.judging.in_force(tx), member, of)

    def _rolled_back(self, tx: Transaction, row: LogRow, part: Part) -> bool:
        """Say whether a partner shows a head that we signed and do not hold: then this home is an old copy.

        From then on nothing is signed, and what we signed before is taken back from the partner.
        """
        try:
            history = self.base.history(tx, self.me)
            signer = history.signer(note.Note.parse(part.note))
            shown = note.open_checkpoint(part.note, signer)
        except EntenteError:
            return False
        if history.retired(signer) and not self.base.guard.doubted(tx):
            return False  # whoever has a key that we retired may sign what it likes
        if shown.size > row.signed:
            said = f"A partner holds {shown.size} entries of our log {row.origin}, this home {row.signed}."
            self.base.guard.doubt(tx, said)
        return bool(self.base.guard.doubted(tx))

    def deliver(self, tx: Transaction, row: LogRow, delivery: Delivery) -> bool:
        """Store a payload that was awaited, if it is the one that the leaf commits to."""
        if not row.circle or not self._awaits(tx, row, delivery.index):
            return False
        leaf = tx.logs.leaves(row.id, delivery.index, delivery.index + 1)[0]
        said = entry.parse(leaf)
        if entry.commitment(delivery.salt, delivery.payload) != said.commitment:
            raise VerificationError("The payload is not the one that the entry commits to.")
        gone = erasing.marks(tx, origin_hash(row.origin), delivery.index, delivery.index)
        if erasing.covers(gone, delivery.index, leaf_hash(leaf), said.kind):
            return False
        room = offers.load(tx).require(row.circle)
        now, size = self.base.clock(), len(delivery.payload)
        if (over := quota.problem(tx, room, row, now, size)) is not None:
            raise over
        column = Column(delivery.index, said.kind, said.time, size, delivery.salt, delivery.payload)
        judged = self.judging.judge(tx, room, row, [column], [leaf_hash(leaf)])
        if not judged.taken:
            return False
        quota.charge(tx, quota.account(tx, room, row, now), 0, size)
        tx.payloads.put(row.id, judged.payloads)
        if row.stopped:
            forked_logs.note(tx, row)
        self._erase(tx, room)
        if judged.refused:
            tx.payloads.settle(row.id, [delivery.index])
            named = {judged.refused[0][1]: [(delivery.index, leaf_hash(leaf))]}
            claims.refuse(tx, self.base, room, origin_hash(row.origin), named)
        return True

    def _awaits(self, tx: Transaction, row: LogRow, index: int) -> bool:
        """Say whether this entry is held without its payload, and was not refused by us."""
        if not 0 <= index < row.size or tx.payloads.get(row.id, index, index + 1):
            return False
        key = f"{b32(origin_hash(row.origin))}/{index:012d}/{b32(self.me)}/"
        return not REFUSED.holds(tx, key)

    def take_offer(self, tx: Transaction, partner: Member, offer: bytes) -> bool:
        """Take notice of an offered agreement, circle or revision, of a history, of evidence, or of strays."""
        told = canon.decode(offer, offers.MAX_HISTORY)
        if "evidence" in told:
            new = evidence.take(self.base, tx, told["evidence"])
        elif "strays" in told:
            self._strays += 1
            if self._strays > MAX_STRAYS:
                raise LimitError(f"At most {MAX_STRAYS} offers of acts of forked logs are taken in one round.")
            new = strays.take(self.base, tx, self.judging, told["strays"], forked(self._audience.common(tx, partner)))
        elif "history" in told:
            new = take_history(self.base, tx, offer, partner)
        else:
            in_force = self.base.in_force(tx)
            waiting = [each for each in in_force.rooms if each.first and each.offered_by == partner]
            open_ = sum(in_force.state(each) is State.PROPOSED for each in waiting)
            now = self.base.clock()
            new = offers.take(tx, in_force.rooms, offer, me=self.me, by=partner, time=now, open_=open_)
        self.judging.forget()
        if new and self.base.guard.lost(tx):
            self.base.guard.doubt(tx, "A circle came back to this home; what was signed in it before is awaited.")
        return new

    def take_cosignature(self, tx: Transaction, row: LogRow, given: Cosignature) -> bool:
        """Verify and keep a cosignature of a member of the log's audience."""
        if witness.holds(tx, given):
            return False
        if row.circle and given.member not in offers.load(tx).members(row.circle):
            raise VerificationError("A cosigner of this log is not in its circle.", code="not-entitled")
        history = self.base.history(tx, Member(given.member))
        line = note.Signature.parse(given.line).key_id
        if line in {each.key_id for each in history.cosigners()[2:]}:
            return False  # under a retired key: not counted, its member cosigns anew
        try:
            new = witness.take(tx, row, given, history.current)
        except VerificationError as problem:
            if problem.code == "split-view":
                evidence.keep_split(self.base, tx, row, given)
            raise
        if new:
            witnessed.note(tx, given)
        return new

    def cosign(self, tx: Transaction, row: LogRow) -> list[Cosignature]:
        """State what we hold of this log now."""
        secrets, now = self.base.keys.secrets, self.base.clock()
        made = witness.cosign(
            tx,
            tx.logs.get(row.origin) or row,
            self.me,
            witness_seed=secrets.seed("witness"),
            store_seed=secrets.seed("store"),
            now=now // 1000,
        )
        for each in made:
            witnessed.note(tx, each, now)
        return made

    def shown(self, tx: Transaction, row: LogRow, head: Head) -> None:
        """Learn how far a partner holds our own log: exactly what we signed means that this is no old copy of it.

        One that holds more shows it by our own signature (`_rolled_back`), not by a number. There is no doubt any more
        when each of our logs that anybody ever cosigned was shown so.
        """
        if (
            self._learns
            and self.base.guard.doubted(tx)
            and head.size == row.signed
            and witness.root_at(tx, row, head.size) == head.root
        ):
            self.base.guard.seen(tx, row)
