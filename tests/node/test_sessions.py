"""Joint sessions on real nodes: agenda, quorum, decisions, dissent, minutes made alike by every side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from entente.core.errors import ConflictError, InvalidError, NotFoundError, RefusedError, WaitingError
from entente.formats.stix.joint.warning import Source, WarningText
from entente.ledger.dossier import read_dossier
from entente.node.work.session.minutes_text import basis_in
from network import START, Network
from playbooks import action, end, playbook, step_id

if TYPE_CHECKING:
    from entente.node import Node
    from entente.node.work.session.values import SessionView

AT = START + 86_400_000
WARNING = WarningText(
    title="The cranes may stop",
    text="A group announces it.",
    likelihood="likely",
    confidence="low",
    sources=(Source("Coast Courier", "https://courier.example/1", "B2", ""),),
)


def two(**terms: object) -> tuple[Network, Node, Node, str]:
    network = Network(5)
    harbour, northwind = network.add("Harbour"), network.add("Northwind")
    return network, harbour, northwind, network.agree(harbour, northwind, **terms)


def three(**terms: object) -> tuple[Network, list[Node], str]:
    network = Network(6)
    nodes = [network.add(name) for name in ("Harbour", "Northwind", "Summit")]
    return network, nodes, network.agree(*nodes, **terms)


def bare(view: SessionView) -> bytes:
    """Return a view without the agenda, which depends on now."""
    return msgspec.json.encode(msgspec.structs.replace(view, agenda=[]))


def held(network: Network, *nodes: Node, circle: str) -> tuple[str, str]:
    """Hold a session at which all are present and one decision is taken."""
    first = nodes[0]
    session = first.sessions.open(circle, AT, "The quay").session
    network.settle()
    for node in nodes:
        node.sessions.join(session)
    decision = first.sessions.decide(session, "We close the quay.").id
    network.settle()
    for node in nodes:
        node.sessions.vote(decision, yes=True)
        network.settle()
    return session, decision


def test_below_quorum_nothing_is_decided() -> None:
    network, harbour, northwind, circle = two()
    session = harbour.sessions.open(circle, AT, "The quay").session
    network.settle()
    harbour.sessions.join(session)
    decision = harbour.sessions.decide(session, "We close the quay.")
    assert (decision.state, decision.needed) == ("proposed", 2)
    assert harbour.sessions.vote(decision.id, yes=True).state == "open"
    network.settle()
    shown = northwind.sessions.show(session)
    assert (shown.state, shown.quorum.present, shown.quorum.needed) == ("convened", 1, 2)
    assert [each.state for each in shown.decisions] == ["open"]
    northwind.sessions.join(session)
    assert northwind.sessions.vote(decision.id, yes=True).state == "decided"
    network.settle()
    assert harbour.sessions.show(session).state == "open"
    assert bare(harbour.sessions.show(session)) == bare(northwind.sessions.show(session))


def test_who_has_not_joined_cannot_vote() -> None:
    network, harbour, northwind, circle = two()
    session = harbour.sessions.open(circle, AT, "The quay").session
    decision = harbour.sessions.decide(session, "We close the quay.")
    network.settle()
    with pytest.raises(RefusedError) as told:
        northwind.sessions.vote(decision.id, yes=True)
    assert told.value.code == "absent"
    assert session[:12] in told.value.hint
    assert northwind.sessions.decision(decision.id).votes == []


def test_a_dissent_stays_on_record_with_its_words() -> None:
    network, (harbour, northwind, summit), circle = three(quorum=2)
    session = harbour.sessions.open(circle, AT, "The quay", quorum=2).session
    network.settle()
    for node in (harbour, northwind, summit):
        node.sessions.join(session)
    decision = harbour.sessions.decide(session, "We close the quay.").id
    network.settle()
    harbour.sessions.vote(decision, yes=True)
    northwind.sessions.vote(decision, yes=True)
    summit.sessions.vote(decision, yes=False, text="The ferries need it.")
    network.settle()
    for node in (harbour, northwind, summit):
        shown = node.sessions.show(session)
        assert shown.decisions[0].state == "decided"
        assert [(each.member, each.vote, each.text) for each in shown.dissent] == [
            (summit.member, "no", "The ferries need it.")
        ]
        text = node.minutes.text(session).text
        assert "- no: Summit" in text
        assert "  > The ferries need it." in text
    with pytest.raises(ConflictError, match="final"):
        summit.sessions.vote(decision, yes=True)


def test_a_decision_out_of_reach_is_rejected() -> None:
    network, harbour, northwind, circle = two()
    session = harbour.sessions.open(circle, AT, "The quay").session
    harbour.sessions.join(session)
    decision = harbour.sessions.decide(session, "We close the quay.").id
    assert harbour.sessions.vote(decision, yes=False, text="Not yet.").state == "rejected"
    network.settle()
    assert northwind.sessions.decision(decision).state == "rejected"


def test_minutes_are_made_alike_and_signed_by_all() -> None:
    network, harbour, northwind, circle = two()
    session, decision = held(network, harbour, northwind, circle=circle)
    draft = northwind.minutes.text(session)
    assert (draft.state, draft.text) == ("draft", harbour.minutes.text(session).text)
    proposed = harbour.minutes.sign(session)
    assert (proposed.state, proposed.signed_by, proposed.text) == ("proposed", [harbour.member], draft.text)
    with pytest.raises(WaitingError):
        harbour.dossiers.write(proposed.minutes)
    network.settle()
    assert northwind.sessions.show(session).state == "minuted"
    assert northwind.minutes.sign(session).state == "signed"
    network.settle()
    for node in (harbour, northwind):
        shown = node.sessions.show(session)
        assert (shown.state, len(shown.signed_by)) == ("signed", 2)
        file = read_dossier(node.dossiers.write(proposed.minutes))
        assert (file.about, file.data.decode()) == ("minutes/1", proposed.text)
        assert {each.member for each in file.approvals} == {harbour.base.me, northwind.base.me}
    assert decision in proposed.text
    with pytest.raises(ConflictError, match="signed"):
        harbour.sessions.add(session, "One more thing")


def test_votes_that_come_after_the_minutes_do_not_keep_others_from_signing() -> None:
    network, (harbour, northwind, summit), circle = three(quorum=2)
    session = harbour.sessions.open(circle, AT, "The quay", quorum=2).session
    network.settle()
    for node in (harbour, northwind, summit):
        node.sessions.join(session)
    decision = harbour.sessions.decide(session, "We close the quay.").id
    network.settle()
    harbour.sessions.vote(decision, yes=True)
    northwind.sessions.vote(decision, yes=True)
    network.settle()
    proposed = harbour.minutes.sign(session)
    northwind.profile.set(brings=["ships"])
    summit.sessions.vote(decision, yes=False, text="Too late for these minutes.")
    network.settle()
    signed = summit.minutes.sign(session)
    assert (signed.text, signed.later) == (proposed.text, 1)
    northwind.minutes.sign(session)
    network.settle()
    assert harbour.sessions.show(session).state == "signed"
    assert "Too late" not in harbour.minutes.text(session).text


def test_minutes_that_leave_out_our_earlier_vote_are_refused_with_the_difference() -> None:
    network, harbour, northwind, circle = two()
    session = harbour.sessions.open(circle, AT, "The quay").session
    network.settle()
    harbour.sessions.join(session)
    northwind.sessions.join(session)
    decision = harbour.sessions.decide(session, "We close the quay.").id
    network.settle()
    northwind.sessions.vote(decision, yes=False, text="No.")
    harbour.minutes.sign(session)  # has not seen the vote
    network.settle()
    with pytest.raises(RefusedError) as told:
        northwind.minutes.sign(session)
    assert told.value.code == "differs"
    assert "approval/1" in told.value.message
    assert northwind.sessions.show(session).signed_by == [harbour.member]
    anew = northwind.minutes.sign(session, anew=True)
    assert "> No." in anew.text
    network.settle()
    assert harbour.minutes.sign(session).state == "signed"


def test_minutes_that_say_something_else_are_refused_with_the_difference() -> None:
    network, harbour, northwind, circle = two()
    session, _ = held(network, harbour, northwind, circle=circle)
    text = harbour.minutes.text(session).text.replace("We close", "We open")
    forge_minutes(harbour, circle, session, text)
    network.settle()
    with pytest.raises(RefusedError) as told:
        northwind.minutes.sign(session)
    assert told.value.code == "differs"
    assert "-  > We close the quay." in told.value.message
    assert "+  > We open the quay." in told.value.message


def test_minutes_without_a_basis_are_refused() -> None:
    network, harbour, northwind, circle = two()
    session, _ = held(network, harbour, northwind, circle=circle)
    forge_minutes(harbour, circle, session, "All agreed.")
    network.settle()
    with pytest.raises(RefusedError, match="rest"):
        northwind.minutes.sign(session)


def test_minutes_that_rest_on_what_is_not_here_wait() -> None:
    network, harbour, northwind, circle = two()
    session, _ = held(network, harbour, northwind, circle=circle)
    text = harbour.minutes.text(session).text
    basis = basis_in(text) or {}
    size = basis[harbour.member]
    forge_minutes(harbour, circle, session, text.replace(f"{harbour.member}: {size}", f"{harbour.member}: {size + 99}"))
    network.settle()
    with pytest.raises(WaitingError, match="have not arrived"):
        northwind.minutes.sign(session)


def forge_minutes(node: Node, circle: str, session: str, text: str) -> None:
    """Propose minutes of one's own making."""
    from entente.kinds.document import MARKDOWN
    from entente.node.work.acts import writing

    with writing(node.base, circle) as writer:
        act = writer.find("session/1", session, "session")
        body: dict[str, object] = {
            "session": act.place.ref,
            "content": writer.put(text, MARKDOWN),
            "voters": writer.voters(),
            "needed": writer.needed("minutes"),
        }
        writer.answer(writer.act("minutes/1", body))


def test_the_agenda_is_merged_and_says_why() -> None:
    network, harbour, northwind, circle = two(escalation_hours=1)
    before = harbour.sessions.open(circle, AT, "Before").session
    harbour.sessions.decide(before, "Left open.", due=AT + 5)
    session = northwind.sessions.open(circle, AT + 1000, "Now").session
    northwind.sessions.add(session, "Least", priority=5)
    northwind.sessions.add(session, "Most", priority=1)
    due = network.now
    harbour.requests.ask(circle, "Who owns the crane?", due + 3_600_000_000)
    northwind.requests.ask(circle, "Overdue\nquestion", due + 1000)
    harbour.requests.ask(circle, "Escalated", due - 5 * 3_600_000)
    network.settle()
    network.now += 2000
    agenda = harbour.sessions.agenda(session)
    assert [each.title for each in agenda] == [
        "Escalated",
        "Overdue",
        "Who owns the crane?",
        "Left open.",
        "Most",
        "Least",
    ]
    assert [each.reason.split(" ")[0] for each in agenda] == ["1.", "2.", "3.", "6.", "7.", "7."]
    assert agenda == northwind.sessions.agenda(session)
    assert [each.kind for each in harbour.sessions.agenda(before)][-1] == "request"


def named(name: str) -> bytes:
    """Return a plan of one step on each side."""
    first, second = step_id("action", "first"), step_id("action", "second")
    steps = {first: action("Harbour", second, name="first"), second: action("Northwind", end(), name="second")}
    return playbook(steps, agents=["Harbour", "Northwind"], start=first, name=name)


def test_stopped_and_overdue_plans_and_unassessed_warnings_come_up() -> None:
    network, harbour, northwind, circle = two()
    session = harbour.sessions.open(circle, AT, "The quay").session
    warned = harbour.warnings.publish(circle, WARNING, tlp="TLP:GREEN").id
    plans = [harbour.plans.take(named(name), circle).plan for name in ("Stopped", "Late")]
    for plan in plans:
        harbour.plans.propose(plan)
    network.settle()
    for node in (harbour, northwind):
        for plan in plans:
            node.plans.approve(plan)
    network.settle()
    harbour.sessions.decide(session, "Do it.", plan=plans[1], due=network.now + 50_000)
    northwind.plans.stop(plans[0])
    network.settle()
    shown = [(each.kind, each.title) for each in harbour.sessions.agenda(session)]
    assert shown == [("warning", WARNING.title), ("plan", "Stopped")]
    network.now += 60_000
    late = northwind.sessions.agenda(session)
    assert {(each.id, each.reason.partition(": ")[2].partition(",")[0]) for each in late} == {
        (warned, "Northwind"),
        (plans[0], "stopped"),
        (plans[1], "approved"),
    }
    northwind.warnings.assess(warned, text="Seen here too.", agree=True)
    network.settle()
    assert [each.kind for each in harbour.sessions.agenda(session)] == ["plan", "plan"]
    harbour.minutes.sign(session)
    network.settle()
    assert northwind.minutes.sign(session).state == "signed"


def test_an_open_decision_comes_back_and_can_be_voted_on_later() -> None:
    network, harbour, northwind, circle = two()
    first = harbour.sessions.open(circle, AT, "First").session
    harbour.sessions.join(first)
    decision = harbour.sessions.decide(first, "We close the quay.").id
    harbour.sessions.vote(decision, yes=True)
    later = northwind.sessions.open(circle, AT + 1, "Later").session
    network.settle()
    harbour.minutes.sign(first)
    network.settle()
    northwind.minutes.sign(first)
    northwind.sessions.join(later)
    network.settle()
    assert [each.id for each in northwind.sessions.agenda(later)] == [decision]
    assert northwind.sessions.vote(decision, yes=True).state == "decided"
    assert northwind.sessions.agenda(later) == ()


def test_the_deputy_succeeds_the_head_once() -> None:
    network, harbour, northwind, circle = two()
    head, deputy = (harbour.people.add(name, ["head"]).person for name in ("Hana", "Dmitri"))
    session = harbour.sessions.open(circle, AT, "The quay").session
    with pytest.raises(ConflictError, match="no deputy"):
        harbour.sessions.succeed(session)
    harbour.sessions.delegate(session, "Hana", "Dmitri")
    network.settle()
    shown = {each.member: (each.head, each.deputy) for each in northwind.sessions.show(session).attendance}
    assert shown[harbour.member] == (head, deputy)
    harbour.sessions.succeed(session)
    network.settle()
    shown = {each.member: (each.head, each.deputy) for each in northwind.sessions.show(session).attendance}
    assert shown[harbour.member] == (deputy, "")
    with pytest.raises(ConflictError, match="no deputy"):
        harbour.sessions.succeed(session)


def test_what_a_session_cannot_be_is_refused_in_words() -> None:
    network, harbour, northwind, circle = two()
    with pytest.raises(RefusedError) as told:
        harbour.sessions.open(circle, AT, "The quay", quorum=1)
    assert told.value.code == "quorum"
    assert told.value.hint
    with pytest.raises(InvalidError, match="one line"):
        harbour.sessions.open(circle, AT, "Two\nlines")
    session = harbour.sessions.open(circle, AT, "The quay").session
    for call in (
        lambda: harbour.sessions.add(session, "x", priority=6),
        lambda: harbour.sessions.delegate(session, "operator", "operator"),
        lambda: harbour.sessions.decide(session, "  "),
    ):
        with pytest.raises(InvalidError):
            call()
    for call in (
        lambda: harbour.sessions.decide(session, "x", plan="abc"),
        lambda: harbour.sessions.decide(session, "x", about=["abcdefgh"]),
        lambda: harbour.sessions.show("abcdefgh"),
    ):
        with pytest.raises(NotFoundError):
            call()
    assert network.node(northwind.member).sessions.list() == []
    assert harbour.sessions.show(session).decisions == []


def test_joining_twice_says_it_once() -> None:
    _, harbour, _, circle = two()
    session = harbour.sessions.open(circle, AT, "The quay").session
    once = harbour.sessions.join(session)
    assert bare(harbour.sessions.join(session)) == bare(once)


def test_the_invitation_is_the_same_everywhere() -> None:
    network, harbour, northwind, circle = two()
    session = harbour.sessions.open(circle, AT, "The quay; and, the crane").session
    network.settle()
    file = harbour.sessions.invite(session)
    assert file == northwind.sessions.invite(session)
    lines = file.replace(b"\r\n ", b"").decode().split("\r\n")
    assert f"UID:{session}@entente" in lines
    assert "SUMMARY:The quay\\; and\\, the crane" in lines
    assert "DTSTART:20260922T141320Z" in lines
