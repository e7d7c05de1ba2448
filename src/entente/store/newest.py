"""Which copy of a STIX object is shown to somebody who sees some logs only."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from entente.store.ports import ItemRow


def newest(copies: Sequence[ItemRow], bytes_of: Callable[[int], bytes]) -> int:
    """Return the `seq` of the newest of these copies; of equal age the one whose bytes have the smaller SHA-256."""
    latest = max(copy.modified for copy in copies)
    ties = [copy.seq for copy in copies if copy.modified == latest]
    if len(ties) == 1:
        return ties[0]
    return min(ties, key=lambda seq: (sha256(bytes_of(seq)).digest(), seq))
