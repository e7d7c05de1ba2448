"""Kinds whose acts are about single entries and are kept by entry: what their judges ask, and what is common to them.

docs/protocol/3-kinds.md ("Judgement") and 10-recall.md. No view is folded from them; each is judged once, as it comes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from msgspec import Struct

from entente.core.ids import Member, unb32
from entente.core.kind import Described
from entente.core.shape import check_entries

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from entente.core.kind import Act, Judgement


class HeldLog(Struct, frozen=True):
    """A log that is held: whose it is, and whether it is of the circle in which the act stands that names it."""

    author: Member
    here: bool


class Entries(Protocol):
    """What the judge of an act about single entries may ask of those that are held."""

    def log(self, log: bytes) -> HeldLog | None:
        """Return the log with this origin hash, None if it is not held."""
        ...

    def leaf(self, log: bytes, index: int) -> bytes:
        """Return the leaf hash of an entry, b"" while it is not held."""
        ...

    def is_content(self, log: bytes, index: int) -> bool:
        """Say whether an entry that is held is content."""
        ...


class Releases(Protocol):
    """What the judge of an act about onward release may ask."""

    def members(self) -> Collection[Member]:
        """Return the members of the room in which the act stands."""
        ...

    def asked(self, author: Member, log: bytes, entries: Sequence[tuple[int, bytes]]) -> Collection[Member]:
        """Return for which members an author has asked to get exactly these entries of this log."""
        ...

    def check(self, kind: str, body: Mapping[str, object]) -> None:
        """Raise InvalidError unless this is a well-formed body of an act of this kind."""
        ...


class Holdings(Entries, Releases, Protocol):
    """What the judge of a filed act may ask; the act itself may stand in a run of entries that is being judged."""


class Filed(Described, Protocol):
    """A kind of act about single entries, which no view is folded from."""

    def check(self, body: Mapping[str, object]) -> None:
        """Raise InvalidError unless the body is well formed."""
        ...

    def judge(self, act: Act, held: Holdings) -> Judgement:
        """Say whether this act counts; read neither clock nor content."""
        ...


@runtime_checkable
class Naming(Protocol):
    """A folded kind whose acts also name entries, of which a view knows nothing."""

    def judge_named(self, act: Act, held: Entries) -> Judgement:
        """Say whether the entries that the act names are what it says."""
        ...


def log_of(body: Mapping[str, object]) -> bytes:
    """Return the origin hash of the log whose entries an act names."""
    return unb32(str(body["log"]), 32)


def is_right(act: Act, held: Entries, log: bytes, index: int, leaf: bytes) -> bool:
    """Say whether an entry that an act names stands before it and has this leaf hash, as far as it is held."""
    if log == act.place.log and index >= act.place.index:
        return False
    return held.leaf(log, index) in (b"", leaf)


def all_right(act: Act, held: Entries) -> bool:
    """Say so of all entries that an act names."""
    log = log_of(act.body)
    return all(is_right(act, held, log, index, leaf) for index, leaf in check_entries(act.body))


def misnamed(act: Act, held: Entries) -> str:
    """Return why an act about entries of another member does not count, "" if it does."""
    log = held.log(log_of(act.body))
    if log is None or not log.here or log.author == act.author:
        return "wrong-log"
    return "" if all_right(act, held) else "wrong-entry"
