"""Sharing: decide, explain, then send; and say later why something left (docs/protocol/6-release.md)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct, structs

from entente.core.errors import NotFoundError
from entente.core.ids import Member, b32, origin_hash
from entente.core.marking import Tlp
from entente.core.times import stamp
from entente.formats.stix import Facts, pointers
from entente.formats.stix.joint.extension import problem
from entente.kinds import item
from entente.kinds.item import Header
from entente.ledger.log import Draft
from entente.node.home.find import SHORTEST
from entente.node.home.people import operator
from entente.node.home.settings import four_eyes
from entente.node.items import claims, consents, erasing
from entente.node.items.ownership import rules_for, whose_identities
from entente.node.items.projection import denied_in, resettle
from entente.node.items.values import DecisionInfo, Preview, ReasonInfo, Release, Sent
from entente.node.logs import witnessed as timing
from entente.node.rooms import offers as charter_book
from entente.node.rooms.in_force import World, require_member
from entente.node.rooms.room import Charter
from entente.policy.release import Candidate, Circle, Decision, release, summary

if TYPE_CHECKING:
    from entente.node.home.base import Base
    from entente.node.items.values import ConsentInfo
    from entente.policy.reasons import Reason
    from entente.store.ports import ItemRow, PayloadRow, Transaction

BATCH = 4000
MANY = 1000
Progress = Callable[[str, int, int], None]


class Desk(Struct, frozen=True):
    """One question: which item rows to which circle, for what, by whom."""

    charter: Charter
    seqs: Sequence[int]
    purpose: str
    person: str


class Sharing:
    """What leaves this member, and why."""

    def __init__(self, base: Base) -> None:
        """Work on this base."""
        self._base = base

    def preview(self, ids: Sequence[str], circle: str, purpose: str = "", person: str = "") -> Preview:
        """Say for each item whether it may go to the circle, whom it would reach, and why; nothing is sent."""
        with self._base.store.read() as tx:
            world = self._base.world(tx)
            desk = self._desk(world, self._pick(tx, ids), circle, purpose, operator(tx, person))
            decided = self._decide(tx, world, desk)
        return _preview([decision for _, decision in decided])

    def send(self, ids: Sequence[str], circle: str, purpose: str = "", person: str = "") -> Sent:
        """Share all of the items, or none: then `preview` says why."""
        with self._base.store.read() as tx:
            seqs = self._pick(tx, ids)
            who = operator(tx, person)
        decisions, shared = self._send(seqs, circle, purpose, who, everything=True, progress=None)
        if all(decision.allowed for decision in decisions):
            return Sent(shared)
        return Sent(0, _preview(decisions))

    def send_allowed(
        self, seqs: Sequence[int], circle: str, purpose: str, person: str, progress: Progress | None
    ) -> tuple[int, dict[str, int]]:
        """Share what the policy allows; return how many items went and how many each rule kept back."""
        decisions, shared = self._send(seqs, circle, purpose, person, everything=False, progress=progress)
        refused: Counter[str] = Counter()
        for decision in decisions:
            if not decision.allowed:
                refused.update({reason.rule for reason in decision.reasons if not reason.allowed})
        return shared, dict(refused)

    def _send(
        self,
        seqs: Sequence[int],
        circle: str,
        purpose: str,
        person: str,
        *,
        everything: bool,
        progress: Progress | None,
    ) -> tuple[list[Decision], int]:
        with self._base.store.read() as tx:
            world = self._base.world(tx)
            desk = self._desk(world, seqs, circle, purpose, person)
            decided = self._decide(tx, world, desk)
        decisions = [decision for _, decision in decided]
        going = [seq for seq, decision in decided if decision.allowed]
        if everything and len(going) < len(decisions):
            return decisions, 0
        shared = 0
        for at in range(0, len(going), BATCH):
            shared += self._append(desk, going[at : at + BATCH])
            if progress is not None:
                progress("share", min(at + BATCH, len(going)), len(going))
        if shared:
            self._base.changed.set()
        return decisions, shared

    def _append(self, desk: Desk, seqs: list[int]) -> int:
        """Append one batch of items to our log of the circle; those that stand there already are left out.

        So are those that were withdrawn, or marked above the ceiling, since the decision.
        """
        with self._base.store.write() as tx:
            shared = self._append_in(tx, desk, seqs)
        self._base.mark()
        return shared

    def _append_in(self, tx: Transaction, desk: Desk, seqs: Sequence[int]) -> int:
        base, charter = self._base, desk.charter
        row = tx.logs.get(charter.origin(base.me))
        there = tx.items.placed(seqs, [row.id]) if row else set[int]()
        found = tx.items.get([seq for seq in seqs if seq not in there])
        out = denied_in(tx, charter.circle)
        fresh = [pair for pair in found if pair[0].seq not in out and 0 <= pair[0].tlp <= charter.text.ceiling]
        if not fresh:
            return 0
        now = base.clock()
        drafts = [Draft(item.NAME, now, _header(each, desk).line(), data, each.seq) for each, data in fresh]
        _, places = base.append(tx, charter, drafts)
        pairs = list(zip((each for each, _ in fresh), places, strict=True))
        if seen := [place.index for each, place in pairs if each.type == timing.SIGHTING]:
            timing.watch(tx, places[0].log, seen)
        sent = [(each, place) for each, place in pairs if each.author != base.me]
        if sent:
            consents.show_consent(tx, base, base.world(tx), charter, sent)
        back = [structs.replace(each, state="held") for each, _ in fresh if each.state == "denied"]
        tx.items.save(back)
        resettle(tx, [each.stix_id for each in back])
        self._claim(tx, charter, [each for each, _ in fresh])
        return len(fresh)

    def share_in(self, tx: Transaction, charter: Charter, seqs: Sequence[int], person: str) -> Preview | None:
        """Share item rows inside the caller's transaction, all (None) or none: then the preview says why."""
        desk = Desk(charter, list(dict.fromkeys(seqs)), "", person)
        decisions = [decision for _, decision in self._decide(tx, self._base.world(tx), desk)]
        if not all(decision.allowed for decision in decisions):
            return _preview(decisions)
        self._append_in(tx, desk, desk.seqs)
        return None

    def place_of(self, tx: Transaction, charter: Charter, seq: int) -> str:
        """Return the reference of the newest entry of ours that carries an item row; NotFoundError if none does."""
        row = tx.logs.get(charter.origin(self._base.me))
        found = [each.index for each in tx.payloads.of_item(seq) if row is not None and each.log == row.id]
        if row is None or not found:
            raise NotFoundError("This item does not stand in the circle.", hint="See `entente share why`.")
        index = max(found)
        return f"{b32(origin_hash(row.origin))}/{index}/{b32(tx.logs.node(row.id, 0, index))}"

    def _claim(self, tx: Transaction, charter: Charter, rows: list[ItemRow]) -> None:
        """Deny copies of others that were here before our own version of what belongs to us."""
        world = self._base.world(tx)
        owners = whose_identities(tx, world, charter)
        mine = sorted({row.stix_id for row in rows if owners.get(row.created_by) == self._base.me})
        if mine:
            rules = rules_for(tx, world, charter, tx.items.find(mine))
            claims.deny_late(tx, self._base, charter, rules, mine)

    def _pick(self, tx: Transaction, ids: Sequence[str]) -> list[int]:
        """Return the item rows that stand for STIX ids: our own newest copy, else the shown one."""
        names = [resolve(tx, id_) for id_ in ids]
        found = tx.items.find(names)
        seqs: list[int] = []
        for name in names:
            rows = found[name]
            own = sorted((row for row in rows if row.own), key=lambda row: (row.latest, row.modified, row.seq))
            seqs.append((own[-1:] or [row for row in rows if row.top] or rows)[0].seq)
        return list(dict.fromkeys(seqs))

    def _desk(self, world: World, seqs: Sequence[int], circle: str, purpose: str, person: str) -> Desk:
        charter = self._base.find_circle(world, circle)
        require_member(world, charter)
        return Desk(charter, list(dict.fromkeys(seqs)), purpose, person)

    def _decide(self, tx: Transaction, world: World, desk: Desk) -> list[tuple[int, Decision]]:
        """Decide about all items together; they are read in batches, so that few of them are in memory at a time."""
        charter = desk.charter
        logs = charter_book.reaching(tx, world.charters, charter)
        out = denied_in(tx, charter.circle)
        rules, claiming = rules_for(tx, world, charter, {}), dict[str, Collection[Member]]()
        seqs: list[int] = []
        candidates: list[Candidate] = []
        for at in range(0, len(desk.seqs), BATCH):
            rows = tx.items.get(desk.seqs[at : at + BATCH])
            known = tx.items.find([row.stix_id for row, _ in rows], besides=self._base.me)
            if contested := rules_for(tx, world, charter, known).claims:
                claiming |= rules_for(tx, world, charter, tx.items.find(sorted(contested))).claims
            seqs += [row.seq for row, _ in rows]
            candidates += [self._candidate(tx, row, data, known, logs, out) for row, data in rows]
        candidates = self._consented(tx, world, charter, seqs, candidates)
        circle = Circle(
            agreement=charter.agreement,
            circle=charter.circle,
            name=charter.text.name,
            agreement_state=world.agreement_state(charter.agreement),
            circle_state=world.state(charter),
            members=charter.members,
            founding=(world.charters.founding_of(charter.agreement) or charter).members,
            ceiling=charter.text.ceiling,
            terms=charter.terms,
            me=self._base.me,
            owners=rules.owners,
            claims=claiming,
            node_four_eyes=four_eyes(tx),
        )
        decisions = release(
            candidates,
            circle,
            person=desk.person,
            purpose=desk.purpose,
            held=lambda ids: set(tx.items.find(sorted(ids))),
            in_circle=lambda ids: _there(tx, ids, logs, out),
        )
        return list(zip(seqs, decisions, strict=True))

    def _consented(
        self, tx: Transaction, world: World, charter: Charter, seqs: list[int], candidates: list[Candidate]
    ) -> list[Candidate]:
        """Return the candidates with what the originators of those that are not ours have consented to."""
        if all(candidate.own for candidate in candidates):
            return candidates
        held = consents.Consents(tx, world, charter)
        found = list(candidates)
        for at, candidate in enumerate(candidates):
            row = tx.items.get([seqs[at]])[0][0] if not candidate.own else None
            if row is not None:
                ask = held.of(row)
                text = held.text(ask) if ask is not None else ""
                found[at] = structs.replace(candidate, consent=text, may_ask=held.may_ask(row))
        return found

    def _candidate(
        self,
        tx: Transaction,
        row: ItemRow,
        data: bytes,
        known: Mapping[str, list[ItemRow]],
        logs: list[int],
        out: set[int],
    ) -> Candidate:
        refs, pap = pointers(data, row.stix_id, row.created_by)
        found = Facts(
            id=row.stix_id,
            type=row.type,
            spec_version="",
            created=row.created,
            modified=row.modified,
            created_by_ref=row.created_by,
            revoked=row.revoked,
            name=row.name,
            tlp=None,
            pap=pap,
            refs=refs,
            warnings=(),
        )
        own = row.own and not self._received(tx, row, data, known, logs)
        return Candidate(
            row.stix_id,
            found,
            Tlp(row.tlp) if row.tlp >= 0 else None,
            Member(row.author),
            own,
            row.person,
            len(data),
            denied=row.seq in out,
            problem=problem(data),
        )

    def _received(
        self, tx: Transaction, row: ItemRow, data: bytes, known: Mapping[str, list[ItemRow]], logs: list[int]
    ) -> bool:
        """Say whether a partner sent exactly these bytes, under another circle, before we brought them ourselves."""
        earlier = [
            each.seq
            for each in known.get(row.stix_id, [])
            if not each.own and each.seq < row.seq and each.modified == row.modified
        ]
        if not earlier:
            return False
        here = tx.items.placed(earlier, logs)
        return any(sent == data for _, sent in tx.items.get([seq for seq in earlier if seq not in here]))

    def why(self, id_: str) -> list[Release]:
        """Return each release of an item: where to, under which clause, by whom, when.

        By this member, and by others that sent it on with its originator's consent.
        """
        found: list[Release] = []
        with self._base.store.read() as tx:
            world = self._base.world(tx)
            stix_id = resolve(tx, id_)
            for copy in tx.items.find([stix_id]).get(stix_id, []):
                for log, each in consents.carriers(tx, copy):
                    consent = consents.consent_of(tx, log, each.index)
                    charter = world.charters.get(log.circle)
                    if charter is not None and (log.member == self._base.me or consent is not None):
                        found.append(self._release(each, charter, Member(log.member), consent))
        return sorted(found, key=lambda each: each.time)

    def _release(self, entry: PayloadRow, charter: Charter, author: Member, consent: ConsentInfo | None) -> Release:
        header = item.read_header(entry.head.rstrip(b"\n"))
        clause = (
            f"{charter.name}, revision {b32(charter.revision)[:8]}: {header.marking} within the ceiling "
            f"{charter.text.ceiling} of {charter.text.name}"
        )
        if consent is not None:
            clause += (
                f"; sent on by {consent.sender[:8]} with the consent of its originator {consent.by[:8]} "
                f"(person {consent.person[:8]}, {consent.time})"
            )
        members = [b32(member) for member in charter.members if member != author]
        return Release(b32(charter.id), members, clause, header.person, stamp(entry.time), header.purpose)


def _there(tx: Transaction, ids: Collection[str], logs: list[int], out: set[int]) -> set[str]:
    rows = [row for found in tx.items.find(sorted(ids)).values() for row in found if row.seq not in out]
    placed = tx.items.placed([row.seq for row in rows], logs)
    return {row.stix_id for row in rows if row.seq in placed}


def _header(row: ItemRow, desk: Desk) -> Header:
    return Header(Tlp(row.tlp), desk.person, desk.purpose, row.type)


def resolve(tx: Transaction, text: str) -> str:
    """Return the STIX id that `text` is, or is the beginning of; NotFoundError if none or several."""
    if tx.items.find([text]):
        return text
    found = tx.items.prefix(text, 3) if len(text) >= SHORTEST else []
    if len(found) == 1:
        return found[0]
    if found:
        raise NotFoundError(
            f"{text!r} is the beginning of several items.",
            code="ambiguous",
            hint=f"For example {found[0]} and {found[1]}.",
        )
    if tomb := erasing.tomb_of(tx, text):
        raise NotFoundError(
            f"{text} was recalled ({tomb.reason}) and erased here on {stamp(tomb.time)}.",
            code="withdrawn",
            hint="See `entente item show` and, if it was yours, `entente ledger recalls`.",
        )
    raise NotFoundError(f"No item {text!r} is held here.", hint="Try `entente item search`.")


def _preview(decisions: Sequence[Decision]) -> Preview:
    allowed = all(decision.allowed for decision in decisions)
    if len(decisions) <= MANY:
        return Preview(allowed, [_info(decision) for decision in decisions])
    members = next((list(map(b32, decision.members)) for decision in decisions if decision.members), list[str]())
    groups = [
        DecisionInfo(
            ", ".join(group.examples),
            group.allowed,
            members if group.allowed else [],
            [ReasonInfo(group.rule, group.text, group.allowed, group.who, group.fix)],
            group.count,
        )
        for group in summary(decisions)
    ]
    return Preview(allowed, groups)


def _info(decision: Decision) -> DecisionInfo:
    reasons = [_reason(reason) for reason in decision.reasons]
    return DecisionInfo(decision.item, decision.allowed, [b32(member) for member in decision.members], reasons)


def _reason(reason: Reason) -> ReasonInfo:
    return ReasonInfo(reason.rule, reason.text, reason.allowed, reason.who, reason.fix)
