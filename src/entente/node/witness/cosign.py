"""The member as an outside witness: the logs that its operator named, and their heads, cosigned in order.

docs/protocol/8-witness.md, "Serving".
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from entente.core import note
from entente.core.errors import ConflictError, EntenteError, NotFoundError
from entente.core.ids import witness_name
from entente.core.times import stamp
from entente.ledger import cosigner
from entente.ledger.cosigner import WITNESSED, CosignedLog, Submission, WitnessAnswer, WitnessVerdict
from entente.ledger.document import to_b64
from entente.node.home.checked import checked
from entente.node.witness.values import WitnessedLog, WitnessedLogs, WitnessKey

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entente.node.home.base import Base
    from entente.store.ports import Transaction

_UNSURE = WitnessAnswer(
    WitnessVerdict.UNSURE, "This witness is not sure that its state is the newest; ask again later."
)


class _Opened(Struct, frozen=True):
    """A submission whose signature was judged under these keys, and what the state of that moment made of it."""

    given: Submission
    keys: tuple[str, ...]
    lines: tuple[note.Signature, ...]
    judged: WitnessAnswer


@checked
class Witnessing:
    """Witness the logs that the operator named."""

    def __init__(self, base: Base) -> None:
        """Work on this base."""
        self._base = base

    @property
    def vkey(self) -> str:
        """The key under which this member cosigns, as others enter it."""
        with self._base.store.read() as tx:
            public = self._base.history(tx, self._base.me).current.witness
        return note.Verifier(witness_name(self._base.me), note.COSIGNATURE, public).vkey()

    def key(self) -> WitnessKey:
        """Return the key under which this member cosigns, and the address at which it is asked."""
        with self._base.store.read() as tx:
            url = self._base.history(tx, self._base.me).current.url
        return WitnessKey(self.vkey, f"{url}/witness")

    def name(self, vkey: str, origin: str = "") -> WitnessedLog:
        """Witness a log from now on, or trust one more key of it; `origin` if it is not the key's name.

        InvalidError or VerificationError for a key that signs no notes, ConflictError for a log of this home's own
        circles, which is witnessed already.
        """
        verifier = cosigner.named(vkey)
        origin = note.Checkpoint(origin or verifier.name, 0, bytes(32)).origin
        with self._base.store.write() as tx:
            if tx.logs.get(origin) is not None:
                raise ConflictError("This home holds that log; the exchange witnesses it already.")
            held = WITNESSED.get(tx, _key(origin)) or CosignedLog(origin, ())
            keys = tuple(sorted({*held.keys, vkey}))
            held = msgspec.structs.replace(held, keys=keys)
            WITNESSED.put(tx, _key(origin), held)
        return _shown(held)

    def drop(self, vkey: str, origin: str = "") -> WitnessedLog:
        """Trust a key no longer; the state of its log is kept. NotFoundError if it was not trusted."""
        origin = origin or vkey.partition("+")[0]
        with self._base.store.write() as tx:
            held = WITNESSED.get(tx, _key(origin))
            if held is None or vkey not in held.keys:
                raise NotFoundError("This witness does not know the key.", hint="See `entente witness logs`.")
            held = msgspec.structs.replace(held, keys=tuple(key for key in held.keys if key != vkey))
            WITNESSED.put(tx, _key(origin), held)
        return _shown(held)

    def logs(self) -> list[WitnessedLog]:
        """Return the logs that were ever named, by origin."""
        with self._base.store.read() as tx:
            found = WITNESSED.values(tx)
        return [_shown(each) for each in sorted(found, key=lambda each: each.origin)]

    def show(self) -> WitnessedLogs:
        """Return the logs that were ever named, by origin, and why nothing is cosigned now."""
        return WitnessedLogs(self.logs(), self.doubt())

    def doubt(self) -> str:
        """Return why nothing is cosigned for outside logs now, "" if it is."""
        with self._base.store.read() as tx:
            return self._base.guard.witness_doubted(tx)

    def head(self, hashed: str) -> bytes | None:
        """Return the last cosigned head of the log with this hash (hex) as a note; None if there is none."""
        with self._base.store.read() as tx:
            held = WITNESSED.get(tx, hashed)
        return held.note if held is not None and held.keys and held.note else None

    def add(self, bodies: Sequence[bytes]) -> list[WitnessAnswer]:
        """Judge submissions one after the other, cosign those that hold, and return the answers in their order.

        What is answered is durable. Never raises for what stands in a body; StoreError if nothing could be kept.
        """
        with self._base.store.read() as tx:
            if self._base.guard.witness_doubted(tx):
                return [_UNSURE] * len(bodies)
            opened = [self._open(tx, body) for body in bodies]
        if not any(isinstance(each, _Opened) and each.judged.verdict is WitnessVerdict.COSIGNED for each in opened):
            return [each.judged if isinstance(each, _Opened) else each for each in opened]
        with self._base.store.write() as tx:
            if self._base.guard.witness_doubted(tx):
                return [_UNSURE] * len(bodies)
            return [self._take(tx, each) if isinstance(each, _Opened) else each for each in opened]

    def _open(self, tx: Transaction, body: bytes) -> WitnessAnswer | _Opened:
        """Do what needs no writer: read and verify; refuse what does not hold on the state as it is."""
        try:
            given = Submission.parse(body)
        except EntenteError as problem:
            return WitnessAnswer(WitnessVerdict.MALFORMED, problem.message)
        known = _known(tx, given)
        lines = cosigner.trusted(given, known)
        judged = cosigner.judge(given, known, lines)
        if known is None or judged.verdict not in {WitnessVerdict.COSIGNED, WitnessVerdict.STALE}:
            return judged
        # An old size that does not fit now may fit after a submission that stands before this one in the same run.
        return _Opened(given, known.keys, lines, judged)

    def _take(self, tx: Transaction, opened: _Opened) -> WitnessAnswer:
        """Compare and swap: judge on the state as it is inside the transaction, and put the new one."""
        given, lines = opened.given, opened.lines
        known = _known(tx, given)
        if known is not None and known.keys != opened.keys:
            lines = cosigner.trusted(given, known)
        judged = cosigner.judge(given, known, lines)
        if known is None or judged.verdict is not WitnessVerdict.COSIGNED:
            return judged
        signer = _signer(witness_name(self._base.me), self._base.keys.secrets.seed("witness"))
        state, judged = cosigner.cosign(given, known, lines, signer, self._base.clock() // 1000)
        WITNESSED.put(tx, _key(known.origin), state)
        return judged


@lru_cache(maxsize=8)
def _signer(name: str, seed: bytes) -> note.Signer:
    return note.Signer(name, note.COSIGNATURE, seed)


def _key(origin: str) -> str:
    return sha256(origin.encode()).hexdigest()


def _known(tx: Transaction, given: Submission) -> CosignedLog | None:
    """Return the named log that a submission is of; one that the exchange holds is not among them."""
    origin = given.checkpoint.origin
    known = WITNESSED.get(tx, _key(origin))
    return None if known is None or tx.logs.get(origin) is not None else known


def _shown(held: CosignedLog) -> WitnessedLog:
    time = stamp(note.cosigned_at(note.Note.parse(held.note).signatures[-1]) * 1000) if held.note else ""
    return WitnessedLog(held.origin, list(held.keys), held.size, to_b64(held.root), time)
