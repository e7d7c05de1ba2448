"""A member demands four eyes of itself: who brought an item does not release it, a colleague does."""

from __future__ import annotations

import pytest

from entente.core.errors import InvalidError, NotFoundError
from network import Network
from stories.story import bundle, indicator


def test_a_second_person_releases_what_the_first_brought() -> None:
    network = Network(11)
    dover, calais = network.add("Dover"), network.add("Calais")
    circle = network.agree(dover, calais)
    colleague = dover.people.add("Rosa", ["releaser"])
    dover.settings.set("four-eyes", "on")

    done = dover.items.import_files([("one", bundle(indicator(1)))], tlp="green", circle=circle)
    assert (done.stored, done.shared, done.refused) == (1, 0, {"four-eyes": 1})
    item = dover.items.list().items[0].id
    assert dover.sharing.send([item], circle).shared == 0

    assert dover.sharing.send([item], circle, person=colleague.person).shared == 1
    network.settle()
    assert [each.id for each in calais.items.list().items] == [item]
    assert dover.sharing.why(item)[0].person == colleague.person


def test_a_setting_that_is_none_is_refused() -> None:
    node = Network(12).add("Dover")
    with pytest.raises(NotFoundError):
        node.settings.set("six-eyes", "on")
    with pytest.raises(InvalidError):
        node.settings.set("four-eyes", "maybe")
    assert node.settings.show().four_eyes == "off"
