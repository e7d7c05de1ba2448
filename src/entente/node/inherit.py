"""A new home for a member that lost its old one, made from its recovery file and its last card.

docs/decisions/0009-keys.md. What the other members do then is in `successions`.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from entente.core.errors import VerificationError
from entente.core.ids import b32, words
from entente.ledger import keys as key_logs
from entente.ledger.history import words_of
from entente.node.home import vault
from entente.node.home.base import Base
from entente.node.home.files import Home, abandon, check_url, finish, prepare, write_durably
from entente.node.home.keyring import free_name, read_recovery, record_of, successor, write_recovery
from entente.node.home.people import OPERATOR, SETTINGS, add_person
from entente.node.home.values import Inherited
from entente.node.home.written import PathLike, path_of, write_file
from entente.node.partners.cards import make_card, read_card
from entente.store.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from entente.core.ids import Member
    from entente.ledger.history import KeyHistory
    from entente.ledger.records import KeyRecord
    from entente.node.home.files import Secrets
    from entente.store.ports import Store

WHY = "This home was made from a recovery file; partners must first give back what this member signed before."


def begin(
    home: PathLike,
    *,
    recovery: PathLike,
    card: bytes,
    out: PathLike | None = None,
    new_card: PathLike | None = None,
    url: str = "",
    lock: vault.Lock | None = None,
) -> Inherited:
    """Make a new home with new keys for every use, and write the next recovery file to `out`; all or nothing.

    The new card is written to `new_card`, else to `HOME.card` beside the home. ConflictError if the home or `out`
    exists, VerificationError if the recovery file does not hold the next key of the member whose card this is. The home
    signs nothing before partners have shown what the old one had signed.
    """
    home, recovery = path_of(home), path_of(recovery)
    target = home.absolute().with_name(f"{home.absolute().name}.card") if new_card is None else path_of(new_card)
    history = read_card(card)
    given = read_recovery(recovery)
    if given.member != b32(history.member):
        raise VerificationError("The card and the recovery file belong to two different members.", code="recovery")
    check_url(url or history.current.url)
    out = path_of(out) if out is not None else free_name(recovery)
    building = prepare(home, out)
    try:
        secrets, following = successor(history, given.seed, url or history.current.url, os.urandom, time.time())
        write_durably(Home(building).secrets_file, vault.encode(secrets, lock, os.urandom))
        store = SqliteStore(Home(building).database, create=True, nonce=os.urandom(16))
        try:
            record = record_of(secrets, history.current.name, url or history.current.url)
            grown, person = inherit(store, history, record, secrets, clock=_clock, random=os.urandom)
        finally:
            store.close()
        write_durably(out, write_recovery(history.member, history.current.name, following))
        finish(building, home)
    except BaseException:
        abandon(building)
        raise
    write_file(target, [make_card(grown)])
    return inherited(grown, person, str(out), str(target))


def inherit(
    store: Store,
    history: KeyHistory,
    record: KeyRecord,
    secrets: Secrets,
    *,
    clock: Callable[[], int],
    random: Callable[[int], bytes],
) -> tuple[KeyHistory, str]:
    """Write a known history and one more entry into an empty store; return it as it is now, and the operator.

    Nothing else is signed before partners have shown the logs of the home that was lost.
    """
    me: Member = history.member
    base = Base(None, store, secrets, clock=clock, random=random, me=me)
    with store.write() as tx:
        row = key_logs.take_document(tx, history)
        key_logs.add(tx, row, record, seed=secrets.seed("log"), time=clock(), random=random)
        base.guard.inherit(tx, WHY)
        person = add_person(tx, "operator", ["operator"], random(16)).person
        SETTINGS.put(tx, OPERATOR, person)
        return key_logs.history(tx, me), person


def inherited(history: KeyHistory, person: str, recovery: str, card: str) -> Inherited:
    """Return what the caller of `begin` reads."""
    return Inherited(
        b32(history.member),
        history.current.name,
        list(words(history.member)),
        words_of(history),
        history.size,
        person,
        recovery,
        card,
    )


def _clock() -> int:
    return int(time.time() * 1000)
