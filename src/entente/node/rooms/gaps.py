"""Acts whose payload is not here. Which will still come and which never will: a fold must not guess.

docs/protocol/3-kinds.md, "Judgement". What stands behind an act that is still to come is judged when that has come;
what was refused, and what is no act, is not waited for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from entente.core import entry
from entente.core.ids import b32, origin_hash, origin_of, unb32
from entente.kinds import FOLDED
from entente.node.rooms.filed import REFUSED

if TYPE_CHECKING:
    from entente.core.ids import Member
    from entente.ledger.view import View
    from entente.store.ports import LogRow, Transaction

NONE: Final = 2**53
"""Instead of an index: there is no gap."""

_FOLDED: Final = {kind.name for kind in FOLDED}


def at(tx: Transaction, log: bytes, index: int, kind: str) -> int:
    """Return the index of an entry without its payload if it is to be waited for, else `NONE`.

    It is if it is an act, and no member has signed that it refused it.
    """
    if kind not in _FOLDED or REFUSED.keys(tx, f"{b32(log)}/{index:012d}/"):
        return NONE
    return index


def first(tx: Transaction, row: LogRow) -> int:
    """Return the index of the first act of a log that is to be waited for, `NONE` if there is none.

    In a log that evidence has stopped nothing is waited for.
    """
    if row.stopped:
        return NONE
    log = origin_hash(row.origin)
    found = (at(tx, log, index, _kind(tx, row, index)) for index in tx.payloads.awaited(row.id))
    return next((index for index in found if index != NONE), NONE)


def settled(tx: Transaction, view: View, me: Member) -> View:
    """Return the view in which nothing waits for an entry that is held and is no act, or that we refused."""
    while gone := [ref for ref in view.waiting if _is_no_act(tx, ref, me)]:
        view = view.settled(gone)
    return view


def _is_no_act(tx: Transaction, ref: str, me: Member) -> bool:
    log, index, leaf = ref.split("/")
    row, place = tx.logs.get(origin_of(unb32(log, 32))), int(index)
    if row is None or place >= row.size:
        return False
    if b32(tx.logs.node(row.id, 0, place)) != leaf:
        return False  # its author has told two histories: the evidence is still to come
    if _kind(tx, row, place) not in _FOLDED:
        return True
    return REFUSED.holds(tx, f"{log}/{place:012d}/{b32(me)}/")


def _kind(tx: Transaction, row: LogRow, index: int) -> str:
    return entry.parse(tx.logs.leaves(row.id, index, index + 1)[0]).kind
