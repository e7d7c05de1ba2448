"""Items as people see them: list, show, search, export, acknowledge, redact."""

from __future__ import annotations

import base64
import binascii
from collections import defaultdict
from typing import TYPE_CHECKING

import msgspec

from entente.core.errors import InvalidError, NotFoundError
from entente.core.ids import Member, b32, identity_id, origin_hash
from entente.core.marking import Tlp
from entente.core.merkle import leaf_hash
from entente.core.times import micro_stamp, stamp
from entente.formats.stix import redact
from entente.kinds.acknowledgement import KIND as ACKNOWLEDGEMENT
from entente.kinds.acknowledgement import STAGES
from entente.ledger.log import Draft, root_of
from entente.node.home.checked import checked
from entente.node.home.people import operator
from entente.node.home.written import PathLike, write_file
from entente.node.items import consents, erasing
from entente.node.items.bundle import ItemBundle
from entente.node.items.imports import Imports, Progress, Source
from entente.node.items.projection import RECEIVED, file_act
from entente.node.items.receipts import receipts_of
from entente.node.items.sharing import Sharing, resolve
from entente.node.items.values import (
    Acknowledged,
    CopyInfo,
    EntryInfo,
    Imported,
    ItemInfo,
    ItemsWritten,
    ItemView,
    Page,
    Received,
    Redacted,
)
from entente.node.logs import claimed
from entente.node.rooms import offers
from entente.store.ports import ItemQuery, ItemRow, LogRow, Transaction

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from entente.node.home.base import Base
    from entente.node.rooms.in_force import InForce

MAX_PAGE = 100_000
RUN = 1000
"""How many items an export reads at a time."""
CURSOR_SIZE = 8


@checked
class Items:
    """What this member holds."""

    def __init__(self, base: Base, sharing: Sharing) -> None:
        """Work on this base."""
        self._base = base
        self._imports = Imports(base, sharing)

    def import_files(
        self,
        files: Sequence[Source],
        *,
        tlp: str = "",
        circle: str = "",
        strict: bool = False,
        purpose: str = "",
        person: str = "",
        again: bool = False,
        progress: Progress | None = None,
    ) -> Imported:
        """Store the objects of files; see `Imports.import_files`."""
        return self._imports.import_files(
            files, tlp=tlp, circle=circle, strict=strict, purpose=purpose, person=person, again=again, progress=progress
        )

    def list(self, circle: str = "", type: str = "", limit: int = 100, cursor: str = "") -> Page:  # noqa: A002
        """Return items in the order in which they came, of one circle or type, with the cursor of the next page.

        InvalidError for a limit outside 1 to 100,000 or a cursor that no page gave; NotFoundError for the circle.
        """
        if not 1 <= limit <= MAX_PAGE:
            raise InvalidError(f"A page has 1 to {MAX_PAGE:,} items.")
        with self._base.store.read() as tx:
            in_force = self._base.in_force(tx)
            logs = self._logs(tx, in_force, circle)
            query = ItemQuery(logs=logs, type=type, after=_read_cursor(cursor), limit=limit + 1)
            rows = tx.items.page(query)
            more = _cursor(rows[limit - 1].seq) if len(rows) > limit else ""
            return Page(list(self._infos(tx, in_force, rows[:limit])), more)

    def search(self, text: str, type: str = "", limit: int = 20) -> Page:  # noqa: A002 - the STIX word
        """Return the shown items whose strings hold all the words, best first.

        At most `limit`; there are no further pages.
        """
        self.index()
        with self._base.store.read() as tx:
            return Page(list(self._infos(tx, self._base.in_force(tx), tx.items.search(text, type, limit))), "")

    def index(self) -> int:
        """Bring the full-text index up to date; return how many items were indexed."""
        total = 0
        while True:
            with self._base.store.write() as tx:
                done = tx.items.index()
            total += done
            if not done:
                return total

    def _logs(self, tx: Transaction, in_force: InForce, circle: str) -> tuple[int, ...] | None:
        if not circle:
            return None
        room = self._base.find_circle(in_force, circle)
        return tuple(row.id for row in offers.logs_of_circle(tx, in_force.rooms, room))

    def _infos(self, tx: Transaction, in_force: InForce, rows: Sequence[ItemRow]) -> Sequence[ItemInfo]:
        circles = {
            row.id: b32(room.circle) for room in in_force.rooms for row in offers.logs_of(tx, room) if row.circle
        }
        found: list[ItemInfo] = []
        for row in rows:
            where = {circles[each.log] for each in tx.payloads.of_item(row.seq) if each.log in circles}
            found.append(
                ItemInfo(
                    row.stix_id,
                    row.type,
                    row.name,
                    micro_stamp(row.modified),
                    _marking(row),
                    b32(row.author),
                    sorted(where),
                )
            )
        return found

    def show(self, id_: str) -> ItemView:
        """Return one item: the shown object as it came, where it stands, who holds it, whose copies there are.

        Of one that was recalled and erased here: no object, the state "withdrawn", why and since when.
        """
        with self._base.store.read() as tx:
            in_force = self._base.in_force(tx)
            tomb = None if tx.items.find([id_]) else erasing.tomb_of(tx, id_)
            if tomb is not None:
                return ItemView(None, [], "", tomb.author, "withdrawn", [], [], tomb.reason, stamp(tomb.time))
            stix_id = resolve(tx, id_)
            rows = tx.items.find([stix_id])[stix_id]
            row = next((each for each in rows if each.top), rows[-1])
            data = tx.items.get([row.seq])[0][1]
            entries = [
                EntryInfo(
                    b32(in_force.rooms.public(log.circle)),
                    log.origin,
                    each.index,
                    consents.consent_of(tx, log, each.index),
                    stamp(since) if (since := claimed.not_before(tx, log, each.index)) else "",
                )
                for each in tx.payloads.of_item(row.seq)
                if (log := _log(tx, each.log)) is not None
            ]
            return ItemView(
                msgspec.json.decode(data),
                entries,
                _marking(row),
                b32(row.author),
                row.state,
                receipts_of(self._base, tx, in_force, row),
                list(_copies(tx, rows)),
            )

    def export(self, circle: str = "", ids: Sequence[str] = ()) -> Iterator[tuple[str, bytes]]:
        """Yield (STIX id, bytes as they came) of the shown version of items: of a circle, of these ids, or all.

        NotFoundError, while it is read, for an unknown circle or item.
        """
        with self._base.store.read() as tx:
            logs = self._logs(tx, self._base.in_force(tx), circle)
            wanted = {resolve(tx, id_) for id_ in ids}
            after = 0
            while rows := tx.items.page(ItemQuery(logs=logs, after=after, limit=RUN)):
                after = rows[-1].seq
                chosen = [row.seq for row in rows if not wanted or row.stix_id in wanted]
                for row, data in tx.items.get(chosen):
                    yield row.stix_id, data

    def bundle(self, circle: str = "", ids: Sequence[str] = (), *, strict: bool = False) -> ItemBundle:
        """Return what `export` yields as one STIX 2.1 bundle; `strict` leaves out what a strict check would refuse.

        NotFoundError, while it is read, for an unknown circle or item.
        """
        return ItemBundle(self.export(circle, ids), uuid4(self._base.random(16)), strict=strict)

    def write(self, out: PathLike, circle: str = "", ids: Sequence[str] = (), *, strict: bool = False) -> ItemsWritten:
        """Write what `bundle` gives into a file; InvalidError or NotFoundError if it cannot be written there."""
        made = self.bundle(circle, ids, strict=strict)
        written = write_file(out, made.chunks())
        return ItemsWritten(written.out, written.bytes, made.objects, made.left_out)

    def acknowledge(self, ids: Sequence[str], stage: str = "read", *, person: str = "") -> Acknowledged:
        """Say in our own logs that we have read or used what others shared; `stage` is "read" or "used".

        NotFoundError if nobody else shared any of these items.
        """
        if stage not in STAGES:
            raise InvalidError(f"A stage is {' or '.join(STAGES)}.")
        base = self._base
        named = 0
        with base.commit() as tx:
            who = operator(tx, person)
            in_force = base.in_force(tx)
            entries: dict[int, list[tuple[int, bytes]]] = defaultdict(list)
            for stix_id in {resolve(tx, id_) for id_ in ids}:
                for row in tx.items.find([stix_id])[stix_id]:
                    for each in tx.payloads.of_item(row.seq) if row.state == "held" else []:
                        leaf = leaf_hash(tx.logs.leaves(each.log, each.index, each.index + 1)[0])
                        entries[each.log].append((each.index, leaf))
            for log_id, found in sorted(entries.items()):
                log = _log(tx, log_id)
                if log is not None and log.member != base.me:
                    named += self._acknowledge(tx, in_force, log, stage, who, sorted(found))
        if not named:
            raise NotFoundError("Nobody else shared these items; there is nothing to acknowledge.")
        return Acknowledged(named, stage)

    def _acknowledge(
        self,
        tx: Transaction,
        in_force: InForce,
        log: LogRow,
        stage: str,
        person: str,
        entries: Sequence[tuple[int, bytes]],
    ) -> int:
        base = self._base
        room = in_force.rooms.require(log.circle)
        hashed = origin_hash(log.origin)
        for at in range(0, len(entries), 256):
            run = entries[at : at + 256]
            body = ACKNOWLEDGEMENT.make(hashed, stage, size=log.size, root=root_of(log), person=person, entries=run)
            _, places = base.append(tx, room, [Draft(ACKNOWLEDGEMENT.name, base.clock(), b"", body)])
            file_act(tx, base.me, places[0].ref, ACKNOWLEDGEMENT.name, base.clock(), msgspec.json.decode(body))
        return len(entries)

    def redact(self, id_: str, drop: Sequence[str], *, person: str = "") -> Redacted:
        """Make a new item of ours from an item, without the parts named (such as description); the tie stays home.

        NotFoundError for an unknown item or part, RefusedError or InvalidError for a part that the object needs.
        """
        with self._base.store.read() as tx:
            stix_id = resolve(tx, id_)
            rows = tx.items.find([stix_id])[stix_id]
            row = next((each for each in rows if each.top), rows[-1])
            data = tx.items.get([row.seq])[0][1]
        new_id = f"{row.type}--{uuid4(self._base.random(16))}"
        made = redact(data, drop, new_id=new_id, now=self._base.now())
        marking = str(Tlp(row.tlp)) if row.tlp >= 0 else ""
        done = self.import_files([("redaction", made)], tlp=marking, person=person)
        if done.rejected:
            raise InvalidError(f"The redacted object does not read: {done.rejected[0].reason}")
        with self._base.store.write() as tx:
            erasing.REDACTED.put(tx, new_id, stix_id)
        return Redacted(new_id)

    def received(self) -> Sequence[Received]:
        """Return for each log of a partner how its items changed what is held here, counted since the beginning."""
        with self._base.store.read() as tx:
            in_force = self._base.in_force(tx)
            found: list[Received] = []
            for room in in_force.rooms:
                for member in room.members:
                    counts = RECEIVED.get(tx, room.origin(member).rpartition("/")[2])
                    if counts is not None:
                        told = msgspec.structs.asdict(counts)
                        found.append(Received(b32(member), b32(room.circle), **told))
            return found


def _copies(tx: Transaction, rows: Sequence[ItemRow]) -> Sequence[CopyInfo]:
    """Return each member's newest copy and the denied ones.

    Equal `modified` with other bytes is a conflict, and so is an id that several members claim as their own.
    """
    shown = [row for row in rows if row.latest or row.state != "held"]
    data = {row.seq: found for row, found in tx.items.get([row.seq for row in shown])}
    claims = {row.author for row in shown if row.state == "held" and row.created_by == identity_id(Member(row.author))}
    versions: dict[int, set[bytes]] = defaultdict(set)
    for row in shown:
        versions[row.modified].add(data[row.seq])
    return [
        CopyInfo(
            author=b32(row.author),
            modified=micro_stamp(row.modified),
            revoked=row.revoked,
            state=row.state,
            shown=row.top,
            conflict=len(versions[row.modified]) > 1 or len(claims) > 1,
        )
        for row in shown
    ]


def _log(tx: Transaction, log_id: int) -> LogRow | None:
    return next((row for row in tx.logs.all() if row.id == log_id), None)


def _marking(row: ItemRow) -> str:
    return str(Tlp(row.tlp)) if row.tlp >= 0 else ""


def _cursor(seq: int) -> str:
    return base64.urlsafe_b64encode(seq.to_bytes(CURSOR_SIZE, "big")).decode().rstrip("=")


def _read_cursor(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        data = base64.urlsafe_b64decode(cursor + "=")
    except (binascii.Error, ValueError) as problem:
        raise InvalidError("This is not a cursor that a list gave out.") from problem
    if len(data) != CURSOR_SIZE or _cursor(int.from_bytes(data, "big")) != cursor:
        raise InvalidError("This is not a cursor that a list gave out.")
    return int.from_bytes(data, "big")


def uuid4(noise: bytes) -> str:
    """Return a random UUID (version 4) made of 16 random bytes."""
    number = int.from_bytes(noise, "big") & ~(0xF << 76) & ~(0x3 << 62) | 0x4 << 76 | 0x2 << 62
    text = f"{number:032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
