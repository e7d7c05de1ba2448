"""The ledger as its owner sees it: verify everything, receipts, proofs, and vouching for a restored home."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from entente.core import entry, merkle, note
from entente.core.errors import EntenteError, NotFoundError, StoreError
from entente.core.ids import Member, b32, keys_origin, origin_hash
from entente.ledger import forks, splits, witness
from entente.ledger.proof import read_proof
from entente.node.agreements.epochs import discontinuity
from entente.node.home.checked import checked
from entente.node.home.people import operator
from entente.node.home.values import HomeConfirmed
from entente.node.items import erasing
from entente.node.items.receipts import receipts_of
from entente.node.items.sharing import resolve
from entente.node.logs.evidence import EVIDENCE, SPLITS
from entente.node.logs.proofs import proof_of
from entente.node.logs.values import EvidenceInfo, LedgerReport, LogReport
from entente.node.rooms import forked_logs
from entente.node.rooms.filed import REFUSED
from entente.store import shelf

if TYPE_CHECKING:
    from entente.ledger.history import KeyHistory
    from entente.node.home.base import Base
    from entente.node.items.values import Receipt
    from entente.node.rooms.in_force import InForce
    from entente.node.rooms.room import Rooms
    from entente.store.ports import LogRow, PayloadRow, Transaction

RUN = 2048
TILE = 8
"""Every that many levels the hashes of whole subtrees are stored."""
VOUCHED = shelf.text("vouched")
"""By time: who vouched for this home, and why it was in doubt."""

Progress = Callable[[str, int, int], None]


class Scan(Struct):
    """What re-reading one log showed."""

    frontier: merkle.Frontier
    held: int
    problems: list[str]


@checked
class Ledger:
    """Everything that can be proven."""

    def __init__(self, base: Base) -> None:
        """Work on this base."""
        self._base = base

    def verify(self, progress: Progress | None = None) -> LedgerReport:
        """Recompute every entry, payload, root, signature and cosignature in the home; name what does not hold.

        The database below them is read as a whole first; a damaged search index is named and begun anew.
        `progress` is called with "verify", how many logs are done, and how many there are.
        """
        base = self._base
        reports: list[LogReport] = []
        damage = base.store.damage(thorough=True)
        with base.store.read() as tx:
            doubt = base.guard.doubted(tx)
            rows = tx.logs.all()
            in_force = base.in_force(tx)
            excused = erasing.excused(tx, base.me)
            for row in rows:
                reports.append(self._log(tx, in_force, row, excused.get(origin_hash(row.origin), {})))
                if progress is not None:
                    progress("verify", len(reports), len(rows))
        problems = [*([doubt] if doubt else []), *damage]
        ok = not problems and not any(report.problems for report in reports)
        return LedgerReport(ok, reports, problems)

    def _log(self, tx: Transaction, in_force: InForce, row: LogRow, excused: Mapping[int, bytes]) -> LogReport:
        scan = Scan(merkle.Frontier.empty(), 0, [])
        if row.origin != _origin_of(in_force.rooms, row):
            scan.problems.append("it is filed under a member or circle that it is not a log of")
        if broken := discontinuity(tx, in_force, row):
            scan.problems.append(broken)
        try:
            self._entries(tx, row, scan, excused)
        except EntenteError as problem:
            scan.problems.append(f"entry {scan.frontier.size}: {problem.message}")
        if scan.frontier.size != row.size:
            scan.problems.append(f"{row.size} entries were stored, {scan.frontier.size} are there")
        root = scan.frontier.root()
        if row.size and scan.frontier.to_bytes() != row.peaks:
            scan.problems.append("the compact range is not that of the entries")
        scan.problems += self._head(tx, row, root)
        witnessed = self._cosignatures(tx, row, scan)
        scan.problems += _strays(tx, row)
        return LogReport(
            row.origin,
            row.size,
            b32(root),
            witnessed,
            scan.problems,
            b32(row.member),
            b32(in_force.rooms.public(row.circle)) if in_force.rooms.get(row.circle) else "",
            row.epoch,
        )

    def _entries(self, tx: Transaction, row: LogRow, scan: Scan, excused: Mapping[int, bytes]) -> None:
        """Recompute leaves and payloads, and the stored hashes."""
        awaited = set(tx.payloads.awaited(row.id, 1_000_000))
        hashed = b32(origin_hash(row.origin))
        refused = {
            int(key.split("/")[1]) for key in REFUSED.keys(tx, f"{hashed}/") if key.split("/")[2] == b32(self._base.me)
        }
        subtrees: list[bytes] = []
        for start in range(0, row.size, RUN):
            leaves = tx.logs.leaves(row.id, start, min(start + RUN, row.size))
            payloads = {each.index: each for each in tx.payloads.get(row.id, start, start + len(leaves))}
            hashes = merkle.leaf_hashes(leaves)
            for at, leaf in enumerate(leaves, start):
                erased = excused.get(at) == hashes[at - start]
                lacking = erased or at in awaited or at in refused
                if problem := _check_entry(at, leaf, payloads.get(at), lacking=lacking, erased=erased):
                    scan.problems.append(problem)
            for at, hash_ in enumerate(hashes, start):
                if tx.logs.node(row.id, 0, at) != hash_:
                    scan.problems.append(f"entry {at}: its stored leaf hash is not that of the leaf")
            scan.frontier.extend(hashes)
            subtrees += self._subtrees(tx, row, scan, TILE, start >> TILE, hashes)
        level = TILE
        while len(subtrees) >= 1 << TILE:
            level += TILE
            subtrees = self._subtrees(tx, row, scan, level, 0, subtrees)

    def _subtrees(
        self, tx: Transaction, row: LogRow, scan: Scan, level: int, first: int, hashes: list[bytes]
    ) -> list[bytes]:
        """Compare the stored hashes of the whole subtrees from number `first` on with those made of `hashes`."""
        width = 1 << TILE
        made = [merkle.root(hashes[at : at + width]) for at in range(0, len(hashes) // width * width, width)]
        for at, hash_ in enumerate(made, first):
            if tx.logs.node(row.id, level, at) != hash_:
                entries = f"entries {at << level} to {(at + 1 << level) - 1}"
                scan.problems.append(f"{entries}: the stored hash over them is not theirs")
        return made

    def _head(self, tx: Transaction, row: LogRow, root: bytes) -> list[str]:
        if not row.note:
            return [] if row.signed == 0 else ["the signed head is gone"]
        try:
            signer = self._base.history(tx, Member(row.member)).signer(note.Note.parse(row.note))
            checkpoint = note.open_checkpoint(row.note, signer)
            if checkpoint.origin != row.origin:
                return ["checkpoint: it is of another log"]
        except EntenteError as problem:
            return [f"checkpoint: {problem.message}"]
        if checkpoint.size != row.signed:
            return [f"checkpoint: it covers {checkpoint.size} entries, {row.signed} were recorded"]
        if checkpoint.size > row.size:
            return []
        held = root if checkpoint.size == row.size else self._root_at(tx, row, checkpoint.size)
        return [] if held == checkpoint.root else [f"checkpoint: its root is not that of the {checkpoint.size} entries"]

    def _root_at(self, tx: Transaction, row: LogRow, size: int) -> bytes:
        try:
            return witness.root_at(tx, row, size)
        except EntenteError:
            return b""

    def _cosignatures(self, tx: Transaction, row: LogRow, scan: Scan) -> list[str]:
        names: list[str] = []
        try:
            given = witness.of_log(tx, origin_hash(row.origin))
        except StoreError:
            scan.problems.append("cosignature: one of this log cannot be read")
            return names
        for each in given:
            member = Member(each.member)
            try:
                verifier = _verifier(self._base.history(tx, member), each)
                note.verify_cosignature(note.Checkpoint(row.origin, each.size, each.root), each.line, verifier)
                if each.log != origin_hash(row.origin):
                    scan.problems.append(f"cosignature of {b32(member)[:8]}: it is filed under another log")
                elif each.size <= row.size and self._root_at(tx, row, each.size) != each.root:
                    scan.problems.append(f"cosignature of {b32(member)[:8]}: it covers another version of the log")
                elif each.stage == witness.Stage.WITNESSED and member != row.member:
                    names.append(b32(member))
            except EntenteError as problem:
                scan.problems.append(f"cosignature of {b32(member)[:8]}: {problem.message}")
        return names

    def receipts(self, id_: str) -> list[Receipt]:
        """Return how far an item that this member shared has come with each other member.

        NotFoundError for an unknown item.
        """
        base = self._base
        with base.store.read() as tx:
            in_force = base.in_force(tx)
            stix_id = resolve(tx, id_)
            rows = tx.items.find([stix_id])[stix_id]
            mine = [row for row in rows if row.author == base.me and row.latest] or [row for row in rows if row.top]
            return receipts_of(base, tx, in_force, mine[0])

    def proof(self, id_: str) -> bytes:
        """Return a proof file of the newest entry that carries this item (docs/protocol/2-ledger.md, "Proof file").

        NotFoundError for an item that stands in no log, or whose entry no signed head covers yet.
        """
        with self._base.store.read() as tx:
            in_force = self._base.in_force(tx)
            stix_id = resolve(tx, id_)
            rows = tx.items.find([stix_id])[stix_id]
            logs = {row.id: row for row in tx.logs.all()}
            found = [
                each for row in rows for each in tx.payloads.of_item(row.seq) if each.index < logs[each.log].signed
            ]
            mine = [each for each in found if logs[each.log].member == self._base.me]
            for each in sorted(mine or found, key=lambda each: -each.time):
                if logs[each.log].size >= logs[each.log].signed:
                    return proof_of(self._base, tx, in_force.rooms, logs[each.log], each)
        raise NotFoundError("This item has not been shared.", hint="Share it first: `entente share send`.")

    def evidence(self) -> list[EvidenceInfo]:
        """Return the evidence that is kept: of forks, and of split views, in which one of two members is wrong."""
        with self._base.store.read() as tx:
            forked = [(key, forks.from_json(data)) for key, data in EVIDENCE.all(tx)]
            acts = {each.origin: len(forked_logs.of_log(tx, origin_hash(each.origin))) for _, each in forked}
            split = [(key, splits.from_json(data)) for key, data in SPLITS.all(tx)]
        return [
            *(
                EvidenceInfo(key, "fork", each.origin, b32(each.member), list(each.sizes), strays=acts[each.origin])
                for key, each in forked
            ),
            *(
                EvidenceInfo(
                    key, "split-view", each.origin, b32(each.author.member), list(each.sizes), b32(each.other.member)
                )
                for key, each in split
            ),
        ]

    def evidence_file(self, id_: str) -> bytes:
        """Return one piece of evidence as a file that anybody can verify; NotFoundError if there is none."""
        with self._base.store.read() as tx:
            found = [file for kept in (EVIDENCE, SPLITS) for file in kept.values(tx, id_.lower())]
        if len(found) != 1:
            raise NotFoundError(
                f"There is no log evidence, or more than one, with the id {id_!r}.",
                hint="See `entente ledger evidence`.",
            )
        return found[0]

    def confirm(self, *, person: str = "") -> HomeConfirmed:
        """Vouch for a home that was restored or moved: sign again from here on; return the logs concerned.

        Nothing is done, and no log named, where the home is not in doubt. NotFoundError for an unknown person.
        """
        base = self._base
        with base.commit() as tx:
            doubt = base.guard.witness_doubted(tx)
            if not doubt:
                return HomeConfirmed([])
            who = operator(tx, person)
            VOUCHED.put(tx, base.now(), f"{who}: {doubt}")
            mine = [row.origin for row in tx.logs.all() if row.member == base.me]
            base.guard.confirm(tx)
        return HomeConfirmed(mine)


def _strays(tx: Transaction, row: LogRow) -> list[str]:
    """Say which acts of other histories of a log do not prove what is kept of them."""
    found: list[str] = []
    for each in forked_logs.of_log(tx, origin_hash(row.origin)):
        try:
            proof = read_proof(each.proof)
        except EntenteError as problem:
            found.append(f"entry {each.index} of another history: {problem.message}")
            continue
        said = (proof.author.member, proof.checkpoint.origin, proof.index, proof.kind, proof.time, proof.payload)
        if said != (row.member, row.origin, each.index, each.kind, each.time, each.data):
            found.append(f"entry {each.index} of the other version: its proof shows another entry")
    return found


def _origin_of(rooms: Rooms, row: LogRow) -> str:
    """Return the origin that a log of this member and circle has, "" where no such circle is known."""
    member = Member(row.member)
    if not row.circle:
        return keys_origin(member)
    room = rooms.get(row.circle)
    return room.origin(member) if room is not None and member in room.members else ""


def _verifier(keys: KeyHistory, given: witness.Cosignature) -> note.Verifier:
    """Return the key that the line names, of those that its member ever had for this; the current one if it is none."""
    name, line = witness.name_of(keys.member, given.stage), note.Signature.parse(given.line)
    own = [each for each in keys.cosigners() if each.name == name]
    return next((each for each in own if each.key_id == line.key_id), own[0])


def _check_entry(index: int, leaf: bytes, payload: PayloadRow | None, *, lacking: bool, erased: bool) -> str:
    """Return what is wrong with one entry and its payload, "" if nothing is."""
    try:
        said = entry.parse(leaf)
    except EntenteError as problem:
        return f"entry {index}: {problem.message}"
    if payload is None:
        return "" if lacking else f"entry {index}: its payload is gone"
    if erased:
        return f"entry {index}: it was erased, and its payload is still here"
    if entry.commitment(payload.salt, payload.head + payload.data) != said.commitment:
        return f"entry {index} ({said.kind}): its payload is not the one that it commits to"
    if (payload.kind, payload.time) != (said.kind, said.time):
        return f"entry {index}: kind or time beside it are not those of the leaf"
    return ""
