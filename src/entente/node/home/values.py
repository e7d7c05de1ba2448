"""What the Python API answers about this member's home, keys, persons and health: frozen values, as in `--json`.

A member is its id (52 letters of base32), a person its id (26 letters). Times are RFC 3339 in UTC.
"""

from __future__ import annotations

from msgspec import Struct, field


class Written(Struct, frozen=True):
    """A file that was written: `out` is its name as it can be shown, `bytes` its size."""

    out: str
    bytes: int


class Founded(Struct, frozen=True):
    """A new home: the `member`'s id, its `name` and six `words`.

    `recovery` is the path of the recovery file, `person` the id of the operator.
    """

    member: str
    name: str
    words: list[str]
    recovery: str
    person: str


class Renewed(Struct, frozen=True):
    """Own keys after a change: `keys` counts the entries of the key history, `words` are six words of the newest keys.

    `recovery` is the path of the new recovery file ("" for none), `url` the address at which partners call.
    """

    member: str
    keys: int
    recovery: str
    url: str
    words: list[str]


class Inherited(Struct, frozen=True):
    """A new home of a member that lost its old one: six `words` of the member, and six of its new keys (`keys_words`).

    `keys` counts the entries of the key history. `person` is the id of the operator. `recovery` is the path of the next
    recovery file, `card` the path of the new card, which goes to partners.
    """

    member: str
    name: str
    words: list[str]
    keys_words: list[str]
    keys: int
    person: str
    recovery: str
    card: str


class Backed(Struct, frozen=True):
    """A backup that was written: the path of the `file`, its size in `bytes`, how many `entries` all logs in it have.

    `keys` says how the secret keys in it are kept: "none" (in the clear), "passphrase" or "key-file".
    """

    file: str
    bytes: int
    entries: int
    keys: str


class Restored(Struct, frozen=True):
    """A home that was brought back: its path, whose it is, how many `entries` it has, when the backup was made."""

    home: str
    member: str
    name: str
    entries: int
    time: str


class UpgradeUndone(Struct, frozen=True):
    """A database that is as it was before the last upgrade: `previous` is the name of the copy that was used."""

    previous: str


class KeysKept(Struct, frozen=True):
    """How the secret keys are kept on disk now: "none" (in the clear), "passphrase" or "key-file"."""

    keys: str


class HomeConfirmed(Struct, frozen=True):
    """A home that a person vouched for: the origins of the logs of ours that may be signed again."""

    confirmed: list[str]


class SettingsInfo(Struct, frozen=True):
    """The settings of this node: whether two persons must release ("on" or "off"), and the address of this member."""

    four_eyes: str = field(name="four-eyes")
    url: str


class PersonInfo(Struct, frozen=True):
    """A person of this member: id, name (which stays at home) and roles, which are words."""

    person: str
    name: str
    roles: list[str]


class ProfileInfo(Struct, frozen=True):
    """What this member says of itself in its circles: its name, and the STIX `identity` that stands for it.

    `identities` are further STIX ids that are this member; `brings` and `seeks` are words.
    """

    name: str
    identity: str
    identities: list[str]
    brings: list[str]
    seeks: list[str]


class Check(Struct, frozen=True):
    """One finding of `doctor`: the name of the check, whether it is well, what was found, what to do ("" if well)."""

    name: str
    ok: bool
    text: str
    fix: str


class Health(Struct, frozen=True):
    """All findings of `doctor`; `ok` when every check is."""

    ok: bool
    checks: list[Check]
