"""What `doctor` finds: sentences with what to do about each."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from entente.core.errors import EntenteError
from entente.core.ids import Member, b32, origin_hash
from entente.core.times import DAY
from entente.ledger import forks, splits, witness
from entente.node import backups
from entente.node.exchange.rounds import CONTACT
from entente.node.home import vault
from entente.node.home.values import Check, Health
from entente.node.logs.evidence import EVIDENCE, SPLITS
from entente.node.partners.successions import Successions
from entente.store.ports import INDEX
from entente.store.sqlite import snapshots

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entente.node.home.base import Base
    from entente.node.partners.partners import Partners
    from entente.node.rooms.room import Rooms
    from entente.store.ports import LogRow, Transaction

MIN_FREE: Final = 512 << 20
MAX_SKEW: Final = 120
"""Seconds that two clocks may differ; beyond 300 partners refuse messages and hold entries back."""

BACKUP_DAYS: Final = 30
SILENT_DAYS: Final = 7
CERTIFICATE_DAYS: Final = 60
READ_ONLY: Final = 0o077


def doctor(base: Base, partners: Partners) -> Health:
    """Look at the home, the keys, the guard, the disk, the database, the clock, partners and logs.

    Nothing is changed, except that a damaged search index is begun anew.
    """
    checks = [*_keys(base), _guard(base), *_disk(base), *_backup(base), *ledger(base), *_partners(base, partners)]
    checks += [*_database(base), *_successions(base)]
    return Health(all(check.ok for check in checks), checks)


def _keys(base: Base) -> list[Check]:
    try:
        with base.store.read() as tx:
            current = base.history(tx, base.me).current
        held = vault.load(base.home) if base.home is not None else None
        pin = base.keys.secrets.pin if held is None else held.pin
    except EntenteError as problem:
        return [Check("keys", False, problem.message, "Restore the home from a backup.")]
    ok = current.tls == pin and (held is None or held.public["log"] == b32(current.log))
    text = "The keys belong to this member." if ok else "The certificate is not the one that partners know."
    checks = [Check("keys", ok, text, "" if ok else "Put back the certificate that the last card names.")]
    return checks if held is None else [*checks, _sealed(held), *_certificate(base, held)]


def _sealed(held: vault.Held) -> Check:
    if held.kind == vault.NONE:
        text = "The keys are not encrypted: anybody who reads their file or a backup can sign as this member."
        return Check("sealed", True, text, "`entente key protect --passphrase` or `--key-file FILE` encrypts them.")
    way = "a passphrase" if held.kind == vault.PASSPHRASE else "a key file"
    return Check("sealed", True, f"The keys are encrypted with {way}.", "")


def _certificate(base: Base, held: vault.Held) -> list[Check]:
    if not held.tls_cert:
        return []
    from cryptography.x509 import load_pem_x509_certificate

    end = load_pem_x509_certificate(held.tls_cert.encode()).not_valid_after_utc
    now = datetime.fromtimestamp(base.clock() / 1000, UTC)
    ok = end - now > timedelta(days=CERTIFICATE_DAYS)
    text = f"The certificate is valid until {end.date().isoformat()}."
    fix = "Make a new one for the same address, and tell partners: `entente config set url URL`."
    return [Check("certificate", ok, text, "" if ok else fix)]


def _successions(base: Base) -> list[Check]:
    """Look for members whose new keys wait for an approval."""
    waiting = Successions(base).list()
    fix = "Compare the six words with it, then: `entente key succession approve MEMBER`."
    return [Check("succession", False, f"{each.name} lost its keys; new ones wait.", fix) for each in waiting]


def _guard(base: Base) -> Check:
    with base.store.read() as tx:
        doubt, outside = base.guard.doubted(tx), base.guard.witness_doubted(tx)
    if outside and not doubt:
        fix = "If no newer copy of this home exists: `entente ledger confirm`."
        return Check("guard", False, f"No outside log is witnessed here: {outside}", fix)
    fix = "Sync with a partner, or vouch for this home: `entente ledger confirm`."
    return Check(
        "guard",
        not doubt,
        doubt or "This is the newest copy: the database in which this member signed last.",
        fix if doubt else "",
    )


def _disk(base: Base) -> list[Check]:
    home = base.home
    if home is None:
        return [Check("disk", True, "There is no disk.", "")]
    free = shutil.disk_usage(home.path).free
    room = free >= MIN_FREE
    checks = [Check("disk", room, f"{free >> 20} MiB are free.", "" if room else "Make room before the next import.")]
    open_ = [path for path in (home.secrets_file, home.database) if path.stat().st_mode & READ_ONLY]
    text = f"{open_[0].name} can be read by others on this machine." if open_ else "Only this user can read the home."
    checks.append(Check("rights", not open_, text, f"chmod 600 {open_[0]}" if open_ else ""))
    kept = snapshots.kept_copies(home.database)
    if kept:
        text = f"{', '.join(each.name for each in kept)}: the database as it was before an upgrade."
        fix = "Remove it once all is well; `entente restore --previous` puts the newest back."
        checks.append(Check("upgrade", True, text, fix))
    return checks


def _database(base: Base) -> list[Check]:
    """Look for damage that shows without reading every index; `entente ledger verify` reads everything."""
    found = base.store.damage()
    if not found:
        return [Check("database", True, "The database is sound.", "")]
    anew = "`entente up` or the next search indexes the items again; `entente ledger verify` reads everything."
    restore = "Restore a backup: `entente restore`; do not go on with this file."
    return [Check("database", False, text, anew if text.startswith(INDEX) else restore) for text in found]


def _backup(base: Base) -> list[Check]:
    home = base.home
    if home is None:
        return []
    with base.store.read() as tx:
        made = backups.BACKUPS.get(tx, backups.LAST)
        row = next(row for row in tx.logs.all() if row.member == base.me and not row.circle)
        founded = tx.payloads.get(row.id, 0, 1)
    last = made["time"] if made else 0
    begun = last or (founded[0].time if founded else 0)
    days = max(0, base.clock() - begun) // DAY
    text = f"The last backup is {days} days old." if last else "No backup of this home has been made."
    ok = days < BACKUP_DAYS
    return [Check("backup", ok, text, "" if ok and last else "`entente backup --out FILE`, and keep it elsewhere.")]


def ledger(base: Base) -> list[Check]:
    """Look at clocks, evidence, logs, unsigned entries and what waits."""
    checks: list[Check] = []
    with base.store.read() as tx:
        rows = tx.logs.all()
        checks += _clock(base, tx, rows)
        in_force = base.in_force(tx)
        for key, data in EVIDENCE.all(tx):
            checks.append(_fork(base, tx, in_force.rooms, key, forks.from_json(data)))
        for key, data in SPLITS.all(tx):
            split = splits.from_json(data)
            one, other = (base.name_of(tx, each.member) for each in (split.author, split.other))
            text = f"{one} and {other} contradict each other about one log; the log evidence is kept."
            fix = f"Ask both which one is wrong: `entente ledger evidence {key} --out FILE`."
            checks.append(Check("split-view", False, text, fix))
        for row in rows:
            if row.stopped:
                text = f"{row.origin} of {base.name_of(tx, Member(row.member))}: {row.stopped}"
                ended = _ended(in_force.rooms, row)
                checks.append(Check("log", ended, text, "" if ended else "Talk to the member."))
            elif tx.payloads.awaited(row.id, 1):
                text = f"{row.origin}: a payload is still to come."
                checks.append(Check("log", True, text, "It comes with the next exchanges."))
        waiting = in_force.view.waiting
        unsigned = sum(row.size - row.signed for row in base.guard.unsigned(tx))
        doubted = bool(base.guard.doubted(tx))
    if unsigned:
        fix = "Sync with a partner first." if doubted else "Run `entente up`; it opens the keys and signs them."
        checks.append(Check("unsigned", False, f"{unsigned} entries wait for this member's signature.", fix))
    told = "They count or not when it arrives."
    return checks + [Check("waiting", True, f"Acts wait for entry {ref}.", told) for ref in waiting]


def _clock(base: Base, tx: Transaction, rows: list[LogRow]) -> list[Check]:
    """Compare this clock with the times that partners stated when they cosigned."""
    now, ahead, behind, who = base.clock() // 1000, 0, 0, b""
    for row in rows:
        for each in witness.of_log(tx, origin_hash(row.origin)):
            if each.member == base.me:
                continue
            stated = witness.time_of(each)
            if stated - now > behind:
                behind, who = stated - now, each.member
            wrote = _written(tx, row, each.size) // 1000 - stated if row.member == base.me else 0
            if wrote > ahead:
                ahead, who = wrote, each.member
    worst = max(ahead, behind)
    if worst <= MAX_SKEW:
        return [Check("clock", True, "The clock agrees with those of partners.", "")]
    way = "ahead of" if ahead > behind else "behind"
    text = f"This clock is {worst} seconds {way} that of {base.name_of(tx, Member(who))}."
    return [Check("clock", False, text, "Set the clock by a time server (NTP); the partner looks at its own.")]


def _written(tx: Transaction, row: LogRow, size: int) -> int:
    """Return the claimed time of the newest entry below this size, 0 if it is not held."""
    found = tx.payloads.get(row.id, size - 1, size)
    return found[0].time if found else 0


def _partners(base: Base, partners: Partners) -> list[Check]:
    fixes = {"met": "Compare words, then `entente partner confirm`.", "waiting": "The partner confirms your words."}
    silent = dict(_silent(base))
    checks: list[Check] = []
    for each in partners.list():
        name = f"{each.name} ({each.id[:8]})"
        if each.state != "paired":
            fix = fixes.get(each.state, "Pair again.")
            checks.append(Check("partner", each.state != "dead", f"{name} is {each.state}.", fix))
        elif days := silent.get(each.id, 0):
            fix = "Call the partner by telephone; `entente sync` shows what goes wrong."
            checks.append(Check("contact", False, f"{name} has not been in contact for {days} days.", fix))
    return checks


def _silent(base: Base) -> Iterator[tuple[str, int]]:
    """Yield partners that were not heard of for too long, with the days."""
    now = base.clock()
    with base.store.read() as tx:
        for key, heard in CONTACT.all(tx):
            days = (now - heard) // DAY
            if days >= SILENT_DAYS:
                yield key, days


def _fork(base: Base, tx: Transaction, rooms: Rooms, key: str, found: forks.Evidence) -> Check:
    """Say that a member signed two histories, and how its agreement can go on, unless it has."""
    name, row = base.name_of(tx, found.member), tx.logs.get(found.origin)
    if row is not None and _ended(rooms, row):
        text = f"{name} signed two versions of its log; the members have gone on since. The log evidence is kept."
        return Check("evidence", True, text, "")
    room = None if row is None else rooms.get(row.circle)
    fix = f"Talk to it; `entente ledger evidence {key} --out FILE` shows it to anybody."
    if room is not None:
        of, who = b32(room.agreement)[:8], b32(found.member)[:8]
        fix += f" `entente agreement continue {of} --member {who}` goes on with it, `exclude` without it."
    return Check("evidence", False, f"{name} signed two versions of its log; the log evidence is kept.", fix)


def _ended(rooms: Rooms, row: LogRow) -> bool:
    """Say whether a log belongs to an epoch that has ended."""
    room = rooms.get(row.circle)
    return room is not None and not rooms.is_current(room)
