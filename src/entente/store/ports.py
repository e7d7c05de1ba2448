"""What the floors above ask of bytes at rest: rows, four small ports and one transaction.

A `Store` hands out transactions. Inside `write()` everything or nothing happens: when the block ends without an
exception the changes are durable (they survive `kill -9` and power loss), else there is no trace of them. There is
one writer at a time, over all processes that share the home; a second one waits. `read()` sees one unchanging state.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Final, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

CHUNK = 256
"""Entries in one row of leaves, and hashes in one tile (C2SP tlog-tiles)."""


class LogRow(Struct, frozen=True, kw_only=True):
    """One log: whose, which circle and epoch, how far it goes and the newest signed head.

    `circle` is empty for a key history. `size` counts the leaves held, `signed` those that `note` covers
    (`signed < size` only in our own logs while the home is unsure). `peaks` is the compact range at `size`.
    `stopped` says why intake ended, empty while the log is open.
    """

    id: int
    origin: str
    member: bytes
    circle: bytes
    epoch: int
    size: int = 0
    peaks: bytes = b""
    signed: int = 0
    note: bytes = b""
    stopped: str = ""


class PayloadRow(Struct, frozen=True, gc=False):
    """What lies beside entry `index` of log `log`: the payload is `head + data`.

    `head` is the header line of content with its line feed (empty for an act), `data` the object's or the act's bytes.
    `item` is the `seq` of the item row that this entry carries, 0 for none.
    """

    log: int
    index: int
    kind: str
    time: int
    salt: bytes
    head: bytes
    data: bytes
    item: int = 0


class NewPayload(Struct, frozen=True, gc=False):
    """A payload to store beside entry `index`; with `item` set the bytes are that item's and `data` is ignored."""

    index: int
    kind: str
    time: int
    salt: bytes
    head: bytes
    data: bytes
    item: int = 0


class ItemRow(Struct, frozen=True, kw_only=True, gc=False):
    """One version of one STIX object as one member brought it (a *copy*); a projection that can be rebuilt.

    Times `created`, `modified` are microseconds since 1970; `time` is the claimed time of the entry or the moment of
    import in milliseconds. `tlp` is the effective marking (-1: none). `own` means imported on this node.
    `state` is "held", "denied" (not this member's to change) or "withdrawn". `latest`: newest copy of this author.
    `top`: the one version that is shown when the object is shown.
    """

    seq: int = 0
    stix_id: str
    type: str
    author: bytes
    created: int
    modified: int
    created_by: str
    revoked: bool
    name: str
    tlp: int
    time: int
    person: str
    own: bool
    state: str = "held"
    latest: bool = True
    top: bool = True


class NewItem(Struct, frozen=True, gc=False):
    """An item row to add with its bytes; equal bytes of one STIX id are stored once."""

    row: ItemRow
    data: bytes


class ItemQuery(Struct, frozen=True, kw_only=True):
    """Which items to list: of the logs `logs` (None: every held item), of one `type`, shown versions only if `top`."""

    logs: tuple[int, ...] | None = None
    type: str = ""
    top: bool = True
    after: int = 0
    limit: int = 100


class LogRows(Protocol):
    """Which logs there are, and how far each has come."""

    def add(self, row: LogRow) -> LogRow:
        """Create an empty log (its `id` is chosen here); ConflictError if the origin exists."""
        ...

    def get(self, origin: str) -> LogRow | None:
        """Return the log of this origin."""
        ...

    def all(self) -> list[LogRow]:
        """Return every log, oldest first."""
        ...

    def save(self, row: LogRow) -> None:
        """Store all columns of a log but its id and origin."""
        ...


class Leaves(Protocol):
    """The entries of each log and the hashes over them."""

    def append(self, log: int, start: int, leaves: Sequence[bytes], hashes: Sequence[bytes]) -> None:
        """Store leaves and leaf hashes from index `start`, which must be the number held (StoreError otherwise)."""
        ...

    def leaves(self, log: int, start: int, stop: int) -> list[bytes]:
        """Return the leaves `start` to `stop`, end exclusive; fewer where the log ends."""
        ...

    def node(self, log: int, level: int, index: int) -> bytes:
        """Return the hash of the complete subtree of 2**level leaves number `index` (RFC 6962 section 2.1)."""
        ...

    def truncate(self, log: int, size: int) -> None:
        """Forget leaves, hashes and payloads from index `size` on; for unsigned leaves of our own only."""
        ...


INDEX: Final = "The search index"
"""How a finding of `Store.damage` begins that is mended already."""


class Logs(LogRows, Leaves, Protocol):
    """Leaves, hashes and signed heads of logs."""


class HeldPayloads(Protocol):
    """Payloads and salts, each in a row of its own."""

    def put(self, log: int, rows: Sequence[NewPayload]) -> None:
        """Store payloads; an index that has one already is left as it is."""
        ...

    def get(self, log: int, start: int, stop: int) -> list[PayloadRow]:
        """Return the payloads held of entries `start` to `stop`, by index; those not held are left out."""
        ...

    def of_item(self, item: int) -> list[PayloadRow]:
        """Return every entry that carries this item row."""
        ...

    def drop(self, log: int, index: int) -> None:
        """Delete payload and salt of one entry; bytes that no other row needs are overwritten.

        A received item goes with its last entry, an own one stays. The caller chooses `latest` and `top` again.
        """
        ...


class HeldActs(Protocol):
    """The payloads that a fold reads."""

    def acts(self, kinds: Sequence[str]) -> Iterator[PayloadRow]:
        """Return all acts of these kinds, by log and index."""
        ...

    def acts_of(self, log: int, kinds: Sequence[str], start: int) -> list[PayloadRow]:
        """Return the acts of these kinds in one log from index `start` on."""
        ...

    def moved(self, kinds: Sequence[str]) -> object:
        """Return a mark that changes when acts of these kinds go, a log is cut, or they come below the size of a log.

        Acts that come at the end of a log, before its new size is saved, do not change it.
        """
        ...


class AwaitedPayloads(Protocol):
    """Entries whose payload is still to come."""

    def await_(self, log: int, indexes: Sequence[int]) -> None:
        """Remember that these entries have no payload here yet."""
        ...

    def awaited(self, log: int, limit: int = 1000) -> list[int]:
        """Return entries whose payload is still to come, smallest first; `put` and `settle` take them off."""
        ...

    def settle(self, log: int, indexes: Sequence[int]) -> None:
        """Await these entries no longer (their payload was refused)."""
        ...


class Payloads(HeldPayloads, HeldActs, AwaitedPayloads, Protocol):
    """Payloads and salts beside the entries."""


class ItemRows(Protocol):
    """Versions of objects as members brought them."""

    def add(self, items: Sequence[NewItem]) -> list[int]:
        """Add copies and return their `seq`, in order; ascending in the order given."""
        ...

    def find(self, stix_ids: Sequence[str], besides: bytes = b"") -> dict[str, list[ItemRow]]:
        """Return all copies of these STIX ids, of every author but `besides`; ids without any are left out."""
        ...

    def get(self, seqs: Sequence[int]) -> list[tuple[ItemRow, bytes]]:
        """Return rows with their bytes in the order asked; unknown ones are left out."""
        ...

    def save(self, rows: Sequence[ItemRow]) -> None:
        """Store `state`, `latest`, `top`, `own`, `person`, `time` and `tlp` of existing rows."""
        ...

    def remove(self, seqs: Sequence[int]) -> None:
        """Delete copies that no entry carries, our own ones too, with their words; bytes nobody needs are overwritten.

        Copies that an entry still carries stay.
        """
        ...

    def clear(self) -> None:
        """Forget the projection of received items; own ones stay. The caller folds the entries again."""
        ...


class ItemLists(Protocol):
    """Which of them there are."""

    def page(self, query: ItemQuery) -> list[ItemRow]:
        """Return items by ascending `seq` after `query.after`.

        With `logs`: for each STIX id the newest held copy among those with an entry in these logs.
        """
        ...

    def prefix(self, start: str, limit: int = 10) -> list[str]:
        """Return the STIX ids held that begin with `start` (or whose UUID part does), at most `limit`."""
        ...

    def by_creator(self, created_by: str) -> list[ItemRow]:
        """Return all copies whose `created_by_ref` is this identity."""
        ...

    def placed(self, seqs: Sequence[int], logs: Sequence[int]) -> set[int]:
        """Return which of these item rows have an entry in one of `logs`."""
        ...

    def count(self) -> int:
        """Return how many copies there are."""
        ...


class ItemWords(Protocol):
    """Full-text search over them."""

    def index(self, limit: int = 2000) -> int:
        """Bring the full-text index forward by at most `limit` items and return how many were indexed now.

        Words of dropped items leave with these steps too: call it until it returns 0.
        """
        ...

    def search(self, text: str, type: str = "", limit: int = 20) -> list[ItemRow]:  # noqa: A002 - the STIX word
        """Return shown items whose strings hold all the words, best first; words may be anything a person types."""
        ...


class ItemCopies(ItemRows, ItemLists, ItemWords, Protocol):
    """The projection of items: versions, who brought them, which is shown, full-text search."""


class Records(Protocol):
    """Small documents by space and key: partners, offers, cosignatures, refusals."""

    def get(self, space: str, key: str) -> bytes | None:
        """Return the document or None."""
        ...

    def put(self, space: str, key: str, value: bytes) -> None:
        """Store the document, replacing the one before it."""
        ...

    def delete(self, space: str, key: str) -> None:
        """Forget the document; unknown keys are no error."""
        ...

    def scan(self, space: str, prefix: str = "") -> list[tuple[str, bytes]]:
        """Return all (key, document) of a space whose key begins with `prefix`, by key."""
        ...


class Snapshot(Struct, frozen=True):
    """What a transaction sees at a moment: two with the same `mark` in one process see the same bytes.

    That holds as long as no write transaction ended without a commit between them (`Store.undone`), or if both were
    `settled`: nothing that was not committed was seen.
    """

    mark: Hashable
    settled: bool


class Transaction(Protocol):
    """The four ports inside one transaction."""

    logs: Logs
    payloads: Payloads
    items: ItemCopies
    records: Records

    def seen(self) -> Snapshot:
        """Return what tells the bytes that are seen now from all others."""
        ...


class Store(Protocol):
    """A home's bytes."""

    def write(self) -> AbstractContextManager[Transaction]:
        """Open the one write transaction; durable when the block ends."""
        ...

    def read(self) -> AbstractContextManager[Transaction]:
        """Open a read transaction on one unchanging state."""
        ...

    def version(self) -> int:
        """Return a number that changes whenever anybody, in any process, has committed."""
        ...

    def undone(self) -> int:
        """Return how many write transactions of this process ended without a commit."""
        ...

    def purge(self) -> bool:
        """Take what was erased out of every file, the search index too; say whether nothing of it is left.

        False while somebody reads an older state: call it again. That it is due is remembered, over a crash too.
        """
        ...

    def damage(self, *, thorough: bool = False) -> Sequence[str]:
        """Return what is damaged in the bytes at rest, in sentences; `thorough` reads everything, indexes too.

        A damaged search index is told once: it is begun anew.
        """
        ...

    def close(self) -> None:
        """Release files and connections."""
        ...
