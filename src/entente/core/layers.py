"""A mapping that grows and is copied cheaply: a copy shares what is old and takes only what is new with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, TypeVar, overload

from typing_extensions import override

K = TypeVar("K")
V = TypeVar("V")
T = TypeVar("T")

_SMALL: Final = 64
"""As many new entries are copied without a thought."""


class Layers(Mapping[K, V]):
    """Entries in two layers: old ones, shared by copies and never changed, and new ones of this mapping alone.

    A copy costs about the square root of the number of entries. Nothing can be taken out.
    """

    __slots__ = ("_new", "_old")

    def __init__(self, old: dict[K, V] | None = None, new: dict[K, V] | None = None) -> None:
        """Hold the entries of both; `old` must not be changed any more, and `new` wins."""
        self._old: dict[K, V] = {} if old is None else old
        self._new: dict[K, V] = {} if new is None else new

    @override
    def __getitem__(self, key: K) -> V:
        """Return the value; KeyError if there is none."""
        new = self._new
        return new[key] if key in new else self._old[key]

    @override
    def __contains__(self, key: object) -> bool:
        """Say whether there is a value."""
        return key in self._new or key in self._old

    @overload
    def get(self, key: K, /) -> V | None: ...
    @overload
    def get(self, key: K, /, default: V | T) -> V | T: ...
    @override
    def get(self, key: K, /, default: V | T | None = None) -> V | T | None:
        """Return the value, or the default if there is none."""
        new = self._new
        return new[key] if key in new else self._old.get(key, default)

    @override
    def __iter__(self) -> Iterator[K]:
        """Go through the keys in the order in which they came."""
        yield from self._old
        if self._new:
            yield from (key for key in self._new if key not in self._old)

    @override
    def __len__(self) -> int:
        """Return how many keys there are."""
        return len(self._old) + sum(key not in self._old for key in self._new)

    def __setitem__(self, key: K, value: V) -> None:
        """Set the value, here only."""
        self._new[key] = value

    def layers(self) -> tuple[dict[K, V], dict[K, V]]:
        """Return old and new layer for a copy that goes its own way."""
        old, new = self._old, self._new
        if len(new) > _SMALL and len(new) ** 2 > len(old):
            return {**old, **new}, {}
        return old, dict(new)

    def __copy__(self) -> Layers[K, V]:
        """Return the same entries, to go their own way."""
        return Layers(*self.layers())
