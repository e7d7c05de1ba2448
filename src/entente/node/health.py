"""What `doctor` finds: sentences with what to do about each."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from entente.core.errors import EntenteError
from entente.core.ids import b32
from entente.node.values import Check, Health

if TYPE_CHECKING:
    from entente.node.base import Base
    from entente.node.partners import Partners

MIN_FREE = 512 << 20
MAX_SKEW = 300


def doctor(base: Base, partners: Partners) -> Health:
    """Look at the home, the keys, the guard, the disk and what waits; change nothing."""
    checks = [_keys(base), _guard(base), _disk(base), _rights(base), *_partners(partners), *_logs(base)]
    return Health(all(check.ok for check in checks), checks)


def _keys(base: Base) -> Check:
    try:
        with base.store.read() as tx:
            history = base.history(tx, base.me)
        ok = history.current.tls == base.secrets.pin
    except EntenteError as problem:
        return Check("keys", False, problem.message, "Restore the home from a backup.")
    text = "The keys belong to this member." if ok else "The certificate is not the one that partners were told."
    return Check("keys", ok, text, "" if ok else "Put the certificate back that the last card names.")


def _guard(base: Base) -> Check:
    with base.store.read() as tx:
        doubt = base.doubted(tx)
    fix = "Sync with a partner, or vouch for this home: `entente ledger confirm`."
    return Check("guard", not doubt, doubt or "This is the database that was signed in last.", fix if doubt else "")


def _disk(base: Base) -> Check:
    if base.home is None:
        return Check("disk", True, "There is no disk.", "")
    free = shutil.disk_usage(base.home.path).free
    ok = free >= MIN_FREE
    return Check("disk", ok, f"{free >> 20} MiB are free.", "" if ok else "Make room before the next import.")


def _rights(base: Base) -> Check:
    if base.home is None:
        return Check("rights", True, "There are no files.", "")
    mode = base.home.secrets_file.stat().st_mode & 0o077
    text = "The keys are readable by others on this machine." if mode else "Only this user can read the keys."
    return Check("rights", not mode, text, f"chmod 600 {base.home.secrets_file}" if mode else "")


def _partners(partners: Partners) -> list[Check]:
    checks: list[Check] = []
    for each in partners.list():
        if each.state != "paired":
            fix = {
                "met": "Compare words, then `entente partner confirm`.",
                "waiting": "The partner confirms your words.",
            }
            checks.append(
                Check(
                    "partner",
                    each.state != "dead",
                    f"{each.name} ({each.id[:8]}) is {each.state}.",
                    fix.get(each.state, "Pair again."),
                )
            )
    return checks


def _logs(base: Base) -> list[Check]:
    checks: list[Check] = []
    with base.store.read() as tx:
        for row in tx.logs.all():
            awaited = tx.payloads.awaited(row.id, 1)
            if row.stopped:
                checks.append(
                    Check("log", False, f"{row.origin} of {b32(row.member)[:8]}: {row.stopped}", "Talk to the member.")
                )
            elif awaited:
                checks.append(
                    Check("log", True, f"{row.origin}: a payload is still to come.", "It comes with the next rounds.")
                )
        waiting = base.world(tx).view.waiting
    told = "They are judged when it arrives."
    return checks + [Check("waiting", True, f"Acts wait for entry {ref}.", told) for ref in waiting]
