"""Nobody changes what belongs to somebody else: Northwind sends versions of an object that Harbour owns.

An object is Harbour's when it names Harbour's derived identity, or one that Harbour's profile lists, as its creator.
Northwind's program would refuse to share a version of it, so Northwind is made dishonest: it writes the entry past
all rules. Whoever calls whom, Harbour keeps its own bytes, says `forged-update` in a signed act that names the entry,
and takes what comes after the forgery.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entente.core.ids import identity_id
from network import Network
from stories.story import (
    LAST,
    LATER,
    copies,
    forge,
    give,
    holds,
    id_of,
    identity,
    indicator,
    log_sizes,
    raw,
    reasons,
    refusals,
    shown,
    stix,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from entente.node import Node

PARTNER_IDENTITY = "identity--3c7d1b52-94ae-4f10-8d2b-60f1e8a97c44"
Forgery = "Callable[[Node, Node], dict[str, object]]"


def owned(harbour: Node, **more: object) -> dict[str, object]:
    """Return the campaign that Harbour shared, or another version of it."""
    return stix("campaign", 1, **{"created_by_ref": identity_id(harbour.base.me), "modified": LATER, **more})


FORGERIES: dict[str, Callable[[Node, Node], dict[str, object]]] = {
    "under the owner's identity, newer": lambda a, _b: owned(a, modified=LAST, name="Forged"),
    "under the owner's identity, older": lambda a, _b: owned(
        a, modified="2026-08-31T00:00:00Z", created="2026-08-31T00:00:00Z"
    ),
    "under the owner's identity, same time": lambda a, _b: owned(a, name="Forged"),
    "under the owner's identity in upper case": lambda a, _b: owned(
        a, modified=LAST, created_by_ref="identity--" + identity_id(a.base.me).removeprefix("identity--").upper()
    ),
    "without a creator": lambda a, _b: owned(a, modified=LAST, created_by_ref=None),
    "under the forger's identity": lambda a, b: owned(a, modified=LAST, created_by_ref=identity_id(b.base.me)),
    "under a third party's identity": lambda a, _b: owned(
        a, modified=LAST, created_by_ref="identity--00000000-0000-4000-8000-0000000000ff"
    ),
    "under a listed identity": lambda a, _b: owned(a, modified=LAST, created_by_ref=PARTNER_IDENTITY),
    "revoked": lambda a, _b: owned(a, modified=LAST, revoked=True),
    "revoked without a creator": lambda a, _b: owned(a, modified=LAST, revoked=True, created_by_ref=None),
    "the owner's identity object": lambda a, _b: identity(a, modified=LAST, name="Harbour (moved)"),
    "the owner's identity object without a name": lambda a, _b: identity(a, name="x", created_by_ref=None),
    "a new object of the owner": lambda a, _b: stix("campaign", 77, created_by_ref=identity_id(a.base.me)),
}


class Story:
    """Harbour and Northwind in one circle; Harbour has shared its campaign, its identity and a new version."""

    def __init__(self, seed: int = 6) -> None:
        self.network = Network(seed)
        self.harbour, self.northwind = self.network.add("Harbour"), self.network.add("Northwind")
        self.circle = self.network.agree(self.harbour, self.northwind)
        self.harbour.profile.set(identities=[PARTNER_IDENTITY])
        self.network.settle()
        self.mine = (owned(self.harbour), identity(self.harbour))
        assert give(self.harbour, self.circle, *self.mine).shared == 2
        self.network.settle()

    def exchange(self, caller: str) -> None:
        """Hold rounds in which one side calls: Harbour pulls, or Northwind pushes."""
        node = self.harbour if caller == "Harbour" else self.northwind
        for _ in range(3):
            assert [done.error for done in node.exchange.sync()] == [""]


@pytest.fixture
def story() -> Story:
    return Story()


@pytest.mark.parametrize("caller", ["Harbour", "Northwind"], ids=["on pull", "on push"])
@pytest.mark.parametrize("forgery", list(FORGERIES))
def test_forged_update_on_pull_and_push_is_refused(story: Story, forgery: str, caller: str) -> None:
    harbour, northwind, circle = story.harbour, story.northwind, story.circle
    forged = FORGERIES[forgery](harbour, northwind)
    honest, after = indicator(1, name="before it"), indicator(2, name="after it")
    before = copies(harbour, id_of(forged))
    start = log_sizes(northwind, circle)["Northwind"]
    forge(northwind, circle, honest, forged, after)
    story.exchange(caller)
    assert copies(harbour, id_of(forged)) == before
    assert [(reason, index) for _, reason, index in refusals(harbour, circle)] == [("forged-update", start + 1)]
    assert shown(harbour, id_of(honest)) == raw(honest)
    assert shown(harbour, id_of(after)) == raw(after)
    assert log_sizes(harbour, circle)["Northwind"] == start + 3
    assert harbour.ledger.verify().ok


def test_the_refusal_reaches_the_forger_as_a_signed_act(story: Story) -> None:
    forge(story.northwind, story.circle, owned(story.harbour, modified=LAST))
    story.network.settle()
    assert log_sizes(story.northwind, story.circle) == log_sizes(story.harbour, story.circle)
    view = story.northwind.items.show(id_of(owned(story.harbour)))
    assert all(receipt.stage != "stored" for receipt in view.receipts) or view.author == story.harbour.member


def test_another_type_under_the_same_number_is_another_object(story: Story) -> None:
    """An id holds its type: what has another one is no version of Harbour's object and cannot replace it."""
    same_number = stix("malware", 1, is_family=False, modified=LAST)
    wrong = owned(story.harbour, type="malware", modified=LAST, is_family=False)
    forge(story.northwind, story.circle, same_number, wrong)
    story.network.settle()
    assert holds(story.harbour, id_of(same_number))
    assert reasons(story.harbour, story.circle) == ["malformed"]
    assert shown(story.harbour, id_of(owned(story.harbour))) == raw(owned(story.harbour))


def test_the_honest_program_refuses_to_send_it(story: Story) -> None:
    done = give(story.northwind, story.circle, owned(story.harbour, modified=LAST, created_by_ref=None))
    assert done.shared == 0
    assert done.refused == {"owner": 1}


def test_the_owner_itself_can_update(story: Story) -> None:
    newer = owned(story.harbour, modified=LAST, name="Renamed")
    assert give(story.harbour, story.circle, newer).shared == 1
    story.network.settle()
    assert shown(story.northwind, id_of(newer)) == raw(newer)
    assert reasons(story.northwind, story.circle) == []


@pytest.mark.parametrize("forgery", ["without a creator", "under the owner's identity, newer"])
def test_a_third_member_refuses_it_too_whoever_brings_it_the_log(forgery: str) -> None:
    network = Network(7)
    harbour, northwind, summit = (network.add(name) for name in ("Harbour", "Northwind", "Summit"))
    circle = network.agree(harbour, northwind, summit)
    mine = owned(harbour)
    give(harbour, circle, mine)
    network.settle()
    forge(northwind, circle, FORGERIES[forgery](harbour, northwind), indicator(3))
    network.wires[summit.base.me].cut.add(northwind.base.me)
    network.wires[northwind.base.me].cut.add(summit.base.me)
    network.settle()
    assert holds(summit, id_of(indicator(3)))
    assert reasons(summit, circle) == []  # Harbour passes on the leaf only: Summit has not seen the forgery yet
    network.wires[summit.base.me].cut.clear()
    network.wires[northwind.base.me].cut.clear()
    network.settle()
    for node in (harbour, summit):
        assert [data for _, _, data in copies(node, id_of(mine))] == [raw(mine)]
        assert reasons(node, circle) == ["forged-update"]
        assert holds(node, id_of(indicator(3)))
        assert node.ledger.verify().ok


@pytest.mark.parametrize("revoked", [False, True], ids=["newer", "revoked"])
def test_a_rival_claim_under_the_forgers_own_identity_replaces_the_owners_copy_nowhere(*, revoked: bool) -> None:
    """Summit cannot know who is right: it keeps both as rivals, and goes on showing the one that it had."""
    network = Network(7)
    harbour, northwind, summit = (network.add(name) for name in ("Harbour", "Northwind", "Summit"))
    circle = network.agree(harbour, northwind, summit)
    mine = owned(harbour)
    give(harbour, circle, mine)
    network.settle()
    rival = owned(harbour, modified=LAST, revoked=revoked, created_by_ref=identity_id(northwind.base.me), name="Rival")
    forge(northwind, circle, rival)
    network.settle()
    for node in (harbour, summit):
        assert shown(node, id_of(mine)) == raw(mine)
        assert node.ledger.verify().ok
    assert reasons(harbour, circle) == ["forged-update"]
    assert [copy.author for copy in summit.items.show(id_of(mine)).copies if copy.shown] == [harbour.member]
    assert {copy.author for copy in summit.items.show(id_of(mine)).copies} == {harbour.member, northwind.member}
    later = owned(harbour, modified=LAST, name="The owner's next version")
    assert give(harbour, circle, later).shared == 1
    network.settle()
    for node in (harbour, summit):
        assert shown(node, id_of(mine)) == raw(later)


def test_a_forgery_that_came_before_the_profile_is_denied_when_the_profile_comes() -> None:
    """Northwind brings an object under an identity before Harbour says that this identity is its own."""
    network = Network(8)
    harbour, northwind = network.add("Harbour"), network.add("Northwind")
    circle = network.agree(harbour, northwind)
    early = stix("campaign", 1, created_by_ref=PARTNER_IDENTITY, name="Too early")
    forge(northwind, circle, early)
    network.settle()
    assert shown(harbour, id_of(early)) == raw(early)
    harbour.profile.set(identities=[PARTNER_IDENTITY])
    network.settle()
    assert [state for _, state, _ in copies(harbour, id_of(early))] == ["denied"]
    assert reasons(harbour, circle) == ["forged-update"]
    mine = stix("campaign", 1, created_by_ref=PARTNER_IDENTITY, modified=LATER, name="The owner's")
    assert give(harbour, circle, mine).shared == 1
    network.settle()
    for node in (harbour, northwind):
        assert shown(node, id_of(early)) == raw(mine)
        assert node.ledger.verify().ok


def test_a_copy_that_came_before_the_owners_own_version_is_denied_when_that_comes() -> None:
    network = Network(9)
    harbour, northwind = network.add("Harbour"), network.add("Northwind")
    circle = network.agree(harbour, northwind)
    early = owned(harbour, created_by_ref=None, modified=LAST, name="A copy without its creator")
    forge(northwind, circle, early)
    network.settle()
    assert shown(harbour, id_of(early)) == raw(early)
    mine = owned(harbour)
    assert give(harbour, circle, mine).shared == 1
    network.settle()
    assert [(state, data) for _, state, data in copies(harbour, id_of(mine))] == [
        ("denied", raw(early)),
        ("held", raw(mine)),
    ]
    assert reasons(harbour, circle) == ["forged-update"]
    for node in (harbour, northwind):
        assert shown(node, id_of(mine)) == raw(mine)
        assert node.ledger.verify().ok


def test_what_others_brought_is_denied_on_every_side_when_its_owner_shows_up() -> None:
    """Summit learns of it by entries alone: first Northwind's copies, then Harbour's profile and own version."""
    network = Network(11)
    harbour, northwind, summit = (network.add(name) for name in ("Harbour", "Northwind", "Summit"))
    circle = network.agree(harbour, northwind, summit)
    named = stix("identity", 5, id=PARTNER_IDENTITY, identity_class="organization", name="Not the owner's words")
    under = stix("campaign", 1, created_by_ref=PARTNER_IDENTITY, name="Too early")
    bare = stix("campaign", 2, name="Without its creator")
    other = stix("campaign", 3, name="Nobody's")
    assert give(northwind, circle, named, under, bare, other).shared == 4
    network.settle()
    mine = stix("campaign", 2, created_by_ref=PARTNER_IDENTITY, name="The owner's")
    assert give(harbour, circle, mine).shared == 1
    network.settle()
    harbour.profile.set(identities=[PARTNER_IDENTITY])
    network.settle()
    for node in (harbour, northwind, summit):
        for thing in (named, under):
            assert [state for _, state, _ in copies(node, id_of(thing))] == ["denied"]
        assert [(state, data) for _, state, data in copies(node, id_of(bare))] == [
            ("denied", raw(bare)),
            ("held", raw(mine)),
        ]
        assert [state for _, state, _ in copies(node, id_of(other))] == ["held"]
        assert reasons(node, circle) == ([] if node is northwind else ["forged-update"] * 3)


def test_an_identity_that_two_members_claim_belongs_to_nobody() -> None:
    network = Network(10)
    harbour, northwind = network.add("Harbour"), network.add("Northwind")
    circle = network.agree(harbour, northwind)
    for node in (harbour, northwind):
        node.profile.set(identities=[PARTNER_IDENTITY])
    network.settle()
    one = stix("campaign", 1, created_by_ref=PARTNER_IDENTITY)
    other = stix("campaign", 1, created_by_ref=PARTNER_IDENTITY, modified=LATER)
    assert give(harbour, circle, one).shared == 1
    assert give(northwind, circle, other).shared == 1
    network.settle()
    for node in (harbour, northwind):
        assert [copy.author for copy in node.items.show(id_of(one)).copies] != []
        assert shown(node, id_of(one)) == raw(other)
        assert reasons(node, circle) == []
