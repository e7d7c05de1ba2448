"""The board: acts found and read as they are held, a pen that keeps everything that it writes or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entente.core.errors import ConflictError, EntenteError, NotFoundError, RefusedError
from entente.core.ids import b32, origin_hash, unb32
from entente.core.marking import Tlp
from entente.kinds.erase import KIND as ERASE
from entente.node.work.acts import ERASED, HELD, MISSING, NOBODY, Writer, newest, order, reading, writing, writing_about
from entente.policy.approval import State
from hostile.joint import append, write
from network import Network
from stories.story import give, indicator

if TYPE_CHECKING:
    from entente.core.kind import Act
    from entente.node import Node

HOUR = 3_600_000


class Desk:
    """Two members in one circle and one case."""

    def __init__(self, **terms: object) -> None:
        self.network = Network(51)
        self.one, self.other = self.network.add("Harbour"), self.network.add("Northwind")
        self.circle = self.network.agree(self.one, self.other, **terms)

    def case(self, node: Node | None = None, text: str = "The quay") -> Act:
        with writing((node or self.one).base, self.circle) as writer:
            return writer.act("case/1", {"content": writer.put(text)})

    def size(self, node: Node | None = None) -> int:
        """Return how many entries a member's own log of the circle has."""
        base = (node or self.one).base
        with base.store.read() as tx:
            row = tx.logs.get(base.find_circle(base.in_force(tx), self.circle).origin(base.me))
            assert row is not None
            return row.size

    def words(self, node: Node, act: Act) -> tuple[str, str]:
        with reading(node.base) as board:
            found = board.words(act)
            return found.text, found.state


def test_an_act_is_found_by_reference_by_id_and_by_the_beginning_of_it() -> None:
    desk = Desk()
    act, id_ = (made := desk.case()), b32(made.place.leaf)
    with reading(desk.one.base) as board:
        assert [board.find("case/1", text, "case") for text in (act.place.ref, id_, id_[:12])] == [act] * 3
        for text in ("", "x", id_[::-1], "zzzzzzzz"):
            with pytest.raises(NotFoundError, match="case"):
                board.find("case/1", text, "case")
        with pytest.raises(NotFoundError):
            board.find("session/1", id_, "session")


def test_acts_stand_by_time_author_and_index_whoever_asks() -> None:
    desk = Desk()
    for node in (desk.one, desk.other, desk.one):
        desk.case(node)
    desk.network.settle()
    shown = []
    for node in (desk.one, desk.other):
        with reading(node.base) as board:
            acts = board.acts("case/1")
            shown.append([act.place.ref for act in acts])
            assert acts == sorted(acts, key=order)
            assert newest(acts) == shown[-1][-3:]
    assert shown[0] == shown[1]


def test_words_are_held_or_it_is_said_why_not() -> None:
    desk = Desk()
    act, theirs = desk.case(), append(desk.other, desk.circle, "document/1", b"no document")
    stolen = write(desk.other, desk.circle, "case/1", {"content": str(act.body["content"])})
    odd = write(desk.other, desk.circle, "case/1", {"content": theirs.ref})
    give(desk.other, desk.circle, indicator(1))
    beyond = write(desk.other, desk.circle, "case/1", {"content": f"{b32(act.place.log)}/999999/{b32(act.place.leaf)}"})
    desk.network.settle()
    with reading(desk.one.base) as board:
        acts = {each.place: each for each in board.acts("case/1")}
    assert desk.words(desk.one, act) == ("The quay", HELD)
    assert desk.words(desk.one, acts[stolen]) == ("", MISSING), "another member's words are not one's own"
    assert desk.words(desk.one, acts[beyond]) == ("", MISSING)
    assert desk.words(desk.one, acts[odd])[0] == ""
    log, index, leaf = str(act.body["content"]).split("/")
    erase = ERASE.make(unb32(log, 32), "error", due=0, person=NOBODY, entries=[(int(index), unb32(leaf, 32))])
    append(desk.one, desk.circle, "erase/1", erase)
    desk.network.settle()
    assert desk.words(desk.other, act) == ("", ERASED)


def test_an_act_that_does_not_count_is_not_kept_and_neither_are_its_words() -> None:
    desk = Desk()
    act, before = desk.case(), desk.size()
    for kind, body in (
        ("change/1", {"case": act.place.ref, "field": "state", "target": "", "value": "x", "time": 0, "content": ""}),
        ("note/1", {"of": f"{b32(b'l' * 32)}/0/{b32(b'l' * 32)}", "content": act.place.ref}),
        ("attendance/1", {"session": act.place.ref}),
        ("note/1", {"of": f"{b32(act.place.log)}/999999/{b32(b'l' * 32)}", "content": act.place.ref}),
    ):
        with pytest.raises(EntenteError), writing(desk.one.base, desk.circle) as writer:  # noqa: PT012 - both or nothing
            writer.put("Words that must not stay.")
            writer.act(kind, body)
    assert desk.size() == before
    with reading(desk.one.base) as board:
        assert board.acts("note/1") == []


@pytest.mark.parametrize(
    ("data", "marking", "code"),
    [
        ("x\x1b[2J", None, "malformed"),
        (b"\xff", None, "malformed"),
        ("x", Tlp.AMBER_STRICT, "ceiling"),
        ("x", Tlp.RED, "red"),
        ("x" * 2000, None, "size"),
    ],
)
def test_a_document_that_the_circle_may_not_hold_is_not_written(
    data: str | bytes, marking: Tlp | None, code: str
) -> None:
    desk = Desk(limits={"payload": 1024, "entries_day": 1000, "bytes_day": 1 << 20})
    before = desk.size()
    with pytest.raises(RefusedError) as told, writing(desk.one.base, desk.circle) as writer:
        writer.put(data, marking=marking)
    assert told.value.code == code
    assert desk.size() == before


def test_what_the_agreement_does_not_admit_is_refused_before_it_is_written() -> None:
    desk = Desk(kinds=["item/1", "request/1"])
    with pytest.raises(RefusedError) as told:
        desk.case()
    assert told.value.code == "kind"
    none = Desk(kinds=["item/1"])
    with pytest.raises(RefusedError), writing(none.one.base, none.circle) as writer:
        writer.put("x")


def test_an_answer_is_given_once_and_the_same_again_changes_nothing() -> None:
    desk = Desk()
    made = desk.one.disclosures.propose(desk.circle, b"The quay is open.")
    desk.network.settle()
    with writing_about(desk.other.base, "disclosure/1", made.disclosure, "disclosure") as (writer, act):
        first = writer.answer(act, text="Gladly.")
    size = desk.size(desk.other)
    with writing_about(desk.other.base, "disclosure/1", made.disclosure, "disclosure") as (writer, act):
        assert writer.answer(act).place == first.place
        assert writer.state(act) is State.PROPOSED
    assert desk.size(desk.other) == size
    with (
        pytest.raises(ConflictError) as told,
        writing_about(desk.other.base, "disclosure/1", made.disclosure, "disclosure") as (writer, act),
    ):
        writer.answer(act, refuse=True)
    assert told.value.code == "answered"
    desk.network.settle()
    with reading(desk.one.base) as board:
        (vote,) = board.votes(act)
    assert (vote.member, vote.answer, vote.text) == (desk.other.member, "approve", "Gladly.")


def test_a_note_of_somebody_else_is_no_word_of_the_voter() -> None:
    desk = Desk()
    made = desk.one.disclosures.propose(desk.circle, b"The quay is open.")
    desk.network.settle()
    desk.other.disclosures.approve(made.disclosure)
    desk.network.settle()
    with reading(desk.one.base) as board:
        act = board.find("disclosure/1", made.disclosure, "disclosure")
        (given,) = board.in_force.answers(act.place.leaf).values()
    with writing(desk.one.base, desk.circle) as writer:
        writer.act("note/1", {"of": given.ref, "content": writer.put("They were forced.")})
    with reading(desk.one.base) as board:
        assert [each.text for each in board.votes(act)] == [""]


def test_nothing_is_written_in_a_room_that_has_ended() -> None:
    desk = Desk()
    act = desk.case()
    desk.network.settle()
    made = desk.one.agreements.changes.amend("Agreement", terms={"retention_days": 30})
    for node in (desk.one, desk.other):
        node.agreements.sign(made.amendment)
        desk.network.settle()
    with (
        pytest.raises(ConflictError) as told,
        writing_about(desk.one.base, "case/1", b32(act.place.leaf), "case") as (writer, found),
    ):
        writer.act("change/1", {"case": found.place.ref})
    assert told.value.code == "earlier-revision"
    assert desk.case().circle != act.circle, "a new one stands in the new room"


def test_voters_and_needs_are_what_the_terms_say() -> None:
    desk = Desk(consent={"plan": "quorum", "decision": "all", "minutes": "all", "disclosure": "all"})
    with writing(desk.one.base, desk.circle) as writer:
        assert isinstance(writer, Writer)
        assert writer.voters() == sorted(node.member for node in (desk.one, desk.other))
        assert (writer.needed("plan"), writer.needed("decision")) == (2, 2)
    assert origin_hash(writer.room.origin(desk.one.base.me)) == desk.case().place.log
