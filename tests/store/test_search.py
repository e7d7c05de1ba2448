"""Every store finds the same by the words that a person types."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from entente.core.errors import LimitError
from store.rows import found, index_all, item, keep, stix_id

if TYPE_CHECKING:
    from entente.store.ports import Store


@pytest.fixture
def texts(store: Store) -> Store:
    """Give a store with some texts in its index."""
    keep(
        store,
        item("malware--1", "Emotet loader from Köln", top=True),
        item("malware--2", "emotet emotet EMOTET"),
        item("tool--3", "loader for emotet, 192.0.2.15 and evil.example.org"),
        item("tool--4", "emotet hidden", top=False),
        item("tool--5", "emotet denied", state="denied"),
        item(
            "tool--6", b'{"deep": [[{"word": "nested\\u0000zero"}], 5, null, true], "key": "value \\"quoted\\" don\'t"}'
        ),
        item("tool--7", b"no json emotet"),
        item("tool--8", b'{"id": "' + b"[" * 50 + b'"}'),
    )
    index_all(store)
    return store


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("EMOTET", {"malware--1", "malware--2", "tool--3"}),
        ("emo", {"malware--1", "malware--2", "tool--3"}),
        ("emo loader", set()),
        ("loader emo", {"malware--1", "tool--3"}),
        ("koln", {"malware--1"}),
        ("KÖLN", {"malware--1"}),
        ("192.0.2.15", {"tool--3"}),
        ("192.0.2.1", {"tool--3"}),
        ("192.0.3", set()),
        ("evil.example.org", {"tool--3"}),
        ("evil-example", {"tool--3"}),
        ("nested zero", {"tool--6"}),
        ("deep", set()),
        ('"quoted"', {"tool--6"}),
        ('"', set()),
        ("don't", {"tool--6"}),
        ("emotet + loader", {"malware--1", "tool--3"}),
        ("loader +", {"malware--1", "tool--3"}),
        ("", set()),
        ("   ", set()),
        ("* ( ) : ^ -", set()),
        ("emotet AND loader", {"tool--3"}),
        ("emotet OR loader", set()),
        ("NOT emotet", set()),
        ("text:emotet", set()),
        ("emotet*", {"malware--1", "malware--2", "tool--3"}),
        ("{emotet} ^loader", {"malware--1", "tool--3"}),
        ("emotet\0loader", {"malware--1", "tool--3"}),
        ("\ud800", set()),
        ("malware--1", {"malware--1"}),
    ],
)
def test_words_find_what_is_shown(texts: Store, text: str, ids: set[str]) -> None:
    assert set(found(texts, text)) == ids


def test_the_best_comes_first_and_types_and_limits_hold(texts: Store) -> None:
    assert found(texts, "emotet")[0] == "malware--2"
    assert found(texts, "emotet", limit=1) == ["malware--2"]
    assert found(texts, "emotet", limit=0) == []
    assert set(found(texts, "emotet", "tool")) == {"tool--3"}
    assert found(texts, "emotet", "x") == []


def test_too_many_words_are_refused(texts: Store) -> None:
    assert found(texts, "emotet " * 64) != []
    with pytest.raises(LimitError, match="64"):
        found(texts, "a " * 65)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text())
@example('"a" OR b NEAR(c)')
@example("'; DROP TABLE item; --")
@example('\udfff\0"')
def test_any_question_has_an_answer(texts: Store, text: str) -> None:
    assert len(found(texts, text)) <= 8


def test_the_index_goes_on_where_it_was(store: Store) -> None:
    keep(store, *[item(stix_id(n), f"word{n}") for n in range(5)])
    assert found(store, "word1") == []
    with store.write() as tx:
        assert tx.items.index(2) == 2
    assert (found(store, "word1"), found(store, "word2")) == ([stix_id(1)], [])
    with store.write() as tx:
        assert [tx.items.index(2), tx.items.index(2), tx.items.index(2)] == [2, 1, 0]
    assert len(found(store, "wor")) == 5
