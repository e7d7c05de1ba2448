"""Who owns an object, and which versions of it are forged."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entente.core.ids import Member, identity_id
from entente.policy.ownership import Identities, forged, owners

ANNA, BORA, CARL = (Member(letter * 32) for letter in (b"a", b"b", b"c"))
LISTED = "identity--11111111-0000-4000-8000-000000000000"
OTHER = "identity--22222222-0000-4000-8000-000000000000"
STIX = "indicator--33333333-0000-4000-8000-000000000000"


def profile(member: Member, *identities: str) -> Identities:
    return Identities(identity_id(member), identities)


OWNERS = owners({ANNA: profile(ANNA, LISTED), BORA: None, CARL: profile(CARL)})


def test_derived_and_listed_identities_are_a_member_s_own() -> None:
    assert {identity_id(ANNA): ANNA, LISTED: ANNA, identity_id(BORA): BORA, identity_id(CARL): CARL} == OWNERS


def test_identity_that_two_members_list_belongs_to_nobody() -> None:
    found = owners({ANNA: profile(ANNA, LISTED, OTHER), BORA: profile(BORA, LISTED)})
    assert LISTED not in found
    assert found[OTHER] == ANNA


def test_derived_identity_cannot_be_claimed_by_another_member() -> None:
    theirs = identity_id(BORA)
    assert owners({ANNA: profile(ANNA, theirs), BORA: profile(BORA)})[theirs] == BORA
    assert (
        owners({ANNA: profile(ANNA, theirs), BORA: profile(BORA, theirs), CARL: profile(CARL, theirs)})[theirs] == BORA
    )
    assert owners({ANNA: Identities(theirs, ()), BORA: None})[theirs] == BORA


def test_identity_listed_twice_by_one_member_is_no_rival_claim() -> None:
    assert owners({ANNA: profile(ANNA, LISTED, LISTED.upper(), identity_id(ANNA))})[LISTED] == ANNA


@pytest.mark.parametrize(
    ("created_by", "author", "claims", "expected"),
    [
        ("", BORA, {}, False),
        (OTHER, BORA, {}, False),
        (identity_id(ANNA), ANNA, {}, False),
        (LISTED, ANNA, {}, False),
        (identity_id(ANNA), BORA, {}, True),
        (LISTED, BORA, {}, True),
        (LISTED, BORA, {STIX: {BORA}}, True),
        ("", BORA, {STIX: {ANNA}}, True),
        (OTHER, BORA, {STIX: {ANNA}}, True),
        (OTHER, ANNA, {STIX: {ANNA}}, False),
        (identity_id(BORA), BORA, {STIX: {ANNA}}, False),
        (identity_id(BORA), BORA, {STIX: {ANNA, BORA}}, False),
        ("", ANNA, {STIX: {ANNA, BORA}}, False),
        ("", CARL, {STIX: {ANNA, BORA}}, True),
        ("", BORA, {OTHER: {ANNA}}, False),
        ("", BORA, {STIX: set()}, False),
    ],
)
def test_forged_update_is_what_the_page_says(
    created_by: str, author: Member, claims: dict[str, set[Member]], *, expected: bool
) -> None:
    assert forged(created_by, STIX, author, OWNERS, claims) is expected


_ENTRIES = st.lists(st.tuples(st.sampled_from(["", OTHER, *OWNERS]), st.sampled_from([ANNA, BORA, CARL])), max_size=6)


@given(_ENTRIES, st.permutations(range(6)))
def test_verdicts_do_not_depend_on_the_order_of_arrival(entries: list[tuple[str, Member]], order: list[int]) -> None:
    mixed = [entries[place] for place in order if place < len(entries)]
    assert sorted(_judged(entries)) == sorted(_judged(mixed))


def _judged(entries: list[tuple[str, Member]]) -> list[tuple[str, bytes, bool]]:
    """Fold entries about one id: collect the claims as they come, then judge each."""
    by: set[Member] = set()
    for created_by, author in entries:
        if OWNERS.get(created_by) == author:
            by.add(author)
    return [
        (created_by, author, forged(created_by, STIX, author, OWNERS, {STIX: by})) for created_by, author in entries
    ]


@given(_ENTRIES, st.sampled_from(["", OTHER, *OWNERS]), st.sampled_from([ANNA, BORA, CARL]))
def test_more_claims_of_others_never_make_a_forgery_right(
    entries: list[tuple[str, Member]], created_by: str, author: Member
) -> None:
    by = {who for _, who in entries if who != author}
    before = forged(created_by, STIX, author, OWNERS, {STIX: set(list(by)[:1])})
    after = forged(created_by, STIX, author, OWNERS, {STIX: by})
    assert after or not before
