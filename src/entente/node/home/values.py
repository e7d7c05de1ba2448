"""What the Python API answers about this member's home, keys, persons and health: frozen values, as in `--json`."""

from __future__ import annotations

from msgspec import Struct


class Founded(Struct, frozen=True):
    """A new home: the member's id, name and six words, where the recovery file is, the operator's person id."""

    member: str
    name: str
    words: list[str]
    recovery: str
    person: str


class Renewed(Struct, frozen=True):
    """Own keys after a change: how many entries the key history has, where the new recovery file is ("" for none)."""

    member: str
    keys: int
    recovery: str
    url: str
    words: list[str]


class Inherited(Struct, frozen=True):
    """A new home of a member: `words` are the member's, `keys_words` those of its new keys; `card` goes to partners."""

    member: str
    name: str
    words: list[str]
    keys_words: list[str]
    keys: int
    recovery: str
    person: str
    card: bytes


class Backed(Struct, frozen=True):
    """A backup that was written: the file, its bytes, the entries of all logs in it, and how its keys are kept."""

    file: str
    bytes: int
    entries: int
    keys: str


class Restored(Struct, frozen=True):
    """A home that was brought back: whose, where, how many entries it has, when the backup was made."""

    home: str
    member: str
    name: str
    entries: int
    time: str


class PersonInfo(Struct, frozen=True):
    """A person of this member; the name stays at home."""

    person: str
    name: str
    roles: list[str]


class ProfileInfo(Struct, frozen=True):
    """What this member says of itself in its circles."""

    name: str
    identity: str
    identities: list[str]
    brings: list[str]
    seeks: list[str]


class Check(Struct, frozen=True):
    """One finding of `doctor` with what to do about it."""

    name: str
    ok: bool
    text: str
    fix: str


class Health(Struct, frozen=True):
    """All findings of `doctor`."""

    ok: bool
    checks: list[Check]
