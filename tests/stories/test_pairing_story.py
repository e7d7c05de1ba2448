"""Two members meet: by a short code told over the telephone, or by cards carried by hand where no network is.

A code is good for one try and ten minutes; whoever tries a wrong one spoils it. Words that do not match end the
pairing. A member that nobody can call still gets everything, because it calls; and the card of a member that has moved
brings its new address.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entente.core.errors import ConflictError, EntenteError, InvalidError, NotFoundError, VerificationError
from network import Network
from stories.homes import UNREACHABLE, House, agree, houses, settle
from stories.story import give, holds, id_of, indicator, raw, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entente.node import Node

MINUTE = 60 * 1000


class Story:
    """Two members that have not met."""

    def __init__(self) -> None:
        self.network = Network(9)
        self.harbour, self.northwind = self.network.add("Harbour"), self.network.add("Northwind")

    def states(self) -> list[str]:
        """Return how far the pairing is, from both sides."""
        return [each.state for node in (self.harbour, self.northwind) for each in node.partners.list()]


@pytest.fixture
def story() -> Story:
    return Story()


def confirm(one: Node, other: Node) -> str:
    """Let one member enter the words that the other reads out."""
    return one.partners.confirm(other.member, " ".join(other.words)).state


def test_a_code_and_the_words_pair_two_members(story: Story) -> None:
    invitation = story.harbour.partners.invite()
    met = story.northwind.partners.join(invitation.url, invitation.code)
    assert (met.partner, met.words, met.state) == (story.harbour.member, story.harbour.words, "met")
    assert confirm(story.harbour, story.northwind) == "waiting"
    assert confirm(story.northwind, story.harbour) == "paired"
    assert story.states() == ["paired", "paired"]


@pytest.mark.parametrize("spelling", [str.upper, lambda code: code.replace("-", " "), lambda code: f"  {code} "])
def test_a_code_may_be_typed_as_people_type(story: Story, spelling: object) -> None:
    invitation = story.harbour.partners.invite()
    assert callable(spelling)
    assert story.northwind.partners.join(invitation.url, spelling(invitation.code)).name == "Harbour"


def test_a_wrong_code_is_refused_and_the_right_one_is_spoilt_by_it(story: Story) -> None:
    invitation = story.harbour.partners.invite()
    wrong = f"{invitation.code[:4]}abacus-abacus"
    with pytest.raises(VerificationError):
        story.northwind.partners.join(invitation.url, wrong)
    with pytest.raises(NotFoundError):
        story.northwind.partners.join(invitation.url, invitation.code)
    assert story.states() == []


def test_a_code_is_not_taken_a_second_time(story: Story) -> None:
    summit = story.network.add("Summit")
    invitation = story.harbour.partners.invite()
    story.northwind.partners.join(invitation.url, invitation.code)
    with pytest.raises(NotFoundError):
        summit.partners.join(invitation.url, invitation.code)
    assert [each.name for each in story.harbour.partners.list()] == ["Northwind"]


def test_an_expired_code_is_refused(story: Story) -> None:
    invitation = story.harbour.partners.invite()
    story.network.now += 10 * MINUTE
    with pytest.raises(NotFoundError):
        story.northwind.partners.join(invitation.url, invitation.code)
    assert story.states() == []


def test_a_code_is_good_for_almost_ten_minutes(story: Story) -> None:
    invitation = story.harbour.partners.invite()
    story.network.now += 10 * MINUTE - 1000
    assert story.northwind.partners.join(invitation.url, invitation.code).name == "Harbour"


def test_at_most_three_codes_are_open(story: Story) -> None:
    for _ in range(3):
        story.harbour.partners.invite()
    with pytest.raises(EntenteError) as caught:
        story.harbour.partners.invite()
    assert caught.value.hint
    story.network.now += 10 * MINUTE
    assert story.harbour.partners.invite()


def test_what_is_no_code_costs_no_try(story: Story) -> None:
    invitation = story.harbour.partners.invite()
    for text in ("", "abc", invitation.code[3:], invitation.code[:3], invitation.code + "-zz", "9" * 10_000, "\x00"):
        with pytest.raises(InvalidError):
            story.northwind.partners.join(invitation.url, text)
    assert story.northwind.partners.join(invitation.url, invitation.code)


@pytest.mark.parametrize("words", ["own", "swapped", "five", "none", "seven", "unknown"])
def test_wrong_words_end_the_pairing(story: Story, words: str) -> None:
    right = story.northwind.words
    given = {
        "own": " ".join(story.harbour.words),
        "swapped": " ".join([*right[1:], right[0]]),
        "five": " ".join(right[:5]),
        "none": "",
        "seven": " ".join([*right, "abacus"]),
        "unknown": " ".join([*right[:5], "notawordofthelist"]),
    }[words]
    story.harbour.partners.add(story.northwind.partners.card())
    story.northwind.partners.add(story.harbour.partners.card())
    confirm(story.northwind, story.harbour)
    with pytest.raises(EntenteError) as caught:
        story.harbour.partners.confirm(story.northwind.member, given)
    assert caught.value.hint or caught.value.message
    if isinstance(caught.value, InvalidError):  # what cannot be the words of anybody was mistyped
        assert words in {"five", "none", "seven", "unknown"}
        return
    assert caught.value.code == "words"
    with pytest.raises(NotFoundError):
        confirm(story.harbour, story.northwind)
    assert story.states() == ["dead", "waiting"]
    assert not story.harbour.door.is_paired(story.northwind.base.me)
    assert story.northwind.exchange.sync() == []


def test_a_dead_pairing_can_be_begun_again(story: Story) -> None:
    story.harbour.partners.add(story.northwind.partners.card())
    with pytest.raises(VerificationError):
        story.harbour.partners.confirm(story.northwind.member, " ".join(story.harbour.words))
    story.network.pair(story.harbour, story.northwind)
    assert story.states() == ["paired", "paired"]


def test_one_side_alone_pairs_nobody(story: Story) -> None:
    story.harbour.partners.add(story.northwind.partners.card())
    assert confirm(story.harbour, story.northwind) == "waiting"
    assert story.northwind.partners.list() == []
    with pytest.raises(EntenteError):
        story.harbour.agreements.propose([story.northwind.member])
    assert not story.northwind.door.is_paired(story.harbour.base.me)


def test_ones_own_card_is_refused(story: Story) -> None:
    with pytest.raises(ConflictError):
        story.harbour.partners.add(story.harbour.partners.card())


def test_a_member_that_takes_the_name_of_another_is_refused(story: Story) -> None:
    for name in ("Northwind", "northwind", "NORTHWIND"):
        double = story.network.add(name)
        if not story.harbour.partners.list():
            story.harbour.partners.add(story.northwind.partners.card())
        with pytest.raises(ConflictError):
            story.harbour.partners.add(double.partners.card())
    assert len(story.harbour.partners.list()) == 1


def move(node: Node, url: str) -> None:
    """Change a member's address."""
    node.keys.set_url(url)


def test_a_newer_card_updates_the_address_and_an_older_one_changes_nothing(story: Story) -> None:
    old = story.harbour.partners.card()
    story.network.pair(story.harbour, story.northwind)
    move(story.harbour, "http://localhost:9999")
    new = story.harbour.partners.card()
    for card in (new, old, new):
        met = story.northwind.partners.add(card)
        assert met.state == "paired"
        assert [each.url for each in story.northwind.partners.list()] == ["http://localhost:9999"]


def test_a_new_address_also_comes_with_the_rounds(story: Story) -> None:
    story.network.pair(story.harbour, story.northwind)
    move(story.harbour, "http://localhost:9999")
    assert story.harbour.exchange.sync()[0].error == ""
    assert [each.url for each in story.northwind.partners.list()] == ["http://localhost:9999"]
    assert [each.state for each in story.northwind.partners.list()] == ["paired"]


def test_a_card_that_contradicts_the_known_history_is_refused(story: Story) -> None:
    """The same member, two histories of one length: the second card is refused and the first address stays."""
    twin = Network(9).add("Harbour")
    assert twin.member == story.harbour.member
    story.northwind.partners.add(story.harbour.partners.card())
    before = [each.url for each in story.northwind.partners.list()]
    move(story.harbour, "http://localhost:9998")
    move(twin, "http://localhost:9997")
    story.northwind.partners.add(story.harbour.partners.card())
    with pytest.raises(EntenteError):
        story.northwind.partners.add(twin.partners.card())
    assert [each.url for each in story.northwind.partners.list()] == ["http://localhost:9998"] != before


@pytest.fixture
def far(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, House]]:
    """Give a member that can be called and one that cannot: its address leads nowhere."""
    folder = tmp_path_factory.mktemp("far")
    with houses(folder, "Harbour") as (harbour,):
        hermit = House(folder, "Hermit", url=UNREACHABLE)
        try:
            yield harbour, hermit
        finally:
            hermit.close()


def test_a_member_that_cannot_be_called_gets_everything_by_calling(far: tuple[House, House]) -> None:
    harbour, hermit = (house.node for house in far)
    harbour.partners.add(hermit.partners.card())
    hermit.partners.add(harbour.partners.card())
    assert confirm(harbour, hermit) == "waiting"
    assert confirm(hermit, harbour) == "paired"
    assert UNREACHABLE in harbour.exchange.sync()[0].error
    circle = agree(harbour, hermit)
    assert give(harbour, circle, indicator(1)).shared == 1
    assert give(hermit, circle, indicator(2)).shared == 1
    settle(hermit)
    assert shown(hermit, id_of(indicator(1))) == raw(indicator(1))
    assert shown(harbour, id_of(indicator(2))) == raw(indicator(2))
    assert [each.stage for each in harbour.ledger.receipts(id_of(indicator(1)))] == ["stored"]
    assert [each.stage for each in hermit.ledger.receipts(id_of(indicator(2)))] == ["stored"]


def test_two_members_that_cannot_be_called_meet_through_a_third(far: tuple[House, House]) -> None:
    harbour, hermit = far
    assert hermit.home.parent.is_dir()
    recluse = House(hermit.home.parent, "Recluse", url=UNREACHABLE)
    try:
        nodes = (harbour.node, hermit.node, recluse.node)
        for one in nodes:
            for other in nodes:
                if one is not other:
                    one.partners.add(other.partners.card())
        for one in nodes:
            for other in nodes:
                if one is not other:
                    confirm(one, other)
        settle(*nodes)
        states = {node.name: sorted(each.state for each in node.partners.list()) for node in nodes}
        assert states["Harbour"] == ["paired", "paired"]
        # The two hermits cannot tell each other that they accept, so they stay `waiting`; the agreement needs Harbour.
        made = harbour.node.agreements.propose([hermit.node.member, recluse.node.member], name="Three")
        harbour.node.agreements.sign(made.agreement)
        settle(*nodes)
        for node in nodes[1:]:
            node.agreements.sign(made.agreement)
        settle(*nodes)
        assert give(hermit.node, made.circle, indicator(3)).shared == 1
        settle(*nodes)
        assert holds(recluse.node, id_of(indicator(3)))
    finally:
        recluse.close()
