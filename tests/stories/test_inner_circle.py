"""A circle inside an agreement of three: Harbour and Northwind speak between themselves, Summit learns nothing of it.

Not the circle, not its name, not its logs, not what is in them, not even that it exists: Summit's home is searched byte
for byte. And whatever Summit asks for, it gets the same answer as if there were no such circle.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entente.core import merkle
from entente.core.ids import origin_hash, unb32
from entente.exchange.messages import Head, Message, Want, decode, encode
from stories.homes import House, agree, houses, pair, settle
from stories.story import bundle, give, holds, id_of, indicator, marked

if TYPE_CHECKING:
    from collections.abc import Iterator

INNER_ITEM = indicator(
    1, id="indicator--8e41d70b-93c5-4f2a-b6e8-0c5d7a12f493", name="Only between us two", **marked("TLP:AMBER")
)
OPEN_ITEM = indicator(2, name="For all three", **marked("TLP:GREEN"))


class Story:
    """Three members with one agreement, a circle of two in it, an item in each."""

    def __init__(self, members: list[House]) -> None:
        self.houses = members
        self.harbour, self.northwind, self.summit = (house.node for house in members)
        nodes = (self.harbour, self.northwind, self.summit)
        pair(self.harbour, self.northwind)
        pair(self.harbour, self.summit)
        pair(self.northwind, self.summit)
        self.outer = agree(*nodes)
        agreement = self.harbour.agreements.list()[0].id
        made = self.harbour.agreements.open_circle(agreement, [self.northwind.member], name="Whispering gallery")
        self.inner = made.circle
        self.harbour.agreements.sign(self.inner)
        settle(*nodes)
        self.northwind.agreements.sign(self.inner)
        settle(*nodes)
        assert give(self.harbour, self.inner, INNER_ITEM).shared == 1
        assert give(self.northwind, self.outer, OPEN_ITEM).shared == 1
        settle(*nodes)
        self.northwind.items.acknowledge([id_of(INNER_ITEM)])
        settle(*nodes)

    def origins(self) -> list[str]:
        """Return the origins of the logs of the inner circle."""
        with self.harbour.base.store.read() as tx:
            circle = unb32(self.inner, 32)
            return [row.origin for row in tx.logs.all() if row.circle == circle]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    with houses(tmp_path_factory.mktemp("inner"), "Harbour", "Northwind", "Summit") as found:
        yield Story(found)


def test_the_two_share_in_their_circle_and_all_three_in_theirs(story: Story) -> None:
    assert holds(story.northwind, id_of(INNER_ITEM))
    assert not holds(story.summit, id_of(INNER_ITEM))
    for node in (story.harbour, story.northwind, story.summit):
        assert holds(node, id_of(OPEN_ITEM))


def test_no_byte_of_the_circle_stands_in_the_third_members_home(story: Story) -> None:
    origins = story.origins()
    assert len(origins) == 2
    circle = unb32(story.inner, 32)
    texts = ["Whispering gallery", "Only between us two", id_of(INNER_ITEM), id_of(INNER_ITEM)[-36:], story.inner]
    texts += origins + [origin.rpartition("/")[2] for origin in origins]
    number = id_of(INNER_ITEM).partition("--")[2].replace("-", "")
    sought = [text.encode() for text in texts] + [circle, *(origin_hash(origin) for origin in origins)]
    sought += [bytes.fromhex(number[:16]), bytes.fromhex(number[16:])]
    there = b"".join(story.houses[0].files().values())
    assert all(each in there for each in (b"Whispering gallery", b"Only between us two", circle))
    for name, data in story.houses[2].files().items():
        assert [each for each in sought if each in data] == [], name


def test_the_third_member_cannot_list_or_name_it(story: Story) -> None:
    assert [circle.id for circle in story.summit.agreements.circles()] == [story.outer]
    assert story.inner not in str(story.summit.agreements.list())
    assert story.summit.exchange.sync()
    assert len(story.summit.ledger.verify().logs) == 6


def test_asking_for_its_logs_gets_the_answer_of_logs_that_do_not_exist(story: Story) -> None:
    """Summit has learnt an origin by chance and asks for heads, entries and payloads: as good as a made-up one."""

    def answer(log: bytes) -> bytes:
        asked = Message(full=True, heads=[Head(log, 0, merkle.EMPTY_ROOT)], wants=[Want(log, [0, 1, 2])])
        reply = decode(story.harbour.door.handle_exchange(story.summit.base.me, encode(asked)))
        known = Head(log, 0, merkle.EMPTY_ROOT)
        assert known in reply.heads
        assert not reply.deliveries
        return encode(Message(heads=[each for each in reply.heads if each != known], parts=reply.parts))

    for origin in story.origins():
        assert answer(origin_hash(origin)) == answer(bytes(32))


def test_the_third_member_cannot_be_named_in_a_circle_that_it_did_not_sign(story: Story) -> None:
    agreement = story.harbour.agreements.list()[0].id
    made = story.harbour.agreements.open_circle(agreement, [story.summit.member], name="Not signed")
    done = story.harbour.items.import_files([("file", bundle(indicator(9)))], tlp="TLP:GREEN", circle=made.circle)
    assert done.shared == 0
    assert set(done.refused) == {"circle"}


def test_an_item_of_the_inner_circle_is_not_passed_on_by_who_received_it(story: Story) -> None:
    preview = story.northwind.sharing.preview([id_of(INNER_ITEM)], story.outer)
    assert not preview.allowed
    assert "onward" in {reason.rule for reason in preview.decisions[0].reasons}
    again = story.northwind.items.import_files([("file", bundle(INNER_ITEM))], circle=story.outer)
    assert again.shared == 0
    assert "onward" in again.refused
