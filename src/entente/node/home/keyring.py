"""Our own keys: change them, change the address that stands beside them, and carry our logs over to the new ones.

docs/protocol/2-ledger.md, "Key history"; docs/decisions/0009-keys.md. What the others do is in `successions`.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager, suppress
from hashlib import sha256
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct, structs

from entente.core import keys, note
from entente.core.errors import ConflictError, InvalidError, StoreError, VerificationError, WaitingError
from entente.core.ids import b32, unb32
from entente.kinds.epoch import CLOSED
from entente.kinds.rekeyed import KIND as REKEYED
from entente.ledger import keys as key_logs
from entente.ledger import log, witness
from entente.ledger.history import KeyRecord, words_of
from entente.ledger.log import Draft
from entente.node.home.checked import checked
from entente.node.home.files import Secrets, check_url, make_secrets, write_durably
from entente.node.home.values import Renewed
from entente.node.home.written import PathLike, path_of
from entente.store import shelf

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from entente.core.ids import Member
    from entente.ledger.history import KeyHistory
    from entente.node.home.base import Base
    from entente.store.ports import LogRow, Transaction

MAX_RECOVERY: Final = 64 << 10
SEEDS: Final = 6
_WRITTEN_BY: Final = "A recovery file is written by `entente init` and by `entente key rotate`."
KEYS: Final = shelf.text("keys")
COSIGNED: Final = "cosigned"
"""The size of our key history under whose keys everything that we hold was cosigned last."""


class Recovery(Struct, frozen=True, rename={"version": "entente-recovery"}):
    """A recovery file: whose it is, and the seed of its next log key."""

    version: int
    member: str
    next: str
    name: str = ""

    @property
    def seed(self) -> bytes:
        """The seed of the next log key."""
        return bytes.fromhex(self.next)


def read_recovery(path: Path) -> Recovery:
    """Read a recovery file; StoreError if it cannot be read, InvalidError if it is none."""
    try:
        with path.open("rb") as file:
            found = msgspec.json.decode(file.read(MAX_RECOVERY), type=Recovery)
        unb32(found.member, 32)
        size = len(found.seed) if found.version == 1 else 0
    except OSError as problem:
        raise StoreError(f"The recovery file {path} cannot be read: {problem.strerror}.") from problem
    except (msgspec.MsgspecError, InvalidError, ValueError) as problem:
        raise InvalidError(f"{path} is not a recovery file: {problem}.", hint=_WRITTEN_BY) from problem
    if size != keys.SEED_SIZE:
        raise InvalidError(f"{path} is not a recovery file of version 1.", hint=_WRITTEN_BY)
    return found


def write_recovery(member: Member, name: str, seed: bytes) -> bytes:
    """Return the bytes of a recovery file for the next log key with this seed."""
    document = {
        "entente-recovery": 1,
        "member": b32(member),
        "name": name,
        "next": seed.hex(),
        "keep": "This is the next signing key. Keep it away from the node and its backups.",
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def record_of(secrets: Secrets, name: str, url: str) -> KeyRecord:
    """Return the key record that these secrets make."""
    return KeyRecord(
        log=keys.public_of(secrets.seed("log")),
        witness=keys.public_of(secrets.seed("witness")),
        store=keys.public_of(secrets.seed("store")),
        transport=keys.public_of(secrets.seed("transport")),
        next=unb32(secrets.next, 32),
        name=name,
        url=url,
        tls=secrets.pin,
        seal=keys.sealing_public_of(secrets.seed("seal")) if secrets.seal else b"",
    )


def fits(secrets: Secrets, record: KeyRecord) -> bool:
    """Say whether these secrets are those of this record."""
    made = record_of(secrets, record.name, record.url)
    return structs.replace(made, handover=record.handover) == record


def successor(
    history: KeyHistory, seed: bytes, url: str, random: Callable[[int], bytes], now: float
) -> tuple[Secrets, bytes]:
    """Return new secrets for every use, with `seed` as the log key, and the seed of the next one.

    VerificationError unless the history committed to this log key.
    """
    check_committed(history, seed)
    fresh = [seed, *(random(keys.SEED_SIZE) for _ in range(SEEDS - 1))]
    made = make_secrets(fresh, history.current.name, url, now)
    return structs.replace(made, member=b32(history.member)), fresh[4]


def check_committed(history: KeyHistory, seed: bytes) -> None:
    """Raise VerificationError unless the newest entry of the history commits to the log key with this seed."""
    if sha256(keys.public_of(seed)).digest() != history.current.next:
        raise VerificationError(
            "This recovery file does not hold the next key of this member.",
            code="recovery",
            hint="Each change of keys writes a new recovery file; use the newest.",
        )


def free_name(path: Path) -> Path:
    """Return a path beside `path`, with the next number, where nothing is yet."""
    name, _, last = path.name.rpartition(".")
    name, first = (name, int(last) + 1) if name and last.isascii() and last.isdigit() else (path.name, 2)
    for number in range(first, first + 10_000):
        found = path.with_name(f"{name}.{number}")
        if not found.exists():
            return found
    raise ConflictError(f"There is no free name beside {path}.", hint="Choose one: --out FILE.")


@checked
class Keyring:
    """The keys of this member."""

    def __init__(self, base: Base) -> None:
        """Work on this base."""
        self._base = base

    def complete(self) -> None:
        """Finish what was begun when the process ended, and give a home of before its sealing key.

        Does nothing while the keys are sealed or the home is unsure.
        """
        with suppress(ConflictError), self._alone():
            self._complete()

    def _complete(self) -> None:
        base = self._base
        with base.store.read() as tx:
            if base.keys.locked or base.guard.doubted(tx):
                return
            current = base.history(tx, base.me).current
        secrets = base.keys.secrets
        if secrets.pending:
            coming = msgspec.json.decode(secrets.pending, type=Secrets)
            kept = coming if fits(coming, current) else structs.replace(secrets, pending="")
            base.keys.keep(kept)
        elif not current.seal and fits(structs.replace(secrets, seal=""), current):
            seal = secrets.seal or base.random(keys.SEED_SIZE).hex()
            base.keys.keep(structs.replace(secrets, seal=seal))
            self._append(record_of(base.keys.secrets, current.name, current.url), base.keys.secrets)

    def outdated(self, url: str) -> bool:
        """Say whether somebody has changed our keys, or our address from `url`, while this process has the old ones."""
        base = self._base
        with base.store.read() as tx:
            current = base.history(tx, base.me).current
        return not base.keys.locked and (current.url != url or not fits(base.keys.secrets, current))

    def rotate(self, recovery: PathLike, out: PathLike | None = None) -> Renewed:
        """Change every key of this member by its recovery file, and write the next recovery file to `out`.

        `out` is beside the old one, with a number, if it is not given; nothing is ever overwritten, and the old file
        is useless afterwards. VerificationError ("recovery") for a file that does not hold the next key,
        ConflictError if the file exists, WaitingError while the home is unsure or locked.
        """
        recovery = path_of(recovery)
        given = read_recovery(recovery)
        if given.member != b32(self._base.me):
            raise VerificationError("This is the recovery file of another member.", code="recovery")
        target = path_of(out) if out is not None else free_name(recovery)
        home = self._base.home
        if home is not None and home.path.resolve() in target.resolve().parents:
            raise InvalidError("The recovery file must lie outside of the home, or it is lost with it.")

        def keep(data: bytes) -> None:
            if target.exists():
                raise ConflictError(f"{target} exists already.", hint="Choose another name with --out.")
            write_durably(target, data)

        with self._alone():
            return structs.replace(self.renew(given.seed, keep), recovery=str(target))

    def renew(self, seed: bytes, keep: Callable[[bytes], None]) -> Renewed:
        """Do what `rotate` does with the seed of the next log key; `keep` gets the new recovery file's bytes first."""
        base = self._base
        old = base.keys.secrets
        history = self._own()
        current = history.current
        new, following = successor(history, seed, current.url, base.random, base.clock() / 1000)
        record = record_of(new, current.name, current.url).handed_over(base.me, old.seed("log"))
        keep(write_recovery(base.me, current.name, following))
        self._append(record, new)
        return self._renewed()

    def set_url(self, url: str) -> Renewed:
        """Change the address at which partners call; https gets a new certificate. Partners learn it in the next round.

        A running `entente up` goes over to it at once. InvalidError for an address that cannot be used.
        """
        check_url(url)
        base = self._base
        history = self._own()
        made = make_secrets(
            [base.random(keys.SEED_SIZE) for _ in range(SEEDS)], history.current.name, url, base.clock() / 1000
        )
        new = structs.replace(base.keys.secrets, tls_key=made.tls_key, tls_cert=made.tls_cert)
        record = structs.replace(history.current, url=url, tls=new.pin, handover=b"")
        if record != structs.replace(history.current, handover=b""):
            with self._alone():
                self._append(record, new)
        return self._renewed()

    def _own(self) -> KeyHistory:
        with self._base.store.read() as tx:
            if self._base.guard.doubted(tx):
                raise WaitingError(
                    "This home may be an old copy, so it signs nothing.",
                    hint="Sync with a partner, or vouch for it: `entente ledger confirm`.",
                )
            return self._base.history(tx, self._base.me)

    def _renewed(self) -> Renewed:
        history = self._own()
        return Renewed(b32(self._base.me), history.size, "", history.current.url, words_of(history))

    def _append(self, record: KeyRecord, new: Secrets) -> None:
        """Add an entry to our history and use `new` from then on; whatever happens in between, both fit afterwards."""
        base = self._base
        before = base.keys.secrets
        coming = structs.replace(new, pending="")
        base.keys.keep(structs.replace(before, pending=msgspec.json.encode(coming).decode()))
        with base.commit() as tx:
            row = key_logs.open_log(tx, base.me)
            key_logs.add(tx, row, record, seed=new.seed("log"), time=base.clock(), random=base.random)
            carry(base, tx, new)
        base.keys.keep(coming)

    @contextmanager
    def _alone(self) -> Generator[None]:
        """Let no other process change the keys meanwhile (ConflictError if one does); `up` takes them over."""
        home = self._base.home
        if home is None:
            yield
            return
        folder = os.open(home.path, os.O_RDONLY)  # the folder itself: a lock, and no file more
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as problem:
            os.close(folder)
            hint = "Try again when it is done."
            raise ConflictError("Another command changes the keys now.", hint=hint) from problem
        try:
            yield
        finally:
            os.close(folder)


def settle(base: Base, tx: Transaction) -> bool:
    """Carry our logs over to the current keys where that is still due; return whether it was."""
    return not base.keys.locked and base.guard.seed(tx) is not None and carry(base, tx, base.keys.secrets)


def carry(base: Base, tx: Transaction, secrets: Secrets) -> bool:
    """Give each of our logs a head under the current log key, and cosign anew what we hold of others'."""
    history = base.history(tx, base.me)
    seed = secrets.seed("log")
    if len({record.log for record in history.records}) == 1 and len({each.witness for each in history.records}) == 1:
        return False
    if keys.public_of(seed) != history.current.log:
        return False
    rows = [row for row in tx.logs.all() if row.member == base.me and row.circle and row.note]
    old = [row for row in rows if history.retired(history.signer(note.Note.parse(row.note)))]
    for row in old:
        if _takes_entries(base, tx, row):
            draft = Draft(REKEYED.name, base.clock(), b"", REKEYED.make(history.size))
            log.append(tx, row, [draft], seed=seed, random=base.random)
        else:
            tx.logs.save(log.sign(row, seed))
    return _cosign(base, tx, secrets, history) or bool(old)


def _takes_entries(base: Base, tx: Transaction, row: LogRow) -> bool:
    """Say whether others take an entry of this log now: its room is the newest of a circle in force."""
    in_force = base.in_force(tx)
    room = in_force.rooms.get(row.circle)
    if room is None or not in_force.rooms.is_current(room) or not in_force.usable(room):
        return False
    return not any(each.log == row.id for each in tx.payloads.acts([CLOSED.name]))


def _cosign(base: Base, tx: Transaction, secrets: Secrets, history: KeyHistory) -> bool:
    if KEYS.get(tx, COSIGNED) == str(history.size):
        return False
    for row in tx.logs.all():
        witness.cosign(
            tx,
            row,
            base.me,
            witness_seed=secrets.seed("witness"),
            store_seed=secrets.seed("store"),
            now=base.clock() // 1000,
        )
    KEYS.put(tx, COSIGNED, str(history.size))
    return True
