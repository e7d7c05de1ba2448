"""What the SQLite store keeps once, and what it forgets for good."""

from __future__ import annotations

import random
import sqlite3
from typing import TYPE_CHECKING

from entente.store.sqlite.store import SqliteStore
from store.rows import found, index_all, item, leaves_and_hashes, open_log, payload, share, stix_id

if TYPE_CHECKING:
    from pathlib import Path

    from entente.store.ports import Store


def raw(path: Path) -> bytes:
    """Return every byte of the database and of what lies beside it."""
    return b"".join(place.read_bytes() for place in sorted(path.parent.glob(path.name + "*")))


def terms(path: Path) -> set[str]:
    """Return the words in the full-text index."""
    db = sqlite3.connect(path)
    try:
        db.execute("CREATE VIRTUAL TABLE temp.terms USING fts5vocab(main, word, row)")
        return {term for (term,) in db.execute("SELECT term FROM temp.terms")}
    finally:
        db.close()


def sound(path: Path) -> None:
    """Raise unless the database and its full-text index are whole."""
    db = sqlite3.connect(path)
    try:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        db.execute("INSERT INTO word (word) VALUES ('integrity-check')")
    finally:
        db.close()


def counts(path: Path, *tables: str) -> list[int]:
    """Return how many rows these tables have."""
    db = sqlite3.connect(path)
    try:
        return [db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables]  # noqa: S608
    finally:
        db.close()


def test_equal_bytes_of_one_id_are_stored_once(sqlite: SqliteStore, path: Path) -> None:
    number = open_log(sqlite)
    share(sqlite, number, 0, [item(1, "a"), item(1, "a"), item(1, "b"), item(2, b"a"), item(3, b"a")])
    share(sqlite, number, 5, [item(1, "b"), item(1, "c"), item("odd", "a"), item("odd", "a"), item(2, b"a")])
    sqlite.close()
    assert counts(path, "blob", "item", "payload") == [6, 10, 10]


def test_items_folded_again_leave_nothing_behind(sqlite: SqliteStore, path: Path) -> None:
    number, received = open_log(sqlite), [item(n % 4, f"{n % 8}") for n in range(20)]
    share(sqlite, number, 0, received)
    with sqlite.write() as tx:
        tx.items.add([item(50, "without entry")])
        tx.items.clear()
    share(sqlite, number, 0, received)
    index_all(sqlite)
    sqlite.close()
    assert counts(path, "blob", "item", "payload", "act") == [8, 20, 20, 0]
    sound(path)


def test_what_was_erased_is_in_no_file(sqlite: SqliteStore, path: Path) -> None:
    number, secret = open_log(sqlite), b"zxsecretxz"
    share(
        sqlite,
        number,
        0,
        [
            item(
                1,
                b'{"name": "%s", "x": "kept"}' % secret,
                name=secret.decode(),
                person="zxsecretxz",
                created_by="zxsecretxz",
            )
        ],
    )
    share(sqlite, number, 1, [item(2, "kept")])
    with sqlite.write() as tx:
        tx.payloads.put(number, [payload(2, b"act " + secret, head=b"head " + secret + b"\n"), payload(3, b"kept")])
    index_all(sqlite)
    assert secret in raw(path)
    assert "zxsecretxz" in terms(path)
    with sqlite.write() as tx:
        tx.payloads.drop(number, 0)
        tx.payloads.drop(number, 2)
    assert secret not in raw(path)
    assert "zxsecretxz" not in terms(path)
    assert found(sqlite, "kept") == [stix_id(2)]
    with sqlite.read() as tx:
        assert [row.index for row in tx.payloads.get(number, 0, 9)] == [1, 3]
    sqlite.close()
    assert b"zxsecret" not in raw(path)
    sound(path)


def test_a_reader_holds_erased_bytes_back_only_until_the_next_write(sqlite: SqliteStore, path: Path) -> None:
    number = open_log(sqlite)
    with sqlite.write() as tx:
        tx.payloads.put(number, [payload(0, b"zxsecretxz")])
    with sqlite.read():
        with sqlite.write() as tx:
            tx.payloads.drop(number, 0)
        assert b"zxsecretxz" in raw(path)
    with sqlite.write() as tx:
        tx.records.put("a", "b", b"c")
    assert b"zxsecretxz" not in raw(path)


def test_erasing_some_of_many_leaves_only_the_others(sqlite: SqliteStore, path: Path) -> None:
    number, chance = open_log(sqlite), random.Random(3)
    secrets = [f"zx{n:04d}{'q' * chance.randrange(1, 30)}xz" for n in range(3000)]
    texts = [f"{secret} {'w' * chance.randrange(900)} {secret[::-1]}" for secret in secrets]
    for first in range(0, 3000, 500):
        share(sqlite, number, first, [item(n, texts[n]) for n in range(first, first + 500)])
        index_all(sqlite)
    gone = set(chance.sample(range(3000), 1200))
    with sqlite.write() as tx:
        for n in gone:
            tx.payloads.drop(number, n)
    index_all(sqlite)
    sqlite.close()
    rest = raw(path)
    assert [n for n in gone if secrets[n].encode() in rest or secrets[n][::-1].encode() in rest] == []
    assert [n for n in range(3000) if n not in gone and texts[n].encode() not in rest] == []
    words = terms(path)
    assert all((secrets[n] in words) == (n not in gone) for n in range(3000))
    sound(path)


def test_truncated_leaves_are_in_no_file(sqlite: SqliteStore, path: Path) -> None:
    number = open_log(sqlite)
    leaves, hashes = leaves_and_hashes(300)
    with sqlite.write() as tx:
        tx.logs.append(number, 0, [*leaves[:-1], b"zxsecretxz"], hashes)
        tx.logs.truncate(number, 290)
    assert b"zxsecretxz" not in raw(path)


def secret_item(store: Store) -> int:
    """Store one item of our own with an entry, and return the log; its words are indexed."""
    number = open_log(store)
    share(store, number, 0, [item(1, b'{"name": "zxsecretxz"}', name="zxsecretxz", own=True)])
    index_all(store)
    return number


def test_a_removed_item_of_our_own_is_in_no_file(sqlite: SqliteStore, path: Path) -> None:
    number = secret_item(sqlite)
    with sqlite.write() as tx:
        seq = tx.items.find([stix_id(1)])[stix_id(1)][0].seq
        tx.items.remove([seq])
        assert tx.items.find([stix_id(1)])  # an entry carries it still
        tx.payloads.drop(number, 0)
        assert tx.items.find([stix_id(1)])  # an own one stays
        tx.items.remove([seq, 99])
        assert not tx.items.find([stix_id(1)])
    assert sqlite.purge()
    assert b"zxsecret" not in raw(path)
    assert "zxsecretxz" not in terms(path)
    sound(path)


def test_a_removed_item_is_found_no_more(store: Store) -> None:
    number = secret_item(store)
    assert found(store, "zxsecretxz") == [stix_id(1)]
    with store.write() as tx:
        seq = tx.items.find([stix_id(1)])[stix_id(1)][0].seq
        tx.payloads.drop(number, 0)
        tx.items.remove([seq])
        assert tx.items.count() == 0
        assert tx.items.get([seq]) == []
    assert store.purge()
    assert found(store, "zxsecretxz") == []


def test_a_purge_says_that_a_reader_is_in_the_way(sqlite: SqliteStore, path: Path) -> None:
    number = secret_item(sqlite)
    with sqlite.read():
        with sqlite.write() as tx:
            tx.payloads.drop(number, 0)
            tx.items.remove([1])
        assert not sqlite.purge()
        assert b"zxsecret" in raw(path)
    assert sqlite.purge()
    assert b"zxsecret" not in raw(path)


def test_an_erasure_that_nobody_finished_is_finished_at_the_next_opening(
    sqlite: SqliteStore, path: Path, tmp_path: Path
) -> None:
    number = secret_item(sqlite)
    with sqlite.read():
        with sqlite.write() as tx:
            tx.payloads.drop(number, 0)
            tx.items.remove([1])
        for part in sorted(path.parent.glob(path.name + "*")):  # what a power loss at this moment leaves
            (tmp_path / f"other{part.name.removeprefix(path.stem)}").write_bytes(part.read_bytes())
    other = tmp_path / "other.db"
    assert b"zxsecret" in raw(other)
    opened = SqliteStore(other)
    try:
        assert b"zxsecret" not in raw(other)
        with opened.read() as tx:
            assert tx.records.scan("purge") == []
    finally:
        opened.close()
    sound(other)
