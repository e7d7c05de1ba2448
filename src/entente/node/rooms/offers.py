"""Rooms: the agreements, circles and revisions that this member knows, and the logs that follow from them.

A `Room` is one *room*: a circle in one epoch, with one audience and one set of terms for ever
(docs/protocol/7-changes.md). What is stored are the offers as they came, and which revisions have begun an epoch here.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING

from msgspec import Struct

from entente.core import canon
from entente.core.errors import InvalidError, LimitError, NotFoundError, RefusedError, VerificationError
from entente.core.ids import Member, b32, keys_origin, unb32
from entente.core.shape import check_fields
from entente.ledger.keys import open_log
from entente.node.rooms.room import Revision, Room, Rooms
from entente.policy import circle as circles
from entente.policy.agreement import FoundingText
from entente.policy.circle import LEAST, CircleText
from entente.policy.revision import RevisionText, room_key, room_secret
from entente.store import shelf
from entente.store.ports import LogRow, Transaction

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

OFFERED = shelf.raw("charter")
"""Offers of agreements and circles as they came, by the key of the first room."""
REVISIONS = shelf.raw("revision")
"""Offers of revisions by id."""
EPOCHS = shelf.raw("epoch")
"""By agreement and epoch: the revision that began it here, or `ABSENT`."""
MAX_OPEN = 16
MAX_OFFER = 64 << 10
MAX_HISTORY = 2 << 20
ABSENT = b"absent"
"""In place of the first revision: this member came later, so the first room is not its own."""


def load(tx: Transaction) -> Rooms:
    """Return all rooms; the same object as long as they are the same."""
    return _parse(
        tuple(OFFERED.values(tx)),
        tuple(REVISIONS.values(tx)),
        tuple(EPOCHS.all(tx)),
    )


@lru_cache(maxsize=64)
def _parse(documents: tuple[bytes, ...], revisions: tuple[bytes, ...], epochs: tuple[tuple[str, bytes], ...]) -> Rooms:
    stored = [_Stored.from_bytes(data) for data in documents]
    foundings: dict[bytes, FoundingText] = {}
    for each in stored:
        named = canon.decode(each.text)["agreement"]
        if isinstance(named, dict):
            founding = FoundingText.read(named)
            foundings[founding.id] = founding
    offered = [_revision(_Stored.from_bytes(data)) for data in revisions]
    by_id = {each.text.id: each for each in offered}
    begun: dict[bytes, list[Revision]] = {}
    absent: set[bytes] = set()
    for key, data in epochs:
        agreement = unb32(key.partition("/")[0], 32)
        if data == ABSENT:
            absent.add(agreement)
        else:
            begun.setdefault(agreement, []).append(by_id[unb32(data.decode(), 32)])
    rooms = [room for each in stored for room in _rooms(each, foundings, begun, absent)]
    return Rooms(rooms, offered)


def _rooms(
    stored: _Stored,
    foundings: Mapping[bytes, FoundingText],
    begun: Mapping[bytes, list[Revision]],
    absent: set[bytes],
) -> list[Room]:
    """Return the rooms of one circle, from the epoch in which it was opened on; a newcomer's begin with its own."""
    opened = _read(stored.text, foundings, begun, stored.by, stored.time)
    rooms = [] if opened.founding and opened.agreement in absent else [opened]
    before: frozenset[Member] = frozenset(opened.members)
    chain = sorted(begun.get(opened.agreement, ()), key=lambda each: each.text.epoch)
    for revision in chain:
        if revision.text.epoch <= opened.epoch:
            continue
        members = [each for each in revision.text.members if opened.founding or each in opened.text.members]
        if len(members) >= LEAST and revision.secret:
            rooms.append(_later(opened, revision, members, frozenset(members) - before))
        before = frozenset(revision.text.members)
    return rooms


def _later(opened: Room, revision: Revision, members: list[Member], newcomers: frozenset[Member]) -> Room:
    text = revision.text
    return Room(
        agreement=opened.agreement,
        key=room_key(opened.circle, text.id),
        circle=opened.circle,
        epoch=text.epoch,
        revision=text.id,
        agreement_name=text.name,
        members=tuple(members),
        newcomers=newcomers if opened.founding else frozenset(),
        terms=text.terms,
        secret=room_secret(opened.text.secret, revision.secret),
        founding_text=opened.founding_text,
        text=opened.text,
        founding=opened.founding,
        first=False,
        offered_by=opened.offered_by,
        time=opened.time,
    )


class _Stored(Struct, frozen=True):
    by: Member
    time: int
    text: bytes

    def to_bytes(self) -> bytes:
        return b"|".join([b32(self.by).encode(), str(self.time).encode(), self.text])

    @classmethod
    def from_bytes(cls, data: bytes) -> _Stored:
        by, time, text = data.split(b"|", 2)
        return cls(Member(unb32(by.decode(), 32)), int(time), text)


def _revision(stored: _Stored) -> Revision:
    body = canon.decode(stored.text)
    check_fields(body, {"v": int, "revision": dict, "secret": str})
    text = RevisionText.read(body["revision"]) if isinstance(body["revision"], dict) else None
    secret = unb32(str(body["secret"]), 32) if body["secret"] else b""
    if text is None or body["v"] != 1:
        raise InvalidError("Offers of this version are not known here.", hint="Update Entente.")
    if secret and sha256(secret).digest() != text.secret:
        raise VerificationError("The epoch's secret is not the one that the revision names.", code="offer")
    return Revision(text, secret, stored.by, stored.time)


def _read(
    offer: bytes, foundings: Mapping[bytes, FoundingText], begun: Mapping[bytes, list[Revision]], by: Member, time: int
) -> Room:
    """Return the first room of the circle that an offer tells of."""
    body = canon.decode(offer)
    named = body.get("agreement")
    revision: Revision | None = None
    if isinstance(named, dict):
        check_fields(body, {"v": int, "agreement": dict})
        founding = FoundingText.read(named)
        text, is_founding = founding.circle, True
    else:
        later = "revision" in body
        check_fields(body, {"v": int, "agreement": str, "circle": dict} | ({"revision": str} if later else {}))
        known = foundings.get(unb32(str(named), 32))
        if known is None:
            raise NotFoundError("The circle belongs to an agreement that is not known here.", code="offer")
        founding, is_founding = known, False
        text = CircleText.read(body["circle"]) if isinstance(body["circle"], dict) else founding.circle
        revision = _named(begun.get(founding.id, ()), str(body["revision"])) if later else None
    if body["v"] != 1:
        raise InvalidError("Offers of this version are not known here.", hint="Update Entente.")
    if problems := circles.problems(text, founding, revision.text.members if revision else founding.members):
        raise RefusedError(" ".join(problems), code="offer")
    return Room(
        agreement=founding.id,
        key=text.id(founding.id),
        circle=text.id(founding.id),
        epoch=revision.text.epoch if revision else 1,
        revision=revision.text.id if revision else founding.id,
        agreement_name=revision.text.name if revision else founding.name,
        members=text.members,
        newcomers=frozenset(),
        terms=revision.text.terms if revision else founding.terms,
        secret=text.secret,
        founding_text=founding,
        text=text,
        founding=is_founding,
        first=True,
        offered_by=by,
        time=time,
    )


def _named(begun: Iterable[Revision], revision: str) -> Revision:
    found = [each for each in begun if b32(each.text.id) == revision]
    if not found:
        raise NotFoundError("The circle was opened under a revision that is not in force here yet.", code="offer")
    return found[0]


def take(tx: Transaction, rooms: Rooms, offer: bytes, *, me: Member, by: Member, time: int, open_: int) -> bool:
    """Keep an offer that names both sides and open its logs; say whether it was new.

    `open_` counts this partner's offers that are not in force yet: LimitError above the limit.
    """
    if len(offer) > MAX_OFFER:
        raise LimitError(f"An offered agreement, circle or revision has at most {MAX_OFFER} bytes.", code="offer")
    if "revision" in canon.decode(offer) and "circle" not in canon.decode(offer):
        return _take_revision(tx, rooms, offer, me=me, by=by, time=time)
    foundings: dict[bytes, FoundingText] = {each.agreement: each.founding_text for each in rooms if each.founding}
    room = _read(offer, foundings, begun_epochs(tx, rooms), by, time)
    if rooms.get(room.key) is not None:
        return False
    if me not in room.members or by not in room.members:
        raise RefusedError("An offer must name both sides.", code="offer")
    if by != me and open_ >= MAX_OPEN:
        raise LimitError(f"At most {MAX_OPEN} offers of one partner wait at a time.", code="offer")
    OFFERED.put(tx, b32(room.key), _Stored(by, time, room.offer()).to_bytes())
    for each in load(tx).of_circle(room.circle):
        open_logs(tx, each)
    return True


def _take_revision(tx: Transaction, rooms: Rooms, offer: bytes, *, me: Member, by: Member, time: int) -> bool:
    """Keep a revision of an agreement known here, with its secret; its epoch begins when it is in force."""
    found = _revision(_Stored(by, time, offer))
    if found.text.id in rooms.revisions:
        return False
    if not found.secret:
        raise VerificationError("A revision is offered with its secret.", code="offer")
    founding = [each for each in rooms if each.founding and each.agreement == found.text.agreement]
    base = next((each for each in founding if each.revision == found.text.base), None)
    if base is None or base.epoch + 1 != found.text.epoch:
        raise NotFoundError("The revision changes one that is not in force here.", code="offer")
    if by not in base.members or me not in found.text.members:
        raise RefusedError("An offer must name both sides.", code="offer")
    rivals = sum(each.text.base == found.text.base and each.by == by for each in rooms.revisions.values())
    if rivals >= MAX_OPEN:
        raise LimitError(f"At most {MAX_OPEN} revisions of one member wait at a time.", code="offer")
    keep_revision(tx, found)
    return True


def keep_revision(tx: Transaction, revision: Revision) -> None:
    """Store a revision with its secret."""
    stored = _Stored(revision.by, revision.time, revision.offer())
    REVISIONS.put(tx, b32(revision.text.id), stored.to_bytes())


def keep_absent(tx: Transaction, founding: FoundingText, by: Member, time: int) -> None:
    """Keep the founding text of an agreement that this member comes to later; the first room is not its own."""
    offer = canon.encode({"v": 1, "agreement": founding.to_dict()})
    OFFERED.put(tx, b32(founding.circle.id(founding.id)), _Stored(by, time, offer).to_bytes())
    EPOCHS.put(tx, f"{b32(founding.id)}/000001", ABSENT)


def begin(tx: Transaction, revision: RevisionText) -> Rooms:
    """Begin a revision's epoch: from now on its rooms exist, with logs where this member holds the secret."""
    EPOCHS.put(tx, f"{b32(revision.agreement)}/{revision.epoch:06d}", b32(revision.id).encode())
    found = load(tx)
    for room in found:
        if room.revision == revision.id:
            open_logs(tx, room)
    return found


def begun_epochs(tx: Transaction, rooms: Rooms) -> dict[bytes, list[Revision]]:
    """Return the revisions that have begun an epoch here, by agreement."""
    found: dict[bytes, list[Revision]] = {}
    for key, data in EPOCHS.all(tx):
        if data == ABSENT:
            continue
        revision = rooms.revisions[unb32(data.decode(), 32)]
        found.setdefault(unb32(key.partition("/")[0], 32), []).append(revision)
    return found


def open_logs(tx: Transaction, room: Room) -> None:
    """Make the logs of a room and the key histories of its members, empty where they are new."""
    for member in room.members:
        open_log(tx, member)
        if tx.logs.get(room.origin(member)) is None:
            row = LogRow(id=0, origin=room.origin(member), member=member, circle=room.key, epoch=room.epoch)
            tx.logs.add(row)


def logs_of(tx: Transaction, room: Room) -> list[LogRow]:
    """Return the logs of a room and the key histories of its members."""
    names = [room.origin(member) for member in room.members]
    names += [keys_origin(member) for member in room.members]
    return [row for row in map(tx.logs.get, names) if row is not None]


def reaching(tx: Transaction, rooms: Rooms, room: Room) -> list[int]:
    """Return the logs of the circle's rooms whose entries everybody in this room can have."""
    reached = [each for each in rooms.of_circle(room.circle) if set(room.members) <= set(each.members)]
    return [row.id for each in reached for row in logs_of(tx, each) if row.circle]


def logs_of_circle(tx: Transaction, rooms: Rooms, room: Room) -> list[LogRow]:
    """Return the logs of all rooms of this room's circle."""
    return [row for each in rooms.of_circle(room.circle) for row in logs_of(tx, each) if row.circle]
