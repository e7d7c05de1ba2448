"""The SQLite store as a file: what it keeps through crashes, and what it refuses to open."""

from __future__ import annotations

import os
import random
import resource
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from entente.core.errors import ConflictError, StoreError
from entente.store.ports import ItemQuery
from entente.store.sqlite import schema
from entente.store.sqlite.errors import store_error
from entente.store.sqlite.store import SqliteStore
from store.rows import item, log, open_log, payload, share

if TYPE_CHECKING:
    from pathlib import Path

WRITER = """
import sys
from pathlib import Path
from hashlib import sha256
from entente.store.sqlite.store import SqliteStore
from entente.store.ports import NewPayload

store = SqliteStore(Path(sys.argv[1]))
number = 1
while True:
    with store.write() as tx:
        start = int(tx.records.get("count", "n") or b"0")
        leaves = [b"leaf %d" % n for n in range(start, start + 37)]
        tx.logs.append(number, start, leaves, [sha256(b"\\0" + leaf).digest() for leaf in leaves])
        tx.payloads.put(number, [NewPayload(start + n, "a/1", 0, b"s", b"", leaf) for n, leaf in enumerate(leaves)])
        tx.records.put("count", "n", b"%d" % (start + 37))
    print(start + 37, flush=True)
"""

COUNTER = """
import sys
from pathlib import Path
from entente.store.sqlite.store import SqliteStore

store = SqliteStore(Path(sys.argv[1]))
for _ in range(int(sys.argv[2])):
    with store.write() as tx:
        value = int(tx.records.get("count", "n") or b"0")
        tx.records.put("count", "n", b"%d" % (value + 1))
store.close()
"""


def start(program: str, *given: object) -> subprocess.Popen[bytes]:
    """Run a Python program in a process of its own."""
    command = [sys.executable, "-c", program, *map(str, given)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


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


# The file


def test_a_new_database_is_for_its_owner_and_durable(sqlite: SqliteStore, path: Path) -> None:
    with sqlite.write() as tx:
        tx.records.put("a", "b", b"c")
    assert {place.stat().st_mode & 0o777 for place in path.parent.iterdir()} == {0o600}
    pragmas = {
        "journal_mode": "wal", "synchronous": 2, "secure_delete": 1, "foreign_keys": 1, "cache_size": -16000,
        "application_id": schema.APPLICATION, "user_version": len(schema.STEPS),
    }  # fmt: skip
    for pragma, value in pragmas.items():
        assert sqlite._writer.execute(f"PRAGMA {pragma}").fetchone()[0] == value


def test_the_nonce_is_kept(sqlite: SqliteStore, path: Path) -> None:
    assert sqlite.nonce == b"nonce"
    other = SqliteStore(path)
    assert other.nonce == b"nonce"
    other.close()


def test_an_existing_file_is_never_made_again(sqlite: SqliteStore, path: Path) -> None:
    with sqlite.write() as tx:
        tx.records.put("a", "b", b"c")
    with pytest.raises(ConflictError):
        SqliteStore(path, create=True, nonce=b"other")
    with sqlite.read() as tx:
        assert tx.records.get("a", "b") == b"c"


def test_closing_leaves_one_file_with_everything(path: Path) -> None:
    store = SqliteStore(path, create=True)
    with store.write() as tx:
        tx.records.put("a", "b", b"c")
    store.close()
    assert [place.name for place in path.parent.iterdir()] == [path.name]
    again = SqliteStore(path)
    with again.read() as tx:
        assert tx.records.get("a", "b") == b"c"
    again.close()


def test_only_a_few_connections_stay_open(sqlite: SqliteStore) -> None:
    def read(depth: int) -> None:
        with sqlite.read() as tx:
            assert tx.items.count() == 0
            if depth:
                read(depth - 1)

    read(9)
    assert len(sqlite._idle) == 4
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(read, [3] * 20))
    assert len(sqlite._idle) == 4


# What is refused


def test_a_missing_file_is_refused_with_advice(path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be opened") as caught:
        SqliteStore(path)
    assert caught.value.hint
    assert not path.exists()


def test_a_folder_that_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be made"):
        SqliteStore(tmp_path / "none" / "home.db", create=True)


def test_another_file_is_refused(path: Path) -> None:
    path.write_bytes(b"these are notes of a person\n" * 100)
    with pytest.raises(StoreError, match="not a database") as caught:
        SqliteStore(path)
    assert caught.value.hint
    path.write_bytes(b"")
    with pytest.raises(StoreError, match="not the database of a home"):
        SqliteStore(path)


def test_the_database_of_another_program_is_refused(path: Path) -> None:
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE item (seq)")
    db.execute("PRAGMA user_version = 1")
    db.close()
    with pytest.raises(StoreError, match="not the database of a home"):
        SqliteStore(path)


def test_a_damaged_file_is_refused(path: Path) -> None:
    store = SqliteStore(path, create=True)
    share(store, open_log(store), 0, [item(n, "x" * 500) for n in range(500)])
    store.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + random.Random(5).randbytes(len(whole) - 4096))
    with pytest.raises(StoreError, match="damaged") as caught:  # noqa: PT012 - where it shows is not said
        store = SqliteStore(path)
        with store.read() as tx:
            tx.items.get(range(500))
    assert "backup" in caught.value.hint


def test_a_file_that_cannot_be_written_is_refused_on_writing(sqlite: SqliteStore) -> None:
    sqlite._writer.execute("PRAGMA query_only = ON")
    with pytest.raises(StoreError, match="cannot be written") as caught, sqlite.write() as tx:
        tx.records.put("a", "b", b"c")
    assert "rights" in caught.value.hint


def test_a_full_disk_changes_nothing(sqlite: SqliteStore) -> None:
    number = open_log(sqlite)
    share(sqlite, number, 0, [item(1)])
    pages = sqlite._writer.execute("PRAGMA page_count").fetchone()[0]
    sqlite._writer.execute(f"PRAGMA max_page_count = {pages + 5}")
    with pytest.raises(StoreError, match="no room") as caught:
        share(sqlite, number, 1, [item(n, "x" * 1000) for n in range(2, 100)])
    assert caught.value.hint
    sqlite._writer.execute("PRAGMA max_page_count = 1000000")
    share(sqlite, number, 1, [item(2)])
    with sqlite.read() as tx:
        assert tx.items.count() == 2


def test_a_disk_that_takes_no_more_changes_nothing(sqlite: SqliteStore, path: Path) -> None:
    program = """
import resource, signal, sys
from pathlib import Path
from entente.core.errors import StoreError
from entente.store.sqlite.store import SqliteStore

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = SqliteStore(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
try:
    with store.write() as tx:
        tx.records.put("a", "b", b"x" * 1_000_000)
except StoreError as error:
    print(error, error.hint)
with store.write() as tx:
    tx.records.put("a", "c", b"small")
"""
    assert resource.RLIMIT_FSIZE is not None
    done = start(program, path)
    out, err = done.communicate(timeout=60)
    assert (done.returncode, err) == (0, b"")
    assert b"disk" in out
    with sqlite.read() as tx:
        assert tx.records.get("a", "b") is None
        assert tx.records.get("a", "c") == b"small"


def test_a_writer_that_does_not_end_is_reported(sqlite: SqliteStore, path: Path) -> None:
    other = SqliteStore(path, busy=0.2)
    with sqlite.write(), pytest.raises(StoreError, match="another process held") as caught, other.write():
        pass
    assert caught.value.hint
    with other.read() as tx:
        assert tx.items.count() == 0
    other.close()


def test_a_writer_of_the_same_store_waits_no_longer_than_said(path: Path) -> None:
    store = SqliteStore(path, create=True, busy=0.2)

    def write() -> None:
        with store.write():
            pass

    with ThreadPoolExecutor(1) as pool, store.write():
        waiting = pool.submit(write)
        with pytest.raises(StoreError, match=r"0\.2 seconds"):
            waiting.result(timeout=30)
    write()
    store.close()


def test_an_error_without_a_meaning_is_told_as_it_is(path: Path) -> None:
    assert "strange" in store_error(sqlite3.OperationalError("strange"), path).message


# Other processes


def test_version_tells_of_commits_elsewhere(sqlite: SqliteStore, path: Path) -> None:
    other = SqliteStore(path)
    versions = [sqlite.version()]
    with other.write() as tx:
        tx.records.put("a", "b", b"c")
    versions.append(sqlite.version())
    other.close()
    done = start(COUNTER, path, 1)
    assert done.communicate(timeout=60)[1] == b""
    versions.append(sqlite.version())
    assert len(set(versions)) == 3
    assert sqlite.version() == versions[-1]


def test_names_that_another_process_gave_are_known(sqlite: SqliteStore, path: Path) -> None:
    other, number = SqliteStore(path), open_log(sqlite)
    for n, store in enumerate([sqlite, other, sqlite, other]):
        with store.write() as tx:
            (seq,) = tx.items.add([item(n, author=b"m%d" % n)])
            tx.payloads.put(number, [payload(2 * n, kind=f"k{n}/1", head=b"h%d\n" % n), payload(2 * n + 1, item=seq)])
    for store in (sqlite, other):
        with store.read() as tx:
            rows = tx.payloads.get(number, 0, 8)
            assert [(row.kind, row.head) for row in rows[::2]] == [(f"k{n}/1", b"h%d\n" % n) for n in range(4)]
            assert [row.author for row in tx.items.page(ItemQuery())] == [b"m%d" % n for n in range(4)]
    other.close()


def test_processes_write_one_after_the_other(sqlite: SqliteStore, path: Path) -> None:
    running = [start(COUNTER, path, 40) for _ in range(2)]
    for _ in range(20):
        with sqlite.write() as tx:
            value = int(tx.records.get("count", "n") or b"0")
            tx.records.put("count", "n", b"%d" % (value + 1))
    assert [done.communicate(timeout=60)[1] for done in running] == [b"", b""]
    with sqlite.read() as tx:
        assert tx.records.get("count", "n") == b"100"


@pytest.mark.serial
def test_kill_loses_nothing_that_was_acknowledged(path: Path) -> None:
    store = SqliteStore(path, create=True)
    open_log(store)
    store.close()
    chance = random.Random(11)
    for _ in range(4):
        writer = start(WRITER, path)
        assert writer.stdout is not None
        acknowledged = int(writer.stdout.readline())
        time.sleep(chance.uniform(0.01, 0.3))
        writer.kill()
        rest = writer.communicate()[0].rpartition(b"\n")[0].split()
        acknowledged = int(rest[-1]) if rest else acknowledged
        store = SqliteStore(path)
        with store.read() as tx:
            size = int(tx.records.get("count", "n") or b"0")
            assert size >= acknowledged
            leaves = [b"leaf %d" % n for n in range(size)]
            assert tx.logs.leaves(1, 0, size + 50) == leaves
            assert [row.data for row in tx.payloads.get(1, 0, size + 50)] == leaves
        store.close()
        sound(path)


# Lookups


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1 FROM item i WHERE (i.key IN (SELECT value FROM json_each(?1)) "
        "OR i.key IS NULL AND i.tail IN (SELECT value FROM json_each(?2))) AND i.seq > 0",
        "SELECT 1 FROM item i WHERE i.creator = ? AND i.creator <> 0 AND i.seq > 0 ORDER BY i.seq",
        "SELECT 1 FROM payload WHERE log IN (SELECT id FROM log) AND item = ?",
        "SELECT 1 FROM payload WHERE log IN (SELECT value FROM json_each(?)) "
        "AND item IN (SELECT value FROM json_each(?))",
        "SELECT DISTINCT item FROM payload WHERE log = ? AND item > ? ORDER BY item LIMIT 9",
        "SELECT 1 FROM act WHERE kind = ? AND (log, idx) > (?, ?) ORDER BY log, idx",
        "SELECT 1 FROM item WHERE key BETWEEN ? AND ? AND seq > 0 ORDER BY key, seq",
        "SELECT 1 FROM item WHERE key IS NULL AND tail >= ? AND seq > 0 ORDER BY tail, seq",
    ],
)
def test_lookups_go_through_an_index(sqlite: SqliteStore, sql: str) -> None:
    plan = sqlite._writer.execute("EXPLAIN QUERY PLAN " + sql, [None] * sql.count("?")).fetchall()
    steps = " | ".join(row[3] for row in plan)
    assert "SCAN item" not in steps
    assert "SCAN i " not in steps + " "
    assert "SCAN payload" not in steps
    assert "item>?" not in steps or "item > ?" in sql
    assert "B-TREE" not in steps
    assert "USING" in steps


def test_an_empty_log_costs_no_row(sqlite: SqliteStore, path: Path) -> None:
    with sqlite.write() as tx:
        number = tx.logs.add(log()).id
        tx.logs.append(number, 0, [], [])
        tx.payloads.put(number, [])
        tx.items.save([])
    sqlite.close()
    assert counts(path, "leaf", "tile", "payload", "item") == [0, 0, 0, 0]
    assert os.path.getsize(path) < 200_000  # noqa: PTH202 - a number, not a path
