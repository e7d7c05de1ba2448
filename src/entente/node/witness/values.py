"""What the Python API answers about witnesses; sizes count entries, times are RFC 3339 in UTC ("" for none)."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from entente.node.partners.values import Synced


class WitnessKey(Struct, frozen=True):
    """How others enter this member as a witness: its key (`name+id+key`), and the address at which it is asked."""

    vkey: str
    url: str


class WitnessedLog(Struct, frozen=True):
    """A log that this member witnesses: its keys (none: named no longer), and the head that was cosigned last.

    `size` is 0 and `time` "" before the first head; `root` is base64.
    """

    origin: str
    keys: list[str]
    size: int
    root: str
    time: str


class WitnessedLogs(Struct, frozen=True):
    """All logs that were ever named, by origin; `doubt` says why nothing is cosigned now, "" if it is."""

    logs: Sequence[WitnessedLog]
    doubt: str


class OutsideLog(Struct, frozen=True):
    """One of our logs at one witness: how far it is signed, what was cosigned last and when, and what failed.

    `vkey` is the key of the log, which the witness's operator must know; `circle` is the id of its circle.
    """

    origin: str
    vkey: str
    circle: str
    signed: int
    cosigned: int
    time: str
    problem: str


class OutsideWitness(Struct, frozen=True):
    """A witness that the operator entered, for all circles if `circles` (their ids) is empty."""

    name: str
    url: str
    vkey: str
    circles: list[str]
    logs: list[OutsideLog]


class WitnessDropped(Struct, frozen=True):
    """A witness that is not asked any more, by its key."""

    dropped: str


class WitnessTurn(Struct, frozen=True):
    """How a turn with a witness went: its name, and "" or what went wrong first."""

    name: str
    problem: str


class AllSynced(Struct, frozen=True):
    """An exchange with partners and witnesses: the round with each partner, and the turn with each outside witness."""

    partners: Sequence[Synced]
    witnesses: Sequence[WitnessTurn]
