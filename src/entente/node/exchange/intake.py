"""What this member takes from a partner: entries judged and stored, payloads, offers, cosignatures, refusals.

docs/protocol/2-ledger.md, "Accepting entries"; the side that `exchange.round` runs for.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from msgspec import structs

from entente.core import canon, entry, note
from entente.core.errors import EntenteError, LimitError, RefusedError, VerificationError
from entente.core.ids import Member, b32, keys_origin, origin_hash
from entente.core.merkle import leaf_hash
from entente.exchange.messages import MAX_STRAYS
from entente.exchange.side import CommonLogs, forked
from entente.ledger import log, witness
from entente.ledger.history import own_line
from entente.ledger.log import Accepted, Draft, Judged
from entente.ledger.package import Column
from entente.node.agreements.epochs import history_offer, take_history
from entente.node.exchange import quota, strays
from entente.node.exchange.heads import signer_of
from entente.node.exchange.judging import Judging
from entente.node.items import claims, erasing
from entente.node.logs import evidence, witnessed
from entente.node.partners import successions
from entente.node.recall import passed_on
from entente.node.rooms import forked_logs, offers
from entente.policy.approval import State

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from entente.exchange.messages import Delivery, Head, Part, Stopped
    from entente.ledger.witness import Cosignature
    from entente.node.home.base import Base
    from entente.node.rooms.in_force import InForce
    from entente.node.rooms.room import Room
    from entente.store.ports import LogRow, Transaction


class Intake:
    """The side of one member in rounds with its partners."""

    def __init__(self, base: Base) -> None:
        """Work on this base."""
        self.base = base
        self.me = base.me
        self.judging = Judging(base)
        self._strays = 0

    def common(self, tx: Transaction, partner: Member) -> list[LogRow]:
        """Return the logs that both are entitled to (docs/protocol/4-exchange.md and 7-changes.md)."""
        return self.scene(tx, partner).rows

    def scene(self, tx: Transaction, partner: Member) -> CommonLogs:
        """Return what is exchanged with a partner now, and what is kept back of what both may read."""
        in_force = self.judging.in_force(tx)
        by_origin = {row.origin: row for row in tx.logs.all()}
        given = {name: by_origin[name] for name in map(keys_origin, (self.me, partner)) if name in by_origin}
        audience: list[LogRow] = []
        bound: set[str] = set()
        for room in in_force.rooms:
            if partner not in room.members or self.me not in room.members:
                continue
            names = [*map(room.origin, room.members), *map(keys_origin, room.members)]
            rows = [by_origin[name] for name in names if name in by_origin]
            given |= {row.origin: row for row in self._shared(in_force, room, rows, partner)}
            if in_force.signed(room, partner) and in_force.signed(room, self.me):
                audience += [row for row in rows if row.circle]
            if not {partner, self.me} & in_force.exited(in_force.rooms.founding_room(room)):
                bound |= {row.origin for row in rows if row.circle}
        told = [*audience, *(row for row in given.values() if not row.circle)]
        return CommonLogs(
            rows=sorted(given.values(), key=lambda row: (row.circle, row.origin)),
            withheld=[origin_hash(row.origin) for row in audience if row.origin not in given or row.stopped],
            stopped=[row for row in told if row.stopped == evidence.TOLD],
            heads=[row for row in audience if row.origin in bound],
        )

    def compare(self, tx: Transaction, partner: Member, part: Part) -> bool:
        """Look whether a bare head contradicts what is held of its log; say whether the log is common to both."""
        in_force = self.judging.in_force(tx)
        found = [row for row in self.scene(tx, partner).heads if origin_hash(row.origin) == part.log]
        for row in found:
            room = in_force.rooms.require(row.circle)
            if row.member != self.me and row.note:
                signer_of(self.base, tx, room, row, part.note)
                evidence.compare(self.base, tx, row, part)
        return bool(found)

    def unborn(self, tx: Transaction, rows: Collection[LogRow], shown: Collection[bytes]) -> set[bytes]:
        """Return the logs of epochs after the first of which the partner shows nothing: it has not switched yet.

        A newcomer's own log is never among them: its approval stands there.
        """
        rooms = offers.load(tx)
        later: dict[bytes, set[bytes]] = defaultdict(set)
        newcomers: set[bytes] = set()
        for row in rows:
            room = rooms.get(row.circle)
            if room is not None and room.epoch > 1:
                later[room.revision].add(origin_hash(row.origin))
                newcomers |= {origin_hash(row.origin)} if row.member in room.newcomers else set()
        return {log for logs in later.values() if logs.isdisjoint(shown) for log in logs} - newcomers

    def _shared(self, in_force: InForce, room: Room, rows: list[LogRow], partner: Member) -> list[LogRow]:
        """Return the logs of one room, and its members' key histories, that are exchanged with a partner now."""
        then, now = in_force.rooms.founding_room(room), in_force.rooms.founding_of(room.agreement)
        if now is None or partner in in_force.exited(then) or in_force.suspends(now, self.me, partner):
            return [row for row in rows if not row.circle]
        late = [member for member in (partner, self.me) if not in_force.signed(room, member)]
        if late:  # a newcomer that has not signed: its own log, in which it may
            return [row for row in rows if not row.circle or row.member in late]
        if self.me in in_force.exited(then):  # we have left: what we signed, nothing else
            return [row for row in rows if not row.circle or row.member == self.me]
        gone = partner not in now.members  # what it adds to its own log now comes by others only
        return [
            row
            for row in rows
            if not row.circle
            or not (
                (gone and row.member == partner)
                or in_force.suspends(now, Member(row.member), partner)
                or (row.member == partner and in_force.suspends(now, partner, self.me))
            )
        ]

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
        return tx.records.get("refused", key) is None

    def take_offer(self, tx: Transaction, partner: Member, offer: bytes) -> bool:
        """Take notice of an offered agreement, circle or revision, of a history, of evidence, or of strays."""
        told = canon.decode(offer, offers.MAX_HISTORY)
        if "evidence" in told:
            new = evidence.take(self.base, tx, told["evidence"])
        elif "strays" in told:
            self._strays += 1
            if self._strays > MAX_STRAYS:
                raise LimitError(f"At most {MAX_STRAYS} offers of acts of forked logs are taken in one round.")
            new = strays.take(self.base, tx, self.judging, told["strays"], forked(self.scene(tx, partner)))
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

    def offers(self, tx: Transaction, partner: Member, lacking: set[bytes]) -> list[bytes]:
        """Return offers for what this partner lacks of circles with it; agreements first, then as they came to be."""
        in_force = self.judging.in_force(tx)
        firsts: list[Room] = []
        later: dict[tuple[int, bytes], bytes] = {}
        for room in in_force.rooms:
            both = partner in room.members and self.me in room.members
            if not both or lacking.isdisjoint({origin_hash(room.origin(each)) for each in (self.me, partner)}):
                continue
            if room.first:
                firsts.append(room)
            elif not in_force.signed(room, partner):
                later |= {(0, each): each for each in history_offer(self.base, tx, in_force, room)}
            else:
                later[room.epoch, room.revision] = in_force.rooms.revisions[room.revision].offer()
        for each in in_force.rooms.revisions.values():
            founding = in_force.rooms.founding_of(each.text.agreement)
            if founding is not None and founding.revision == each.text.base and partner in founding.members:
                later |= {(each.text.epoch, each.text.id): each.offer()} if partner in each.text.members else {}
        first = [room.offer() for room in sorted(firsts, key=lambda room: not room.founding)]
        return [*first, *(later[key] for key in sorted(later))][:16]

    def evidence(self, tx: Transaction, rows: Collection[LogRow]) -> list[bytes]:
        """Return the evidence held against these logs."""
        return evidence.offers(tx, rows)

    def told(self, tx: Transaction, row: LogRow, theirs: Stopped | None, room: int) -> Stopped:
        """Return what is held of a forked log, with at most `room` bytes of names if the partner differs."""
        return strays.told(tx, row, theirs, room)

    def strays(self, tx: Transaction, row: LogRow, names: bytes) -> bytes | None:
        """Return an offer of acts of a forked log that are not among these names."""
        return strays.offer(self.base, tx, self.judging.in_force(tx).rooms, row, names)

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
        if self.base.guard.doubted(tx) and head.size == row.signed and witness.root_at(tx, row, head.size) == head.root:
            self.base.guard.seen(tx, row)

    def full(self, partner: Member, row: LogRow, *, now: bool = False) -> bool:
        """Say whether a partner takes no more of this log for a while (page 4, "Limits"); `now`: it just said so."""
        until = self.base.full_until
        if now:
            until[partner, row.origin] = self.base.clock() + quota.PAUSE
        return until.get((partner, row.origin), 0) > self.base.clock()
