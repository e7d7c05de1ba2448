"""Cards: a member's key history as a document that it hands to others (docs/protocol/5-pairing.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from entente.core import canon
from entente.core.errors import InvalidError, LimitError, RefusedError, VerificationError
from entente.core.ids import b32
from entente.exchange.pairing import MAX_CARD
from entente.ledger import keys as key_logs
from entente.ledger.history import KeyHistory, read_history
from entente.node.partners import successions

if TYPE_CHECKING:
    from entente.store.ports import Transaction


def make_card(history: KeyHistory) -> bytes:
    """Return the card of the member whose key history this is."""
    return canon.encode({"entente-card": 1, "member": b32(history.member), "keys": history.document()})


def take_card(tx: Transaction, history: KeyHistory) -> bool:
    """Store the key history of a card and say that it was; a succession is kept as pending, and it says False."""
    try:
        key_logs.take_document(tx, history)
    except RefusedError as problem:
        if problem.code != "succession":
            raise
        successions.keep(tx, history)
        return False
    return True


def read_card(data: bytes) -> KeyHistory:
    """Verify a card; raise InvalidError, LimitError or VerificationError."""
    if len(data) > MAX_CARD:
        raise LimitError(f"A card has at most {MAX_CARD} bytes.")
    try:
        body = msgspec.json.decode(data, type=dict[str, object])
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as problem:
        raise InvalidError(
            f"This is not a card: {problem}.", hint="A card is made by `entente partner card`."
        ) from problem
    if body.keys() != {"entente-card", "member", "keys"} or body["entente-card"] != 1:
        raise InvalidError("This is not a card of version 1.", hint="A card is made by `entente partner card`.")
    history = read_history(body["keys"])
    if body["member"] != b32(history.member):
        raise VerificationError("The card names another member than its keys make.")
    return history
