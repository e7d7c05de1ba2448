"""Rounds: two members bring their common logs level; values in, values out, the same code on both sides.

docs/protocol/4-exchange.md, "Round".
"""

from __future__ import annotations

from itertools import accumulate, islice
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from entente.core import merkle
from entente.core.errors import EntenteError, RefusedError
from entente.core.ids import Member, b32, origin_hash
from entente.exchange.messages import (
    BUDGET,
    MAX_COSIGNATURES,
    MAX_NAMED,
    MAX_OFFER,
    MAX_OFFERS,
    MAX_PARTS,
    MAX_STRAYS,
    MAX_WANTED,
    Delivery,
    Head,
    Message,
    Part,
    Refusal,
    Stopped,
    Want,
)
from entente.exchange.side import CommonLogs, Side, forked
from entente.ledger import witness
from entente.ledger.package import Package, pack
from entente.ledger.seams import seam_of, ties
from entente.ledger.witness import Cosignature

if TYPE_CHECKING:
    from collections.abc import Iterable

    from entente.store.ports import LogRow, Transaction

FULL: Final = "quota"
"""The code of a refusal after which no more of that log is sent for a while."""


class Traffic(Struct):
    """What went through a round so far, from our side."""

    sent_entries: int = 0
    sent_bytes: int = 0
    received_entries: int = 0
    received_bytes: int = 0
    trips: int = 0


class Taken(Struct):
    """What taking a message changed."""

    moved: set[bytes]
    failed: set[bytes]
    cosigned: list[Cosignature]
    refusals: list[Refusal]


class Round:
    """Our side of one round with one partner; the answering side makes a new one for each message."""

    def __init__(self, side: Side, partner: Member) -> None:
        """Begin; no state but this object survives between messages."""
        self.side = side
        self.partner = partner
        self.flow = Traffic()
        self.refused: list[Refusal] = []
        self.stuck: list[Refusal] = []
        self._pushed: dict[bytes, int] = {}
        self._opened: list[Head] = []
        self._asked = False
        self._begun: set[bytes] = set()

    def open(self, tx: Transaction) -> Message:
        """Return the first message: all heads, the tally, the payloads that are missing here."""
        common = self.side.audience.common(tx, self.partner)
        rows = common.rows
        self._asked = True
        self._opened = [_head(tx, row) for row in rows]
        return Message(
            full=True,
            heads=self._opened,
            tally=witness.tally(tx, _sound(rows)),
            wants=_wants(tx, rows),
            withheld=common.withheld,
            stopped=[self.side.forks.told(tx, row, None, 0) for row in common.stopped],
        )

    def turn(self, tx: Transaction, message: Message) -> Message:
        """Take what the other side sent and return what it is to get."""
        common = self.side.audience.common(tx, self.partner)
        rows = {origin_hash(row.origin): row for row in common.rows}
        self._guard(tx, rows, message)
        self._told(rows, message)
        taken = self._take(tx, rows, message)
        if message.changes():
            common = self.side.audience.common(tx, self.partner)
            rows = {origin_hash(row.origin): row for row in common.rows}
            taken.moved &= rows.keys()  # what was told may have ended what both were entitled to
        reply = self._compose(tx, rows, common, message, taken)
        self._asked = False
        self.refused = [*self.refused, *message.refusals][:MAX_PARTS]
        self.stuck = [*self.stuck, *taken.refusals][:MAX_PARTS]
        return reply

    def _guard(self, tx: Transaction, rows: dict[bytes, LogRow], message: Message) -> None:
        named = {head.log for head in message.heads}
        agreed = [head for head in self._opened if head.log not in named]  # an answer leaves out what is equal
        self._opened = []
        self._begun = {head.log for head in [*message.heads, *agreed] if head.size}
        for head in [*message.heads, *agreed]:
            row = rows.get(head.log)
            if row is not None and row.member == self.side.me:
                self.side.inbox.shown(tx, row, head)

    def _told(self, rows: dict[bytes, LogRow], message: Message) -> None:
        named = {refusal.subject for refusal in message.refusals if refusal.code == FULL}
        for row in rows.values() if named else ():
            if row.origin in named:
                self.side.audience.full(self.partner, row, now=True)

    def _take(self, tx: Transaction, rows: dict[bytes, LogRow], message: Message) -> Taken:
        taken = Taken(set(), set(), [], [])
        for offer in message.offers:
            self._try(taken, "offer", "", lambda offer=offer: self.side.inbox.take_offer(tx, self.partner, offer))
        if message.offers:
            rows.update({origin_hash(row.origin): row for row in self.side.audience.common(tx, self.partner).rows})
        for part in sorted(message.parts, key=lambda part: rows[part.log].circle if part.log in rows else b""):
            self._take_part(tx, rows, part, taken)
        for delivery in message.deliveries:
            row = rows.get(delivery.log)
            if row is not None:
                self._try(
                    taken,
                    "malformed",
                    row.origin,
                    lambda row=row, delivery=delivery: self.side.inbox.deliver(tx, row, delivery),
                )
                taken.moved.add(delivery.log)
        for log in sorted(taken.moved):
            taken.cosigned += self.side.inbox.cosign(tx, rows[log])
        for given in message.cosignatures:
            row = rows.get(given.log)
            if row is not None and not row.stopped and given.member != self.side.me:
                self._try(
                    taken,
                    "signature",
                    row.origin,
                    lambda row=row, given=given: self.side.inbox.take_cosignature(tx, row, given),
                )
        return taken

    def _take_part(self, tx: Transaction, rows: dict[bytes, LogRow], part: Part, taken: Taken) -> None:
        row = rows.get(part.log)
        if row is None:
            self._try(taken, "not-entitled", b32(part.log), lambda: self._compare(tx, part))
            return
        accepted = self.side.inbox.accept(tx, row, part)
        rows[part.log] = accepted.row
        self.flow.received_entries += accepted.taken
        if accepted.taken:
            self.flow.received_bytes += sum(len(package.payloads) for package in part.packages)
        if accepted.failure is not None:
            taken.refusals.append(Refusal(accepted.failure.code, row.origin, accepted.failure.message))
        (taken.moved if accepted.taken else taken.failed).add(part.log)

    def _compare(self, tx: Transaction, part: Part) -> None:
        if part.packages or not self.side.forks.compare(tx, self.partner, part):
            raise RefusedError("This log is not common to both of us.", code="not-entitled")

    def _try(self, taken: Taken, code: str, subject: str, action: object) -> None:
        """Run one taking; an error of ours becomes a refusal and touches nothing else."""
        try:
            if callable(action):
                action()
        except EntenteError as problem:
            taken.refusals.append(Refusal(problem.code or code, subject, problem.message))

    def _compose(
        self, tx: Transaction, rows: dict[bytes, LogRow], common: CommonLogs, message: Message, taken: Taken
    ) -> Message:
        theirs = {head.log: head for head in message.heads if head.log in rows}
        withheld = common.withheld if message.full else []
        if message.full:
            empty = {log: Head(log, 0, merkle.EMPTY_ROOT) for log in rows if log not in message.withheld}
            theirs = empty | theirs
        if message.full or self._asked:
            unborn = self.side.audience.unborn(tx, rows.values(), self._begun)
            theirs = {log: head for log, head in theirs.items() if log not in unborn}
        shown = {head.log for head in message.heads}
        lacking = {head.log for head in message.heads if head.size == 0}
        if message.full:
            lacking |= rows.keys() - shown - set(message.withheld)
        offers = self._offers(tx, common, message, lacking, taken.failed)
        parts, more, left = self._parts(tx, rows, theirs, BUDGET - sum(map(len, offers)))
        ours = {log: _head(tx, rows[log]) for log in theirs.keys() | taken.moved}
        behind = {log for log, head in theirs.items() if head != ours[log] and not rows[log].stopped}
        strange = sorted(shown - rows.keys() - set(withheld))
        unknown = [Head(log, 0, merkle.EMPTY_ROOT) for log in strange] if message.full else []
        sound = _sound(rows.values())
        mine = witness.tally(tx, sound) if message.tally else b""
        cosignatures = list(taken.cosigned)
        if message.tally and mine != message.tally:
            logs = sorted(origin_hash(row.origin) for row in sound)
            cosignatures = [each for log in logs for each in witness.of_log(tx, log)][:MAX_COSIGNATURES]
        return Message(
            heads=[*(ours[log] for log in sorted((behind | taken.moved) - taken.failed)), *unknown],
            tally=mine if message.full and mine != message.tally else b"",
            offers=offers,
            parts=[*parts, *self._bare(rows, common, message, {part.log for part in parts})],
            cosignatures=cosignatures,
            wants=_wants(tx, rows.values()) if message.full else [],
            deliveries=_deliveries(tx, rows, self._due(rows, message.wants), left),
            refusals=taken.refusals,
            more=more,
            withheld=withheld,
            stopped=self._stopped(tx, common, message),
        )

    def _bare(self, rows: dict[bytes, LogRow], common: CommonLogs, message: Message, sent: set[bytes]) -> list[Part]:
        """Return the heads of logs of which a suspension lets nothing else through, so that it hides no fork."""
        if not (message.full or self._asked):
            return []
        whole = (row for row in common.heads if row.note and row.size == row.signed and not row.stopped)
        heads = {origin_hash(row.origin): row for row in whole if row.member != self.partner}
        silent = (heads.keys() - rows.keys()) | (heads.keys() & set(message.withheld))
        return [Part(log, heads[log].note, []) for log in sorted(silent - sent)]

    def _offers(
        self, tx: Transaction, common: CommonLogs, message: Message, lacking: set[bytes], failed: set[bytes]
    ) -> list[bytes]:
        """Return what the partner is to be told beside entries: circles, revisions, evidence that it lacks."""
        first = message.full or self._asked
        held = [row for row in common.stopped if first or origin_hash(row.origin) in failed]
        known = {each.log: each for each in message.stopped}
        found = self.side.forks.evidence(tx, [row for row in held if origin_hash(row.origin) not in known])
        found += self._strays(tx, common, known)
        found += self.side.audience.offers(tx, self.partner, lacking) if lacking or message.full else []
        sizes = accumulate(map(len, found))
        return [each for each, size in zip(found, sizes, strict=True) if size <= MAX_OFFER][:MAX_OFFERS]

    def _stopped(self, tx: Transaction, common: CommonLogs, message: Message) -> list[Stopped]:
        """Return what is held of forked logs: of all in the first answer, of those that differ when that is known."""
        if not (message.full or self._asked):
            return []
        theirs = {each.log: each for each in message.stopped}
        shown, most = list[Stopped](), MAX_NAMED
        for row in common.stopped:
            shown.append(self.side.forks.told(tx, row, theirs.get(origin_hash(row.origin)), most))
            most -= len(shown[-1].names or b"")
        return shown if message.full else [each for each in shown if each.names is not None]

    def _strays(self, tx: Transaction, common: CommonLogs, theirs: dict[bytes, Stopped]) -> list[bytes]:
        """Return acts of forked logs that the partner lacks, an offer for each log."""
        named = ((row, theirs.get(origin_hash(row.origin))) for row in forked(common))
        told = ((row, each.names) for row, each in named if each is not None)
        offers = (self.side.forks.strays(tx, row, names) for row, names in told if names is not None)
        return list(islice((each for each in offers if each is not None), MAX_STRAYS))

    def _due(self, rows: dict[bytes, LogRow], wants: list[Want]) -> list[Want]:
        return [
            each for each in wants if each.log in rows and not self.side.audience.full(self.partner, rows[each.log])
        ]

    def _may_push(self, tx: Transaction, row: LogRow, theirs: Head) -> bool:
        """Say whether the partner is to get entries of this log, or, at a fork, the head that contradicts its own.

        Of a log that is held in part only the head is sent, and only where it contradicts.
        """
        if not row.note or row.stopped or self._pushed.get(theirs.log, -1) >= theirs.size:
            return False
        if row.size < row.signed:
            return ties(tx, row) and row.member != self.side.me and _differs(tx, row, theirs)
        behind = theirs.size < row.signed and not self.side.audience.full(self.partner, row)
        return behind or _differs(tx, row, theirs)

    def _note(self, tx: Transaction, row: LogRow) -> bytes:
        """Return the note of a log, with our own witness line where it is a third member's."""
        third = row.circle and row.member not in {self.side.me, self.partner}
        return witness.vouched(tx, row, self.side.me) if third else row.note

    def _parts(
        self, tx: Transaction, rows: dict[bytes, LogRow], theirs: dict[bytes, Head], left: int
    ) -> tuple[list[Part], bool, int]:
        """Return entries for about `left` bytes, whether there are more, and how many bytes are left."""
        parts: list[Part] = []
        for log in sorted(theirs, key=lambda log: (rows[log].circle, log)):
            row, at = rows[log], theirs[log].size
            if not self._may_push(tx, row, theirs[log]):
                continue
            if left <= 0:
                return parts, True, left
            self._pushed[log] = at
            packages: list[Package] = []
            while at < row.signed <= row.size and left > 0:
                package = pack(tx, row, at, row.signed, left)
                packages.append(package)
                at += len(package.kind_of)
                left -= len(package.payloads) + 64 * len(package.kind_of)
            start = theirs[log].size
            root = witness.root_at(tx, row, start) if start else b""
            head = self._note(tx, row)
            parts.append(Part(log, head, packages, root, seam_of(tx, row).consistency(start)))
            self.flow.sent_entries += at - theirs[log].size
            self.flow.sent_bytes += sum(len(package.payloads) for package in packages)
        return parts, False, left


def _sound(rows: Iterable[LogRow]) -> list[LogRow]:
    """Return the logs that go on: of one that evidence has stopped no more is said."""
    return [row for row in rows if not row.stopped]


def _differs(tx: Transaction, row: LogRow, theirs: Head) -> bool:
    """Say whether a partner holds other entries than we at a size that both hold."""
    return 0 < theirs.size <= min(row.size, row.signed) and witness.root_at(tx, row, theirs.size) != theirs.root


def _head(tx: Transaction, row: LogRow) -> Head:
    """Return what we show of a log: what we hold of others', what we have signed of our own."""
    size = min(row.size, row.signed)
    return Head(origin_hash(row.origin), size, witness.root_at(tx, row, size))


def _wants(tx: Transaction, rows: Iterable[LogRow]) -> list[Want]:
    wants: list[Want] = []
    left = MAX_WANTED
    for row in rows:
        indexes = tx.payloads.awaited(row.id, left) if left else []
        if indexes:
            wants.append(Want(origin_hash(row.origin), indexes))
            left -= len(indexes)
    return wants


def _deliveries(tx: Transaction, rows: dict[bytes, LogRow], wants: list[Want], left: int) -> list[Delivery]:
    deliveries: list[Delivery] = []
    for want in wants:
        row = rows.get(want.log)
        for index in want.indexes if row is not None else []:
            for held in tx.payloads.get(row.id, index, index + 1) if row is not None and left > 0 else []:
                deliveries.append(Delivery(want.log, index, held.salt, held.head + held.data))
                left -= len(held.head) + len(held.data)
    return deliveries
