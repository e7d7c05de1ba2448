"""Proof files of recalls and of consents: what was asked, who erased, who let an item go further, each on its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entente.core import canon
from entente.core.errors import EntenteError, NotFoundError
from entente.core.ids import b32
from entente.core.shape import check_entries
from entente.kinds import erase, erased, passed
from entente.ledger.document import from_b64
from entente.node.items.consents import entry_at
from entente.node.logs.proofs import proof_of
from entente.node.rooms import offers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from entente.node.home.base import Base
    from entente.store.ports import LogRow, PayloadRow, Transaction
    from entente.store.shelf import Shelf

    Named = Sequence[tuple[str, bytes]]


def of_recall(base: Base, tx: Transaction, recalled: Shelf[str], stix_id: str) -> Named:
    """Return (file name, proof file) of each act by which we recalled an item, and by which others erased it.

    NotFoundError if we recalled no such item. What no signed head covers yet is left out.
    """
    refs = [ref for ref, held in recalled.all(tx) if held == stix_id]
    if not refs:
        raise NotFoundError(f"We recalled no item {stix_id!r}.", hint="See `entente ledger recalls`.")
    found: list[tuple[str, bytes]] = []
    named: set[tuple[str, int, str]] = set()
    for ref in refs:
        row, entry = entry_at(tx, ref)
        body = canon.decode(entry.data, len(entry.data))
        named |= {(str(body["log"]), index, b32(leaf)) for index, leaf in check_entries(body)}
        found += _file(base, tx, row, entry, f"{erase.NAME.partition('/')[0]}-{len(found) + 1}")
    logs = {each.id: each for each in tx.logs.all()}
    for each in tx.payloads.acts([erased.NAME, passed.NAME]):
        body = canon.decode(each.data, len(each.data))
        if named & {(str(body["log"]), index, b32(leaf)) for index, leaf in check_entries(body)}:
            found += _answer(base, tx, logs[each.log], each, body, len(found) + 1)
    return found


def _answer(
    base: Base, tx: Transaction, row: LogRow, entry: PayloadRow, body: Mapping[str, object], number: int
) -> Named:
    """Return the file that shows one erasure, as the member signed it or as it was passed on to us."""
    if entry.kind == erased.NAME:
        return _file(base, tx, row, entry, f"erased-{b32(row.member)[:8]}-{number}")
    data = from_b64(body["proof"], "proof")
    return [(f"erased-{str(body['member'])[:8]}-{number}.tlog-proof", data)] if data else []


def _file(base: Base, tx: Transaction, row: LogRow, entry: PayloadRow, name: str) -> Named:
    try:
        return [(f"{name}.tlog-proof", proof_of(base, tx, offers.load(tx), row, entry))]
    except EntenteError:
        return []  # no signed head covers it yet
