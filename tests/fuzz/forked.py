"""A member that holds evidence against a log, and what partners offer it of the log's other history."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from doors.test_odd_messages import undone
from entente.core import canon
from entente.core.errors import InvalidError
from entente.core.ids import origin_hash
from entente.exchange.side import forked
from entente.ledger.proof import read_proof
from entente.node.exchange.side import MemberSide
from entente.node.rooms import forked_logs
from exchange.test_fork import twin_of
from fuzz.work import WrongError
from network import Network
from stories.story import give, indicator

if TYPE_CHECKING:
    from entente.core.ids import Member


class Forked:
    """Harbour and Northwind, to whom Summit told two histories of its log; Harbour has the evidence."""

    def __init__(self) -> None:
        self.network = Network(17)
        self.harbour, self.northwind, summit = (self.network.add(name) for name in ("Harbour", "Northwind", "Summit"))
        circle = self.network.agree(self.harbour, self.northwind, summit)
        self.network.wires[summit.base.me].cut = {self.northwind.base.me}
        twin = twin_of(self.network, summit)
        for node, other in ((summit, self.harbour), (twin, self.northwind)):
            for number in range(2):
                node.profile.set(brings=[f"{other.name} {number}"])
                node.agreements.settle()
            give(node, circle, indicator(1, name=f"for {other.name}"))
            assert not node.exchange.sync(other.member)[0].error
        self.harbour.exchange.sync(self.northwind.member)

    @property
    def partner(self) -> Member:
        return self.northwind.base.me

    def offer(self) -> bytes:
        """Return what Northwind offers Harbour of the other history, cut to two acts."""
        side = MemberSide(self.northwind.base)
        with self.northwind.base.store.read() as tx:
            (row,) = forked(side.audience.common(tx, self.harbour.base.me))
            whole = canon.decode(side.forks.strays(tx, row, b"") or b"", 1 << 20)
        return canon.encode({**whole, "strays": whole["strays"][-2:]})


@cache
def scene() -> Forked:
    """Return the members, made once."""
    return Forked()


def take_offer(data: bytes) -> object:
    """Let Harbour take an offer of Northwind, and forget it again; what it keeps must prove what it says."""
    here = scene()
    with undone(here.harbour) as tx:
        if not MemberSide(here.harbour.base).inbox.take_offer(tx, here.partner, data):
            raise InvalidError("Nothing new.")
        kept = [each for row in tx.logs.all() for each in forked_logs.of_log(tx, origin_hash(row.origin))]
        for each in kept:
            shown = read_proof(each.proof)
            if (shown.index, shown.kind, shown.time, shown.payload) != (each.index, each.kind, each.time, each.data):
                raise WrongError(f"{each!r:.200}")
        here.harbour.base.in_force(tx)
        return len(kept)
