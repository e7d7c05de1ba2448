"""Every rule of a release refuses what it names, and only that."""

from __future__ import annotations

import msgspec
import pytest

from entente.core.ids import identity_id, short
from entente.core.marking import Pap, Tlp
from entente.policy.agreement import Limits
from entente.policy.approval import State
from entente.policy.reasons import RULES
from entente.policy.release import summary
from policy.circle_and_items import (
    ANNA,
    BORA,
    COLLEAGUE,
    ME,
    OUTSIDER,
    PERSON,
    circle,
    decide,
    item,
    rules,
    stix,
    terms,
)

ANNAS = identity_id(ANNA)
OWNERS = {ANNAS: ANNA, identity_id(ME): ME}

REFUSED = {
    "agreement is only proposed": ("agreement", {"to": circle(agreement_state=State.PROPOSED)}, {}),
    "agreement was refused": ("agreement", {"to": circle(agreement_state=State.REFUSED)}, {}),
    "circle is only proposed": ("circle", {"to": circle(circle_state=State.PROPOSED)}, {}),
    "circle has a ceiling of RED": ("circle", {"to": circle(ceiling=Tlp.RED)}, {}),
    "circle of this member alone": ("circle", {"to": circle(members=(ME,))}, {}),
    "circle without this member": ("circle", {"to": circle(members=(ANNA, BORA))}, {}),
    "no marking anywhere": ("no-marking", {}, {"tlp": None}),
    "above the ceiling": ("ceiling", {}, {"tlp": Tlp.AMBER_STRICT}),
    "object stricter than the import": ("ceiling", {}, {"made": {"tlp": Tlp.AMBER_STRICT}}),
    "agreement without items": ("kind", {"to": terms(kinds=("acknowledgement/1",))}, {}),
    "purpose not agreed": ("purpose", {"purpose": "marketing"}, {}),
    "one byte too large": ("size", {}, {"size": Limits().payload + 1}),
    "warning without source and basis": ("no-source", {}, {"problem": "no-source"}),
    "received from a partner": ("onward", {}, {"own": False, "author": ANNA}),
    "imported bytes of a partner": ("onward", {}, {"own": False}),
    "created by another member": ("owner", {"to": circle(owners=OWNERS)}, {"made": {"created_by_ref": ANNAS}}),
    "id of another member": ("owner", {"to": circle(claims={stix(1): {ANNA}})}, {}),
    "id of another member, under our own identity": (
        "owner",
        {"to": circle(owners=OWNERS, claims={stix(1): {ANNA}})},
        {"made": {"created_by_ref": identity_id(ME)}},
    ),
    "same person, by the agreement": ("four-eyes", {"to": terms(four_eyes=True)}, {}),
    "same person, by the node": ("four-eyes", {"to": circle(node_four_eyes=True)}, {}),
    "unknown person releases": ("four-eyes", {"to": terms(four_eyes=True), "person": ""}, {}),
    "nobody known brought it": ("four-eyes", {"to": terms(four_eyes=True)}, {"person": ""}),
    "withdrawn": ("withdrawn", {}, {"denied": True}),
}

ALLOWED = {
    "plain": ({}, {}),
    "at the ceiling": ({}, {"tlp": Tlp.AMBER}),
    "marked by the object only": ({}, {"tlp": None, "made": {"tlp": Tlp.CLEAR}}),
    "exactly the limit": ({}, {"size": Limits().payload}),
    "created by this member": ({"to": circle(owners=OWNERS)}, {"made": {"created_by_ref": identity_id(ME)}}),
    "created by somebody outside the circle": ({"to": circle(owners=OWNERS)}, {"made": {"created_by_ref": stix(9)}}),
    "id of this member": ({"to": circle(claims={stix(1): {ME}})}, {}),
    "contested by this member": ({"to": circle(claims={stix(1): {ANNA, ME}})}, {}),
    "another person releases": ({"to": terms(four_eyes=True), "person": COLLEAGUE}, {}),
    "every other purpose": ({"purpose": "warning"}, {}),
}


@pytest.mark.parametrize("case", REFUSED)
def test_rule_refuses_and_says_who_can_change_it(case: str) -> None:
    rule, asked, changes = REFUSED[case]
    (decision,) = decide(item(**changes), **asked)
    assert not decision.allowed
    assert decision.members == ()
    assert rules(decision) == {rule}
    for reason in decision.reasons:
        assert reason.text.endswith(".")
        assert reason.who
        assert reason.fix


@pytest.mark.parametrize("case", ALLOWED)
def test_what_no_rule_refuses_goes_to_the_other_members(case: str) -> None:
    asked, changes = ALLOWED[case]
    (decision,) = decide(item(**changes), **asked)
    assert decision.allowed
    assert decision.members == (ANNA,)
    assert [reason.rule for reason in decision.reasons] == ["agreement", "ceiling"]
    assert all(reason.allowed for reason in decision.reasons)


def test_every_rule_but_reference_has_a_refusal_above() -> None:
    assert {rule for rule, _, _ in REFUSED.values()} | {"red", "reference"} == set(RULES)


@pytest.mark.parametrize("marked", [{"tlp": Tlp.RED}, {"made": {"tlp": Tlp.RED}}])
@pytest.mark.parametrize("ceiling", list(Tlp))
def test_red_goes_nowhere(marked: dict[str, object], ceiling: Tlp) -> None:
    (decision,) = decide(item(**marked), to=circle(ceiling=ceiling))
    assert not decision.allowed
    assert "red" in rules(decision)


@pytest.mark.parametrize(
    "broken",
    [
        {"members": ()},
        {"members": (ME,)},
        {"members": (ME, ME)},
        {"members": (ANNA,)},
        {"members": (ME, OUTSIDER)},
        {"members": (ME, ANNA, OUTSIDER)},
        {"founding": ()},
        {"founding": (), "members": ()},
        {"members": (), "owners": {}, "claims": {}},
    ],
)
def test_empty_or_broken_scope_shares_with_nobody_misp_4200_and_1720(broken: dict[str, object]) -> None:
    """MISP#4200 and #1720: a sharing group whose members are missing or unclear must not mean everybody."""
    (decision,) = decide(item(), to=circle(**broken))
    assert not decision.allowed
    assert decision.members == ()
    assert rules(decision) & {"circle", "agreement"}


def test_member_outside_the_agreement_refuses_by_both_rules() -> None:
    (decision,) = decide(item(), to=circle(founding=(ANNA, BORA)))
    assert rules(decision) == {"agreement", "circle"}


def test_all_rules_that_refuse_are_told_in_their_order() -> None:
    broken = terms(kinds=(), four_eyes=True)
    (decision,) = decide(
        item(1, 2, tlp=Tlp.RED, own=False, author=ANNA, size=2**30, denied=True, problem="no-source"),
        to=circle(
            agreement_state=State.PROPOSED, members=(), terms=broken.terms, claims={stix(1): {BORA}}, owners=OWNERS
        ),
        purpose="marketing",
        held=[2],
    )
    told = [reason.rule for reason in decision.reasons]
    assert set(told) == set(RULES) - {"no-marking"}
    first = ["agreement", "circle", "kind", "purpose", "red", "ceiling", "size", "no-source", "onward", "owner"]
    assert told == [*first, "four-eyes", "withdrawn", "reference"]


def test_texts_name_what_they_are_about() -> None:
    (marked,) = decide(item(tlp=Tlp.AMBER_STRICT))
    assert marked.reasons[0].text == 'TLP:AMBER+STRICT is above TLP:AMBER, the ceiling of the circle "North".'
    (sent,) = decide(item(own=False, author=ANNA))
    assert short(ANNA) in sent.reasons[0].text
    (purpose,) = decide(item(), purpose="marketing")
    assert "detection, investigation, warning" in purpose.reasons[0].text


def test_allowed_decision_names_clause_marking_unknown_ids_and_terms() -> None:
    extra = stix(7, "marking-definition")
    (decision,) = decide(item(1, 5, extra, made={"pap": Pap.AMBER}), held=[extra], in_circle=[extra])
    assert decision.allowed
    texts = {(reason.rule, reason.text) for reason in decision.reasons}
    assert [reason.rule for reason in decision.reasons] == ["agreement", "ceiling", "terms", "reference", "terms"]
    assert any(rule == "agreement" and '"North" for detection' in text for rule, text in texts)
    assert any(rule == "reference" and stix(5) in text and extra not in text for rule, text in texts)
    assert any("PAP:AMBER" in text for _, text in texts)
    assert any(rule == "terms" and extra in text for rule, text in texts)


def test_clause_says_whether_readers_may_send_it_on() -> None:
    (never,), (consent,) = decide(item()), decide(item(), to=terms(onward="consent"))
    assert "send it on never" in never.reasons[0].text
    assert "originator's consent" in consent.reasons[0].text


def test_consent_that_is_not_held_refuses_onward() -> None:
    (decision,) = decide(item(own=False, author=ANNA), to=terms(onward="consent"))
    assert rules(decision) == {"onward"}


def test_members_of_a_decision_are_all_others_in_one_order() -> None:
    one = decide(item(), to=circle(members=(BORA, ME, ANNA)))[0].members
    assert one == decide(item(), to=circle(members={ANNA, BORA, ME}))[0].members
    assert set(one) == {ANNA, BORA}


def test_summary_counts_by_rule_with_refusals_first() -> None:
    decisions = decide(*(item(n, tlp=Tlp.RED) for n in range(7)), item(10), item(11, denied=True), item(12, tlp=None))
    groups = summary(decisions)
    counts = [(group.rule, group.allowed, group.count) for group in groups]
    assert counts == [
        ("ceiling", False, 7),
        ("red", False, 7),
        ("no-marking", False, 1),
        ("withdrawn", False, 1),
        ("agreement", True, 1),
        ("ceiling", True, 1),
    ]
    assert groups[0].examples == tuple(stix(n) for n in range(5))
    assert all(group.text for group in groups)
    assert all(bool(group.fix) is not group.allowed for group in groups)


def test_summary_knows_every_reason_of_an_allowed_decision() -> None:
    decisions = decide(item(1, 9, stix(3, "marking-definition"), made={"pap": Pap.RED}), person=PERSON)
    assert {group.rule for group in summary(decisions)} == {"agreement", "ceiling", "terms", "reference"}
    assert summary([]) == []


def test_identity_object_of_another_member_is_not_ours_to_send() -> None:
    theirs = next(identity for identity, member in OWNERS.items() if member != ME)
    one = item(1)
    (decision,) = decide(
        msgspec.structs.replace(one, item=theirs, facts=msgspec.structs.replace(one.facts, id=theirs)),
        to=circle(owners=OWNERS),
    )
    assert rules(decision) == {"owner"}
