"""Every space of a home's small documents belongs to one shelf, and nothing goes past the shelves."""

from __future__ import annotations

import pkgutil
import re
from collections import defaultdict
from pathlib import Path

import entente
from entente.store import shelf
from entente.store.memory.store import MemoryStore
from entente.store.shelf import Shelf

SRC = Path(entente.__file__).parent
PAST = re.compile(r"\brecords\.(get|put|delete|scan)\(")


def shelves() -> dict[str, set[int]]:
    """Return the shelves of all modules: by space, which objects they are."""
    found: dict[str, set[int]] = defaultdict(set)
    for module in pkgutil.walk_packages([str(SRC)], "entente."):
        for value in vars(pkgutil.resolve_name(module.name)).values():
            if isinstance(value, Shelf):
                found[value.space].add(id(value))
    return found


def test_no_two_shelves_share_a_space() -> None:
    found = shelves()
    assert len(found) > 40
    assert {space for space, objects in found.items() if len(objects) > 1} == set()


def test_nothing_goes_past_the_shelves() -> None:
    files = (path for path in SRC.rglob("*.py") if "store" not in path.relative_to(SRC).parts)
    assert [str(path.relative_to(SRC)) for path in files if PAST.search(path.read_text("utf-8"))] == []


def test_a_shelf_gives_back_what_was_put() -> None:
    store = MemoryStore()
    numbers = shelf.number("some")
    with store.write() as tx:
        for key, value in (("b/2", 2), ("a/1", -1), ("b/1", 1 << 70)):
            numbers.put(tx, key, value)
        numbers.drop(tx, "a/1")
        numbers.drop(tx, "never")
        assert (numbers.get(tx, "b/1"), numbers.get(tx, "a/1")) == (1 << 70, None)
        assert (numbers.holds(tx, "b/2"), numbers.holds(tx, "a/1")) == (True, False)
        assert numbers.all(tx, "b/") == [("b/1", 1 << 70), ("b/2", 2)]
        assert (numbers.keys(tx), numbers.values(tx, "b/2")) == (["b/1", "b/2"], [2])


def test_shelves_of_every_form_are_read_as_they_were_written() -> None:
    store = MemoryStore()
    with store.write() as tx:
        for made, value in (
            (shelf.raw("r"), b"\0\xff"),
            (shelf.text("t"), "é\n"),
            (shelf.json("j", dict[str, int]), {"a": 1}),
            (shelf.msgpack("m", list[int]), [1, 2]),
        ):
            made.put(tx, "key", value)  # type: ignore[arg-type]
            assert made.get(tx, "key") == value
