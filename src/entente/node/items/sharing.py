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
from entente.node.home.checked import checked
from entente.node.home.find import SHORTEST
from entente.node.home.people import operator
from entente.node.home.settings import four_eyes
from entente.node.items import claims, consents, erasing
from entente.node.items.ownership import rules_for, whose_identities
from entente.node.items.projection import denied_in, resettle
from entente.node.items.values import Preview, ReasonInfo, Release, ReleaseDecision, SharedItems
from entente.node.logs import witnessed
from entente.node.rooms import offers
from entente.node.rooms.in_force import InForce, require_member
from entente.node.rooms.room import Room
from entente.policy.release import Candidate, Circle, Decision, release, summary

if TYPE_CHECKING:
    from entente.node.home.base import Base
    from entente.node.items.values import ConsentInfo
    from entente.policy.reasons import Reason
    from entente.store.ports import ItemRow, PayloadRow, Transaction

BATCH = 4000
MANY = 1000
Progress = Callable[[str, int, int], None]


class ReleaseQuestion(Struct, frozen=True):
    """One question: which item rows to which circle, for what, by whom."""

    room: Room
    seqs: Sequence[int]
    purpose: str
    person: str


@checked
class Sharing:
    """What leaves this member, and why."""

    def __init__(self, base: Base) -> None:
        """Work on this base."""
        self._base = base

    def preview(self, ids: Sequence[str], circle: str, purpose: str = "", *, person: str = "") -> Preview:
        """Say for each item whether it may go to the circle, whom it would reach, and why; nothing is sent.

        NotFoundError for an unknown item, circle or person; RefusedError for a circle that cannot be used.
        """
        with self._base.store.read() as tx:
            in_force = self._base.in_force(tx)
            question = self._question(in_force, self._pick(tx, ids), circle, purpose, operator(tx, person))
            decided = self._decide(tx, in_force, question)
        return _preview([decision for _, decision in decided])

    def send(self, ids: Sequence[str], circle: str, purpose: str = "", *, person: str = "") -> SharedItems:
        """Share all of the items, or none: then `preview` says why.

        NotFoundError for an unknown item, circle or person; RefusedError for a circle that cannot be used.
        """
        with self._base.store.read() as tx:
            seqs = self._pick(tx, ids)
            who = operator(tx, person)
        decisions, shared = self._send(seqs, circle, purpose, who, everything=True, progress=None)
        if all(decision.allowed for decision in decisions):
            return SharedItems(shared)
        return SharedItems(0, _preview(decisions))

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
            in_force = self._base.in_force(tx)
            question = self._question(in_force, seqs, circle, purpose, person)
            decided = self._decide(tx, in_force, question)
        decisions = [decision for _, decision in decided]
        going = [seq for seq, decision in decided if decision.allowed]
        if everything and len(going) < len(decisions):
            return decisions, 0
        shared = 0
        for at in range(0, len(going), BATCH):
            shared += self._append(question, going[at : at + BATCH])
            if progress is not None:
                progress("share", min(at + BATCH, len(going)), len(going))
        return decisions, shared

    def _append(self, question: ReleaseQuestion, seqs: list[int]) -> int:
        """Append one batch of items to our log of the circle; those that stand there already are left out.

        So are those that were withdrawn, or marked above the ceiling, since the decision.
        """
        with self._base.commit() as tx:
            return self._append_in(tx, question, seqs)

    def _append_in(self, tx: Transaction, question: ReleaseQuestion, seqs: Sequence[int]) -> int:
        base, room = self._base, question.room
        row = tx.logs.get(room.origin(base.me))
        there = tx.items.placed(seqs, [row.id]) if row else set[int]()
        found = tx.items.get([seq for seq in seqs if seq not in there])
        out = denied_in(tx, room.key)
        fresh = [pair for pair in found if pair[0].seq not in out and 0 <= pair[0].tlp <= room.text.ceiling]
        if not fresh:
            return 0
        now = base.clock()
        drafts = [Draft(item.NAME, now, _header(each, question).line(), data, each.seq) for each, data in fresh]
        _, places = base.append(tx, room, drafts)
        pairs = list(zip((each for each, _ in fresh), places, strict=True))
        if seen := [place.index for each, place in pairs if each.type == witnessed.SIGHTING]:
            witnessed.watch(tx, places[0].log, seen)
        sent = [(each, place) for each, place in pairs if each.author != base.me]
        if sent:
            consents.show_consent(tx, base, base.in_force(tx), room, sent)
        back = [structs.replace(each, state="held") for each, _ in fresh if each.state == "denied"]
        tx.items.save(back)
        resettle(tx, [each.stix_id for each in back])
        self._claim(tx, room, [each for each, _ in fresh])
        return len(fresh)

    def share_in(self, tx: Transaction, room: Room, seqs: Sequence[int], person: str) -> Preview | None:
        """Share item rows inside the caller's transaction, all (None) or none: then the preview says why."""
        question = ReleaseQuestion(room, list(dict.fromkeys(seqs)), "", person)
        decisions = [decision for _, decision in self._decide(tx, self._base.in_force(tx), question)]
        if not all(decision.allowed for decision in decisions):
            return _preview(decisions)
        self._append_in(tx, question, question.seqs)
        return None

    def place_of(self, tx: Transaction, room: Room, seq: int) -> str:
        """Return the reference of the newest entry of ours that carries an item row; NotFoundError if none does."""
        row = tx.logs.get(room.origin(self._base.me))
        found = [each.index for each in tx.payloads.of_item(seq) if row is not None and each.log == row.id]
        if row is None or not found:
            raise NotFoundError("This item is not shared in the circle.", hint="See `entente share why`.")
        index = max(found)
        return f"{b32(origin_hash(row.origin))}/{index}/{b32(tx.logs.node(row.id, 0, index))}"

    def _claim(self, tx: Transaction, room: Room, rows: list[ItemRow]) -> None:
        """Deny copies of others that were here before our own version of what belongs to us."""
        in_force = self._base.in_force(tx)
        owners = whose_identities(tx, in_force, room)
        mine = sorted({row.stix_id for row in rows if owners.get(row.created_by) == self._base.me})
        if mine:
            rules = rules_for(tx, in_force, room, tx.items.find(mine))
            claims.deny_late(tx, self._base, room, rules, mine)

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

    def _question(
        self, in_force: InForce, seqs: Sequence[int], circle: str, purpose: str, person: str
    ) -> ReleaseQuestion:
        room = self._base.find_circle(in_force, circle)
        require_member(in_force, room)
        return ReleaseQuestion(room, list(dict.fromkeys(seqs)), purpose, person)

    def _decide(self, tx: Transaction, in_force: InForce, question: ReleaseQuestion) -> list[tuple[int, Decision]]:
        """Decide about all items together; they are read in batches, so that few of them are in memory at a time."""
        room = question.room
        logs = offers.reaching(tx, in_force.rooms, room)
        out = denied_in(tx, room.key)
        rules, claiming = rules_for(tx, in_force, room, {}), dict[str, Collection[Member]]()
        seqs: list[int] = []
        candidates: list[Candidate] = []
        for at in range(0, len(question.seqs), BATCH):
            rows = tx.items.get(question.seqs[at : at + BATCH])
            known = tx.items.find([row.stix_id for row, _ in rows], besides=self._base.me)
            if contested := rules_for(tx, in_force, room, known).claims:
                claiming |= rules_for(tx, in_force, room, tx.items.find(sorted(contested))).claims
            seqs += [row.seq for row, _ in rows]
            candidates += [self._candidate(tx, row, data, known, logs, out) for row, data in rows]
        candidates = self._consented(tx, in_force, room, seqs, candidates)
        circle = Circle(
            agreement=room.agreement,
            circle=room.key,
            name=room.text.name,
            agreement_state=in_force.agreement_state(room.agreement),
            circle_state=in_force.state(room),
            members=room.members,
            founding=(in_force.rooms.founding_of(room.agreement) or room).members,
            ceiling=room.text.ceiling,
            terms=room.terms,
            me=self._base.me,
            owners=rules.owners,
            claims=claiming,
            node_four_eyes=four_eyes(tx),
        )
        decisions = release(
            candidates,
            circle,
            person=question.person,
            purpose=question.purpose,
            held=lambda ids: set(tx.items.find(sorted(ids))),
            in_circle=lambda ids: _there(tx, ids, logs, out),
        )
        return list(zip(seqs, decisions, strict=True))

    def _consented(
        self, tx: Transaction, in_force: InForce, room: Room, seqs: list[int], candidates: list[Candidate]
    ) -> list[Candidate]:
        """Return the candidates with what the originators of those that are not ours have consented to."""
        if all(candidate.own for candidate in candidates):
            return candidates
        held = consents.Consents(tx, in_force, room)
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
            in_force = self._base.in_force(tx)
            stix_id = resolve(tx, id_)
            for copy in tx.items.find([stix_id]).get(stix_id, []):
                for log, each in consents.carriers(tx, copy):
                    consent = consents.consent_of(tx, log, each.index)
                    room = in_force.rooms.get(log.circle)
                    if room is not None and (log.member == self._base.me or consent is not None):
                        found.append(self._release(each, room, Member(log.member), consent))
        return sorted(found, key=lambda each: each.time)

    def _release(self, entry: PayloadRow, room: Room, author: Member, consent: ConsentInfo | None) -> Release:
        header = item.read_header(entry.head.rstrip(b"\n"))
        clause = (
            f"{room.agreement_name}, revision {b32(room.revision)[:8]}: {header.marking} within the ceiling "
            f"{room.text.ceiling} of {room.text.name}"
        )
        if consent is not None:
            clause += (
                f"; sent on by {consent.sender[:8]} with the consent of its originator {consent.by[:8]} "
                f"(person {consent.person[:8]}, {consent.time})"
            )
        members = [b32(member) for member in room.members if member != author]
        return Release(b32(room.circle), members, clause, header.person, stamp(entry.time), header.purpose)


def _there(tx: Transaction, ids: Collection[str], logs: list[int], out: set[int]) -> set[str]:
    rows = [row for found in tx.items.find(sorted(ids)).values() for row in found if row.seq not in out]
    placed = tx.items.placed([row.seq for row in rows], logs)
    return {row.stix_id for row in rows if row.seq in placed}


def _header(row: ItemRow, question: ReleaseQuestion) -> Header:
    return Header(Tlp(row.tlp), question.person, question.purpose, row.type)


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
    raise NotFoundError(f"This node holds no item {text!r}.", hint="Try `entente item search`.")


def _preview(decisions: Sequence[Decision]) -> Preview:
    allowed = all(decision.allowed for decision in decisions)
    if len(decisions) <= MANY:
        return Preview(allowed, [_info(decision) for decision in decisions])
    members = next((list(map(b32, decision.members)) for decision in decisions if decision.members), list[str]())
    groups = [
        ReleaseDecision(
            ", ".join(group.examples),
            group.allowed,
            members if group.allowed else [],
            [ReasonInfo(group.rule, group.text, group.allowed, group.who, group.fix)],
            group.count,
        )
        for group in summary(decisions)
    ]
    return Preview(allowed, groups)


def _info(decision: Decision) -> ReleaseDecision:
    reasons = [_reason(reason) for reason in decision.reasons]
    return ReleaseDecision(decision.item, decision.allowed, [b32(member) for member in decision.members], reasons)


def _reason(reason: Reason) -> ReasonInfo:
    return ReasonInfo(reason.rule, reason.text, reason.allowed, reason.who, reason.fix)
