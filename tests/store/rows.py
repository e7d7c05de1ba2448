"""Rows for the tests of the stores, made from as little as a test wants to say."""

from __future__ import annotations

from uuid import UUID

from entente.core import merkle
from entente.store.ports import ItemRow, LogRow, NewItem, NewPayload, Store

HEAD = b'{"person":"p1"}\n'


def stix_id(number: int, kind: str = "indicator") -> str:
    """Return a STIX id whose UUID is spread over the whole range, the same for the same number."""
    return f"{kind}--{UUID(int=(number * 0x9E3779B97F4A7C15F39CC0605CEDC834) % 2**128)}"


def log(origin: str = "o1", **columns: object) -> LogRow:
    given: dict[str, object] = {"id": 0, "member": b"m1", "circle": b"c1", "epoch": 1, **columns}
    return LogRow(origin=origin, **given)  # type: ignore[arg-type]


def item(name: str | int, text: str | bytes = "", /, **columns: object) -> NewItem:
    """Return an item whose bytes hold its id and `text`, or are `text`."""
    this = name if isinstance(name, str) else stix_id(name)
    given: dict[str, object] = {
        "type": this.partition("--")[0],
        "author": b"m1",
        "created": 1,
        "modified": 1,
        "created_by": "",
        "revoked": False,
        "name": "",
        "tlp": 2,
        "time": 5,
        "person": "p1",
        "own": False,
        **columns,
    }
    data = text if isinstance(text, bytes) else f'{{"id":"{this}","name":"{text}"}}'.encode()
    return NewItem(ItemRow(stix_id=this, **given), data)  # type: ignore[arg-type]


def payload(
    index: int, data: bytes = b"act", *, kind: str = "approval/1", item: int = 0, head: bytes = b""
) -> NewPayload:
    return NewPayload(index, kind, 1000 + index, bytes([index % 256]) * 16, HEAD if item else head, data, item)


def open_log(store: Store, origin: str = "o1") -> int:
    with store.write() as tx:
        return tx.logs.add(log(origin)).id


def keep(store: Store, *items: NewItem) -> list[int]:
    """Add items without an entry; return their numbers."""
    with store.write() as tx:
        return tx.items.add(items)


def share(store: Store, log: int, start: int, items: list[NewItem]) -> list[int]:
    """Add items, each with an entry in a log from index `start` on; return their numbers."""
    with store.write() as tx:
        seqs = tx.items.add(items)
        tx.payloads.put(log, [payload(start + n, kind="item/1", item=seq) for n, seq in enumerate(seqs)])
    return seqs


def leaves_and_hashes(count: int, mark: bytes = b"") -> tuple[list[bytes], list[bytes]]:
    """Return leaves of many lengths, with zero bytes in them."""
    leaves = [mark + n.to_bytes(4, "big") * (n % 7) + b"\0" for n in range(count)]
    return leaves, merkle.leaf_hashes(leaves)


def index_all(store: Store) -> None:
    """Bring the full-text index up to date."""
    while True:
        with store.write() as tx:
            if not tx.items.index():
                return


def found(store: Store, text: str, kind: str = "", limit: int = 20) -> list[str]:
    """Return the STIX ids that a search finds."""
    with store.read() as tx:
        return [row.stix_id for row in tx.items.search(text, kind, limit)]
