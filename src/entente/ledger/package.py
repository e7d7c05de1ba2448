"""Packages: up to 256 consecutive entries in columns, with the proof that ties them to a signed head.

docs/protocol/4-exchange.md, "Body". Commitments and leaves are recomputed by the receiver, never sent.
"""

from __future__ import annotations

from itertools import accumulate, pairwise

from msgspec import Struct

from entente.core import entry, merkle
from entente.core.errors import InvalidError
from entente.store.ports import CHUNK, LogRow, PayloadRow, Transaction

NO_SALT = bytes(entry.SALT_SIZE)


class Package(Struct, frozen=True, array_like=True):
    """Entries from `start` in columns; `bare` holds the leaves of those that travel without payload."""

    start: int
    kinds: list[str]
    kind_of: bytes
    times: list[int]
    sizes: list[int]
    salts: bytes
    payloads: bytes
    bare: list[tuple[int, bytes]]
    proof: list[bytes]


class Column(Struct, frozen=True, gc=False):
    """One entry out of a package; `payload` is None where it travelled bare."""

    index: int
    kind: str
    time: int
    size: int
    salt: bytes
    payload: bytes | None


def pack(tx: Transaction, row: LogRow, start: int, upto: int, budget: int) -> Package:
    """Return entries from `start`, proven against size `upto`: to the end of the chunk or to about `budget` bytes.

    At least one entry is in it, however large.
    """
    stop = min(upto, (start // CHUNK + 1) * CHUNK)
    rows: dict[int, PayloadRow] = {}
    for each in tx.payloads.get(row.id, start, stop):
        budget -= len(each.head) + len(each.data)
        if budget < 0 and each.index > start:
            stop = each.index
            break
        rows[each.index] = each
    bare: list[tuple[int, bytes]] = []
    if len(rows) < stop - start:
        leaves = tx.logs.leaves(row.id, start, stop)
        bare = [(at, leaf) for at, leaf in enumerate(leaves) if start + at not in rows]
    return _columns(start, stop, rows, bare, proof_to(tx, row, stop, upto))


def proof_to(tx: Transaction, row: LogRow, size: int, upto: int) -> list[bytes]:
    """Return the consistency proof between two sizes of a log that is held up to the larger one."""
    if size in (0, upto):
        return []
    return merkle.consistency_proof(size, upto, lambda level, index: tx.logs.node(row.id, level, index))


def _columns(
    start: int, stop: int, rows: dict[int, PayloadRow], bare: list[tuple[int, bytes]], proof: list[bytes]
) -> Package:
    absent = PayloadRow(0, 0, entry.parse(bare[0][1]).kind if bare else "", 0, NO_SALT, b"", b"")
    ordered = [rows.get(index, absent) for index in range(start, stop)]
    payloads = [each.head + each.data for each in ordered]
    kinds = sorted({each.kind for each in ordered})
    places = {kind: at for at, kind in enumerate(kinds)}
    times = [each.time for each in ordered]
    return Package(
        start,
        kinds,
        bytes([places[each.kind] for each in ordered]),
        times[:1] + [after - before for before, after in pairwise(times)],
        [len(payload) for payload in payloads],
        b"".join([each.salt for each in ordered]),
        b"".join(payloads),
        bare,
        proof,
    )


def unpack(package: Package) -> tuple[list[Column], list[bytes]]:
    """Return the entries and their recomputed leaves; raise InvalidError unless the columns fit each other."""
    count = len(package.kind_of)
    if not 1 <= count <= CHUNK or not 0 <= package.start <= merkle.MAX_SIZE:
        raise InvalidError(f"A package holds 1 to {CHUNK} entries, this one {count}.")
    if not (len(package.times) == len(package.sizes) == count and len(package.salts) == entry.SALT_SIZE * count):
        raise InvalidError("The columns of a package have different lengths.")
    if max(package.kind_of) >= len(package.kinds) or min(package.sizes) < 0:
        raise InvalidError("A package names a kind that it does not list, or a negative size.")
    ends = list(accumulate(package.sizes))
    if ends[-1] != len(package.payloads):
        raise InvalidError("The sizes of a package do not add up to its payloads.")
    step = entry.SALT_SIZE
    salts = [package.salts[at : at + step] for at in range(0, step * count, step)]
    data = package.payloads
    payloads = [data[end - size : end] for size, end in zip(package.sizes, ends, strict=True)]
    kinds = [package.kinds[place] for place in package.kind_of]
    times = list(accumulate(package.times))
    leaves = entry.leaves(kinds, times, salts, payloads)
    start = package.start
    columns = [
        Column(start + at, kinds[at], times[at], package.sizes[at], salts[at], payloads[at]) for at in range(count)
    ]
    for at, leaf in package.bare:
        if not 0 <= at < count or package.sizes[at]:
            raise InvalidError("A package lists a bare leaf outside its entries or beside a payload.")
        said = entry.parse(leaf)
        leaves[at] = leaf
        columns[at] = Column(start + at, said.kind, said.time, said.size, NO_SALT, None)
    return columns, leaves
