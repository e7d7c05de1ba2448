"""Shelves: the spaces of a home's small documents, each with one name and one type of document.

    PARTNERS: Final = shelf.json("partner", Record)
    PARTNERS.put(tx, b32(member), record)

A space belongs to one shelf, and a shelf to the one module that makes it; others ask that module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

    from entente.store.ports import Transaction

T = TypeVar("T")
V = TypeVar("V")


class Shelf(Generic[T]):
    """All documents of one type: a space of the port `Records`."""

    def __init__(self, space: str, encode: Callable[[T], bytes], decode: Callable[[bytes], T]) -> None:
        """Keep documents in `space`, written by `encode` and read by `decode`."""
        self.space = space
        self._encode = encode
        self._decode = decode

    def get(self, tx: Transaction, key: str) -> T | None:
        """Return the document of a key, None if there is none."""
        data = tx.records.get(self.space, key)
        return None if data is None else self._decode(data)

    def holds(self, tx: Transaction, key: str) -> bool:
        """Say whether there is a document of this key."""
        return tx.records.get(self.space, key) is not None

    def put(self, tx: Transaction, key: str, value: T) -> None:
        """Store the document of a key, replacing the one before it."""
        tx.records.put(self.space, key, self._encode(value))

    def drop(self, tx: Transaction, key: str) -> None:
        """Forget the document of a key; unknown keys are no error."""
        tx.records.delete(self.space, key)

    def all(self, tx: Transaction, start: str = "") -> list[tuple[str, T]]:
        """Return every (key, document) whose key begins with `start`, by key."""
        return [(key, self._decode(data)) for key, data in tx.records.scan(self.space, start)]

    def keys(self, tx: Transaction, start: str = "") -> list[str]:
        """Return every key that begins with `start`, in order."""
        return [key for key, _ in tx.records.scan(self.space, start)]

    def values(self, tx: Transaction, start: str = "") -> list[T]:
        """Return every document whose key begins with `start`, by key."""
        return [self._decode(data) for _, data in tx.records.scan(self.space, start)]


def raw(space: str) -> Shelf[bytes]:
    """Return a shelf of bytes as they are."""
    return Shelf(space, bytes, bytes)


def text(space: str) -> Shelf[str]:
    """Return a shelf of texts in UTF-8."""
    return Shelf(space, str.encode, bytes.decode)


def number(space: str) -> Shelf[int]:
    """Return a shelf of whole numbers, written in decimal digits."""
    return Shelf(space, lambda value: str(value).encode(), int)


def json(space: str, kind: type[V]) -> Shelf[V]:
    """Return a shelf of values in JSON."""
    return Shelf(space, msgspec.json.encode, msgspec.json.Decoder(kind).decode)


def msgpack(space: str, kind: type[V]) -> Shelf[V]:
    """Return a shelf of values in MessagePack."""
    return Shelf(space, msgspec.msgpack.encode, msgspec.msgpack.Decoder(kind).decode)
