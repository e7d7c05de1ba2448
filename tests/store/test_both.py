"""Whatever is done to a store in memory and to one on disk, they give the same answers."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec.structs import replace

from entente.core.errors import EntenteError
from entente.store.memory.store import MemoryStore
from entente.store.ports import ItemQuery
from entente.store.sqlite.store import SqliteStore
from store.rows import item, leaves_and_hashes, log, payload, stix_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from entente.store.ports import ItemRow, Transaction

LOGS = st.integers(1, 2)
INDEXES = st.integers(0, 11)
SEQS = st.integers(1, 12)
WORDS = ("alpha beta", "beta gamma", "Gammå", "delta alpha alpha")
ITEMS = st.builds(
    lambda n, word, modified, own, state, top, by: item(
        n, WORDS[word], modified=modified, own=own, state=state, top=top, created_by=by
    ),
    st.one_of(st.integers(0, 3), st.just("tool--odd")),
    st.integers(0, 3),
    st.integers(1, 3),
    st.booleans(),
    st.sampled_from(["held", "held", "denied"]),
    st.booleans(),
    st.sampled_from(["", "identity--1"]),
)


class Undo(Exception):  # noqa: N818 - nothing is wrong
    """Ends a transaction that is not to count."""


class TwoStores(RuleBasedStateMachine):
    """A store in memory beside one on disk."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.stores = [MemoryStore(), SqliteStore(self.folder / "home.db", create=True)]

    def teardown(self) -> None:
        for store in self.stores:
            store.close()
        shutil.rmtree(self.folder)

    def write(self, action: Callable[[Transaction], object], *, undo: bool = False) -> None:
        """Do the same to both; what one refuses the other refuses, and then nothing has changed."""
        answers: list[object] = []
        for store in self.stores:
            try:
                with store.write() as tx:
                    answers.append(action(tx))
                    if undo:
                        raise Undo  # noqa: TRY301 - the store must see it
            except Undo:
                pass
            except EntenteError as error:
                answers.append(type(error))
        assert answers[0] == answers[1]

    @initialize()
    def open_logs(self) -> None:
        self.write(lambda tx: [tx.logs.add(log(origin)) for origin in ("o1", "o2")])

    @rule(log=LOGS, start=st.integers(0, 6), count=st.integers(0, 6))
    def append(self, log: int, start: int, count: int) -> None:
        leaves, hashes = leaves_and_hashes(count)
        self.write(lambda tx: tx.logs.append(log, start, leaves, hashes))

    @rule(log=LOGS, size=st.integers(0, 6))
    def truncate(self, log: int, size: int) -> None:
        self.write(lambda tx: tx.logs.truncate(log, size))

    @rule(items=st.lists(ITEMS, max_size=4), log=LOGS, index=INDEXES, undo=st.booleans())
    def share(self, items: list[object], log: int, index: int, *, undo: bool) -> None:
        def act(tx: Transaction) -> list[int]:
            seqs = tx.items.add(items)  # type: ignore[arg-type]
            tx.payloads.put(log, [payload(index + n, kind="item/1", item=seq) for n, seq in enumerate(seqs)])
            return seqs

        self.write(act, undo=undo)

    @rule(item=ITEMS)
    def keep(self, item: object) -> None:
        self.write(lambda tx: tx.items.add([item]))  # type: ignore[list-item]

    @rule(log=LOGS, index=INDEXES, seq=st.one_of(st.just(0), SEQS), undo=st.booleans())
    def put(self, log: int, index: int, seq: int, *, undo: bool) -> None:
        self.write(lambda tx: tx.payloads.put(log, [payload(index, b"%d" % index, item=seq)]), undo=undo)

    @rule(log=LOGS, indexes=st.lists(INDEXES, max_size=3))
    def drop(self, log: int, indexes: list[int]) -> None:
        self.write(lambda tx: [tx.payloads.drop(log, index) for index in indexes])

    @rule(log=LOGS, indexes=st.lists(INDEXES, max_size=4), settled=st.lists(INDEXES, max_size=4))
    def wait(self, log: int, indexes: list[int], settled: list[int]) -> None:
        self.write(lambda tx: (tx.payloads.await_(log, indexes), tx.payloads.settle(log, settled)))

    @rule(seq=SEQS, state=st.sampled_from(["held", "withdrawn"]), top=st.booleans(), own=st.booleans())
    def change(self, seq: int, state: str, *, top: bool, own: bool) -> None:
        def act(tx: Transaction) -> None:
            rows: list[ItemRow] = [replace(row, state=state, top=top, own=own) for row, _ in tx.items.get([seq])]
            tx.items.save(rows)

        self.write(act)

    @rule(undo=st.booleans())
    def clear(self, *, undo: bool) -> None:
        self.write(lambda tx: tx.items.clear(), undo=undo)

    @rule(limit=st.integers(0, 4))
    def index(self, limit: int) -> None:
        self.write(lambda tx: bool(tx.items.index(limit)))

    @rule(key=st.sampled_from(["a", "ab", "b"]), value=st.binary(max_size=2), gone=st.booleans())
    def record(self, key: str, value: bytes, *, gone: bool) -> None:
        self.write(lambda tx: tx.records.delete("s", key) if gone else tx.records.put("s", key, value))

    @invariant()
    def both_answer_alike(self) -> None:
        answers = []
        for store in self.stores:
            with store.read() as tx:
                answers.append(answer(tx))
        assert answers[0] == answers[1]


def answer(tx: Transaction) -> list[object]:
    """Return what a store says to many questions."""
    names = [stix_id(n) for n in range(4)] + ["tool--odd", "tool--none"]
    pages = [
        tx.items.page(ItemQuery(logs=logs, type=kind, top=top, after=after, limit=limit))
        for logs in (None, (1,), (1, 2), ())
        for kind in ("", "indicator")
        for top in (True, False)
        for after, limit in ((0, 100), (2, 2))
    ]
    return [
        pages,
        [tx.logs.leaves(log, 0, 99) for log in (1, 2)],
        [tx.payloads.get(log, 0, 99) for log in (1, 2)],
        [tx.payloads.awaited(log) for log in (1, 2)],
        list(tx.payloads.acts(["approval/1", "item/1"])),
        [tx.payloads.of_item(seq) for seq in range(14)],
        tx.items.find(names),
        tx.items.get(range(-3, 14)),
        tx.items.placed(range(14), [2]),
        tx.items.by_creator("identity--1"),
        [tx.items.prefix(start, limit) for start in ("", "ind", "tool--", "odd", "0", "9", "f") for limit in (2, 9)],
        [{row.seq for row in tx.items.search(words)} for words in ("alpha", "beta g", "gamma", "alp", "delta", "x")],
        tx.items.count(),
        tx.records.scan("s", "a"),
    ]


TestTwoStores = TwoStores.TestCase
TestTwoStores.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
