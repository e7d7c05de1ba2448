"""The guard of a home: nothing is signed on an old or moved copy of it.

docs/protocol/2-ledger.md, "Guard". A marker beside the database says what was signed last. Where it does not fit,
the home is in doubt: entries are kept unsigned until a partner has shown our own heads, or a person has decided.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from entente.core.ids import origin_hash
from entente.core.keys import public_of
from entente.ledger import log, witness
from entente.ledger.cosigner import WITNESSED
from entente.ledger.guard import fits
from entente.node.home.pairings import PAIRINGS
from entente.store import shelf

if TYPE_CHECKING:
    from entente.core.ids import Member
    from entente.node.home.files import Home
    from entente.node.home.histories import Histories
    from entente.node.home.secret_keys import SecretKeys
    from entente.store.ports import LogRow, Store, Transaction

STATE: Final = shelf.text("guard")
DOUBT = "doubt"
WITNESS_DOUBT = "witness"
LOST = "lost"
"""Stands in a home that was made from a recovery file, without the logs of the one that was lost."""

SHOWN: Final = shelf.raw("seen")
"""What was shown or asked for since the doubt began: entries of our logs by origin, what a bundle is to answer."""


class Guard:
    """Decides whether this home may sign, and keeps the marker by which an old copy is known."""

    def __init__(
        self,
        home: Home | None,
        store: Store,
        me: Member,
        nonce: bytes,
        keys: SecretKeys,
        histories: Histories,
        changed: threading.Event,
    ) -> None:
        """Guard this store; without a home (tests, simulators) there is no marker and it always fits."""
        self._home = home
        self._store = store
        self._me = me
        self._nonce = nonce
        self._keys = keys
        self._histories = histories
        self._changed = changed
        self._marker_lock = threading.Lock()

    def check(self) -> None:
        """Compare the marker with the database; from now on nothing is signed unless it fits."""
        if self._home is None:
            return
        with self._store.read() as tx:
            mine = self._mine(tx)
            seen_by_others = bool(PAIRINGS.keys(tx) or WITNESSED.keys(tx))
        problem = fits(self._home.marker(), self._home.here(self._nonce, {}), mine)
        if problem and seen_by_others:
            with self._store.write() as tx:
                self.doubt(tx, problem)
        elif problem:
            self.mark()

    def doubt(self, tx: Transaction, problem: str) -> None:
        """Sign nothing from now on, in any process, until a partner or a person takes the doubt away."""
        STATE.put(tx, DOUBT, problem)
        if WITNESSED.keys(tx):
            STATE.put(tx, WITNESS_DOUBT, problem)

    def doubted(self, tx: Transaction) -> str:
        """Return why nothing is signed here now, "" if it is."""
        return STATE.get(tx, DOUBT) or ""

    def witness_doubted(self, tx: Transaction) -> str:
        """Return why no outside log is cosigned here now, "" if it is: partners cannot take this doubt away."""
        return self.doubted(tx) or STATE.get(tx, WITNESS_DOUBT) or ""

    def lost(self, tx: Transaction) -> bool:
        """Say whether this home was made from a recovery file and still lacks logs of the one that was lost."""
        return STATE.get(tx, LOST) is not None

    def inherit(self, tx: Transaction, problem: str) -> None:
        """Be in doubt until partners have shown every log of the home that was lost."""
        self.doubt(tx, problem)
        STATE.put(tx, LOST, "1")

    def seen(self, tx: Transaction, row: LogRow) -> None:
        """Note that a partner holds exactly what we signed of this log; when that is so of all, the doubt ends."""
        SHOWN.put(tx, row.origin, str(row.signed).encode())
        lost = self.lost(tx)
        mine = [each for each in self._mine(tx) if (each.circle if lost else _is_cosigned(tx, each))]
        if (mine or not lost) and all(SHOWN.get(tx, each.origin) == str(each.signed).encode() for each in mine):
            self.trust(tx)

    def trust(self, tx: Transaction) -> int:
        """Be sure again and sign what was kept unsigned; return how many logs were signed. Call `mark` afterwards."""
        STATE.drop(tx, DOUBT)
        for origin in SHOWN.keys(tx):
            SHOWN.drop(tx, origin)
        seed = self.seed(tx)
        rows = [] if seed is None else self.unsigned(tx)
        for row in rows:
            tx.logs.save(log.sign(row, seed or b""))
        return len(rows)

    def confirm(self, tx: Transaction) -> int:
        """Take every doubt away, as a person decided; return how many logs were signed. Call `mark` afterwards."""
        STATE.drop(tx, WITNESS_DOUBT)
        STATE.drop(tx, LOST)
        return self.trust(tx)

    def unsigned(self, tx: Transaction) -> list[LogRow]:
        """Return our own logs with entries that no signed head covers yet."""
        return [row for row in self._mine(tx) if row.signed < row.size]

    def sign_kept(self) -> int:
        """Sign what a locked process kept unsigned; return how many logs were signed.

        Nothing is signed while there is doubt, or while a log does not hold together: `ledger verify` says why.
        """
        with self._store.read() as tx:
            kept = [] if self.seed(tx) is None else self.unsigned(tx)
            if not kept or not all(log.is_whole(tx, row) for row in kept):
                return 0
        with self._store.write() as tx:
            count = 0 if self.doubted(tx) else self.trust(tx)
        self.mark()
        self._changed.set()
        return count

    def mark(self) -> None:
        """Write the marker for what is signed now; before this no signed byte leaves the house."""
        if self._home is None:
            return
        with self._marker_lock:
            with self._store.read() as tx:
                if self.doubted(tx):
                    return
                signed = {row.origin: row.signed for row in self._mine(tx)}
            marker = self._home.here(self._nonce, signed)
            if marker != self._home.marker():
                self._home.write_marker(marker)

    def seed(self, tx: Transaction) -> bytes | None:
        """Return the seed that signs heads, None while there is doubt, or the keys are sealed or not ours any more."""
        if self._keys.locked or self.doubted(tx):
            return None
        seed = self._keys.secrets.seed("log")
        return seed if self._histories.of(tx, self._me).current.log == public_of(seed) else None

    def _mine(self, tx: Transaction) -> list[LogRow]:
        """Return our own logs, the key history among them."""
        return [row for row in tx.logs.all() if row.member == self._me]


def _is_cosigned(tx: Transaction, row: LogRow) -> bool:
    """Say whether anybody ever cosigned a head of this log."""
    return bool(witness.of_log(tx, origin_hash(row.origin)))
