"""Harbour and Northwind both know something about an object of a third party, and say different things about it.

Neither owns it, so each keeps its own copy and both copies are shown with who brought them. The newest version is the
one that both sides show; a member that revokes the object revokes its own copy only; and where two members bring
different bytes for one moment, both sides see that they disagree.
"""

from __future__ import annotations

import pytest

from network import Network
from stories.story import DAY, LAST, LATER, copies, give, id_of, indicator, raw, reasons, shown

VENDOR = "identity--00000000-0000-4000-8000-0000000000ff"


class Story:
    """Two members, one circle, and rounds until nothing moves."""

    def __init__(self) -> None:
        self.network = Network(5)
        self.harbour, self.northwind = self.network.add("Harbour"), self.network.add("Northwind")
        self.both = (self.harbour, self.northwind)
        self.circle = self.network.agree(*self.both)

    def brings(self, member: str, /, **more: object) -> dict[str, object]:
        """Let a member share a version of the vendor's indicator; return it."""
        thing = indicator(1, created_by_ref=VENDOR, **more)
        node = self.harbour if member == "Harbour" else self.northwind
        assert give(node, self.circle, thing).shared == 1
        self.network.settle()
        return thing


@pytest.fixture
def story() -> Story:
    return Story()


def test_both_copies_are_shown_with_who_brought_them(story: Story) -> None:
    one = story.brings("Harbour", description="Seen at the quay")
    story.brings("Northwind", description="Seen in the north", modified=LATER)
    for node in story.both:
        view = node.items.show(id_of(one))
        assert {copy.author for copy in view.copies} == {story.harbour.member, story.northwind.member}
        assert [copy.author for copy in view.copies if copy.shown] == [story.northwind.member]
        assert view.author == story.northwind.member
        assert not any(copy.conflict for copy in view.copies)


@pytest.mark.parametrize("newer", ["Harbour", "Northwind"])
def test_the_newest_is_shown_on_both_sides_in_whatever_order_it_came(story: Story, newer: str) -> None:
    older = "Northwind" if newer == "Harbour" else "Harbour"
    late = story.brings(newer, modified=LATER, name="The later word")
    story.brings(older, modified=DAY, name="The earlier word")
    for node in story.both:
        assert shown(node, id_of(late)) == raw(late)
        assert len(copies(node, id_of(late))) == 2


def test_a_member_may_follow_with_a_newer_copy_of_its_own(story: Story) -> None:
    story.brings("Harbour", modified=DAY)
    story.brings("Northwind", modified=LATER)
    last = story.brings("Harbour", modified=LAST, name="Third")
    for node in story.both:
        assert shown(node, id_of(last)) == raw(last)
        assert [copy.modified for copy in node.items.show(id_of(last)).copies if copy.shown] == [LAST]


def test_neither_member_can_revoke_what_the_other_brought(story: Story) -> None:
    story.brings("Harbour", modified=DAY)
    theirs = story.brings("Northwind", modified=LATER, name="Still true")
    story.brings("Harbour", modified=LAST, revoked=True)
    for node in story.both:
        view = node.items.show(id_of(theirs))
        assert shown(node, id_of(theirs)) == raw(theirs)
        assert {(copy.author, copy.revoked) for copy in view.copies} == {
            (story.harbour.member, True),
            (story.northwind.member, False),
        }
        assert reasons(node, story.circle) == []


def test_once_both_have_revoked_it_is_shown_as_revoked(story: Story) -> None:
    story.brings("Harbour", modified=DAY, revoked=True)
    last = story.brings("Northwind", modified=LATER, revoked=True)
    for node in story.both:
        view = node.items.show(id_of(last))
        assert view.object["revoked"] is True
        assert shown(node, id_of(last)) == raw(last)


def test_different_words_for_the_same_moment_are_shown_as_a_conflict(story: Story) -> None:
    one = story.brings("Harbour", name="Heron")
    other = story.brings("Northwind", name="Egret")
    views = [node.items.show(id_of(one)) for node in story.both]
    for view in views:
        assert [copy.conflict for copy in view.copies] == [True, True]
    assert shown(story.harbour, id_of(one)) == shown(story.northwind, id_of(one))
    assert shown(story.harbour, id_of(one)) in (raw(one), raw(other))


def test_a_conflict_ends_when_one_of_them_writes_a_newer_version(story: Story) -> None:
    one = story.brings("Harbour", name="Heron")
    story.brings("Northwind", name="Egret")
    agreed = story.brings("Northwind", name="Heron", modified=LATER)
    for node in story.both:
        assert shown(node, id_of(one)) == raw(agreed)
        assert not any(copy.conflict for copy in node.items.show(id_of(one)).copies if copy.shown)


def test_equal_bytes_of_two_members_are_two_entries_and_no_conflict(story: Story) -> None:
    one = story.brings("Harbour")
    story.brings("Northwind")
    for node in story.both:
        view = node.items.show(id_of(one))
        assert len({(entry.origin, entry.index) for entry in view.entries}) == 1 or len(view.entries) == 2
        assert not any(copy.conflict for copy in view.copies)
        assert {copy.author for copy in view.copies} == {story.harbour.member, story.northwind.member}


def test_what_a_partner_brought_cannot_be_passed_on_as_ones_own(story: Story) -> None:
    """Importing the same bytes makes a copy of one's own; sending the partner's copy on is refused."""
    theirs = story.brings("Northwind")
    preview = story.harbour.sharing.preview([id_of(theirs)], story.circle)
    assert not preview.allowed
    assert [reason.rule for reason in preview.decisions[0].reasons] == ["onward"]
