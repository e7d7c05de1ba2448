"""Erasing never depends on the search index, which is begun anew whatever has happened to it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from entente.core.errors import StoreError
from entente.store.sqlite import schema
from entente.store.sqlite import structure as sqlite_structure
from entente.store.sqlite.store import SqliteStore
from store.rows import found, index_all, item, keep, stix_id

if TYPE_CHECKING:
    from pathlib import Path

SECRET = b"zxsecretxz"
COUNT = 1200
OLD_LEVELS = 1998
"""So many levels a home had that could erase no more: SQLite before 3.42 refuses 2,001."""

UNUSABLE = {
    "no record": "DELETE FROM word_data WHERE id = 10",
    "no block": "UPDATE word_data SET block = NULL WHERE id = 10",
    "no pages": "DELETE FROM word_data",
    "no configuration": "DELETE FROM word_config",
    "another version": "UPDATE word_config SET v = 99",
    "no table of pages": "DROP TABLE word_data",
    "no table of settings": "DROP TABLE word_config",
    "no table at all": "DROP TABLE word",
}
CUT = {
    "empty record": "UPDATE word_data SET block = zeroblob(7) WHERE id = 10",
    "short record": "UPDATE word_data SET block = x'00' WHERE id = 10",
    "half a record": "UPDATE word_data SET block = substr(block, 1, length(block) / 2) WHERE id = 10",
    "pages of nobody": "INSERT INTO word_data SELECT (100 << 37) + 1, block FROM word_data WHERE id > 10 LIMIT 1",
}
MISSING = {
    "one page lost": "DELETE FROM word_data WHERE id = (SELECT max(id) - 3 FROM word_data)",
    "no segment": "DELETE FROM word_data WHERE id > 10",
    "no way to words": "DELETE FROM word_idx",
}
FLIPPED = {
    "other bytes": "UPDATE word_data SET block = randomblob(length(block)) WHERE id > 10",
    "no bytes": "UPDATE word_data SET block = zeroblob(length(block)) WHERE id > 10",
    "another total": "UPDATE word_data SET block = x'0000' WHERE id = 1",
    "no lengths": "DELETE FROM word_docsize",
}
DAMAGES = {**UNUSABLE, **CUT, **MISSING, **FLIPPED}
named = pytest.mark.parametrize("sql", DAMAGES.values(), ids=DAMAGES.keys())


def fill(store: SqliteStore, count: int = COUNT) -> None:
    """Index items, one with the secret."""
    keep(store, *[item(n, f"alpha word{n}") for n in range(count)], item("tool--s", SECRET.decode()))
    index_all(store)


def erase(store: SqliteStore, *names: str) -> None:
    with store.write() as tx:
        tx.items.remove([row.seq for rows in tx.items.find(names).values() for row in rows])


def change(path: Path, *statements: str) -> None:
    """Do something to a database behind the program's back."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for statement in ("PRAGMA secure_delete = ON", *statements):
            db.execute(statement)


def raw(path: Path) -> bytes:
    return b"".join(place.read_bytes() for place in sorted(path.parent.glob(path.name + "*")))


def sound(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        db.execute("INSERT INTO word (word) VALUES ('integrity-check')")
        schema.check_layout(db)
        db.execute("CREATE VIRTUAL TABLE temp.terms USING fts5vocab(main, word, row)")
        assert SECRET.decode() not in {term for (term,) in db.execute("SELECT term FROM temp.terms")}


def levels(path: Path) -> int:
    with closing(sqlite3.connect(path)) as db:
        structure = sqlite_structure.read(db)
        assert structure is not None
        return len(structure.levels)


def stretch(path: Path, count: int) -> None:
    """Put so many empty levels below those of an index."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        old = sqlite_structure.read(db)
        assert old is not None
        empty = [sqlite_structure.Level(0, [])] * (count - len(old.levels))
        block = sqlite_structure.Structure(old.cookie, old.written, [*empty, *old.levels]).to_bytes()
        db.execute("UPDATE word_data SET block = ? WHERE id = 10", (block,))


def merge(db: sqlite3.Connection, seq: int) -> None:
    """Take an item's words out of the index as the first version did."""
    db.execute("INSERT INTO word (word, rowid, text) VALUES ('delete', ?, ?)", (seq, f"{stix_id(seq)}\nalpha {seq}"))
    for pages in (-500, 500):
        db.execute("INSERT INTO word (word, rank) VALUES ('merge', ?)", (pages,))


# Many erasures


@pytest.mark.parametrize("rounds", [5, pytest.param(40, marks=pytest.mark.slow)])
@pytest.mark.timeout(600)
def test_thousands_of_erasures_one_by_one(sqlite: SqliteStore, path: Path, rounds: int) -> None:
    sqlite._writer.execute("PRAGMA synchronous = OFF")
    keep(sqlite, item("tool--s", SECRET.decode()), *[item(-n, f"kept{n}") for n in range(1, 100)])
    highest = 0
    for n in range(rounds):
        seqs = keep(sqlite, *[item(n * 250 + each, f"alpha word{each}") for each in range(250)])
        index_all(sqlite)
        for seq in seqs:
            with sqlite.write() as tx:
                tx.items.remove([seq])
        highest = max(highest, levels(path))
    assert 2 < highest <= sqlite_structure.MAX_LEVELS
    erase(sqlite, "tool--s")
    assert (len(found(sqlite, "kept", limit=200)), found(sqlite, "alpha")) == (99, [])
    assert SECRET not in raw(path)
    sqlite.close()
    sound(path)


def test_a_home_that_could_erase_no_more_opens_and_erases(sqlite: SqliteStore, path: Path) -> None:
    fill(sqlite)
    sqlite.close()
    stretch(path, OLD_LEVELS)
    store = SqliteStore(path)
    assert levels(path) == sqlite_structure.KEPT_LEVELS
    assert found(store, "word1007") == [stix_id(1007)]
    erase(store, "tool--s", stix_id(7))
    assert SECRET not in raw(path)
    assert len(found(store, "alpha", limit=COUNT)) == COUNT - 1
    assert store.damage(thorough=True) == []
    store.close()
    sound(path)


def test_the_recipe_that_blocked_homes_leaves_one_that_opens(sqlite: SqliteStore, path: Path) -> None:
    keep(sqlite, *[item(n, b'["%s", "alpha %d"]' % (stix_id(n).encode(), n)) for n in range(1, 1400)])
    index_all(sqlite)
    keep(sqlite, item("tool--s", SECRET.decode()))
    index_all(sqlite)
    sqlite.close()
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for pragma in ("synchronous = OFF", "secure_delete = ON"):
            db.execute(f"PRAGMA {pragma}")
        for seq in range(1, 1100):
            try:
                merge(db, seq)
            except sqlite3.DatabaseError:
                assert sqlite3.sqlite_version_info < (3, 42)
                break
    store = SqliteStore(path)
    erase(store, "tool--s")
    assert SECRET not in raw(path)
    store.close()
    sound(path)


def test_a_process_that_runs_on_sees_fewer_levels(sqlite: SqliteStore, path: Path) -> None:
    fill(sqlite)
    erase(sqlite, stix_id(1))
    stretch(path, 900)
    erase(sqlite, stix_id(2))
    assert levels(path) <= sqlite_structure.MAX_LEVELS
    erase(sqlite, stix_id(3))
    assert levels(path) <= sqlite_structure.MAX_LEVELS
    assert len(found(sqlite, "alpha", limit=COUNT)) == COUNT - 3


# Damage


@named
def test_erasing_goes_on_with_a_damaged_index(sqlite: SqliteStore, path: Path, sql: str) -> None:
    fill(sqlite)
    change(path, sql)
    erase(sqlite, "tool--s")
    assert sqlite.purge()
    assert SECRET not in raw(path)
    index_all(sqlite)
    sqlite.damage(thorough=True)
    index_all(sqlite)
    assert len(found(sqlite, "alpha", limit=COUNT)) == COUNT
    sqlite.close()
    sound(path)


@named
def test_erasing_goes_on_after_a_damaged_index_was_opened(sqlite: SqliteStore, path: Path, sql: str) -> None:
    fill(sqlite)
    sqlite.close()
    change(path, sql)
    store = SqliteStore(path)
    erase(store, "tool--s")
    assert store.purge()
    assert SECRET not in raw(path)
    store.damage(thorough=True)
    index_all(store)
    assert len(found(store, "alpha", limit=COUNT)) == COUNT
    store.close()
    sound(path)


@pytest.mark.parametrize("sql", [*UNUSABLE.values(), MISSING["no segment"], FLIPPED["other bytes"]])
def test_a_search_tells_of_damage_once(sqlite: SqliteStore, path: Path, sql: str) -> None:
    fill(sqlite)
    change(path, sql)
    with pytest.raises(StoreError, match="search index is damaged") as caught:
        found(sqlite, "alpha")
    assert "again" in caught.value.hint
    index_all(sqlite)
    assert found(sqlite, "word1007") == [stix_id(1007)]
    assert sqlite.damage(thorough=True) == []


@pytest.mark.parametrize("sql", [*UNUSABLE.values(), MISSING["no segment"]])
def test_indexing_mends_what_it_meets(sqlite: SqliteStore, path: Path, sql: str) -> None:
    fill(sqlite)
    keep(sqlite, item("tool--n", "novel"))
    change(path, sql)
    index_all(sqlite)
    try:
        hits = found(sqlite, "novel")
    except StoreError:
        index_all(sqlite)
        hits = found(sqlite, "novel")
    assert hits == ["tool--n"]


def test_a_search_inside_a_transaction_that_fails_is_mended_by_the_purge(sqlite: SqliteStore, path: Path) -> None:
    fill(sqlite)
    change(path, UNUSABLE["no record"])
    with pytest.raises(StoreError, match="search index"), sqlite.write() as tx:
        tx.items.search("alpha")
    assert sqlite.purge()
    index_all(sqlite)
    assert found(sqlite, "word1007") == [stix_id(1007)]


def test_all_can_be_folded_again_with_a_damaged_index(sqlite: SqliteStore, path: Path) -> None:
    fill(sqlite)
    change(path, UNUSABLE["no record"])
    with sqlite.write() as tx:
        tx.items.clear()
    assert SECRET not in raw(path)
    sqlite.close()
    sound(path)


# What is said of it


@pytest.mark.parametrize("sql", [*UNUSABLE.values(), *CUT.values(), *MISSING.values()])
def test_damage_of_the_index_is_named_and_mended(sqlite: SqliteStore, path: Path, sql: str) -> None:
    fill(sqlite)
    change(path, sql)
    (text,) = sqlite.damage()
    assert text.startswith("The search index was damaged")
    assert sqlite.damage(thorough=True) == []
    index_all(sqlite)
    assert found(sqlite, "word1007") == [stix_id(1007)]


@pytest.mark.parametrize("sql", [FLIPPED["other bytes"], FLIPPED["no bytes"]])
def test_a_thorough_look_sees_other_bytes(sqlite: SqliteStore, path: Path, sql: str) -> None:
    fill(sqlite)
    change(path, sql)
    assert len(sqlite.damage(thorough=True)) == 1
    assert sqlite.damage(thorough=True) == []


def test_damage_of_the_database_is_named_and_stays(sqlite: SqliteStore, path: Path) -> None:
    fill(sqlite)
    sqlite.close()
    with closing(sqlite3.connect(path)) as db:
        page = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'item_key'").fetchone()[0]
    with path.open("rb+") as file:
        file.seek(4096 * (page - 1))
        file.write(bytes(100))
    store = SqliteStore(path)
    for thorough in (False, True, True):
        assert [text for text in store.damage(thorough=thorough) if text.startswith("The database is damaged: ")]
    store.close()


def test_a_sound_database_has_no_damage(sqlite: SqliteStore) -> None:
    fill(sqlite)
    for n in range(40):
        erase(sqlite, stix_id(n))
        keep(sqlite, item(5000 + n, "late"))
        with sqlite.write() as tx:
            tx.items.index(1)
        assert sqlite.damage(thorough=n % 4 == 0) == []


def test_a_machine_that_fails_is_not_taken_for_a_damaged_index(sqlite: SqliteStore) -> None:
    fill(sqlite)
    sqlite._writer.execute("PRAGMA query_only = ON")
    with pytest.raises(StoreError, match="cannot be written"):
        erase(sqlite, "tool--s")
    sqlite._writer.execute("PRAGMA query_only = OFF")
    assert found(sqlite, SECRET.decode()) == ["tool--s"]


def test_a_library_that_is_too_old_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sqlite3.sqlite_version_info >= schema.OLDEST
    monkeypatch.setattr(schema.sqlite3, "sqlite_version_info", (3, 39, 4))
    with pytest.raises(StoreError, match="too old") as caught:
        SqliteStore(path, create=True)
    assert caught.value.hint
    assert not path.exists()
