"""A catalogue travels: Harbour shares ATT&CK for ICS with Northwind, and half a year later the next release of it.

Northwind must hold every object exactly as Harbour read it, Harbour must have Northwind's word for it, and the update
must say the same on both sides: what is new, what changed, what was revoked. What did not change is not sent again.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from network import Network
from stories.story import copies, log_sizes, shown

if TYPE_CHECKING:
    from pathlib import Path

    from entente.node import Node
    from entente.node.items.values import Imported


class Story:
    """Two members, the first release shared, then the second."""

    def __init__(self, first: Path, second: Path) -> None:
        self.files = (first, second)
        self.network = Network(16)
        self.harbour, self.northwind = self.network.add("Harbour"), self.network.add("Northwind")
        self.circle = self.network.agree(self.harbour, self.northwind)
        self.first = self._share(first)
        self.before = counts(self.northwind)
        self.shown_first = dict(self.northwind.items.export())
        self.size = log_sizes(self.northwind, self.circle)["Harbour"]
        self.receipts = {id_: self.harbour.ledger.receipts(id_) for id_ in list(self.shown_first)[::50]}
        self.second = self._share(second)
        self.after = counts(self.northwind)

    def _share(self, path: Path) -> Imported:
        done = self.harbour.items.import_files([path], tlp="TLP:CLEAR", circle=self.circle)
        self.network.settle()
        return done


def counts(node: Node) -> dict[str, int]:
    """Return what one partner's items have changed here."""
    (found,) = node.items.received()
    return {key: getattr(found, key) for key in ("new", "changed", "revoked", "unchanged")}


def objects(path: Path) -> dict[str, dict[str, object]]:
    """Return the objects of a bundle by id, read by a library that is not ours."""
    return {thing["id"]: thing for thing in json.loads(path.read_bytes())["objects"]}


def time_of(thing: dict[str, object]) -> object:
    """Return what orders the versions of an object; markings have no `modified`."""
    return thing.get("modified", thing.get("created"))


@pytest.fixture(scope="module")
def story(shared_data: Path) -> Story:
    return Story(shared_data / "attack" / "ics-attack-16.1.json", shared_data / "attack" / "ics-attack-17.1.json")


def test_every_object_of_the_first_release_is_shared(story: Story) -> None:
    done = story.first
    assert (done.read, done.stored, done.new, done.shared) == (1871, 1871, 1871, 1871)
    assert (done.rejected, done.refused) == ([], {})


def test_the_partner_holds_equal_json_and_the_very_bytes(story: Story) -> None:
    assert {id_: json.loads(data) for id_, data in story.shown_first.items()} == objects(story.files[0])
    document = story.files[0].read_bytes()
    assert all(data in document for data in story.shown_first.values())


def test_receipts_say_that_the_partner_stored_it(story: Story) -> None:
    assert story.receipts
    for receipts in story.receipts.values():
        assert [(each.member, each.stage) for each in receipts] == [(story.northwind.member, "stored")]


def test_the_update_counts_the_same_on_both_sides(story: Story) -> None:
    done = story.second
    assert (done.new, done.changed, done.unchanged) == (12, 1608, 31)
    came = {key: story.after[key] - story.before[key] for key in story.after}
    assert (came["new"], came["changed"], came["revoked"]) == (done.new, done.changed, done.revoked)


def test_revoked_objects_of_the_first_release_count_the_same_on_both_sides(story: Story) -> None:
    revoked = sum(bool(thing.get("revoked")) for thing in objects(story.files[0]).values())
    assert story.first.revoked == story.before["revoked"] == revoked == 2


def test_what_did_not_change_is_not_sent_again(story: Story) -> None:
    grown = log_sizes(story.northwind, story.circle)["Harbour"] - story.size
    assert grown == story.second.shared == story.second.new + story.second.changed


def test_both_sides_show_the_same_version_of_every_object(story: Story) -> None:
    ours, theirs = dict(story.harbour.items.export()), dict(story.northwind.items.export())
    assert ours == theirs
    newer = objects(story.files[1])
    odd = [id_ for id_, thing in newer.items() if json.loads(theirs[id_]) != thing]
    older = objects(story.files[0])
    assert [time_of(older[id_]) for id_ in odd] == [time_of(newer[id_]) for id_ in odd]
    assert len(odd) <= 1


def test_an_earlier_version_stays_beside_the_later_one(story: Story) -> None:
    older, newer = objects(story.files[0]), objects(story.files[1])
    id_ = next(id_ for id_ in newer if id_ in older and time_of(newer[id_]) != time_of(older[id_]))
    versions = [json.loads(data) for _, _, data in copies(story.northwind, id_)]
    assert versions == [older[id_], newer[id_]]
    assert json.loads(shown(story.northwind, id_)) == newer[id_]


def test_a_release_above_the_ceiling_is_refused_as_a_whole(story: Story) -> None:
    sizes = log_sizes(story.northwind, story.circle)
    done = story.northwind.items.import_files([story.files[0]], tlp="TLP:AMBER+STRICT", circle=story.circle)
    assert done.shared == 0
    assert done.refused["ceiling"] == 1871
    story.network.settle()
    assert log_sizes(story.harbour, story.circle) == sizes


def test_everything_verifies_on_both_sides(story: Story) -> None:
    assert story.harbour.ledger.verify().ok
    assert story.northwind.ledger.verify().ok
