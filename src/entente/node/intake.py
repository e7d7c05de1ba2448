"""What this member takes from a partner: entries judged and stored, payloads, offers, cosignatures, refusals.

docs/protocol/2-ledger.md, "Accepting entries"; the side that `exchange.session` runs for.
"""

from __future__ import annotations

from collections import defaultdict
from hashlib import sha256
from typing import TYPE_CHECKING

from msgspec import Struct, structs

from entente.core import canon, entry, note
from entente.core.errors import EntenteError, RefusedError, VerificationError
from entente.core.ids import Member, b32, keys_origin, origin_hash
from entente.core.kind import Act, Place, Verdict
from entente.core.merkle import leaf_hash
from entente.kinds import BEFORE_FORCE, FILED, FOLDED, item
from entente.kinds.item import Read, Rules
from entente.kinds.profile import KIND as PROFILE
from entente.kinds.refused import KIND as REFUSED
from entente.ledger import forks, log, witness
from entente.ledger import keys as key_logs
from entente.ledger.log import Accepted, Draft, Judged
from entente.ledger.package import Column
from entente.node import charters as charter_book
from entente.node.ownership import claimed, concerned, rules_for, whose_identities
from entente.node.projection import add_counts, count, denied_in, deny_in, file_act, misnamed, repeats, resettle
from entente.policy.approval import State
from entente.policy.profile import Profile
from entente.store.ports import ItemRow, LogRow, NewItem, NewPayload, Transaction

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from entente.exchange.messages import Delivery, Head, Part
    from entente.ledger.witness import Cosignature
    from entente.node.base import Base, World
    from entente.node.charters import Charter

MAX_BEFORE_FORCE = 16
MAX_ACT = 64 << 10
AHEAD = 5 * 60 * 1000
_FOLDED = {kind.name for kind in FOLDED}
_CHECKS = {kind.name: kind.check for kind in FOLDED} | {kind.name: kind.check for kind in FILED}


class Run(Struct):
    """The judgement of a run of entries while it is being made."""

    payloads: list[NewPayload]
    refused: list[tuple[int, str]]
    awaited: list[int]
    items: list[tuple[Column, Read]]
    profile: dict[Member, Profile | None] = {}


class Intake:
    """The side of one member in rounds with its partners."""

    def __init__(self, base: Base) -> None:
        """Work on this base."""
        self.base = base
        self.me = base.me
        self._world: tuple[Transaction, World] | None = None

    def world(self, tx: Transaction) -> World:
        """Return the world of this transaction, folded once until an act of it arrives."""
        if self._world is None or self._world[0] is not tx:
            self._world = (tx, self.base.world(tx))
        return self._world[1]

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
            tx, row, part.note, part.packages, key=key, judge=lambda row, run: self._judge(tx, charter, row, run)
        )
        if accepted.failure is not None:
            accepted = structs.replace(accepted, row=self._keep_evidence(tx, accepted.row, part))
        by_reason: dict[str, list[tuple[int, bytes]]] = defaultdict(list)
        for index, leaf, reason in accepted.refused:
            by_reason[reason].append((index, leaf))
        if row.member != self.me:
            self._refuse(tx, charter, origin_hash(row.origin), by_reason)
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

    def _judge(self, tx: Transaction, charter: Charter, row: LogRow, columns: list[Column]) -> Judged:
        """Judge a run of entries of one log of a circle."""
        world = self.world(tx)
        taken, waits = self._admitted(world, charter, columns)
        run = Run([], [], [], [])
        log_hash, author = origin_hash(row.origin), Member(row.member)
        for each in columns[:taken]:
            if each.payload is None:
                run.awaited.append(each.index)
            elif each.kind == item.NAME and item.NAME in charter.founding_text.terms.kinds:
                self._read_item(run, each)
            elif reason := self._file(tx, world, charter, Place(log_hash, each.index, b""), author, each, run):
                run.refused.append((each.index, reason))
        if run.items:
            self._items(tx, world, charter, row, run)
        if any(each.kind in _FOLDED for each in run.payloads):
            self._world = None
        return Judged(taken, run.payloads, run.refused, run.awaited, waits)

    def _admitted(self, world: World, charter: Charter, columns: list[Column]) -> tuple[int, str]:
        """Return how many entries may be taken now, and why the next one waits if it is not for its circle's sake."""
        limit = self.base.clock() + AHEAD
        usable = world.usable(charter)
        for taken, each in enumerate(columns):
            if each.time > limit:
                return taken, f"Entry {each.index} claims a time more than 5 minutes ahead of our clock; it waits."
            if not usable and (each.kind not in BEFORE_FORCE or each.index >= MAX_BEFORE_FORCE):
                return taken, ""
        return len(columns), ""

    def _read_item(self, run: Run, each: Column) -> None:
        try:
            run.items.append((each, item.read(each.payload or b"")))
        except EntenteError as problem:
            run.refused.append((each.index, item.reason_of(problem)))

    def _file(
        self, tx: Transaction, world: World, charter: Charter, place: Place, author: Member, each: Column, run: Run
    ) -> str:
        """Check one act and keep it; return why not, if not."""
        payload = each.payload or b""
        check = _CHECKS.get(each.kind)
        if check is None or (each.kind == "acknowledgement/1" and each.kind not in charter.founding_text.terms.kinds):
            return "kind"
        try:
            body = canon.decode(payload, MAX_ACT)
            check(body)
        except EntenteError as problem:
            return item.reason_of(problem)
        leaf = leaf_hash(entry.leaves([each.kind], [each.time], [each.salt], [payload])[0])
        place = structs.replace(place, leaf=leaf)
        if each.kind in _FOLDED:
            act = Act(place, author, charter.circle, each.kind, each.time, body)
            judgement = world.view.judge(act)
            if judgement.verdict is Verdict.DENY:
                return judgement.detail
        elif reason := misnamed(tx, charter, author, body):
            return reason
        else:
            file_act(tx, author, place.ref, each.kind, each.time, body)
        run.payloads.append(NewPayload(each.index, each.kind, each.time, each.salt, b"", payload))
        if each.kind == PROFILE.name:
            run.profile = {author: claimed(body)}
            self.deny_by_profile(tx, world, charter, author, body)
        return ""

    def deny_by_profile(
        self, tx: Transaction, world: World, charter: Charter, author: Member, body: Mapping[str, object]
    ) -> None:
        """Deny copies that others brought under an identity which is this member's alone by its new profile."""
        profile = claimed(body)
        whose = whose_identities(world, charter, {author: profile})
        logs = [row.id for row in charter_book.logs_of(tx, charter) if row.circle]
        for identity in map(str.lower, (profile.identity, *profile.identities)):
            if whose.get(identity) == author:
                copies = {row.seq: row for row in concerned(tx, identity, author, logs)}
                theirs = [row for row in copies.values() if whose.get(row.created_by) != row.author != author]
                self.deny(tx, charter, theirs)

    def _items(self, tx: Transaction, world: World, charter: Charter, row: LogRow, run: Run) -> None:
        """Judge the items of a run against what the circle holds, add them, and see which version is shown now."""
        author = Member(row.member)
        known = tx.items.find(sorted({read.facts.id for _, read in run.items}))
        rules = rules_for(tx, world, charter, known, run.profile)
        claims: dict[str, set[Member]] = {key: set(value) for key, value in rules.claims.items()}
        rules = structs.replace(rules, claims=claims)
        fresh: list[tuple[Column, Read, int]] = []
        new: list[NewItem] = []
        for each, read in run.items:
            reason = item.judge(read, author, rules)
            if not reason and self.me in (by := claims.get(read.facts.id, set())) and author not in by:
                reason = "forged-update"  # a rival claim to what is our own; others see the id as contested
            if reason:
                run.refused.append((each.index, reason))
                continue
            if rules.owners.get(read.facts.created_by_ref) == author:
                claims.setdefault(read.facts.id, set()).add(author)
            same = self._same(tx, known.get(read.facts.id, []), author, read)
            fresh.append((each, read, same))
            if not same:
                time, person = each.time, read.header.person
                made = item.row(
                    read.facts, author=author, tlp=int(read.header.marking), time=time, person=person, own=False
                )
                new.append(NewItem(made, read.data))
        reused = {same for *_, same in fresh}
        back = [row for rows in known.values() for row in rows if row.state == "denied" and row.seq in reused]
        tx.items.save([structs.replace(row, state="held") for row in back])
        seqs = iter(tx.items.add(new))
        placed = [(each, read, same or next(seqs)) for each, read, same in fresh]
        run.payloads += [
            NewPayload(each.index, each.kind, each.time, each.salt, read.head, b"", seq) for each, read, seq in placed
        ]
        counts = count(
            [read.facts.revoked for _, read, _ in fresh],
            [read.facts.id for _, read, _ in fresh],
            known,
            [same for _, _, same in fresh],
        )
        add_counts(tx, row, counts)
        repeated = repeats([read.facts.id for _, read, _ in fresh])
        touched = [read.facts.id for _, read, _ in fresh if read.facts.id in known or read.facts.id in repeated]
        resettle(tx, touched)
        self.deny_late(tx, charter, rules, touched)

    def _same(self, tx: Transaction, rows: list[ItemRow], author: Member, read: Read) -> int:
        """Return the `seq` of this author's copy with exactly these bytes, 0 if there is none."""
        alike = [row.seq for row in rows if row.author == author and row.modified == read.facts.modified]
        if not alike:
            return 0
        return next((row.seq for row, data in tx.items.get(alike) if data == read.data and not row.own), 0)

    def deny_late(self, tx: Transaction, charter: Charter, rules: Rules, stix_ids: Collection[str]) -> None:
        """Deny copies that the owner's own version, which came later, forbids."""
        for stix_id, rows in tx.items.find(sorted(set(stix_ids))).items():
            by = rules.claims.get(stix_id, ())
            if by:
                self.deny(tx, charter, [row for row in rows if row.author not in by])

    def deny(self, tx: Transaction, charter: Charter, rows: list[ItemRow]) -> None:
        """Mark copies as not their author's to bring to this circle, and say so in our log.

        What other circles hold is another matter: a copy is denied as a whole only where no circle is left for it.
        """
        logs = {row.id: row for row in tx.logs.all()}
        before = denied_in(tx, charter.circle)
        for row in rows:
            entries = tx.payloads.of_item(row.seq)
            here = [each for each in entries if logs[each.log].circle == charter.circle]
            if not here or row.seq in before:
                continue
            deny_in(tx, charter.circle, row.seq)
            if all(row.seq in denied_in(tx, logs[each.log].circle) for each in entries):
                tx.items.save([structs.replace(row, state="denied", latest=False, top=False)])
                resettle(tx, [row.stix_id])
            for each in here if row.author != self.me else ():
                leaf = leaf_hash(tx.logs.leaves(each.log, each.index, each.index + 1)[0])
                named = {"forged-update": [(each.index, leaf)]}
                self._refuse(tx, charter, origin_hash(logs[each.log].origin), named)

    def _refuse(
        self, tx: Transaction, charter: Charter, log_hash: bytes, by_reason: Mapping[str, list[tuple[int, bytes]]]
    ) -> None:
        drafts: list[Draft] = []
        now = self.base.clock()
        for reason, entries in sorted(by_reason.items()):
            for at in range(0, len(entries), 256):
                body = REFUSED.make(log_hash, reason, sorted(entries[at : at + 256]))
                drafts.append(Draft(REFUSED.name, now, b"", body))
        if drafts:
            _, places = self.base.append(tx, charter, drafts)
            for draft, place in zip(drafts, places, strict=True):
                file_act(tx, self.me, place.ref, REFUSED.name, now, canon.decode(draft.data))

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
        judged = self._judge(tx, charter, row, [column])
        if not judged.taken:
            return False
        tx.payloads.put(row.id, judged.payloads)
        if judged.refused:
            tx.payloads.settle(row.id, [delivery.index])
            named = {judged.refused[0][1]: [(delivery.index, leaf_hash(leaf))]}
            self._refuse(tx, charter, origin_hash(row.origin), named)
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
        self._world = None
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
