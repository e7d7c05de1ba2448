"""What this member takes from a partner: entries judged and stored, payloads, offers, cosignatures, refusals.

docs/protocol/2-ledger.md, "Accepting entries"; the side that `exchange.session` runs for.
"""

from __future__ import annotations

from collections import defaultdict
from hashlib import sha256
from typing import TYPE_CHECKING

from msgspec import structs

from entente.core import entry, note
from entente.core.errors import EntenteError, RefusedError, VerificationError
from entente.core.ids import Member, b32, keys_origin, origin_hash
from entente.core.merkle import leaf_hash
from entente.ledger import forks, log, witness
from entente.ledger import keys as key_logs
from entente.ledger.log import Accepted, Draft
from entente.ledger.package import Column
from entente.node import charters as charter_book
from entente.node.judging import Judging
from entente.policy.approval import State

if TYPE_CHECKING:
    from entente.exchange.messages import Delivery, Head, Part
    from entente.ledger.witness import Cosignature
    from entente.node.base import Base
    from entente.store.ports import LogRow, Transaction


class Intake:
    """The side of one member in rounds with its partners."""

    def __init__(self, base: Base) -> None:
        """Work on this base."""
        self.base = base
        self.me = base.me
        self.judging = Judging(base)

    def common(self, tx: Transaction, partner: Member) -> list[LogRow]:
        """Return the logs that both are entitled to."""
        rows = {row.origin: row for row in map(tx.logs.get, map(keys_origin, (self.me, partner))) if row is not None}
        for charter in charter_book.load(tx):
            if partner in charter.text.members:
                rows |= {row.origin: row for row in charter_book.logs_of(tx, charter)}
        return sorted(rows.values(), key=lambda row: (row.circle, row.origin))

    def accept(self, tx: Transaction, row: LogRow, part: Part) -> Accepted:
        """Verify, judge and store entries; append what we refuse to our own log of that circle."""
        if row.member == self.me and not self._rolled_back(tx, row, part):
            failure = RefusedError("A member does not take its own log from others.", code="stopped")
            return Accepted(row, 0, [], failure, held_back=False)
        if not row.circle:
            return key_logs.take(tx, row, part.note, part.packages)
        charter = charter_book.load(tx).require(row.circle)
        try:
            key = self.base.history(tx, Member(row.member)).current.log
        except EntenteError as problem:
            return Accepted(row, 0, [], problem, held_back=False)
        kept: list[Draft] = []
        if row.member == self.me:
            row, kept = log.rewind(tx, row)
        accepted = log.accept(
            tx,
            row,
            part.note,
            part.packages,
            key=key,
            judge=lambda row, run, hashes: self.judging.judge(tx, charter, row, run, hashes),
        )
        if accepted.failure is not None:
            accepted = structs.replace(accepted, row=self._keep_evidence(tx, accepted.row, part))
        by_reason: dict[str, list[tuple[int, bytes]]] = defaultdict(list)
        for index, leaf, reason in accepted.refused:
            by_reason[reason].append((index, leaf))
        if row.member != self.me:
            self.judging.refuse(tx, charter, origin_hash(row.origin), by_reason)
        elif kept:
            row, _ = log.append(tx, accepted.row, kept, seed=None, random=self.base.random)
            return structs.replace(accepted, row=row)
        return accepted

    def _keep_evidence(self, tx: Transaction, row: LogRow, part: Part) -> LogRow:
        """Look whether the partner's head and ours contradict each other; if so keep both and stop the log."""
        if row.stopped or not row.note or row.size != row.signed or row.member == self.me:
            return row
        try:
            keys = self.base.history(tx, Member(row.member))
            found = forks.find(keys, row.note, part.note, lambda _one, _two: (part.root, part.link))
        except EntenteError:
            return row
        if found is None:
            return row
        data = forks.to_json(found)
        tx.records.put("evidence", b32(sha256(data).digest())[:16], data)
        row = structs.replace(row, stopped="its author signed two histories; the evidence is kept")
        tx.logs.save(row)
        return row

    def _rolled_back(self, tx: Transaction, row: LogRow, part: Part) -> bool:
        """Say whether a partner shows a head that we signed and do not hold: then this home is an old copy.

        From then on nothing is signed, and what we signed before is taken back from the partner.
        """
        try:
            verifier = self.base.history(tx, self.me).current.verifier(row.origin)
            shown = note.open_checkpoint(part.note, verifier)
        except EntenteError:
            return False
        if shown.size > row.signed:
            said = f"A partner holds {shown.size} entries of our log {row.origin}, this home {row.signed}."
            self.base.doubt(tx, said)
        return bool(self.base.doubted(tx))

    def deliver(self, tx: Transaction, row: LogRow, delivery: Delivery) -> bool:
        """Store a payload that was awaited, if it is the one that the leaf commits to."""
        if not row.circle or not self._awaits(tx, row, delivery.index):
            return False
        leaf = tx.logs.leaves(row.id, delivery.index, delivery.index + 1)[0]
        said = entry.parse(leaf)
        if entry.commitment(delivery.salt, delivery.payload) != said.commitment:
            raise VerificationError("The payload is not the one that the entry commits to.")
        charter = charter_book.load(tx).require(row.circle)
        column = Column(delivery.index, said.kind, said.time, len(delivery.payload), delivery.salt, delivery.payload)
        judged = self.judging.judge(tx, charter, row, [column], [leaf_hash(leaf)])
        if not judged.taken:
            return False
        tx.payloads.put(row.id, judged.payloads)
        if judged.refused:
            tx.payloads.settle(row.id, [delivery.index])
            named = {judged.refused[0][1]: [(delivery.index, leaf_hash(leaf))]}
            self.judging.refuse(tx, charter, origin_hash(row.origin), named)
        return True

    def _awaits(self, tx: Transaction, row: LogRow, index: int) -> bool:
        """Say whether this entry is held without its payload, and was not refused by us."""
        if not 0 <= index < row.size or tx.payloads.get(row.id, index, index + 1):
            return False
        key = f"{b32(origin_hash(row.origin))}/{index:012d}/{b32(self.me)}/"
        return tx.records.get("refused", key) is None

    def take_offer(self, tx: Transaction, partner: Member, offer: bytes) -> bool:
        """Take notice of an offered agreement or circle."""
        world = self.base.world(tx)
        self.judging.forget()
        waiting = [each for each in world.charters if each.offered_by == partner]
        open_ = sum(world.state(each) is State.PROPOSED for each in waiting)
        return charter_book.take(tx, world.charters, offer, me=self.me, by=partner, time=self.base.clock(), open_=open_)

    def offers(self, tx: Transaction, partner: Member, lacking: set[bytes]) -> list[bytes]:
        """Return offers for circles with this partner in which it lacks our log; agreements first."""
        found = [
            charter
            for charter in charter_book.load(tx)
            if partner in charter.text.members and origin_hash(charter.origin(self.me)) in lacking
        ]
        return [charter.offer() for charter in sorted(found, key=lambda charter: not charter.founding)][:16]

    def take_cosignature(self, tx: Transaction, row: LogRow, given: Cosignature) -> bool:
        """Verify and keep a cosignature of a member of the log's audience."""
        if row.circle and given.member not in charter_book.load(tx).members(row.circle):
            raise VerificationError("A cosigner of this log is not in its circle.", code="not-entitled")
        return witness.take(tx, row, given, self.base.history(tx, Member(given.member)).current)

    def cosign(self, tx: Transaction, row: LogRow) -> list[Cosignature]:
        """State what we hold of this log now."""
        secrets = self.base.secrets
        return witness.cosign(
            tx,
            tx.logs.get(row.origin) or row,
            self.me,
            witness_seed=secrets.seed("witness"),
            store_seed=secrets.seed("store"),
            now=self.base.clock() // 1000,
        )

    def shown(self, tx: Transaction, row: LogRow, head: Head) -> None:
        """Learn how far a partner holds our own log: exactly what we signed means that this is no old copy of it.

        One that holds more shows it by our own signature (`_rolled_back`), not by a number. There is no doubt any more
        when each of our logs that anybody ever cosigned was shown so.
        """
        if self.base.doubted(tx) and head.size == row.signed and witness.root_at(tx, row, head.size) == head.root:
            self.base.seen(tx, row)
