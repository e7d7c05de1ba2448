"""What is answered about joint work as a whole."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from entente.insight.tempo import Pair


class TempoInfo(Struct, frozen=True):
    """How fast each pair of members is, for which anything was measured; spans are in seconds."""

    pairs: Sequence[Pair]
