"""Charters: the agreements and circles that this member was offered or opened, and the logs that follow from them."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from msgspec import Struct

from entente.core import canon
from entente.core.errors import InvalidError, LimitError, NotFoundError, RefusedError
from entente.core.ids import Agreement, Circle, Member, b32, keys_origin, origin, unb32
from entente.core.shape import check_fields
from entente.ledger.keys import open_log
from entente.policy import circle as circles
from entente.policy.agreement import FoundingText
from entente.policy.circle import CircleText
from entente.store.ports import LogRow, Transaction

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SPACE = "charter"
MAX_OPEN = 16
EPOCH = 1


class Charter(Struct, frozen=True):
    """One circle with the agreement that it belongs to; for the founding circle both come from one text."""

    agreement: Agreement
    circle: Circle
    founding_text: FoundingText
    text: CircleText
    founding: bool
    offered_by: Member
    time: int

    def offer(self) -> bytes:
        """Return the document that tells a partner of it."""
        if self.founding:
            return canon.encode({"v": 1, "agreement": self.founding_text.to_dict()})
        return canon.encode({"v": 1, "agreement": b32(self.agreement), "circle": self.text.to_dict()})

    def origin(self, member: Member) -> str:
        """Return the origin of a member's log in this circle."""
        return origin(member, self.circle, EPOCH, self.text.secret)


class Charters:
    """All charters of a home; the world that acts are judged in."""

    def __init__(self, charters: list[Charter]) -> None:
        """Index them by circle."""
        self._by_circle: dict[bytes, Charter] = {charter.circle: charter for charter in charters}

    def __iter__(self) -> Iterator[Charter]:
        """Go through them, oldest first."""
        return iter(sorted(self._by_circle.values(), key=lambda charter: (charter.time, charter.circle)))

    def get(self, circle: bytes) -> Charter | None:
        """Return the charter of a circle."""
        return self._by_circle.get(circle)

    def require(self, circle: bytes) -> Charter:
        """Return the charter of a circle or raise NotFoundError."""
        found = self._by_circle.get(circle)
        if found is None:
            raise NotFoundError(f"No circle {b32(circle)[:8]} is known here.")
        return found

    def founding_of(self, agreement: bytes) -> Charter | None:
        """Return the founding circle's charter of an agreement."""
        return next((each for each in self if each.founding and each.agreement == agreement), None)

    def members(self, circle: bytes) -> frozenset[Member]:
        """Return the members that the circle's text names; empty for an unknown circle."""
        found = self._by_circle.get(circle)
        return frozenset(found.text.members) if found else frozenset()

    def agreement(self, circle: bytes) -> bytes:
        """Return the agreement of a circle."""
        return self.require(circle).agreement

    def founding(self, circle: bytes) -> bool:
        """Say whether it is its agreement's founding circle."""
        return self.require(circle).founding


def load(tx: Transaction) -> Charters:
    """Return all charters; the same object as long as they are the same."""
    return _parse(tuple(data for _, data in tx.records.scan(SPACE)))


@lru_cache(maxsize=64)
def _parse(documents: tuple[bytes, ...]) -> Charters:
    stored = [_Stored.from_bytes(data) for data in documents]
    foundings: dict[bytes, FoundingText] = {}
    for each in stored:
        named = canon.decode(each.text)["agreement"]
        if isinstance(named, dict):
            founding = FoundingText.read(named)
            foundings[founding.id] = founding
    return Charters([_read(each.text, foundings, each.by, each.time) for each in stored])


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


def _read(offer: bytes, foundings: Mapping[bytes, FoundingText], by: Member, time: int) -> Charter:
    body = canon.decode(offer)
    named = body.get("agreement")
    if isinstance(named, dict):
        check_fields(body, {"v": int, "agreement": dict})
        founding = FoundingText.read(named)
        text, is_founding = founding.circle, True
    else:
        check_fields(body, {"v": int, "agreement": str, "circle": dict})
        known = foundings.get(unb32(str(named), 32))
        if known is None:
            raise NotFoundError("The circle belongs to an agreement that is not known here.", code="offer")
        founding, is_founding = known, False
        text = CircleText.read(body["circle"]) if isinstance(body["circle"], dict) else founding.circle
    if body["v"] != 1:
        raise InvalidError("Offers of this version are not known here.", hint="Update Entente.")
    if problems := circles.problems(text, founding):
        raise RefusedError(" ".join(problems), code="offer")
    return Charter(founding.id, text.id(founding.id), founding, text, is_founding, by, time)


def take(tx: Transaction, charters: Charters, offer: bytes, *, me: Member, by: Member, time: int, open_: int) -> bool:
    """Keep an offer that names both sides and open its logs; say whether it was new.

    `open_` counts this partner's offers that are not in force yet: LimitError above the limit.
    """
    foundings: dict[bytes, FoundingText] = {each.agreement: each.founding_text for each in charters if each.founding}
    charter = _read(offer, foundings, by, time)
    if charters.get(charter.circle) is not None:
        return False
    if me not in charter.text.members or by not in charter.text.members:
        raise RefusedError("An offer must name both sides.", code="offer")
    if by != me and open_ >= MAX_OPEN:
        raise LimitError(f"At most {MAX_OPEN} offers of one partner wait at a time.", code="offer")
    tx.records.put(SPACE, b32(charter.circle), _Stored(by, time, charter.offer()).to_bytes())
    for member in charter.text.members:
        open_log(tx, member)
        tx.logs.add(LogRow(id=0, origin=charter.origin(member), member=member, circle=charter.circle, epoch=EPOCH))
    return True


def logs_of(tx: Transaction, charter: Charter) -> list[LogRow]:
    """Return the logs of a circle and the key histories of its members."""
    names = [charter.origin(member) for member in charter.text.members]
    names += [keys_origin(member) for member in charter.text.members]
    return [row for row in map(tx.logs.get, names) if row is not None]
