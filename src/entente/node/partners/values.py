"""What the Python API answers about partners, rounds and bundles: frozen values, as in `--json`.

A member is its id (52 letters of base32). Times are RFC 3339 in UTC; sizes are in bytes.
"""

from __future__ import annotations

from msgspec import Struct, field


class Invitation(Struct, frozen=True):
    """What to tell the partner: the address to call, the code, until when it is good."""

    url: str
    code: str
    expires: str


class Met(Struct, frozen=True):
    """A partner as it showed itself: its id and name; the six `words` are its own.

    `state` is met, waiting or paired; "succession" if its new keys wait for an approval.
    """

    partner: str
    name: str
    words: list[str]
    state: str


class CardWritten(Struct, frozen=True):
    """A card that was written: whose it is, with its six words; `out` is the file's name, `bytes` its size."""

    member: str
    name: str
    words: list[str]
    out: str
    bytes: int


class Confirmed(Struct, frozen=True):
    """How far a pairing has come: "waiting" for the other side, or "paired"."""

    partner: str
    state: str


class Partner(Struct, frozen=True):
    """One partner: id, name, the address to call, its six words; `state` is met, waiting, paired or dead."""

    id: str
    name: str
    url: str
    state: str
    words: list[str]


class SuccessionAnswer(Struct, frozen=True):
    """What a member answered to new keys of another one: approve or refuse."""

    member: str
    answer: str


class SuccessionInfo(Struct, frozen=True):
    """New keys of a member that lost its old ones: pending, proposed, waiting, in-force or refused.

    `keys` counts the entries of its key history, `record` is the hash (base32) of the one that an approval names.
    `words` are six words of the new keys: the member reads them out, and they are compared before anybody approves.
    `url` is its new address. `needed` is how many members must approve; `approvals` says who has answered what.
    """

    member: str
    name: str
    keys: int
    record: str
    words: list[str]
    url: str
    state: str
    needed: int
    approvals: list[SuccessionAnswer]


class Flow(Struct, frozen=True):
    """What went in one direction: how many entries, and how many bytes of payloads."""

    entries: int
    bytes: int


class Synced(Struct, frozen=True):
    """The round with the partner `id`: what was sent and received, and what went wrong ("" if nothing did).

    `refusals` says what was not taken: `by` "us" or "partner", with the `code` of a rule, the `subject` and a `text`.
    """

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
