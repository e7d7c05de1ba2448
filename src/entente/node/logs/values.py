"""What the Python API answers about logs and evidence: frozen values, as in `--json`."""

from __future__ import annotations

from msgspec import Struct


class LogReport(Struct, frozen=True):
    """One verified log; `problems` names each entry, payload or head that does not hold."""

    origin: str
    size: int
    root: str
    witnessed_by: list[str]
    problems: list[str]
    member: str
    circle: str
    epoch: int = 1


class LedgerReport(Struct, frozen=True):
    """The verification of everything in the home."""

    ok: bool
    logs: list[LogReport]
    problems: list[str]


class EvidenceInfo(Struct, frozen=True):
    """Evidence: two signed statements about one log that cannot both be true.

    Of a "fork" `member` made both. Of a "split-view" `member`, whose log it is, made one and `other` the other: one of
    the two is wrong. `strays` counts the acts of a forked log that only others had been told, and that count here too.
    """

    id: str
    kind: str
    origin: str
    member: str
    sizes: list[int]
    other: str = ""
    strays: int = 0
