"""Erasures passed on: the originator is shown that a member of another circle erased (docs/protocol/10-recall.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from entente.core import canon
from entente.core.errors import EntenteError
from entente.core.filed import log_of
from entente.core.ids import Member, b32, unb32
from entente.core.kind import ALLOW, Sort, Traits, deny, verdict
from entente.core.shape import check_after, check_entries, check_fields
from entente.ledger.document import from_b64, to_b64
from entente.ledger.proof import read_proof

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from entente.core.filed import Holdings
    from entente.core.kind import Act, Judgement

NAME = "passed/1"
_ERASED: Final = "erased/1"


class PassedKind:
    """Entries of kind `passed/1`; filed by entry, not folded."""

    name = NAME
    traits = Traits(Sort.FILED)

    def check(self, body: Mapping[str, object]) -> None:
        """Raise InvalidError unless the body names entries of one log, a member, and carries a file."""
        check_fields(body, {"log": str, "entries": list, "member": str, "proof": str, "after": list})
        unb32(str(body["log"]), 32)
        unb32(str(body["member"]), 32)
        check_entries(body)
        check_after(body)
        from_b64(body["proof"], "proof")

    def judge(self, act: Act, held: Holdings) -> Judgement:
        """Allow it about what its author asked to send on to the member named, with no proof or one of its erasure."""
        log = held.log(log_of(act.body))
        if log is None:
            return ALLOW
        member = Member(unb32(str(act.body["member"]), 32))
        if not log.here or member not in held.asked(act.author, log_of(act.body), check_entries(act.body)):
            return deny("nothing-asked")
        data = from_b64(act.body["proof"], "proof")
        return verdict("" if not data or _shows(data, member) else "proof")

    def make(self, log: bytes, entries: Sequence[tuple[int, bytes]], *, member: Member, proof: bytes) -> bytes:
        """Return the payload that shows the originator whose erasure answers for these entries."""
        fields: dict[str, object] = {
            "log": b32(log),
            "entries": [[index, b32(leaf)] for index, leaf in entries],
            "member": b32(member),
            "proof": to_b64(proof),
            "after": [],
        }
        return canon.encode(fields)


def _shows(data: bytes, member: Member) -> bool:
    """Say whether this is the proof of an act by which the member signed to have erased."""
    try:
        proof = read_proof(data)
    except EntenteError:
        return False
    return (proof.kind, proof.author.member) == (_ERASED, member)


KIND = PassedKind()
