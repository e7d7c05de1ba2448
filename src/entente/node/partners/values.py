"""What the Python API answers about partners, rounds and bundles: frozen values, as in `--json`."""

from __future__ import annotations

from msgspec import Struct, field


class Invitation(Struct, frozen=True):
    """What to tell the partner: where to call, the code, until when it is good."""

    url: str
    code: str
    expires: str


class Met(Struct, frozen=True):
    """A partner as it showed itself; `words` are the partner's own."""

    partner: str
    name: str
    words: list[str]
    state: str


class Confirmed(Struct, frozen=True):
    """How far a pairing has come: "waiting" for the other side, or "paired"."""

    partner: str
    state: str


class Partner(Struct, frozen=True):
    """One partner: `state` is met, waiting, paired, dead."""

    id: str
    name: str
    url: str
    state: str
    words: list[str]


class SuccessionInfo(Struct, frozen=True):
    """New keys of a member that lost its old ones: pending, proposed, waiting, in-force or refused.

    `words` are six words of the new keys: the member reads them out, and they are compared before anybody approves.
    """

    member: str
    name: str
    keys: int
    record: str
    words: list[str]
    url: str
    state: str
    needed: int
    approvals: list[dict[str, str]]


class Flow(Struct, frozen=True):
    """What went in one direction."""

    entries: int
    bytes: int


class Synced(Struct, frozen=True):
    """One partner's round: what was sent and received, what went wrong, what the partner would not take."""

    id: str
    sent: Flow
    received: Flow
    error: str
    refusals: list[dict[str, str]] = field(default_factory=list[dict[str, str]])


class BundleMade(Struct, frozen=True):
    """A bundle that was written: for whom, where, how large, with how many entries."""

    partner: str
    file: str
    bytes: int
    entries: int


class BundleTaken(Struct, frozen=True):
    """A bundle that was taken: whose, what was new in it, and what was not taken by us or, before, by the partner."""

    partner: str
    received: Flow
    refused: list[dict[str, str]]
