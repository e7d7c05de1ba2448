"""Public disclosure on real nodes: exactly these bytes, approved by all, with nothing in them that must stay."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec
import pytest

from entente.core.errors import (
    ConflictError,
    InvalidError,
    NotFoundError,
    RefusedError,
    VerificationError,
    WaitingError,
)
from entente.core.ids import b32
from entente.kinds.document import MARKDOWN
from entente.ledger.dossier import read_dossier
from entente.node.work.acts import writing
from network import Network
from stories.story import give, indicator

if TYPE_CHECKING:
    from entente.node import Node

LINE = b"Two ports have closed a quay for a day.\n"


def two() -> tuple[Network, Node, Node, str]:
    network = Network(8)
    harbour, northwind = network.add("Harbour"), network.add("Northwind")
    return network, harbour, northwind, network.agree(harbour, northwind)


def test_a_text_leaves_when_all_have_approved_exactly_these_bytes() -> None:
    network, harbour, northwind, circle = two()
    made = harbour.disclosures.propose(circle, LINE)
    assert (made.state, made.text, made.sha256) == ("proposed", LINE.decode(), sha256(LINE).hexdigest())
    with pytest.raises(WaitingError):
        harbour.disclosures.export(made.disclosure)
    harbour.disclosures.approve(made.disclosure)
    with pytest.raises(WaitingError, match="Harbour"):
        harbour.disclosures.export(made.disclosure)
    network.settle()
    assert northwind.disclosures.approve(made.disclosure).state == "approved"
    network.settle()
    for node in (harbour, northwind):
        found = read_dossier(node.disclosures.export(made.disclosure))
        assert (found.data, found.media, found.about) == (LINE, "text/plain", "disclosure/1")
        assert len(found.approvals) == found.needed == 2
    views = [msgspec.json.encode(node.disclosures.show(made.disclosure)) for node in (harbour, northwind)]
    assert views[0] == views[1]
    assert [each.disclosure for each in northwind.disclosures.list()] == [made.disclosure]


def test_one_refusal_keeps_it_for_ever() -> None:
    network, harbour, northwind, circle = two()
    made = harbour.disclosures.propose(circle, LINE)
    harbour.disclosures.approve(made.disclosure)
    network.settle()
    said = northwind.disclosures.approve(made.disclosure, refuse="Not before Monday.")
    assert (said.state, said.answers[-1].vote, said.answers[-1].text) == ("refused", "no", "Not before Monday.")
    network.settle()
    with pytest.raises(RefusedError) as told:
        harbour.disclosures.export(made.disclosure)
    assert told.value.code == "refused"
    with pytest.raises(ConflictError, match="final"):
        northwind.disclosures.approve(made.disclosure)


@pytest.mark.parametrize(
    ("text", "media", "found"),
    [
        ("A zero\u200bwidth space.", "text/plain", "U\\+200B"),
        ("Turned \u202etxt around.", "text/plain", "U\\+202E"),
        ("Soft\u00adhyphen.", "text/plain", "U\\+00AD"),
        ("Tags \U000e0041.", "text/plain", "U\\+E0041"),
        ("A line.\n<!-- for us -->\n", MARKDOWN, "comment"),
        ("A line.\n<!-- for us -->\n", "text/plain", "comment"),
        ("A line.\n\n[//]: # (for us)\n", MARKDOWN, "definition"),
        ("A <span hidden>line</span>.", MARKDOWN, "HTML"),
        ("A line.&#8203;", MARKDOWN, "U\\+200B"),
        ('A [line](https://x.example "for us").', MARKDOWN, "title"),
    ],
)
def test_hidden_text_is_refused(text: str, media: str, found: str) -> None:
    _, harbour, _, circle = two()
    with pytest.raises(RefusedError, match=found) as told:
        harbour.disclosures.propose(circle, text.encode(), media=media)
    assert told.value.code == "hidden"
    assert harbour.disclosures.list() == []


def test_a_term_of_the_list_is_refused_by_whoever_has_the_list() -> None:
    network, harbour, northwind, circle = two()
    with pytest.raises(RefusedError) as told:
        harbour.disclosures.propose(circle, b"The N o r t h wind ferry.", terms=["Northwind"])
    assert told.value.code == "term"
    made = harbour.disclosures.propose(circle, b"The N o r t h wind ferry.", terms=["Summit"])
    network.settle()
    with pytest.raises(RefusedError, match="northwind"):
        northwind.disclosures.approve(made.disclosure, terms=["northwind"])
    assert northwind.disclosures.show(made.disclosure).answers == []


def test_an_observable_of_a_marked_item_is_refused_unless_it_is_let_through() -> None:
    network, harbour, northwind, circle = two()
    give(harbour, circle, indicator(9), tlp="TLP:AMBER")
    give(harbour, circle, indicator(7), tlp="TLP:CLEAR")
    network.settle()
    assert harbour.disclosures.propose(circle, b"Seen at 192.0.2.7.").state == "proposed"
    text = b"Seen at 192[.]0[.]2[.]9."
    for node in (harbour, northwind):
        with pytest.raises(RefusedError) as told:
            node.disclosures.propose(circle, text)
        assert told.value.code == "observable"
        assert "192.0.2.9 is in indicator--00000009" in told.value.message
        assert "TLP:AMBER" in told.value.message
    made = harbour.disclosures.propose(circle, text, allow=["192.0.2.9"])
    harbour.disclosures.approve(made.disclosure)  # what was let through stays so here
    network.settle()
    with pytest.raises(RefusedError, match="192"):
        northwind.disclosures.approve(made.disclosure)
    northwind.disclosures.approve(made.disclosure, allow=["192[.]0.2.9"])
    network.settle()
    assert harbour.disclosures.export(made.disclosure)
    give(harbour, circle, indicator(12), tlp="TLP:GREEN")
    assert harbour.disclosures.export(made.disclosure)


def test_an_item_that_came_later_stops_the_export() -> None:
    network, harbour, northwind, circle = two()
    made = harbour.disclosures.propose(circle, b"Seen at 192.0.2.9.")
    harbour.disclosures.approve(made.disclosure)
    network.settle()
    northwind.disclosures.approve(made.disclosure)
    network.settle()
    give(northwind, circle, indicator(9), tlp="TLP:GREEN")
    network.settle()
    with pytest.raises(RefusedError, match=r"192\.0\.2\.9"):
        harbour.disclosures.export(made.disclosure)


def test_a_text_that_is_not_the_one_hashed_is_not_approved() -> None:
    network, harbour, northwind, circle = two()
    with writing(harbour.base, circle) as writer:
        body: dict[str, object] = {
            "content": writer.put(b"Another text."),
            "hash": b32(sha256(LINE).digest()),
            "voters": writer.voters(),
            "needed": 2,
        }
        act = writer.act("disclosure/1", body)
    network.settle()
    with pytest.raises(VerificationError, match="hash"):
        northwind.disclosures.approve(act.place.ref)


def test_what_it_is_about_names_the_circle() -> None:
    network, harbour, northwind, circle = two()
    give(harbour, circle, indicator(3))
    session = harbour.sessions.open(circle, network.now + 1, "The quay").session
    item = "indicator--00000003-0000-4000-8000-0000000000aa"
    assert {harbour.disclosures.propose(of, LINE).circle for of in (circle, "Agreement", session, item)} == {circle}
    for of in ("nothing", "abcdefghijkl"):
        with pytest.raises(NotFoundError):
            harbour.disclosures.propose(of, LINE)
    assert northwind.disclosures.list() == []


@pytest.mark.parametrize("data", [b"", b"\xff", b"a\r\nb", b"x" * (256 * 1024 + 1)])
def test_what_is_no_text_is_not_proposed(data: bytes) -> None:
    _, harbour, _, circle = two()
    with pytest.raises(InvalidError):
        harbour.disclosures.propose(circle, data)


def test_only_text_and_markdown_are_published() -> None:
    _, harbour, _, circle = two()
    with pytest.raises(InvalidError, match="text/html"):
        harbour.disclosures.propose(circle, LINE, media="text/html")
