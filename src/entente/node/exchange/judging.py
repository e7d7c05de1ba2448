"""How entries that a partner sent are judged, and what they leave in the store: items, acts, denials, refusals.

docs/protocol/3-kinds.md, "Judgement"; `intake` calls it once the ledger has verified a run of entries.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct, structs

from entente.core import canon
from entente.core.errors import EntenteError, RefusedError
from entente.core.filed import Naming, log_of
from entente.core.ids import Member, origin_hash
from entente.core.kind import ALLOW, Act, Place, Verdict
from entente.core.times import AHEAD
from entente.kinds import ACTS, BEFORE_FORCE, FAMILIES, FILED, FOLDED, WORK, document, item
from entente.kinds.acknowledgement import KIND as ACKNOWLEDGEMENT
from entente.kinds.approval import KIND as APPROVAL
from entente.kinds.epoch import CLOSED
from entente.kinds.erase import KIND as ERASE
from entente.kinds.erased import KIND as ERASED
from entente.kinds.item import Read
from entente.kinds.passed import KIND as PASSED
from entente.kinds.profile import KIND as PROFILE
from entente.kinds.refused import KIND as REFUSED
from entente.kinds.released import KIND as RELEASED
from entente.ledger.log import Judged
from entente.ledger.package import Column
from entente.ledger.view import View
from entente.node.exchange.held import HeldEntries
from entente.node.items import claims, consents, erasing
from entente.node.items.ownership import claimed, rules_for
from entente.node.items.projection import add_counts, count, file_act, repeats, resettle
from entente.node.logs import claimed as claimed_times
from entente.node.logs import witnessed
from entente.node.rooms import gaps
from entente.policy.admission import admits
from entente.policy.ownership import Identities
from entente.store.ports import ItemRow, LogRow, NewItem, NewPayload, Transaction

if TYPE_CHECKING:
    from entente.core.filed import Filed
    from entente.core.kind import Judgement, Kind
    from entente.ledger.proof import Proof
    from entente.node.home.base import Base
    from entente.node.items.erasing import Erasure
    from entente.node.rooms.in_force import InForce
    from entente.node.rooms.room import Room

MAX_BEFORE_FORCE = 16
MAX_ACT = 64 << 10
WAITS = "waits"
_TIMED = {*WORK, APPROVAL.name}
_FOLDED = {kind.name for kind in FOLDED}
_NAMING = {kind.name: kind for kind in FOLDED if isinstance(kind, Naming)}
_FILED = {kind.name: kind for kind in FILED}


class EntryRun(Struct):
    """The judgement of a run of entries while it is being made."""

    payloads: list[NewPayload]
    refused: list[tuple[int, str]]
    awaited: list[int]
    items: list[tuple[Column, Read]]
    profile: dict[Member, Identities | None] = {}
    columns: Sequence[Column] = ()
    view: View | None = None
    hashes: Sequence[bytes] = ()
    gap: int = gaps.NONE
    """Behind this index acts are kept and not judged: the one that stands there is still to come."""

    def leaf_at(self, index: int) -> tuple[bytes, str] | None:
        """Return leaf hash and kind of an entry of this run, None if it is none."""
        at = index - self.columns[0].index if self.columns else -1
        return (self.hashes[at], self.columns[at].kind) if 0 <= at < len(self.columns) else None


class Judging:
    """The judge of one member's node; everything happens inside the given transaction."""

    def __init__(self, base: Base) -> None:
        """Work on this base."""
        self.base = base
        self.me = base.me
        self.recalled: list[Erasure] = []
        """What allowed acts ask to erase; `intake` does it once the run is stored."""
        self.answered: list[tuple[Member, bytes]] = []
        """Who signed to have erased entries of which log."""
        self._in_force: tuple[Transaction, InForce] | None = None

    def in_force(self, tx: Transaction) -> InForce:
        """Return what is in force in this transaction, folded once until an act of it arrives."""
        if self._in_force is None or self._in_force[0] is not tx:
            self._in_force = (tx, self.base.in_force(tx))
        return self._in_force[1]

    def forget(self) -> None:
        """Fold again before the next judgement: an act or an offer has come."""
        self._in_force = None

    def judge(self, tx: Transaction, room: Room, row: LogRow, columns: list[Column], hashes: Sequence[bytes]) -> Judged:
        """Judge a run of entries of one log of a circle."""
        in_force = self.in_force(tx)
        log_hash, author = origin_hash(row.origin), Member(row.member)
        taken, waits = self._admitted(in_force, room, log_hash, columns)
        run = EntryRun([], [], [], [], columns=columns, hashes=hashes, gap=gaps.first(tx, row))
        if taken and author != self.me and columns[0].index >= row.size:
            claimed_times.note(tx, self.me, row, columns[:taken])
        gone = erasing.marks(tx, log_hash, columns[0].index, columns[-1].index) if columns else {}
        items = admits(room.terms, FAMILIES[item.NAME])
        for each, leaf in zip(columns[:taken], hashes, strict=False):
            if gone and erasing.covers(gone, each.index, leaf, each.kind):
                continue  # erased: neither stored nor awaited, whoever brings it
            if each.payload is None:
                run.awaited.append(each.index)
                run.gap = min(run.gap, gaps.at(tx, log_hash, each.index, each.kind))
            elif each.kind == item.NAME and items:
                self._read_item(run, each)
            elif each.kind == document.NAME:
                self._document(room, run, each)
            elif reason := self._file(tx, in_force, room, Place(log_hash, each.index, leaf), author, each, run):
                run.refused.append((each.index, reason))
        if run.items:
            self._items(tx, in_force, room, row, run)
        witnessed.watch(tx, log_hash, [each.index for each in run.payloads if each.kind in _TIMED])
        if any(each.kind in _FOLDED for each in run.payloads):
            self.forget()
        return Judged(taken, run.payloads, run.refused, run.awaited, waits)

    def _admitted(self, in_force: InForce, room: Room, log_hash: bytes, columns: list[Column]) -> tuple[int, str]:
        """Return how many entries may be taken now, and why the next one waits if it is not for its circle's sake."""
        limit = self.base.clock() + AHEAD
        usable = in_force.usable(room)
        self._check_open(in_force, log_hash, columns)
        for taken, each in enumerate(columns):
            if each.time > limit:
                return taken, f"Entry {each.index} claims a time more than 5 minutes ahead of our clock; it waits."
            if not usable and (each.kind not in BEFORE_FORCE or each.index >= MAX_BEFORE_FORCE):
                return taken, ""
        return len(columns), ""

    def stray_problem(self, tx: Transaction, room: Room, proof: Proof) -> str:
        """Return why an act of another history of a forked log is not taken now, "" if it is."""
        kind = _act_kind(room, proof.kind)
        if proof.kind not in _FOLDED or kind is None:
            return "kind"
        try:
            kind.check(canon.decode(proof.payload, MAX_ACT))
        except EntenteError:
            return "malformed"
        early = proof.kind in BEFORE_FORCE and proof.index < MAX_BEFORE_FORCE
        late = proof.time > self.base.clock() + AHEAD
        return "" if not late and (early or self.in_force(tx).usable(room)) else WAITS

    def _check_open(self, in_force: InForce, log_hash: bytes, columns: list[Column]) -> None:
        """Raise RefusedError if an entry stands behind the one that closed its log."""
        ends = [each.index for each in columns if each.kind == CLOSED.name]
        ends += [in_force.view.states[CLOSED.name].get(log_hash, columns[-1].index)]
        if columns[-1].index > min(ends):
            raise RefusedError(f"Entry {min(ends)} closed this log; nothing may follow it.", code="closed")

    def _read_item(self, run: EntryRun, each: Column) -> None:
        try:
            run.items.append((each, item.read(each.payload or b"")))
        except EntenteError as problem:
            run.refused.append((each.index, item.reason_of(problem)))

    def _document(self, room: Room, run: EntryRun, each: Column) -> None:
        """Check a document and keep it; no act is judged by it."""
        payload = each.payload or b""
        reason = document.judge(payload, room.text.ceiling, room.terms.limits.payload)
        if not admits(room.terms, FAMILIES[document.NAME]):
            reason = "kind"
        if reason:
            run.refused.append((each.index, reason))
            return
        end = payload.index(b"\n") + 1
        run.payloads.append(NewPayload(each.index, each.kind, each.time, each.salt, payload[:end], payload[end:]))

    def _file(
        self, tx: Transaction, in_force: InForce, room: Room, place: Place, author: Member, each: Column, run: EntryRun
    ) -> str:
        """Check one act and keep it; return why not, if not."""
        payload = each.payload or b""
        kind = _act_kind(room, each.kind)
        if kind is None:
            return "kind"
        try:
            body = canon.decode(payload, MAX_ACT)
            kind.check(body)
        except EntenteError as problem:
            return item.reason_of(problem)
        act = Act(place, author, room.key, each.kind, each.time, body)
        if reason := self._counts(tx, in_force, room, act, run):
            return reason
        run.payloads.append(NewPayload(each.index, each.kind, each.time, each.salt, b"", payload))
        if each.kind == PROFILE.name:
            run.profile = {author: claimed(body)}
            claims.deny_by_profile(tx, self.base, in_force, room, author, body)
        return ""

    def _counts(self, tx: Transaction, in_force: InForce, room: Room, act: Act, run: EntryRun) -> str:
        """Judge an act by its kind and keep what it says; return why it does not count, "" if it does."""
        judged = self._judged(tx, in_force, room, act, run)
        if judged.verdict is Verdict.DENY:
            return judged.detail
        self._keep(tx, room, act)
        return ""

    def _judged(self, tx: Transaction, in_force: InForce, room: Room, act: Act, run: EntryRun) -> Judgement:
        """Judge a filed act, or a folded one as far as that can be said now."""
        held = HeldEntries(tx, in_force, room, act.place.log, run.leaf_at)
        if filed := _FILED.get(act.kind):
            return filed.judge(act, held)
        final = act.place.index <= run.gap and not in_force.forked(room)
        judged = self._judged_in_place(tx, in_force, act, run) if final else ALLOW
        naming = _NAMING.get(act.kind)
        return judged if naming is None or judged.verdict is Verdict.DENY else naming.judge_named(act, held)

    def _judged_in_place(self, tx: Transaction, in_force: InForce, act: Act, run: EntryRun) -> Judgement:
        """Judge a folded act in its place, behind those before it; ALLOW too while that cannot be said."""
        run.view = run.view or in_force.view.copy()
        run.view.extend([act])
        run.view = gaps.settled(tx, run.view, self.me)
        return run.view.judged.get(act.place.ref, ALLOW)

    def _keep(self, tx: Transaction, room: Room, act: Act) -> None:
        """Keep what a filed act that counts says of entries, and what is to be done because of it."""
        match act.kind:
            case REFUSED.name | ACKNOWLEDGEMENT.name:
                file_act(tx, act.author, act.place.ref, act.kind, act.time, act.body)
            case RELEASED.name:
                consents.file_consent(tx, self.me, room, act.place, act.author, act.body)
            case PASSED.name:
                erasing.file_passed(tx, act.time, act.body)
            case ERASED.name:
                erasing.file_erased(tx, act.author, act.time, act.body)
                self.answered.append((act.author, log_of(act.body)))
                if act.author == self.me:
                    self.recalled.append(erasing.read(act.time, act.author, act.kind, act.body))
            case ERASE.name:
                self.recalled.append(erasing.read(act.time, act.author, act.kind, act.body))
            case _:
                pass  # a folded act is kept by the view

    def _items(self, tx: Transaction, in_force: InForce, room: Room, row: LogRow, run: EntryRun) -> None:
        """Judge the items of a run against what the circle holds, add them, and see which version is shown now."""
        author = Member(row.member)
        known = tx.items.find(sorted({read.facts.id for _, read in run.items}))
        rules = rules_for(tx, in_force, room, known, run.profile)
        by_id: dict[str, set[Member]] = {key: set(value) for key, value in rules.claims.items()}
        rules = structs.replace(rules, claims=by_id)
        fresh: list[tuple[Column, Read, int]] = []
        new: list[NewItem] = []
        for each, read in run.items:
            reason = item.judge(read, author, rules)
            if not reason and self.me in (by := by_id.get(read.facts.id, set())) and author not in by:
                reason = "forged-update"  # a rival claim to what is our own; others see the id as contested
            if reason:
                run.refused.append((each.index, reason))
                continue
            if rules.owners.get(read.facts.created_by_ref) == author:
                by_id.setdefault(read.facts.id, set()).add(author)
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
        if seen := [each.index for each, read, _ in placed if read.facts.type == witnessed.SIGHTING]:
            witnessed.watch(tx, origin_hash(row.origin), seen)
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
        claims.deny_late(tx, self.base, room, rules, touched)

    def _same(self, tx: Transaction, rows: list[ItemRow], author: Member, read: Read) -> int:
        """Return the `seq` of this author's copy with exactly these bytes, 0 if there is none."""
        alike = [row.seq for row in rows if row.author == author and row.modified == read.facts.modified]
        if not alike:
            return 0
        return next((row.seq for row, data in tx.items.get(alike) if data == read.data and not row.own), 0)


def _act_kind(room: Room, kind: str) -> Kind[Any] | Filed | None:
    """Return the kind of act of this name, None if there is none or the terms of the room do not let it be sent."""
    known = ACTS.get(kind)
    return known if known is not None and admits(room.terms, FAMILIES[kind]) else None
