"""Lies in what members sign together: minutes, dossiers, answers; and acts that wait for what never comes."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from entente.core.errors import EntenteError, VerificationError
from entente.core.ids import b32
from entente.ledger.dossier import read_dossier, write_dossier
from entente.node.items.consents import entry_at
from entente.node.logs.proofs import proof_of
from entente.node.work.acts import reading
from hostile.joint import HOUR, append, head, write
from network import Network

if TYPE_CHECKING:
    from entente.core.kind import Place
    from entente.node import Node

LINE = b"The quay is open again."


class Table:
    """Two honest members and one that lies, and an inner circle of the honest ones."""

    def __init__(self) -> None:
        self.network = Network(21)
        self.harbour, self.northwind, self.summit = (self.network.add(n) for n in ("Harbour", "Northwind", "Summit"))
        self.honest = (self.harbour, self.northwind)
        self.circle = self.network.agree(*self.honest, self.summit)
        self.session = self.harbour.sessions.open(self.circle, self.network.now + HOUR, "The quay").session
        self.network.settle()
        for node in (*self.honest, self.summit):
            node.sessions.join(self.session)
        self.network.settle()

    @property
    def reference(self) -> str:
        with reading(self.harbour.base) as board:
            return board.find("session/1", self.session, "session").place.ref

    def ask(self, kind: str, body: dict[str, object], **more: object) -> Place:
        everybody = sorted(node.member for node in (*self.honest, self.summit))
        made = write(self.summit, self.circle, kind, body | {"voters": everybody, "needed": 3} | more)
        self.network.settle()
        return made

    def minutes(self, payload: bytes) -> Place:
        content = append(self.summit, self.circle, "document/1", payload)
        return self.ask("minutes/1", {"session": self.reference, "content": content.ref})

    def answer(self, place: Place, circle: str = "", answer: str = "approve") -> Place:
        with self.summit.base.store.read() as tx:
            revision = self.summit.base.find_circle(self.summit.base.in_force(tx), circle or self.circle).revision
        body = {"of": b32(place.leaf), "revision": b32(revision), "answer": answer}
        return write(self.summit, circle or self.circle, "approval/1", body, place.ref)

    def proof(self, node: Node, ref: str) -> bytes:
        with reading(node.base) as board:
            return proof_of(node.base, board.tx, board.in_force.rooms, *entry_at(board.tx, ref))

    def other_minutes(self) -> None:
        """The honest ones and whoever else is needed can still put on record what was said."""
        proposed = self.harbour.minutes.sign(self.session, anew=True)
        for node in (self.northwind, self.summit):
            self.network.settle()
            node.minutes.sign(self.session)
        self.network.settle()
        assert {node.minutes.text(self.session).minutes for node in self.honest} == {proposed.minutes}
        assert self.northwind.minutes.text(self.session).state == "signed"


@pytest.mark.parametrize(
    ("payload", "word"),
    [
        (head("text/markdown") + b"All agreed.", "rest"),
        (head("text/markdown") + b"# Minutes\n\n## Basis\n\n- none\n", "rest"),
        (head("text/markdown") + b"x\n## Basis\n\n" + b"- %s: 1\n" % (b"a" * 52) * 65, "rest"),
        (head("text/plain") + b"All agreed.", "not a Markdown"),
        (head("application/octet-stream") + bytes(4096), "not a Markdown"),
        (head("text/markdown") + b"\x1b]0;x\x07", "not arrived"),
    ],
)
def test_minutes_of_a_liar_are_signed_by_nobody_and_others_take_their_place(payload: bytes, word: str) -> None:
    table = Table()
    table.answer(table.minutes(payload))
    table.network.settle()
    for node in table.honest:
        with pytest.raises(EntenteError, match=word):
            node.minutes.sign(table.session)
        shown = node.sessions.show(table.session)
        assert (shown.state, shown.signed_by) == ("minuted", [table.summit.member])
    table.other_minutes()


def test_minutes_with_a_vote_that_nobody_gave_are_refused_with_the_difference() -> None:
    table = Table()
    decision = table.harbour.sessions.decide(table.session, "We open it.").id
    table.network.settle()
    text = table.summit.minutes.text(table.session).text
    said = text.replace("- approved by 0 of 3 needed", "- approved by 3 of 3 needed").replace(
        "### proposed", "### decided"
    )
    assert said != text
    table.answer(table.minutes(head("text/markdown") + said.encode()))
    table.network.settle()
    with pytest.raises(EntenteError, match=r"\+- approved by 3 of 3 needed") as told:
        table.harbour.minutes.sign(table.session)
    assert told.value.code == "differs"
    assert {node.sessions.decision(decision).state for node in table.honest} == {"proposed"}
    table.other_minutes()


def test_an_approval_of_somebody_who_is_not_asked_makes_no_dossier() -> None:
    table = Table()
    network, inner = table.network, table.network.circle(*table.honest, agreement="Agreement", name="Inner")
    told = table.harbour.disclosures.propose(inner, LINE)
    network.settle()
    table.harbour.disclosures.approve(told.disclosure)
    with reading(table.harbour.base) as board:
        act = board.find("disclosure/1", told.disclosure, "disclosure")
        mine = board.in_force.answers(act.place.leaf)[table.harbour.base.me].ref
    liars = table.answer(act.place)
    network.settle()
    refs = [(table.harbour, ref) for ref in (str(act.body["content"]), act.place.ref, mine)]
    proofs = [table.proof(node, ref) for node, ref in [*refs, (table.summit, liars.ref)]]
    with pytest.raises(VerificationError, match="whose word does not count"):
        write_dossier("disclosure/1", LINE, proofs)
    assert table.harbour.disclosures.show(told.disclosure).state == "proposed"
    table.northwind.disclosures.approve(told.disclosure)
    network.settle()
    assert len(read_dossier(table.harbour.disclosures.export(told.disclosure)).approvals) == 2


def test_a_dossier_of_a_liar_alone_says_that_it_alone_was_asked() -> None:
    """Such a file verifies: its author did sign it. It shows whom it asked, and no honest member lets it count."""
    table = Table()
    content = append(table.summit, table.circle, "document/1", head() + LINE)
    body: dict[str, object] = {"content": content.ref, "hash": b32(sha256(LINE).digest())}
    place = table.ask("disclosure/1", body, voters=[table.summit.member], needed=1)
    approval = table.answer(place)
    table.network.settle()
    proofs = [table.proof(table.summit, ref) for ref in (content.ref, place.ref, approval.ref)]
    found = read_dossier(write_dossier("disclosure/1", LINE, proofs))
    assert (found.body["voters"], found.needed) == ([table.summit.member], 1)
    assert [each.member for each in found.approvals] == [table.summit.base.me]
    assert [node.disclosures.list() for node in table.honest] == [[], []]


def test_a_refusal_is_no_approval_and_a_doubled_one_is_none() -> None:
    table = Table()
    told = table.harbour.disclosures.propose(table.circle, LINE)
    table.network.settle()
    for node in table.honest:
        node.disclosures.approve(told.disclosure)
    with reading(table.harbour.base) as board:
        act = board.find("disclosure/1", told.disclosure, "disclosure")
    refusal = table.answer(act.place, answer="refuse")
    table.network.settle()
    with reading(table.harbour.base) as board:
        given = [each.ref for each in board.in_force.answers(act.place.leaf).values()]
    refs = [str(act.body["content"]), act.place.ref, *(ref for ref in given if ref != refusal.ref)]
    proofs = [table.proof(table.harbour, ref) for ref in refs]
    for last in (table.proof(table.harbour, refusal.ref), proofs[-1]):
        with pytest.raises(VerificationError):
            write_dossier("disclosure/1", LINE, [*proofs, last])
    assert {node.disclosures.show(told.disclosure).state for node in table.honest} == {"refused"}


def test_a_dossier_with_lines_of_its_own_is_refused() -> None:
    rows = b"proof " + b64encode(b"x" * 10) + b"\n"
    for size in (b"-1", b"01", b"9999999999", b"5 ", b"\xc2\xb2"):
        with pytest.raises(VerificationError):
            read_dossier(b"entente-dossier/1\nabout plan/1\nbytes " + size + b"\n\nhello\n" + rows * 4)
    with pytest.raises(VerificationError):
        read_dossier(b"entente-dossier/1\nabout plan/1\nbytes 5\n\nhello\n" + rows * 2000)


def test_an_act_that_waits_for_ever_holds_up_its_author_only() -> None:
    table = Table()
    network = table.network
    never = append(table.summit, table.circle, "document/1", head() + b"x")
    log = b32(never.log)
    note = {"of": f"{log}/1000000/{b32(b'n' * 32)}", "content": never.ref}
    waits = write(table.summit, table.circle, "note/1", note)
    request = table.harbour.requests.ask(table.circle, "Who was it?", network.now + HOUR).id
    network.settle()
    with reading(table.harbour.base) as board:
        asked = board.find("request/1", request, "request").place.ref
    reply = {"of": asked, "answer": "answered", "content": never.ref}
    behind = write(table.summit, table.circle, "reply/1", reply, asked)
    table.northwind.requests.answer(request, "Nobody knows.", refuse=True)
    decision = table.harbour.sessions.decide(table.session, "We go on.").id
    network.settle()
    for node in table.honest:
        with reading(node.base) as board:
            assert {place.ref in board.in_force.view.judged for place in (waits, behind)} == {False}
        shown = node.requests.show(request)
        assert (shown.state, [each.member for each in shown.answers]) == ("open", [table.northwind.member])
        node.sessions.vote(decision, yes=True)
        network.settle()
    assert {len(node.sessions.decision(decision).votes) for node in table.honest} == {2}
    made = [node.minutes.text(table.session).text for node in table.honest]
    assert made[0] == made[1]
    proposed = table.harbour.minutes.sign(table.session)
    network.settle()
    assert table.northwind.minutes.sign(table.session).minutes == proposed.minutes
    case = table.northwind.cases.open(table.circle, "Ours").id
    network.settle()
    assert table.harbour.cases.show(case).title == "Ours"
    assert all(node.ledger.verify().ok for node in table.honest)


def test_what_names_another_entry_in_a_place_that_is_held_waits_and_holds_up_its_author_only() -> None:
    """If the entry that is named exists, its author told two histories: the evidence or nothing will bring it."""
    table = Table()
    first = append(table.summit, table.circle, "document/1", head() + b"x")
    lie = first.ref.rpartition("/")[0] + "/" + b32(b"l" * 32)
    note = write(table.summit, table.circle, "note/1", {"of": lie, "content": first.ref})
    behind = write(table.summit, table.circle, "case/1", {"content": first.ref})
    table.network.settle()
    ours = table.harbour.cases.open(table.circle, "Ours").id
    table.network.settle()
    for node in table.honest:
        with reading(node.base) as board:
            assert list(board.in_force.view.waiting) == [lie]
            assert {note.ref, behind.ref}.isdisjoint(board.in_force.view.judged)
        assert node.cases.show(ours).title == "Ours"
