"""The fold that a node keeps is always the one that a node would make that knows nothing."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entente.node.home.base import Base
from entente.node.rooms.fold import GOVERNANCE
from entente.node.work.acts import reading, writing
from entente.store.ports import NewPayload
from entente.store.sqlite.store import SqliteStore
from network import Network

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from entente.core.kind import Act
    from entente.ledger.view import View
    from entente.node import Node
    from entente.node.work.acts import Writer
    from entente.store.ports import Transaction


class ChangedMindError(Exception):
    """Ends a transaction without a commit."""


def anew(base: Base, tx: Transaction) -> View:
    """Fold everything with a base that knows nothing."""
    return Base(None, base.store, None, clock=base.clock, random=base.random, me=base.me).in_force(tx).view


def check(base: Base, tx: Transaction) -> int:
    """Compare the fold that is kept with one from nothing; return how many acts it has."""
    kept, fresh = base.in_force(tx).view, anew(base, tx)
    assert (kept.acts, kept.judged, kept.things) == (fresh.acts, fresh.judged, fresh.things)
    assert kept.states == fresh.states
    assert kept.waiting == fresh.waiting
    return len(kept.acts)


@pytest.fixture(params=["memory", "sqlite"])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Network, Node, Node, str]]:
    """Give two members in agreement, once on each store."""
    network = Network(8)
    stores = [SqliteStore(tmp_path / f"{name}.db", create=True) for name in "ab"] if request.param == "sqlite" else []
    one, other = (network.add(name, stores[at] if stores else None) for at, name in enumerate(("Alder", "Birch")))
    yield network, one, other, network.agree(one, other)
    for store in stores:
        store.close()


def question(writer: Writer, text: str) -> Act:
    """Append a request."""
    to: list[str] = []
    return writer.act("request/1", {"content": writer.put(text), "to": to, "priority": 3, "due": 2_000_000_000_000})


def ask(node: Node, circle: str, text: str) -> Act:
    """Append a request and keep it."""
    with writing(node.base, circle) as writer:
        return question(writer, text)


def undone(node: Node, circle: str) -> Act:
    """Append a request, look at it, and end the transaction without a commit."""
    made: list[Act] = []
    with suppress(ChangedMindError), writing(node.base, circle) as writer:
        made.append(question(writer, "Forget it."))
        assert made[0].place.ref in writer.in_force.view.acts
        raise ChangedMindError
    return made[0]


def test_undone_transaction_leaves_nothing_in_the_fold(pair: tuple[Network, Node, Node, str]) -> None:
    _, one, _, circle = pair
    kept = ask(one, circle, "Who saw it?")
    gone = undone(one, circle)
    with one.base.store.read() as tx:
        check(one.base, tx)
        assert gone.place.ref not in one.base.in_force(tx).view.acts
    again = ask(one, circle, "Who else saw it?")
    assert again.place.index == gone.place.index
    with reading(one.base) as board:
        assert {kept.place.ref, again.place.ref} <= set(board.in_force.view.acts)
        assert gone.place.ref not in board.in_force.view.acts
        check(one.base, board.tx)


def test_reader_of_an_earlier_state_does_not_see_what_came_later(pair: tuple[Network, Node, Node, str]) -> None:
    _, one, _, circle = pair
    with one.base.store.read() as early:
        before = check(one.base, early)
        made = ask(one, circle, "Who saw it?")
        with one.base.store.read() as late:
            assert check(one.base, late) == before + 1
        assert made.place.ref not in one.base.in_force(early).view.acts
        assert check(one.base, early) == before


def test_what_another_process_wrote_is_seen(pair: tuple[Network, Node, Node, str]) -> None:
    _, one, _, circle = pair
    with reading(one.base) as board:
        before = len(board.in_force.view.acts)
    command = Base(
        None, one.base.store, one.base.keys.secrets, clock=one.base.clock, random=one.base.random, me=one.base.me
    )
    with writing(command, circle) as writer:
        question(writer, "And?")
    with reading(one.base) as board:
        assert check(one.base, board.tx) == before + 1


def test_act_that_goes_or_comes_late_makes_a_new_fold(pair: tuple[Network, Node, Node, str]) -> None:
    _, one, _, circle = pair
    first, second = ask(one, circle, "One?"), ask(one, circle, "Two?")
    with reading(one.base) as board:
        assert first.place.ref in board.in_force.view.acts
        row = next(row for row in board.tx.logs.all() if row.circle == first.circle and row.member == one.base.me)
        at = first.place.index
        held = board.tx.payloads.get(row.id, at, at + 1)[0]
    with one.base.store.write() as tx:
        tx.payloads.drop(row.id, first.place.index)
    with reading(one.base) as board:
        assert first.place.ref not in board.in_force.view.acts
        assert second.place.ref in board.in_force.view.acts
    with one.base.store.write() as tx:
        again = NewPayload(at, held.kind, held.time, held.salt, held.head, held.data)
        tx.payloads.put(row.id, [again])
    with reading(one.base) as board:
        assert first.place.ref in board.in_force.view.acts
        check(one.base, board.tx)


@given(st.lists(st.sampled_from(["ask", "undo", "sync", "look", "other", "drop"]), max_size=14))
@settings(max_examples=25, deadline=None)
def test_whatever_happens_the_fold_is_that_of_a_node_that_knows_nothing(steps: list[str]) -> None:
    network = Network(9)
    one, other = network.add("Alder"), network.add("Birch")
    circle = network.agree(one, other)
    for at, step in enumerate(steps):
        if step in {"ask", "other"}:
            ask(one if step == "ask" else other, circle, f"Question {at}?")
        elif step == "undo":
            undone(one, circle)
        elif step == "sync":
            network.settle(one, other)
        elif step == "drop":
            with one.base.store.write() as tx:
                last = list(tx.payloads.acts(["request/1"]))[-1:]
                for row in last:
                    tx.payloads.drop(row.log, row.index)
            break  # a log with a hole goes no further with a partner
        with one.base.store.read() as tx:
            check(one.base, tx)
    with one.base.store.read() as tx:
        check(one.base, tx)
        assert {row.kind for row in tx.payloads.acts(GOVERNANCE)} <= set(GOVERNANCE)
