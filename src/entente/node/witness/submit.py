"""Outside witnesses: send the heads of our own circle logs to them, and keep the cosignatures that come back.

docs/protocol/8-witness.md, "Asking". Nothing but the signed head and its proof leaves; no witness holds up a partner.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from entente.core import merkle, note
from entente.core.errors import EntenteError, InvalidError, NotFoundError, StoreError, TransportError
from entente.core.ids import b32, origin_hash
from entente.core.times import stamp
from entente.ledger import cosigner
from entente.ledger.witness import root_at
from entente.node.home.checked import checked
from entente.node.home.files import check_url
from entente.node.rooms import offers
from entente.node.witness.values import OutsideLog, OutsideWitness, WitnessDropped, WitnessTurn
from entente.store import shelf

if TYPE_CHECKING:
    from entente.node.home.base import Base
    from entente.node.partners.caller import Caller
    from entente.store.ports import LogRow, Transaction

TRIES = 3


class _Witness(Struct, frozen=True):
    """How a witness is kept."""

    url: str
    vkey: str
    circles: tuple[str, ...] = ()

    @property
    def verifier(self) -> note.Verifier:
        return note.Verifier.parse(self.vkey)


class _Kept(Struct, frozen=True, array_like=True):
    """The newest cosignature of a witness for one log, and what went wrong since."""

    size: int = 0
    line: str = ""
    problem: str = ""


WITNESSES: Final = shelf.json("outside-witness", _Witness)
"""Outside witnesses that the operator chose."""

COSIGNED: Final = shelf.msgpack("outside", _Kept)
"""By witness and log: what the witness cosigned last."""


@dataclass(frozen=True, slots=True)
class _Errand:
    """One head for one witness: what is to be sent for a given old size is worked out when it is sent."""

    witness: _Witness
    row: LogRow
    old: int


@checked
class Outside:
    """The outside witnesses of this member."""

    def __init__(self, base: Base, caller: Caller) -> None:
        """Work on this base and call through this caller."""
        self._base = base
        self._caller = caller

    def use(self, url: str, vkey: str, circle: str = "") -> OutsideWitness:
        """Send heads to a witness from now on: of all own circle logs, or of `circle` besides those named before.

        InvalidError or VerificationError for an address or key that cannot be used, NotFoundError for the circle.
        """
        verifier = note.Verifier.parse(vkey)
        if verifier.kind != note.COSIGNATURE:
            raise InvalidError("A witness has a key for cosignatures (type 0x04); this one signs notes.")
        _split(url)
        with self._base.commit() as tx:
            circles: tuple[str, ...] = ()
            if circle:
                held = _read(tx, _key(vkey))
                named = b32(self._base.find_circle(self._base.in_force(tx), circle).circle)
                circles = tuple(sorted({*(held.circles if held else ()), named}))
            chosen = _Witness(url.rstrip("/"), vkey, circles)
            WITNESSES.put(tx, _key(vkey), chosen)
            return self._shown(tx, chosen)

    def drop(self, name: str) -> WitnessDropped:
        """Send nothing more to a witness (name or vkey); what it cosigned is kept. NotFoundError if there is none."""
        with self._base.store.write() as tx:
            found = [each for each in _all(tx) if name in {each.vkey, each.verifier.name}]
            if len(found) != 1:
                raise NotFoundError(
                    f"There is no outside witness, or more than one, called {name!r}.",
                    hint="See `entente witness list`.",
                )
            WITNESSES.drop(tx, _key(found[0].vkey))
        return WitnessDropped(found[0].vkey)

    def witnesses(self) -> list[OutsideWitness]:
        """Return the witnesses with what they cosigned of each log."""
        with self._base.store.read() as tx:
            return [self._shown(tx, each) for each in _all(tx)]

    def head(self, circle: str) -> bytes:
        """Return the newest head of our log in a circle that an outside witness cosigned, as a note with all lines.

        NotFoundError if none did.
        """
        with self._base.store.read() as tx:
            room = self._base.find_circle(self._base.in_force(tx), circle)
            row = tx.logs.get(offers.load(tx).current(room).origin(self._base.me))
            lines = [_kept(tx, each, row) for each in _all(tx)] if row is not None else []
            if row is not None and (found := [each.line for each in lines if each.size == row.signed and each.line]):
                return row.note + "".join(found).encode()
        raise NotFoundError("No outside witness has cosigned the newest head.", hint="See `entente witness list`.")

    def names(self) -> list[str]:
        """Return the keys of the witnesses."""
        with self._base.store.read() as tx:
            return [each.vkey for each in _all(tx)]

    def post_all(self) -> list[WitnessTurn]:
        """Bring every witness level with our heads, one after the other."""
        return [WitnessTurn(vkey.partition("+")[0], self.post(vkey)) for vkey in self.names()]

    def post(self, vkey: str) -> str:
        """Bring one witness level with our heads; return "" or what went wrong first. Never raises for what it does."""
        with self._base.store.read() as tx:
            witness = _read(tx, _key(vkey))
            if witness is None or self._base.guard.doubted(tx):
                return ""
            errands = [
                _Errand(witness, row, _kept(tx, witness, row).size)
                for row in self._logs(tx, witness)
                if _kept(tx, witness, row).size < row.signed
            ]
        if errands:
            self._base.guard.mark()
        first = ""
        for errand in errands:
            problem, gone = self._run(errand)
            first = first or problem
            if gone:
                break
        return first

    def _run(self, errand: _Errand) -> tuple[str, bool]:
        """Send one head; return what went wrong, and whether the witness could not be reached at all."""
        problem, gone, line = "", False, ""
        try:
            line = self._send(errand)
        except TransportError as failure:
            problem, gone = failure.message, True
        except EntenteError as failure:
            problem = failure.message
        with self._base.store.write() as tx:
            held = _kept(tx, errand.witness, errand.row)
            size = errand.row.signed
            kept = _Kept(size, line) if line and size >= held.size else _Kept(held.size, held.line, problem)
            if kept != held:
                key = _log_key(errand.witness, errand.row)
                COSIGNED.put(tx, key, kept)
        return problem, gone

    def _send(self, errand: _Errand) -> str:
        """Return the verified cosignature of the head; raise EntenteError if there is none."""
        witness, row, old = errand.witness, errand.row, errand.old
        with self._base.store.read() as tx:
            checkpoint = note.Checkpoint(row.origin, row.signed, root_at(tx, row, row.signed))
        base, prefix = _split(witness.url)
        for _ in range(TRIES):
            status, kind, body = self._caller.submit(base, f"{prefix}/add-checkpoint", self._body(row, old))
            if status == HTTPStatus.OK:
                return cosigner.cosignature_in(body, checkpoint, witness.verifier)
            if status != HTTPStatus.CONFLICT or kind.partition(";")[0].strip() != "text/x.tlog.size":
                raise InvalidError(f"The witness answered {status}: {_said(body)}")
            old = cosigner.read_size(body.decode("ascii", "replace").removesuffix("\n"))
            if old > row.signed:
                return self._behind(witness, row, old)
        raise InvalidError("The witness names another size each time.")

    def _body(self, row: LogRow, old: int) -> bytes:
        """Return what is posted: the proof from `old`, and our note with our own line."""
        with self._base.store.read() as tx:
            proof = merkle.consistency_proof(old, row.signed, lambda level, index: tx.logs.node(row.id, level, index))
        return cosigner.submission(old, proof, row.note)

    def _behind(self, witness: _Witness, row: LogRow, size: int) -> str:
        """Doubt this home if the witness can show that we signed more than we hold; raise InvalidError otherwise."""
        base, prefix = _split(witness.url)
        path = f"{prefix}/{sha256(row.origin.encode()).hexdigest()}/checkpoint"
        status, _, body = self._caller.submit(base, path, None)
        with self._base.store.write() as tx:
            held = tx.logs.get(row.origin) or row
            if status == HTTPStatus.OK:
                shown = note.open_checkpoint(body, self._verifier(tx, row))
                if shown.size > held.signed:
                    self._base.guard.doubt(tx, f"The witness {witness.verifier.name} holds a later head of ours.")
            elif held.signed >= size:
                raise InvalidError("The log grew meanwhile; it is sent again.")
        raise InvalidError(f"The witness says that it cosigned {size} entries; {row.signed} are signed here.")

    def _logs(self, tx: Transaction, witness: _Witness) -> list[LogRow]:
        """Return our own circle logs with a head, as far as this witness is to see them."""
        mine = [row for row in tx.logs.all() if row.member == self._base.me and row.circle and row.signed and row.note]
        return [row for row in mine if not witness.circles or self._circle(tx, row) in witness.circles]

    def _circle(self, tx: Transaction, row: LogRow) -> str:
        """Return the public id of the circle that a log is in, whatever its epoch."""
        room = offers.load(tx).get(row.circle)
        return b32(room.circle if room is not None else row.circle)

    def _verifier(self, tx: Transaction, row: LogRow) -> note.Verifier:
        return self._base.history(tx, self._base.me).current.verifier(row.origin)

    def _shown(self, tx: Transaction, witness: _Witness) -> OutsideWitness:
        logs = [
            OutsideLog(
                row.origin,
                self._verifier(tx, row).vkey(),
                self._circle(tx, row),
                row.signed,
                kept.size,
                _time(kept),
                kept.problem,
            )
            for row in self._logs(tx, witness)
            for kept in [_kept(tx, witness, row)]
        ]
        return OutsideWitness(witness.verifier.name, witness.url, witness.vkey, list(witness.circles), logs)


def _split(url: str) -> tuple[str, str]:
    """Return address and path of a witness; raise InvalidError for what is neither https nor on this machine."""
    try:
        parts = urlsplit(url)
    except ValueError as problem:
        raise InvalidError(f"{url!r} is not an address: {problem}.") from problem
    base = f"{parts.scheme}://{parts.netloc}"
    check_url(base)
    prefix = parts.path.rstrip("/")
    if parts.query or parts.fragment or any(not "!" <= each <= "~" for each in prefix):
        raise InvalidError(f"{url!r} is not the address of a witness.", hint="Give it without a query.")
    return base, prefix


def _said(body: bytes) -> str:
    """Return the beginning of what a witness said, fit to be shown."""
    text = body[:200].decode("utf-8", "replace").strip()
    return "".join(each if each.isprintable() else " " for each in text)


def _key(vkey: str) -> str:
    return sha256(vkey.encode()).hexdigest()


def _log_key(witness: _Witness, row: LogRow) -> str:
    return f"{_key(witness.vkey)}/{b32(origin_hash(row.origin))}"


def _time(kept: _Kept) -> str:
    return stamp(note.cosigned_at(note.Signature.parse(kept.line)) * 1000) if kept.line else ""


def _all(tx: Transaction) -> list[_Witness]:
    return sorted(WITNESSES.values(tx), key=lambda each: each.vkey)


def _read(tx: Transaction, key: str) -> _Witness | None:
    return WITNESSES.get(tx, key)


def _kept(tx: Transaction, witness: _Witness, row: LogRow) -> _Kept:
    try:
        return COSIGNED.get(tx, _log_key(witness, row)) or _Kept()
    except msgspec.MsgspecError as problem:
        raise StoreError("A cosignature in this home is damaged.", hint="Restore the home from a backup.") from problem
